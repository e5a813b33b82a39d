//! Prices: from the price list, from the last charge, from the provider's own list; and the canaries that prove a
//! price that was never charged.

use std::collections::VecDeque;

use super::{Dispatch, EndpointQueue, InFlight, Pulled};
use crate::ids::{BatchId, TargetId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::price::{Charge, is_later};
use crate::product::{Function, Method};
use crate::provider::{PriceClass, UserData};
use crate::rule::Rule;

/// A price stays unproven while its single tasks are in doubt; so many may be.
const MOST_CANARIES_IN_DOUBT: u32 = 5;

/// A price as it is known when its first task is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPrice {
    /// Function, engine, method, priority and model.
    pub key: String,
    /// What the provider's own list calls it.
    pub price_class: PriceClass,
    /// What each purchase takes alike, by our list: all that is taken, or of a model's Live task the fee alone.
    pub list: Money,
    /// What the provider's own list should name: all that is taken, or the fee in it.
    pub fee: Money,
    /// What this ledger was last charged, and when that was bought by the provider's clock.
    pub seen: Option<Charge>,
    /// The latest answers of this price class are odd in the same way.
    pub odd: Option<Oddity>,
}

/// What a charge says about its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum PriceNews {
    /// It was charged for the first time, as expected.
    Confirmed { key: String, cost: Money },
    /// Another figure than expected.
    Differs { key: String, expected: Money, charged: Money, stopped: bool },
    /// Nothing of this price was pulled in this session so far: what is expected of it is not known.
    Unpulled { cost: Money },
}

/// A price that the provider's own list names above ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct ListedPrice {
    pub(in crate::engine) key: String,
    /// By our list.
    pub(in crate::engine) expected: Money,
    /// By the provider's.
    pub(in crate::engine) listed: Money,
    /// A job does not allow it.
    pub(in crate::engine) stopped: bool,
}

/// A price that is above what a job allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct StoppedPrice {
    pub(in crate::engine) key: String,
    /// By our list.
    pub(in crate::engine) list: Money,
    /// What it has come to.
    pub(in crate::engine) found: Money,
    /// It was charged; else it is only named.
    pub(in crate::engine) is_charged: bool,
}

/// A target whose tasks came to more than was held for them.
#[derive(Clone, Debug)]
pub(super) struct Beyond {
    /// The price of such a task.
    key: String,
    /// What was held.
    held: Money,
    /// The most that one came to.
    most: Money,
}

/// What a charge says about its price: of a model's Live task, which charges another sum each time, that it is the list's.
/// Whether the sum was more than was held is another question (`Dispatch::settled`).
pub(super) fn alike(price_class: PriceClass, list: Money, cost: Money) -> Money {
    match price_class {
        (Function::LlmResponses, Method::Live, _) => list,
        _ => cost,
    }
}

impl PriceNews {
    /// What is to be remembered as charged.
    pub(in crate::engine) fn charged(&self) -> Money {
        match self {
            Self::Confirmed { cost: charged, .. }
            | Self::Differs { charged, .. }
            | Self::Unpulled { cost: charged } => *charged,
        }
    }
}

impl Dispatch {
    /// The most that a task may cost in the end, as far as is known.
    pub(super) fn worst_case(&self, price: usize, pulled: &Pulled) -> Money {
        let beyond = self.beyond.get(&(pulled.task.target, pulled.task.method)).map_or(Money::ZERO, |seen| seen.most);
        pulled.worst_case.saturating_add(self.prices[price].beyond()).max(beyond)
    }

    /// True where tasks like this one came to more than would be held for it, and the job does not allow that.
    pub(super) fn goes_beyond(&mut self, queue: usize, pulled: &Pulled) -> bool {
        let target = (pulled.task.target, pulled.task.method);
        if let Some(most) = pulled.max_seen.filter(|most| *most > pulled.worst_case) {
            self.settled(target, &pulled.price, pulled.worst_case, most);
        }
        let drift = self.queues[queue].terms.drift;
        let over = |seen: &Beyond| seen.most > pulled.worst_case && !drift.allows(pulled.worst_case, seen.most);
        Rule::DriftStops.is_kept() && self.beyond.get(&target).is_some_and(over)
    }

