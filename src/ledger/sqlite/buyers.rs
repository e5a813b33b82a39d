//! Which ledgers have bought, for which accounts and jobs. The state folder keeps this, outside all ledgers.
//!
//! A ledger knows its own purchases and no others. If a path is mistyped, a folder was copied without its ledger, or
//! a disk is not mounted, a new ledger would buy everything again. Each session therefore records, before its first
//! purchase, for whom and for which jobs it buys. A ledger that is new to a job is refused if another one has bought
//! for that job.
//!
//! The file holds no login, but a hash of it, salted by a number of this folder's own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::open::fill_random;
use super::{Ledger, LedgerError, Login};
use crate::config::is_loopback;
use crate::ledger::counter::{attempts_counted, is_counting};
use crate::product::Route;
use crate::rule::Rule;
use crate::tag::LedgerId;

const FILE: &str = "accounts.json";
const SCHEMA: &str = "bursar.accounts/1";

/// An account, as the state folder knows it again in another ledger.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Its name in the config, for messages.
    pub name: &'a str,
    /// How the provider is reached.
    pub route: Route,
    /// Where.
    pub base_url: &'a str,
    /// Its login: kept as a salted hash.
    pub login: Login<'a>,
}

/// A ledger that buys for a job of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    account: String,
    /// The job.
    pub job: String,
    ledger: String,
    /// Where the ledger was at its last session.
    pub path: PathBuf,
    /// When it was first used for the job (Unix seconds).
    pub since: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    schema: String,
    salt: String,
    buyers: Vec<Buyer>,
}

/// Jobs of an account for which other ledgers have bought, and this one (none: a new one) was never used.
///
/// # Errors
/// The state folder cannot be read.
pub fn bought_elsewhere(
    state_dir: &Path,
    whose: &Whose<'_>,
    own: Option<&LedgerId>,
) -> Result<Vec<Buyer>, LedgerError> {
    let Some(kept) = read(state_dir)? else { return Ok(Vec::new()) };
    of_others(state_dir, &kept, &kept.hash(whose), own)
}

/// Why a ledger is not used for a job; `others` have bought for it.
pub fn second_ledger(path: &Path, whose: &Whose<'_>, others: &[Buyer]) -> LedgerError {
    let listed: Vec<String> = others
        .iter()
        .map(|other| {
            let since = chrono::DateTime::from_timestamp(other.since, 0).unwrap_or_default().format("%Y-%m-%d");
            format!("job `{}` by ledger `{}` (since {since})", other.job, other.path.display())
        })
        .collect();
    let what = format!(
        "it is a new ledger for what account {} has bought before with another one: {}. What that one bought would be paid \
         for again, and nothing is bought. Name that ledger with --ledger, mount its disk, or put it back (a copy will do: what \
         the copy lacks is read from the provider's list). To begin anew all the same, and to pay again for what is asked again, \
         say --new-ledger",
        whose.name,
        listed.join(", ")
    );
    LedgerError::File { path: path.to_owned(), what }
}

impl Ledger {
    /// Writes down, on the disk, that this ledger buys for these jobs of an account. To be called in a session, before its
    /// first purchase. `anew`: a person says that it may buy what another one has bought.
    ///
    /// # Errors
    /// The state folder cannot be read or written; or another ledger has bought for a job for which this one was never used.
    pub fn claim(
        &self,
        state_dir: &Path,
        whose: &Whose<'_>,
        jobs: &[&str],
        anew: bool,
        now: i64,
    ) -> Result<(), LedgerError> {
        let lives_at = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        // For as long as it is looked at and changed: of two new ledgers one comes first.
        let _alone = alone(state_dir)?;
        let mut kept = match read(state_dir)? {
            Some(kept) => kept,
            None => Kept { schema: SCHEMA.to_owned(), salt: self.salt()?, buyers: Vec::new() },
        };
        let account = kept.hash(whose);
        if !anew {
            let mut others = of_others(state_dir, &kept, &account, Some(&self.id))?;
            others.retain(|other| jobs.contains(&other.job.as_str()));
            let mut strange = Vec::new();
            for other in others {
                if self.job(&other.job)?.is_none() {
                    strange.push(other);
                }
            }
            if !strange.is_empty() && Rule::SecondLedgerIsRefused.is_kept() {
                return Err(second_ledger(&self.path, whose, &strange));
            }
        }
        let mut changed = false;
        for buyer in kept.buyers.iter_mut().filter(|buyer| buyer.ledger == self.id.as_str() && buyer.path != lives_at) {
            buyer.path.clone_from(&lives_at);
            changed = true;
        }
        for job in jobs {
            let is_this =
                |buyer: &Buyer| buyer.account == account && buyer.job == *job && buyer.ledger == self.id.as_str();
            if !kept.buyers.iter().any(is_this) {
                kept.buyers.push(Buyer {
                    account: account.clone(),
                    job: (*job).to_owned(),
                    ledger: self.id.as_str().to_owned(),
                    path: lives_at.clone(),
                    since: now,
                });
                changed = true;
            }
        }
        if changed { write(state_dir, &kept) } else { Ok(()) }
    }

