//! What is to be collected: batches with outstanding answers, and the missing forms of each answer.

use rusqlite::{OptionalExtension, named_params};

use super::columns::{forms, named, named_in, only, provider_id};
use super::tasks::service_from;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, BatchId, RunId, TargetId};
use crate::money::Money;
use crate::price::{NamedIn, price_key};
use crate::product::{Engine, Function, ResultKind};

/// A batch with answers still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// Which.
    pub batch: BatchId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// When it was bought, by the provider's clock.
    pub posted_v: i64,
    /// How many answers are to come.
    pub uncollected: u64,
    /// Some of its tasks are at high priority and none at normal.
    pub all_high: bool,
}

/// An answer to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToCollect {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Its batch.
    pub batch: BatchId,
    /// The provider's id.
    pub provider_id: String,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// The forms that are not here yet, in the order in which they are fetched.
    pub kinds: Vec<ResultKind>,
    /// Another form of it is here.
    pub is_here: bool,
    /// The attempt's number, from 1.
    pub number: u32,
    /// Whose.
    pub run: RunId,
    /// What is asked of whom.
    pub target: TargetId,
    /// What is held for it.
    pub held: Money,
    /// What stands for its cost until its answer says it.
    pub open_cost: Option<OpenCost>,
    /// The price class that it was bought in.
    pub price: Option<String>,
}

/// The cost of a task that is settled with its answer, until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenCost {
    /// What is in the books.
    pub booked: Money,
    /// What the provider said that it took, where it did.
    pub named: Option<Money>,
    /// Where it said so.
    pub named_in: NamedIn,
    /// What it last took at once for a task of this function, where that was seen.
    pub last: Option<Money>,
}

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
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn open_batches(&self, account: AccountId) -> Result<Vec<OpenBatch>, LedgerError> {
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
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn uncollected(&self, batch: BatchId) -> Result<Vec<ToCollect>, LedgerError> {
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
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn to_collect(&self, attempt: AttemptId) -> Result<Option<ToCollect>, LedgerError> {
        let found = self
            .db
            .prepare_cached(
                "SELECT attempt.provider_id, attempt.batch, batch.engine, batch.function, run.results, attempt.number,
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
                    number: row.get("number")?,
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
