//! What goes wrong, and when: named faults, each scripted or random.
//!
//! A [`Rule`] joins a fault with the calls it concerns and the moments at which it applies. `fault_file` reads rules
//! from a file. The module that answers a call implements what a fault does to it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::bend::Bend;
use super::route::Call;
use crate::money::Money;
use crate::product::{Engine, Function, Priority};

/// One way in which a provider or the network misbehaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The connection is closed before anything is read.
    RefuseBefore,
    /// The request is read, not processed, and the connection dropped.
    DropBefore,
    /// The request is processed and charged, and the connection dropped without a reply.
    DropAfter,
    /// The connection is dropped now; the tasks are accepted and charged later.
    AcceptLate {
        /// How much later.
        after: Duration,
    },
    /// The request is processed; the reply comes later than a client waits.
    AnswerLate {
        /// How much later.
        after: Duration,
    },
    /// Not processed; an error status.
    ErrorBefore {
        /// 500, 502, 503, 504 or any other.
        status: u16,
        /// A proxy's HTML page instead of an envelope.
        html: bool,
    },
    /// Processed and charged; then an error status with no task rows.
    ErrorAfter {
        /// 500, 502, 503, 504 or any other.
        status: u16,
        /// A proxy's HTML page instead of an envelope.
        html: bool,
    },
    /// Processed; the body is cut in the middle.
    Truncate,
    /// Processed whole; some rows are left out of the reply.
    MissingRows {
        /// How many.
        rows: usize,
    },
    /// The rows of the reply come in another order.
    Reorder,
    /// Some rows of the reply come twice.
    RepeatRows {
        /// How many.
        rows: usize,
    },
    /// Only the first tasks are accepted and charged, then the connection is dropped.
    Partial {
        /// How many.
        tasks: usize,
    },
    /// Refused by an envelope of 40202 in HTTP 200.
    Throttle40202,
    /// Refused by HTTP 429.
    Throttle429 {
        /// Sent as `Retry-After`.
        after: Duration,
    },
    /// Refused as if the balance were short.
    Payment40210,
    /// The first tasks of a POST fail with 50000 at no cost.
    Task50000 {
        /// How many.
        tasks: usize,
    },
    /// A firewall refuses every request in whose body a word stands; nothing is processed.
    RefuseBody {
        /// The word.
        marker: String,
        /// 400, 403, 413, 422 or any other, with a page of HTML.
        status: u16,
    },
    /// A proxy refuses every purchase of more tasks with HTTP 413; nothing is processed.
    RefuseLarge {
        /// So many pass.
        tasks: usize,
    },
    /// An envelope of 50000 without tasks in HTTP 200; nothing is processed.
    Envelope50000,
    /// An HTML page with status 200; nothing is processed.
    Html200,
    /// `tasks_ready` leaves out some rows.
    ReadyOmits {
        /// The chance of each row to be left out.
        share: f64,
    },
    /// `tasks_ready` shows each row twice.
    ReadyRepeats,
    /// Another program leaves its answers uncollected on the account: `tasks_ready` is full of them, and shows no other.
    ReadyCrowded,
    /// Tasks appear in `id_list` so long after their sale, whatever was drawn for them.
    ListLag {
        /// How long, not divided by the speed.
        after: Duration,
    },
    /// `id_list` answers 500.
    ListOutage,
    /// `id_list` leaves out some rows.
    ListOmits {
        /// The chance of each row to be left out.
        share: f64,
    },
    /// `id_list` hides tasks that are not finished.
    ListHidesUnfinished,
    /// `id_list` shows metadata without tags.
    ListWithoutTags,
    /// The provider's clock stands wrong in all it prints and reads.
    ClockSkew {
        /// Seconds ahead, or behind where negative.
        seconds: i64,
    },
    /// From the POST on that it strikes, tasks cost something else.
    PriceChange {
        /// The new price.
        usd: Money,
        /// Of this engine only.
        engine: Option<Engine>,
        /// Of this priority only.
        priority: Option<Priority>,
    },
    /// The tasks of the POST are accepted and charged, and end in an error.
    PaidFailure {
        /// 40101, 40102 or 40103.
        code: u32,
        /// The POST's reply already says so, instead of `task_get`.
        at_post: bool,
    },
    /// A model charges exactly this, whatever it used: more than the advance, where nothing else is said.
    Overrun {
        /// `money_spent`.
        usd: Money,
    },
    /// The tasks of the POST settle later than they are done: their advance is held on.
    SettleLate {
        /// How much later, not divided by the speed.
        after: Duration,
    },
    /// The tasks of the POST are never done: they fail after 72 hours. LLM Responses only.
    NeverDone,
    /// The balance is said to be below zero: results of LLM Responses are withheld, and nothing is sold.
    NegativeBalance,
    /// `user_data` shows the balance as it stood some time ago.
    StaleBalance {
        /// How long ago, not divided by the speed; an hour at the most.
        after: Duration,
    },
    /// An answer is not as it should be, and not the next time either.
    OddAnswer {
        /// In which way.
        how: Bend,
        /// The chance of each answer.
        share: f64,
    },
    /// A Live answer is made and charged, and lost with its connection.
    LiveLost,
    /// A Live answer takes too long and ends in 50401.
    LiveTimeout {
        /// It was charged all the same.
        charged: bool,
    },
}

