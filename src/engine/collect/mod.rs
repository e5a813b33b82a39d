//! Collecting: when to call `tasks_ready`, and which answers to fetch by their ids.
//!
//! bursar fetches what `tasks_ready` lists. It fetches overdue answers by their ids, because the list may omit failed
//! tasks, and no longer shows what was fetched just before a crash. Nothing here searches: batches with outstanding
//! answers wait in a queue ordered by the time of their next call.

mod fetch;
mod odd;
mod polls;
mod back_offs;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use back_offs::BackOffs;
pub(super) use fetch::{Confirm, Fetch};
use odd::OddStreaks;
pub(super) use polls::{Listing, READY_ROWS};

use crate::ids::{AttemptId, BatchId};
use crate::ledger::{OpenBatch, ToCollect};
use crate::product::{Engine, Function, Method, Priority, Product, ResultKind, promised_turnaround};
use crate::provider::OddAnswer;
use crate::rule::Rule;

/// An endpoint.
pub(super) type Endpoint = (Engine, Function);

/// The provider keeps structured answers for 30 days and pages for 7; two days before that they are urgent.
const URGENT_ADVANCED: Duration = Duration::from_hours(28 * 24);
const URGENT_HTML: Duration = Duration::from_hours(5 * 24);
/// Where no list shows what is ready, the first question for an answer comes no later than this.
const UNLISTED: Duration = Duration::from_mins(5);
/// Questions about an overdue batch are this far apart at most.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Failures of a call for one answer, after which it rests: others and the end of a session do not wait for it.
const MOST_FAILURES: u32 = 6;

#[derive(Debug, Default)]
struct Path {
    /// Bought, answer to come.
    waiting: u64,
    next_poll: Duration,
    /// Listings in a row without news.
    quiet: u32,
    polling: bool,
    /// The list is not there: answers are asked for by their ids, and no more of it in this session.
    gone: bool,
    listing: Listing,
}

#[derive(Clone, Debug)]
struct Age {
    batch: OpenBatch,
    due: Duration,
    /// Bought longer ago than the provider takes: asked for once a session, not waited for.
    late: bool,
}

/// What is still to come, and when it is asked for.
#[derive(Debug)]
pub(super) struct Collect {
    poll_min: Duration,
    poll_max: Duration,
    /// The provider's times are divided by it: a simulated provider may be quick.
    speed: u32,
    give_up: Option<Duration>,
    on: bool,
    paths: BTreeMap<Endpoint, Path>,
    ages: BTreeMap<BatchId, Age>,
    by_due: BTreeSet<(Duration, BatchId)>,
    urgent: VecDeque<Fetch>,
    queue: VecDeque<Fetch>,
    /// Queued or being fetched.
    busy: BTreeSet<AttemptId>,
    in_flight: BTreeMap<AttemptId, Fetch>,
    /// The longest that an answer took in this session.
    longest: Option<Duration>,
    /// Failed, and asked for again after a while: not before this.
    again: BTreeMap<(Duration, AttemptId), Fetch>,
    back_offs: BackOffs,
    odd: OddStreaks,
}

impl Collect {
    pub(super) fn new(timing: &crate::config::Timing, speed: u32, on: bool) -> Self {
        Self {
            poll_min: timing.poll_min,
            poll_max: timing.poll_max,
            speed: speed.max(1),
            give_up: timing.give_up,
            on,
            paths: BTreeMap::new(),
            ages: BTreeMap::new(),
            by_due: BTreeSet::new(),
            urgent: VecDeque::new(),
            queue: VecDeque::new(),
            busy: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            longest: None,
            again: BTreeMap::new(),
            back_offs: BackOffs::default(),
            odd: OddStreaks::new(timing.lag_max),
        }
    }

    /// How long an endpoint's task may take before it counts as late.
    pub(super) fn give_up(&self, endpoint: Endpoint) -> Duration {
        let product =
            crate::product::PRODUCTS.iter().find(|product: &&Product| (product.engine, product.function) == endpoint);
        self.give_up.or(product.map(|product| product.give_up)).unwrap_or(Duration::from_hours(24))
    }

