//! A ledger beside which nothing can be written: in a folder without write permission, or on a read-only disk.
//!
//! SQLite keeps a small file beside a database with a write-ahead log as long as it is open. If that file cannot be
//! created and does not exist, nobody has the ledger open, so it is read without locks and without that file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::LedgerError;

/// SQLite could not make its files beside the ledger, and no other process has made them.
pub(super) fn is_the_reason(error: &LedgerError, path: &Path) -> bool {
    let LedgerError::Store { said, .. } = error else { return false };
    let Some(said) = said.downcast_ref::<rusqlite::Error>() else { return false };
    let cannot_write = matches!(
        said.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    );
    cannot_write && !beside(path, "-shm").exists()
}

/// The ledger as it stands, all that is in its log included.
pub(super) fn connection(path: &Path) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let log = std::fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
    if log == 0 {
        // Without a log to read, SQLite need not look for one.
        let uri = format!("file:{}?immutable=1", encoded(path));
        return Ok(Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?);
    }
    let open = || {
        // Nobody is locked out, and the log is found through in memory.
        let db = Connection::open_with_flags_and_vfs(path, flags, c"unix-none")?;
        db.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    };
    open().map_err(|error: rusqlite::Error| LedgerError::File {
        path: path.to_owned(),
        what: format!(
            "its folder cannot be written, and {log} bytes of its last commits stand in `{}`, which cannot be read here \
             ({error}): copy both files to a folder that can be written, and read the copy there",
            beside(path, "-wal").display()
        ),
    })
}

/// A file of SQLite's beside the ledger.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// As it stands in a URI.
fn encoded(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
    }
    // A path that begins with two slashes would name another machine.
    if text.starts_with("//") { format!("//{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger with one row in its file and one in its log, as a killed process leaves it.
    fn killed(folder: &Path) -> PathBuf {
        let (alive, path) = (folder.join("alive.db"), folder.join("odd name?#%.db"));
        let db = Connection::open(&alive).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        db.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        for ending in ["", "-wal"] {
            std::fs::copy(beside(&alive, ending), beside(&path, ending)).unwrap();
        }
        path
    }

    fn sum(db: &Connection) -> i64 {
        db.query_row("SELECT sum(x) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn the_log_is_read_without_a_file_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path());
        let db = connection(&path).unwrap();
        assert_eq!(sum(&db), 3);
        assert!(!beside(&path, "-shm").exists());
        assert!(db.execute_batch("INSERT INTO t VALUES (3)").is_err());
        drop(db);
        assert!(std::fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);
    }

    #[test]
    fn without_a_log_nothing_is_made_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path());
        std::fs::remove_file(beside(&path, "-wal")).unwrap();
        let db = connection(&path).unwrap();
        assert_eq!(sum(&db), 1);
        assert!(!beside(&path, "-shm").exists() && !beside(&path, "-wal").exists());
    }
}
