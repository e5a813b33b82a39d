//! Notices: losses that a session learnt of, for any run.
//!
//! A notice is written in the commit of the loss itself, so a session that dies before it reported the loss leaves it
//! to the next one. It is reported once; what was reported stays marked in `status` until a person has seen it.

use rusqlite::{Connection, named_params};

use super::columns::{named, only};
use super::{Ledger, LedgerError};
use super::{Notice, NoticeKind};
use crate::ids::RunId;
use crate::rule::Rule;

impl Ledger {
    /// The losses that nobody was told of, of all runs and accounts, oldest first.
    pub(super) fn untold(&self) -> Result<Vec<Notice>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT notice.id, notice.kind, account.name AS account, notice.run, job.name AS job, run.period,
                    notice.tasks, notice.nano_usd
             FROM notice JOIN account ON account.id = notice.account
             LEFT JOIN run ON run.id = notice.run LEFT JOIN job ON job.id = run.job
             WHERE notice.told_at IS NULL ORDER BY notice.id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Notice {
                id: row.get("id")?,
                kind: named(row, "kind")?,
                account: row.get("account")?,
                run: row.get("run")?,
                job: row.get("job")?,
                period: row.get("period")?,
                tasks: row.get("tasks")?,
                paid: row.get("nano_usd")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// These losses were told: no later session tells them again.
    pub(super) fn told(&mut self, notices: &[Notice], now: i64) -> Result<(), LedgerError> {
        if notices.is_empty() {
            return Ok(());
        }
        let write = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for notice in notices {
            write.execute(
                "UPDATE notice SET told_at = :told_at WHERE id = :notice AND told_at IS NULL",
                named_params! { ":notice": notice.id, ":told_at": now },
            )?;
        }
        write.commit()?;
        Ok(())
    }

    /// A summary has said of a run that a cap leaves so many of its tasks unbought: that is no news when it is closed.
    pub(super) fn told_short(&mut self, run: RunId, tasks: u64) -> Result<(), LedgerError> {
        self.db.execute(
            "INSERT INTO run_told (run, short) VALUES (:run, :short) ON CONFLICT DO UPDATE SET short = excluded.short",
            named_params! { ":run": run, ":short": tasks },
        )?;
        Ok(())
    }

    /// How many losses of a run a person has seen.
    pub(super) fn losses_seen(&self, run: RunId) -> Result<u64, LedgerError> {
        let sql = "SELECT coalesce((SELECT seen FROM run_told WHERE run = :run), 0)";
        Ok(self.db.query_row(sql, named_params! { ":run": run }, only)?)
    }

    /// A person has seen so many losses of each of these runs, and that periods of the jobs before these moments (Unix
    /// seconds) have no run.
    pub(super) fn seen(&mut self, runs: &[(RunId, u64)], jobs: &[(String, i64)]) -> Result<(), LedgerError> {
        let write = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for (run, losses) in runs {
            write.execute(
                "INSERT INTO run_told (run, seen) VALUES (:run, :seen) ON CONFLICT DO UPDATE SET seen = excluded.seen",
                named_params! { ":run": run, ":seen": losses },
            )?;
        }
        for (job, until) in jobs {
            write.execute(
                "INSERT INTO gaps_seen (job, until) SELECT id, :until FROM job WHERE name = :name
                 ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
                named_params! { ":name": job, ":until": until },
            )?;
        }
        write.commit()?;
        Ok(())
    }
}

/// Adds to what is to be told of a run, or of an account where it belongs to none.
pub(super) fn add(
    write: &Connection,
    account: i64,
    run: Option<i64>,
    kind: NoticeKind,
    (tasks, nanos): (u64, i64),
) -> Result<(), LedgerError> {
    if !Rule::LossesAreTold.is_kept() {
        return Ok(());
    }
    let added = write
        .prepare_cached(
            "UPDATE notice SET tasks = tasks + :tasks, nano_usd = nano_usd + :nanos
             WHERE account = :account AND run IS :run AND kind = :kind AND told_at IS NULL",
        )?
        .execute(named_params! {
            ":account": account, ":run": run, ":kind": kind.name(), ":tasks": tasks, ":nanos": nanos,
        })?;
    if added == 0 {
        write
            .prepare_cached(
                "INSERT INTO notice (account, run, kind, tasks, nano_usd)
                             VALUES (:account, :run, :kind, :tasks, :nano_usd)",
            )?
            .execute(named_params! {
                ":account": account, ":run": run, ":kind": kind.name(), ":tasks": tasks, ":nano_usd": nanos,
            })?;
    }
    Ok(())
}

/// Attempts whose tasks have ended without an answer in this commit.
pub(super) fn lost(write: &Connection, attempts: &[(i64, NoticeKind)]) -> Result<(), LedgerError> {
    for (attempt, kind) in attempts {
        let (account, run, paid) = write
            .prepare_cached(
                "SELECT batch.account, batch.run, coalesce(attempt.settled_nano, attempt.posted_nano, 0) AS paid
                 FROM attempt JOIN batch ON batch.id = attempt.batch WHERE attempt.id = :attempt",
            )?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                Ok((row.get("account")?, row.get("run")?, row.get("paid")?))
            })?;
        add(write, account, Some(run), *kind, (1, paid))?;
    }
    Ok(())
}

/// An unmatched charge has found its task before anybody was told of it.
pub(super) fn take_back_unmatched(write: &Connection, account: i64, nanos: i64) -> Result<(), LedgerError> {
    write.execute(
        "UPDATE notice SET tasks = tasks - 1, nano_usd = nano_usd - :nanos
         WHERE account = :account AND run IS NULL AND kind = 'unmatched' AND told_at IS NULL AND tasks >= 1
             AND nano_usd >= :nanos",
        named_params! { ":account": account, ":nanos": nanos },
    )?;
    write.execute("DELETE FROM notice WHERE tasks = 0 AND told_at IS NULL", [])?;
    Ok(())
}

/// Runs of a job that a run of a later period is about to close: what of them was not bought, and was not told to be left
/// for want of money.
pub(super) fn closing(
    write: &Connection,
    job: i64,
    (run, begins_at, period): (i64, i64, &str),
) -> Result<(), LedgerError> {
    let mut statement = write.prepare(
        "SELECT job.account, run.id AS run, count(*) AS tasks FROM run JOIN job ON job.id = run.job
         JOIN task INDEXED BY task_to_buy ON task.run = run.id AND task.state = 0
         WHERE run.job = :job AND run.id <> :run AND run.state <> 'closed'
           AND (run.begins_at < :begins_at OR length(run.period) <> length(:period))
         GROUP BY run.id
         HAVING count(*) > coalesce((SELECT short FROM run_told WHERE run_told.run = run.id), 0)",
    )?;
    let short = statement
        .query_map(named_params! { ":job": job, ":run": run, ":begins_at": begins_at, ":period": period }, |row| {
            Ok((row.get::<_, i64>("account")?, row.get::<_, i64>("run")?, row.get::<_, u64>("tasks")?))
        })?;
    for (account, run, tasks) in short.collect::<Result<Vec<_>, _>>()? {
        add(write, account, Some(run), NoticeKind::Short, (tasks, 0))?;
    }
    Ok(())
}
