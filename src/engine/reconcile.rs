//! In doubt: what was sent and not answered for, and what the vendor's own list says about it.
//!
//! What is found by its tag is bought. That something is *not* bought is concluded only by evidence: two complete looks
//! through the list, both begun after the quarantine, some time apart, each of which showed everything of ours that it
//! had to show, and an empty `tasks_ready` after them. One look serves everything in doubt. A look that failed, or
//! that hid something it should have shown, is void: it proves nothing, and nothing follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::collect::Endpoint;
use crate::config::Timing;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Doubted;
use crate::offer::Function;

/// Rows on a page of the vendor's list; a full page may hide more.
pub(super) const PAGE: u32 = 1_000;
/// A window of the list begins so long before the send: the vendor's machines do not agree to the second.
const BEFORE_SEND_S: i64 = 120;
/// The first look goes only so far beyond the close: most of what was accepted was accepted at once.
const AFTER_CLOSE_S: i64 = 60;
/// The vendor shows what its list lacked so many times later, at the most.
const LAG_MARGIN: i64 = 10;
/// Looks for a first unfinished task of ours in one start, before the proof is left to later ones.
const MOST_PROOF_LOOKS: u32 = 20;

/// A look goes back so much further than the purchase it must show, since the vendor's edges are not known.
const WITNESS_MARGIN_S: i64 = 10;
/// The vendor's list goes back a month, and is not asked for more: such a look would only be refused.
pub(super) const LIST_REACH_S: i64 = 28 * 24 * 3_600;
/// Looks in a row that settle nothing, after which a start leaves what is in doubt to later ones. Two are needed.
const MOST_FRUITLESS_LOOKS: u32 = 8;
/// Failures to read a page after which the look begins anew.
const MOST_PAGE_FAILURES: u32 = 5;

/// What a look through the list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find what is there.
    Find,
    /// To learn what is not there.
    Conclude,
}

/// A span of the vendor's time: from, to.
pub(super) type Span = (i64, i64);

/// A call for a page of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageCall {
    pub(super) span: Span,
    pub(super) offset: u32,
}

/// A look that is under way.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) purpose: Purpose,
    /// The vendor's time was not before this when it began.
    pub(super) begun_v: i64,
    /// All that is to be read.
    pub(super) covers: Vec<Span>,
    to_read: Vec<Span>,
    /// A single second with more rows than a page: read by offset, twice.
    by_offset: Option<(Span, u32, u32)>,
    /// Attempts of ours that it has shown, with their tags.
    pub(super) shown: BTreeSet<AttemptId>,
    pub(super) rows: u64,
    pub(super) found: u64,
    void: Option<String>,
    waiting_for_page: bool,
    /// What it is to conclude: nothing follows from it for anything else.
    concludes: BTreeSet<BatchId>,
    concludes_restored: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub(super) facts: Doubted,
    /// Since when this process knows that the connection is gone.
    since: Duration,
    /// Complete looks after the quarantine: when they began.
    clean: Vec<i64>,
    /// Attempts that `tasks_ready` has shown, without a cost: they are bought, and the list will say for how much.
    seen: BTreeSet<AttemptId>,
}

/// A ledger that was restored from a copy: what it bought since is unknown.
#[derive(Clone, Debug)]
pub(super) struct Restored {
    pub(super) from_v: i64,
    pub(super) closed_v: Option<i64>,
    clean: Vec<i64>,
    pub(super) adopted: u64,
}

/// Everything that is in doubt, and how far its clearing is.
#[derive(Debug)]
pub(super) struct Reconcile {
    timing: Timing,
    give_up: Duration,
    doubts: BTreeMap<BatchId, Doubt>,
    pub(super) restored: Option<Restored>,
    proven: BTreeSet<Function>,
    longest_lag_s: i64,
    proof_looks: u32,
    next_look: Duration,
    sweep: Option<Sweep>,
    failures: u32,
    /// Looks in a row that were to conclude something, since anything was settled.
    fruitless: u32,
}