    /// A batch has answers to come. One of an earlier session is asked for by its ids soon: what was fetched and not
    /// stored is listed no longer.
    pub(super) fn expect(&mut self, batch: OpenBatch, mono: Duration, earlier_session: bool) {
        let endpoint = (batch.engine, batch.function);
        let (poll_min, poll_max) = (self.poll_min, self.poll_max);
        let path = self.path(endpoint, mono + poll_min);
        path.waiting += batch.uncollected;
        path.next_poll = path.next_poll.min(mono + poll_max);
        let due = if earlier_session { mono + 2 * poll_min } else { mono + self.patience(&batch) };
        if let Some(known) = self.ages.get_mut(&batch.batch) {
            known.batch.uncollected += batch.uncollected;
            return;
        }
        self.by_due.insert((due, batch.batch));
        self.ages.insert(batch.batch, Age { batch, due, late: false });
    }

    /// How long to wait for an answer to be listed before it is asked for by its id.
    fn patience(&self, batch: &OpenBatch) -> Duration {
        let priority = if batch.all_high { Priority::High } else { Priority::Normal };
        let promised = promised_turnaround(batch.function, Method::Standard, priority).min(LONGEST_WAIT) / self.speed;
        let promised =
            if self.is_gone((batch.engine, batch.function)) { promised.min(UNLISTED / self.speed) } else { promised };
        self.longest.map_or(promised, |longest| promised.min(longest * 2 + 2 * self.poll_max.min(self.poll_min * 4)))
    }

    fn is_gone(&self, endpoint: Endpoint) -> bool {
        self.paths.get(&endpoint).is_some_and(|path| path.gone)
    }

    /// The list of an endpoint is not there: in this session its answers are asked for by their ids alone.
    pub(super) fn unlisted(&mut self, endpoint: Endpoint, mono: Duration) {
        let Some(path) = self.paths.get_mut(&endpoint) else { return };
        (path.polling, path.gone) = (false, true);
        let of_it = self.ages.iter().filter(|(_, age)| (age.batch.engine, age.batch.function) == endpoint);
        let sooner: Vec<(BatchId, Duration)> =
            of_it.map(|(batch, age)| (*batch, (mono + self.patience(&age.batch)).min(age.due))).collect();
        for (batch, due) in sooner {
            self.ask_at(batch, due);
        }
    }

    /// An attempt of a batch is settled: answered, or failed for good.
    pub(super) fn settled(&mut self, batch: BatchId, attempt: AttemptId) {
        self.busy.remove(&attempt);
        self.odd.end(attempt);
        let Some(age) = self.ages.get_mut(&batch) else { return };
        age.batch.uncollected = age.batch.uncollected.saturating_sub(1);
        if let Some(path) = self.paths.get_mut(&(age.batch.engine, age.batch.function)) {
            path.waiting = path.waiting.saturating_sub(1);
        }
        if age.batch.uncollected == 0 {
            self.by_due.remove(&(age.due, batch));
            self.ages.remove(&batch);
        }
    }

    /// An answer took so long: overdue is judged by it.
    pub(super) fn took(&mut self, turnaround: Duration, mono: Duration) {
        let known = self.longest.unwrap_or_default();
        if self.longest.is_some() && turnaround <= known * 2 {
            self.longest = Some(known.max(turnaround));
            return;
        }
        self.longest = Some(turnaround.max(Duration::from_secs(1)));
        let batches: Vec<BatchId> = self.ages.keys().copied().collect();
        for batch in batches {
            let patience = self.patience(&self.ages[&batch].batch);
            self.ask_at(batch, (mono + patience).min(self.ages[&batch].due));
        }
    }

    fn ask_at(&mut self, batch: BatchId, due: Duration) {
        if let Some(age) = self.ages.get_mut(&batch) {
            self.by_due.remove(&(age.due, batch));
            age.due = due;
            self.by_due.insert((due, batch));
        }
    }

