//! What absence proves: the rules by which an unknown outcome is concluded to be not bought.
//!
//! They require two complete scans of the list, both begun after the quarantine, some time apart, each of which
//! showed every control row, and an empty `tasks_ready` after them. A scan that failed, or that lacked a control row,
//! is inconclusive: nothing follows from it. The rules are safe only together, so they are in one place.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Purpose, Reconcile, Scan, Span, UnknownOutcome, in_reach, seconds};
use crate::engine::collect::{Endpoint, Listing};
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Unfinished;
use crate::product::{Function, Method};
use crate::rule::Rule;

/// The provider shows what its list lacked so many times later, at the most.
const LAG_MARGIN: i64 = 10;
/// Looks in a row that settle nothing, after which a session leaves what is in doubt to later ones. Two are needed.
const MOST_FRUITLESS_LOOKS: u32 = 8;

/// Pages in a row that were refused for want of time, after which a session leaves what is in doubt to later ones.
const MOST_TURNED_AWAY: u32 = 50;

/// What a scan through the list was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Ended {
    pub(in crate::engine) concluding: bool,
    pub(in crate::engine) begun_v: i64,
    pub(in crate::engine) spans: Vec<Span>,
    pub(in crate::engine) rows: u64,
    pub(in crate::engine) found: u64,
    /// Why it proves nothing.
    pub(in crate::engine) inconclusive: Option<String>,
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
        let is_visibility_proven = self.proven.contains(&function) || !Rule::VisibilityProof.is_kept();
        if is_visibility_proven { proven } else { proven.max(self.give_up_s(function)) }
    }

    /// The same where the list has proven itself.
    pub(in crate::engine) fn proven_quarantine_s(&self) -> i64 {
        seconds(self.timing.quarantine).max(LAG_MARGIN * self.longest_lag_s).max(seconds(self.timing.lag_max))
    }

    pub(super) fn give_up_s(&self, function: Function) -> i64 {
        self.give_up.get(&function).map_or(0, |give_up| seconds(*give_up))
    }

    /// When a doubt can be concluded at the earliest; `None` while its close is not known.
    pub(in crate::engine) fn conclude_from(&self, unknown: &UnknownOutcome) -> Option<i64> {
        let closed = unknown.facts.closed_v?;
        let from = if Rule::QuarantineFromTheClose.is_kept() { closed } else { unknown.facts.sent_v };
        Some(from + self.quarantine_of(unknown))
    }

    /// The list has proven itself as far as this doubt needs.
    pub(in crate::engine) fn is_enough_proven(&self, unknown: &UnknownOutcome) -> bool {
        unknown.facts.method == Method::Live || self.is_visibility_proven(unknown.facts.function)
    }

    /// A Live task is finished with its connection, so that the list need not have shown unfinished ones.
    fn quarantine_of(&self, unknown: &UnknownOutcome) -> i64 {
        match unknown.facts.method {
            Method::Standard => self.quarantine_s(unknown.facts.function),
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

    /// A second scan proves something only some time after the first.
    pub(super) fn gap_is_over(&self, clean: &[i64], provider_now: i64) -> bool {
        clean.last().is_none_or(|last| provider_now >= last + seconds(self.timing.sweep_gap))
    }

    /// The list shows a row without a tag of any ledger's.
    pub(in crate::engine) fn saw_untagged(&mut self) {
        if let Some(scan) = &mut self.scan {
            scan.untagged = true;
        }
    }

    /// Something in the list makes this scan worthless for concluding.
    pub(in crate::engine) fn make_void(&mut self, why: &str) {
        if let Some(scan) = &mut self.scan {
            scan.inconclusive.get_or_insert_with(|| why.to_owned());
        }
    }

    /// The list has shown an unfinished task of ours.
    pub(in crate::engine) fn prove(&mut self, function: Function) -> bool {
        self.proven.insert(function)
    }

    /// The list has not proven itself for a function, and no id is asked that may tell.
    pub(in crate::engine) fn wants_proof(&self, function: Function) -> bool {
        !self.is_visibility_proven(function) && !self.to_prove.contains_key(&function)
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

    pub(in crate::engine) fn is_visibility_proven(&self, function: Function) -> bool {
        self.proven.contains(&function)
    }

    /// What the scan that is under way has read, and how far it had to show what is not finished.
    pub(in crate::engine) fn control_rows_due(&self) -> (Vec<Span>, Unfinished) {
        let (spans, latest_v) = self.scan.as_ref().map(|scan| (scan.covers.clone(), scan.begun_v)).unwrap_or_default();
        let done_after_s = [Function::LlmScraper, Function::LlmResponses].map(|function| self.give_up_s(function));
        (spans, Unfinished { shown: self.proven.clone(), latest_v, done_after_s })
    }

    /// A scan is through. `control_rows`: what is known to be bought in its spans, and when. What it proves, and by how
    /// much the list was behind, where it was.
    pub(in crate::engine) fn end_scan(&mut self, control_rows: &[(AttemptId, i64)], mono: Duration) -> Option<Ended> {
        let mut scan = self.scan.take()?;
        self.has_scanned = true;
        if scan.purpose == Purpose::Find {
            self.suspects.values_mut().for_each(|suspect| suspect.scans += 1);
            self.scanned_for_awaited();
        }
        self.next_scan =
            mono + if scan.purpose == Purpose::Conclude { Duration::ZERO } else { self.timing.sweep_every };
        let hidden = control_rows.iter().filter(|(attempt, _)| !scan.shown.contains(attempt));
        let lag_s = hidden.map(|(_, posted)| scan.begun_v - posted).max().filter(|lag| *lag > 0);
        let old_enough = |posted: &i64| *posted <= scan.begun_v - seconds(self.timing.lag_max);
        let control_rows_due = control_rows.iter().filter(|(_, posted)| old_enough(posted)).count();
        let hidden =
            control_rows.iter().filter(|(attempt, posted)| old_enough(posted) && !scan.shown.contains(attempt)).count();
        if scan.purpose == Purpose::Conclude {
            if hidden > 0 && Rule::HidingIsInconclusive.is_kept() {
                scan.inconclusive
                    .get_or_insert(format!("it hid {hidden} of {control_rows_due} tasks of ours that it had to show"));
            } else if control_rows_due == 0
                && Rule::ControlRowInEachScan.is_kept()
                && !self.no_control_row_is_enough(&mut scan)
            {
                scan.inconclusive.get_or_insert("there is no task of ours that it had to show".to_owned());
            }
        }
        if let Some(lag) = lag_s.filter(|lag| *lag > self.longest_lag_s && hidden == 0) {
            self.longest_lag_s = lag;
        }
        if scan.purpose == Purpose::Conclude && scan.inconclusive.is_some() {
            self.next_scan = mono + self.timing.sweep_gap;
        }
        self.fruitless += u32::from(scan.purpose == Purpose::Conclude);
        let valid = scan.purpose == Purpose::Conclude && scan.inconclusive.is_none();
        let mut counts_for = Vec::new();
        if valid {
            for (batch, unknown) in &mut self.unknowns {
                if scan.concludes.contains(batch) || !Rule::ScanCountsForItsOwn.is_kept() {
                    unknown.counts(scan.begun_v);
                    if Self::shown_finished(unknown, scan.begun_v, &scan.finished) {
                        self.fruitless = 0;
                    }
                    // Of what a list has shown, no later session may believe the opposite.
                    counts_for.extend(unknown.seen.is_empty().then_some(*batch));
                }
            }
            if let Some(restored) = self.restored.as_mut().filter(|_| scan.concludes_restored) {
                restored.clean.push(scan.begun_v);
                restored.has_own = true;
            }
            self.next_scan = mono + self.timing.sweep_gap;
        }
        Some(Ended {
            lag_s: lag_s.filter(|_| hidden == 0),
            concluding: scan.purpose == Purpose::Conclude,
            begun_v: scan.begun_v,
            spans: scan.covers,
            rows: scan.rows,
            found: scan.found,
            inconclusive: scan.inconclusive,
            counts_for,
            restored: valid && scan.concludes_restored,
        })
    }

    /// A scan that had nothing of ours to show counts all the same for what was closed so long ago that its tasks have
    /// ended one way or the other; it is credited to nothing else. Rows without a tag of any ledger's may be ours, on a
    /// provider that does not hand tags back: then it counts for nothing.
    fn no_control_row_is_enough(&self, scan: &mut Scan) -> bool {
        if scan.untagged {
            return false;
        }
        let begun_v = scan.begun_v;
        let long_ago = |closed: Option<i64>, give_up_s: i64| closed.is_some_and(|at| at + give_up_s <= begun_v);
        scan.concludes.retain(|batch| {
            let unknown = self.unknowns.get(batch).map(|unknown| &unknown.facts);
            unknown.is_some_and(|facts| long_ago(facts.closed_v, self.give_up_s(facts.function)))
        });
        let slowest = Function::ALL.iter().map(|function| self.give_up_s(*function)).max().unwrap_or(0);
        let restored = self.restored.as_ref().is_some_and(|restored| long_ago(restored.closed_v, slowest));
        scan.concludes_restored &= restored;
        !scan.concludes.is_empty() || scan.concludes_restored
    }

    /// Batches that surely were not bought: two scans apart, and a whole `tasks_ready` begun after the quarantine
    /// without them, or what stands for it where that is full.
    pub(in crate::engine) fn concluded(&mut self, listing: impl Fn(Endpoint) -> Listing) -> Vec<BatchId> {
        if !self.lists {
            return Vec::new();
        }
        let ready = |unknown: &&UnknownOutcome| {
            let endpoint = (unknown.facts.engine, unknown.facts.function);
            let is_shown = !unknown.seen.is_empty() && Rule::ReadyIsRead.is_kept();
            !is_shown
                && self.finished_would_show(unknown, listing(endpoint))
                && unknown.is_seen_by_this_session()
                && self.two_scans(&unknown.clean, self.conclude_from(unknown))
        };
        let concluded: Vec<BatchId> = self.unknowns.values().filter(ready).map(|unknown| unknown.facts.batch).collect();
        // Said once: what is unresolved in them is looked up and recorded next.
        for batch in &concluded {
            if let Some(unknown) = self.unknowns.get_mut(batch) {
                unknown.clean.clear();
            }
        }
        concluded
    }

    /// Of the scans that count, two are far enough apart. One that was begun before the quarantine was over, as long as
    /// that is known to be by now, does not count.
    pub(super) fn two_scans(&self, clean: &[i64], quarantine_over: Option<i64>) -> bool {
        let counts =
            |begun: &&i64| quarantine_over.is_some_and(|over| **begun >= over) || !Rule::ScanCountsForItsOwn.is_kept();
        let mut counts = clean.iter().filter(counts);
        if !Rule::TwoScans.is_kept() {
            return counts.next().is_some();
        }
        let first = counts.next();
        let apart = |(first, last): (&i64, &i64)| last - first >= seconds(self.timing.sweep_gap).max(1);
        first.zip(counts.next_back()).is_some_and(apart)
    }

    /// The restored ledger knows again what it bought: how many purchases were taken over.
    pub(in crate::engine) fn restored_done(&mut self, provider_now: i64) -> Option<u64> {
        let restored = self.restored.as_mut()?;
        restored.is_beyond_reach = !in_reach(restored.from_v, provider_now);
        let restored = self.restored.as_ref()?;
        let is_clean = restored.has_own && self.two_scans(&restored.clean, self.restored_conclude_from());
        if restored.is_beyond_reach || !is_clean {
            return None;
        }
        let recovered = restored.recovered;
        self.restored = None;
        Some(recovered)
    }

    /// Endpoints whose `tasks_ready` must be read to conclude something.
    pub(in crate::engine) fn to_list(
        &self,
        provider_now: i64,
        listed_v: impl Fn(Endpoint) -> Option<i64>,
    ) -> BTreeSet<Endpoint> {
        if !self.lists {
            return BTreeSet::new();
        }
        let due = |unknown: &&UnknownOutcome| self.conclude_from(unknown).is_some_and(|from| from <= provider_now);
        let standard = |unknown: &&UnknownOutcome| unknown.facts.method == Method::Standard;
        let endpoints = self.unknowns.values().filter(standard).filter(due).filter(|unknown| {
            let endpoint = (unknown.facts.engine, unknown.facts.function);
            listed_v(endpoint).is_none_or(|listed| self.conclude_from(unknown).is_none_or(|from| listed < from))
        });
        endpoints.map(|unknown| (unknown.facts.engine, unknown.facts.function)).collect()
    }

    /// Something in doubt can still be settled in this session: its quarantine ends soon, or it may yet be found.
    pub(in crate::engine) fn may_clear(&self, provider_now: i64) -> bool {
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
            closed.is_none_or(|closed| (closed - patience..closed + patience).contains(&provider_now))
                // However far its time is, what the list shows by now is taken from it.
                || (conclusive && !self.has_scanned)
                || (conclusive && conclude_from.is_some_and(|from| from <= provider_now + patience))
        };
        self.unknowns
            .values()
            .filter(|unknown| in_reach(unknown.facts.sent_v, provider_now))
            .any(|unknown| soon(unknown.facts.closed_v, self.conclude_from(unknown)))
            || self.restored.as_ref().is_some_and(|restored| {
                !restored.is_beyond_reach && soon(restored.closed_v, self.restored_conclude_from())
            })
            || (conclusive && (self.open_suspects().next().is_some() || self.scans_for_awaited()))
            || self.waits_for_ids()
            // Behind a restoration it waits for another session.
            || (conclusive && self.is_to_watch() && self.restored.is_none())
    }
}
