//! The sandbox: a simulated provider that sells invented answers for play money.
//!
//! It is for tests, simulation, benches and `bursar sandbox`. bursar never falls back to it, and the real provider
//! may behave differently. [`Sandbox::handle`] is a function of the time, the call and what came before: no clock, no
//! I/O except the state file, every draw from the seed. [`InProcess`] and [`serve`] put it behind a
//! [`crate::provider::Provider`] and behind HTTP. Its bill is kept apart from every client's books, so that the two
//! can be compared.
//!
//! The table of what is sold is in `price_classes`, one row an endpoint; anything else answers 40400. [`Fault`] names
//! the faults; `fault_file` defines the form of a fault file.

mod accept;
mod account;
mod answer;
mod article;
mod appendix;
mod bend;
mod bill;
mod collect;
mod draw;
pub mod embedded;
mod envelope;
mod fault_file;
mod errors;
mod faults;
mod form;
mod forms;
mod gateway;
mod gateway_settings;
mod handle;
mod in_process;
mod journal;
mod limits;
mod list;
mod live;
mod meter;
mod model_answer;
mod models;
mod places;
mod post;
mod prices;
mod responses_form;
mod route;
mod scraper_form;
mod serve;
mod settings;
mod settle;
mod task_id;
mod tasks;
mod price_classes;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use self::account::Account;
use self::envelope::{Envelope, segments};
use self::faults::{Forecast, Weather};
use self::gateway::Traffic;
use self::journal::{Entry, Journal};
use self::limits::Peaks;
use self::post::Late;
use self::prices::Prices;
use self::route::Route;
use self::task_id::TaskId;
use self::tasks::{Task, Tasks};
use crate::money::Money;
use crate::product::Method;
use crate::provider::Response;

pub use self::bend::Bend;
pub use self::bill::{Bill, Sale};
pub use self::fault_file::FaultsError;
pub use self::faults::{Fault, Faults, Rule};
pub use self::gateway::RateLimit;
pub use self::gateway_settings::{Gateway, Tier};
pub use self::in_process::InProcess;
pub use self::journal::StateError;
pub use self::price_classes::PriceClass;
pub use self::route::Call;
pub use self::serve::serve;
pub use self::settings::{Settings, Spread, Switches};

/// One request as it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The path, beginning with a slash.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body of a POST, or nothing for a GET.
    pub body: Option<Bytes>,
}

/// What happens on the wire in return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// A whole reply, this long after the request.
    Reply {
        /// The reply.
        response: Response,
        /// How long it takes; it may be longer than a client waits.
        after: Duration,
        /// What the gateway says about its limit, where the request came through it.
        rate_limit: Option<RateLimit>,
    },
    /// A reply whose body ends early.
    Truncated {
        /// The reply as it should be.
        response: Response,
        /// How many bytes of the body arrive.
        sent: usize,
    },
    /// The connection is closed without a reply; whether anything was bought is for the bill to say.
    Dropped,
    /// The connection is closed before the request is read.
    Refused,
}

/// A simulated provider.
#[derive(Debug)]
pub struct Sandbox {
    settings: Settings,
    accounts: Vec<Account>,
    prices: Prices,
    tasks: Tasks,
    forecast: Forecast,
    /// What was cut off and takes effect later, by when.
    late: BTreeMap<(DateTime<Utc>, u64), Late>,
    journal: Option<Journal>,
    /// What passes the gateway.
    traffic: Traffic,
    billed: Money,
    peaks: Peaks,
    now: DateTime<Utc>,
    started: Option<DateTime<Utc>>,
    /// Calls so far: what their own draws follow from.
    calls: u64,
    /// Tasks posted so far, accepted or not: what their ids follow from.
    serial: u64,
}

/// One call on its way through.
struct Context<'a> {
    now: DateTime<Utc>,
    account: usize,
    route: Route<'a>,
    /// The path as a JSON array.
    path: String,
    weather: &'a Weather,
    /// The id of a row that is about the call itself.
    call_id: String,
}

impl Context<'_> {
    /// A time as this provider's clock has it.
    fn face(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        time + self.weather.skew()
    }
}

/// What a call comes to, before the wire has its say.
enum Reply {
    /// An envelope with rows.
    Rows(Envelope),
    /// An envelope with rows that takes a while.
    Slow(Envelope, Duration),
    /// Refused as a whole.
    Refused(u32),
    /// An HTTP error; an HTML page or an envelope of 50000 without tasks.
    Error(u16, bool),
    /// No reply.
    Dropped,
}

