//! A purchase that a person called bought and that has appeared: its id, its cost and its answer.

use super::consequences::{Consequences, Purchase};
use crate::clock::Now;
use crate::engine::collect::Confirm;
use crate::engine::core::Core;
use crate::engine::vocabulary::{Effect, SeenRow, Source};
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Change;
use crate::money::Money;
use crate::provider::codes::look_up;

/// The provider no longer has the answer.
const EXPIRED: u32 = 40_403;

impl Core {
    /// A row shows it. With a cost it is booked at that; without one it is what was held until a list names it, and a row of
    /// the list is believed only once its id tells that it was accepted. `true` where it was booked.
    pub(super) fn awaited_came(
        &mut self,
        now: Now,
        seen: &SeenRow,
        (attempt, batch, held): (AttemptId, BatchId, Money),
        source: Source,
        posted_v: i64,
        then: &mut Consequences,
    ) -> bool {
        match seen.row.cost.filter(|cost| !cost.is_zero()) {
            Some(cost) => {
                let named_in = Some(seen.named_in());
                let purchase = Purchase { provider_id: &seen.row.id, cost, posted_v, named_in };
                self.word_is_kept(now, (attempt, batch, held), purchase, then)
            }
            None if matches!(source, Source::List(..)) => {
                if let Some(what) = seen.collect.clone().filter(|_| !seen.row.is_live()) {
                    let confirm = Confirm { charge: held, posted_v, is_free: seen.row.cost.is_some() };
                    self.collect.confirm(what, confirm, self.clock.not_before(now));
                }
                false
            }
            None => {
                let purchase = Purchase { provider_id: &seen.row.id, cost: held, posted_v, named_in: None };
                let booked = self.word_is_kept(now, (attempt, batch, held), purchase, then);
                if booked {
                    // The list names the cost.
                    self.reconcile.suspect(&seen.row.id, posted_v, now.mono);
                }
                booked
            }
        }
    }

    /// It is a purchase like any other now: its real cost takes the place of its hold, and its answer is collected.
    pub(super) fn word_is_kept(
        &mut self,
        now: Now,
        (attempt, batch, held): (AttemptId, BatchId, Money),
        purchase: Purchase<'_>,
        then: &mut Consequences,
    ) -> bool {
        let Some((endpoint, method)) = self.reconcile.awaited(batch, attempt) else { return false };
        let Purchase { cost, named_in, .. } = purchase;
        self.bought(now, attempt, (batch, Some(endpoint), method), purchase, then);
        // Its hold was charged when the person said so.
        self.progress.charged -= held;
        if cost != held && named_in.is_some() {
            then.tell(EventKind::CostCorrected { attempt, assumed: held, listed: cost, subject: None });
        }
        self.reconcile.awaited_no_more(batch, attempt);
        true
    }

    /// What has not come as long as the provider keeps answers was paid for nothing.
    pub(in crate::engine) fn give_up_awaited(&mut self, provider_now: i64, out: &mut Vec<Effect>) {
        let over = self.reconcile.never_came(provider_now);
        if over.is_empty() {
            return;
        }
        let mut changes = Vec::with_capacity(over.len());
        for (batch, attempt) in over {
            self.reconcile.awaited_no_more(batch, attempt);
            changes.push(Change::NeverCame { attempt });
            self.progress.failed += 1;
            let message = look_up(EXPIRED).meaning.to_owned();
            let failed = EventKind::TaskFailed { attempt, code: EXPIRED, message, paid: true, subject: None };
            out.push(Effect::Tell(failed));
        }
        out.push(Effect::Commit(changes, Vec::new()));
    }
}
