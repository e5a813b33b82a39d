//! The counter outside the ledger: its last session, and the last attempt that was reserved.
//!
//! A ledger that was restored, copied or rebuilt disagrees with it. Each reservation is counted here, on the disk,
//! before anything of it is sent ([`Seal`]).

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{LedgerError, Lock, LockError};

/// How many attempts are counted for a ledger, where anything is.
pub(super) fn attempts_counted(state_dir: &Path, ledger: &str) -> Result<Option<i64>, LedgerError> {
    Ok(read_outside(&state_dir.join(format!("{ledger}.starts")))?.map(|counter| counter.attempt))
}

/// A session of a ledger is at work.
pub(super) fn is_counting(state_dir: &Path, ledger: &str) -> Result<bool, LedgerError> {
    let counter = state_dir.join(format!("{ledger}.starts"));
    match Lock::try_take(&counter) {
        Ok(_) => Ok(false),
        Err(LockError::Held { .. }) => Ok(true),
        Err(LockError::Io { source, .. }) => Err(file_error(&counter, &source)),
    }
}

/// What stands outside the ledger.
#[derive(Debug)]
pub(super) struct CounterFile {
    pub(super) n: i64,
    pub(super) nonce: String,
    /// The last attempt that was reserved.
    pub(super) attempt: i64,
    /// Where its ledger was at the last session.
    pub(super) lives_at: PathBuf,
}

/// The nonce of no session: a counter before the first.
pub(super) const NO_NONCE: &str = "00000000000000000000";

/// The lock of a ledger's counter: two copies of one ledger have a lock each, and one counter.
pub(super) fn alone(ledger: &Path, state_dir: &Path, counter: &Path) -> Result<Lock, LedgerError> {
    fs::create_dir_all(state_dir).map_err(|error| file_error(counter, &error))?;
    Lock::try_take(counter).map_err(|error| match error {
        LockError::Io { source, .. } => file_error(counter, &source),
        LockError::Held { .. } => LedgerError::File {
            path: ledger.to_owned(),
            what: "another process buys from a copy of this ledger, and both would pay for the same tasks: nothing was bought \
                   here. Keep one of the two files"
                .to_owned(),
        },
    })
}

/// The file outside the ledger, kept open for the life of a session.
#[derive(Debug)]
pub(super) struct Counter {
    path: PathBuf,
    n: i64,
    nonce: String,
    /// The last attempt whose reservation is committed.
    reserved: AtomicI64,
    written: Mutex<Written>,
}

/// What the counter is written to: its file, or what a test has in its place.
trait Medium: std::fmt::Debug + Send {
    /// Writes over what stands there.
    fn rewrite(&mut self, text: &[u8]) -> std::io::Result<()>;
    /// Waits until it is on the disk.
    fn sync(&mut self) -> std::io::Result<()>;
}

impl Medium for fs::File {
    fn rewrite(&mut self, text: &[u8]) -> std::io::Result<()> {
        self.seek(SeekFrom::Start(0))?;
        self.write_all(text)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }
}

#[derive(Debug)]
struct Written {
    file: Box<dyn Medium>,
    /// The last attempt that the file names, and the disk has.
    attempt: i64,
    /// Why it can no longer be written.
    broken: Option<String>,
}

/// Must be set before a reserved batch is sent: the file outside the ledger then counts it, on the disk.
///
/// Not the ledger's thread sets it: the disk's answer would be waited for by everything else. Whoever comes first writes
/// for all that were reserved meanwhile.
#[derive(Clone, Debug)]
pub struct Seal {
    counter: Arc<Counter>,
    attempt: i64,
}

impl Seal {
    /// One that counts all that is reserved by now.
    pub(super) fn of(counter: &Arc<Counter>) -> Self {
        Self { counter: Arc::clone(counter), attempt: counter.reserved.load(Ordering::Acquire) }
    }

    /// Waits for the disk.
    ///
    /// # Errors
    /// The file cannot be written: nothing may be sent, now or later. What a system could not write it may forget to
    /// have failed at, so that a second try seems to succeed.
    pub fn set(&self) -> Result<(), LedgerError> {
        let counter = &*self.counter;
        let mut written = counter.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(what) = &written.broken {
            return Err(LedgerError::File { path: counter.path.clone(), what: what.clone() });
        }
        if written.attempt >= self.attempt {
            return Ok(());
        }
        let attempt = counter.reserved.load(Ordering::Acquire);
        let text = line(counter.n, &counter.nonce, attempt);
        let file = &mut written.file;
        if let Err(error) = file.rewrite(text.as_bytes()).and_then(|()| file.sync()) {
            let what = what_failed(&error);
            written.broken = Some(what.clone());
            return Err(LedgerError::File { path: counter.path.clone(), what });
        }
        written.attempt = attempt;
        Ok(())
    }
}

impl Counter {
    /// A new file in the old one's place.
    pub(super) fn write(
        path: &Path,
        lives_at: &Path,
        n: i64,
        nonce: String,
        attempt: i64,
    ) -> Result<Self, LedgerError> {
        let write = || {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let new = path.with_extension("starts.new");
            let mut file = fs::File::create(&new)?;
            file.write_all(line(n, &nonce, attempt).as_bytes())?;
            writeln!(file, "{}", lives_at.display())?;
            file.sync_all()?;
            fs::rename(&new, path)?;
            #[cfg(unix)]
            fs::File::open(folder)?.sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|error: std::io::Error| file_error(path, &error))?;
        Ok(Self::on(path, n, nonce, attempt, Box::new(file)))
    }