impl Sandbox {
    /// A provider that has sold nothing yet and keeps its state in memory only.
    pub fn new(settings: Settings) -> Self {
        let switches = &settings.switches;
        Self {
            accounts: Account::all(&settings),
            prices: Prices::new(&settings),
            tasks: Tasks::new(switches.list_by_completion, !switches.ready_hides_failures),
            forecast: Forecast::new(settings.faults.clone(), settings.seed),
            late: BTreeMap::new(),
            journal: None,
            traffic: Traffic::default(),
            billed: Money::ZERO,
            peaks: Peaks::default(),
            now: DateTime::UNIX_EPOCH,
            started: None,
            calls: 0,
            serial: 0,
            settings,
        }
    }

    /// A provider that remembers, in a file, what it sold and what was collected. Counts of calls and faults begin anew,
    /// and what was to be accepted late is forgotten.
    ///
    /// # Errors
    /// The file cannot be used, or is none of ours. A torn last line is cut off.
    pub fn with_state(settings: Settings, path: impl AsRef<Path>) -> Result<Self, StateError> {
        let mut sandbox = Self::new(settings);
        let journal = Journal::open(path.as_ref(), |entry| match entry {
            Entry::Sold(task) => sandbox.remember(task),
            Entry::Collected(id) => {
                sandbox.tasks.collect(id);
            }
            Entry::Settled(id, cost) => sandbox.note_settled(id, cost),
            Entry::PaidIn(account, sum) => sandbox.note_paid_in(account, sum),
        })?;
        sandbox.serial = sandbox.tasks.len() as u64;
        sandbox.journal = Some(journal);
        Ok(sandbox)
    }

    /// Lets time pass: what was to happen until `now` happens. Time never goes back.
    pub fn advance(&mut self, now: DateTime<Utc>) {
        while let Some(entry) = self.late.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let late = entry.remove();
            self.settle(late.due);
            self.now = self.now.max(late.due);
            let calm = Weather::default();
            if let Some(route @ (Route::Post(price_class) | Route::Live(price_class))) = Route::of(&late.path) {
                let cx = self.context(late.account, route, &late.path, &calm);
                self.purchase(&cx, price_class, &late.body);
            }
        }
        self.settle(now);
        self.now = self.now.max(now);
        self.started.get_or_insert(self.now);
    }

    /// Answers a call that buys.
    fn purchase(&mut self, cx: &Context<'_>, price_class: PriceClass, body: &[u8]) -> Reply {
        match price_class.method {
            Method::Standard => self.post(cx, price_class, body),
            Method::Live => self.live(cx, price_class, body),
        }
    }

    /// When something happens next by itself: a batch that is accepted late.
    pub fn next_event(&self) -> Option<DateTime<Utc>> {
        self.late.keys().next().map(|(due, _)| *due)
    }

    fn context<'a>(&self, account: usize, route: Route<'a>, path: &'a str, weather: &'a Weather) -> Context<'a> {
        let random = draw::rng(self.settings.seed, self.calls.into(), "call").u64(..);
        let call_id = TaskId::new(self.now + weather.skew(), account, route.function_number(), random).to_string();
        Context { now: self.now, account, route, path: segments(path), weather, call_id }
    }

    /// Writes down what is sold, then takes the money and the tasks.
    fn sell(&mut self, tasks: Vec<Task>) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.sold(&tasks)?;
        }
        for task in tasks {
            self.remember(task);
        }
        Ok(())
    }

    /// Takes a task and its money.
    fn remember(&mut self, task: Task) {
        let posted = DateTime::from_timestamp_millis(task.posted_ms).unwrap_or_default();
        self.now = self.now.max(posted);
        self.billed += task.cost;
        if let Some(account) = self.accounts.get_mut(usize::from(task.account)) {
            account.pay(posted, task.price_class.function, task.cost);
        }
        self.tasks.add(task);
    }

    /// Tops up an account, counted from the main one at 0.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn pay_in(&mut self, account: u8, sum: Money) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.paid_in(account, sum)?;
        }
        self.note_paid_in(account, sum);
        Ok(())
    }

    fn note_paid_in(&mut self, account: u8, sum: Money) {
        if let Some(account) = self.accounts.get_mut(usize::from(account)) {
            account.balance += sum;
        }
    }

    fn note_collected(&mut self, id: TaskId) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.collected(id)?;
        }
        self.tasks.collect(id);
        Ok(())
    }
}