    fn salt(&self) -> Result<String, LedgerError> {
        let mut random = [0_u8; 16];
        fill_random(&self.db, &mut random)?;
        Ok(data_encoding::HEXLOWER.encode(&random))
    }
}

impl Kept {
    fn hash(&self, whose: &Whose<'_>) -> String {
        // Behind a port of this machine's own may stand the provider, at another one each time; a simulated provider at
        // another port is another one.
        let is_passed_on = whose.route != Route::Sandbox && is_loopback(whose.base_url);
        let place = if is_passed_on { "loopback" } else { whose.base_url };
        let text = serde_json::json!([self.salt, whose.route.name(), place, whose.login.0]).to_string();
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }
}

/// What others than `own` have bought, for jobs for which that one was never used.
fn of_others(state_dir: &Path, kept: &Kept, account: &str, own: Option<&LedgerId>) -> Result<Vec<Buyer>, LedgerError> {
    let own = own.map(LedgerId::as_str);
    let mut others = Vec::new();
    for buyer in strangers(&kept.buyers, account, own) {
        // A session that has bought nothing yet may be about to.
        let has_bought = match attempts_counted(state_dir, &buyer.ledger)? {
            Some(0) => is_counting(state_dir, &buyer.ledger)?,
            Some(_) | None => true,
        };
        if has_bought {
            others.push(buyer.clone());
        }
    }
    Ok(others)
}

fn strangers<'b>(buyers: &'b [Buyer], account: &'b str, own: Option<&'b str>) -> impl Iterator<Item = &'b Buyer> {
    let is_own = move |buyer: &Buyer| Some(buyer.ledger.as_str()) == own;
    buyers.iter().filter(move |buyer| {
        let is_used = || buyers.iter().any(|other| is_own(other) && other.account == account && other.job == buyer.job);
        buyer.account == account && !is_own(buyer) && !is_used()
    })
}

fn read(state_dir: &Path) -> Result<Option<Kept>, LedgerError> {
    let path = state_dir.join(FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&path, &error)),
    };
    match serde_json::from_slice::<Kept>(&text) {
        Ok(kept) if kept.schema == SCHEMA => Ok(Some(kept)),
        outcome => {
            let why = outcome.err().map_or_else(|| "it is of another version of bursar".to_owned(), |e| e.to_string());
            let what = format!(
                "it tells which ledgers have bought, and cannot be understood ({why}); nothing is bought. Put a copy of it back; \
                 or, where you know that the ledger named is the one that has bought so far, remove it"
            );
            Err(LedgerError::File { path, what })
        }
    }
}

/// A new file in the old one's place, on the disk.
fn write(state_dir: &Path, kept: &Kept) -> Result<(), LedgerError> {
    let path = state_dir.join(FILE);
    let write = || {
        let new = path.with_extension("json.new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(serde_json::to_string_pretty(kept)?.as_bytes())?;
        writeln!(file)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        #[cfg(unix)]
        fs::File::open(state_dir)?.sync_all()?;
        Ok(())
    };
    write().map_err(|error: io::Error| failed(&path, &error))
}

/// Waits for its turn; a death frees it.
fn alone(state_dir: &Path) -> Result<fs::File, LedgerError> {
    let path = state_dir.join("accounts.lock");
    let lock = || {
        fs::create_dir_all(state_dir)?;
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error: io::Error| failed(&path, &error))
}

fn failed(path: &Path, error: &io::Error) -> LedgerError {
    let what = format!(
        "it tells which ledgers have bought, and cannot be read or written: {error}; nothing is bought. Make its folder one that \
         can be written, or set state_dir in the configuration to another one and move its files there"
    );
    LedgerError::File { path: path.to_owned(), what }
}
