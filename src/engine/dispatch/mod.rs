//! Buying: which tasks go into the next batch, under which caps, at which prices.
//!
//! Tasks are pulled in the order of the plan (`endpoint_queues`). Each is allocated its money before the next is
//! considered. The first task for which a cap has no headroom is the cut, and none behind it is taken. A price that
//! this ledger has never paid is tried on one task; the other tasks of that price wait for its charge (`prices`).
//! What is ready goes into a batch (`batches`). This module holds no connection and no file.

mod endpoint_queues;
mod ceilings;
mod prices;
mod bodies;
mod alike;
mod batches;
mod oddities;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use alike::Alike;
pub(super) use bodies::Blame;
use bodies::Bodies;
pub(super) use bodies::MOST_REFUSED_BODIES;
pub use ceilings::HeadroomFor;
pub use endpoint_queues::Pulled;
use oddities::Oddities;
pub(super) use oddities::{MOST_ODD, OddNews};
use prices::Beyond;
pub use prices::KnownPrice;
pub(super) use prices::{ListedPrice, PriceNews, StoppedPrice};

use crate::ids::{AttemptId, BatchId, RunId, TargetId, TaskId};
use crate::job::Drift;
use crate::ledger::ToBuy;
use crate::money::Money;
use crate::plan::Headroom;
use crate::price::Charge;
use crate::product::{Engine, Function, Method, Product};
use crate::provider::{PriceClass, UserData};
use crate::rule::Rule;

/// Tasks of a run that may wait in memory: enough to fill every endpoint queue, few enough to hold.
const MOST_PULLED: usize = 20_000;
/// Tasks that are pulled at once.
pub(super) const PULL: usize = 2_000;

/// How a run is to be bought.
#[derive(Clone, Copy, Debug)]
pub struct RunTerms {
    /// Which.
    pub run: RunId,
    /// Tries of a task in one session.
    pub max_attempts: u32,
    /// How far a price may be from the list.
    pub drift: Drift,
    /// Paid failures of a task that are bought anew.
    pub retry_paid_failures: u32,
    /// Refusals alike in a row that stop what they have in common.
    pub stop_after_refusals: u32,
}

/// A task on its way into a batch.
#[derive(Clone, Copy, Debug)]
struct Want {
    task: ToBuy,
    engine: Engine,
    function: Function,
    price: usize,
    /// The money it was given.
    allocated: Money,
}

impl Want {
    fn endpoint_queue(&self) -> EndpointQueue {
        (self.engine, self.function, self.task.method)
    }
}

/// Where a batch is bought: tasks of one endpoint queue may stand in one POST.
pub(super) type EndpointQueue = (Engine, Function, Method);

/// Why nothing is bought in an endpoint queue in this session, and how many tasks are left planned for it.
#[derive(Debug)]
struct Shut {
    why: String,
    left: u64,
}

#[derive(Debug)]
struct PriceState {
    key: String,
    /// What each purchase takes alike, by our list.
    list: Money,
    /// What the provider's own list should name.
    fee: Money,
    /// The last charge of that, where there was one.
    charged: Option<Money>,
    /// When that was bought, by the provider's clock.
    charged_v: i64,
    price_class: PriceClass,
    /// By the provider's own list, where it names it.
    listed: Option<Money>,
    listed_told: bool,
    canaries_out: u32,
    canaries_in_doubt: u32,
    /// By run: tasks that wait for the price to be proven.
    waiting: BTreeMap<usize, VecDeque<Want>>,
}

impl PriceState {
    /// By how much the provider takes more than our list says, or says that it will.
    fn beyond(&self) -> Money {
        let beyond = |found: Option<Money>, known: Money| found.map_or(Money::ZERO, |found| found.less(known));
        beyond(self.charged, self.list).max(beyond(self.listed, self.fee))
    }

    /// The most that each purchase takes alike, as far as is known.
    fn worst_case(&self) -> Money {
        self.list.saturating_add(self.beyond())
    }
}