    /// Batches whose answers are overdue by now: their ids are to be asked for.
    pub(super) fn overdue(&mut self, mono: Duration, provider_now: i64) -> Vec<BatchId> {
        let mut due = Vec::new();
        while self.on
            && Rule::OverdueIsAskedFor.is_kept()
            && let Some((when, batch)) = self.by_due.first().copied().filter(|(when, _)| *when <= mono)
        {
            self.by_due.remove(&(when, batch));
            due.push(batch);
            let Some(known) = self.ages.get(&batch) else { continue };
            let give_up = self.give_up((known.batch.engine, known.batch.function));
            let age = Duration::from_secs((provider_now - known.batch.posted_v).max(0).unsigned_abs());
            // A list would have said when; without one every question may be in vain.
            let share = if self.is_gone((known.batch.engine, known.batch.function)) { 2 } else { 4 };
            let wait = (age / share).max(self.poll_max.min(self.poll_min * 4)).min(LONGEST_WAIT);
            let late = age > give_up;
            if let Some(known) = self.ages.get_mut(&batch) {
                known.due = mono + wait;
                known.late = late;
            }
            self.by_due.insert((mono + wait, batch));
        }
        due
    }

    /// An answer is to be fetched, unless it is on its way; `false` where it was not given just now.
    pub(super) fn want(&mut self, what: ToCollect, posted_v: i64, provider_now: i64) -> bool {
        if self.back_offs(what.attempt, provider_now) {
            return false;
        }
        if !self.on || !self.busy.insert(what.attempt) {
            return true;
        }
        let fetch = Fetch { what, confirm: None, failures: 0 };
        let age = Duration::from_secs((provider_now - posted_v).max(0).unsigned_abs());
        let urgent = if fetch.kind() == ResultKind::Html { URGENT_HTML } else { URGENT_ADVANCED };
        if age > urgent {
            self.urgent.push_back(fetch);
        } else {
            self.queue.push_back(fetch);
        }
        true
    }

    /// An answer is asked for before others, also where none are collected; `false` where it is on its way.
    pub(super) fn ask_now(&mut self, what: ToCollect) -> bool {
        let is_new = self.busy.insert(what.attempt);
        if is_new {
            self.urgent.push_back(Fetch { what, confirm: None, failures: 0 });
        }
        is_new
    }

    /// It was asked for, and not given just now.
    pub(super) fn back_offs(&self, attempt: AttemptId, provider_now: i64) -> bool {
        self.back_offs.back_offs(attempt, provider_now)
    }

    /// A task in doubt was listed without a cost: its id is asked for before it is called accepted.
    pub(super) fn confirm(&mut self, what: ToCollect, confirm: Confirm, provider_now: i64) {
        if !self.back_offs(what.attempt, provider_now) && self.busy.insert(what.attempt) {
            let fetch = Fetch { what, confirm: Some(confirm), failures: 0 };
            self.urgent.push_back(fetch);
        }
    }

    /// The posting time of a batch that has answers to come.
    pub(super) fn posted_v(&self, batch: BatchId) -> Option<i64> {
        self.ages.get(&batch).map(|age| age.batch.posted_v)
    }

    /// The latest batch with unfinished tasks, for a scan whether the provider's list shows such.
    pub(super) fn youngest(&self, function: Function) -> Option<i64> {
        let is_of_it = |endpoint: &Endpoint| endpoint.1 == function;
        let is_waited_for = self.paths.iter().any(|(endpoint, path)| is_of_it(endpoint) && path.waiting > 0);
        let latest = || self.ages.values().rev().find(|age| age.batch.function == function);
        is_waited_for.then(latest)?.map(|age| age.batch.posted_v)
    }

