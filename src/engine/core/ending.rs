//! When a session is over, and how it ended.

use super::{Core, Step};
use crate::engine::dispatch::StoppedPrice;
use crate::engine::reconcile::Restored;
use crate::engine::replies::refused::MOST_FAILURES;
use crate::engine::vocabulary::{Effect, End};
use crate::event::Progress;
use crate::rule::Rule;

impl Core {
    /// Nothing is under way, and nothing more can happen in this session.
    pub(super) fn may_finish(&self, provider_now: i64, out: &[Effect]) -> bool {
        let busy = out.iter().any(|effect| !matches!(effect, Effect::Tell(_) | Effect::Wake(_)));
        if busy || self.in_flight > 0 || self.dispatch.in_flight() > 0 {
            return false;
        }
        // What is in doubt stands in the ledger, and is the next session's.
        if self.stopping || self.is_cut_off() {
            return true;
        }
        // Without the provider's clock nothing that is in doubt is closed, and no scan is made.
        let may_clear = self.reconcile.may_clear(provider_now) && !self.is_undated();
        let hopeless = !self.reconcile.is_clear() && !may_clear;
        let bought = self.dispatch.is_done() || (self.reconcile.restored.is_some() && hopeless);
        let halted = self.dispatch.halted.is_some();
        self.hello == Step::Done
            && (self.balance == Step::Done || self.terms.keep_balance.is_none() || halted)
            && bought
            && self.collect.is_done()
            && self.costs.is_done()
            && (self.reconcile.is_clear() || hopeless)
    }

    /// The provider cannot be reached, and this session no longer tries.
    fn is_cut_off(&self) -> bool {
        let unreachable = self.hello != Step::Done || self.failures > MOST_FAILURES;
        unreachable && self.dispatch.halted.is_some()
    }

    /// The list is to be read for costs that were booked provisionally: when nothing else is left to do, and once a day;
    /// also where the account buys nothing, since the list is free.
    pub(super) fn seeks_costs(&mut self, provider_now: i64, at_end: bool) -> bool {
        let can = self.terms.lists && self.clock.is_known() && !self.stopping && !self.is_cut_off();
        can && Rule::ListSettles.is_kept() && self.costs.is_due(provider_now, at_end)
    }

    /// The end of a session that is told to stop at once: what is in flight will be in doubt at the next.
    pub(in crate::engine) fn cut_short(&mut self) -> End {
        self.stopping = true;
        let sending = self.dispatch.sending();
        End { in_doubt: self.reconcile.attempts() + sending, ..self.end() }
    }

    pub(super) fn how_it_stands(&self) -> Progress {
        Progress {
            waiting: self.collect.waiting() + self.reconcile.awaited_attempts(),
            in_doubt: self.reconcile.attempts(),
            in_flight: self.in_flight,
            given_up: self.dispatch.passed_over(),
            buying: !self.stopping && !self.dispatch.is_done(),
            ..self.progress
        }
    }

    pub(super) fn end(&self) -> End {
        let (priced_out, given_up) = self.dispatch.left();
        let stopped = self.dispatch.stopped_prices();
        let each = stopped.iter().map(|StoppedPrice { key, list, found, is_charged }| {
            let who = if *is_charged { "the provider charges" } else { "the provider's own price list names" };
            format!("{who} {found} for one of {key}, and {list} was expected")
        });
        let each = each.collect::<Vec<_>>().join("; ");
        let price = (priced_out > 0 && !each.is_empty()).then(|| {
            format!(
                "{priced_out} tasks are not bought: {each}; write its price under [[accounts.{}.prices]], or allow more with \
                 max_price_drift",
                self.terms.name
            )
        });
        let restored = self.reconcile.restored.as_ref().map_or(0, |_| 1);
        let in_no_list = |restored: &&Restored| !self.terms.lists || restored.is_beyond_reach;
        let unchecked = self.reconcile.restored.as_ref().filter(in_no_list).map(|_| {
            let name = &self.terms.name;
            let (why, record) = if self.terms.lists {
                ("the provider's list no longer goes back to the copy", "the provider's bill")
            } else {
                ("route `aisa` has no list of what was bought meanwhile", "the gateway's own record")
            };
            format!(
                "this ledger was restored, copied or rebuilt, and {why}: nothing is bought for account {name} before a \
                 person has looked at {record} and said `bursar resolve --restored {name} --reason TEXT`"
            )
        });
        End {
            refused: self
                .dispatch
                .halted
                .clone()
                .or(unchecked)
                .or(price)
                .or(self.dispatch.bodies_out())
                .or(self.dispatch.alike_out())
                .or(self.dispatch.shut_out())
                .or(self.dispatch.odd_out()),
            in_doubt: self.reconcile.attempts().max(restored),
            unlisted: !self.terms.lists,
            undated: self.is_undated(),
            stopped: self.stopping,
            no_answer: self.no_answer(self.told_at),
            cuts: self.dispatch.cuts(),
            given_up,
            corrected: self.corrected,
            late: self.collect.late() + self.reconcile.awaited_attempts(),
            waiting: self.collect.waiting() + self.reconcile.awaited_attempts(),
            unmatched: self.unmatched,
            watch_missed: self.reconcile.watch_is_missed(),
            progress: self.how_it_stands(),
        }
    }
}
