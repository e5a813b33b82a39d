//! The core: what happens next, decided without touching anything.
//!
//! An input goes in, effects come out; the time is handed in. It holds counters, queues and timers, fed by what was
//! committed, never by scans. Calls go in this order: look-ups for what is in doubt, results about to be lost,
//! purchases, `tasks_ready`, other results. What becomes of an answer is `replies`' matter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::collect::{Collect, Endpoint, Fetch};
use super::dispatch::{Dispatch, KnownPrice, PULL, Pulled, RoomFor, RunTerms};
use super::reconcile::{PageCall, Reconcile, Span};
use super::vendor_clock::VendorClock;
use crate::clock::Now;
use crate::config::{Limits, Timing};
use crate::event::{EventKind, Progress};
use crate::ids::{AccountId, AttemptId, BatchId, RunId};
use crate::ledger::{CapReached, Change, Doubted, Draft, OpenBatch, Recognised, Reserved, ToCollect};
use crate::money::Money;
use crate::offer::{Function, OFFERS};
use crate::pace::Bucket;
use crate::plan::Room;
use crate::vendor::{Fetched, ListProblem, Listed, ReadyList, Refusal, UserData, Verdict};

/// Batches reserved in one commit.
const BATCHES_A_COMMIT: usize = 10;
/// Between two reports on how things stand.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// With nothing to wait for but replies, the core is woken after this all the same.
const LONGEST_NAP: Duration = Duration::from_mins(1);
/// A hold counts in every period its charge may fall into: until the quarantine is over, and an hour.
const HOLD_MARGIN_S: i64 = 3_600;
/// Failures in a row, with growing pauses between them, after which a start gives up on a vendor it cannot reach; and
/// questions for a balance to keep, after which it gives up on being told.
pub(super) const MOST_FAILURES: u32 = 20;

/// What the core is told about the account it works for.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Which account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The vendor's limits.
    pub limits: Limits,
    /// Waits and quarantines.
    pub timing: Timing,
    /// The vendor's times are divided by it; 1 for a real one.
    pub speed: u32,
    /// A balance to keep: what the account has is asked for before anything is bought.
    pub keep_balance: Option<Money>,
    /// Answers are collected.
    pub collect: bool,
    /// For jitter.
    pub seed: u64,
    /// What is to be bought.
    pub runs: Vec<RunTerms>,
}

/// What the ledger holds from earlier starts.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Batches with an unknown outcome.
    pub doubted: Vec<Doubted>,
    /// Batches with answers to come.
    pub open: Vec<OpenBatch>,
    /// Functions whose unfinished tasks the vendor's list was seen to show.
    pub proven: BTreeSet<Function>,
    /// The longest that the vendor's list was behind.
    pub longest_lag_s: i64,
    /// The ledger was restored: since when its purchases are unknown, and when it first had contact since.
    pub restored: Option<(i64, Option<i64>)>,
}

/// A row of the vendor's, and what the ledger knows about it.
#[derive(Clone, Debug)]
pub struct SeenRow {
    /// As the vendor listed it.
    pub row: Listed,
    /// As the ledger knows it.
    pub known: Recognised,
    /// The price of its task.
    pub price: Option<String>,
    /// What is to be fetched for it.
    pub collect: Option<ToCollect>,
}

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `tasks_ready` of an endpoint, begun at this time of the vendor's; whole, or possibly not.
    Ready(Endpoint, i64, bool),
    /// A page of the vendor's list.
    List(Span, u32),
    /// An answer to a purchase that it does not belong to.
    Stray,
}

/// A reply, or the lack of one.
#[derive(Clone, Debug)]
pub struct Heard {
    /// To what, and what it means.
    pub reply: Reply,
    /// When the call was begun, on this machine's clock.
    pub begun: Duration,
    /// The vendor answered at all; its clock, where it showed it.
    pub date_v: Option<Option<i64>>,
}

