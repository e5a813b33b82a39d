//! The status of a run, and the totals of jobs and accounts. It reads all tasks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, named_params};

use super::borders::moment;
use super::columns::{named, only};
use super::{Ledger, LedgerError, Total};
use super::{RunStatus, StatusBatch};
use crate::ids::RunId;
use crate::money::Money;
use crate::period::{self, Period, PeriodKind};
use crate::plan::Scope;
use crate::product::{Function, Method, Priority};
use crate::zone::Zone;

/// So many answers tell how long they take.
const ENOUGH_ANSWERS: usize = 20;

impl Ledger {
    /// The run of a job in a period, or its latest.
    pub(super) fn find_run(&self, job: &str, period: Option<&str>) -> Result<Option<RunId>, LedgerError> {
        Ok(self
            .db
            .query_row(
                "SELECT run.id FROM run JOIN job ON job.id = run.job
                 WHERE job.name = :job AND (:period IS NULL OR run.period = :period) ORDER BY run.id DESC LIMIT 1",
                named_params! { ":job": job, ":period": period },
                only,
            )
            .optional()?)
    }

    /// The period of a job that a moment is in. A run keeps the borders that it was opened with, also where the rules of
    /// its zone have changed since: no period is split.
    pub(super) fn period_at(
        &self,
        job: &str,
        kind: PeriodKind,
        zone: Zone,
        at: DateTime<Utc>,
    ) -> Result<Period, LedgerError> {
        let opened: Option<(String, i64, i64)> = self
            .db
            .query_row(
                "SELECT run.period, run.begins_at, run.ends_at FROM run JOIN job ON job.id = run.job
                 WHERE job.name = :job AND run.begins_at <= :at AND :at < run.ends_at AND length(run.period) = :length
                 ORDER BY run.begins_at DESC LIMIT 1",
                named_params! { ":job": job, ":at": at.timestamp(), ":length": kind.example().len() },
                |row| Ok((row.get("period")?, row.get("begins_at")?, row.get("ends_at")?)),
            )
            .optional()?;
        Ok(match opened {
            Some((id, from, to)) => Period { id, from: moment(from), to: moment(to) },
            None => period::current(kind, zone, at),
        })
    }

    /// When a run was first started (Unix seconds, this machine's clock).
    pub(super) fn opened_at(&self, run: RunId) -> Result<i64, LedgerError> {
        Ok(self.db.query_row("SELECT opened_at FROM run WHERE id = :run", named_params! { ":run": run }, only)?)
    }

