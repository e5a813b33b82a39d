//! The core: it decides what happens next and touches nothing.
//!
//! An input and the time go in, effects come out. The core holds counters, queues and timers, which commits feed; it
//! never searches the ledger. `next_call` decides which call is the most urgent, `ending` whether anything is left to
//! do. `replies` decides what follows from an answer.

mod next_call;
mod ending;
mod silence;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::collect::{Collect, Endpoint};
use super::dispatch::{Dispatch, PULL};
use super::provider_clock::ProviderClock;
use super::reconcile::costs::Costs;
use super::reconcile::{Reconcile, Watch};
use super::vocabulary::{Effect, Input, Memory, Terms};
use crate::clock::Now;
use crate::config::{SHORTEST_QUARANTINE, Timing};
use crate::event::{EventKind, Progress};
use crate::ids::{AttemptId, RunId};
use crate::ledger::{CapReached, Change, Reserved};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::pace::Bucket;
use crate::plan::Headroom;
use crate::product::{Function, Method, PRODUCTS};

/// Between two reports on how things stand.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// With nothing to wait for but replies, the core is woken after this all the same.
const LONGEST_NAP: Duration = Duration::from_mins(1);

/// How a task that came back is treated.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// It counts as a try.
    pub(super) counts: bool,
    /// Not again in this session.
    pub(super) leave: bool,
    /// Not before this.
    pub(super) not_before: Duration,
}

/// Decides for one account.
#[derive(Debug)]
pub struct Core {
    pub(super) terms: Terms,
    pub(super) clock: ProviderClock,
    pub(super) dispatch: Dispatch,
    pub(super) collect: Collect,
    pub(super) reconcile: Reconcile,
    pub(super) calls: Bucket,
    pub(super) ready: Bucket,
    pub(super) list: Bucket,
    pub(super) account_calls: Bucket,
    held: HeldTokens,
    pub(super) in_flight: u32,
    /// Lists that were read, of which the ledger has not yet said what it knows: a task that waits to be bought may turn
    /// out to have been.
    pub(super) to_recognise: usize,
    pub(super) hello: Step,
    /// Endpoints to be tried before anything is bought at them, the next one last.
    pub(super) probes: Vec<Endpoint>,
    /// Tries of the next one that were answered and told nothing.
    pub(super) probe_tries: u32,
    /// The account's own word on its balance, where some is to be kept, and on its prices, before anything is bought.
    pub(super) balance: Step,
    pub(super) stopping: bool,
    /// The first calls, and what they told of the time.
    pub(in crate::engine) handshake: Handshake,
    /// Failures in a row, of any call.
    pub(super) failures: u32,
    /// Nothing comes of any call.
    pub(super) trouble: Option<silence::Trouble>,
    /// When the core was last told something.
    told_at: Duration,
    /// Questions for the balance that came to nothing.
    pub(super) balance_failures: u32,
    /// Nothing is called before.
    pub(super) quiet_until: Duration,
    /// Purchases in a row that are in doubt as a whole.
    pub(super) unanswered: u32,
    /// Nothing is bought before.
    pub(super) buying_backs_off_until: Duration,
    pub(super) how: BTreeMap<AttemptId, How>,
    pub(super) progress: Progress,
    progress_at: Duration,
    memory: Option<Memory>,
    /// The latest that an earlier session saw the provider's clock at.
    pub(super) heard_v: Option<i64>,
    pub(super) rng: fastrand::Rng,
    cap_told: BTreeSet<(RunId, String)>,
    /// Purchases that the provider's list and the ledger price differently, told once.
    pub(super) cost_told: BTreeSet<AttemptId>,
    /// The provider's list names what purchases cost, as far as this session has seen; `false` once it has shown something that
    /// is paid at a cost of nothing: what it calls free is no word on costs then.
    pub(super) list_names_costs: Option<bool>,
    /// The fee that the latest task to be settled was found to have.
    pub(super) fee_found: Option<Money>,
    /// The provider's own list was asked for the fee of such a task in this session.
    pub(super) fee_asked: bool,
    /// The scan for costs that were booked provisionally.
    pub(super) costs: Costs,
    /// How many of them the list has named in this session, what was booked for them, and what they cost.
    pub(super) corrected: (u64, Money, Money),
    /// When the provider last said in this session that a task was not finished.
    pub(super) unfinished_v: BTreeMap<AttemptId, i64>,
    /// That answers are kept back for want of money was told in this session.
    pub(super) withheld_told: bool,
    /// Oddities of answers that were told in this session.
    pub(super) oddities_told: BTreeSet<Oddity>,
    /// Endpoints whose `tasks_ready` is full of other rows than ours while something is in doubt there, and since when that
    /// is known. Told once in a session.
    pub(super) crowded: BTreeMap<Endpoint, i64>,
    pub(super) crowded_told: BTreeSet<Endpoint>,
    /// Charges that answer no task, newly booked in this session.
    pub(super) unmatched: (u64, Money),
    /// The provider's ids of unmatched charges that were recorded and told in this session.
    pub(super) unmatched_told: BTreeSet<String>,
}

