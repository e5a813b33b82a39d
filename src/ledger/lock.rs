//! The lock beside the ledger: whoever holds it is the one dispatcher.
//!
//! A file lock for the life of the process: a crash frees it, and a suspended holder cannot be overtaken. The database
//! file itself is never locked by hand, since closing it would drop SQLite's own locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::rule::Rule;

/// The lock of a ledger, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    #[expect(dead_code, reason = "held, not used: dropping it frees the lock")]
    file: File,
}

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("ledger `{}` is held by another process{}", .path.display(), holder(*.pid))]
    Held {
        /// The ledger.
        path: PathBuf,
        /// Which process, as it wrote itself.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("lock file `{}`: {source}", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
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
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(LockError::Held { path: path.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
        }
        // Who holds it is written for people only.
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { file })
    }
}

/// `bursar.db` is locked by `bursar.db.lock`, by whatever links it is reached.
fn lock_path(ledger: &Path) -> PathBuf {
    let real = std::fs::canonicalize(ledger);
    let mut name = real.as_deref().unwrap_or(ledger).as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
