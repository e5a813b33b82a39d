//! Opening a ledger: its file, its settings, its creation.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, named_params};

use super::Kind;
use super::columns::only;
use super::{Ledger, LedgerError, line_ends, named_file, read_only};
use crate::rule::Rule;
use crate::tag::LedgerId;

const SCHEMA: &str = include_str!("../../../schema.sql");
/// `application_id` and `user_version` of `schema.sql`.
const APPLICATION_ID: i64 = 1_651_864_947;
const VERSION: i64 = 4;
/// The first version in which all texts end their lines by LF.
const FIRST_WITH_LF: i64 = 4;
/// What makes a ledger of version 1 one of version 2, and so on.
const UPGRADES: &[&str] =
    &[include_str!("upgrade_1_to_2.sql"), include_str!("upgrade_2_to_3.sql"), include_str!("upgrade_3_to_4.sql")];

impl Ledger {
    /// Opens the ledger at `path`, making a new one of this `kind` where there is none. The caller holds the lock.
    ///
    /// # Errors
    /// The file is no ledger, of a newer version, of the other kind, or cannot be written or closed to others.
    pub fn open(path: &Path, kind: Kind, now: i64) -> Result<Self, LedgerError> {
        if !path.exists() {
            make_file(path)?;
        }
        named_file::may_be_a_ledger(path)?;
        close_to_others(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(|e| LedgerError::from(e).at(path))?;
        // Opened to be read where it may not be written.
        if db.is_readonly("main").is_ok_and(|is_readonly| is_readonly) {
            let what = "it may not be written, so nothing was bought: see to its mode, its owner and how its disk is mounted. It \
                        can still be read, by `bursar status` and `bursar export`";
            return Err(LedgerError::File { path: path.to_owned(), what: what.to_owned() });
        }
        Self::from_connection(db, path, kind, now).map_err(|error| error.at(path))
    }

    /// Opens an existing ledger to read: nothing is written, and a process that buys is not disturbed.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let refuse = |what: String| Err(LedgerError::File { path: path.to_owned(), what });
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return refuse("there is no ledger here; `bursar run JOB` creates one".to_owned()),
            Err(error) => return refuse(format!("it cannot be looked for: {error}")),
        }
        named_file::may_be_a_ledger(path)?;
        let open = |db: Connection| {
            db.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;")?;
            // The last to close would fold the log back, by a file that it has no right to write.
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            check_version(&db, path)?;
            let (id, kind) = identity(&db)?.ok_or_else(|| LedgerError::Unexpected("a ledger without an id".into()))?;
            Ok(Self::with(db, path, id, kind))
        };
        let opened = Connection::open_with_flags(path, flags).map_err(LedgerError::from).and_then(open);
        let opened = match opened {
            Err(error) if read_only::is_the_reason(&error, path) => read_only::connection(path).and_then(open),
            opened => opened,
        };
        opened.map_err(|error| error.at(path))
    }

    /// A ledger in an open connection: tests put hooks on it, and simulations keep it in memory.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn from_connection(db: Connection, path: &Path, kind: Kind, now: i64) -> Result<Self, LedgerError> {
        check_sqlite(rusqlite::version())?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA fullfsync = ON;
             PRAGMA checkpoint_fullfsync = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA busy_timeout = 5000;
             PRAGMA cache_size = -65536;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA wal_autocheckpoint = 16000;
             PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA temp_store = MEMORY;",
        )?;
        // A statement is planned once, not again whenever a value that is bound to it differs.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        if !Rule::WrittenThrough.is_kept() {
            db.execute_batch("PRAGMA synchronous = NORMAL")?;
        }
        db.set_prepared_statement_cache_capacity(128);
        let empty: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], only)?;
        if empty == 0 {
            give_birth(&db, kind, now)?;
        }
        upgrade(&db, path)?;
        check_version(&db, path)?;
        let (id, stamped) = identity(&db)?.ok_or_else(|| LedgerError::Unexpected("a ledger without an id".into()))?;
        if stamped != kind {
            let what = format!(
                "this ledger was begun with {} money and cannot be used with {} money; name another with --ledger",
                stamped.name(),
                kind.name()
            );
            return Err(LedgerError::File { path: path.to_owned(), what });
        }
        Ok(Self::with(db, path, id, kind))
    }

    fn with(db: Connection, path: &Path, id: LedgerId, kind: Kind) -> Self {
        let (runs, names, asked) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self {
            db,
            path: path.to_owned(),
            id,
            kind,
            session: 0,
            cooled_down: false,
            anew: false,
            alone: None,
            outside: None,
            ids_are_indexed: false,
            runs,
            names,
            asked,
        }
    }

    /// Brings what is committed into the ledger's file: a copy of that alone then shows that purchases may be missing. To be
    /// called before the first purchase of a session.
    pub fn settle_in_file(&self) {
        to_the_file(&self.db);
    }

    /// A person says that it may buy again what another ledger has bought.
    pub fn begins_anew(&mut self) {
        self.anew = true;
    }

    /// Leaves one file behind, where no one else is reading. To be called after the last write of a clean end.
    pub fn tidy(&self) {
        // The WAL is as safe as the file: a reader that stops this costs nothing.
        if let Err(error) = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::debug!(%error, "the write-ahead log stays beside the ledger");
        }
    }
}

