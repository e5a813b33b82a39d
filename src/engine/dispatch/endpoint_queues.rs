//! The endpoint queues of a run: tasks on their way from the plan into batches, one queue for each endpoint.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::prices::alike;
use super::{Dispatch, EndpointQueue, KnownPrice, MOST_PULLED, PULL, PriceState, Shut, Want};
use crate::ids::{RunId, TaskId};
use crate::ledger::ToBuy;
use crate::market::Market;
use crate::money::Money;
use crate::plan::Headroom;
use crate::product::{Engine, Function, Method, Product};
use crate::rule::Rule;

/// A task with its endpoint and price, as it is pulled from the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The task.
    pub task: ToBuy,
    /// Its market.
    pub market: Arc<Market>,
    /// Its endpoint's engine.
    pub engine: Engine,
    /// Its endpoint's function.
    pub function: Function,
    /// Its price.
    pub price: String,
    /// The most that it may cost, by our list.
    pub worst_case: Money,
    /// The most that a task of its target came to in the end, where that was settled later.
    pub max_seen: Option<Money>,
}

impl Pulled {
    fn endpoint_queue(&self) -> EndpointQueue {
        (self.engine, self.function, self.task.method)
    }
}

impl Dispatch {
    /// A run that wants more tasks pulled, and from where.
    pub(in crate::engine) fn next_pull(&mut self) -> Option<(RunId, i64)> {
        if self.halted.is_some() {
            return None;
        }
        self.try_refused();
        let waiting: Vec<usize> = (0..self.queues.len()).map(|queue| self.waiting_for(queue)).collect();
        let queue = self.queues.iter_mut().zip(waiting).find(|(queue, waiting)| {
            let ready: usize = queue.endpoint_queues.values().map(VecDeque::len).sum();
            !queue.pulling && !queue.exhausted && queue.cut.is_none() && ready < PULL && ready + waiting < MOST_PULLED
        })?;
        queue.0.pulling = true;
        Some((queue.0.terms.run, queue.0.cursor))
    }

    /// Tasks were pulled; fewer than asked for means that there are no more.
    pub(in crate::engine) fn pulled(
        &mut self,
        run: RunId,
        tasks: Vec<Pulled>,
        prices: Vec<KnownPrice>,
        whole: bool,
    ) -> Option<Headroom> {
        for known in prices {
            if !self.prices.iter().any(|price| price.key == known.key) {
                let seen = self.last_charge(&known.key, known.seen);
                self.oddities.remember(&known.key, known.odd);
                self.prices.push(PriceState {
                    key: known.key,
                    list: known.list,
                    fee: known.fee,
                    charged: seen.map(|seen| alike(known.price_class, known.list, seen.0)),
                    charged_v: seen.map_or(i64::MIN, |seen| seen.1),
                    price_class: known.price_class,
                    listed: self.account_price(known.price_class),
                    listed_told: false,
                    canaries_out: 0,
                    canaries_in_doubt: 0,
                    waiting: BTreeMap::new(),
                });
            }
        }
        let at = self.queue_of(run)?;
        self.queues[at].pulling = false;
        if std::mem::take(&mut self.queues[at].pulled_in_vain) {
            return None;
        }
        self.queues[at].exhausted = whole;
        for pulled in tasks {
            if let Some(shut) = self.shut.get_mut(&pulled.endpoint_queue()) {
                shut.left += 1;
                self.queues[at].cursor = pulled.task.position;
                continue;
            }
            if self.oddities.leaves(&pulled.price, pulled.task.task) {
                self.queues[at].cursor = pulled.task.position;
                continue;
            }
            let Some(price) = self.prices.iter().position(|price| price.key == pulled.price) else { continue };
            if self.alike.leaves(run, &pulled, price) || self.bodies.leaves(&pulled) {
                self.queues[at].cursor = pulled.task.position;
                continue;
            }
            let stopped = self.stopped(at, price) || self.goes_beyond(at, &pulled);
            if stopped || self.queues[at].tried_out(pulled.task.task) {
                self.queues[at].priced_out += u64::from(stopped);
                self.queues[at].cursor = pulled.task.position;
                continue;
            }
            let worst_case = self.worst_case(price, &pulled);
            let allocated = self.fund(at, worst_case);
            if let Err(cap) = allocated {
                if Rule::CutNeverSkips.is_kept() {
                    self.queues[at].exhausted = false;
                    return Some(cap);
                }
                continue;
            }
            self.queues[at].cursor = pulled.task.position;
            let want = Want {
                task: pulled.task,
                engine: pulled.engine,
                function: pulled.function,
                price,
                allocated: worst_case,
            };
            self.enqueue(at, want, false);
        }
        None
    }