impl Reconcile {
    pub(super) fn new(timing: &Timing, give_up: Duration, proven: BTreeSet<Function>, longest_lag_s: i64) -> Self {
        Self {
            timing: timing.clone(),
            give_up,
            doubts: BTreeMap::new(),
            restored: None,
            proven,
            longest_lag_s,
            proof_looks: 0,
            next_look: Duration::ZERO,
            sweep: None,
            failures: 0,
            fruitless: 0,
        }
    }

    /// A batch is in doubt from now on. The first look follows at once.
    pub(super) fn add(&mut self, facts: Doubted, mono: Duration) {
        self.next_look = self.next_look.min(mono);
        self.doubts.insert(facts.batch, Doubt { facts, since: mono, clean: Vec::new(), seen: BTreeSet::new() });
    }

    /// The ledger was restored; purchases since a moment of the vendor's are unknown to it.
    pub(super) fn restore(&mut self, from_v: i64, closed_v: Option<i64>) {
        self.restored = Some(Restored { from_v, closed_v, clean: Vec::new(), adopted: 0 });
    }

    /// A call that was begun at `begun` was answered, and the vendor's time is not after `closed_v`: connections that
    /// were gone before it began are surely closed by then.
    pub(super) fn contact(&mut self, begun: Duration, closed_v: i64) -> (Vec<(BatchId, i64)>, Option<i64>) {
        let mut closed = Vec::new();
        for (batch, doubt) in &mut self.doubts {
            if doubt.facts.closed_v.is_none() && doubt.since <= begun {
                doubt.facts.closed_v = Some(closed_v);
                closed.push((*batch, closed_v));
            }
        }
        let mut restored_closed = None;
        if let Some(restored) = self.restored.as_mut().filter(|restored| restored.closed_v.is_none()) {
            restored.closed_v = Some(closed_v);
            restored_closed = Some(closed_v);
        }
        (closed, restored_closed)
    }

    /// How long after the close absence from the list can mean something.
    fn quarantine_s(&self, function: Function) -> i64 {
        if !self.proven.contains(&function) {
            return seconds(self.give_up);
        }
        seconds(self.timing.quarantine).max(LAG_MARGIN * self.longest_lag_s).max(seconds(self.timing.lag_max))
    }

    /// When a doubt can be concluded at the earliest; `None` while its close is not known.
    fn conclude_from(&self, doubt: &Doubt) -> Option<i64> {
        doubt.facts.closed_v.map(|closed| closed + self.quarantine_s(doubt.facts.function))
    }

    fn restored_conclude_from(&self) -> Option<i64> {
        let closed = self.restored.as_ref()?.closed_v?;
        let slowest = Function::ALL
            .iter()
            .filter(|function| crate::offer::OFFERS.iter().any(|offer| offer.function == **function));
        Some(closed + slowest.map(|function| self.quarantine_s(*function)).max().unwrap_or(0))
    }

