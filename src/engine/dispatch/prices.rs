//! Prices: by the list, by what was last charged, by the vendor's own list, and the single tasks that prove those never
//! charged.

use std::collections::VecDeque;

use super::{Dispatch, InFlight};
use crate::ids::BatchId;
use crate::money::Money;
use crate::offer::{Engine, Function, Method, Priority};
use crate::rule::Rule;
use crate::vendor::UserData;

/// A price stays unproven while its single tasks are in doubt; so many may be.
const MOST_CANARIES_IN_DOUBT: u32 = 5;

/// A price as it is known when its first task is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPrice {
    /// Function, engine, method, priority and model.
    pub key: String,
    /// What the vendor's own list calls it.
    pub ware: (Function, Method, Priority),
    /// By the list.
    pub list: Money,
    /// What this ledger was last charged.
    pub seen: Option<Money>,
}

/// What a charge says about its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum PriceNews {
    /// It was charged for the first time, as expected.
    Confirmed { key: String, cost: Money },
    /// Another figure than expected.
    Differs { key: String, expected: Money, charged: Money, stopped: bool },
}

/// A price that the vendor's own list names above ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct ListedPrice {
    pub(in crate::engine) key: String,
    /// By our list.
    pub(in crate::engine) expected: Money,
    /// By the vendor's.
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

impl Dispatch {
    /// True where the job does not allow what the price has come to, by a charge or by the vendor's own list.
    pub(super) fn stopped(&self, desk: usize, price: usize) -> bool {
        let (price, drift) = (&self.prices[price], self.desks[desk].terms.drift);
        let mut found = [price.charged, price.listed].into_iter().flatten();
        Rule::DriftStops.is_kept() && found.any(|found| !drift.allows(price.list, found))
    }

    /// The account was asked: what it names counts for every price, known by now or later. What it does not name is no
    /// news, and proven by a single task as ever.
    pub(in crate::engine) fn account_told(&mut self, account: UserData) {
        let mut dearer = false;
        for price in &mut self.prices {
            let (function, method, priority) = price.ware;
            let before = price.worst();
            price.listed = account.price(function, method, priority);
            dearer |= price.worst() > before;
        }
        self.account = Some(account);
        // What waits was given money at the old price.
        if dearer {
            self.start_over();
        }
    }

    /// Prices that the vendor's own list names above ours, each once, unless that was charged and allowed before.
    pub(in crate::engine) fn listed_news(&mut self) -> Vec<ListedPrice> {
        let mut news = Vec::new();
        for at in 0..self.prices.len() {
            let stopped = (0..self.desks.len()).any(|desk| self.stopped(desk, at));
            let price = &mut self.prices[at];
            let Some(listed) = price.listed.filter(|listed| *listed > price.list && !price.listed_told) else {
                continue;
            };
            price.listed_told = true;
            if stopped || price.charged != Some(listed) {
                let (key, expected) = (price.key.clone(), price.list);
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
                && price.waiting.values().any(|waiting| !waiting.is_empty())
        })
    }

    /// A single task is on its way whose charge will let others join this lane.
    pub(super) fn canary_may_fill(&self, desk: usize, endpoint: (Engine, Function)) -> bool {
        self.prices.iter().any(|price| {
            price.canaries_out > price.canaries_in_doubt
                // Tasks of one price are of one endpoint.
                && price.waiting.get(&desk).and_then(VecDeque::front).is_some_and(|want| (want.engine, want.function) == endpoint)
        })
    }

    /// What became of a batch that was to prove a price.
    pub(in crate::engine) fn canary_ended(&mut self, batch: BatchId, flight: &InFlight, in_doubt: bool) {
        if let Some(at) = flight.canary {
            let price = &mut self.prices[at];
            if in_doubt {
                price.canaries_in_doubt += 1;
                self.doubtful_canaries.insert(batch, at);
            } else {
                price.canaries_out -= 1;
            }
        }
    }

    /// A batch in doubt is settled: if it was to prove a price, another may.
    pub(in crate::engine) fn canary_settled(&mut self, batch: BatchId) {
        if let Some(at) = self.doubtful_canaries.remove(&batch) {
            self.prices[at].canaries_in_doubt -= 1;
            self.prices[at].canaries_out -= 1;
        }
    }

    /// A task was charged, found in the answer or in a list: what that says about its price.
    pub(in crate::engine) fn charged(&mut self, key: &str, cost: Money) -> Option<PriceNews> {
        let at = self.prices.iter().position(|price| price.key == key)?;
        let expected = self.prices[at].worst();
        let first = self.prices[at].charged.is_none();
        let known = self.prices[at].charged == Some(cost);
        if known {
            return None;
        }
        self.prices[at].charged = Some(cost);
        if first {
            let waiting = std::mem::take(&mut self.prices[at].waiting);
            for (desk, waiting) in waiting {
                for want in waiting {
                    self.queue(desk, want, false);
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
        let stopped = (0..self.desks.len()).any(|desk| self.stopped(desk, at));
        Some(PriceNews::Differs { key: key.to_owned(), expected: self.prices[at].list, charged: cost, stopped })
    }

    /// The price of a task in flight.
    pub(in crate::engine) fn price_of(&self, flight: &InFlight, at: usize) -> String {
        self.prices[flight.wants[at].price].key.clone()
    }

    /// Prices above what the job allows.
    pub(in crate::engine) fn stopped_prices(&self) -> Vec<StoppedPrice> {
        let stopped = |at: &usize| (0..self.desks.len()).any(|desk| self.stopped(desk, *at));
        let figures = |at: usize| {
            let price = &self.prices[at];
            let found = price.worst();
            StoppedPrice { key: price.key.clone(), list: price.list, found, is_charged: price.charged == Some(found) }
        };
        (0..self.prices.len()).filter(stopped).map(figures).collect()
    }
}
