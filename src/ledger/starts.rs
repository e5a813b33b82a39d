//! The counter of starts, inside the ledger and outside it.
//!
//! Where the two disagree, this ledger is not the one that last bought: it was restored from a copy, copied, or
//! rebuilt. What was bought meanwhile stands only in the vendor's list, so that is read before anything is bought.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::open::fill_random;
use super::{Ledger, LedgerError};

/// What is known about this ledger's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Inside and outside agree: nothing was bought that this ledger does not know.
    Whole,
    /// They disagree, for the reason given: purchases may be missing from it.
    Restored(String),
}

/// A start that holds the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its number, from 1.
    pub number: i64,
    /// What is known about the ledger's past.
    pub trust: Trust,
}

impl Ledger {
    /// Counts this start, in the ledger and in `state_dir`, and says whether the two agreed before. A restored ledger
    /// is marked as such in the same commit, so that dying now does not make it look whole.
    ///
    /// # Errors
    /// The ledger or the file in `state_dir` cannot be written.
    pub fn begin(&mut self, state_dir: &Path, now: i64) -> Result<Start, LedgerError> {
        let outside_path = state_dir.join(format!("{}.starts", self.id.as_str()));
        let outside = read_outside(&outside_path)?;
        let known = |db: &rusqlite::Connection, n: i64| -> Result<Option<String>, LedgerError> {
            Ok(db.query_row("SELECT nonce FROM start WHERE n = ?1", [n], |row| row.get(0)).optional()?)
        };
        let last: i64 = self.db.query_row("SELECT coalesce(max(n), 0) FROM start", [], |row| row.get(0))?;
        let trust = match outside {
            None if last == 0 => Trust::Whole,
            None => Trust::Restored(format!("its counter of starts is missing from `{}`", state_dir.display())),
            // One behind is a start that died between its commit and its file; it bought nothing.
            Some((n, nonce)) if (n == last || n + 1 == last) && known(&self.db, n)?.as_deref() == Some(&nonce) => {
                Trust::Whole
            }
            Some((n, _)) if n > last => {
                Trust::Restored(format!("it has seen {last} starts, and {n} were counted in `{}`", state_dir.display()))
            }
            Some(_) => Trust::Restored(format!("its starts are not those counted in `{}`", state_dir.display())),
        };
        let mut random = [0_u8; 10];
        fill_random(&self.db, &mut random)?;
        let nonce = data_encoding::HEXLOWER.encode(&random);
        // Past the higher of the two, so that the file never counts down.
        let number = last.max(read_outside(&outside_path)?.map_or(0, |(n, _)| n)) + 1;
        let write = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        write.execute(
            "INSERT INTO start (n, nonce, at, version) VALUES (?1, ?2, ?3, ?4)",
            (number, &nonce, now, env!("CARGO_PKG_VERSION")),
        )?;
        if let Trust::Restored(why) = &trust {
            write.execute(
                "UPDATE account SET restored_closed_v = NULL, restored_from_v =
                     coalesce(restored_from_v, vendor_time_v, (SELECT created_at FROM ledger))",
                [],
            )?;
            write.execute(
                "INSERT INTO change (at, what) VALUES (?1, ?2)",
                (now, format!("taken for a restored ledger: {why}")),
            )?;
        }
        write.commit()?;
        write_outside(&outside_path, number, &nonce)?;
        self.start = number;
        Ok(Start { number, trust })
    }
}

fn read_outside(path: &Path) -> Result<Option<(i64, String)>, LedgerError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.split_once(' ').and_then(|(n, nonce)| Some((n.parse().ok()?, nonce.trim().to_owned())))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_error(path, &error)),
    }
}

fn write_outside(path: &Path, number: i64, nonce: &str) -> Result<(), LedgerError> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let new = path.with_extension("starts.new");
        let mut file = fs::File::create(&new)?;
        writeln!(file, "{number} {nonce}")?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        #[cfg(unix)]
        fs::File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| file_error(path, &error))
}

fn file_error(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::File {
        path: PathBuf::from(path),
        what: format!(
            "the counter of starts cannot be kept: {error}; set state_dir in the configuration to a folder that can be written"
        ),
    }
}
