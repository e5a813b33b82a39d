//! Scans of earlier sessions: which of them count together with one of this session.
//!
//! A scan is evidence about the provider, not about the process that made it. The ledger keeps the unknown outcomes
//! that a valid scan counted for (`ledger::sqlite::scans`), and the rules of `evidence` judge it by the quarantine as it is
//! known now. What a process knew beside its scans is gone with it. A session therefore concludes only with a scan of
//! its own, and after it has read `tasks_ready` itself.

use super::{Reconcile, UnknownOutcome};
use crate::ledger::UnknownBatch;
use crate::rule::Rule;

/// The scans of earlier sessions that count for a doubt.
pub(super) fn of(facts: &UnknownBatch) -> Vec<i64> {
    facts.scans.clone()
}

impl UnknownOutcome {
    /// A scan of this session counts for it.
    pub(super) fn counts(&mut self, begun_v: i64) {
        self.clean.push(begun_v);
        self.has_own = true;
    }

    /// This session has seen for itself that the list does not show it.
    pub(super) fn is_seen_by_this_session(&self) -> bool {
        self.has_own || !Rule::ConcludesByItsOwnScan.is_kept()
    }
}

impl Reconcile {
    /// Scans of earlier sessions count for what this restored ledger may lack.
    pub(in crate::engine) fn carry_restored(&mut self, scans: Vec<i64>) {
        if let Some(restored) = &mut self.restored {
            restored.clean = scans;
        }
    }

    /// A scan that began after the present moment was dated by a clock that was wrong: nobody knows when it began.
    pub(super) fn forget_scans_to_come(&mut self, provider_now: i64) {
        for unknown in self.unknowns.values_mut() {
            unknown.clean.retain(|begun_v| *begun_v <= provider_now);
        }
        if let Some(restored) = &mut self.restored {
            restored.clean.retain(|begun_v| *begun_v <= provider_now);
        }
    }
}
