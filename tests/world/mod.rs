//! A world for tests: one simulated provider that lives on, and sessions of bursar that begin and die in it.
//!
//! Time is tokio's paused time. A session begins as a real one does (open, begin, bring, prepare, run) and ends by
//! itself, by a stop word, or by dying at a chosen call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bursar::clock::Clock;
use bursar::config::{AccountConfig, Config};
use bursar::engine::{self, End, Executor, StopWord, Terms};
use bursar::event::{Event, EventKind};
use bursar::ids::AccountId;
use bursar::job::{self, Job};
use bursar::ledger::{Audit, Kind, Ledger, Reports};
use bursar::money::Money;
use bursar::period::{self, Period};
use bursar::price::PriceList;
use bursar::product::Route;
use bursar::provider::{Failure, Provider, Request, Response};
use bursar::sandbox::{Bill, InProcess, Sandbox, Settings};
use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// Where a life ends before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Death {
    /// Before the n-th call leaves, counted from 1; 0: never.
    pub before_call: u64,
    /// After the n-th call was answered, before anybody here hears of it.
    pub after_call: u64,
}

/// What befalls a reply on its way: it is handed the request and what the provider said, and says what arrives.
pub type Meddle = Arc<dyn Fn(&Request, Result<Response, Failure>) -> Result<Response, Failure> + Send + Sync>;

/// The world: a provider and a folder.
pub struct World {
    pub sandbox: Arc<Mutex<Sandbox>>,
    pub folder: tempfile::TempDir,
    pub clock: Clock,
    pub account: AccountConfig,
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    pub events: Vec<Event>,
    pub speed: u32,
    /// Starts collect answers.
    pub collect: bool,
    /// How long a session waits for a provider of which no call comes to anything.
    pub patience: Option<std::time::Duration>,
    /// Somebody between the provider and its client.
    pub meddle: Option<Meddle>,
    /// The n-th call of each session is on its way to the provider for so long, as when the machine sleeps meanwhile.
    pub slow: Option<(u64, std::time::Duration)>,
    seed: u64,
}

/// What a life came to.
#[derive(Debug)]
pub struct Life {
    /// How it ended; `None`: it died.
    pub end: Option<End>,
    /// Calls that were made.
    pub calls: u64,
}

/// What a test tries every so many-th of; all of it where `BURSAR_TESTS_IN_FULL` is set, as the gate does.
pub fn sampled(step: usize) -> usize {
    if std::env::var_os("BURSAR_TESTS_IN_FULL").is_some() { 1 } else { step }
}

