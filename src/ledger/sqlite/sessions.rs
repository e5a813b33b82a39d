//! Sessions: each that holds the lock is counted, in the ledger and in a file outside it (`counter`).
//!
//! If the two disagree, this ledger is not the one that last bought: it was restored from a copy, copied, or rebuilt.
//! Only the provider's list has what was bought meanwhile, so it is scanned before anything is bought.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{OptionalExtension, named_params};

use super::columns::only;
use super::open::fill_random;
use super::{Kind, Ledger, LedgerError};
use super::{Session, Trust};
use crate::ledger::counter::{Counter, CounterFile, NO_NONCE, Seal, alone, file_error, read_outside};
use crate::rule::Rule;

const DAY_S: i64 = 24 * 3_600;
/// The provider's limits count the calls of a minute; a little more is surely another one.
pub const ANOTHER_MINUTE_S: i64 = 65;

impl Ledger {
    /// Counts this session, in the ledger and in `state_dir`, and says whether the two agreed before. A restored ledger
    /// is marked as such in the same commit, so that dying now does not make it look whole.
    ///
    /// # Errors
    /// The ledger or the file in `state_dir` cannot be written; another process buys from a copy of this ledger; or it is
    /// new, and stands where another one stood that has bought for real money.
    pub fn begin(&mut self, state_dir: &Path, now: i64) -> Result<Session, LedgerError> {
        let outside_path = self.counter_path(state_dir);
        self.alone = None;
        self.alone = Some(alone(&self.path, state_dir, &outside_path)?);
        let outside = read_outside(&outside_path)?;
        let (trust, last, last_attempt) = self.compare(outside.as_ref(), state_dir)?;
        let lives_at = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        if last == 0 && outside.is_none() {
            self.has_no_predecessor(state_dir, &lives_at)?;
            // Dying between the first commit and its counter then does not look like a counter that was lost.
            Counter::write(&outside_path, &lives_at, 0, NO_NONCE.to_owned(), 0)?;
        }
        let highest = outside.as_ref().map_or(0, |outside| outside.n).max(last);
        let mut random = [0_u8; 10];
        fill_random(&self.db, &mut random)?;
        let nonce = data_encoding::HEXLOWER.encode(&random);
        // Past the higher of the two, so that the file never counts down.
        let number = highest + 1;
        let write = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // A clock that was set back leaves starts in the future, of which nobody knows how long ago they were.
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM session WHERE at > :now)";
        let follows_none = write.query_row(sql, named_params! { ":now": now - ANOTHER_MINUTE_S }, only)?;
        // A copy does not hold the sessions since it was made.
        self.cooled_down = follows_none && !matches!(trust, Trust::Restored(_));
        write.execute(
            "INSERT INTO session (n, nonce, at, version) VALUES (:n, :nonce, :at, :version)",
            named_params! { ":n": number, ":nonce": &nonce, ":at": now, ":version": env!("CARGO_PKG_VERSION") },
        )?;
        if let Trust::Restored(why) = &trust {
            // Without a sight of the provider's clock, this machine's was what it was: a day is more than it is wrong by.
            write.execute(
                "UPDATE account SET restored_closed_v = NULL, restored_from_v =
                     coalesce(restored_from_v, provider_time_v, (SELECT created_at - :day_s FROM ledger))",
                named_params! { ":day_s": DAY_S },
            )?;
            // An account that the copy lacks was brought after it was made, and what it bought is missing as well.
            write.execute(
                "UPDATE session SET restored_from_v =
                     coalesce((SELECT max(provider_time_v) FROM account), (SELECT created_at - :day_s FROM ledger))
                 WHERE n = :session",
                named_params! { ":session": number, ":day_s": DAY_S },
            )?;
            write.execute(
                "INSERT INTO change (at, what) VALUES (:at, :what)",
                named_params! { ":at": now, ":what": format!("taken for a restored ledger: {why}") },
            )?;
        }
        write.commit()?;
        super::open::to_the_file(&self.db);
        self.outside = Some(Arc::new(Counter::write(&outside_path, &lives_at, number, nonce, last_attempt)?));
        self.session = number;
        Ok(Session { number, trust })
    }

    /// No other session began within the minute before this one.
    pub(super) fn is_cooled_down(&self) -> bool {
        self.cooled_down
    }

    /// What must be set before anything that is reserved by now is sent; nothing before the session is counted.
    pub(super) fn seal(&self) -> Option<Seal> {
        let counter = self.outside.as_ref()?;
        Some(Seal::of(counter))
    }

    /// What the next session would find, without making one.
    ///
    /// # Errors
    /// The ledger or the file in `state_dir` cannot be read.
    pub fn trust(&self, state_dir: &Path) -> Result<Trust, LedgerError> {
        // The file first: a process that buys meanwhile commits to the ledger before it writes there.
        let outside = read_outside(&self.counter_path(state_dir))?;
        Ok(self.compare(outside.as_ref(), state_dir)?.0)
    }

    /// Another ledger with purchases stood at this path: to buy from a new one would be to pay for all of them again.
    fn has_no_predecessor(&self, state_dir: &Path, lives_at: &Path) -> Result<(), LedgerError> {
        if self.anew || self.kind == Kind::Sandbox || !Rule::ReplacedLedgerIsRefused.is_kept() {
            return Ok(());
        }
        predecessor(state_dir, &self.path, lives_at)
    }

    fn counter_path(&self, state_dir: &Path) -> PathBuf {
        state_dir.join(format!("{}.starts", self.id.as_str()))
    }

    /// Whether inside and outside agree; with the last session and the last attempt of the ledger.
    fn compare(&self, outside: Option<&CounterFile>, state_dir: &Path) -> Result<(Trust, i64, i64), LedgerError> {
        let known = |n: i64| -> Result<Option<String>, LedgerError> {
            Ok(self
                .db
                .query_row("SELECT nonce FROM session WHERE n = :session", named_params! { ":session": n }, only)
                .optional()?)
        };
        let last: i64 = self.db.query_row("SELECT coalesce(max(n), 0) FROM session", [], only)?;
        let last_attempt: i64 = self.db.query_row("SELECT coalesce(max(id), 0) FROM attempt", [], only)?;
        let trust = match outside {
            _ if !Rule::SessionsAreCompared.is_kept() => Trust::Whole,
            None if last == 0 => Trust::Whole,
            None => Trust::Restored(format!("its counter of sessions is missing from `{}`", state_dir.display())),
            // A copy made while a session was buying has its number and nonce, and lacks what was bought after it.
            Some(CounterFile { attempt, .. }) if *attempt > last_attempt && Rule::AttemptsAreCompared.is_kept() => {
                Trust::Restored(format!(
                    "its last purchase is number {last_attempt}, and {attempt} were counted in `{}`",
                    state_dir.display()
                ))
            }
            // The first session of all died before its file.
            Some(CounterFile { n: 0, .. }) if last <= 1 && last_attempt == 0 => Trust::Whole,
            // Later sessions died between their commit and their file, or could not write it; they bought nothing.
            Some(CounterFile { n, nonce, .. })
                if *n <= last && known(*n)?.as_ref() == Some(nonce) && !self.bought_since(*n)? =>
            {
                Trust::Whole
            }
            Some(CounterFile { n, .. }) if *n > last => {
                Trust::Restored(format!("it has seen {last} starts, and {n} were counted in `{}`", state_dir.display()))
            }
            Some(_) => Trust::Restored(format!("its sessions are not those counted in `{}`", state_dir.display())),
        };
        Ok((trust, last, last_attempt))
    }

    /// A session after that one has reserved something.
    fn bought_since(&self, n: i64) -> Result<bool, LedgerError> {
        let sql = "SELECT coalesce((SELECT session FROM batch ORDER BY id DESC LIMIT 1), 0) > :n";
        Ok(self.db.query_row(sql, named_params! { ":n": n }, only)?)
    }
}

