//! What people ask a ledger: the jobs, where the money of a run went, what a batch in doubt holds.
//!
//! It only reads, except for [`Ledger::complete`], and reads complete runs.

use rusqlite::{OptionalExtension, named_params};

use super::columns::{named, only};
use super::tasks::service_from;
use super::{FailedSum, JobRow, PlannedOf, SetSum, UnresolvedTask};
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, BatchId, RunId};
use crate::money::Money;
use crate::product::{ResultKind, Route};

impl Ledger {
    /// A job by its name.
    pub(super) fn job(&self, name: &str) -> Result<Option<JobRow>, LedgerError> {
        Ok(self
            .db
            .query_row(
                "SELECT job.name AS job, job.path, account.name AS account FROM job
                        JOIN account ON account.id = job.account
                 WHERE job.name = :job",
                named_params! { ":job": name },
                |row| Ok(JobRow { name: row.get("job")?, path: row.get("path")?, account: row.get("account")? }),
            )
            .optional()?)
    }

    /// The names of all jobs, by name.
    pub(super) fn job_names(&self) -> Result<Vec<String>, LedgerError> {
        let mut statement = self.db.prepare("SELECT name FROM job ORDER BY name")?;
        let rows = statement.query_map([], only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The account of a name, and its route.
    pub(super) fn account(&self, name: &str) -> Result<Option<(AccountId, Route)>, LedgerError> {
        Ok(self
            .db
            .query_row("SELECT id, route FROM account WHERE name = :name", named_params! { ":name": name }, |row| {
                Ok((row.get("id")?, named(row, "route")?))
            })
            .optional()?)
    }

    /// The names of all accounts.
    pub(super) fn account_names(&self) -> Result<Vec<String>, LedgerError> {
        let mut statement = self.db.prepare("SELECT name FROM account ORDER BY id")?;
        let rows = statement.query_map([], only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The account that a run buys from.
    pub(super) fn account_of(&self, run: RunId) -> Result<AccountId, LedgerError> {
        let sql = "SELECT job.account FROM run JOIN job ON job.id = run.job WHERE run.id = :run";
        Ok(self.db.query_row(sql, named_params! { ":run": run }, only)?)
    }

    /// How many purchases of an account belong to none of the ledger's tasks, and what they cost.
    pub(super) fn extra_charges(&self, account: AccountId) -> Result<(u64, Money), LedgerError> {
        let sql = "SELECT count(*) AS purchases, coalesce(sum(nano_usd), 0) AS paid FROM unmatched
                          WHERE account = :account";
        Ok(self.db.query_row(sql, named_params! { ":account": account }, |row| {
            Ok((row.get("purchases")?, row.get("paid")?))
        })?)
    }

    /// What failed of a run, by reason, with what was paid for it.
    pub(super) fn failures(&self, run: RunId) -> Result<Vec<FailedSum>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT task_reason.name, count(DISTINCT task.id) AS tasks,
                    coalesce(sum(coalesce(settled_nano, posted_nano, 0)), 0) AS paid
             FROM task JOIN task_reason ON task_reason.reason = task.reason
             LEFT JOIN attempt ON attempt.id = task.attempt
             WHERE task.run = :run AND task.state = 4 GROUP BY task.reason ORDER BY task.reason",
        )?;
        let rows = statement.query_map(named_params! { ":run": run }, |row| {
            Ok(FailedSum { reason: row.get("name")?, tasks: row.get("tasks")?, paid: row.get("paid")? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The prompt sets of a run, in the order of the job file, and what of each is not bought.
    pub(super) fn set_sums(&self, run: RunId) -> Result<Vec<SetSum>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT prompt_set.name, count(task.id) AS tasks, coalesce(sum(task.state = 0), 0) AS planned
             FROM prompt_set LEFT JOIN task
                 ON task.prompt_set = prompt_set.id AND NOT (task.state = 4 AND task.reason = 4)
             WHERE prompt_set.run = :run GROUP BY prompt_set.id ORDER BY prompt_set.id",
        )?;
        let rows = statement.query_map(named_params! { ":run": run }, |row| {
            Ok(SetSum { name: row.get("name")?, tasks: row.get("tasks")?, planned: row.get("planned")? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The tasks of a run that are not bought, by what they cost.
    pub(super) fn planned_of(&self, run: RunId) -> Result<Vec<PlannedOf>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT target, service, count(*) AS tasks, prompt_set FROM task INDEXED BY task_to_buy
             WHERE run = :run AND state = 0 GROUP BY target, service, prompt_set",
        )?;
        let rows = statement.query_map(named_params! { ":run": run }, |row| {
            let (method, priority) = service_from(row.get("service")?)?;
            Ok(PlannedOf {
                target: row.get("target")?,
                method,
                priority,
                tasks: row.get("tasks")?,
                set: row.get("prompt_set")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the last answers of this form take on average, compressed; nothing where fewer than `enough` are stored.
    pub(super) fn bytes_of_answers(&self, form: ResultKind, enough: u64) -> Result<Option<u64>, LedgerError> {
        // The length of a body is told without reading it.
        let sql = "SELECT count(*) AS answers, coalesce(sum(bytes), 0) AS bytes
                   FROM (SELECT kind, length(body) AS bytes FROM answer ORDER BY id DESC LIMIT :last)
                       WHERE kind = :kind";
        let (answers, bytes): (u64, u64) =
            self.db.query_row(sql, named_params! { ":kind": form.name(), ":last": 10 * enough }, |row| {
                Ok((row.get("answers")?, row.get("bytes")?))
            })?;
        Ok(bytes.checked_div(answers).filter(|_| answers >= enough))
    }

    /// The run of a batch, and when it was sent by the provider's clock; `None` where there is no such batch.
    pub(super) fn batch(&self, batch: BatchId) -> Result<Option<(RunId, i64)>, LedgerError> {
        Ok(self
            .db
            .query_row("SELECT run, sent_v FROM batch WHERE id = :batch", named_params! { ":batch": batch }, |row| {
                Ok((row.get("run")?, row.get("sent_v")?))
            })
            .optional()?)
    }

    /// The tasks of a batch whose outcome is not known.
    pub(super) fn unresolved_tasks(&self, batch: BatchId) -> Result<Vec<UnresolvedTask>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT attempt.task, attempt.id, attempt.held_nano FROM batch JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.id = :batch AND attempt.state = 0 ORDER BY attempt.id",
        )?;
        let rows = statement.query_map(named_params! { ":batch": batch }, |row| {
            Ok(UnresolvedTask { task: row.get("task")?, attempt: row.get("id")?, held: row.get("held_nano")? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says that a run has nothing left to buy, to wait for or to settle; `false` where that is not so.
    pub(super) fn complete(&mut self, run: RunId) -> Result<bool, LedgerError> {
        let changed = self.db.execute(
            "UPDATE run SET state = 'complete' WHERE id = :run AND state = 'open'
             AND NOT EXISTS (SELECT 1 FROM task WHERE run = :run AND state IN (0, 1, 2))",
            named_params! { ":run": run },
        )?;
        Ok(changed == 1)
    }
}
