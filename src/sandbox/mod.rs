//! The sandbox: a simulated vendor that sells invented answers for play money.
//!
//! For tests, simulation, benches and `bursar sandbox`; never a fallback for the real vendor, and no promise of what
//! that one does. [`Sandbox::handle`] is a function of the time, the call and what came before: no clock, no I/O but
//! the state file, every draw from the seed. [`InProcess`] and [`serve`] put it behind a [`crate::vendor::Vendor`] and
//! behind HTTP. Its bill is its own, kept apart from every client's books so that the two can be compared.
//!
//! Faults are named in [`Fault`]; the form of a fault file stands in `fault_file`. To sell another function, give it
//! a row in `route` and a file beside `post`; one that is not built answers 40400.

mod account;
mod answer;
mod appendix;
mod bill;
mod collect;
mod draw;
mod envelope;
mod fault_file;
mod faults;
mod form;
mod in_process;
mod journal;
mod limits;
mod list;
mod places;
mod post;
mod route;
mod serve;
mod settings;
mod tasks;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use self::account::Account;
use self::envelope::{Envelope, refusal, segments};
use self::faults::{Forecast, Weather, since};
use self::journal::{Entry, Journal};
use self::limits::Peaks;
use self::post::Late;
use self::route::Route;
use self::tasks::{Task, TaskId, Tasks};
use crate::money::Money;
use crate::offer::{Engine, Priority};
use crate::vendor::Response;

pub use self::bill::{Bill, Sale};
pub use self::fault_file::FaultsError;
pub use self::faults::{Fault, Faults, Rule};
pub use self::in_process::InProcess;
pub use self::journal::StateError;
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

/// A simulated vendor.
#[derive(Debug)]
pub struct Sandbox {
    settings: Settings,
    accounts: Vec<Account>,
    prices: BTreeMap<(Engine, Priority), Money>,
    tasks: Tasks,
    forecast: Forecast,
    /// What was cut off and takes effect later, by when.
    late: BTreeMap<(DateTime<Utc>, u64), Late>,
    journal: Option<Journal>,
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
    /// A time as this vendor's clock has it.
    fn face(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        time + self.weather.skew()
    }
}

/// What a call comes to, before the wire has its say.
enum Reply {
    /// An envelope with rows.
    Rows(Envelope),
    /// Refused as a whole.
    Refused(u32),
    /// An HTTP error; an HTML page or an envelope of 50000 without tasks.
    Error(u16, bool),
    /// No reply.
    Dropped,
}

impl Sandbox {
    /// A vendor that has sold nothing yet and keeps its state in memory only.
    pub fn new(settings: Settings) -> Self {
        let switches = &settings.switches;
        Self {
            accounts: Account::all(&settings),
            prices: settings.prices.clone(),
            tasks: Tasks::new(switches.list_by_completion, !switches.ready_hides_failures),
            forecast: Forecast::new(settings.faults.clone(), settings.seed),
            late: BTreeMap::new(),
            journal: None,
            billed: Money::ZERO,
            peaks: Peaks::default(),
            now: DateTime::UNIX_EPOCH,
            started: None,
            calls: 0,
            serial: 0,
            settings,
        }
    }

