//! The lock beside the ledger: its holder is the one dispatcher.
//!
//! The process holds a file lock for its lifetime: a crash frees it, and a suspended holder cannot be overtaken. The
//! database file itself is never locked by hand, because closing it would drop SQLite's own locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::rule::Rule;

/// The lock of a ledger, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Who holds a lock, as it signed it: for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Which process.
    pub pid: Option<u32>,
    /// Since when.
    pub since: Option<String>,
    /// For what.
    pub what: Option<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pid = self.pid.map(|pid| format!("pid {pid}"));
        let since = self.since.as_ref().map(|since| format!("since {since}"));
        let known: Vec<String> = pid.into_iter().chain(self.what.clone()).chain(since).collect();
        if known.is_empty() { Ok(()) } else { write!(f, " ({})", known.join(", ")) }
    }
}

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("ledger `{}` is held by another process{}", .path.display(), .holder)]
    Held {
        /// The ledger.
        path: PathBuf,
        /// Who, as it wrote itself.
        holder: Holder,
    },
    /// The lock file cannot be made or locked.
    #[error("lock file `{}` cannot be made or locked, and nothing was bought or changed: {source}", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock of the ledger at `path`, without waiting.
    ///
    /// # Errors
    /// Another process holds it, or the file cannot be made beside the ledger.
    pub fn try_take(path: &Path) -> Result<Self, LockError> {
        let lock_path = lock_path(path);
        let io = |source| LockError::Io { path: lock_path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&lock_path).map_err(io)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Rule::OneDispatcher.is_kept() => {
                let mut text = String::new();
                // Who holds it is written for people only, and what cannot be read is not known.
                let _ = file.read_to_string(&mut text);
                let mut lines = text.lines().map(str::to_owned);
                let pid = lines.next().and_then(|pid| pid.trim().parse().ok());
                let holder = Holder { pid, since: lines.next(), what: lines.next() };
                return Err(LockError::Held { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
        }
        write(&mut file, &format!("{}\n", std::process::id())).map_err(io)?;
        Ok(Self { file })
    }

    /// Says for what it is held, and since when.
    ///
    /// # Errors
    /// The lock file cannot be written; the lock is held all the same.
    pub fn sign(&mut self, since: &str, what: &str) -> io::Result<()> {
        let in_one_line = |text: &str| text.replace(['\n', '\r'], " ");
        let text = format!("{}\n{}\n{}\n", std::process::id(), in_one_line(since), in_one_line(what));
        write(&mut self.file, &text)
    }
}

fn write(file: &mut File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

/// `bursar.db` is locked by `bursar.db.lock`, by whatever links it is reached.
fn lock_path(ledger: &Path) -> PathBuf {
    let real = std::fs::canonicalize(ledger);
    let mut name = real.as_deref().unwrap_or(ledger).as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