    /// A task was settled, for which so much had been held. Where that was too little, nothing more is bought of its
    /// target at that hold: `true`, once for each new height.
    pub(in crate::engine) fn settled(
        &mut self,
        target: (TargetId, Method),
        key: &str,
        held: Money,
        cost: Money,
    ) -> bool {
        if cost <= held || self.beyond.get(&target).is_some_and(|seen| seen.most >= cost) {
            return false;
        }
        self.beyond.insert(target, Beyond { key: key.to_owned(), held, most: cost });
        true
    }

    /// True where the job does not allow what the price has come to, by a charge or by the provider's own list.
    pub(super) fn stopped(&self, queue: usize, price: usize) -> bool {
        let (price, drift) = (&self.prices[price], self.queues[queue].terms.drift);
        let found = [(price.list, price.charged), (price.fee, price.listed)];
        let mut found = found.into_iter().filter_map(|(known, found)| Some((known, found?)));
        Rule::DriftStops.is_kept() && found.any(|(known, found)| !drift.allows(known, found))
    }

    /// The account was asked: what it names counts for every price, known by now or later. What it does not name is no
    /// news, and proven by a single task as ever.
    pub(in crate::engine) fn account_told(&mut self, account: UserData) {
        let mut dearer = false;
        for price in &mut self.prices {
            let before = price.worst_case();
            price.listed = account.price(price.price_class);
            dearer |= price.worst_case() > before;
        }
        self.account = Some(account);
        // What waits was given money at the old price.
        if dearer {
            self.start_over();
        }
    }

    /// What the provider's own list names for a price class, where the account was asked for it.
    pub(in crate::engine) fn account_price(&self, price_class: PriceClass) -> Option<Money> {
        self.account.as_ref().and_then(|account| account.price(price_class))
    }

    /// Prices that the provider's own list names above ours, each once, unless that was charged and allowed before.
    pub(in crate::engine) fn listed_news(&mut self) -> Vec<ListedPrice> {
        let mut news = Vec::new();
        for at in 0..self.prices.len() {
            let stopped = (0..self.queues.len()).any(|queue| self.stopped(queue, at));
            let price = &mut self.prices[at];
            let Some(listed) = price.listed.filter(|listed| *listed > price.fee && !price.listed_told) else {
                continue;
            };
            price.listed_told = true;
            if stopped || price.charged != Some(listed) {
                let (key, expected) = (price.key.clone(), price.fee);
                news.push(ListedPrice { key, expected, listed, stopped });
            }
        }
        news
    }

    /// A price that one task is to prove next.
    pub(super) fn canary(&self) -> Option<usize> {
        self.prices.iter().position(|price| {
            price.charged.is_none()
                && price.canaries_out == price.canaries_in_doubt
                && price.canaries_in_doubt < MOST_CANARIES_IN_DOUBT
                && self.has_headroom(price.price_class.1)
                && price.waiting.values().any(|waiting| !waiting.is_empty())
        })
    }

    /// A single task is on its way whose charge will let others join this endpoint queue.
    pub(super) fn canary_may_fill(&self, queue: usize, endpoint_queue: EndpointQueue) -> bool {
        self.prices.iter().any(|price| {
            price.canaries_out > price.canaries_in_doubt
                // Tasks of one price are of one endpoint queue.
                && price.waiting.get(&queue).and_then(VecDeque::front).is_some_and(|want| want.endpoint_queue() == endpoint_queue)
        })
    }

    /// What became of a batch that was to prove a price.
    pub(in crate::engine) fn canary_ended(&mut self, batch: BatchId, flight: &InFlight, in_doubt: bool) {
        if let Some(at) = flight.canary {
            let price = &mut self.prices[at];
            if in_doubt {
                price.canaries_in_doubt += 1;
                self.unknown_canaries.insert(batch, at);
            } else {
                price.canaries_out -= 1;
            }
        }
    }