fn give_birth(db: &Connection, kind: Kind, now: i64) -> Result<(), LedgerError> {
    let mut random = [0_u8; 10];
    fill_random(db, &mut random)?;
    let birth = db.unchecked_transaction()?;
    birth.execute_batch(SCHEMA)?;
    birth.execute(
        "INSERT INTO ledger (one, ledger_id, kind, created_at) VALUES (1, :ledger_id, :kind, :created_at)",
        named_params! {
            ":ledger_id": LedgerId::from_random(random).as_str(), ":kind": kind.name(), ":created_at": now,
        },
    )?;
    birth.commit()?;
    to_the_file(db);
    Ok(())
}

/// Brings all that is committed from the log into the file, so that a copy of the file alone holds it.
pub(super) fn to_the_file(db: &Connection) {
    // A reader that stops this has the log in its hands.
    if let Err(error) = db.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())) {
        tracing::debug!(%error, "what is committed stays in the log beside the ledger for now");
    }
}

/// Brings a ledger of an earlier version to this one, in one commit. What was bought with it stays as it is.
fn upgrade(db: &Connection, path: &Path) -> Result<(), LedgerError> {
    if pragma(db, "application_id")? != APPLICATION_ID {
        return Ok(());
    }
    let whole = db.unchecked_transaction()?;
    if pragma(db, "user_version")? == 1 && !is_version_1(db)? {
        let what = "this ledger was begun by an unfinished bursar, before version 1 was what it became, and cannot be \
                    brought to this version; nothing of it was changed. The bursar that wrote it still reads it: let it \
                    collect and export what is in there, and name another ledger with --ledger";
        return Err(LedgerError::File { path: path.to_owned(), what: what.to_owned() });
    }
    let before = pragma(db, "user_version")?;
    while let Some(step) = usize::try_from(pragma(db, "user_version")? - 1).ok().and_then(|from| UPGRADES.get(from)) {
        db.execute_batch(step)?;
    }
    if let Some((id, _)) = identity(db)?.filter(|_| before < FIRST_WITH_LF) {
        line_ends::to_lf(db, &id)?;
    }
    whole.commit()?;
    Ok(())
}

/// Whether a ledger that calls itself version 1 has what the upgrade from there builds upon.
fn is_version_1(db: &Connection) -> Result<bool, LedgerError> {
    let sql = "SELECT count(*) = 2 FROM sqlite_schema WHERE (name = 'run' AND sql LIKE '%begins_at%')
               OR (name = 'attempt' AND sql LIKE '%coalesce(posted_nano, settled_nano)%')";
    Ok(db.query_row(sql, [], only)?)
}

fn pragma(db: &Connection, name: &str) -> Result<i64, LedgerError> {
    Ok(db.query_row(&format!("PRAGMA {name}"), [], only)?)
}

/// SQLite's own generator, seeded by the operating system.
pub(super) fn fill_random(db: &Connection, bytes: &mut [u8]) -> Result<(), LedgerError> {
    let random: Vec<u8> = db.query_row("SELECT randomblob(:bytes)", named_params! { ":bytes": bytes.len() }, only)?;
    bytes.copy_from_slice(&random);
    Ok(())
}

