//! Tasks read from the plan, with their prices and the headroom of the caps.

use std::sync::Arc;

use super::{EngineError, Executor, KnownPriceClass};
use crate::engine::dispatch::{HeadroomFor, KnownPrice, MOST_ODD, Pulled};
use crate::engine::vocabulary::Input;
use crate::ids::{MarketId, RunId};
use crate::ledger::{Books, LedgerError, Lookups, ToBuy};
use crate::market::Market;
use crate::plan::Headroom;
use crate::price::price_key;
use crate::product::{Function, Method};

impl Executor {
    /// The next tasks of a run's plan.
    pub(super) fn pull(
        &mut self,
        ledger: &mut dyn Books,
        run: RunId,
        after: i64,
        most: usize,
        window: (i64, i64),
    ) -> Result<Input, EngineError> {
        if self.prices.follow(window.0) {
            self.price_classes.clear();
        }
        let next = ledger.next_to_buy(run, after, most)?;
        let whole = next.len() < most;
        let mut tasks = Vec::with_capacity(next.len());
        let mut prices = Vec::new();
        for task in next {
            let pulled = self.priced(ledger, task)?;
            if self.known_prices.insert(pulled.price.clone()) {
                let (key, seen) = (pulled.price.clone(), ledger.price_seen(self.terms.account, &pulled.price)?);
                let odd = ledger.odd_of_late(self.terms.account, task.task, MOST_ODD)?;
                let price_class = self.price_class(ledger, &task)?;
                prices.push(KnownPrice {
                    key,
                    price_class: price_class.price_class,
                    list: price_class.list,
                    fee: price_class.fee,
                    seen,
                    odd,
                });
            }
            tasks.push(pulled);
        }
        Ok(Input::Pulled { run, tasks, prices, whole, headrooms: self.headrooms(ledger, window)? })
    }

    /// A task with its endpoint and price.
    pub(super) fn priced(&mut self, ledger: &dyn Lookups, task: ToBuy) -> Result<Pulled, EngineError> {
        let market = self.market(ledger, task.market)?;
        let price_class = self.price_class(ledger, &task)?;
        Ok(Pulled {
            task,
            market,
            engine: price_class.engine,
            function: price_class.price_class.0,
            price: price_class.key.clone(),
            worst_case: price_class.worst_case,
            max_seen: price_class.max_seen,
        })
    }

    fn market(&mut self, ledger: &dyn Lookups, market: MarketId) -> Result<Arc<Market>, LedgerError> {
        if let Some(known) = self.markets.get(&market) {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(ledger.market(market)?);
        self.markets.insert(market, Arc::clone(&found));
        Ok(found)
    }

    /// What tasks of this kind are and cost, looked up once a day.
    fn price_class(&mut self, ledger: &dyn Lookups, task: &ToBuy) -> Result<&KnownPriceClass, EngineError> {
        let key = (task.target, task.set, task.method, task.priority);
        if !self.price_classes.contains_key(&key) {
            let target = ledger.target(task.target)?.bought_by(task.method, task.priority);
            let unknown = || EngineError::UnknownProduct(task.target);
            let price = self.prices.expected(&target, ledger.asked(task.set)?).ok_or_else(unknown)?;
            // What a model charges Live is another sum each time: only the fee is the same.
            let by_model = target.function == Function::LlmResponses && target.method == Method::Live;
            let known = KnownPriceClass {
                engine: target.engine,
                price_class: (target.function, target.method, target.priority),
                key: price_key(&target),
                list: if by_model { price.fee } else { price.amount },
                fee: price.fee,
                worst_case: price.worst_case,
                max_seen: ledger.target_cost(self.terms.account, task.target, task.method)?.map(|seen| seen.most),
            };
            self.price_classes.insert(key, known);
        }
        self.price_classes.get(&key).ok_or(EngineError::UnknownProduct(task.target))
    }

    /// What the ceilings leave to each run, at their tightest.
    pub(super) fn headrooms(
        &self,
        ledger: &mut dyn Books,
        (from_v, to_v): (i64, i64),
    ) -> Result<Vec<HeadroomFor>, LedgerError> {
        let tightest = |headrooms: Vec<Headroom>| headrooms.into_iter().min_by_key(|headroom| headroom.left);
        let each = self.terms.runs.iter().map(|terms| {
            let (own, shared) = ledger.headrooms(terms.run, from_v, to_v)?;
            Ok(HeadroomFor { run: terms.run, own: tightest(own), shared: tightest(shared) })
        });
        each.collect()
    }
}
