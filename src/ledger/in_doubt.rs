//! What is in doubt: batches with an unknown outcome, and their attempts.

use std::collections::BTreeSet;

use super::columns::{forms, named};
use super::to_buy::ToBuy;
use super::to_collect::{ToCollect, open_cost};
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, BatchId, RunId, TargetId};
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Engine, Function, Method};

/// A batch with an outcome that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBatch {
    /// Which.
    pub batch: BatchId,
    /// Whose.
    pub run: RunId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// By which method: of a Live task the answer is gone, whatever is found.
    pub method: Method,
    /// The provider cannot have seen it before.
    pub sent_v: i64,
    /// The connection was gone by then; not known until the provider's clock is seen again.
    pub closed_v: Option<i64>,
    /// How many attempts are unresolved.
    pub attempts: u64,
    /// What is held for them.
    pub held: Money,
    /// Those of them that `tasks_ready` has shown: they are bought.
    pub shown: BTreeSet<AttemptId>,
    /// When the scans of earlier sessions that count for it began, the earliest first.
    pub scans: Vec<i64>,
}

impl Ledger {
    /// The batches of an account with an unknown outcome.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn unknown_batches(&self, account: AccountId) -> Result<Vec<UnknownBatch>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, run, engine, function, sent_v, closed_v, unresolved, held_nano, method
             FROM batch INDEXED BY batch_unresolved WHERE account = ?1 AND unresolved > 0 ORDER BY id",
        )?;
        let rows = statement.query_map([account.0], |row| {
            Ok(UnknownBatch {
                batch: BatchId(row.get(0)?),
                run: RunId(row.get(1)?),
                engine: named(row, 2)?,
                function: named(row, 3)?,
                sent_v: row.get(4)?,
                closed_v: row.get(5)?,
                attempts: row.get(6)?,
                held: Money::from_nanos(row.get(7)?),
                method: named(row, 8)?,
                shown: BTreeSet::new(),
                scans: Vec::new(),
            })
        })?;
        let mut unknown_batches = rows.collect::<Result<Vec<_>, _>>()?;
        for batch in &mut unknown_batches {
            batch.shown = self.unresolved_where(batch.batch, "attempt.listed_done IS NOT NULL")?.into_iter().collect();
            batch.scans = self.scans_of(batch.batch)?;
        }
        Ok(unknown_batches)
    }

    /// The unresolved attempts of a batch.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn unresolved(&self, batch: BatchId) -> Result<Vec<AttemptId>, LedgerError> {
        self.unresolved_where(batch, "true")
    }

    fn unresolved_where(&self, batch: BatchId, that: &str) -> Result<Vec<AttemptId>, LedgerError> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT attempt.id FROM batch JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.id = ?1 AND attempt.state = 0 AND {that}"
        ))?;
        let rows = statement.query_map([batch.0], |row| row.get(0).map(AttemptId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What an attempt in doubt was to buy, and how to ask for its answer under the id that the provider gave it.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn in_doubt(&self, attempt: AttemptId, provider_id: &str) -> Result<(ToBuy, ToCollect), LedgerError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT task.id, task.position, task.target, task.service, task.attempt, attempt.number, task.prompt_set,
                        task.market, attempt.batch, batch.engine, batch.function, run.results, batch.run, attempt.held_nano
                 FROM attempt JOIN task ON task.id = attempt.task JOIN batch ON batch.id = attempt.batch
                 JOIN run ON run.id = batch.run WHERE attempt.id = ?1",
            )?
            .query_row([attempt.0], |row| {
                let function = named(row, 10)?;
                let collect = ToCollect {
                    attempt,
                    batch: BatchId(row.get(8)?),
                    provider_id: provider_id.to_owned(),
                    engine: named(row, 9)?,
                    function,
                    kinds: forms(row, 11, function)?,
                    is_here: false,
                    number: row.get(5)?,
                    run: RunId(row.get(12)?),
                    target: TargetId(row.get(2)?),
                    held: Money::from_nanos(row.get(13)?),
                    open_cost: open_cost(function, None, None, (None, NamedIn::Answer)),
                    price: None,
                };
                Ok((ToBuy::from_row(row, 0)?, collect))
            })?)
    }
}