/// The endpoint queues of one run.
#[derive(Debug)]
struct RunQueue {
    terms: RunTerms,
    /// The place in the plan up to which tasks were pulled.
    cursor: i64,
    exhausted: bool,
    /// The first task that did not fit: what it needs, and the ceiling.
    cut: Option<(Money, Headroom)>,
    /// The ceiling by which the ledger refused, again and again, what seemed to fit: nothing more in this session.
    given_up: Option<Headroom>,
    own: Option<Headroom>,
    /// Given to tasks that are not reserved yet.
    allocated: Money,
    endpoint_queues: BTreeMap<EndpointQueue, VecDeque<Want>>,
    /// Tried before, and not again before a moment.
    later: BTreeMap<(Duration, i64), Want>,
    /// Tries in this session, of tasks that were tried and came back; `u32::MAX`: not again in this session.
    tries: BTreeMap<TaskId, u32>,
    /// Tasks left planned because their price has stopped.
    priced_out: u64,
    pulling: bool,
    /// What is being pulled was read before the plan was begun anew: since then a task of it may have been found bought.
    pulled_in_vain: bool,
}

impl RunQueue {
    fn tried_out(&self, task: TaskId) -> bool {
        Rule::MaxAttempts.is_kept() && self.tries.get(&task).is_some_and(|tries| *tries >= self.terms.max_attempts)
    }
}

/// A batch that is reserved and not yet answered.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) run: RunId,
    pub(super) engine: Engine,
    pub(super) function: Function,
    pub(super) method: Method,
    pub(super) first_attempt: AttemptId,
    pub(super) hold: Money,
    wants: Vec<Want>,
    canary: Option<usize>,
    pub(super) sent_v: i64,
}

impl InFlight {
    pub(super) fn tasks(&self) -> usize {
        self.wants.len()
    }

    /// The attempt of the task at a place of the batch.
    pub(super) fn attempt(&self, at: usize) -> AttemptId {
        AttemptId(self.first_attempt.0 + i64::try_from(at).unwrap_or(0))
    }

    pub(super) fn endpoint_queue(&self) -> EndpointQueue {
        (self.engine, self.function, self.method)
    }

    pub(super) fn task(&self, at: usize) -> ToBuy {
        self.wants[at].task
    }

    /// What the task at a place of the batch asks of whom, and how it is bought.
    pub(super) fn target(&self, at: usize) -> (TargetId, Method) {
        (self.wants[at].task.target, self.method)
    }

    /// What its tasks cost is only known with their answers.
    pub(super) fn settles_later(&self) -> bool {
        Product::find(self.engine, self.function, self.method).is_some_and(Product::settles_later)
    }

    /// What the provider took of a task for which it named so much: one that names its fee alone takes the advance as well.
    pub(in crate::engine) fn taken(&self, named: Money) -> Money {
        if self.settles_later() { crate::price::taken(Some(named)) } else { named }
    }

    pub(super) fn held(&self, at: usize) -> Money {
        self.wants[at].allocated
    }
}

/// A batch about to be reserved.
#[derive(Debug)]
struct Pending {
    queue: usize,
    wants: Vec<Want>,
    canary: Option<usize>,
    sent_v: i64,
}

/// What is bought, and in which order.
#[derive(Debug)]
pub(super) struct Dispatch {
    queues: Vec<RunQueue>,
    prices: Vec<PriceState>,
    /// Charges that were found in a list before anything was pulled of their price.
    unpulled: BTreeMap<String, Charge>,
    /// What tasks of a target came to in the end, where that was more than was held.
    beyond: BTreeMap<(TargetId, Method), Beyond>,
    /// Live calls that may be under way at one time.
    live_at_once: u32,
    /// The account's own word on its prices, once it was asked.
    account: Option<UserData>,
    shared: Option<Headroom>,
    pending: Vec<Pending>,
    in_flight: BTreeMap<BatchId, InFlight>,
    /// Single tasks in doubt, and the prices they were to prove.
    unknown_canaries: BTreeMap<BatchId, usize>,
    /// Nothing more is bought in this session.
    pub(super) halted: Option<String>,
    /// Price classes whose answers are odd.
    oddities: Oddities,
    /// Bodies that were refused whole.
    bodies: Bodies,
    /// Tasks that were refused alike.
    alike: Alike,
    /// Endpoint queues in which nothing can be bought, or whose answers cannot be collected.
    shut: BTreeMap<EndpointQueue, Shut>,
    /// Commits in a row in which the ledger refused drafts although there seemed to be room, and reserved none.
    refusals: u32,
}

