//! A scan of the provider's list: when one is due, and which spans of the provider's time it reads.
//!
//! The first follows soon after the send, to recover quickly. The complete window is read only to conclude, and is
//! widened back to a control row.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Purpose, Reconcile, Scan, Span, in_reach, seconds};
use crate::ledger::ControlRow;
use crate::product::{Function, LIST_REACH_S};

/// A window of the list begins so long before the send: the provider's machines do not agree to the second.
pub(super) const BEFORE_SEND_S: i64 = 120;
/// The first scan goes only so far beyond the close: most of what was accepted was accepted at once.
pub(super) const AFTER_CLOSE_S: i64 = 60;
/// Looks for a first unfinished task of ours in one session, before the proof is left to later ones.
const MOST_PROOF_LOOKS: u32 = 20;
/// A scan goes back so much further than the purchase it must show, since the provider's edges are not known.
const CONTROL_ROW_MARGIN_S: i64 = 10;

impl Reconcile {
    /// Begins a scan if one is due. `youngest`: functions without the proof, and when their latest unfinished task was
    /// bought. For one that is to conclude: the moments before which a purchase of ours is wanted, so that the scan
    /// must show it.
    pub(in crate::engine) fn begin_scan(
        &mut self,
        mono: Duration,
        provider_now: i64,
        youngest: &[(Function, i64)],
    ) -> Option<Span> {
        self.decide_watch(provider_now);
        if !self.lists || self.scan.is_some() || mono < self.next_scan {
            return None;
        }
        self.forget_scans_to_come(provider_now);
        // A window must end in the past, also where its page is asked for with a second more at each edge.
        let last = provider_now - 2;
        // The list may file what is finished by the time at which it was.
        let finished =
            |closed: i64, function| (closed + self.quarantine_s(function) + self.give_up_s(function)).min(last);
        let mut conclude = Vec::new();
        let (mut concludes, mut concludes_restored) = (BTreeSet::new(), false);
        let mut find = Vec::new();
        // What is older than the list goes back can no longer be found; what is dated in the future was dated by a clock that
        // was wrong, and may be anywhere.
        let since = |at_v: i64| {
            let reach_v = provider_now - LIST_REACH_S;
            if at_v < last { (at_v - BEFORE_SEND_S).max(reach_v) } else { reach_v }
        };
        for unknown in self.unknowns.values().filter(|unknown| in_reach(unknown.facts.sent_v, provider_now)) {
            let from = since(unknown.facts.sent_v);
            match unknown.facts.closed_v {
                Some(closed)
                    if self.conclude_from(unknown).is_some_and(|from| from <= provider_now)
                        && self.gap_is_over(&unknown.clean, provider_now) =>
                {
                    concludes.insert(unknown.facts.batch);
                    conclude.push((from, finished(closed, unknown.facts.function)));
                }
                closed => find.push((from, (closed.unwrap_or(provider_now) + AFTER_CLOSE_S).min(last))),
            }
        }
        for suspect in self.open_suspects() {
            find.push((suspect.posted_v - BEFORE_SEND_S, (suspect.posted_v + AFTER_CLOSE_S).min(last)));
        }
        if let Some(restored) = &self.restored {
            let from = since(restored.from_v);
            if self.restored_conclude_from().is_some_and(|from| from <= provider_now)
                && self.gap_is_over(&restored.clean, provider_now)
            {
                concludes_restored = true;
                conclude.push((from, last));
            } else {
                find.push((from, last));
            }
        }
        if self.scans_for_awaited() || !find.is_empty() {
            find.extend(self.awaited_spans(since, last, provider_now));
        }
        if find.is_empty() && self.scans_for_awaited() {
            // The list does not go back to any of them.
            self.scanned_for_awaited();
        }
        // What is in doubt is looked at first; while it waits for its time, there is time for what was given up.
        let is_urgent = !find.is_empty() && !self.has_scanned || self.restored.is_some();
        let (purpose, mut covers) = if !conclude.is_empty() {
            (Purpose::Conclude, conclude)
        } else if self.is_to_watch() && !is_urgent {
            (Purpose::Watch, self.watch_windows(provider_now))
        } else {
            (Purpose::Find, find)
        };
        if covers.is_empty() && self.proof_scans < MOST_PROOF_LOOKS {
            self.proof_scans += u32::from(!youngest.is_empty());
            covers.extend(youngest.iter().map(|(_, posted)| (posted - 1, (posted + 2).min(last))));
        }
        covers.retain(|(from, to)| from < to);
        if covers.is_empty() {
            self.next_scan = mono + Duration::from_secs(1);
            return None;
        }
        let covers = merged(covers);
        let widen = (purpose == Purpose::Conclude).then(|| (covers[0].0, provider_now - seconds(self.timing.lag_max)));
        self.scan = Some(Scan {
            purpose,
            begun_v: provider_now,
            to_read: covers.clone(),
            covers,
            by_offset: None,
            shown: BTreeSet::new(),
            finished: BTreeSet::new(),
            rows: 0,
            found: 0,
            inconclusive: None,
            untagged: false,
            waiting_for_page: widen.is_some(),
            concludes,
            concludes_restored,
        });
        widen
    }

    /// A purchase outside the spans of the scan that has begun, before or after them: it is widened to hold it.
    pub(in crate::engine) fn widened(&mut self, control_row: Option<ControlRow>) {
        let Some(scan) = &mut self.scan else { return };
        scan.waiting_for_page = false;
        let (Some(control_row), Some(from), Some(to)) =
            (control_row, scan.covers.first().map(|span| span.0), scan.covers.last().map(|span| span.1))
        else {
            return;
        };
        // It was answered within the scan, perhaps, and is filed before it; or the first purchases of a ledger are in doubt,
        // and what was bought after them must do.
        let begins = from.min(control_row.from_v - CONTROL_ROW_MARGIN_S);
        let ends = (control_row.posted_v + CONTROL_ROW_MARGIN_S).min(scan.begun_v - 1);
        if ends <= scan.covers[0].1 {
            scan.covers[0].0 = begins;
        } else {
            // What is not finished is shown up to the latest there is.
            scan.covers = vec![(begins, to.max(scan.begun_v - 1))];
        }
        scan.to_read.clone_from(&scan.covers);
    }

    /// When a scan is due, on this machine's clock.
    pub(in crate::engine) fn next_wake(
        &self,
        mono: Duration,
        provider_now: i64,
        proof_wanted: bool,
    ) -> Option<Duration> {
        if !self.lists {
            return None;
        }
        if self.scan.is_some() {
            return Some(self.next_scan);
        }
        if self.is_clear() && !(proof_wanted && self.proof_scans < MOST_PROOF_LOOKS) {
            return None;
        }
        let conclusions = self
            .unknowns
            .values()
            .filter_map(|unknown| self.conclude_from(unknown))
            .chain(self.restored_conclude_from());
        let next = conclusions.filter(|from| *from > provider_now).min();
        let next = next.map(|from| mono + Duration::from_secs((from - provider_now).unsigned_abs()));
        Some(next.map_or(self.next_scan, |next| next.min(self.next_scan).max(mono)))
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
