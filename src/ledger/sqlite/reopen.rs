//! Failed tasks that are tried again: because a person says so, or because the job allows more paid failures than
//! before.

use rusqlite::{TransactionBehavior, named_params};

use super::FailedTask;
use super::columns::task_state;
use super::{Ledger, LedgerError};
use crate::ids::RunId;
use crate::task::{Reason, TaskState, Transition};

impl Ledger {
    /// Plans again those of a run's failed tasks that are meant and still asked; how many of them cost nothing, and how many
    /// were paid for.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub fn reopen(
        &mut self,
        run: RunId,
        at: i64,
        is_meant: impl Fn(&FailedTask) -> bool,
    ) -> Result<(u64, u64), LedgerError> {
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut meant = Vec::new();
        {
            let mut statement = write.prepare_cached(
                "SELECT task.id, task.state, task.reason, attempt.code, coalesce(attempt.number, 0) AS attempts
                 FROM task LEFT JOIN attempt ON attempt.id = task.attempt
                 WHERE task.run = :run AND task.state = 4 AND task.asked = 1",
            )?;
            let mut rows = statement.query(named_params! { ":run": run })?;
            while let Some(row) = rows.next()? {
                let state = task_state(row.get("state")?, row.get("reason")?)?;
                let TaskState::Failed(reason) = state else { continue };
                let failed = FailedTask { reason, code: row.get("code")?, attempts: row.get("attempts")? };
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
