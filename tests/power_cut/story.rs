//! The story of a ledger: a small run, bought and collected over several sessions, by the ledger's own public
//! functions.
//!
//! The test takes the place of the engine: it sends what was reserved to a provider, records what the provider says,
//! and remembers each commit that returned, with everything that the ledger held then. A session that ends in an
//! error sends nothing more; the next one continues from what it finds.
#![expect(unsafe_code, reason = "a second hand on the connection that the ledger keeps to itself")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bursar::clock::Now;
use bursar::config::{AccountConfig, Config};
use bursar::engine;
use bursar::ids::{AccountId, AttemptId, BatchId, RunId};
use bursar::job::{self, Job};
use bursar::ledger::{Answer, Books, Change, Draft, DraftTask, Kind, Ledger, Lookups, Trust};
use bursar::money::Money;
use bursar::period;
use bursar::price::{NamedIn, PriceList};
use bursar::product::{Engine, Function, Method, ResultKind, Route};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::disk::Disk;
use super::vfs::{Mounted, pages, second_hand};

/// 2026-11-22 12:00 UTC.
pub(crate) const NOON: i64 = 1_795_348_800;
const CENT: Money = Money::from_nanos(10_000_000);
/// A round sends two batches of so many tasks at the most.
const BATCH: usize = 3;

/// Something that the ledger has said is done.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    pub(crate) what: &'static str,
    /// Operations of the disk by then.
    pub(crate) ops: usize,
    /// Every page of the database.
    pub(crate) pages: Arc<Vec<u8>>,
    /// What stood in the counter of sessions, outside the ledger.
    pub(crate) counter: Option<String>,
    /// It was more than one commit.
    pub(crate) of_several: bool,
}

/// How a session ends that ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As bursar does: everything into one file, and then closed.
    Tidy,
    /// Closed.
    Closed,
    /// Not even closed properly: the log stays beside the file, as a kill leaves it.
    Dropped,
}

/// A run of so many tasks, what is known of it on the provider's side, and the disk that it is written to.
pub(crate) struct Story {
    pub(crate) mounted: Mounted,
    pub(crate) acks: Vec<Ack>,
    /// `PRAGMA synchronous` instead of the ledger's own.
    pub(crate) synchronous: Option<&'static str>,
    outside: tempfile::TempDir,
    tasks: usize,
    /// The attempts that were sent.
    sent: BTreeSet<i64>,
}

/// What the provider makes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    /// Its answer to the purchase is lost at first.
    AcceptedUnheard,
    Refused,
    PaidFailure,
}

fn verdict(attempt: i64) -> Verdict {
    match attempt % 13 {
        4 => Verdict::Refused,
        7 => Verdict::PaidFailure,
        9 => Verdict::AcceptedUnheard,
        _ => Verdict::Accepted,
    }
}

/// A folder for what stands outside the ledger, on a disk that is quick where there is one.
pub(crate) fn outside() -> tempfile::TempDir {
    let quick = Path::new("/dev/shm");
    if quick.is_dir() { tempfile::tempdir_in(quick) } else { tempfile::tempdir() }.unwrap()
}

/// The one file in a folder for what stands outside.
fn counter(folder: &Path) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "starts"))
}

impl Story {
    pub(crate) fn of(tasks: usize) -> Self {
        let (mounted, outside) = (Mounted::new(Disk::default()), outside());
        Self { mounted, acks: Vec::new(), synchronous: None, outside, tasks, sent: BTreeSet::new() }
    }

    /// The power is back, or the process is: the same story on what the disk holds now.
    pub(crate) fn goes_on_with(&mut self, disk: Disk) {
        self.mounted = Mounted::new(disk);
    }

    /// What the provider has sold.
    pub(crate) fn bill(&self) -> Money {
        let sold = self.sent.iter().filter(|attempt| verdict(**attempt) != Verdict::Refused);
        CENT.saturating_mul(sold.count() as u64)
    }

