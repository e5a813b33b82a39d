//! What is next in the plan, of what kind it is, and what it last cost.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::{named, options};
use super::tasks::service_from;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, MarketId, RunId, SetId, TargetId, TaskId};
use crate::job::{Asked, Target};
use crate::market::Market;
use crate::money::Money;
use crate::price::Charge;
use crate::product::{Engine, Function, Method, Priority};

/// A task that is next in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToBuy {
    /// Which.
    pub task: TaskId,
    /// Its place in the plan.
    pub position: i64,
    /// What is asked of whom.
    pub target: TargetId,
    /// The prompt set that pays.
    pub set: SetId,
    /// Where, and in which language.
    pub market: MarketId,
    /// By which method.
    pub method: Method,
    /// At which priority.
    pub priority: Priority,
    /// Its latest attempt.
    pub previous: Option<AttemptId>,
    /// How many attempts it has had.
    pub attempts: u32,
}

impl ToBuy {
    pub(super) fn from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let (method, priority) = service_from(row.get(at + 3)?)?;
        Ok(Self {
            task: TaskId(row.get(at)?),
            position: row.get(at + 1)?,
            target: TargetId(row.get(at + 2)?),
            method,
            priority,
            previous: row.get::<_, Option<i64>>(at + 4)?.map(AttemptId),
            attempts: row.get::<_, Option<u32>>(at + 5)?.unwrap_or(0),
            set: SetId(row.get(at + 6)?),
            market: MarketId(row.get(at + 7)?),
        })
    }
}

/// A target as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// Whose answers.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// Which model, where the function asks for one.
    pub model: Option<String>,
    /// The fields of the request, each with its value as JSON.
    pub options: Vec<(&'static str, String)>,
}

/// What finished tasks of a target came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetCost {
    /// How many.
    pub tasks: u64,
    /// All of them together.
    pub total: Money,
    /// The dearest.
    pub most: Money,
}

impl TargetCost {
    /// What the next is expected to cost.
    pub fn expected(&self) -> Money {
        Money::from_nanos(self.total.nanos() / i64::try_from(self.tasks).unwrap_or(i64::MAX).max(1))
    }
}

impl TargetFacts {
    /// The target as it is bought by a method, at a priority.
    pub fn bought_by(&self, method: Method, priority: Priority) -> Target {
        Target {
            engine: self.engine,
            function: self.function,
            method,
            priority,
            auto: false,
            model: self.model.clone(),
            options: self.options.clone(),
        }
    }
}

