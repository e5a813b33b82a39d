//! A look through the vendor's list: when one is due, and which spans of the vendor's time it reads.
//!
//! The first goes soon after the send, to adopt quickly; the whole window is read only to conclude, and is widened back
//! to a purchase that must be shown.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Purpose, Reconcile, Span, Sweep, in_reach, seconds};
use crate::ledger::Witness;
use crate::offer::{Function, LIST_REACH_S};

/// A window of the list begins so long before the send: the vendor's machines do not agree to the second.
pub(super) const BEFORE_SEND_S: i64 = 120;
/// The first look goes only so far beyond the close: most of what was accepted was accepted at once.
pub(super) const AFTER_CLOSE_S: i64 = 60;
/// Looks for a first unfinished task of ours in one start, before the proof is left to later ones.
const MOST_PROOF_LOOKS: u32 = 20;
/// A look goes back so much further than the purchase it must show, since the vendor's edges are not known.
const WITNESS_MARGIN_S: i64 = 10;

impl Reconcile {
    /// Begins a look if one is due. `youngest`: functions without the proof, and when their latest unfinished task was
    /// bought. For one that is to conclude: the moments before which a purchase of ours is wanted, so that the look
    /// must show it.
    pub(in crate::engine) fn begin_sweep(
        &mut self,
        mono: Duration,
        vendor_now: i64,
        youngest: &[(Function, i64)],
    ) -> Option<Span> {
        self.decide_watch(vendor_now);
        if !self.lists || self.sweep.is_some() || mono < self.next_look {
            return None;
        }
        self.forget_scans_to_come(vendor_now);
        // A window must end in the past, also where its page is asked for with a second more at each edge.
        let last = vendor_now - 2;
        // The list may file what is finished by the time at which it was.
        let finished =
            |closed: i64, function| (closed + self.quarantine_s(function) + self.give_up_s(function)).min(last);
        let mut conclude = Vec::new();
        let (mut concludes, mut concludes_restored) = (BTreeSet::new(), false);
        let mut find = Vec::new();
        // What is older than the list goes back can no longer be found; what is dated in the future was dated by a clock that
        // was wrong, and may be anywhere.
        let since = |at_v: i64| {
            let reach_v = vendor_now - LIST_REACH_S;
            if at_v < last { (at_v - BEFORE_SEND_S).max(reach_v) } else { reach_v }
        };
        for doubt in self.doubts.values().filter(|doubt| in_reach(doubt.facts.sent_v, vendor_now)) {
            let from = since(doubt.facts.sent_v);
            match doubt.facts.closed_v {
                Some(closed)
                    if self.conclude_from(doubt).is_some_and(|from| from <= vendor_now)
                        && self.gap_is_over(&doubt.clean, vendor_now) =>
                {
                    concludes.insert(doubt.facts.batch);
                    conclude.push((from, finished(closed, doubt.facts.function)));
                }
                closed => find.push((from, (closed.unwrap_or(vendor_now) + AFTER_CLOSE_S).min(last))),
            }
        }
        for suspect in self.open_suspects() {
            find.push((suspect.posted_v - BEFORE_SEND_S, (suspect.posted_v + AFTER_CLOSE_S).min(last)));
        }
        if let Some(restored) = &self.restored {
            let from = since(restored.from_v);
            if self.restored_conclude_from().is_some_and(|from| from <= vendor_now)
                && self.gap_is_over(&restored.clean, vendor_now)
            {
                concludes_restored = true;
                conclude.push((from, last));
            } else {
                find.push((from, last));
            }
        }
        if self.looks_for_awaited() || !find.is_empty() {
            find.extend(self.awaited_spans(since, last, vendor_now));
        }
        if find.is_empty() && self.looks_for_awaited() {
            // The list does not go back to any of them.
            self.looked_for_awaited();
        }
        // What is in doubt is looked at first; while it waits for its time, there is time for what was given up.
        let is_urgent = !find.is_empty() && !self.has_looked || self.restored.is_some();
        let (purpose, mut covers) = if !conclude.is_empty() {
            (Purpose::Conclude, conclude)
        } else if self.is_to_watch() && !is_urgent {
            (Purpose::Watch, self.watch_windows(vendor_now))
        } else {
            (Purpose::Find, find)
        };
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
            finished: BTreeSet::new(),
            rows: 0,
            found: 0,
            void: None,
            untagged: false,
            waiting_for_page: widen.is_some(),
            concludes,
            concludes_restored,
        });
        widen
    }

    /// A purchase outside the spans of the look that has begun, before or after them: it is widened to hold it.
    pub(in crate::engine) fn widened(&mut self, witness: Option<Witness>) {
        let Some(sweep) = &mut self.sweep else { return };
        sweep.waiting_for_page = false;
        let (Some(witness), Some(from), Some(to)) =
            (witness, sweep.covers.first().map(|span| span.0), sweep.covers.last().map(|span| span.1))
        else {
            return;
        };
        // It was answered within the look, perhaps, and is filed before it; or the first purchases of a ledger are in doubt,
        // and what was bought after them must do.
        let begins = from.min(witness.from_v - WITNESS_MARGIN_S);
        let ends = (witness.posted_v + WITNESS_MARGIN_S).min(sweep.begun_v - 1);
        if ends <= sweep.covers[0].1 {
            sweep.covers[0].0 = begins;
        } else {
            // What is not finished is shown up to the latest there is.
            sweep.covers = vec![(begins, to.max(sweep.begun_v - 1))];
        }
        sweep.to_read.clone_from(&sweep.covers);
    }

    /// When a look is due, on this machine's clock.
    pub(in crate::engine) fn next_wake(&self, mono: Duration, vendor_now: i64, proof_wanted: bool) -> Option<Duration> {
        if !self.lists {
            return None;
        }
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