pub fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let mut account = AccountConfig::new("main", Route::Sandbox);
        "http://127.0.0.1".clone_into(&mut account.base_url);
        Self {
            sandbox: Arc::new(Mutex::new(Sandbox::new(settings))),
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::starting_at(noon()),
            account,
            files: BTreeMap::new(),
            events: Vec::new(),
            speed: 1,
            collect: true,
            patience: None,
            meddle: None,
            slow: None,
            seed: 7,
        }
    }

    /// The same provider behind the AIsa gateway.
    pub fn through_gateway(settings: Settings) -> Self {
        let mut account = AccountConfig::new("main", Route::Aisa);
        "http://127.0.0.1".clone_into(&mut account.base_url);
        Self { account, ..Self::new(settings) }
    }

    pub fn ledger_path(&self) -> PathBuf {
        self.folder.path().join("bursar.db")
    }

    pub fn job(&self, text: &str) -> Job {
        let mut config = Config::built_in(Path::new("/jobs"));
        config.accounts.insert(self.account.name.clone(), self.account.clone());
        match job::check(Path::new("/jobs/test.toml"), text, &config, &self.files) {
            Ok(job) => job,
            Err(problems) => panic!("{}", problems.render(false)),
        }
    }

    pub fn open(&self) -> Ledger {
        Ledger::open(&self.ledger_path(), Kind::Sandbox, self.clock.now().wall.timestamp()).unwrap()
    }

    /// Copies the ledger, as somebody does for safety.
    pub fn copy(&self) -> PathBuf {
        self.open().tidy();
        let copy = self.folder.path().join("copy.db");
        std::fs::copy(self.ledger_path(), &copy).unwrap();
        copy
    }

    /// Puts an earlier copy in the ledger's place, as somebody does who restores a backup.
    pub fn restore(&self, copy: &Path) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.ledger_path().display()));
        }
        std::fs::copy(copy, self.ledger_path()).unwrap();
    }

    pub fn period(&self, job: &Job) -> Period {
        period::current(job.period, job.timezone, self.clock.now().wall)
    }

    /// One session of bursar, which may die.
    pub async fn live(&mut self, job_text: &str, death: Death) -> Life {
        let (_word, stop) = watch::channel(StopWord::None);
        self.live_until(job_text, death, stop).await
    }

    pub async fn live_until(&mut self, job_text: &str, death: Death, stop: watch::Receiver<StopWord>) -> Life {
        self.live_all(&[job_text], death, stop).await
    }

    /// One session for several jobs of the account.
    pub async fn live_all(&mut self, job_texts: &[&str], death: Death, stop: watch::Receiver<StopWord>) -> Life {
        let mut ledger = self.open();
        ledger.begin(&self.folder.path().join("state"), self.clock.now().wall.timestamp()).unwrap();
        let account = engine::bring_account(&mut ledger, &self.account, "sandbox").unwrap();
        let runs = job_texts.iter().map(|text| self.prepare(&mut ledger, account, text).unwrap().terms).collect();
        self.seed += 1;
        let terms = Terms {
            account,
            name: self.account.name.clone(),
            limits: self.account.limits.clone(),
            timing: self.account.timing.clone(),
            speed: self.speed,
            lists: self.account.route.shows_lists(),
            through: bursar::provider::Through::of(self.account.route, self.account.proxy.is_some()),
            user_prompt_decoded: self.account.user_prompt_decoded,
            keep_balance: self.account.caps.keep_balance,
            watch_now: false,
            collect: self.collect,
            patience: self.patience,
            seed: self.seed,
            runs,
        };
        let (died, mut dead) = watch::channel(false);
        let clock = self.clock;
        let provider = Arc::new(Mortal {
            provider: match self.account.route {
                Route::Aisa => {
                    InProcess::through_gateway(Arc::clone(&self.sandbox), move || clock.now().wall, "sandbox-key")
                }
                Route::Sandbox | Route::DataForSeo => {
                    InProcess::new(Arc::clone(&self.sandbox), move || clock.now().wall, "sandbox", "sandbox")
                }
            },
            calls: AtomicU64::new(0),
            death,
            died,
            meddle: self.meddle.clone(),
            slow: self.slow,
        });
        let prices = PriceList::with(&self.account.prices);
        let life = engine::run(
            Executor::new(terms, prices),
            Arc::clone(&provider),
            &mut ledger,
            clock,
            stop,
            &mut self.events,
        );
        let end = tokio::select! {
            biased;
            _ = dead.wait_for(|dead| *dead) => None,
            end = life => Some(end.unwrap()),
        };
        Life { end, calls: provider.calls.load(Ordering::Relaxed) }
    }

    /// Brings a job and its run into the ledger.
    pub fn prepare(
        &self,
        ledger: &mut Ledger,
        account: AccountId,
        job_text: &str,
    ) -> Result<engine::Prepared, engine::PrepareError> {
        let job = self.job(job_text);
        let prices = PriceList::with(&self.account.prices);
        let (limits, period, now) = (&self.account.limits, self.period(&job), self.clock.now());
        engine::prepare(ledger, &job, account, limits, &prices, &period, false, &self.files, now)
    }

    /// Lives until nothing more can happen.
    pub async fn live_on(&mut self, job_text: &str) -> End {
        self.live(job_text, Death::default()).await.end.unwrap()
    }

    pub fn bill(&self) -> Bill {
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox.advance(self.clock.now().wall);
        sandbox.bill()
    }

    pub fn audit(&self) -> Audit {
        self.open().audit().unwrap()
    }

    pub fn tasks(&self, state: &str) -> u64 {
        self.audit().tasks.iter().find(|count| count.state == state).map_or(0, |count| count.tasks)
    }

    /// The books agree with the provider's bill and with themselves, nothing is held, and no task was bought twice.
    #[track_caller]
    pub fn assert_books_agree(&self) {
        let (audit, bill) = (self.audit(), self.bill());
        assert_eq!(audit.problems, Vec::<String>::new());
        assert_eq!(audit.charged, bill.total, "the ledger's total is the provider's bill");
        assert_eq!(audit.extra_charges, 0, "every purchase belongs to an attempt");
        assert_eq!(bill.bought_twice().count(), 0, "no tag was bought twice");
    }

    /// Everything asked was answered, for exactly one purchase each.
    #[track_caller]
    pub fn assert_all_answered_once(&self, tasks: u64) {
        self.assert_books_agree();
        let audit = self.audit();
        assert_eq!((self.tasks("answered"), audit.held, audit.in_doubt), (tasks, Money::ZERO, 0), "{:?}", audit.tasks);
        assert_eq!(self.bill().tasks, tasks, "every task was bought once");
    }

    pub fn saw(&self, wanted: impl Fn(&EventKind) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.kind)).count()
    }
}

/// A provider whose client dies at a chosen call.
struct Mortal {
    provider: InProcess,
    calls: AtomicU64,
    death: Death,
    died: watch::Sender<bool>,
    meddle: Option<Meddle>,
    slow: Option<(u64, std::time::Duration)>,
}

impl Provider for Mortal {
    async fn call(&self, request: Request) -> Result<Response, Failure> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.death.before_call {
            self.died.send_replace(true);
            std::future::pending::<()>().await;
        }
        if let Some((_, time)) = self.slow.filter(|(nth, _)| *nth == call) {
            tokio::time::sleep(time).await;
        }
        let mut outcome = self.provider.call(request.clone()).await;
        if let Some(meddle) = &self.meddle {
            outcome = meddle(&request, outcome);
        }
        if call == self.death.after_call {
            self.died.send_replace(true);
            std::future::pending::<()>().await;
        }
        outcome
    }
}
