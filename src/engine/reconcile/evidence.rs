//! What absence proves: the rules by which something in doubt is concluded not to be bought.
//!
//! Two complete looks through the list, both begun after the quarantine, some time apart, each of which showed
//! everything of ours that it had to show, and an empty `tasks_ready` after them. A look that failed, or that hid
//! something it should have shown, is void: it proves nothing, and nothing follows from it. The rules are safe only
//! when they are read together, so they stand in one place.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Doubt, Purpose, Reconcile, Span, Sweep, in_reach, seconds};
use crate::engine::collect::{Endpoint, Listing};
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Unfinished;
use crate::offer::{Function, Method};
use crate::rule::Rule;

/// The vendor shows what its list lacked so many times later, at the most.
const LAG_MARGIN: i64 = 10;
/// Looks in a row that settle nothing, after which a start leaves what is in doubt to later ones. Two are needed.
const MOST_FRUITLESS_LOOKS: u32 = 8;

/// Pages in a row that were refused for want of time, after which a start leaves what is in doubt to later ones.
const MOST_TURNED_AWAY: u32 = 50;

/// What a look through the list was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Ended {
    pub(in crate::engine) concluding: bool,
    pub(in crate::engine) begun_v: i64,
    pub(in crate::engine) spans: Vec<Span>,
    pub(in crate::engine) rows: u64,
    pub(in crate::engine) found: u64,
    /// Why it proves nothing.
    pub(in crate::engine) void: Option<String>,
    /// By how many seconds the list was behind, where it lacked something it may lack.
    pub(in crate::engine) lag_s: Option<i64>,
    /// The doubts that it counts for, also in later sessions.
    pub(in crate::engine) counts_for: Vec<BatchId>,
    /// It counts for what a restored ledger may lack.
    pub(in crate::engine) restored: bool,
}

impl Reconcile {
    /// How long after the close absence from the list can mean something.
    pub(super) fn quarantine_s(&self, function: Function) -> i64 {
        if !Rule::Quarantine.is_kept() {
            return 0;
        }
        let proven = self.proven_quarantine_s();
        let is_proven = self.proven.contains(&function) || !Rule::TagProof.is_kept();
        if is_proven { proven } else { proven.max(self.give_up_s(function)) }
    }

    /// The same where the list has proven itself.
    pub(in crate::engine) fn proven_quarantine_s(&self) -> i64 {
        seconds(self.timing.quarantine).max(LAG_MARGIN * self.longest_lag_s).max(seconds(self.timing.lag_max))
    }

    pub(super) fn give_up_s(&self, function: Function) -> i64 {
        self.give_up.get(&function).map_or(0, |give_up| seconds(*give_up))
    }

    /// When a doubt can be concluded at the earliest; `None` while its close is not known.
    pub(in crate::engine) fn conclude_from(&self, doubt: &Doubt) -> Option<i64> {
        let closed = doubt.facts.closed_v?;
        let from = if Rule::QuarantineFromTheClose.is_kept() { closed } else { doubt.facts.sent_v };
        Some(from + self.quarantine_of(doubt))
    }

    /// The list has proven itself as far as this doubt needs.
    pub(in crate::engine) fn is_enough_proven(&self, doubt: &Doubt) -> bool {
        doubt.facts.method == Method::Live || self.is_proven(doubt.facts.function)
    }

    /// A Live task is finished with its connection, so that the list need not have shown unfinished ones.
    fn quarantine_of(&self, doubt: &Doubt) -> i64 {
        match doubt.facts.method {
            Method::Standard => self.quarantine_s(doubt.facts.function),
            Method::Live if Rule::Quarantine.is_kept() => self.proven_quarantine_s(),
            Method::Live => 0,
        }
    }

    pub(in crate::engine) fn restored_conclude_from(&self) -> Option<i64> {
        let closed = self.restored.as_ref()?.closed_v?;
        if !Rule::RestoredWaits.is_kept() {
            return Some(closed);
        }
        let slowest = self.functions.iter().map(|function| self.quarantine_s(*function)).max();
        Some(closed + slowest.unwrap_or_else(|| self.proven_quarantine_s()))
    }

    /// A second look proves something only some time after the first.
    pub(super) fn gap_is_over(&self, clean: &[i64], vendor_now: i64) -> bool {
        clean.last().is_none_or(|last| vendor_now >= last + seconds(self.timing.sweep_gap))
    }

    /// The list shows a row without a tag of any ledger's.
    pub(in crate::engine) fn saw_untagged(&mut self) {
        if let Some(sweep) = &mut self.sweep {
            sweep.untagged = true;
        }
    }

    /// Something in the list makes this look worthless for concluding.
    pub(in crate::engine) fn make_void(&mut self, why: &str) {
        if let Some(sweep) = &mut self.sweep {
            sweep.void.get_or_insert_with(|| why.to_owned());
        }
    }

    /// The list has shown an unfinished task of ours.
    pub(in crate::engine) fn prove(&mut self, function: Function) -> bool {
        self.proven.insert(function)
    }