    /// A vendor that remembers, in a file, what it sold and what was collected. Counts of calls and faults begin anew,
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
            self.now = self.now.max(late.due);
            let calm = Weather::default();
            if let Some(route @ Route::Post(engine)) = Route::of(&late.path) {
                let cx = self.context(late.account, route, &late.path, &calm);
                self.post(&cx, engine, &late.body);
            }
        }
        self.now = self.now.max(now);
        self.started.get_or_insert(self.now);
    }

    /// When something happens next by itself: a batch that is accepted late.
    pub fn next_event(&self) -> Option<DateTime<Utc>> {
        self.late.keys().next().map(|(due, _)| *due)
    }

    /// Answers one request at a time.
    pub fn handle(&mut self, now: DateTime<Utc>, incoming: &Incoming) -> Served {
        self.advance(now);
        self.calls += 1;
        let path = incoming.path.split('?').next().unwrap_or_default();
        if path == "/sandbox/bill" {
            return self.reply(200, self.bill_json(), &Weather::default());
        }
        let route = Route::of(path);
        let elapsed = self.started.map_or(Duration::ZERO, |started| since(self.now, started));
        let call = route.map_or(Call::Other, Route::call);
        self.peaks.note(self.now, call);
        let weather = self.forecast.strike(elapsed, call, route.and_then(Route::engine));
        if let Some(served) = self.at_the_edge(&weather) {
            return served;
        }
        let reply = self.answer(route, path, incoming, &weather);
        self.on_the_way_back(reply, &weather)
    }

    /// What befalls a request before anyone looks at it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most faults do not strike here")]
    fn at_the_edge(&self, weather: &Weather) -> Option<Served> {
        weather.find(|fault| match fault {
            Fault::RefuseBefore => Some(Served::Refused),
            Fault::DropBefore => Some(Served::Dropped),
            Fault::ErrorBefore { status, html } => Some(self.error(*status, *html, weather)),
            Fault::Html200 => Some(self.error(200, true, weather)),
            Fault::Envelope50000 => Some(self.error(200, false, weather)),
            Fault::Throttle429 { after } => Some(match self.error(429, true, weather) {
                Served::Reply { mut response, after: delay } => {
                    response.retry_after = Some(*after);
                    Served::Reply { response, after: delay }
                }
                other @ (Served::Truncated { .. } | Served::Dropped | Served::Refused) => other,
            }),
            _ => None,
        })
    }

    /// Authorises, counts and answers a call.
    fn answer(&mut self, route: Option<Route<'_>>, path: &str, incoming: &Incoming, weather: &Weather) -> Reply {
        let header = incoming.authorization.as_deref().unwrap_or_default();
        let Some(account) = self.accounts.iter().position(|account| account.lets_in(header)) else {
            return Reply::Refused(40_100);
        };
        let Some(route) = route else { return Reply::Refused(40_400) };
        let admitted = self.accounts[account].limits.admit(self.now, route.call(), &self.settings);
        if !admitted || weather.has(&Fault::Throttle40202) {
            return Reply::Refused(40_202);
        }
        if weather.has(&Fault::Payment40210) {
            return Reply::Refused(40_210);
        }
        if weather.has(&Fault::ListOutage) {
            return Reply::Error(500, false);
        }
        let body = incoming.body.clone().unwrap_or_default();
        let cx = self.context(account, route, path, weather);
        match route {
            Route::Post(engine) => {
                let late = weather.find(|f| if let Fault::AcceptLate { after } = f { Some(*after) } else { None });
                let Some(after) = late else { return self.post(&cx, engine, &body) };
                let due = self.now + TimeDelta::from_std(after).unwrap_or(TimeDelta::MAX);
                self.late.insert((due, self.calls), Late { account, path: path.to_owned(), body, due });
                Reply::Dropped
            }
            Route::Ready(engine) => self.ready(&cx, engine),
            Route::Get(engine, kind, id) => self.get(&cx, engine, kind, id),
            Route::Locations(engine, country) => appendix::locations(&cx, engine, country),
            Route::Languages(engine) => appendix::languages(&cx, engine),
            Route::IdList => self.list(&cx, &body),
            Route::Errors => Reply::Rows(cx.rows_of("errors", None, &[])),
            Route::UserData => self.user_data(&cx),
            Route::ErrorCodes => appendix::error_codes(&cx),
            Route::Status => appendix::status(&cx),
        }
    }

    /// What befalls a reply on its way back.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most faults do not strike here")]
    fn on_the_way_back(&self, reply: Reply, weather: &Weather) -> Served {
        let switches = &self.settings.switches;
        let served = match reply {
            Reply::Dropped => return Served::Dropped,
            Reply::Error(status, html) => self.error(status, html, weather),
            Reply::Rows(envelope) => {
                self.reply(200, envelope.body(switches.float_dust, switches.count_errors), weather)
            }
            Reply::Refused(code) => {
                let status = match code {
                    40_100 => 401,
                    40_210 => self.settings.payment_status,
                    40_400 => 404,
                    _ => 200,
                };
                self.reply(status, refusal(code), weather)
            }
        };
        let Served::Reply { response, after } = served else { return served };
        weather
            .find(|fault| match fault {
                Fault::DropAfter => Some(Served::Dropped),
                Fault::ErrorAfter { status, html } => Some(self.error(*status, *html, weather)),
                Fault::Truncate => {
                    Some(Served::Truncated { sent: response.body.len() / 2, response: response.clone() })
                }
                Fault::AnswerLate { after } => Some(Served::Reply { response: response.clone(), after: *after }),
                _ => None,
            })
            .unwrap_or(Served::Reply { response, after })
    }

    fn error(&self, status: u16, html: bool, weather: &Weather) -> Served {
        let page = || format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
        self.reply(status, if html { page() } else { refusal(50_000) }, weather)
    }

    fn reply(&self, status: u16, body: String, weather: &Weather) -> Served {
        let after = self.settings.reply_after;
        let date = self.now + weather.skew() + TimeDelta::from_std(after).unwrap_or_default();
        let response =
            Response { status, date: Some(date.trunc_subsecs(0)), retry_after: None, body: Bytes::from(body) };
        Served::Reply { response, after }
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
            account.pay(posted, task.cost);
        }
        self.tasks.add(task);
    }

    fn note_collected(&mut self, id: TaskId) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.collected(id)?;
        }
        self.tasks.collect(id);
        Ok(())
    }
}