    /// Begins a look if one is due. `youngest`: functions without the proof, and when their latest unfinished task was
    /// bought.
    /// For one that is to conclude: the moments before which a purchase of ours is wanted, so that the look must show it.
    pub(super) fn begin_sweep(
        &mut self,
        mono: Duration,
        vendor_now: i64,
        youngest: &[(Function, i64)],
    ) -> Option<Span> {
        if self.sweep.is_some() || mono < self.next_look {
            return None;
        }
        let last = vendor_now - 1;
        let quarantine = |closed: i64, function| (closed + self.quarantine_s(function)).min(last);
        let mut conclude = Vec::new();
        let (mut concludes, mut concludes_restored) = (BTreeSet::new(), false);
        let mut find = Vec::new();
        for doubt in self.doubts.values().filter(|doubt| in_reach(doubt.facts.sent_v, vendor_now)) {
            let from = doubt.facts.sent_v - BEFORE_SEND_S;
            match doubt.facts.closed_v {
                Some(closed)
                    if self.conclude_from(doubt).is_some_and(|from| from <= vendor_now)
                        && self.gap_is_over(&doubt.clean, vendor_now) =>
                {
                    concludes.insert(doubt.facts.batch);
                    conclude.push((from, quarantine(closed, doubt.facts.function)));
                }
                closed => find.push((from, (closed.unwrap_or(vendor_now) + AFTER_CLOSE_S).min(last))),
            }
        }
        if let Some(restored) = &self.restored {
            let from = restored.from_v - BEFORE_SEND_S;
            if self.restored_conclude_from().is_some_and(|from| from <= vendor_now)
                && self.gap_is_over(&restored.clean, vendor_now)
            {
                concludes_restored = true;
                conclude.push((from, last));
            } else {
                find.push((from, last));
            }
        }
        let purpose = if conclude.is_empty() { Purpose::Find } else { Purpose::Conclude };
        let mut covers = if conclude.is_empty() { find } else { conclude };
        if covers.is_empty() && self.proof_looks < MOST_PROOF_LOOKS {
            self.proof_looks += u32::from(!youngest.is_empty());
            covers.extend(youngest.iter().map(|(_, posted)| (posted - 1, (posted + 2).min(last))));
        }
        covers.retain(|(from, to)| from < to);
        if covers.is_empty() {
            self.next_look = mono + Duration::from_secs(1);
            return None;
        }
        let covers = merged(covers);
        let widen = (purpose == Purpose::Conclude).then(|| (covers[0].0, vendor_now - seconds(self.timing.lag_max)));
        self.sweep = Some(Sweep {
            purpose,
            begun_v: vendor_now,
            to_read: covers.clone(),
            covers,
            by_offset: None,
            shown: BTreeSet::new(),
            rows: 0,
            found: 0,
            void: None,
            waiting_for_page: widen.is_some(),
            concludes,
            concludes_restored,
        });
        widen
    }

    /// A purchase outside the spans of the look that has begun, before or after them: it is widened to hold it.
    pub(super) fn widened(&mut self, bought_v: Option<i64>) {
        let Some(sweep) = &mut self.sweep else { return };
        sweep.waiting_for_page = false;
        let (Some(bought_v), Some(from), Some(to)) =
            (bought_v, sweep.covers.first().map(|span| span.0), sweep.covers.last().map(|span| span.1))
        else {
            return;
        };
        if bought_v < from {
            sweep.covers[0].0 = bought_v - WITNESS_MARGIN_S;
        } else {
            // The first purchases of a ledger are in doubt: what was bought after them must do.
            let last = sweep.begun_v - 1;
            sweep.covers = vec![(from, to.max((bought_v + WITNESS_MARGIN_S).min(last)))];
        }
        sweep.to_read.clone_from(&sweep.covers);
    }

    /// A second look proves something only some time after the first.
    fn gap_is_over(&self, clean: &[i64], vendor_now: i64) -> bool {
        clean.last().is_none_or(|last| vendor_now >= last + seconds(self.timing.sweep_gap))
    }

    /// The look that is under way.
    pub(super) fn sweep(&mut self) -> Option<&mut Sweep> {
        self.sweep.as_mut()
    }

    /// The next page to ask for.
    pub(super) fn page(&mut self) -> Option<PageCall> {
        let sweep = self.sweep.as_mut().filter(|sweep| !sweep.waiting_for_page)?;
        let call = match sweep.by_offset {
            Some((span, offset, _)) => PageCall { span, offset },
            None => PageCall { span: *sweep.to_read.last()?, offset: 0 },
        };
        sweep.waiting_for_page = true;
        Some(call)
    }

    pub(super) fn wants_page(&self, mono: Duration) -> bool {
        mono >= self.next_look
            && self.sweep.as_ref().is_some_and(|sweep| {
                !sweep.waiting_for_page && (sweep.by_offset.is_some() || !sweep.to_read.is_empty())
            })
    }