impl Dispatch {
    pub(super) fn new(runs: &[RunTerms], live_at_once: u32) -> Self {
        let queue = |terms: &RunTerms| RunQueue {
            terms: *terms,
            cursor: 0,
            exhausted: false,
            cut: None,
            given_up: None,
            own: None,
            allocated: Money::ZERO,
            endpoint_queues: BTreeMap::new(),
            later: BTreeMap::new(),
            tries: BTreeMap::new(),
            priced_out: 0,
            pulling: false,
            pulled_in_vain: false,
        };
        Self {
            queues: runs.iter().map(queue).collect(),
            prices: Vec::new(),
            unpulled: BTreeMap::new(),
            beyond: BTreeMap::new(),
            live_at_once: live_at_once.max(1),
            account: None,
            shared: None,
            pending: Vec::new(),
            in_flight: BTreeMap::new(),
            unknown_canaries: BTreeMap::new(),
            halted: None,
            oddities: Oddities::default(),
            bodies: Bodies::default(),
            alike: Alike::default(),
            shut: BTreeMap::new(),
            refusals: 0,
        }
    }

    /// Puts every task that is not reserved back into the plan, to be pulled and given money anew.
    pub(super) fn start_over(&mut self) {
        for price in &mut self.prices {
            price.waiting.clear();
        }
        for queue in &mut self.queues {
            queue.endpoint_queues.clear();
            queue.later.clear();
            queue.allocated = Money::ZERO;
            queue.cursor = 0;
            queue.pulled_in_vain = queue.pulling;
            queue.exhausted = false;
            queue.cut = queue.given_up.clone().map(|headroom| (Money::MAX, headroom));
            queue.priced_out = 0;
        }
        self.oddities.start_over();
        self.bodies.start_over();
        self.alike.start_over();
        for shut in self.shut.values_mut() {
            shut.left = 0;
        }
        // What is drafted and not yet reserved still has its money.
        for pending in &self.pending {
            for want in &pending.wants {
                self.queues[pending.queue].allocated += want.allocated;
            }
        }
    }

    pub(super) fn terms(&self, run: RunId) -> Option<RunTerms> {
        self.queue_of(run).map(|at| self.queues[at].terms)
    }

    fn queue_of(&self, run: RunId) -> Option<usize> {
        self.queues.iter().position(|queue| queue.terms.run == run)
    }

    /// Nothing is left that could be bought in this session; what waits for a price whose tasks are in doubt does not
    /// count.
    pub(super) fn is_done(&self) -> bool {
        let idle = self.in_flight.is_empty() && self.pending.is_empty();
        let nothing_left = |queue: &RunQueue| {
            (queue.exhausted || queue.cut.is_some())
                && queue.later.is_empty()
                && queue.endpoint_queues.values().all(VecDeque::is_empty)
        };
        idle && (self.halted.is_some() || (self.queues.iter().all(nothing_left) && self.canary().is_none()))
    }

    /// Tasks that this session passes over: for their price, their tries, or because nothing is sold in their endpoint queue.
    pub(super) fn passed_over(&self) -> u64 {
        let (priced_out, tried_out) = self.left();
        priced_out + tried_out + self.shut.values().map(|shut| shut.left).sum::<u64>()
    }

    /// Tasks left planned because of their price, and because of too many tries or the provider's own limits.
    pub(super) fn left(&self) -> (u64, u64) {
        let tried_out = |queue: &RunQueue| queue.tries.keys().filter(|task| queue.tried_out(**task)).count() as u64;
        (self.queues.iter().map(|queue| queue.priced_out).sum(), self.queues.iter().map(tried_out).sum())
    }
}