    /// One session, of so many rounds of buying and collecting at the most; true where nothing is left to do.
    ///
    /// # Errors
    /// The ledger's. Nothing was sent after it.
    pub(crate) fn live(&mut self, rounds: usize, ending: Ending) -> Result<bool, Box<dyn std::error::Error>> {
        let db = self.mounted.open()?;
        // SAFETY: it is dropped before the ledger, which closes the connection; where there is no ledger, never.
        let hand = unsafe { second_hand(&db) };
        hand.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, ending == Ending::Dropped)?;
        let mut ledger = match Ledger::from_connection(db, Path::new("bursar.db"), Kind::Sandbox, NOON) {
            Ok(ledger) => ledger,
            Err(error) => {
                // The connection is closed, and this hand would reach for it once more.
                std::mem::forget(hand);
                return Err(error.into());
            }
        };
        if let Some(synchronous) = self.synchronous {
            hand.pragma_update(None, "synchronous", synchronous)?;
        }
        let done = self.work(&mut ledger, &hand, rounds);
        if ending == Ending::Tidy && done.is_ok() {
            ledger.tidy();
        }
        drop(hand);
        drop(ledger);
        done
    }

    fn ack(&mut self, hand: &Connection, what: &'static str, of_several: bool) {
        let counter = counter(self.outside.path()).map(|path| std::fs::read_to_string(path).unwrap());
        let ops = self.mounted.disk().log.len();
        self.acks.push(Ack { what, ops, pages: Arc::new(pages(hand)), counter, of_several });
    }

    fn work(
        &mut self,
        ledger: &mut Ledger,
        hand: &Connection,
        rounds: usize,
    ) -> Result<bool, Box<dyn std::error::Error>> {
        self.ack(hand, "opened", true);
        let start = ledger.begin(self.outside.path(), NOON)?;
        assert_eq!(start.trust, Trust::Whole, "nothing was lost: {start:?}");
        self.ack(hand, "begun", false);
        let (account, run) = self.prepare(ledger)?;
        self.ack(hand, "prepared", true);
        let mut heard = self.left_in_doubt(ledger, account)?;
        for round in 0..rounds {
            heard.extend(answers(ledger, account)?);
            let drafts = drafts(ledger, run)?;
            if heard.is_empty() && drafts.is_empty() {
                return Ok(ledger.unknown_batches(account)?.is_empty());
            }
            let changes = std::mem::take(&mut heard);
            let reserved = if round % 2 == 0 {
                ledger.commit(changes, &drafts)?.1
            } else {
                ledger.record(changes)?;
                self.ack(hand, "recorded", false);
                ledger.reserve(&drafts)?
            };
            if let Some(seal) = ledger.seal() {
                seal.set()?;
            }
            self.ack(hand, "reserved", false);
            for (draft, reserved) in drafts.iter().zip(reserved) {
                let reserved = reserved.expect("the caps have room");
                let first = reserved.first_attempt.0;
                let attempts = first..first + i64::try_from(draft.tasks.len())?;
                self.sent.extend(attempts.clone());
                heard.extend(attempts.map(|attempt| said(attempt, reserved.batch)));
            }
            if round % 3 == 2 {
                // As SQLite does by itself after so many pages; it keeps an error to itself, too.
                let _ = hand.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            }
        }
        Ok(false)
    }

    /// The provider's list, read whole: what was sent is found, and what was not is not.
    fn left_in_doubt(&self, ledger: &Ledger, account: AccountId) -> Result<Vec<Change>, Box<dyn std::error::Error>> {
        let mut changes = Vec::new();
        for unknown_batches in ledger.unknown_batches(account)? {
            for attempt in ledger.unresolved(unknown_batches.batch)? {
                changes.push(if !self.sent.contains(&attempt.0) {
                    Change::NotBought { attempt }
                } else if verdict(attempt.0) == Verdict::AcceptedUnheard {
                    accepted(attempt)
                } else {
                    said(attempt.0, unknown_batches.batch)
                });
            }
        }
        Ok(changes)
    }

    fn prepare(&self, ledger: &mut Ledger) -> Result<(AccountId, RunId), Box<dyn std::error::Error>> {
        let mut account = AccountConfig::new("main", Route::Sandbox);
        "http://127.0.0.1".clone_into(&mut account.base_url);
        account.caps.day = Some(CENT.saturating_mul(1_000));
        let mut config = Config::built_in(Path::new("/jobs"));
        config.accounts.insert(account.name.clone(), account.clone());
        let (job, files) = (job(&config, self.tasks), BTreeMap::new());
        let id = engine::bring_account(ledger, &account, "login")?;
        let now = Now { wall: chrono::DateTime::from_timestamp(NOON, 0).unwrap(), mono: Duration::ZERO };
        let period = period::current(job.period, job.timezone, now.wall);
        let prices = PriceList::with(&account.prices);
        let run = engine::prepare(ledger, &job, id, &account.limits, &prices, &period, false, &files, now)?.run;
        Ok((id, run))
    }
}

