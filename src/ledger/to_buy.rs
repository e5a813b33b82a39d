//! What is next in the plan, of what kind it is, and what it last cost.

use rusqlite::{OptionalExtension, Row};

use super::columns::named;
use super::tasks::service_from;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, RunId, TargetId, TaskId};
use crate::money::Money;
use crate::offer::{Engine, Function, Method, Priority};

/// A task that is next in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToBuy {
    /// Which.
    pub task: TaskId,
    /// Its place in the plan.
    pub position: i64,
    /// What is asked of whom.
    pub target: TargetId,
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
        let (method, priority) = service_from(row.get(at + 3)?);
        Ok(Self {
            task: TaskId(row.get(at)?),
            position: row.get(at + 1)?,
            target: TargetId(row.get(at + 2)?),
            method,
            priority,
            previous: row.get::<_, Option<i64>>(at + 4)?.map(AttemptId),
            attempts: row.get::<_, Option<u32>>(at + 5)?.unwrap_or(0),
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
}

impl Ledger {
    /// The next tasks to buy of a run, after a place in its plan.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn next_to_buy(&self, run: RunId, after: i64, most: usize) -> Result<Vec<ToBuy>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT task.id, task.position, task.target, task.service, task.attempt, attempt.number
             FROM task INDEXED BY task_to_buy LEFT JOIN attempt ON attempt.id = task.attempt
             WHERE task.run = ?1 AND task.state = 0 AND task.position > ?2 ORDER BY task.position LIMIT ?3",
        )?;
        let rows = statement.query_map((run.0, after, most), |row| ToBuy::from_row(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A target.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn target(&self, target: TargetId) -> Result<TargetFacts, LedgerError> {
        Ok(self.db.query_row("SELECT engine, function, model FROM target WHERE id = ?1", [target.0], |row| {
            let model: String = row.get(2)?;
            Ok(TargetFacts {
                engine: named(row, 0)?,
                function: named(row, 1)?,
                model: Some(model).filter(|m| !m.is_empty()),
            })
        })?)
    }

    /// What one task of a kind was last charged.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn price_seen(&self, account: AccountId, price_key: &str) -> Result<Option<Money>, LedgerError> {
        Ok(self
            .db
            .prepare_cached("SELECT nano_usd FROM price_seen WHERE account = ?1 AND price_key = ?2")?
            .query_row((account.0, price_key), |row| row.get(0).map(Money::from_nanos))
            .optional()?)
    }
}
