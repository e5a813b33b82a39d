//! What is in doubt: batches with an unknown outcome, and their attempts.

use std::collections::BTreeSet;

use rusqlite::named_params;

use super::ToBuy;
use super::ToCollect;
use super::UnknownBatch;
use super::columns::{forms, named, only};
use super::to_buy::TO_BUY;
use super::to_collect::open_cost;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, BatchId};
use crate::price::NamedIn;

impl Ledger {
    /// The batches of an account with an unknown outcome.
    pub(super) fn unknown_batches(&self, account: AccountId) -> Result<Vec<UnknownBatch>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, run, engine, function, sent_v, closed_v, unresolved, held_nano, method
             FROM batch INDEXED BY batch_unresolved WHERE account = :account AND unresolved > 0 ORDER BY id",
        )?;
        let rows = statement.query_map(named_params! { ":account": account }, |row| {
            Ok(UnknownBatch {
                batch: row.get("id")?,
                run: row.get("run")?,
                engine: named(row, "engine")?,
                function: named(row, "function")?,
                sent_v: row.get("sent_v")?,
                closed_v: row.get("closed_v")?,
                attempts: row.get("unresolved")?,
                held: row.get("held_nano")?,
                method: named(row, "method")?,
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
    pub(super) fn unresolved(&self, batch: BatchId) -> Result<Vec<AttemptId>, LedgerError> {
        self.unresolved_where(batch, "true")
    }

    fn unresolved_where(&self, batch: BatchId, that: &str) -> Result<Vec<AttemptId>, LedgerError> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT attempt.id FROM batch JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.id = :batch AND attempt.state = 0 AND {that}"
        ))?;
        let rows = statement.query_map(named_params! { ":batch": batch }, only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What an attempt in doubt was to buy, and how to ask for its answer under the id that the provider gave it.
    pub(super) fn in_doubt(&self, attempt: AttemptId, provider_id: &str) -> Result<(ToBuy, ToCollect), LedgerError> {
        Ok(self
            .db
            .prepare_cached(&format!(
                "SELECT {TO_BUY}, attempt.batch, batch.engine, batch.function, run.results,
                        batch.run, attempt.held_nano
                 FROM attempt JOIN task ON task.id = attempt.task JOIN batch ON batch.id = attempt.batch
                 JOIN run ON run.id = batch.run WHERE attempt.id = :attempt"
            ))?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                let (task, function) = (ToBuy::from_row(row)?, named(row, "function")?);
                let collect = ToCollect {
                    attempt,
                    batch: row.get("batch")?,
                    provider_id: provider_id.to_owned(),
                    engine: named(row, "engine")?,
                    function,
                    kinds: forms(row, "results", function)?,
                    is_here: false,
                    run: row.get("run")?,
                    target: task.target,
                    held: row.get("held_nano")?,
                    open_cost: open_cost(function, None, None, (None, NamedIn::Answer)),
                    price: None,
                };
                Ok((task, collect))
            })?)
    }
}
