//! Buying: which tasks go into the next batch, under which ceilings, at which prices.
//!
//! Tasks are pulled from the plan in its order, and each is given its money before the next is looked at: the first
//! that no ceiling leaves room for is where the plan is cut, and none behind it is taken. A price that this ledger was
//! never charged is tried on one task; the rest of that price waits for its charge. What decides here holds no
//! connection and no file.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::ids::{AttemptId, BatchId, RunId, TaskId};
use crate::job::Drift;
use crate::ledger::{CapReached, Draft, DraftTask, Reserved, ToBuy};
use crate::money::Money;
use crate::offer::{Engine, Function, MAX_BATCH};
use crate::plan::Room;

/// Tasks of a run that may wait in memory: enough to fill every lane, few enough to hold.
const MOST_PULLED: usize = 20_000;
/// Tasks that are pulled at once.
pub(super) const PULL: usize = 2_000;
/// A price stays unproven while its single tasks are in doubt; so many may be.
const MOST_CANARIES_IN_DOUBT: u32 = 5;

/// Commits in a row in which the ledger may refuse drafts although there seemed to be room, before their runs are left
/// to a later start: one may follow from a period that turned, more are a disagreement that does not pass.
const MOST_REFUSALS: u32 = 3;

/// How a run is to be bought.
#[derive(Clone, Copy, Debug)]
pub struct RunTerms {
    /// Which.
    pub run: RunId,
    /// Tries of a task in one start.
    pub max_attempts: u32,
    /// How far a price may be from the list.
    pub drift: Drift,
    /// Paid failures of a task that are bought anew.
    pub retry_paid_failures: u32,
}

/// A task with its endpoint and price, as it is pulled from the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The task.
    pub task: ToBuy,
    /// Its endpoint's engine.
    pub engine: Engine,
    /// Its endpoint's function.
    pub function: Function,
    /// Its price.
    pub price: String,
}

/// A price as it is known when its first task is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPrice {
    /// Function, engine, method, priority and model.
    pub key: String,
    /// By the list.
    pub list: Money,
    /// What this ledger was last charged.
    pub seen: Option<Money>,
}

/// What the ceilings leave to a run: its own tightest, and the tightest that all runs of the account share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFor {
    /// Which run.
    pub run: RunId,
    /// The tightest of the run and its job.
    pub own: Option<Room>,
    /// The tightest of the account.
    pub shared: Option<Room>,
}

/// A task on its way into a batch.
#[derive(Clone, Copy, Debug)]
struct Want {
    task: ToBuy,
    engine: Engine,
    function: Function,
    price: usize,
    /// The money it was given.
    funded: Money,
}

#[derive(Debug)]
struct PriceState {
    key: String,
    list: Money,
    /// The last charge, where there was one.
    charged: Option<Money>,
    canaries_out: u32,
    canaries_in_doubt: u32,
    waiting: VecDeque<(usize, Want)>,
}

impl PriceState {
    /// The most that a task may cost, as far as is known.
    fn worst(&self) -> Money {
        self.charged.map_or(self.list, |charged| charged.max(self.list))
    }
}

/// The lanes of one run.
#[derive(Debug)]
struct Desk {
    terms: RunTerms,
    /// The place in the plan up to which tasks were pulled.
    cursor: i64,
    exhausted: bool,
    /// The first task that did not fit: what it needs, and the ceiling.
    cut: Option<(Money, Room)>,
    /// The ceiling by which the ledger refused, again and again, what seemed to fit: nothing more in this start.
    given_up: Option<Room>,
    own: Option<Room>,
    /// Given to tasks that are not reserved yet.
    funded: Money,
    lanes: BTreeMap<(Engine, Function), VecDeque<Want>>,
    /// Tried before, and not again before a moment.
    later: Vec<(Duration, Want)>,
    /// Tries in this start, of tasks that were tried and came back; `u32::MAX`: not again in this start.
    tries: BTreeMap<TaskId, u32>,
    /// Tasks left planned because their price has stopped.
    priced_out: u64,
    pulling: bool,
}

impl Desk {
    fn tried_out(&self, task: TaskId) -> bool {
        self.tries.get(&task).is_some_and(|tries| *tries >= self.terms.max_attempts)
    }
}

/// A batch that is reserved and not yet answered.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) run: RunId,
    pub(super) engine: Engine,
    pub(super) function: Function,
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

    /// The attempt, its price's key and its hold, for the task at a place of the batch.
    pub(super) fn attempt(&self, at: usize) -> AttemptId {
        AttemptId(self.first_attempt.0 + i64::try_from(at).unwrap_or(0))
    }

    pub(super) fn task(&self, at: usize) -> ToBuy {
        self.wants[at].task
    }

    pub(super) fn held(&self, at: usize) -> Money {
        self.wants[at].funded
    }
}