impl Ledger {
    /// The next tasks to buy of a run, after a place in its plan.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn next_to_buy(&self, run: RunId, after: i64, most: usize) -> Result<Vec<ToBuy>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT task.id, task.position, task.target, task.service, task.attempt, attempt.number, task.prompt_set,
                    task.market
             FROM task INDEXED BY task_to_buy LEFT JOIN attempt ON attempt.id = task.attempt
             WHERE task.run = ?1 AND task.state = 0 AND task.position > ?2 ORDER BY task.position LIMIT ?3",
        )?;
        let rows = statement.query_map((run.0, after, most), |row| ToBuy::from_row(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where a run has something left to buy: engine, function and method.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn wanted(&self, run: RunId) -> Result<BTreeSet<(Engine, Function, Method)>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT DISTINCT target.engine, target.function, task.service
             FROM task INDEXED BY task_to_buy JOIN target ON target.id = task.target
             WHERE task.run = ?1 AND task.state = 0",
        )?;
        let rows =
            statement.query_map([run.0], |row| Ok((named(row, 0)?, named(row, 1)?, service_from(row.get(2)?)?.0)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A market, with its names.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn market(&self, market: MarketId) -> Result<Market, LedgerError> {
        let sql = "SELECT location_code, location_name, language_code, language_name FROM market WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.query_row([market.0], |row| {
            Ok(Market {
                location_code: row.get(0)?,
                location_name: row.get(1)?,
                language_code: row.get(2)?,
                language_name: row.get(3)?,
            })
        })?)
    }

    /// A target.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn target(&self, target: TargetId) -> Result<TargetFacts, LedgerError> {
        Ok(self.db.query_row(
            "SELECT engine, function, model, options FROM target WHERE id = ?1",
            [target.0],
            |row| {
                let model: String = row.get(2)?;
                Ok(TargetFacts {
                    engine: named(row, 0)?,
                    function: named(row, 1)?,
                    model: Some(model).filter(|m| !m.is_empty()),
                    options: options(row, 3)?,
                })
            },
        )?)
    }

    /// What makes the tasks of a prompt set dearer than others of the same target.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn asked(&self, set: SetId) -> Result<Asked, LedgerError> {
        let sql = "SELECT longest_prompt, ceiling_nano FROM prompt_set WHERE id = ?1";
        Ok(self.db.query_row(sql, [set.0], |row| {
            Ok(Asked { prompt_bytes: row.get(0)?, ceiling: row.get::<_, Option<i64>>(1)?.map(Money::from_nanos) })
        })?)
    }

    /// What one task of a kind was last charged, and when that was by the provider's clock.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn price_seen(&self, account: AccountId, price_key: &str) -> Result<Option<Charge>, LedgerError> {
        price_seen(&self.db, account, price_key)
    }

    /// What finished tasks of a target came to, where that is only known with their answers.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn target_cost(
        &self,
        account: AccountId,
        target: TargetId,
        method: Method,
    ) -> Result<Option<TargetCost>, LedgerError> {
        let sql =
            "SELECT tasks, total_nano, max_nano FROM target_cost WHERE account = ?1 AND target = ?2 AND method = ?3";
        let row = self.db.prepare_cached(sql)?.query_row((account.0, target.0, method.name()), |row| {
            let money = |at| row.get(at).map(Money::from_nanos);
            Ok(TargetCost { tasks: row.get(0)?, total: money(1)?, most: money(2)? })
        });
        Ok(row.optional()?)
    }

    /// What finished tasks of each model came to, by price key: whatever else they asked.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn model_costs(&self, account: &str) -> Result<BTreeMap<String, TargetCost>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT target.function || '/' || target.engine || '/' || target_cost.method || '/normal/' || target.model,
                    sum(tasks), sum(total_nano), max(max_nano)
             FROM target_cost JOIN target ON target.id = target_cost.target
             JOIN account ON account.id = target_cost.account WHERE account.name = ?1 GROUP BY 1",
        )?;
        let rows = statement.query_map([account], |row| {
            let money = |at| row.get(at).map(Money::from_nanos);
            Ok((row.get(0)?, TargetCost { tasks: row.get(1)?, total: money(2)?, most: money(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The prices that an account was charged before.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn prices_charged(&self, account: &str) -> Result<BTreeSet<String>, LedgerError> {
        let sql =
            "SELECT price_key FROM price_seen JOIN account ON account.id = price_seen.account WHERE account.name = ?1";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([account], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The functions that anything is asked by.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn functions(&self) -> Result<BTreeSet<Function>, LedgerError> {
        let mut statement = self.db.prepare("SELECT DISTINCT function FROM target")?;
        let rows = statement.query_map([], |row| named(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The models that the latest run of each of an account's jobs asks.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn models_asked(&self, account: AccountId) -> Result<BTreeSet<(Engine, String)>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT DISTINCT target.engine, target.model FROM task JOIN target ON target.id = task.target
             WHERE target.model <> '' AND task.asked = 1 AND task.run IN
                 (SELECT max(run.id) FROM run JOIN job ON job.id = run.job WHERE job.account = :account GROUP BY run.job)",
        )?;
        let rows = statement.query_map(&[(":account", &account.0)], |row| Ok((named(row, 0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn price_seen(read: &Connection, account: AccountId, key: &str) -> Result<Option<Charge>, LedgerError> {
    Ok(read
        .prepare_cached("SELECT nano_usd, seen_v FROM price_seen WHERE account = ?1 AND price_key = ?2")?
        .query_row((account.0, key), |row| Ok((row.get(0).map(Money::from_nanos)?, row.get(1)?)))
        .optional()?)
}
