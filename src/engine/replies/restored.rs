//! Purchases of this ledger that it lacks: it was restored from a copy and recovers them one by one.

use super::refused::Limit;
use crate::clock::Now;
use crate::engine::core::Core;
use crate::engine::reconcile::{Evidence, was_sold};
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::ledger::{Change, TakenOver};
use crate::provider::Fetched;
use crate::rule::Rule;

impl Core {
    /// A purchase of this ledger's that it does not hold: it was restored from a copy, whatever its counters say. There may be
    /// others since the copy was made, at the latest when it last saw the provider's clock.
    pub(super) fn restore_if_needed(&mut self, found_v: i64, out: &mut Vec<Effect>) {
        let copied_v = self.heard_v.filter(|_| Rule::RestoredSinceTheCopy.is_kept());
        let from_v = copied_v.map_or(found_v, |copied_v| copied_v.min(found_v));
        if self.reconcile.restored.as_ref().is_some_and(|restored| restored.from_v <= from_v) {
            return;
        }
        self.reconcile.restore(from_v, None);
        self.dispatch.start_over();
        out.push(Effect::Commit(vec![Change::Restored { account: self.terms.account, from_v }], Vec::new()));
        out.push(Effect::Tell(EventKind::Restored { since_v: from_v }));
    }

    /// The id of a row that the list shows at a cost of nothing was asked about.
    pub(super) fn asked(
        &mut self,
        now: Now,
        provider_id: &str,
        outcome: Fetched,
        answered: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(posted_v) = self.reconcile.asked_v(provider_id) else { return };
        let evidence = Evidence::Id { outcome: &outcome, listed_free: true };
        let sold = was_sold(evidence, self.beside(now, Some(posted_v)));
        self.reconcile.id_told(provider_id, sold);
        if sold != Some(false) {
            self.restore_if_needed(posted_v, out);
        }
        match outcome {
            Fetched::Throttled { retry_after } => self.throttled(now, retry_after, Limit::Calls, out),
            Fetched::Halt(refusal) => self.refused(now, &refusal, true, out),
            Fetched::Unreachable { why } if !answered => self.failed(now, why, None, out),
            Fetched::Answer { .. }
            | Fetched::Odd(_)
            | Fetched::Pending
            | Fetched::Failed { .. }
            | Fetched::Expired
            | Fetched::NotFound
            | Fetched::Wrong { .. }
            | Fetched::WaitingForMoney
            | Fetched::Stumbled { .. }
            | Fetched::Unreachable { .. } => {}
        }
    }

    /// Purchases were taken over into the ledger.
    pub(in crate::engine) fn recovered(
        &mut self,
        now: Now,
        TakenOver { batches, extras, extra_cost }: TakenOver,
        awaits_answer: bool,
        out: &mut Vec<Effect>,
    ) {
        // That it was bought again says that the earlier purchase failed. Until that is known here as well, nothing is
        // bought: its failure would let it be bought once more.
        if awaits_answer {
            self.reconcile.make_void("it shows a later purchase of a task whose earlier answer is still to come");
        }
        if let Some(restored) = &mut self.reconcile.restored {
            restored.recovered += batches.len() as u64;
        }
        for batch in batches.into_iter().filter(|batch| batch.uncollected > 0) {
            self.progress.bought += batch.uncollected;
            self.collect.expect(batch, now.mono, true);
        }
        if extras > 0 {
            self.unmatched = (self.unmatched.0 + extras, self.unmatched.1.saturating_add(extra_cost));
            out.push(Effect::Tell(EventKind::WithoutTask { purchases: extras, cost: extra_cost }));
        }
        self.dispatch.start_over();
    }
}
