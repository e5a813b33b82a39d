//! Odd answers: how many a run has, and whether the latest of a price class are odd in the same way.

use rusqlite::named_params;

use super::columns::{maybe_named, named, only};
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, RunId, TaskId};
use crate::oddity::Oddity;
use crate::product::ResultKind;

impl Ledger {
    /// Odd answers of a run, by what is odd about them. An answer of two forms counts once for each oddity.
    pub(super) fn oddities(&self, run: RunId) -> Result<Vec<(Oddity, u64)>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT answer.oddity, count(DISTINCT answer.attempt) AS answers
             FROM answer INDEXED BY answer_odd CROSS JOIN attempt ON attempt.id = answer.attempt
             CROSS JOIN task ON task.id = attempt.task
             WHERE answer.oddity IS NOT NULL AND task.run = :run GROUP BY answer.oddity ORDER BY answer.oddity",
        )?;
        let rows = statement
            .query_map(named_params! { ":run": run }, |row| Ok((named(row, "oddity")?, row.get("answers")?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is odd about the last `most` answers that an account has in one form of tasks that are bought as this one is:
    /// the same engine, function, model, method and priority. Nothing where they are not all odd in the same way.
    pub(super) fn odd_of_late(
        &self,
        account: AccountId,
        like: TaskId,
        most: u32,
    ) -> Result<Option<Oddity>, LedgerError> {
        let is_any: bool = self
            .db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM answer INDEXED BY answer_odd WHERE oddity IS NOT NULL)")?
            .query_row([], only)?;
        if !is_any {
            return Ok(None);
        }
        // The oddity stands behind the body: it is read from the index.
        let mut statement = self.db.prepare_cached(
            "SELECT odd.oddity
             FROM (SELECT answer.id, answer.attempt FROM answer
                   CROSS JOIN attempt ON attempt.id = answer.attempt CROSS JOIN batch ON batch.id = attempt.batch
                   CROSS JOIN task ON task.id = attempt.task CROSS JOIN target ON target.id = task.target
                   WHERE answer.kind = :kind AND batch.account = :account
                     AND (task.service, target.engine, target.function, target.model) =
                         (SELECT it.service, its.engine, its.function, its.model FROM task AS it
                          JOIN target AS its ON its.id = it.target WHERE it.id = :like)
                   ORDER BY answer.id DESC LIMIT :most) AS late
             LEFT JOIN answer AS odd INDEXED BY answer_odd
                 ON odd.attempt = late.attempt AND odd.oddity IS NOT NULL AND odd.id = late.id",
        )?;
        for kind in ResultKind::ALL {
            let rows = statement.query_map(
                named_params! { ":account": account, ":like": like, ":kind": kind.name(), ":most": most },
                |row| maybe_named(row, "oddity"),
            )?;
            let late: Vec<Option<Oddity>> = rows.collect::<Result<_, _>>()?;
            let first = late.first().copied().flatten();
            if late.len() == most as usize && first.is_some() && late.iter().all(|oddity| *oddity == first) {
                return Ok(first);
            }
        }
        Ok(None)
    }
}