    /// A page was read and its rows were recognised; `true` when the look is through.
    pub(super) fn page_read(&mut self, call: PageCall, rows: usize) -> bool {
        let Some(sweep) = &mut self.sweep else { return false };
        self.failures = 0;
        sweep.waiting_for_page = false;
        sweep.rows += rows as u64;
        let full = rows >= PAGE as usize;
        let (from, to) = call.span;
        match sweep.by_offset {
            Some((span, offset, pass)) => {
                sweep.by_offset = match (full, pass) {
                    (true, _) => Some((span, offset + PAGE, pass)),
                    (false, 1) => Some((span, 0, 2)),
                    (false, _) => None,
                };
                if sweep.by_offset.is_none() {
                    sweep.to_read.pop();
                }
            }
            // Rows move while tasks finish, so a page that may hide some is cut in two rather than turned.
            None if full && to - from > 1 => {
                sweep.to_read.pop();
                let middle = from + (to - from) / 2;
                sweep.to_read.push((middle, to));
                sweep.to_read.push((from, middle));
            }
            None if full => sweep.by_offset = Some((call.span, PAGE, 1)),
            None => {
                sweep.to_read.pop();
            }
        }
        sweep.by_offset.is_none() && sweep.to_read.is_empty()
    }

    /// A page could not be read: it is asked for again after a while, and after too many failures the look is void.
    pub(super) fn page_failed(&mut self, mono: Duration, counts: bool) -> Duration {
        self.failures += u32::from(counts);
        let wait = (Duration::from_secs(1) * 2_u32.pow(self.failures.clamp(1, 7) - 1)).min(self.timing.sweep_every);
        if self.failures.is_multiple_of(MOST_PAGE_FAILURES) && counts {
            self.fruitless += 1;
            self.sweep = None;
        }
        if let Some(sweep) = &mut self.sweep {
            sweep.waiting_for_page = false;
        }
        self.next_look = mono + wait;
        wait
    }

    /// Something in the list makes this look worthless for concluding.
    pub(super) fn make_void(&mut self, why: &str) {
        if let Some(sweep) = &mut self.sweep {
            sweep.void.get_or_insert_with(|| why.to_owned());
        }
    }

    /// `tasks_ready` has shown an attempt that is in doubt: it is bought, and is never concluded otherwise.
    pub(super) fn seen_ready(&mut self, batch: BatchId, attempt: AttemptId, mono: Duration) {
        if let Some(doubt) = self.doubts.get_mut(&batch)
            && doubt.seen.insert(attempt)
        {
            self.next_look = self.next_look.min(mono);
        }
    }

    /// An attempt in doubt is settled.
    pub(super) fn settled(&mut self, batch: BatchId, attempt: AttemptId) {
        if let Some(doubt) = self.doubts.get_mut(&batch) {
            doubt.facts.attempts = doubt.facts.attempts.saturating_sub(1);
            doubt.seen.remove(&attempt);
            self.fruitless = 0;
            if doubt.facts.attempts == 0 {
                self.doubts.remove(&batch);
            }
        }
    }

    /// The list has shown an unfinished task of ours.
    pub(super) fn prove(&mut self, function: Function) -> bool {
        self.proven.insert(function)
    }

    pub(super) fn is_proven(&self, function: Function) -> bool {
        self.proven.contains(&function)
    }