    pub(super) fn has_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    pub(super) fn has_other(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn take(&mut self, urgent: bool) -> Option<Fetch> {
        let fetch = if urgent { self.urgent.pop_front() } else { self.queue.pop_front() }?;
        self.in_flight.insert(fetch.what.attempt, fetch.clone());
        Some(fetch)
    }

    /// A fetch came back; what it was for.
    pub(super) fn came_back(&mut self, attempt: AttemptId) -> Option<Fetch> {
        self.in_flight.remove(&attempt)
    }

    /// The next form of the same answer, before anything else.
    pub(super) fn next_form(&mut self, mut fetch: Fetch) {
        fetch.what.kinds.remove(0);
        fetch.failures = 0;
        self.urgent.push_front(fetch);
    }

    /// Not there yet: it is asked for again when it is listed, or overdue.
    pub(super) fn not_yet(&mut self, attempt: AttemptId) {
        self.busy.remove(&attempt);
    }

    /// An answer came in odd form: whether that is the provider's last word.
    pub(super) fn is_last_word(
        &mut self,
        (attempt, batch): (AttemptId, BatchId),
        odd: &OddAnswer,
        provider_now: i64,
    ) -> bool {
        let has_time = self.ages.get(&batch).is_some_and(|age| !age.late);
        self.odd.is_last_word(attempt, odd, has_time, provider_now)
    }

    /// It is there, and was not given.
    pub(super) fn not_given(&mut self, attempt: AttemptId, provider_now: i64) {
        self.busy.remove(&attempt);
        self.back_offs.refused(attempt, provider_now);
    }

    /// The call failed: once more, later and later; others need not wait for it. After some failures it is asked for as
    /// seldom as what is not given.
    pub(super) fn once_more(&mut self, mut fetch: Fetch, mono: Duration, provider_now: i64) {
        fetch.failures += 1;
        if fetch.failures > MOST_FAILURES {
            self.not_given(fetch.what.attempt, provider_now);
            return;
        }
        let wait = self.back_off().after(fetch.failures);
        self.again.insert((mono + wait, fetch.what.attempt), fetch);
    }

    /// What failed and may be asked for again by now goes back into its queue.
    pub(super) fn wake(&mut self, mono: Duration) {
        while let Some(first) = self.again.first_entry().filter(|first| first.key().0 <= mono) {
            let fetch = first.remove();
            if fetch.confirm.is_some() { self.urgent.push_back(fetch) } else { self.queue.push_back(fetch) }
        }
    }

    /// When something is to be done here.
    pub(super) fn next_wake(&self, also: &BTreeSet<Endpoint>) -> Option<Duration> {
        let poll = |(endpoint, path): (&Endpoint, &Path)| {
            (!path.polling && !path.gone && ((self.on && path.waiting > 0) || also.contains(endpoint)))
                .then_some(path.next_poll)
        };
        let polls = self.paths.iter().filter_map(poll);
        let fetches = self.again.first_key_value().map(|((at, _), _)| *at);
        let ages = self.by_due.first().map(|(due, _)| *due).filter(|_| self.on);
        polls.chain(fetches).chain(ages).min()
    }

    /// Bought, answer to come.
    pub(super) fn waiting(&self) -> u64 {
        self.paths.values().map(|path| path.waiting).sum()
    }

    /// Of those, what is late and not waited for.
    pub(super) fn late(&self) -> u64 {
        self.ages.values().filter(|age| age.late).map(|age| age.batch.uncollected).sum()
    }

    /// Nothing more will come in this session.
    pub(super) fn is_done(&self) -> bool {
        let queues = [&self.urgent, &self.queue];
        let fetching =
            !self.in_flight.is_empty() || !self.again.is_empty() || queues.iter().any(|queue| !queue.is_empty());
        !self.on || (!fetching && self.waiting() == self.late() && self.ages.values().all(|age| age.late))
    }

    /// Nothing new begins.
    pub(super) fn stop(&mut self) {
        self.on = false;
        self.urgent.retain(|fetch| fetch.confirm.is_some());
        self.queue.clear();
        self.again.clear();
    }
}