fn job(config: &Config, tasks: usize) -> Job {
    let prompts: Vec<String> = (0..tasks).map(|number| format!("\"which {number}?\"")).collect();
    let text = format!(
        "account = \"main\"\n[budget]\nrun = \"9\"\nday = \"9\"\n[[prompt_set]]\nname = \"set\"\nprompts = [{}]\n\
         engine = \"chat_gpt\"\nlocations = [2840]\nlanguages = [\"en\"]\n",
        prompts.join(", ")
    );
    let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    job::check(Path::new("/jobs/story.toml"), &text, config, &files)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

/// What is next in the plan, in two batches.
fn drafts(ledger: &Ledger, run: RunId) -> Result<Vec<Draft>, Box<dyn std::error::Error>> {
    let next = ledger.next_to_buy(run, 0, 2 * BATCH - 1)?;
    let draft = |tasks: &[bursar::ledger::ToBuy]| {
        let tasks = tasks.iter().map(|task| DraftTask {
            task: task.task,
            hold: CENT.saturating_mul(2),
            previous: task.previous,
            number: task.attempts + 1,
        });
        let (engine, function) = (Engine::ChatGpt, Function::LlmScraper);
        Draft {
            run,
            engine,
            function,
            method: Method::Standard,
            tasks: tasks.collect(),
            sent_v: NOON,
            hold_to_v: NOON + 3_600,
        }
    };
    Ok(next.chunks(BATCH).map(draft).collect())
}

/// An answer for all that waits for one.
fn answers(ledger: &Ledger, account: AccountId) -> Result<Vec<Change>, Box<dyn std::error::Error>> {
    let mut changes = Vec::new();
    for batch in ledger.open_batches(account)? {
        for waiting in ledger.uncollected(batch.batch)? {
            let body = vec![b'*'; 900 + 300 * usize::try_from(waiting.attempt.0 % 7)?];
            let (kind, fetched_at) = (ResultKind::Advanced, NOON);
            let answer = Answer { kind, body, fetched_at, done_v: None, model: None, complete: true, oddity: None };
            changes.push(Change::Answered { attempt: waiting.attempt, answer, settled: None });
        }
    }
    Ok(changes)
}

fn accepted(attempt: AttemptId) -> Change {
    Change::Accepted {
        attempt,
        provider_id: format!("id-{attempt}"),
        cost: CENT,
        posted_v: NOON,
        named_in: Some(NamedIn::Answer),
        open: false,
    }
}

/// What the provider's answer to a purchase comes to.
fn said(attempt: i64, batch: BatchId) -> Change {
    let (id, posted_v, provider_id) = (AttemptId(attempt), NOON, Some(format!("id-{attempt}")));
    match verdict(attempt) {
        Verdict::Accepted => accepted(id),
        Verdict::AcceptedUnheard => Change::UnknownOutcome { batch, why: "no whole answer".to_owned() },
        Verdict::Refused => Change::Refused { attempt: id, code: 40_501, message: "no".to_owned(), for_good: false },
        Verdict::PaidFailure => Change::PaidFailure {
            attempt: id,
            code: 40_101,
            message: String::new(),
            provider_id,
            cost: CENT,
            named: CENT,
            posted_v,
            again: u32::MAX,
        },
    }
}