    /// A look is through. `witnesses`: what is known to be bought in its spans, and when. What it proves, and by how
    /// much the list was behind, where it was.
    pub(super) fn end_sweep(&mut self, witnesses: &[(AttemptId, i64)], mono: Duration) -> Option<Ended> {
        let mut sweep = self.sweep.take()?;
        self.next_look =
            mono + if sweep.purpose == Purpose::Conclude { Duration::ZERO } else { self.timing.sweep_every };
        let hidden = witnesses.iter().filter(|(attempt, _)| !sweep.shown.contains(attempt));
        let lag_s = hidden.map(|(_, posted)| sweep.begun_v - posted).max().filter(|lag| *lag > 0);
        let old_enough = |posted: &i64| *posted <= sweep.begun_v - seconds(self.timing.lag_max);
        let must_show = witnesses.iter().filter(|(_, posted)| old_enough(posted)).count();
        let hidden =
            witnesses.iter().filter(|(attempt, posted)| old_enough(posted) && !sweep.shown.contains(attempt)).count();
        if sweep.purpose == Purpose::Conclude {
            if hidden > 0 {
                sweep.void.get_or_insert(format!("it hid {hidden} of {must_show} tasks of ours that it had to show"));
            } else if must_show == 0 && !self.unwitnessed_is_enough(&mut sweep) {
                sweep.void.get_or_insert("there is no task of ours that it had to show".to_owned());
            }
        }
        if let Some(lag) = lag_s.filter(|lag| *lag > self.longest_lag_s && hidden == 0) {
            self.longest_lag_s = lag;
        }
        if sweep.purpose == Purpose::Conclude && sweep.void.is_some() {
            self.next_look = mono + self.timing.sweep_gap;
        }
        self.fruitless += u32::from(sweep.purpose == Purpose::Conclude);
        let valid = sweep.purpose == Purpose::Conclude && sweep.void.is_none();
        if valid {
            for batch in &sweep.concludes {
                if let Some(doubt) = self.doubts.get_mut(batch) {
                    doubt.clean.push(sweep.begun_v);
                }
            }
            if let Some(restored) = self.restored.as_mut().filter(|_| sweep.concludes_restored) {
                restored.clean.push(sweep.begun_v);
            }
            self.next_look = mono + self.timing.sweep_gap;
        }
        Some(Ended {
            lag_s: lag_s.filter(|_| hidden == 0),
            concluding: sweep.purpose == Purpose::Conclude,
            begun_v: sweep.begun_v,
            spans: sweep.covers,
            rows: sweep.rows,
            found: sweep.found,
            void: sweep.void,
        })
    }

    /// A look that had nothing of ours to show counts all the same for what was closed so long ago that its tasks have
    /// ended one way or the other; it is credited to nothing else.
    fn unwitnessed_is_enough(&self, sweep: &mut Sweep) -> bool {
        let long_ago = |closed: Option<i64>| closed.is_some_and(|at| at + seconds(self.give_up) <= sweep.begun_v);
        sweep.concludes.retain(|batch| self.doubts.get(batch).is_some_and(|doubt| long_ago(doubt.facts.closed_v)));
        let restored = self.restored.as_ref().is_some_and(|restored| long_ago(restored.closed_v));
        sweep.concludes_restored &= restored;
        !sweep.concludes.is_empty() || sweep.concludes_restored
    }

    /// Batches that surely were not bought: two looks apart, and a whole `tasks_ready` begun after the quarantine
    /// without them.
    pub(super) fn concluded(&mut self, listed_v: impl Fn(Endpoint) -> Option<i64>) -> Vec<BatchId> {
        let ready = |doubt: &&Doubt| {
            let endpoint = (doubt.facts.engine, doubt.facts.function);
            let quarantine_over = self.conclude_from(doubt);
            let listed = listed_v(endpoint).zip(quarantine_over).is_some_and(|(listed, over)| listed >= over);
            listed && doubt.seen.is_empty() && self.two_looks(&doubt.clean)
        };
        let concluded: Vec<BatchId> = self.doubts.values().filter(ready).map(|doubt| doubt.facts.batch).collect();
        // Said once: what is unresolved in them is looked up and recorded next.
        for batch in &concluded {
            if let Some(doubt) = self.doubts.get_mut(batch) {
                doubt.clean.clear();
            }
        }
        concluded
    }

    fn two_looks(&self, clean: &[i64]) -> bool {
        clean
            .first()
            .zip(clean.last())
            .is_some_and(|(first, last)| last - first >= seconds(self.timing.sweep_gap).max(1))
    }