/// Another ledger with purchases stood where a new one is to be: `path`, made absolute as `lives_at`.
///
/// # Errors
/// One did, or the state folder cannot be read.
pub fn predecessor(state_dir: &Path, path: &Path, lives_at: &Path) -> Result<(), LedgerError> {
    let files = match fs::read_dir(state_dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        files => files.map_err(|error| file_error(state_dir, &error))?,
    };
    for file in files {
        let counter = file.map_err(|error| file_error(state_dir, &error))?.path();
        if counter.extension().is_none_or(|ending| ending != "starts") {
            continue;
        }
        if let Some(other) = read_outside(&counter)?.filter(|other| other.attempt > 0 && other.lives_at == lives_at) {
            return Err(LedgerError::File {
                path: path.to_owned(),
                what: format!(
                    "this ledger is new, and another one stood here that has bought {} times: what that one bought would \
                     be paid for again, and nothing is bought. Put it back, or a copy of it: what the copy lacks is read from \
                     the provider's list. Where it was moved, start it once where it is now, or give this one another path. \
                     To begin anew all the same, and to pay again for what is asked again, say --new-ledger",
                    other.attempt
                ),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::counter::line;

    #[test]
    fn a_first_session_without_counter_is_not_restored() {
        let folder = tempfile::tempdir().unwrap();
        let (path, state) = (folder.path().join("bursar.db"), folder.path().join("state"));
        let open = || Ledger::open(&path, Kind::Real, 0).unwrap();
        let counted = |ledger: &Ledger| fs::read_to_string(ledger.counter_path(&state)).unwrap();
        // Before its commit, the counter stands on the disk.
        let mut ledger = open();
        ledger
            .db
            .execute_batch("CREATE TEMP TRIGGER no BEFORE INSERT ON session BEGIN SELECT raise(ABORT, 'gone'); END")
            .unwrap();
        ledger.begin(&state, 0).unwrap_err();
        let before = counted(&ledger);
        assert!(before.starts_with(&line(0, NO_NONCE, 0)), "{before}");
        drop(ledger);
        // And after it, until the next is written.
        assert_eq!(open().begin(&state, 0).unwrap().number, 1);
        fs::write(open().counter_path(&state), &before).unwrap();
        assert_eq!(open().begin(&state, 0).unwrap(), Session { number: 2, trust: Trust::Whole });
        // A later session cannot have died like that.
        fs::write(open().counter_path(&state), &before).unwrap();
        assert!(matches!(open().begin(&state, 0).unwrap().trust, Trust::Restored(_)));
    }

    #[test]
    fn two_copies_never_buy_at_one_time() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy, state) =
            (folder.path().join("bursar.db"), folder.path().join("copy.db"), folder.path().join("state"));
        Ledger::open(&path, Kind::Real, 0).unwrap().tidy();
        fs::copy(&path, &copy).unwrap();
        let mut buying = Ledger::open(&path, Kind::Real, 0).unwrap();
        buying.begin(&state, 0).unwrap();
        let mut second = Ledger::open(&copy, Kind::Real, 0).unwrap();
        let error = second.begin(&state, 0).unwrap_err().to_string();
        assert!(error.contains("another process buys from a copy of this ledger"), "{error}");
        drop(buying);
        second.begin(&state, 0).unwrap();
    }
}
