//! The disk of a campaign: the ledger in memory, which can be full, broken, copied and restored, and the folder
//! outside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bursar::ledger::{Kind, Ledger, LedgerError, Lock, LockError};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

/// Names of databases in memory are shared by the whole process.
static NAMES: AtomicU64 = AtomicU64::new(0);

/// A ledger that is in no file, and a folder that is.
pub struct Disk {
    name: String,
    /// Reads for the checkers; and while it is open, the database lives.
    pub reader: Connection,
    /// Reads as `bursar audit` does.
    pub auditor: Ledger,
    folder: tempfile::TempDir,
    /// The last commit that succeeds, counted down; negative: all do.
    commits_left: Arc<AtomicI64>,
}

/// A copy of a ledger, as somebody makes one for safety.
pub struct Copy {
    db: Connection,
}

fn open(name: &str) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:/{name}?vfs=memdb"), flags).unwrap()
}

fn auditor(name: &str) -> Ledger {
    Ledger::from_connection(open(name), Path::new("bursar.db"), Kind::Sandbox, 0).unwrap()
}

fn new_name() -> String {
    format!("bursar-sim-{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

fn copy(from: &Connection, to: &mut Connection) {
    let step = Backup::new(from, to).unwrap().step(-1).unwrap();
    assert_eq!(step, rusqlite::backup::StepResult::Done);
}

thread_local! {
    /// A new ledger, with an id that is always the same: tags follow from it.
    static NEWBORN: Connection = {
        let name = new_name();
        let reader = open(&name);
        drop(Ledger::from_connection(open(&name), Path::new("bursar.db"), Kind::Sandbox, 0).unwrap());
        reader.execute("UPDATE ledger SET ledger_id = 'bursarsimulation'", []).unwrap();
        reader
    };
}

impl Disk {
    pub fn new(born: i64) -> Self {
        let name = new_name();
        let mut reader = open(&name);
        NEWBORN.with(|newborn| copy(newborn, &mut reader));
        reader.execute("UPDATE ledger SET created_at = ?1", [born]).unwrap();
        let shm = Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let commits_left = Arc::new(AtomicI64::new(-1));
        let auditor = auditor(&name);
        Self { name, reader, auditor, folder: folder.unwrap(), commits_left }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("bursar.db")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The lock beside the ledger.
    pub fn lock(&self) -> Result<Lock, LockError> {
        Lock::try_take(&self.path())
    }

    /// Opens the ledger; `pages_left`: the disk has room for so many more. Hooks are on it from the session.
    pub fn open(&self, now: i64, pages_left: Option<u32>) -> Result<Ledger, LedgerError> {
        let mut db = open(&self.name);
        if let Some(left) = pages_left {
            let used: u32 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            db.query_row(&format!("PRAGMA max_page_count = {}", used + left), [], |_| Ok(())).unwrap();
        }
        let commits_left = Arc::clone(&self.commits_left);
        db.commit_hook(Some(move || match commits_left.load(Ordering::Relaxed) {
            0 => true,
            left => {
                commits_left.store(left - 1, Ordering::Relaxed);
                false
            }
        }))
        .unwrap();
        Ledger::from_connection(db, &self.path(), Kind::Sandbox, now)
    }

    /// The disk breaks after so many commits; `None`: it is whole.
    pub fn breaks_after(&self, commits: Option<u32>) {
        self.commits_left.store(commits.map_or(-1, i64::from), Ordering::Relaxed);
    }

    /// True where the disk has broken.
    pub fn is_broken(&self) -> bool {
        self.commits_left.load(Ordering::Relaxed) == 0
    }

    pub fn make_copy(&self) -> Copy {
        let mut db = Connection::open_in_memory().unwrap();
        copy(&self.reader, &mut db);
        Copy { db }
    }

    /// Puts a copy in the ledger's place. The folder outside stays as it is.
    pub fn restore(&mut self, old: &Copy) {
        self.name = new_name();
        self.reader = open(&self.name);
        copy(&old.db, &mut self.reader);
        self.auditor = auditor(&self.name);
    }

    /// Loses what is kept outside the ledger.
    pub fn lose_state_dir(&self) {
        let _ = std::fs::remove_dir_all(self.state_dir());
    }
}