impl Fault {
    /// The calls it is about where a rule does not say.
    pub(super) fn default_call(&self) -> Option<Call> {
        match self {
            Self::AcceptLate { .. }
            | Self::MissingRows { .. }
            | Self::Reorder
            | Self::RepeatRows { .. }
            | Self::Partial { .. }
            | Self::RefuseBody { .. }
            | Self::RefuseLarge { .. }
            | Self::Payment40210
            | Self::Task50000 { .. }
            | Self::PriceChange { .. }
            | Self::PaidFailure { .. }
            | Self::Overrun { .. }
            | Self::SettleLate { .. }
            | Self::NeverDone => Some(Call::TaskPost),
            Self::StaleBalance { .. } => Some(Call::UserData),
            Self::LiveLost | Self::LiveTimeout { .. } => Some(Call::Live),
            Self::ReadyOmits { .. } | Self::ReadyRepeats | Self::ReadyCrowded => Some(Call::TasksReady),
            Self::OddAnswer { .. } => Some(Call::TaskGet),
            Self::ListLag { .. }
            | Self::ListOutage
            | Self::ListOmits { .. }
            | Self::ListHidesUnfinished
            | Self::ListWithoutTags => Some(Call::IdList),
            Self::RefuseBefore
            | Self::DropBefore
            | Self::DropAfter
            | Self::AnswerLate { .. }
            | Self::ErrorBefore { .. }
            | Self::ErrorAfter { .. }
            | Self::Truncate
            | Self::Throttle40202
            | Self::Throttle429 { .. }
            | Self::Envelope50000
            | Self::Html200
            | Self::NegativeBalance
            | Self::ClockSkew { .. } => None,
        }
    }
}

/// A fault, the calls it is about, and when it strikes. All that is given must hold; nothing given means always.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// At this kind of call only.
    pub call: Option<Call>,
    /// At calls about this engine only.
    pub engine: Option<Engine>,
    /// At calls about this function only.
    pub function: Option<Function>,
    /// At calls through the gateway only, or only at those that come directly.
    pub gateway: Option<bool>,
    /// At these of the matching calls, counted from 1.
    pub nth: Vec<u64>,
    /// With this chance, from 0 to 1.
    pub share: Option<f64>,
    /// Not before this long after the sandbox's first call.
    pub from: Duration,
    /// No longer from this long after the sandbox's first call.
    pub until: Option<Duration>,
    /// At most so often.
    pub times: Option<u64>,
}