    /// A batch in doubt is settled: if it was to prove a price, another may.
    pub(in crate::engine) fn canary_settled(&mut self, batch: BatchId) {
        if let Some(at) = self.unknown_canaries.remove(&batch) {
            self.prices[at].canaries_in_doubt -= 1;
            self.prices[at].canaries_out -= 1;
        }
    }

    /// A task was charged, found in the answer or in a list: what that says about its price.
    pub(in crate::engine) fn charged(&mut self, key: &str, cost: Money, at_v: i64) -> Option<PriceNews> {
        let Some(at) = self.prices.iter().position(|price| price.key == key) else {
            return self.charged_unpulled(key, (cost, at_v));
        };
        let price = &mut self.prices[at];
        if price.charged.is_some_and(|charged| !is_later((cost, at_v), (charged, price.charged_v))) {
            return None;
        }
        price.charged_v = price.charged_v.max(at_v);
        let cost = alike(price.price_class, price.list, cost);
        let expected = self.prices[at].worst_case();
        let first = self.prices[at].charged.is_none();
        let known = self.prices[at].charged == Some(cost);
        if known {
            return None;
        }
        self.prices[at].charged = Some(cost);
        if first {
            let waiting = std::mem::take(&mut self.prices[at].waiting);
            for (queue, waiting) in waiting {
                for want in waiting {
                    self.enqueue(queue, want, false);
                }
            }
            if cost == self.prices[at].list {
                return Some(PriceNews::Confirmed { key: key.to_owned(), cost });
            }
        }
        // What waits was given money at the old price.
        if cost > expected {
            self.start_over();
        }
        let stopped = (0..self.queues.len()).any(|queue| self.stopped(queue, at));
        Some(PriceNews::Differs { key: key.to_owned(), expected: self.prices[at].list, charged: cost, stopped })
    }

    /// A charge at a price of which nothing was pulled yet: it is kept for when something is.
    fn charged_unpulled(&mut self, key: &str, charge: Charge) -> Option<PriceNews> {
        if self.unpulled.get(key).is_some_and(|known| !is_later(charge, *known)) {
            return None;
        }
        self.unpulled.insert(key.to_owned(), charge);
        Some(PriceNews::Unpulled { cost: charge.0 })
    }

    /// The first task of a price is pulled: what it was last charged, by the ledger or in this session.
    pub(super) fn last_charge(&mut self, key: &str, seen: Option<Charge>) -> Option<Charge> {
        let found = self.unpulled.remove(key);
        match (seen, found) {
            (Some(seen), Some(found)) if !is_later(found, seen) => Some(seen),
            (seen, found) => found.or(seen),
        }
    }

    /// The price of a task in flight.
    pub(in crate::engine) fn price_of(&self, flight: &InFlight, at: usize) -> String {
        self.prices[flight.wants[at].price].key.clone()
    }

    /// Prices above what the job allows.
    pub(in crate::engine) fn stopped_prices(&self) -> Vec<StoppedPrice> {
        let stopped = |at: &usize| (0..self.queues.len()).any(|queue| self.stopped(queue, *at));
        let figures = |at: usize| {
            let price = &self.prices[at];
            let is_charged = price.charged.is_some_and(|charged| charged.less(price.list) == price.beyond());
            let list = if is_charged { price.list } else { price.fee };
            let found = list.saturating_add(price.beyond());
            StoppedPrice { key: price.key.clone(), list, found, is_charged }
        };
        let priced = (0..self.prices.len()).filter(stopped).map(figures);
        let beyond = self
            .beyond
            .values()
            .filter(|seen| self.queues.iter().any(|queue| !queue.terms.drift.allows(seen.held, seen.most)));
        let beyond = beyond.map(|seen| StoppedPrice {
            key: seen.key.clone(),
            list: seen.held,
            found: seen.most,
            is_charged: true,
        });
        priced.chain(beyond).collect()
    }
}
