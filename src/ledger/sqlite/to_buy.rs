//! What is next in the plan, of what kind it is, and what it last cost.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::columns::{named, only, options};
use super::tasks::service_from;
use super::{Ledger, LedgerError};
use super::{TargetCost, TargetFacts, ToBuy};
use crate::ids::{AccountId, AttemptId, MarketId, RunId, SetId, TargetId, TaskId};
use crate::job::Asked;
use crate::market::Market;
use crate::price::Charge;
use crate::product::{Engine, Function, Method};

/// The columns of a [`ToBuy`], of `task` and the `attempt` that counts: the first of a query. They are read by their order,
/// since there are many such rows, and to look a column up by its name costs more than to read it.
pub(super) const TO_BUY: &str = "task.id, task.position, task.target, task.service, task.attempt, attempt.number,
     task.prompt_set, task.market,
     CASE WHEN attempt.state = 3 AND attempt.code IS NOT NULL
          THEN (SELECT attempts FROM batch WHERE batch.id = attempt.batch) END AS refused_with";

impl ToBuy {
    /// Reads [`TO_BUY`].
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        type Columns = (TaskId, i64, TargetId, i64, Option<AttemptId>, Option<u32>, SetId, MarketId, Option<u32>);
        let (task, position, target, service, previous, attempts, set, market, refused_with): Columns =
            row.try_into()?;
        let (method, priority) = service_from(service)?;
        let attempts = attempts.unwrap_or(0);
        Ok(Self { task, position, target, set, market, method, priority, previous, attempts, refused_with })
    }
}

impl TargetCost {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { tasks: row.get("tasks")?, total: row.get("total_nano")?, most: row.get("max_nano")? })
    }
}

impl Ledger {
    /// The next tasks to buy of a run, after a place in its plan.
    pub(super) fn next_to_buy(&self, run: RunId, after: i64, most: usize) -> Result<Vec<ToBuy>, LedgerError> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT {TO_BUY} FROM task INDEXED BY task_to_buy LEFT JOIN attempt ON attempt.id = task.attempt
             WHERE task.run = :run AND task.state = 0 AND task.position > :after ORDER BY task.position LIMIT :most"
        ))?;
        let rows =
            statement.query_map(named_params! { ":run": run, ":after": after, ":most": most }, ToBuy::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where a run has something left to buy: engine, function and method.
    pub(super) fn wanted(&self, run: RunId) -> Result<BTreeSet<(Engine, Function, Method)>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT DISTINCT target.engine, target.function, task.service
             FROM task INDEXED BY task_to_buy JOIN target ON target.id = task.target
             WHERE task.run = :run AND task.state = 0",
        )?;
        let rows = statement.query_map(named_params! { ":run": run }, |row| {
            Ok((named(row, "engine")?, named(row, "function")?, service_from(row.get("service")?)?.0))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A market, with its names.
    pub(super) fn market(&self, market: MarketId) -> Result<Market, LedgerError> {
        let sql = "SELECT location_code, location_name, language_code, language_name FROM market WHERE id = :market";
        Ok(self.db.prepare_cached(sql)?.query_row(named_params! { ":market": market }, |row| {
            Ok(Market {
                location_code: row.get("location_code")?,
                location_name: row.get("location_name")?,
                language_code: row.get("language_code")?,
                language_name: row.get("language_name")?,
            })
        })?)
    }

    /// A target.
    pub(super) fn target(&self, target: TargetId) -> Result<TargetFacts, LedgerError> {
        let sql = "SELECT engine, function, model, options FROM target WHERE id = :target";
        Ok(self.db.prepare_cached(sql)?.query_row(named_params! { ":target": target }, |row| {
            let model: String = row.get("model")?;
            Ok(TargetFacts {
                engine: named(row, "engine")?,
                function: named(row, "function")?,
                model: Some(model).filter(|m| !m.is_empty()),
                options: options(row, "options")?,
            })
        })?)
    }

    /// What makes the tasks of a prompt set dearer than others of the same target.
    pub(super) fn asked(&self, set: SetId) -> Result<Asked, LedgerError> {
        let sql = "SELECT longest_prompt, ceiling_nano FROM prompt_set WHERE id = :prompt_set";
        Ok(self.db.query_row(sql, named_params! { ":prompt_set": set }, |row| {
            Ok(Asked { prompt_bytes: row.get("longest_prompt")?, ceiling: row.get("ceiling_nano")? })
        })?)
    }

    /// What one task of a kind was last charged, and when that was by the provider's clock.
    pub(super) fn price_seen(&self, account: AccountId, price_key: &str) -> Result<Option<Charge>, LedgerError> {
        price_seen(&self.db, account, price_key)
    }

    /// What finished tasks of a target came to, where that is only known with their answers.
    pub(super) fn target_cost(
        &self,
        account: AccountId,
        target: TargetId,
        method: Method,
    ) -> Result<Option<TargetCost>, LedgerError> {
        let sql = "SELECT tasks, total_nano, max_nano FROM target_cost WHERE account = :account AND target = :target
                    AND method = :method";
        let row = self.db.prepare_cached(sql)?.query_row(
            named_params! { ":account": account, ":target": target, ":method": method.name() },
            TargetCost::from_row,
        );
        Ok(row.optional()?)
    }

    /// What finished tasks of each model came to, by price key: whatever else they asked.
    pub(super) fn model_costs(&self, account: &str) -> Result<BTreeMap<String, TargetCost>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT target.function || '/' || target.engine || '/' || target_cost.method || '/normal/'
                        || target.model AS price_key,
                    sum(tasks) AS tasks, sum(total_nano) AS total_nano, max(max_nano) AS max_nano
             FROM target_cost JOIN target ON target.id = target_cost.target
             JOIN account ON account.id = target_cost.account WHERE account.name = :account GROUP BY 1",
        )?;
        let rows = statement.query_map(named_params! { ":account": account }, |row| {
            Ok((row.get("price_key")?, TargetCost::from_row(row)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The prices that an account was charged before.
    pub(super) fn prices_charged(&self, account: &str) -> Result<BTreeSet<String>, LedgerError> {
        let sql = "SELECT price_key FROM price_seen JOIN account ON account.id = price_seen.account
                    WHERE account.name = :account";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map(named_params! { ":account": account }, only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The functions that anything is asked by.
    pub(super) fn functions(&self) -> Result<BTreeSet<Function>, LedgerError> {
        let mut statement = self.db.prepare("SELECT DISTINCT function FROM target")?;
        let rows = statement.query_map([], |row| named(row, "function"))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The models that the latest run of each of an account's jobs asks.
    pub(super) fn models_asked(&self, account: AccountId) -> Result<BTreeSet<(Engine, String)>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT DISTINCT target.engine, target.model FROM task JOIN target ON target.id = task.target
             WHERE target.model <> '' AND task.asked = 1 AND task.run IN
                 (SELECT max(run.id) FROM run JOIN job ON job.id = run.job WHERE job.account = :account
                     GROUP BY run.job)",
        )?;
        let rows = statement
            .query_map(named_params! { ":account": account }, |row| Ok((named(row, "engine")?, row.get("model")?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn price_seen(read: &Connection, account: AccountId, key: &str) -> Result<Option<Charge>, LedgerError> {
    Ok(read
        .prepare_cached("SELECT nano_usd, seen_v FROM price_seen WHERE account = :account AND price_key = :price_key")?
        .query_row(named_params! { ":account": account, ":price_key": key }, |row| {
            Ok((row.get("nano_usd")?, row.get("seen_v")?))
        })
        .optional()?)
}