/// Tokens of a limit that were taken for a call which then had to wait for another limit.
#[derive(Clone, Copy, Debug, Default)]
struct HeldTokens {
    ready: bool,
    list: bool,
    account: bool,
}

/// The first calls of a session, and what they told of the time.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Handshake {
    /// The session makes no other calls.
    pub(in crate::engine) alone: bool,
    /// Answers that told no time.
    pub(in crate::engine) undated: u32,
    /// Answers are collected until then, where none tells the time.
    pub(in crate::engine) collects_until: Option<Duration>,
}

/// A call that is made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wanted,
    Asked,
    Done,
}

impl Core {
    /// A core for an account, with what the ledger holds from earlier sessions.
    pub fn new(terms: Terms, memory: Memory, now: Now) -> Self {
        let mono = now.mono;
        let reconcile = reconcile_of(&terms, &memory);
        let memory_crowded = memory.crowded.clone();
        let probes = memory.wanted.iter().filter(|(_, _, method)| *method == Method::Standard);
        Self {
            clock: ProviderClock::default(),
            dispatch: Dispatch::new(&terms.runs, terms.limits.live_in_flight),
            collect: Collect::new(&terms.timing, terms.speed, terms.collect),
            reconcile,
            calls: Bucket::new(terms.limits.calls_per_minute, mono),
            ready: Bucket::new(terms.limits.tasks_ready_per_minute, mono),
            list: Bucket::new(terms.limits.id_list_per_minute, mono),
            account_calls: if memory.cooled_down { Bucket::cooled_down } else { Bucket::new }(
                terms.limits.user_data_per_minute,
                mono,
            ),
            held: HeldTokens::default(),
            in_flight: 0,
            to_recognise: 0,
            hello: Step::Wanted,
            probes: probes.map(|(engine, function, _)| (*engine, *function)).collect(),
            probe_tries: 0,
            // Where nobody can be asked for it, there is nothing to wait for; but a balance to keep is never taken for kept.
            balance: if terms.lists || terms.keep_balance.is_some() { Step::Wanted } else { Step::Done },
            stopping: false,
            handshake: Handshake::default(),
            failures: 0,
            trouble: None,
            told_at: mono,
            balance_failures: 0,
            quiet_until: mono,
            unanswered: 0,
            buying_backs_off_until: mono,
            how: BTreeMap::new(),
            progress: Progress::default(),
            progress_at: mono,
            heard_v: memory.heard_v,
            memory: Some(memory),
            rng: fastrand::Rng::with_seed(terms.seed),
            cap_told: BTreeSet::new(),
            cost_told: BTreeSet::new(),
            list_names_costs: None,
            fee_found: None,
            fee_asked: false,
            costs: Costs::default(),
            corrected: (0, Money::ZERO, Money::ZERO),
            unfinished_v: BTreeMap::new(),
            withheld_told: false,
            oddities_told: BTreeSet::new(),
            unmatched_told: BTreeSet::new(),
            unmatched: (0, Money::ZERO),
            crowded: memory_crowded,
            crowded_told: BTreeSet::new(),
            terms,
        }
    }