    /// The list has not proven itself for a function, and no id is asked that may tell.
    pub(in crate::engine) fn wants_proof(&self, function: Function) -> bool {
        !self.is_proven(function) && !self.to_prove.contains_key(&function)
    }

    /// An id is asked: if its task is not finished, the list has shown an unfinished task.
    pub(in crate::engine) fn may_prove(&mut self, function: Function, attempt: AttemptId) {
        self.to_prove.insert(function, attempt);
    }

    /// The function whose list this id may prove, once.
    pub(in crate::engine) fn proof_by(&mut self, attempt: AttemptId) -> Option<Function> {
        let function = self.to_prove.iter().find(|(_, asked)| **asked == attempt).map(|(function, _)| *function)?;
        self.to_prove.remove(&function);
        Some(function)
    }

    pub(in crate::engine) fn is_proven(&self, function: Function) -> bool {
        self.proven.contains(&function)
    }

    /// What the look that is under way has read, and how far it had to show what is not finished.
    pub(in crate::engine) fn must_show(&self) -> (Vec<Span>, Unfinished) {
        let (spans, latest_v) =
            self.sweep.as_ref().map(|sweep| (sweep.covers.clone(), sweep.begun_v)).unwrap_or_default();
        let done_after_s = [Function::LlmScraper, Function::LlmResponses].map(|function| self.give_up_s(function));
        (spans, Unfinished { shown: self.proven.clone(), latest_v, done_after_s })
    }