/// A batch about to be reserved.
#[derive(Debug)]
struct Pending {
    desk: usize,
    wants: Vec<Want>,
    canary: Option<usize>,
    sent_v: i64,
}

/// What is bought, and in which order.
#[derive(Debug)]
pub(super) struct Dispatch {
    desks: Vec<Desk>,
    prices: Vec<PriceState>,
    shared: Option<Room>,
    pending: Vec<Pending>,
    in_flight: BTreeMap<BatchId, InFlight>,
    /// Single tasks in doubt, and the prices they were to prove.
    doubtful_canaries: BTreeMap<BatchId, usize>,
    /// Nothing more is bought in this start.
    pub(super) halted: Option<String>,
    /// Commits in a row in which the ledger refused drafts although there seemed to be room, and reserved none.
    refusals: u32,
}

/// What a charge says about its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PriceNews {
    /// It was charged for the first time, as expected.
    Confirmed { key: String, cost: Money },
    /// Another figure than expected.
    Differs { key: String, expected: Money, charged: Money, stopped: bool },
}

impl Dispatch {
    pub(super) fn new(runs: &[RunTerms]) -> Self {
        let desk = |terms: &RunTerms| Desk {
            terms: *terms,
            cursor: 0,
            exhausted: false,
            cut: None,
            given_up: None,
            own: None,
            funded: Money::ZERO,
            lanes: BTreeMap::new(),
            later: Vec::new(),
            tries: BTreeMap::new(),
            priced_out: 0,
            pulling: false,
        };
        Self {
            desks: runs.iter().map(desk).collect(),
            prices: Vec::new(),
            shared: None,
            pending: Vec::new(),
            in_flight: BTreeMap::new(),
            doubtful_canaries: BTreeMap::new(),
            halted: None,
            refusals: 0,
        }
    }

    /// A run that wants more tasks pulled, and from where.
    pub(super) fn next_pull(&mut self) -> Option<(RunId, i64)> {
        if self.halted.is_some() {
            return None;
        }
        let waiting: Vec<usize> = (0..self.desks.len())
            .map(|desk| self.prices.iter().flat_map(|price| &price.waiting).filter(|(of, _)| *of == desk).count())
            .collect();
        let desk = self.desks.iter_mut().zip(waiting).find(|(desk, waiting)| {
            let ready: usize = desk.lanes.values().map(VecDeque::len).sum();
            !desk.pulling && !desk.exhausted && desk.cut.is_none() && ready < PULL && ready + waiting < MOST_PULLED
        })?;
        desk.0.pulling = true;
        Some((desk.0.terms.run, desk.0.cursor))
    }

    /// Tasks were pulled; fewer than asked for means that there are no more.
    pub(super) fn pulled(
        &mut self,
        (run, after): (RunId, i64),
        tasks: Vec<Pulled>,
        prices: Vec<KnownPrice>,
        whole: bool,
    ) -> Option<Room> {
        for known in prices {
            if !self.prices.iter().any(|price| price.key == known.key) {
                self.prices.push(PriceState {
                    key: known.key,
                    list: known.list,
                    charged: known.seen,
                    canaries_out: 0,
                    canaries_in_doubt: 0,
                    waiting: VecDeque::new(),
                });
            }
        }
        let at = self.desk(run)?;
        self.desks[at].pulling = false;
        if self.desks[at].cursor != after {
            // The plan was begun anew meanwhile.
            return None;
        }
        self.desks[at].exhausted = whole;
        for pulled in tasks {
            let Some(price) = self.prices.iter().position(|price| price.key == pulled.price) else { continue };
            if self.stopped(at, price) || self.desks[at].tried_out(pulled.task.task) {
                self.desks[at].priced_out += u64::from(self.stopped(at, price));
                self.desks[at].cursor = pulled.task.position;
                continue;
            }
            let worst = self.prices[price].worst();
            if let Err(cap) = self.fund(at, worst) {
                self.desks[at].exhausted = false;
                return Some(cap);
            }
            self.desks[at].cursor = pulled.task.position;
            let want =
                Want { task: pulled.task, engine: pulled.engine, function: pulled.function, price, funded: worst };
            self.queue(at, want, false);
        }
        None
    }