    /// Takes an input; says what is to be done about it.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.told_at = now.mono;
        match input {
            Input::Begin => self.begin(now, &mut out),
            Input::Pulled { run, tasks, prices, whole, headrooms } => {
                self.dispatch.headrooms(headrooms);
                let cut = self.dispatch.pulled(run, tasks, prices, whole);
                self.tell_cut(run, cut, &mut out);
                self.tell_listed(&mut out);
            }
            Input::Committed { outcomes, again, headrooms } => {
                if !outcomes.is_empty() {
                    self.reserved(outcomes, &mut out);
                }
                self.dispatch.headrooms(headrooms);
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
                let provider_now = self.clock.not_before(now);
                for item in items {
                    let posted_v = self.collect.posted_v(item.batch).unwrap_or(provider_now);
                    self.collect.want(item, posted_v, provider_now);
                }
            }
            Input::Recognised { source, rows } => {
                self.to_recognise = self.to_recognise.saturating_sub(1);
                self.recognised(now, source, rows, &mut out);
            }
            Input::ControlRows(control_rows) => self.scan_ended(now, &control_rows, &mut out),
            Input::Widened(control_row) => self.reconcile.widened(control_row),
            Input::Recovered { taken, awaits_answer } => self.recovered(now, taken, awaits_answer, &mut out),
            Input::Provisional(wanted, settlements) => self.provisional(now, wanted, settlements, &mut out),
            Input::Unresolved(batches) => self.conclude(now, batches, &mut out),
            Input::Replies(replies) => self.heard(now, replies, &mut out),
            Input::Tick => {}
            Input::Stop => self.drain(&mut out),
        }
        self.go_on(now, &mut out);
        out
    }

    /// Batches are reserved, or fit no longer: what is reserved is sent.
    fn reserved(&mut self, outcomes: Vec<Result<Reserved, CapReached>>, out: &mut Vec<Effect>) {
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        self.in_flight = self.in_flight.saturating_sub(u32::try_from(refused).unwrap_or(u32::MAX));
        for (batch, canary) in self.dispatch.reserved(outcomes) {
            out.push(Effect::Post(batch));
            if let Some(flight) = self.dispatch.flight(batch) {
                let (run, tasks, reserved) = (flight.run, flight.tasks(), flight.hold);
                out.push(Effect::Tell(EventKind::BatchSent { batch, run, tasks, reserved, canary }));
            }
        }
    }

    /// Takes up what earlier sessions left.
    fn begin(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(memory) = self.memory.take() else { return };
        if let Some((from_v, closed_v)) = memory.restored {
            self.reconcile.restore(from_v, closed_v);
            self.reconcile.carry_restored(memory.restored_scans);
            out.push(Effect::Tell(EventKind::Restored { since_v: from_v }));
        }
        let (given_up, watched_v) = memory.given_up;
        self.reconcile.watch_for(Watch::new(given_up, watched_v, self.terms.watch_now));
        for batch in memory.unknown_batches {
            self.progress.in_doubt += batch.attempts;
            self.collect.know((batch.engine, batch.function), now.mono);
            self.reconcile.add(batch, now.mono);
        }
        self.reconcile.await_bought(memory.awaited);
        for batch in memory.open {
            self.progress.waiting += batch.uncollected;
            self.collect.expect(batch, now.mono, true);
        }
    }

    /// Tells once in a session that a ceiling cuts the plan of a run.
    fn tell_cut(&mut self, run: RunId, cut: Option<Headroom>, out: &mut Vec<Effect>) {
        let Some(Headroom { name: cap, limit, left, .. }) = cut else { return };
        if self.cap_told.insert((run, cap.clone())) {
            out.push(Effect::Tell(EventKind::CapReached { run, cap, limit, left }));
        }
    }

    /// Begins whatever may begin now, and says when to look again.
    fn go_on(&mut self, now: Now, out: &mut Vec<Effect>) {
        let provider_now = self.clock.not_before(now);
        self.keep_silence_short(now, out);
        self.dispatch.wake(now.mono);
        self.collect.wake(now.mono);
        if self.handshake.collects_until.is_some_and(|until| until <= now.mono && self.is_undated()) {
            self.collect.stop();
        }
        if self.may_pull() {
            while let Some((run, after)) = self.dispatch.next_pull() {
                out.push(Effect::Pull { run, after, most: PULL });
            }
        }
        let overdue = self.collect.overdue(now.mono, provider_now);
        if !overdue.is_empty() {
            out.push(Effect::Overdue(overdue));
        }
        let proofs = self.proofs_wanted();
        if self.clock.is_known() && !self.stopping {
            self.give_up_awaited(provider_now, out);
            if let Some((from_v, until_v)) = self.reconcile.begin_scan(now.mono, provider_now, &proofs) {
                out.push(Effect::Widen(from_v, until_v));
            }
            let unresolved = self.reconcile.concluded(|endpoint| self.collect.listing(endpoint));
            if !unresolved.is_empty() {
                out.push(Effect::Unresolved(unresolved));
            }
            if let Some(recovered) = self.reconcile.restored_done(provider_now) {
                out.push(Effect::Commit(vec![Change::RestoredDone { account: self.terms.account }], Vec::new()));
                out.push(Effect::Tell(EventKind::RestoredDone { recovered }));
                self.dispatch.start_over();
                while let Some((run, after)) = self.dispatch.next_pull() {
                    out.push(Effect::Pull { run, after, most: PULL });
                }
            }
        }
        let mut wakes = self.call(now, provider_now, out);
        let at_end = self.may_finish(provider_now, out);
        if self.seeks_costs(provider_now, at_end) {
            self.costs.asked(provider_now);
            out.push(Effect::Provisional(provider_now));
        } else if at_end {
            out.push(Effect::Finish(self.end()));
            return;
        }
        let to_list = self.reconcile.to_list(provider_now, |endpoint| self.collect.listed_v(endpoint));
        wakes.extend(self.costs.next_wake());
        wakes.extend(self.dispatch.next_wake());
        wakes.extend(self.collect.next_wake(&to_list));
        wakes.extend(self.reconcile.next_wake(now.mono, provider_now, !proofs.is_empty()));
        if now.mono >= self.progress_at + PROGRESS_EVERY {
            self.progress_at = now.mono;
            out.push(Effect::Tell(EventKind::Progress(self.how_it_stands())));
        }
        // What is due by now waits for a limit or for a reply, which wake the core by themselves; and while all calls
        // are paused there is no use in waking before.
        let next = wakes.into_iter().filter(|at| *at > now.mono).min();
        let next = next.unwrap_or(now.mono + LONGEST_NAP).max(self.quiet_until);
        out.push(Effect::Wake(self.wake_in_silence(next)));
    }

    /// Functions whose proof is missing, with their latest unfinished purchase.
    fn proofs_wanted(&self) -> Vec<(Function, i64)> {
        let functions: BTreeSet<Function> = PRODUCTS.iter().map(|product| product.function).collect();
        let missing = functions.into_iter().filter(|function| !self.reconcile.is_visibility_proven(*function));
        missing.filter_map(|function| self.collect.youngest(function).map(|posted_v| (function, posted_v))).collect()
    }
}

/// The rules of what is in doubt, with what the ledger knows of the provider's list.
pub(super) fn reconcile_of(terms: &Terms, memory: &Memory) -> Reconcile {
    let timing = &terms.timing;
    let give_up = Function::ALL.iter().map(|function| (*function, absence_means_nothing_for(timing, *function)));
    Reconcile::new(
        timing,
        give_up.collect(),
        memory.proven.clone(),
        memory.functions.clone(),
        memory.longest_lag_s,
        terms.lists,
    )
}

/// How long the provider's list proves nothing where it has not yet proven itself. A shorter `give_up` in the configuration
/// calls an answer late sooner, and does not make the list worth more; but where the quarantine is one that only a
/// simulated provider may have, so may this be.
fn absence_means_nothing_for(timing: &Timing, function: Function) -> Duration {
    let of_function = PRODUCTS.iter().filter(|product| product.function == function);
    let providers = of_function.map(|product| product.give_up).max().unwrap_or_default();
    match timing.give_up {
        Some(shorter) if timing.quarantine < SHORTEST_QUARANTINE => shorter,
        Some(own) => own.max(providers),
        None => providers,
    }
}
