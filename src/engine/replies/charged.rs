//! What the provider charged: for an unknown outcome, at a price that may be news, or for nothing of ours.

use super::consequences::{Consequences, Outcome, Purchase};
use crate::clock::Now;
use crate::engine::collect::Endpoint;
use crate::engine::core::Core;
use crate::engine::dispatch::{ListedPrice, PriceNews};
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId, RunId, TargetId};
use crate::ledger::{Change, OpenBatch, UnmatchedCharge};
use crate::money::Money;
use crate::product::{Function, Method};
use crate::provider::Listed;
use crate::rule::Rule;

impl Core {
    /// The one place where an unknown outcome ends: it is bought, so that it is charged and its answer is waited for; or it
    /// surely was not, so that its money is free and its task is planned again.
    pub(super) fn settle(
        &mut self,
        now: Now,
        (batch, attempt): (BatchId, AttemptId),
        outcome: Outcome<'_>,
        then: &mut Consequences,
    ) {
        match outcome {
            Outcome::Bought(purchase) => {
                let unknown = self.reconcile.unknown(batch).map(|unknown| &unknown.facts);
                let endpoint = unknown.map(|facts| (facts.engine, facts.function));
                let method = unknown.map_or(Method::Standard, |facts| facts.method);
                self.bought(now, attempt, (batch, endpoint, method), purchase, then);
            }
            Outcome::NotBought => then.write(Change::NotBought { attempt }),
        }
        self.reconcile.settled(batch, attempt);
        self.dispatch.canary_settled(batch);
    }

    /// A purchase that was shown: charged with what it cost, or what it is assumed to, and its answer waited for.
    pub(super) fn bought(
        &mut self,
        now: Now,
        attempt: AttemptId,
        (batch, endpoint, method): (BatchId, Option<Endpoint>, Method),
        purchase: Purchase<'_>,
        then: &mut Consequences,
    ) {
        let Purchase { cost, posted_v, named_in, .. } = purchase;
        let provider_id = purchase.provider_id.to_owned();
        self.progress.charged += cost;
        if method == Method::Live {
            // Its answer went with the connection.
            then.write(Change::LostLive { attempt, provider_id, cost, posted_v });
            self.progress.failed += 1;
            then.tell(EventKind::LiveLost { attempt, cost, subject: None });
            return;
        }
        let open = endpoint.is_some_and(|(_, function)| function == Function::LlmResponses);
        then.write(Change::Accepted { attempt, provider_id, cost, posted_v, named_in, open });
        if let Some((engine, function)) = endpoint {
            let open = OpenBatch { batch, engine, function, posted_v, uncollected: 1, all_high: false };
            self.collect.expect(open, now.mono, true);
        }
        self.progress.bought += 1;
        then.tell(EventKind::Recovered { attempt, cost });
    }

    /// What a charge says about the price it was made at.
    pub(super) fn price_charged(&mut self, key: String, cost: Money, at_v: i64, then: &mut Consequences) {
        if let Some(news) = self.dispatch.charged(&key, cost, at_v) {
            let (account, cost) = (self.terms.account, news.charged());
            then.write(Change::PriceSeen { account, price_key: key, cost, at_v });
            match news {
                PriceNews::Confirmed { key: price, cost } => {
                    then.tell(EventKind::PriceConfirmed { price, cost });
                }
                PriceNews::Differs { key: price, expected, charged, stopped } => {
                    then.tell(EventKind::PriceDiffers { price, expected, charged, stopped });
                }
                PriceNews::Unpulled { .. } => {}
            }
        }
    }

    /// A task came to so much in the end; where that is more than was held for it, its target is bought no more at that
    /// hold.
    pub(super) fn settled_at(
        &mut self,
        target: (TargetId, Method),
        price: &str,
        held: Money,
        cost: Money,
        then: &mut Consequences,
    ) {
        if self.dispatch.settled(target, price, held, cost) {
            // What waits was given money at the old height.
            self.dispatch.start_over();
            then.tell(EventKind::CostBeyondHold { price: price.to_owned(), held, cost });
        }
    }

    /// What the provider's own list says about the prices that are known by now.
    pub(in crate::engine) fn tell_listed(&mut self, out: &mut Vec<Effect>) {
        out.extend(self.dispatch.listed_news().into_iter().map(|news| {
            let ListedPrice { key: price, expected, listed, stopped } = news;
            Effect::Tell(EventKind::PriceListed { price, expected, listed, stopped })
        }));
    }

    /// As long as a task has no more paid failures than this, its job lets it be bought anew.
    pub(super) fn paid_retries(&self, run: RunId) -> u32 {
        if !Rule::PaidFailureIsFinal.is_kept() {
            return u32::MAX;
        }
        self.dispatch.terms(run).map_or(0, |terms| terms.retry_paid_failures)
    }

    /// A purchase that belongs to no attempt, or to one that was charged already.
    pub(super) fn extra(
        &mut self,
        row: &Listed,
        attempt: Option<AttemptId>,
        cost: Money,
        posted_v: i64,
        why: &str,
        then: &mut Consequences,
    ) {
        let settles_later = row.function() == Some(Function::LlmResponses) && !row.is_live();
        let cost = if settles_later { crate::price::shown_taken(cost) } else { cost };
        // No answer of it is fetched, which would say what its model charged.
        let open = "; what its model charged in the end is said nowhere: compare it with the provider's bill";
        let why = format!("{why}{}", if settles_later { open } else { "" });
        let (provider_id, tag) = (row.id.clone(), row.tag.clone().unwrap_or_default());
        if !self.unmatched_told.insert(provider_id.clone()) || !Rule::DuplicatesAreBooked.is_kept() {
            return;
        }
        self.unmatched = (self.unmatched.0 + 1, self.unmatched.1.saturating_add(cost));
        then.tell(EventKind::UnmatchedCharge { provider_id: provider_id.clone(), cost, why: why.clone() });
        let extra = UnmatchedCharge { attempt, provider_id, tag, cost, posted_v, why };
        then.write(Change::UnmatchedCharge { account: self.terms.account, extra });
    }
}
