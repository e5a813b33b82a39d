//! What the vendor took: for an attempt that was in doubt, at a price that may be news, or for nothing of ours.

use crate::clock::Now;
use crate::engine::collect::Endpoint;
use crate::engine::core::Core;
use crate::engine::dispatch::{ListedPrice, PriceNews};
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId, RunId};
use crate::ledger::{Change, Extra, OpenBatch};
use crate::money::Money;
use crate::rule::Rule;
use crate::vendor::Listed;

impl Core {
    /// An attempt in doubt is bought: it is charged, and its answer is waited for.
    #[expect(clippy::too_many_arguments, reason = "an attempt, its purchase, and where the consequences go")]
    pub(super) fn adopt(
        &mut self,
        now: Now,
        attempt: AttemptId,
        batch: BatchId,
        vendor_id: &str,
        cost: Money,
        posted_v: i64,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        let endpoint = self.reconcile.doubt(batch).map(|doubt| (doubt.facts.engine, doubt.facts.function));
        self.bought(now, attempt, (batch, endpoint), vendor_id, (cost, posted_v), changes, out);
        self.reconcile.settled(batch, attempt);
        self.dispatch.canary_settled(batch);
    }

    /// A purchase that a list has shown: charged, and its answer waited for.
    #[expect(clippy::too_many_arguments, reason = "an attempt, its purchase, and where the consequences go")]
    pub(super) fn bought(
        &mut self,
        now: Now,
        attempt: AttemptId,
        (batch, endpoint): (BatchId, Option<Endpoint>),
        vendor_id: &str,
        (cost, posted_v): (Money, i64),
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        changes.push(Change::Accepted { attempt, vendor_id: vendor_id.to_owned(), cost, posted_v, assumed: false });
        if let Some((engine, function)) = endpoint {
            let open = OpenBatch { batch, engine, function, posted_v, uncollected: 1, all_high: false };
            self.collect.expect(open, now.mono, true);
        }
        self.progress.bought += 1;
        self.progress.charged += cost;
        out.push(Effect::Tell(EventKind::Adopted { attempt, cost }));
    }

    /// What a charge says about the price it was made at.
    pub(super) fn price_charged(
        &mut self,
        key: String,
        cost: Money,
        at_v: i64,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        if let Some(news) = self.dispatch.charged(&key, cost) {
            changes.push(Change::PriceSeen { account: self.terms.account, price_key: key, cost, at_v });
            out.push(Effect::Tell(match news {
                PriceNews::Confirmed { key: price, cost } => EventKind::PriceConfirmed { price, cost },
                PriceNews::Differs { key: price, expected, charged, stopped } => {
                    EventKind::PriceDiffers { price, expected, charged, stopped }
                }
            }));
        }
    }

    /// What the vendor's own list says about the prices that are known by now.
    pub(in crate::engine) fn tell_listed(&mut self, out: &mut Vec<Effect>) {
        out.extend(self.dispatch.listed_news().into_iter().map(|news| {
            let ListedPrice { key: price, expected, listed, stopped } = news;
            Effect::Tell(EventKind::PriceListed { price, expected, listed, stopped })
        }));
    }

    /// True where the job lets a paid failure of this attempt be bought anew.
    pub(super) fn retries_paid(&self, run: RunId, number: u32) -> bool {
        let allowed = self.dispatch.terms(run).is_some_and(|terms| number <= terms.retry_paid_failures);
        allowed || !Rule::PaidFailureIsFinal.is_kept()
    }

    /// A purchase that belongs to no attempt, or to one that was charged already.
    #[expect(clippy::too_many_arguments, reason = "a row, its money, and where the consequences go")]
    pub(super) fn extra(
        &mut self,
        row: &Listed,
        attempt: Option<AttemptId>,
        cost: Money,
        posted_v: i64,
        why: &str,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        let (vendor_id, tag, why) = (row.id.clone(), row.tag.clone().unwrap_or_default(), why.to_owned());
        if !self.extras_told.insert(vendor_id.clone()) || !Rule::TwinsAreBooked.is_kept() {
            return;
        }
        out.push(Effect::Tell(EventKind::ExtraCharge { vendor_id: vendor_id.clone(), cost, why: why.clone() }));
        let extra = Extra { attempt, vendor_id, tag, cost, posted_v, why };
        changes.push(Change::Extra { account: self.terms.account, extra });
    }
}