    /// Gives a task its money, or says which ceiling has no room.
    fn fund(&mut self, desk: usize, worst: Money) -> Result<(), Room> {
        let all: Money = self.desks.iter().map(|desk| desk.funded).sum();
        let short = |room: &Option<Room>, given: Money| {
            room.as_ref().filter(|room| given.saturating_add(worst) > room.left).cloned()
        };
        let this = &mut self.desks[desk];
        if let Some(room) = short(&this.own, this.funded).or_else(|| short(&self.shared, all)) {
            this.cut = Some((worst, room.clone()));
            Err(room)
        } else {
            this.funded += worst;
            Ok(())
        }
    }

    fn queue(&mut self, desk: usize, want: Want, first: bool) {
        let price = &mut self.prices[want.price];
        if price.charged.is_none() {
            price.waiting.push_back((desk, want));
            return;
        }
        let lane = self.desks[desk].lanes.entry((want.engine, want.function)).or_default();
        if first { lane.push_front(want) } else { lane.push_back(want) }
    }

    /// True where the job does not allow what the price has come to.
    fn stopped(&self, desk: usize, price: usize) -> bool {
        let price = &self.prices[price];
        price.charged.is_some_and(|charged| !self.desks[desk].terms.drift.allows(price.list, charged))
    }

    /// Where the ceilings stand after a commit.
    pub(super) fn rooms(&mut self, rooms: Vec<RoomFor>) {
        for room in rooms {
            self.shared = room.shared;
            if let Some(at) = self.desk(room.run) {
                self.desks[at].own = room.own;
            }
        }
        let all: Money = self.desks.iter().map(|desk| desk.funded).sum();
        for desk in self.desks.iter_mut().filter(|desk| desk.given_up.is_none()) {
            let Some((needs, _)) = &desk.cut else { continue };
            let fits = |room: &Option<Room>, given: Money| {
                room.as_ref().is_none_or(|room| given.saturating_add(*needs) <= room.left)
            };
            if fits(&desk.own, desk.funded) && fits(&self.shared, all) {
                desk.cut = None;
            }
        }
    }

    /// What was tried before and may be tried again by now.
    pub(super) fn wake(&mut self, mono: Duration) {
        for at in 0..self.desks.len() {
            let (due, later) = self.desks[at].later.drain(..).partition(|(when, _)| *when <= mono);
            self.desks[at].later = later;
            let due: Vec<(Duration, Want)> = due;
            for (_, want) in due.into_iter().rev() {
                self.queue(at, want, true);
            }
        }
    }