    /// Tasks of a run that were not answered by its deadline, as it stands at `now`; none where it has no deadline.
    pub(super) fn past_deadline(&self, run: RunId, now: i64) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM run JOIN task ON task.run = run.id
                   LEFT JOIN answer ON answer.attempt = task.attempt AND task.state = 3
                   WHERE run.id = :run AND run.deadline_at IS NOT NULL AND task.asked = 1
                     AND CASE WHEN task.state = 3 THEN coalesce(answer.done_v, answer.fetched_at) > run.deadline_at
                              WHEN task.state IN (1, 2) THEN :now > run.deadline_at ELSE 0 END";
        Ok(self.db.query_row(sql, named_params! { ":run": run, ":now": now }, only)?)
    }

    /// How long all but one in twenty of an account's last thousand answers of a kind took; none before there are enough
    /// of them to tell.
    pub(super) fn turnaround(
        &self,
        account: &str,
        function: Function,
        method: Method,
        priority: Priority,
    ) -> Result<Option<Duration>, LedgerError> {
        let sql = "SELECT took FROM (
                       SELECT answer.done_v - batch.posted_v AS took FROM answer
                       JOIN attempt ON attempt.id = answer.attempt JOIN batch ON batch.id = attempt.batch
                       JOIN account ON account.id = batch.account JOIN task ON task.id = attempt.task
                       JOIN service ON service.service = task.service
                       WHERE account.name = :account AND batch.function = :function AND service.method = :method
                           AND service.priority = :priority
                         AND answer.done_v IS NOT NULL ORDER BY answer.id DESC LIMIT 1000)
                   ORDER BY took";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map(
            named_params! {
                ":account": account, ":function": function.name(), ":method": method.name(),
                ":priority": priority.name(),
            },
            only,
        )?;
        let took: Vec<i64> = rows.collect::<Result<_, _>>()?;
        let enough = took.get(took.len() * 95 / 100).filter(|_| took.len() >= ENOUGH_ANSWERS);
        Ok(enough.map(|seconds| Duration::from_secs(seconds.unsigned_abs())))
    }

    /// The runs of the ledger, oldest first; of one job where it is named.
    pub(super) fn runs(&self, job: Option<&str>) -> Result<Vec<RunId>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT run.id FROM run JOIN job ON job.id = run.job WHERE :job IS NULL OR job.name = :job
                    ORDER BY run.id",
        )?;
        let rows = statement.query_map(named_params! { ":job": job }, only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The job and period of a run.
    pub(super) fn run_name(&self, run: RunId) -> Result<(String, String), LedgerError> {
        Ok(self.db.query_row(
            "SELECT job.name, run.period FROM run JOIN job ON job.id = run.job WHERE run.id = :run",
            named_params! { ":run": run },
            |row| Ok((row.get("name")?, row.get("period")?)),
        )?)
    }

    /// How a run stands. Looks at all its tasks.
    pub(super) fn run_status(&self, run: RunId) -> Result<RunStatus, LedgerError> {
        let (job, period) = self.run_name(run)?;
        let mut statement = self.db.prepare(
            "SELECT task_state.name || coalesce(': ' || task_reason.name, '') AS name, count(*) AS tasks,
                    sum(task.asked = 0) AS no_longer_asked
             FROM task JOIN task_state ON task_state.state = task.state
             LEFT JOIN task_reason ON task_reason.reason = task.reason
             WHERE task.run = :run GROUP BY task.state, task.reason",
        )?;
        let mut tasks = Vec::new();
        let mut no_longer_asked = 0;
        let mut rows = statement.query(named_params! { ":run": run })?;
        while let Some(row) = rows.next()? {
            let state: String = row.get("name")?;
            if !state.ends_with("dropped_by_job") {
                no_longer_asked += row.get::<_, u64>("no_longer_asked")?;
            }
            tasks.push((state, row.get("tasks")?));
        }
        let mut statement = self.db.prepare(
            "SELECT id, coalesce(unknown_because, 'being sent') AS why, sent_v, closed_v, unresolved, held_nano
             FROM batch INDEXED BY batch_unresolved
             WHERE account IN (SELECT id FROM account) AND unresolved > 0 AND run = :run",
        )?;
        let in_doubt = statement.query_map(named_params! { ":run": run }, |row| {
            Ok(StatusBatch {
                batch: row.get("id")?,
                why: row.get("why")?,
                sent_v: row.get("sent_v")?,
                closed_v: row.get("closed_v")?,
                attempts: row.get("unresolved")?,
                held: row.get("held_nano")?,
            })
        })?;
        Ok(RunStatus {
            run,
            job,
            period,
            state: self.db.query_row(
                "SELECT state FROM run WHERE id = :run",
                named_params! { ":run": run },
                |row| named(row, "state"),
            )?,
            tasks,
            no_longer_asked,
            overrun: self.db.query_row(
                "SELECT coalesce(sum(entry.nano_usd), 0) FROM batch JOIN entry ON entry.batch = batch.id
                 WHERE batch.run = :run AND entry.kind = 'overrun'",
                named_params! { ":run": run },
                only,
            )?,
            total: self.totals(Scope::Run, run.0)?.pop().unwrap_or(Total {
                name: super::caps::name(Scope::Run, 0),
                limit: Some(self.db.query_row(
                    "SELECT cap_nano FROM run WHERE id = :run",
                    named_params! { ":run": run },
                    |row| only(row).map(Money::from_nanos),
                )?),
                charged: Money::ZERO,
                held: Money::ZERO,
            }),
            in_doubt: in_doubt.collect::<Result<_, _>>()?,
            oddities: self.oddities(run)?,
        })
    }

    /// The standing totals of all accounts and jobs, the latest of each scope.
    pub(super) fn current_totals(&self) -> Result<Vec<Total>, LedgerError> {
        let mut all = Vec::new();
        let mut statement = self.db.prepare(
            "SELECT scope, owner FROM cap
             WHERE scope NOT IN ('run', 'account_balance') OR (scope = 'account_balance' AND limit_nano IS NOT NULL)
             GROUP BY scope, owner",
        )?;
        let scopes: Vec<(Scope, i64)> =
            statement.query_map([], |row| Ok((named(row, "scope")?, row.get("owner")?)))?.collect::<Result<_, _>>()?;
        for (scope, owner) in scopes {
            let who: Option<String> = self
                .db
                .query_row(
                    if scope.is_of_account() {
                        "SELECT name FROM account WHERE id = :owner"
                    } else {
                        "SELECT name FROM job WHERE id = :owner"
                    },
                    named_params! { ":owner": owner },
                    only,
                )
                .optional()?;
            let mut totals = self.totals(scope, owner)?;
            totals.truncate(2);
            for mut total in totals {
                total.name = format!("{}: {}", who.as_deref().unwrap_or("?"), total.name);
                all.push(total);
            }
        }
        Ok(all)
    }

    /// The totals of a scope, latest period first.
    fn totals(&self, scope: Scope, owner: i64) -> Result<Vec<Total>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT from_v, limit_nano, charged_nano, held_nano FROM cap
             WHERE scope = :scope AND owner = :owner ORDER BY from_v DESC",
        )?;
        let rows = statement.query_map(named_params! { ":scope": scope.name(), ":owner": owner }, |row| {
            Ok(Total {
                name: super::caps::name(scope, row.get("from_v")?),
                limit: row.get("limit_nano")?,
                charged: row.get("charged_nano")?,
                held: row.get("held_nano")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts the tasks of a run by state: planned, sending, submitted, answered, failed. Looks at all of them, so it
    /// is for starts and ends.
    pub(super) fn tally(&self, run: RunId) -> Result<[u64; 5], LedgerError> {
        let mut tally = [0; 5];
        let mut statement = self.db.prepare_cached(
            "SELECT state, count(*) AS tasks FROM task WHERE run = :run AND NOT (state = 4 AND reason = 4)
                    GROUP BY state",
        )?;
        let mut rows = statement.query(named_params! { ":run": run })?;
        while let Some(row) = rows.next()? {
            let state: usize = row.get("state")?;
            tally[state.min(4)] = row.get("tasks")?;
        }
        Ok(tally)
    }
}