impl Rule {
    /// A fault that strikes at every call it is about.
    pub fn always(fault: Fault) -> Self {
        let call = fault.default_call();
        Self {
            fault,
            call,
            engine: None,
            function: None,
            gateway: None,
            nth: Vec::new(),
            share: None,
            from: Duration::ZERO,
            until: None,
            times: None,
        }
    }

    /// A fault that strikes once, at the nth call of a kind.
    pub fn nth(fault: Fault, call: Call, nth: u64) -> Self {
        Self { call: Some(call), nth: vec![nth], ..Self::always(fault) }
    }

    /// The same at calls about one function only.
    #[must_use]
    pub fn about(self, function: Function) -> Self {
        Self { function: Some(function), ..self }
    }

    /// The same at calls through the gateway only.
    #[must_use]
    pub fn at_the_gateway(self) -> Self {
        Self { gateway: Some(true), ..self }
    }

    /// A fault that strikes by chance at calls of a kind.
    pub fn chance(fault: Fault, call: Call, share: f64) -> Self {
        Self { call: Some(call), share: Some(share), ..Self::always(fault) }
    }
}

/// All rules, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// The rules.
    pub rules: Vec<Rule>,
}

impl From<Vec<Rule>> for Faults {
    fn from(rules: Vec<Rule>) -> Self {
        Self { rules }
    }
}

/// How often each rule has matched and struck.
#[derive(Clone, Debug)]
pub(super) struct Forecast {
    rules: Vec<(Rule, u64, u64)>,
    rng: fastrand::Rng,
}

impl Forecast {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        let rules = faults.rules.into_iter().map(|rule| (rule, 0, 0)).collect();
        Self { rules, rng: super::draw::rng(seed, 0, "faults") }
    }

    /// How often each fault has struck.
    pub(super) fn strikes(&self) -> impl Iterator<Item = (&Fault, u64)> {
        self.rules.iter().map(|(rule, _, struck)| (&rule.fault, *struck))
    }

    /// The faults that strike a call.
    pub(super) fn strike(&mut self, since_session: Duration, about: &About) -> Weather {
        let mut fired = Vec::new();
        for (rule, matched, struck) in &mut self.rules {
            let about = rule.call.is_none_or(|of| of == about.call)
                && rule.engine.is_none_or(|of| Some(of) == about.engine)
                && rule.function.is_none_or(|of| Some(of) == about.function)
                && rule.gateway.is_none_or(|of| of == about.gateway);
            if !about || since_session < rule.from || rule.until.is_some_and(|until| since_session >= until) {
                continue;
            }
            *matched += 1;
            let hit = (rule.nth.is_empty() || rule.nth.contains(matched))
                && rule.times.is_none_or(|times| *struck < times)
                && rule.share.is_none_or(|share| self.rng.f64() < share);
            if hit {
                *struck += 1;
                fired.push(rule.fault.clone());
            }
        }
        Weather(fired)
    }
}

/// What a call is about, for rules to match.
pub(super) struct About {
    pub(super) call: Call,
    pub(super) engine: Option<Engine>,
    pub(super) function: Option<Function>,
    pub(super) gateway: bool,
}

/// The faults that strike one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather(pub(super) Vec<Fault>);

impl Weather {
    /// What the first fault that `pick` knows makes of it.
    pub(super) fn find<T>(&self, pick: impl FnMut(&Fault) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(pick)
    }

    /// Whether exactly this fault strikes.
    pub(super) fn has(&self, fault: &Fault) -> bool {
        self.0.contains(fault)
    }

    /// How wrong the provider's clock stands.
    pub(super) fn skew(&self) -> chrono::TimeDelta {
        let seconds = self.find(|fault| if let Fault::ClockSkew { seconds } = fault { Some(*seconds) } else { None });
        chrono::TimeDelta::seconds(seconds.unwrap_or(0).clamp(-31_536_000, 31_536_000))
    }
}

/// How long ago something was; nothing where it lies ahead.
pub(super) fn since(now: DateTime<Utc>, then: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or_default()
}