    /// When something tried before may be tried again.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        self.desks.iter().flat_map(|desk| &desk.later).map(|(when, _)| *when).min()
    }

    /// True where a batch could be made now.
    pub(super) fn has_batch(&self) -> bool {
        self.halted.is_none() && (self.canary().is_some() || self.full_lane().is_some())
    }

    fn canary(&self) -> Option<usize> {
        self.prices.iter().position(|price| {
            price.charged.is_none()
                && price.canaries_out == price.canaries_in_doubt
                && price.canaries_in_doubt < MOST_CANARIES_IN_DOUBT
                && !price.waiting.is_empty()
        })
    }

    /// A lane with a full batch, or with all that its run has to give.
    fn full_lane(&self) -> Option<(usize, (Engine, Function))> {
        self.desks.iter().enumerate().find_map(|(at, desk)| {
            let no_more =
                desk.exhausted || desk.cut.is_some() || (!desk.pulling && self.waiting_for(at) >= MOST_PULLED - PULL);
            let lane = desk.lanes.iter().find(|(endpoint, lane)| {
                lane.len() >= MAX_BATCH || (no_more && !lane.is_empty() && !self.canary_may_fill(at, **endpoint))
            })?;
            Some((at, *lane.0))
        })
    }

    fn waiting_for(&self, desk: usize) -> usize {
        self.prices.iter().flat_map(|price| &price.waiting).filter(|(of, _)| *of == desk).count()
    }

    /// A single task is on its way whose charge will let others join this lane.
    fn canary_may_fill(&self, desk: usize, endpoint: (Engine, Function)) -> bool {
        self.prices.iter().any(|price| {
            price.canaries_out > price.canaries_in_doubt
                && price.waiting.iter().any(|(of, want)| *of == desk && (want.engine, want.function) == endpoint)
        })
    }

    /// Takes the next batch's tasks out of the lanes.
    pub(super) fn draft(&mut self, sent_v: i64, hold_to_v: i64) -> Option<Draft> {
        let pending = if let Some(price) = self.canary() {
            let (desk, want) = self.prices[price].waiting.pop_front()?;
            self.prices[price].canaries_out += 1;
            Pending { desk, wants: vec![want], canary: Some(price), sent_v }
        } else {
            let (desk, endpoint) = self.full_lane()?;
            let lane = self.desks[desk].lanes.get_mut(&endpoint)?;
            let wants = lane.drain(..lane.len().min(MAX_BATCH)).collect();
            Pending { desk, wants, canary: None, sent_v }
        };
        let first = pending.wants.first()?;
        let draft = Draft {
            run: self.desks[pending.desk].terms.run,
            engine: first.engine,
            function: first.function,
            tasks: pending
                .wants
                .iter()
                .map(|want| DraftTask {
                    task: want.task.task,
                    hold: want.funded,
                    previous: want.task.previous,
                    number: want.task.attempts + 1,
                })
                .collect(),
            sent_v,
            hold_to_v,
        };
        self.pending.push(pending);
        Some(draft)
    }

    /// The ledger has reserved what was drafted, or says which ceiling has no room; the batches that may be sent.
    pub(super) fn reserved(&mut self, outcomes: Vec<Result<Reserved, CapReached>>) -> Vec<(BatchId, bool)> {
        let mut sent = Vec::new();
        // Several commits of drafts may be on their way: these outcomes are the oldest's.
        let drafted: Vec<Pending> = self.pending.drain(..outcomes.len().min(self.pending.len())).collect();
        for pending in &drafted {
            self.desks[pending.desk].funded -= pending.wants.iter().map(|want| want.funded).sum();
        }
        let mut refused = Vec::new();
        for (pending, outcome) in drafted.into_iter().zip(outcomes) {
            let desk = &mut self.desks[pending.desk];
            match outcome {
                Ok(reserved) => {
                    let first = pending.wants[0];
                    sent.push((reserved.batch, pending.canary.is_some()));
                    self.in_flight.insert(
                        reserved.batch,
                        InFlight {
                            run: desk.terms.run,
                            engine: first.engine,
                            function: first.function,
                            first_attempt: reserved.first_attempt,
                            hold: reserved.hold,
                            wants: pending.wants,
                            canary: pending.canary,
                            sent_v: pending.sent_v,
                        },
                    );
                }
                Err(CapReached { cap }) => {
                    // A period has turned, or another total moved: look again from the first planned task on.
                    if let Some(price) = pending.canary {
                        self.prices[price].canaries_out -= 1;
                    }
                    refused.push((pending.desk, cap));
                }
            }
        }
        if !sent.is_empty() {
            self.refusals = 0;
        }
        if !refused.is_empty() {
            self.refusals += 1;
            for (desk, cap) in refused.into_iter().filter(|_| self.refusals > MOST_REFUSALS) {
                self.desks[desk].given_up = Some(cap);
            }
            self.start_over();
        }
        sent
    }

    /// Puts every task that is not reserved back into the plan, to be pulled and given money anew.
    pub(super) fn start_over(&mut self) {
        for price in &mut self.prices {
            price.waiting.clear();
        }
        for desk in &mut self.desks {
            desk.lanes.clear();
            desk.later.clear();
            desk.funded = Money::ZERO;
            desk.cursor = 0;
            desk.exhausted = false;
            desk.cut = desk.given_up.clone().map(|room| (Money::MAX, room));
            desk.priced_out = 0;
        }
        // What is drafted and not yet reserved still has its money.
        for pending in &self.pending {
            for want in &pending.wants {
                self.desks[pending.desk].funded += want.funded;
            }
        }
    }

    /// A batch has been answered for, or its connection is gone.
    pub(super) fn answered(&mut self, batch: BatchId) -> Option<InFlight> {
        self.in_flight.remove(&batch)
    }

    /// What became of a batch that was to prove a price.
    pub(super) fn canary_ended(&mut self, batch: BatchId, flight: &InFlight, in_doubt: bool) {
        if let Some(at) = flight.canary {
            let price = &mut self.prices[at];
            if in_doubt {
                price.canaries_in_doubt += 1;
                self.doubtful_canaries.insert(batch, at);
            } else {
                price.canaries_out -= 1;
            }
        }
    }

    /// A batch in doubt is settled: if it was to prove a price, another may.
    pub(super) fn canary_settled(&mut self, batch: BatchId) {
        if let Some(at) = self.doubtful_canaries.remove(&batch) {
            self.prices[at].canaries_in_doubt -= 1;
            self.prices[at].canaries_out -= 1;
        }
    }

    /// A task was charged, found in the answer or in a list: what that says about its price.
    pub(super) fn charged(&mut self, key: &str, cost: Money) -> Option<PriceNews> {
        let at = self.prices.iter().position(|price| price.key == key)?;
        let expected = self.prices[at].worst();
        let first = self.prices[at].charged.is_none();
        let known = self.prices[at].charged == Some(cost);
        if known {
            return None;
        }
        self.prices[at].charged = Some(cost);
        if first {
            let waiting = std::mem::take(&mut self.prices[at].waiting);
            for (desk, want) in waiting {
                self.queue(desk, want, false);
            }
            if cost == self.prices[at].list {
                return Some(PriceNews::Confirmed { key: key.to_owned(), cost });
            }
        }
        // What waits was given money at the old price.
        if cost > expected {
            self.start_over();
        }
        let stopped = (0..self.desks.len()).any(|desk| self.stopped(desk, at));
        Some(PriceNews::Differs { key: key.to_owned(), expected: self.prices[at].list, charged: cost, stopped })
    }

    /// The price of a task in flight.
    pub(super) fn price_of(&self, flight: &InFlight, at: usize) -> String {
        self.prices[flight.wants[at].price].key.clone()
    }

    /// A task came back to the plan: it is tried again after a while, or left for the next start.
    pub(super) fn again(&mut self, run: RunId, pulled: &Pulled, counts: bool, not_before: Duration) {
        let Some(at) = self.desk(run) else { return };
        let desk = &mut self.desks[at];
        if counts {
            *desk.tries.entry(pulled.task.task).or_insert(0) += 1;
        }
        if desk.tried_out(pulled.task.task) {
            // Left for the next start.
            return;
        }
        if pulled.task.position > desk.cursor {
            // It is pulled in its turn.
            desk.exhausted = false;
            return;
        }
        let Some(price) = self.prices.iter().position(|price| price.key == pulled.price) else { return };
        if self.stopped(at, price) {
            self.desks[at].priced_out += 1;
            return;
        }
        let worst = self.prices[price].worst();
        let want = Want { task: pulled.task, engine: pulled.engine, function: pulled.function, price, funded: worst };
        if self.fund(at, worst).is_ok() {
            self.desks[at].later.push((not_before, want));
        } else {
            // Others behind it have the money: the plan is pulled again from its first task, in its order.
            self.start_over();
        }
    }

    /// A task came back that is not tried again in this start.
    pub(super) fn leave(&mut self, run: RunId, task: TaskId) {
        if let Some(at) = self.desk(run) {
            self.desks[at].tries.insert(task, u32::MAX);
        }
    }

    pub(super) fn terms(&self, run: RunId) -> Option<RunTerms> {
        self.desk(run).map(|at| self.desks[at].terms)
    }

    fn desk(&self, run: RunId) -> Option<usize> {
        self.desks.iter().position(|desk| desk.terms.run == run)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Tasks whose outcome has not come back yet.
    pub(super) fn sending(&self) -> u64 {
        self.in_flight.values().map(|flight| flight.wants.len() as u64).sum()
    }

    pub(super) fn flight(&self, batch: BatchId) -> Option<&InFlight> {
        self.in_flight.get(&batch)
    }

    /// Nothing is left that could be bought in this start; what waits for a price whose tasks are in doubt does not
    /// count.
    pub(super) fn is_done(&self) -> bool {
        let idle = self.in_flight.is_empty() && self.pending.is_empty();
        let nothing_left = |desk: &Desk| {
            (desk.exhausted || desk.cut.is_some())
                && desk.later.is_empty()
                && desk.lanes.values().all(VecDeque::is_empty)
        };
        idle && (self.halted.is_some() || (self.desks.iter().all(nothing_left) && self.canary().is_none()))
    }

    /// The ceilings that cut a run's plan.
    pub(super) fn cuts(&self) -> Vec<(RunId, Room)> {
        self.desks.iter().filter_map(|desk| desk.cut.as_ref().map(|(_, room)| (desk.terms.run, room.clone()))).collect()
    }

    /// Tasks left planned because of their price, and because of too many tries or the vendor's own limits.
    pub(super) fn left(&self) -> (u64, u64) {
        let tried_out = |desk: &Desk| desk.tries.keys().filter(|task| desk.tried_out(**task)).count() as u64;
        (self.desks.iter().map(|desk| desk.priced_out).sum(), self.desks.iter().map(tried_out).sum())
    }

    /// Prices above what the job allows: key, by the list, charged.
    pub(super) fn stopped_prices(&self) -> Vec<(String, Money, Money)> {
        let stopped = |at: &usize| (0..self.desks.len()).any(|desk| self.stopped(desk, *at));
        let figures = |at: usize| {
            let price = &self.prices[at];
            (price.key.clone(), price.list, price.charged.unwrap_or(price.list))
        };
        (0..self.prices.len()).filter(stopped).map(figures).collect()
    }
}
