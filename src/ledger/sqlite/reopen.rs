//! Failed tasks that are tried again: because a person says so, or because the job allows more paid failures than
//! before.

use rusqlite::{Connection, TransactionBehavior, named_params};

use super::FailedTask;
use super::columns::{only, task_state};
use super::{Ledger, LedgerError};
use crate::ids::RunId;
use crate::task::{Reason, TaskState, Transition};

impl Ledger {
    /// Plans again those of a run's failed tasks that are meant and still asked; how many of them cost nothing, and how many
    /// were paid for.
    pub(super) fn reopen(
        &mut self,
        run: RunId,
        at: i64,
        is_meant: impl Fn(&FailedTask) -> bool,
    ) -> Result<(u64, u64), LedgerError> {
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut meant = Vec::new();
        {
            let mut statement = write.prepare_cached(
                "SELECT task.id, task.state, task.reason, attempt.code, task.attempt
                 FROM task LEFT JOIN attempt ON attempt.id = task.attempt
                 WHERE task.run = :run AND task.state = 4 AND task.asked = 1",
            )?;
            let mut rows = statement.query(named_params! { ":run": run })?;
            while let Some(row) = rows.next()? {
                let state = task_state(row.get("state")?, row.get("reason")?)?;
                let TaskState::Failed(reason) = state else { continue };
                let latest: Option<i64> = row.get("attempt")?;
                let paid = latest.map_or(Ok(0), |latest| paid_failures(&write, latest))?;
                let failed = FailedTask { reason, code: row.get("code")?, paid };
                if is_meant(&failed) {
                    state.next(Transition::Reopen)?;
                    meant.push((row.get::<_, i64>("id")?, reason));
                }
            }
        }
        for (task, _) in &meant {
            write
                .prepare_cached("UPDATE task SET state = 0, reason = NULL WHERE id = :task AND state = 4")?
                .execute(named_params! { ":task": task })?;
        }
        let free = meant.iter().filter(|(_, reason)| *reason == Reason::Refused).count() as u64;
        let paid = meant.len() as u64 - free;
        if !meant.is_empty() {
            let what = format!("tried again: {free} tasks that were refused at no cost, {paid} that were paid for");
            write.execute(
                "INSERT INTO change (run, at, what) VALUES (:run, :at, :what)",
                named_params! { ":run": run, ":at": at, ":what": what },
            )?;
        }
        write.commit()?;
        Ok((free, paid))
    }
}

/// How many purchases of a task were paid for and gave no answer, up to this attempt. Those that cost nothing do not count.
pub(super) fn paid_failures(read: &Connection, latest: i64) -> Result<u32, LedgerError> {
    let sql = "WITH RECURSIVE past (id, state, previous) AS (
                   SELECT id, state, previous FROM attempt WHERE id = :latest
                   UNION ALL
                   SELECT attempt.id, attempt.state, attempt.previous FROM past JOIN attempt ON attempt.id = past.previous)
               SELECT count(*) FROM past WHERE state IN (5, 6)";
    Ok(read.prepare_cached(sql)?.query_row(named_params! { ":latest": latest }, only)?)
}
