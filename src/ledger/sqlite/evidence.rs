//! What is known about a batch that a person has to decide on. For people only: no code decides by it.

use rusqlite::{OptionalExtension as _, named_params};

use super::columns::named;
use super::{Evidence, Scan, UnknownTask};
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, BatchId};

impl Ledger {
    /// What is known of a batch; `None` where there is none of that number.
    pub(super) fn evidence(&self, batch: BatchId) -> Result<Option<Evidence>, LedgerError> {
        let found = self
            .db
            .query_row(
                "SELECT batch.run, job.name AS job, run.period, account.id, account.name AS account, batch.engine,
                        batch.function, batch.method, batch.sent_v, batch.closed_v, batch.unknown_because,
                        batch.attempts
                 FROM batch JOIN run ON run.id = batch.run JOIN job ON job.id = run.job
                 JOIN account ON account.id = batch.account WHERE batch.id = :batch",
                named_params! { ":batch": batch },
                |row| {
                    Ok(Evidence {
                        batch,
                        run: row.get("run")?,
                        job: row.get("job")?,
                        period: row.get("period")?,
                        account: (row.get("id")?, row.get("account")?),
                        engine: named(row, "engine")?,
                        function: named(row, "function")?,
                        method: named(row, "method")?,
                        sent_v: row.get("sent_v")?,
                        closed_v: row.get("closed_v")?,
                        why: row.get("unknown_because")?,
                        attempts: row.get("attempts")?,
                        tasks: Vec::new(),
                        scans: Vec::new(),
                        counting: 0,
                        shows_unfinished_v: None,
                    })
                },
            )
            .optional()?;
        let Some(mut evidence) = found else { return Ok(None) };
        evidence.tasks = self.unknown_tasks(batch)?;
        evidence.scans = self.scans_since(evidence.account.0, evidence.sent_v)?;
        evidence.counting = self.scans_of(batch)?.len();
        evidence.shows_unfinished_v = self.visibility_proof(evidence.account.0, evidence.function)?;
        Ok(Some(evidence))
    }

    fn unknown_tasks(&self, batch: BatchId) -> Result<Vec<UnknownTask>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT task.id AS task, attempt.id AS attempt, attempt_state.name, attempt.held_nano, prompt.text,
                    coalesce(market.location_name, iif(market.location_code > 0, market.location_code, 'no place'))
                        || ', ' || coalesce(market.language_name, nullif(market.language_code, ''), 'no language')
                        AS market, target.model
             FROM batch
             JOIN attempt ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             JOIN attempt_state ON attempt_state.state = attempt.state JOIN task ON task.id = attempt.task
             JOIN prompt ON prompt.id = task.prompt JOIN market ON market.id = task.market
             JOIN target ON target.id = task.target LEFT JOIN word ON word.attempt = attempt.id
             WHERE batch.id = :batch AND (attempt.state = 0 OR attempt.state = 7
                 OR (word.bought = 0 AND attempt.state = 3 AND task.attempt = attempt.id AND task.state = 0))
             ORDER BY attempt.id",
        )?;
        let rows = statement.query_map(named_params! { ":batch": batch }, |row| {
            Ok(UnknownTask {
                task: row.get("task")?,
                attempt: row.get("attempt")?,
                state: row.get("name")?,
                held: row.get("held_nano")?,
                tag: String::new(),
                prompt: row.get("text")?,
                market: row.get("market")?,
                model: row.get("model")?,
            })
        })?;
        let mut tasks = rows.collect::<Result<Vec<_>, _>>()?;
        for task in &mut tasks {
            task.tag = self.tag_of(task.attempt)?.unwrap_or_default();
        }
        Ok(tasks)
    }

    fn scans_since(&self, account: AccountId, sent_v: i64) -> Result<Vec<Scan>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT begun_v, rows, verdict FROM scan WHERE account = :account AND begun_v >= :sent_v ORDER BY begun_v",
        )?;
        let rows = statement.query_map(named_params! { ":account": account, ":sent_v": sent_v }, |row| {
            Ok(Scan { begun_v: row.get("begun_v")?, rows: row.get("rows")?, verdict: row.get("verdict")? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