/// A reply by what was asked.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To the first call of a start.
    Hello(Result<(), Refusal>),
    /// To the question for the balance.
    Balance(Result<UserData, ListProblem>),
    /// To a purchase.
    Posted(BatchId, Verdict),
    /// To `tasks_ready`, begun at this time of the vendor's.
    Ready(Endpoint, i64, Result<ReadyList, ListProblem>),
    /// To a page of the vendor's list.
    Page(Span, u32, Result<Vec<Listed>, ListProblem>),
    /// To the question for an answer, with its compressed body.
    Fetched(AttemptId, Fetched, Vec<u8>),
}

/// What the core is told.
#[expect(missing_docs, reason = "the fields are named for what they hold")]
#[derive(Clone, Debug)]
pub enum Input {
    /// The start.
    Begin,
    /// Tasks from the plan after a place in it; `whole`: there are no more.
    Pulled { run: RunId, after: i64, tasks: Vec<Pulled>, prices: Vec<KnownPrice>, whole: bool, rooms: Vec<RoomFor> },
    /// What became of the drafts.
    Reserved { outcomes: Vec<Result<Reserved, CapReached>>, rooms: Vec<RoomFor> },
    /// A commit was made: tasks that are planned again by it, with their prices.
    Booked { again: Vec<(RunId, Pulled)>, rooms: Vec<RoomFor> },
    /// Answers to ask for.
    Overdue { items: Vec<ToCollect> },
    /// Rows were recognised.
    Recognised { source: Source, rows: Vec<SeenRow> },
    /// What a look must have shown: known to be bought in its spans, and when.
    Witnesses(Vec<(AttemptId, i64)>),
    /// The latest purchase before the spans of a look, to widen them to.
    Widened(Option<i64>),
    /// Batches that were taken over into a restored ledger, and purchases that belong to none of its tasks.
    Adopted { batches: Vec<OpenBatch>, extras: u64 },
    /// Unresolved attempts of batches that surely were not bought.
    Unresolved(Vec<(BatchId, Vec<AttemptId>)>),
    /// Replies, by the handful.
    Heard(Vec<Heard>),
    /// A timer.
    Tick,
    /// Nothing new is to begin.
    Stop,
}

/// What is to be done.
#[expect(missing_docs, reason = "the fields are named for what they hold")]
#[derive(Clone, Debug)]
pub enum Effect {
    /// Read the next tasks of the plan.
    Pull { run: RunId, after: i64, most: usize },
    /// T1.
    Reserve(Vec<Draft>),
    /// Send a batch whose money is reserved.
    Post(BatchId),
    /// T2 and T3, in one commit.
    Record(Vec<Change>),
    /// The first call of a start: free, to learn the vendor's clock and whether it lets us in.
    Hello,
    /// Ask for the balance.
    Balance,
    /// The balance was read: what may be spent of it.
    BalanceRead(Option<Money>),
    /// Look at `tasks_ready`.
    Ready(Endpoint, i64),
    /// Ask for a page of the vendor's list.
    Page(Span, u32),
    /// Ask for an answer.
    Fetch(ToCollect),
    /// Say which answers of these batches are to come.
    Overdue(Vec<BatchId>),
    /// Say what the ledger knows of these rows.
    Recognise(Source, Vec<Listed>),
    /// Say what a look through these spans must have shown.
    Witnesses(Vec<Span>),
    /// Say when the latest purchase before both of these moments was.
    Widen(i64, i64),
    /// Take over purchases that a restored ledger does not hold.
    Adopt(Vec<SeenRow>),
    /// Say which attempts of these batches are unresolved.
    Unresolved(Vec<BatchId>),
    /// Tell whoever watches.
    Tell(EventKind),
    /// Wake the core at this moment, if nothing else does before.
    Wake(Duration),
    /// There is nothing more to do in this start.
    Finish(End),
}

/// How a start ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The vendor refuses the account or the calls, or a price is above what the job allows.
    pub refused: Option<String>,
    /// Attempts still in doubt.
    pub in_doubt: u64,
    /// A stop was asked for.
    pub stopped: bool,
    /// The ceilings that cut a run's plan.
    pub cuts: Vec<(RunId, Room)>,
    /// Tasks left planned after too many tries, or by the vendor's own limits.
    pub given_up: u64,
    /// Answers that are late.
    pub late: u64,
    /// Answers that are to come and were not waited for.
    pub waiting: u64,
    /// What was done in this start.
    pub progress: Progress,
}