    pub(super) fn enqueue(&mut self, queue: usize, want: Want, first: bool) {
        let price = &mut self.prices[want.price];
        if price.charged.is_none() && Rule::Canary.is_kept() {
            price.waiting.entry(queue).or_default().push_back(want);
            return;
        }
        let endpoint_queue = self.queues[queue].endpoint_queues.entry(want.endpoint_queue()).or_default();
        if first { endpoint_queue.push_front(want) } else { endpoint_queue.push_back(want) }
    }

    /// Nothing more is bought in an endpoint queue; true where that is news. What waits in it goes back into the plan, and its money
    /// to others.
    pub(in crate::engine) fn shut(&mut self, endpoint_queue: EndpointQueue, why: String) -> bool {
        if self.shut.contains_key(&endpoint_queue) {
            return false;
        }
        self.shut.insert(endpoint_queue, Shut { why, left: 0 });
        self.start_over();
        true
    }

    /// What is not bought for that, in words.
    pub(in crate::engine) fn shut_out(&self) -> Option<String> {
        let each = self.shut.iter().filter(|(_, shut)| shut.left > 0).map(|((engine, function, method), shut)| {
            let other = match method {
                Method::Standard => Method::Live,
                Method::Live => Method::Standard,
            };
            let sold = Product::find(*engine, *function, other).is_some();
            let by_it = if sold && !self.shut.contains_key(&(*engine, *function, other)) {
                format!("by method = \"{other}\", or ")
            } else {
                String::new()
            };
            let Shut { why, left } = shut;
            let tasks = if *left == 1 { "1 task".to_owned() } else { format!("{left} tasks") };
            let are = if *left == 1 { "is" } else { "are" };
            format!(
                "{tasks} of {function}/{engine} {are} not bought: {why}; ask {by_it}with an account at the provider itself"
            )
        });
        let each: Vec<String> = each.collect();
        (!each.is_empty()).then(|| each.join("; "))
    }

    /// What was tried before and may be tried again by now.
    pub(in crate::engine) fn wake(&mut self, mono: Duration) {
        for at in 0..self.queues.len() {
            let mut due = Vec::new();
            while let Some(first) = self.queues[at].later.first_entry().filter(|first| first.key().0 <= mono) {
                due.push(first.remove());
            }
            for want in due.into_iter().rev() {
                self.enqueue(at, want, true);
            }
        }
    }

    /// When something tried before may be tried again.
    pub(in crate::engine) fn next_wake(&self) -> Option<Duration> {
        self.queues.iter().filter_map(|queue| queue.later.first_key_value()).map(|((when, _), _)| *when).min()
    }

    /// Tasks of a run that wait for a price to be proven.
    pub(super) fn waiting_for(&self, queue: usize) -> usize {
        self.prices.iter().filter_map(|price| price.waiting.get(&queue)).map(VecDeque::len).sum()
    }

    /// A task came back to the plan: it is tried again after a while, or left for the next session.
    pub(in crate::engine) fn again(&mut self, run: RunId, pulled: &Pulled, counts: bool, not_before: Duration) {
        let Some(at) = self.queue_of(run) else { return };
        let queue = &mut self.queues[at];
        if counts {
            *queue.tries.entry(pulled.task.task).or_insert(0) += 1;
        }
        if queue.tried_out(pulled.task.task) {
            // Left for the next session.
            return;
        }
        if pulled.task.position > queue.cursor {
            // It is pulled in its turn.
            queue.exhausted = false;
            return;
        }
        if let Some(shut) = self.shut.get_mut(&pulled.endpoint_queue()) {
            shut.left += 1;
            return;
        }
        if self.oddities.leaves(&pulled.price, pulled.task.task) {
            return;
        }
        let Some(price) = self.prices.iter().position(|price| price.key == pulled.price) else {
            // Nothing of its price was pulled in this session: it is, with what is known of the price.
            self.start_over();
            return;
        };
        if self.alike.leaves(run, pulled, price) || self.bodies.leaves(pulled) {
            return;
        }
        if self.stopped(at, price) || self.goes_beyond(at, pulled) {
            self.queues[at].priced_out += 1;
            return;
        }
        let worst_case = self.worst_case(price, pulled);
        let want =
            Want { task: pulled.task, engine: pulled.engine, function: pulled.function, price, allocated: worst_case };
        if self.fund(at, worst_case).is_ok() {
            self.queues[at].later.insert((not_before, want.task.position), want);
        } else {
            // Others behind it have the money: the plan is pulled again from its first task, in its order.
            self.start_over();
        }
    }

    /// A task came back that is not tried again in this session.
    pub(in crate::engine) fn leave(&mut self, run: RunId, task: TaskId) {
        if let Some(at) = self.queue_of(run) {
            self.queues[at].tries.insert(task, u32::MAX);
        }
    }
}
