//! Tasks read from the plan, with their prices and with what the ceilings leave.

use super::{Desk, EngineError};
use crate::engine::dispatch::{KnownPrice, Pulled, RoomFor};
use crate::engine::vocabulary::Input;
use crate::ids::RunId;
use crate::job::Target;
use crate::ledger::{Ledger, LedgerError, TargetFacts, ToBuy};
use crate::offer::{Method, Priority};
use crate::plan::Room;
use crate::price::price_key;

impl Desk {
    /// The next tasks of a run's plan.
    pub(super) fn pull(
        &mut self,
        ledger: &mut Ledger,
        run: RunId,
        after: i64,
        most: usize,
        window: (i64, i64),
    ) -> Result<Input, EngineError> {
        let next = ledger.next_to_buy(run, after, most)?;
        let whole = next.len() < most;
        let mut tasks = Vec::with_capacity(next.len());
        let mut prices = Vec::new();
        for task in next {
            let (pulled, target) = self.priced(ledger, task)?;
            if self.known_prices.insert(pulled.price.clone()) {
                let list = self.prices.expected(&target).ok_or(EngineError::UnknownOffer(task.target))?.amount;
                let seen = ledger.price_seen(self.terms.account, &pulled.price)?;
                let ware = (target.function, target.method, target.priority);
                prices.push(KnownPrice { key: pulled.price.clone(), ware, list, seen });
            }
            tasks.push(pulled);
        }
        Ok(Input::Pulled { run, after, tasks, prices, whole, rooms: self.rooms(ledger, window)? })
    }

    /// A task with its endpoint and price.
    pub(super) fn priced(&mut self, ledger: &Ledger, task: ToBuy) -> Result<(Pulled, Target), EngineError> {
        let facts = if let Some(facts) = self.targets.get(&task.target) {
            facts.clone()
        } else {
            let facts = ledger.target(task.target)?;
            self.targets.insert(task.target, facts.clone());
            facts
        };
        let target = as_target(&facts, task.method, task.priority);
        let pulled = Pulled { task, engine: facts.engine, function: facts.function, price: price_key(&target) };
        Ok((pulled, target))
    }

    /// What the ceilings leave to each run, at their tightest.
    pub(super) fn rooms(&self, ledger: &mut Ledger, (from_v, to_v): (i64, i64)) -> Result<Vec<RoomFor>, LedgerError> {
        let tightest = |rooms: Vec<Room>| rooms.into_iter().min_by_key(|room| room.left);
        let each = self.terms.runs.iter().map(|terms| {
            let (own, shared) = ledger.rooms(terms.run, from_v, to_v)?;
            Ok(RoomFor { run: terms.run, own: tightest(own), shared: tightest(shared) })
        });
        each.collect()
    }
}

fn as_target(facts: &TargetFacts, method: Method, priority: Priority) -> Target {
    Target {
        engine: facts.engine,
        function: facts.function,
        method,
        priority,
        model: facts.model.clone(),
        options: Vec::new(),
    }
}