/// How a task that came back is treated.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// It counts as a try.
    pub(super) counts: bool,
    /// Not again in this start.
    pub(super) leave: bool,
    /// Not before this.
    pub(super) not_before: Duration,
}

/// Decides for one account.
#[derive(Debug)]
pub struct Core {
    pub(super) terms: Terms,
    pub(super) clock: VendorClock,
    pub(super) dispatch: Dispatch,
    pub(super) collect: Collect,
    pub(super) reconcile: Reconcile,
    pub(super) calls: Bucket,
    pub(super) ready: Bucket,
    pub(super) list: Bucket,
    pub(super) account_calls: Bucket,
    /// Tokens taken for a call that then had to wait for another limit.
    ready_token: bool,
    list_token: bool,
    pub(super) in_flight: u32,
    pub(super) hello: Step,
    pub(super) balance: Step,
    pub(super) stopping: bool,
    /// Failures in a row, of any call.
    pub(super) failures: u32,
    /// Questions for the balance that came to nothing.
    pub(super) balance_failures: u32,
    /// Nothing is called before.
    pub(super) quiet_until: Duration,
    pub(super) how: BTreeMap<AttemptId, How>,
    pub(super) progress: Progress,
    progress_at: Duration,
    memory: Option<Memory>,
    pub(super) rng: fastrand::Rng,
    cap_told: BTreeSet<(RunId, String)>,
    /// Purchases that the vendor's list and the ledger price differently, told once.
    pub(super) cost_told: BTreeSet<AttemptId>,
}

/// A call that is made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wanted,
    Asked,
    Done,
}

impl Core {
    /// A core for an account, with what the ledger holds from earlier starts.
    pub fn new(terms: Terms, memory: Memory, now: Now) -> Self {
        let mono = now.mono;
        let give_up = OFFERS.iter().map(|offer| offer.give_up).max().unwrap_or_default();
        let reconcile = Reconcile::new(
            &terms.timing,
            terms.timing.give_up.unwrap_or(give_up),
            memory.proven.clone(),
            memory.longest_lag_s,
        );
        Self {
            clock: VendorClock::default(),
            dispatch: Dispatch::new(&terms.runs),
            collect: Collect::new(&terms.timing, terms.speed, terms.collect),
            reconcile,
            calls: Bucket::new(terms.limits.calls_per_minute, mono),
            ready: Bucket::new(terms.limits.tasks_ready_per_minute, mono),
            list: Bucket::new(terms.limits.id_list_per_minute, mono),
            account_calls: Bucket::new(terms.limits.user_data_per_minute, mono),
            ready_token: false,
            list_token: false,
            in_flight: 0,
            hello: Step::Wanted,
            balance: if terms.keep_balance.is_some() { Step::Wanted } else { Step::Done },
            stopping: false,
            failures: 0,
            balance_failures: 0,
            quiet_until: mono,
            how: BTreeMap::new(),
            progress: Progress::default(),
            progress_at: mono,
            memory: Some(memory),
            rng: fastrand::Rng::with_seed(terms.seed),
            cap_told: BTreeSet::new(),
            cost_told: BTreeSet::new(),
            terms,
        }
    }