    /// A look is through. `witnesses`: what is known to be bought in its spans, and when. What it proves, and by how
    /// much the list was behind, where it was.
    pub(in crate::engine) fn end_sweep(&mut self, witnesses: &[(AttemptId, i64)], mono: Duration) -> Option<Ended> {
        let mut sweep = self.sweep.take()?;
        self.has_looked = true;
        if sweep.purpose == Purpose::Find {
            self.suspects.values_mut().for_each(|suspect| suspect.looks += 1);
            self.looked_for_awaited();
        }
        self.next_look =
            mono + if sweep.purpose == Purpose::Conclude { Duration::ZERO } else { self.timing.sweep_every };
        let hidden = witnesses.iter().filter(|(attempt, _)| !sweep.shown.contains(attempt));
        let lag_s = hidden.map(|(_, posted)| sweep.begun_v - posted).max().filter(|lag| *lag > 0);
        let old_enough = |posted: &i64| *posted <= sweep.begun_v - seconds(self.timing.lag_max);
        let must_show = witnesses.iter().filter(|(_, posted)| old_enough(posted)).count();
        let hidden =
            witnesses.iter().filter(|(attempt, posted)| old_enough(posted) && !sweep.shown.contains(attempt)).count();
        if sweep.purpose == Purpose::Conclude {
            if hidden > 0 && Rule::HidingIsVoid.is_kept() {
                sweep.void.get_or_insert(format!("it hid {hidden} of {must_show} tasks of ours that it had to show"));
            } else if must_show == 0 && Rule::WitnessInEachSweep.is_kept() && !self.unwitnessed_is_enough(&mut sweep) {
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
        let mut counts_for = Vec::new();
        if valid {
            for (batch, doubt) in &mut self.doubts {
                if sweep.concludes.contains(batch) || !Rule::SweepCountsForItsOwn.is_kept() {
                    doubt.counts(sweep.begun_v);
                    if Self::shown_finished(doubt, sweep.begun_v, &sweep.finished) {
                        self.fruitless = 0;
                    }
                    // Of what a list has shown, no later session may believe the opposite.
                    counts_for.extend(doubt.seen.is_empty().then_some(*batch));
                }
            }
            if let Some(restored) = self.restored.as_mut().filter(|_| sweep.concludes_restored) {
                restored.clean.push(sweep.begun_v);
                restored.has_own = true;
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
            counts_for,
            restored: valid && sweep.concludes_restored,
        })
    }

    /// A look that had nothing of ours to show counts all the same for what was closed so long ago that its tasks have
    /// ended one way or the other; it is credited to nothing else. Rows without a tag of any ledger's may be ours, on a
    /// vendor that does not hand tags back: then it counts for nothing.
    fn unwitnessed_is_enough(&self, sweep: &mut Sweep) -> bool {
        if sweep.untagged {
            return false;
        }
        let begun_v = sweep.begun_v;
        let long_ago = |closed: Option<i64>, give_up_s: i64| closed.is_some_and(|at| at + give_up_s <= begun_v);
        sweep.concludes.retain(|batch| {
            let doubt = self.doubts.get(batch).map(|doubt| &doubt.facts);
            doubt.is_some_and(|facts| long_ago(facts.closed_v, self.give_up_s(facts.function)))
        });
        let slowest = Function::ALL.iter().map(|function| self.give_up_s(*function)).max().unwrap_or(0);
        let restored = self.restored.as_ref().is_some_and(|restored| long_ago(restored.closed_v, slowest));
        sweep.concludes_restored &= restored;
        !sweep.concludes.is_empty() || sweep.concludes_restored
    }

    /// Batches that surely were not bought: two looks apart, and a whole `tasks_ready` begun after the quarantine
    /// without them, or what stands for it where that is full.
    pub(in crate::engine) fn concluded(&mut self, listing: impl Fn(Endpoint) -> Listing) -> Vec<BatchId> {
        if !self.lists {
            return Vec::new();
        }
        let ready = |doubt: &&Doubt| {
            let endpoint = (doubt.facts.engine, doubt.facts.function);
            let is_shown = !doubt.seen.is_empty() && Rule::ReadyIsRead.is_kept();
            !is_shown
                && self.finished_would_show(doubt, listing(endpoint))
                && doubt.is_seen_by_this_session()
                && self.two_looks(&doubt.clean, self.conclude_from(doubt))
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

    /// Of the looks that count, two are far enough apart. One that was begun before the quarantine was over, as long as
    /// that is known to be by now, does not count.
    pub(super) fn two_looks(&self, clean: &[i64], quarantine_over: Option<i64>) -> bool {
        let counts =
            |begun: &&i64| quarantine_over.is_some_and(|over| **begun >= over) || !Rule::SweepCountsForItsOwn.is_kept();
        let mut counts = clean.iter().filter(counts);
        if !Rule::TwoSweeps.is_kept() {
            return counts.next().is_some();
        }
        let first = counts.next();
        let apart = |(first, last): (&i64, &i64)| last - first >= seconds(self.timing.sweep_gap).max(1);
        first.zip(counts.next_back()).is_some_and(apart)
    }

    /// The restored ledger knows again what it bought: how many purchases were taken over.
    pub(in crate::engine) fn restored_done(&mut self, vendor_now: i64) -> Option<u64> {
        let restored = self.restored.as_mut()?;
        restored.is_beyond_reach = !in_reach(restored.from_v, vendor_now);
        let restored = self.restored.as_ref()?;
        let is_clean = restored.has_own && self.two_looks(&restored.clean, self.restored_conclude_from());
        if restored.is_beyond_reach || !is_clean {
            return None;
        }
        let adopted = restored.adopted;
        self.restored = None;
        Some(adopted)
    }

    /// Endpoints whose `tasks_ready` must be read to conclude something.
    pub(in crate::engine) fn to_list(
        &self,
        vendor_now: i64,
        listed_v: impl Fn(Endpoint) -> Option<i64>,
    ) -> BTreeSet<Endpoint> {
        if !self.lists {
            return BTreeSet::new();
        }
        let due = |doubt: &&Doubt| self.conclude_from(doubt).is_some_and(|from| from <= vendor_now);
        let standard = |doubt: &&Doubt| doubt.facts.method == Method::Standard;
        let endpoints = self.doubts.values().filter(standard).filter(due).filter(|doubt| {
            let endpoint = (doubt.facts.engine, doubt.facts.function);
            listed_v(endpoint).is_none_or(|listed| self.conclude_from(doubt).is_none_or(|from| listed < from))
        });
        endpoints.map(|doubt| (doubt.facts.engine, doubt.facts.function)).collect()
    }

    /// Something in doubt can still be settled in this start: its quarantine ends soon, or it may yet be found.
    pub(in crate::engine) fn may_clear(&self, vendor_now: i64) -> bool {
        if !self.lists {
            return false;
        }
        let patience =
            seconds(self.timing.quarantine).max(seconds(self.timing.lag_max)).max(LAG_MARGIN * self.longest_lag_s)
                + 2 * seconds(self.timing.sweep_gap)
                + 4 * seconds(self.timing.sweep_every)
                + 60;
        // Looks are worth something: not one after the other proved nothing.
        let conclusive = self.fruitless < MOST_FRUITLESS_LOOKS && self.turned_away < MOST_TURNED_AWAY;
        let soon = |closed: Option<i64>, conclude_from: Option<i64>| {
            closed.is_none_or(|closed| (closed - patience..closed + patience).contains(&vendor_now))
                // However far its time is, what the list shows by now is taken from it.
                || (conclusive && !self.has_looked)
                || (conclusive && conclude_from.is_some_and(|from| from <= vendor_now + patience))
        };
        self.doubts
            .values()
            .filter(|doubt| in_reach(doubt.facts.sent_v, vendor_now))
            .any(|doubt| soon(doubt.facts.closed_v, self.conclude_from(doubt)))
            || self.restored.as_ref().is_some_and(|restored| {
                !restored.is_beyond_reach && soon(restored.closed_v, self.restored_conclude_from())
            })
            || (conclusive && (self.open_suspects().next().is_some() || self.looks_for_awaited()))
            || self.waits_for_ids()
            // Behind a restoration it waits for another session.
            || (conclusive && self.is_to_watch() && self.restored.is_none())
    }
}