    fn on(path: &Path, n: i64, nonce: String, attempt: i64, file: Box<dyn Medium>) -> Self {
        let written = Mutex::new(Written { file, attempt, broken: None });
        Self { path: path.to_owned(), n, nonce, reserved: AtomicI64::new(attempt), written }
    }

    /// The reservations of attempts up to this one are committed.
    pub(super) fn reserved(&self, attempt: i64) {
        self.reserved.fetch_max(attempt, Ordering::AcqRel);
    }
}

/// The first line, of always the same length, so that it is rewritten in place; after it stands where the ledger is.
pub(super) fn line(n: i64, nonce: &str, attempt: i64) -> String {
    format!("{n:020} {nonce} {attempt:020}\n")
}

/// What stands in the file; nothing where there is none, or where it cannot be understood.
pub(super) fn read_outside(path: &Path) -> Result<Option<CounterFile>, LedgerError> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let (counted, lives_at) = text.split_once('\n').unwrap_or((&text, ""));
            let lives_at = PathBuf::from(lives_at.trim_end_matches('\n'));
            let mut words = counted.split_whitespace();
            let (n, nonce, attempt) = (words.next(), words.next(), words.next());
            let numbers = n.and_then(|n| n.parse().ok()).zip(attempt.and_then(|attempt| attempt.parse().ok()));
            Ok(numbers.zip(nonce).map(|((n, attempt), nonce)| CounterFile {
                n,
                nonce: nonce.to_owned(),
                attempt,
                lives_at,
            }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_error(path, &error)),
    }
}

pub(super) fn file_error(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::File { path: PathBuf::from(path), what: what_failed(error) }
}

fn what_failed(error: &std::io::Error) -> String {
    format!(
        "the counter of sessions cannot be kept: {error}; what it does not count is not bought. Make its folder one that can be \
         written, or set state_dir in the configuration to another one and move its files there"
    )
}

#[cfg(test)]
impl Seal {
    /// One that can never be set: its file cannot be written.
    pub(crate) fn that_cannot_be_set() -> Self {
        let file = fs::File::open(".").expect("there is a folder");
        let counter = Counter::on(Path::new("a.starts"), 1, String::new(), 0, Box::new(file));
        counter.reserved(1);
        Self { counter: Arc::new(counter), attempt: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that forgets at a power cut what it was not told to keep, and fails where it is told to.
    #[derive(Clone, Debug, Default)]
    struct Platter(Arc<Mutex<Kept>>);

    #[derive(Debug, Default)]
    struct Kept {
        told: String,
        on_the_disk: String,
        failing_syncs: u32,
    }

    impl Medium for Platter {
        fn rewrite(&mut self, text: &[u8]) -> std::io::Result<()> {
            self.0.lock().unwrap().told = String::from_utf8(text.to_vec()).unwrap();
            Ok(())
        }

        fn sync(&mut self) -> std::io::Result<()> {
            let mut kept = self.0.lock().unwrap();
            if kept.failing_syncs > 0 {
                kept.failing_syncs -= 1;
                return Err(std::io::Error::other("the disk is gone"));
            }
            kept.on_the_disk = kept.told.clone();
            Ok(())
        }
    }

    #[test]
    fn what_a_seal_counts_outlives_a_power_cut() {
        let platter = Platter::default();
        let medium = Box::new(platter.clone());
        let counter = Arc::new(Counter::on(Path::new("a.starts"), 3, "nonce".to_owned(), 5, medium));
        counter.reserved(9);
        Seal { counter, attempt: 9 }.set().unwrap();
        assert_eq!(platter.0.lock().unwrap().on_the_disk, line(3, "nonce", 9));
    }

    #[test]
    fn a_seal_that_failed_once_stays_failed() {
        let platter = Platter::default();
        platter.0.lock().unwrap().failing_syncs = 1;
        let medium = Box::new(platter.clone());
        let counter = Arc::new(Counter::on(Path::new("a.starts"), 3, "nonce".to_owned(), 5, medium));
        counter.reserved(9);
        let set = |attempt| Seal { counter: Arc::clone(&counter), attempt }.set().unwrap_err().to_string();
        let first = set(7);
        assert!(first.contains("the disk is gone") && first.contains("set state_dir"), "{first}");
        assert_eq!([set(7), set(9)], [first.clone(), first], "the disk would take it now");
        assert_eq!(platter.0.lock().unwrap().on_the_disk, "");
    }

    #[test]
    fn one_seal_counts_all_reserved_attempts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.starts");
        let counter = Arc::new(Counter::write(&path, Path::new("bursar.db"), 3, "nonce".to_owned(), 5).unwrap());
        let seal = |attempt| Seal { counter: Arc::clone(&counter), attempt };
        counter.reserved(9);
        let early = seal(9);
        counter.reserved(12);
        early.set().unwrap();
        assert_eq!(read_outside(&path).unwrap().unwrap().attempt, 12);
        fs::write(&path, "gone").unwrap();
        seal(12).set().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "gone", "what is counted already is not written again");
    }
}