fn identity(db: &Connection) -> Result<Option<(LedgerId, Kind)>, LedgerError> {
    let row: Option<(String, String)> = db
        .query_row("SELECT ledger_id, kind FROM ledger", [], |row| Ok((row.get("ledger_id")?, row.get("kind")?)))
        .optional()?;
    Ok(row.and_then(|(id, kind)| {
        let kind = if kind == "sandbox" { Kind::Sandbox } else { Kind::Real };
        LedgerId::from_text(&id).map(|id| (id, kind))
    }))
}

fn check_version(db: &Connection, path: &Path) -> Result<(), LedgerError> {
    let what = match (pragma(db, "application_id")?, pragma(db, "user_version")?) {
        (APPLICATION_ID, VERSION) => return Ok(()),
        (APPLICATION_ID, older @ 1..VERSION) => {
            format!(
                "this ledger has version {older}, and this bursar reads {VERSION}: the next `bursar run` brings it there"
            )
        }
        (APPLICATION_ID, newer) => {
            format!("this ledger has version {newer}, and this bursar knows {VERSION}: use the bursar that wrote it")
        }
        _ => "this file is not a bursar ledger; name another with --ledger".to_owned(),
    };
    Err(LedgerError::File { path: path.to_owned(), what })
}

/// The version of the SQLite that is built in.
///
/// # Errors
/// It can lose commits, and no ledger is opened to be written with it.
pub fn sqlite_version() -> Result<&'static str, LedgerError> {
    check_sqlite(rusqlite::version()).map(|()| rusqlite::version())
}

/// The bug that can lose a commit after a checkpoint was fixed in 3.51.3; 3.52.0 was withdrawn.
fn check_sqlite(version: &str) -> Result<(), LedgerError> {
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let mut parts = version.split('.');
    let version_number = (number(parts.next()), number(parts.next()), number(parts.next()));
    if version_number < (3, 51, 3) || version_number == (3, 52, 0) {
        return Err(LedgerError::SqliteVersion(version.to_owned()));
    }
    Ok(())
}

/// A ledger's folder is there: one that is missing is a slip of the path, or a disk that is not mounted.
///
/// # Errors
/// It is not.
pub fn needs_its_folder(path: &Path) -> Result<(), LedgerError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let what = match folder.try_exists() {
        Ok(true) => return Ok(()),
        Ok(false) => format!(
            "its folder `{}` is not there, and bursar does not make it: a new ledger there would buy again what another one \
             has bought. Is the path mistyped, or a disk not mounted? Nothing was bought. Name the right ledger with --ledger, \
             or make the folder where a new ledger is meant",
            folder.display()
        ),
        Err(error) => format!("its folder `{}` cannot be looked at: {error}; nothing was bought", folder.display()),
    };
    Err(LedgerError::File { path: path.to_owned(), what })
}

/// No session has used a ledger at this path: there is none, or one that was never bought with.
pub fn is_new(path: &Path) -> bool {
    let is_empty = match std::fs::metadata(path) {
        Ok(file) => file.len() == 0,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    let is_unused = || {
        let ledger = Ledger::open_to_read(path)?;
        let used: bool = ledger.db.query_row("SELECT EXISTS (SELECT 1 FROM session)", [], only)?;
        Ok::<bool, LedgerError>(!used)
    };
    is_empty || is_unused().unwrap_or(false)
}

/// Makes the file so that only its owner can read it; SQLite gives its log the same mode.
fn make_file(path: &Path) -> Result<(), LedgerError> {
    let refuse = |what: String| LedgerError::File { path: path.to_owned(), what };
    needs_its_folder(path)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| refuse(format!("it cannot be made: {e}")))?;
    Ok(())
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> Result<(), LedgerError> {
    use std::os::unix::fs::PermissionsExt;
    let refuse = |what: String| LedgerError::File { path: path.to_owned(), what };
    let mode = std::fs::metadata(path).map_err(|e| refuse(format!("it cannot be read: {e}")))?.permissions().mode();
    if mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    // A copy made with `cp` is more open than its original; closing it is what its owner would do.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|e| refuse(format!("others can read it (mode {:o}), and that cannot be changed: {e}", mode & 0o777)))
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> Result<(), LedgerError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_can_lose_commits_is_refused() {
        for refused in ["3.7.0", "3.51.2", "3.52.0"] {
            assert!(check_sqlite(refused).is_err(), "{refused}");
        }
        for accepted in ["3.51.3", "3.53.0", "4.0.0", rusqlite::version()] {
            assert!(check_sqlite(accepted).is_ok(), "{accepted}");
        }
    }
}