    /// The restored ledger knows again what it bought: how many purchases were taken over.
    pub(super) fn restored_done(&mut self) -> Option<u64> {
        let restored = self.restored.as_ref()?;
        if !self.two_looks(&restored.clean) {
            return None;
        }
        let adopted = restored.adopted;
        self.restored = None;
        Some(adopted)
    }

    /// Endpoints whose `tasks_ready` must be read to conclude something.
    pub(super) fn to_list(&self, vendor_now: i64, listed_v: impl Fn(Endpoint) -> Option<i64>) -> BTreeSet<Endpoint> {
        let due = |doubt: &&Doubt| self.conclude_from(doubt).is_some_and(|from| from <= vendor_now);
        let endpoints = self.doubts.values().filter(due).filter(|doubt| {
            let endpoint = (doubt.facts.engine, doubt.facts.function);
            listed_v(endpoint).is_none_or(|listed| self.conclude_from(doubt).is_none_or(|from| listed < from))
        });
        endpoints.map(|doubt| (doubt.facts.engine, doubt.facts.function)).collect()
    }

    pub(super) fn doubt(&self, batch: BatchId) -> Option<&Doubt> {
        self.doubts.get(&batch)
    }

    /// Attempts in doubt.
    pub(super) fn attempts(&self) -> u64 {
        self.doubts.values().map(|doubt| doubt.facts.attempts).sum()
    }

    pub(super) fn is_clear(&self) -> bool {
        self.doubts.is_empty() && self.restored.is_none()
    }

    /// Something in doubt can still be settled in this start: its quarantine ends soon, or it may yet be found.
    pub(super) fn may_clear(&self, vendor_now: i64) -> bool {
        let patience =
            seconds(self.timing.quarantine).max(seconds(self.timing.lag_max)).max(LAG_MARGIN * self.longest_lag_s)
                + 2 * seconds(self.timing.sweep_gap)
                + 4 * seconds(self.timing.sweep_every)
                + 60;
        // Its time is near, and looks are worth something: not one after the other proved nothing.
        let conclusive = self.fruitless < MOST_FRUITLESS_LOOKS;
        let soon = |closed: Option<i64>, conclude_from: Option<i64>| {
            closed.is_none_or(|closed| vendor_now < closed + patience)
                || (conclusive && conclude_from.is_some_and(|from| from <= vendor_now + patience))
        };
        self.doubts
            .values()
            .filter(|doubt| in_reach(doubt.facts.sent_v, vendor_now))
            .any(|doubt| soon(doubt.facts.closed_v, self.conclude_from(doubt)))
            || self.restored.as_ref().is_some_and(|restored| soon(restored.closed_v, self.restored_conclude_from()))
    }

    /// When a look is due, on this machine's clock.
    pub(super) fn next_wake(&self, mono: Duration, vendor_now: i64, proof_wanted: bool) -> Option<Duration> {
        if self.sweep.is_some() {
            return Some(self.next_look);
        }
        if self.is_clear() && !(proof_wanted && self.proof_looks < MOST_PROOF_LOOKS) {
            return None;
        }
        let conclusions =
            self.doubts.values().filter_map(|doubt| self.conclude_from(doubt)).chain(self.restored_conclude_from());
        let next = conclusions.filter(|from| *from > vendor_now).min();
        let next = next.map(|from| mono + Duration::from_secs((from - vendor_now).unsigned_abs()));
        Some(next.map_or(self.next_look, |next| next.min(self.next_look).max(mono)))
    }
}

/// What a look through the list was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) concluding: bool,
    pub(super) begun_v: i64,
    pub(super) spans: Vec<Span>,
    pub(super) rows: u64,
    pub(super) found: u64,
    /// Why it proves nothing.
    pub(super) void: Option<String>,
    /// By how many seconds the list was behind, where it lacked something it may lack.
    pub(super) lag_s: Option<i64>,
}

/// The vendor's list still shows what was bought then.
fn in_reach(sent_v: i64, vendor_now: i64) -> bool {
    sent_v >= vendor_now - LIST_REACH_S
}

/// Spans that touch become one.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