    /// Takes an input; says what is to be done about it.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Begin => self.begin(now, &mut out),
            Input::Pulled { run, after, tasks, prices, whole, rooms } => {
                self.dispatch.rooms(rooms);
                let cut = self.dispatch.pulled((run, after), tasks, prices, whole);
                self.tell_cut(run, cut, &mut out);
            }
            Input::Reserved { outcomes, rooms } => {
                self.in_flight -=
                    u32::try_from(outcomes.iter().filter(|outcome| outcome.is_err()).count()).unwrap_or(0);
                for (batch, canary) in self.dispatch.reserved(outcomes) {
                    out.push(Effect::Post(batch));
                    if let Some(flight) = self.dispatch.flight(batch) {
                        let (run, tasks, reserved) = (flight.run, flight.tasks(), flight.hold);
                        out.push(Effect::Tell(EventKind::BatchSent { batch, run, tasks, reserved, canary }));
                    }
                }
                self.dispatch.rooms(rooms);
            }
            Input::Booked { again, rooms } => {
                self.dispatch.rooms(rooms);
                for (run, pulled) in again {
                    let how = pulled.task.previous.and_then(|attempt| self.how.remove(&attempt));
                    match how {
                        Some(How { leave: true, .. }) => self.dispatch.leave(run, pulled.task.task),
                        Some(how) => self.dispatch.again(run, &pulled, how.counts, how.not_before),
                        None => self.dispatch.again(run, &pulled, false, now.mono),
                    }
                }
            }
            Input::Overdue { items } => {
                let vendor_now = self.clock.not_before(now);
                for item in items {
                    let posted_v = self.collect.posted_v(item.batch).unwrap_or(vendor_now);
                    self.collect.want(item, posted_v, vendor_now);
                }
            }
            Input::Recognised { source, rows } => self.recognised(now, source, rows, &mut out),
            Input::Witnesses(witnesses) => self.sweep_ended(now, &witnesses, &mut out),
            Input::Widened(bought_v) => self.reconcile.widened(bought_v),
            Input::Adopted { batches, extras } => self.adopted(now, batches, extras, &mut out),
            Input::Unresolved(batches) => self.conclude(batches, &mut out),
            Input::Heard(replies) => self.heard(now, replies, &mut out),
            Input::Tick => {}
            Input::Stop => {
                if !self.stopping {
                    self.stopping = true;
                    self.collect.stop();
                    out.push(Effect::Tell(EventKind::Draining));
                }
            }
        }
        self.go_on(now, &mut out);
        out
    }

    /// Takes up what earlier starts left.
    fn begin(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(memory) = self.memory.take() else { return };
        if let Some((from_v, closed_v)) = memory.restored {
            self.reconcile.restore(from_v, closed_v);
            out.push(Effect::Tell(EventKind::Restored { since_v: from_v }));
        }
        for doubted in memory.doubted {
            self.progress.in_doubt += doubted.attempts;
            self.collect.know((doubted.engine, doubted.function), now.mono);
            self.reconcile.add(doubted, now.mono);
        }
        for batch in memory.open {
            self.progress.waiting += batch.uncollected;
            self.collect.expect(batch, now.mono, true);
        }
    }

    pub(super) fn tell_cut(&mut self, run: RunId, cut: Option<Room>, out: &mut Vec<Effect>) {
        let Some(room) = cut else { return };
        if self.cap_told.insert((run, room.name.clone())) {
            out.push(Effect::Tell(EventKind::CapReached { run, cap: room.name, limit: room.limit, left: room.left }));
        }
    }

    /// Purchases are possible at all.
    fn may_buy(&self) -> bool {
        !self.stopping
            && self.hello == Step::Done
            && self.balance == Step::Done
            && self.reconcile.restored.is_none()
            && self.dispatch.halted.is_none()
    }

    /// Begins whatever may begin now, and says when to look again.
    fn go_on(&mut self, now: Now, out: &mut Vec<Effect>) {
        let vendor_now = self.clock.not_before(now);
        self.dispatch.wake(now.mono);
        self.collect.wake(now.mono);
        if self.may_buy() {
            while let Some((run, after)) = self.dispatch.next_pull() {
                out.push(Effect::Pull { run, after, most: PULL });
            }
        }
        let overdue = self.collect.overdue(now.mono, vendor_now);
        if !overdue.is_empty() {
            out.push(Effect::Overdue(overdue));
        }
        let proofs = self.proofs_wanted();
        if self.clock.is_known() && !self.stopping {
            if let Some((from_v, until_v)) = self.reconcile.begin_sweep(now.mono, vendor_now, &proofs) {
                out.push(Effect::Widen(from_v, until_v));
            }
            let unresolved = self.reconcile.concluded(|endpoint| self.collect.listed_v(endpoint));
            if !unresolved.is_empty() {
                out.push(Effect::Unresolved(unresolved));
            }
            if let Some(adopted) = self.reconcile.restored_done() {
                out.push(Effect::Record(vec![Change::RestoredDone { account: self.terms.account }]));
                out.push(Effect::Tell(EventKind::RestoredDone { adopted }));
                self.dispatch.start_over();
                while let Some((run, after)) = self.dispatch.next_pull() {
                    out.push(Effect::Pull { run, after, most: PULL });
                }
            }
        }
        let mut wakes = self.call(now, vendor_now, out);
        if self.may_finish(vendor_now, out) {
            out.push(Effect::Finish(self.end()));
            return;
        }
        let to_list = self.reconcile.to_list(vendor_now, |endpoint| self.collect.listed_v(endpoint));
        wakes.extend(self.dispatch.next_wake());
        wakes.extend(self.collect.next_wake(&to_list));
        wakes.extend(self.reconcile.next_wake(now.mono, vendor_now, !proofs.is_empty()));
        if now.mono >= self.progress_at + PROGRESS_EVERY {
            self.progress_at = now.mono;
            out.push(Effect::Tell(EventKind::Progress(self.how_it_stands())));
        }
        // What is due by now waits for a limit or for a reply, which wake the core by themselves; and while all calls are
        // paused there is no use in waking before.
        let next = wakes.into_iter().filter(|at| *at > now.mono).min();
        out.push(Effect::Wake(next.unwrap_or(now.mono + LONGEST_NAP).max(self.quiet_until)));
    }

    /// Functions whose proof is missing, with their latest unfinished purchase.
    fn proofs_wanted(&self) -> Vec<(Function, i64)> {
        let functions: BTreeSet<Function> = OFFERS.iter().map(|offer| offer.function).collect();
        let missing = functions.into_iter().filter(|function| !self.reconcile.is_proven(*function));
        missing.filter_map(|function| self.collect.youngest(function).map(|posted_v| (function, posted_v))).collect()
    }

    /// Makes the calls that the limits allow, the most pressing first; the moments at which more may be allowed.
    fn call(&mut self, now: Now, vendor_now: i64, out: &mut Vec<Effect>) -> Vec<Duration> {
        let mut wakes = Vec::new();
        let mut drafts = Vec::new();
        if now.mono < self.quiet_until {
            wakes.push(self.quiet_until);
            return wakes;
        }
        while self.in_flight < self.terms.limits.in_flight.max(1) {
            let Some(next) = self.next_call(now, vendor_now, drafts.len(), &mut wakes) else { break };
            if let Err(at) = self.calls.take(now.mono) {
                wakes.push(at);
                break;
            }
            match next {
                Call::Hello => {
                    self.hello = Step::Asked;
                    out.push(Effect::Hello);
                }
                Call::Balance => {
                    self.balance = Step::Asked;
                    out.push(Effect::Balance);
                }
                Call::Page => {
                    let Some(PageCall { span, offset }) = self.reconcile.page() else { break };
                    self.list_token = false;
                    out.push(Effect::Page(span, offset));
                }
                Call::Fetch { urgent } => {
                    let Some(Fetch { what, .. }) = self.collect.take(urgent) else { break };
                    out.push(Effect::Fetch(what));
                }
                Call::Buy => {
                    let (sent_v, hold_to_v) = self.hold_window(now);
                    let Some(draft) = self.dispatch.draft(sent_v, hold_to_v) else { break };
                    drafts.push(draft);
                }
                Call::Ready(endpoint) => {
                    self.ready_token = false;
                    self.collect.polling(endpoint);
                    out.push(Effect::Ready(endpoint, vendor_now));
                }
            }
            self.in_flight += 1;
        }
        if !drafts.is_empty() {
            out.push(Effect::Reserve(drafts));
        }
        wakes
    }

    /// The span of the vendor's time that the charge of a purchase made now may fall into.
    pub(super) fn hold_window(&self, now: Now) -> (i64, i64) {
        let quarantine_s = i64::try_from(self.terms.timing.quarantine.as_secs()).unwrap_or(0);
        (self.clock.not_before(now), self.clock.not_after(now) + quarantine_s + HOLD_MARGIN_S)
    }

    /// The most pressing call that its own limit allows.
    fn next_call(&mut self, now: Now, vendor_now: i64, drafted: usize, wakes: &mut Vec<Duration>) -> Option<Call> {
        if self.hello != Step::Done {
            return (self.hello == Step::Wanted).then_some(Call::Hello);
        }
        if self.balance == Step::Wanted && !self.stopping && self.dispatch.halted.is_none() {
            match self.account_calls.take(now.mono) {
                Ok(()) => return Some(Call::Balance),
                Err(at) => wakes.push(at),
            }
        }
        if !self.stopping
            && self.reconcile.wants_page(now.mono)
            && token(&mut self.list_token, &mut self.list, now, wakes)
        {
            return Some(Call::Page);
        }
        if self.collect.has_urgent() {
            return Some(Call::Fetch { urgent: true });
        }
        if self.may_buy() && drafted < BATCHES_A_COMMIT && self.dispatch.has_batch() {
            return Some(Call::Buy);
        }
        if !self.stopping {
            let to_list = self.reconcile.to_list(vendor_now, |endpoint| self.collect.listed_v(endpoint));
            if let Some(endpoint) = self.collect.to_poll(now.mono, &to_list)
                && token(&mut self.ready_token, &mut self.ready, now, wakes)
            {
                return Some(Call::Ready(endpoint));
            }
        }
        self.collect.has_other().then_some(Call::Fetch { urgent: false })
    }

    /// Nothing is under way, and nothing more can happen in this start.
    fn may_finish(&self, vendor_now: i64, out: &[Effect]) -> bool {
        let busy = out.iter().any(|effect| !matches!(effect, Effect::Tell(_) | Effect::Wake(_)));
        if busy || self.in_flight > 0 || self.dispatch.in_flight() > 0 {
            return false;
        }
        if self.stopping || (self.hello != Step::Done && self.dispatch.halted.is_some()) {
            return true;
        }
        let hopeless = !self.reconcile.is_clear() && !self.reconcile.may_clear(vendor_now);
        let bought = self.dispatch.is_done() || (self.reconcile.restored.is_some() && hopeless);
        let halted = self.dispatch.halted.is_some();
        self.hello == Step::Done
            && (self.balance == Step::Done || halted)
            && bought
            && self.collect.is_done()
            && (self.reconcile.is_clear() || hopeless)
    }

    /// The end of a start that is told to stop at once: what is in flight will be in doubt at the next.
    pub(super) fn cut_short(&mut self) -> End {
        self.stopping = true;
        let sending = self.dispatch.sending();
        End { in_doubt: self.reconcile.attempts() + sending, ..self.end() }
    }

    fn how_it_stands(&self) -> Progress {
        Progress {
            waiting: self.collect.waiting(),
            in_doubt: self.reconcile.attempts(),
            in_flight: self.in_flight,
            ..self.progress
        }
    }

    fn end(&self) -> End {
        let (priced_out, given_up) = self.dispatch.left();
        let stopped = self.dispatch.stopped_prices();
        let price = stopped.first().filter(|_| priced_out > 0).map(|(key, list, charged)| {
            format!(
                "{priced_out} tasks are not bought: the vendor charges {charged} for one of {key}, and the list says {list}; \
                 write its price under [[accounts.{}.prices]], or allow more with max_price_drift",
                self.terms.name
            )
        });
        let restored = self.reconcile.restored.as_ref().map_or(0, |_| 1);
        End {
            refused: self.dispatch.halted.clone().or(price),
            in_doubt: self.reconcile.attempts().max(restored),
            stopped: self.stopping,
            cuts: self.dispatch.cuts(),
            given_up,
            late: self.collect.late(),
            waiting: self.collect.waiting(),
            progress: self.how_it_stands(),
        }
    }
}

/// A call that could be made next.
#[derive(Clone, Copy, Debug)]
enum Call {
    Hello,
    Balance,
    Page,
    Fetch { urgent: bool },
    Buy,
    Ready(Endpoint),
}

/// Takes a token of a limit, or keeps the one that is held; the moment of the next one where there is none.
fn token(held: &mut bool, bucket: &mut Bucket, now: Now, wakes: &mut Vec<Duration>) -> bool {
    if !*held {
        match bucket.take(now.mono) {
            Ok(()) => *held = true,
            Err(at) => wakes.push(at),
        }
    }
    *held
}
