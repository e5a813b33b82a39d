//! What is to be collected: batches with outstanding answers, and the missing forms of each answer.

use rusqlite::{OptionalExtension, named_params};

use super::columns::{forms, named, named_in, only, provider_id};
use super::tasks::service_from;
use super::{Ledger, LedgerError};
use super::{OpenBatch, OpenCost, ToCollect};
use crate::ids::{AccountId, AttemptId, BatchId};
use crate::money::Money;
use crate::price::{NamedIn, price_key};
use crate::product::{Function, ResultKind};

/// What stands for a cost that is known with the answer: what the provider named, or else what was assumed. With what was
/// last taken at once, and where the cost was named.
pub(super) fn open_cost(
    function: Function,
    named: Option<Money>,
    assumed: Option<Money>,
    (last, named_in): (Option<Money>, NamedIn),
) -> Option<OpenCost> {
    match function {
        Function::LlmScraper => None,
        Function::LlmResponses => {
            Some(OpenCost { booked: named.or(assumed).unwrap_or_default(), named, named_in, last })
        }
    }
}

impl Ledger {
    /// The batches of an account that have answers to come, oldest first.
    pub(super) fn open_batches(&self, account: AccountId) -> Result<Vec<OpenBatch>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, engine, function, coalesce(posted_v, sent_v) AS posted_v, uncollected,
                    NOT EXISTS (SELECT 1 FROM attempt JOIN task ON task.id = attempt.task
                                WHERE attempt.id BETWEEN first_attempt AND first_attempt + attempts - 1
                                AND task.service = 0) AS all_high
             FROM batch INDEXED BY batch_uncollected WHERE account = :account AND uncollected > 0 ORDER BY id",
        )?;
        let rows = statement.query_map(named_params! { ":account": account }, |row| {
            Ok(OpenBatch {
                batch: row.get("id")?,
                engine: named(row, "engine")?,
                function: named(row, "function")?,
                posted_v: row.get("posted_v")?,
                uncollected: row.get("uncollected")?,
                all_high: row.get("all_high")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The answers of a batch that are still to come.
    pub(super) fn uncollected(&self, batch: BatchId) -> Result<Vec<ToCollect>, LedgerError> {
        let ids: Vec<i64> = self
            .db
            .prepare_cached(
                "SELECT attempt.id FROM batch JOIN attempt
                 ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
                 WHERE batch.id = :batch AND attempt.state = 1",
            )?
            .query_map(named_params! { ":batch": batch }, only)?
            .collect::<Result<_, _>>()?;
        let each = ids.into_iter().map(|attempt| self.to_collect(AttemptId(attempt)));
        each.filter_map(Result::transpose).collect()
    }

    /// What is to be fetched for an attempt; `None` where nothing is.
    pub(super) fn to_collect(&self, attempt: AttemptId) -> Result<Option<ToCollect>, LedgerError> {
        let found = self
            .db
            .prepare_cached(
                "SELECT attempt.provider_id, attempt.batch, batch.engine, batch.function, run.results,
                        batch.run, (SELECT group_concat(kind) FROM answer WHERE answer.attempt = attempt.id) AS here,
                        task.target, attempt.held_nano, attempt.posted_nano, attempt.settled_nano,
                        (SELECT nano_usd FROM price_seen WHERE price_seen.account = batch.account
                         AND price_key GLOB batch.function || '/*/standard/*' ORDER BY seen_v DESC LIMIT 1) AS last,
                        attempt.listed_done, task.service
                 FROM attempt JOIN batch ON batch.id = attempt.batch JOIN run ON run.id = batch.run
                 JOIN task ON task.id = attempt.task
                 WHERE attempt.id = :attempt AND attempt.state = 1",
            )?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                let have: Option<String> = row.get("here")?;
                let have = have.unwrap_or_default();
                let function = named(row, "function")?;
                let wanted = forms(row, "results", function)?;
                let missing = |kind: &ResultKind| !have.split(',').any(|had| had == kind.name());
                let service: i64 = row.get("service")?;
                let found = ToCollect {
                    attempt,
                    batch: row.get("batch")?,
                    provider_id: provider_id(row, "provider_id")?,
                    engine: named(row, "engine")?,
                    function,
                    kinds: wanted.into_iter().filter(missing).collect(),
                    is_here: !have.is_empty(),
                    run: row.get("run")?,
                    target: row.get("target")?,
                    held: row.get("held_nano")?,
                    open_cost: open_cost(
                        function,
                        row.get("posted_nano")?,
                        row.get("settled_nano")?,
                        (row.get("last")?, named_in(row.get("listed_done")?)),
                    ),
                    price: None,
                };
                Ok((found, service))
            })
            .optional()?;
        let Some((mut found, service)) = found else { return Ok(None) };
        let (method, priority) = service_from(service)?;
        found.price = Some(price_key(&self.target(found.target)?.bought_by(method, priority)));
        // Fewer forms are asked for than when it was bought, and all of them are here: the last is fetched once more.
        if found.kinds.is_empty() {
            found.kinds.push(ResultKind::Advanced);
        }
        Ok(Some(found))
    }
}
