//! The rows of an export: every task of a run with its cost and its answer, one after the other.

use std::ops::ControlFlow;

use rusqlite::named_params;

use super::columns::{maybe_named, maybe_provider_id, named, only, task_state};
use super::tasks::service_from;
use super::{ExportRow, Past};
use super::{Ledger, LedgerError};
use crate::ids::RunId;
use crate::money::Money;
use crate::oddity::Oddity;

impl Ledger {
    /// Every task of a run in the order of its plan, with its answers; those with an answer alone where `answered` says so.
    /// `each` may break it off.
    pub(super) fn export(
        &self,
        run: RunId,
        answered: bool,
        each: &mut dyn FnMut(ExportRow) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        self.export_rows(run, answered, each).map_err(|error| LedgerError::from(error).at(&self.path))
    }

    fn export_rows(
        &self,
        run: RunId,
        answered: bool,
        each: &mut dyn FnMut(ExportRow) -> ControlFlow<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self
            .db
            .prepare(
                "SELECT task.id AS task, task.attempt, prompt_set.name AS prompt_set, prompt_set.line,
                        prompt.text AS prompt, market.location_code, market.location_name, market.language_code, target.engine,
                        target.function, task.service, task.repeat, task.state, task.reason, task.asked
                 FROM task JOIN prompt_set ON prompt_set.id = task.prompt_set JOIN prompt ON prompt.id = task.prompt
                 JOIN market ON market.id = task.market JOIN target ON target.id = task.target
                 WHERE task.run = :run AND (:answered = 0 OR task.state = 3) ORDER BY task.position, task.id",
            )
            ?;
        let mut rows = statement.query(named_params! { ":run": run, ":answered": answered })?;
        while let Some(row) = rows.next()? {
            let (mut exported, attempt, task) = export_row(row)?;
            if let Some(attempt) = attempt {
                self.add_history(&mut exported, attempt)?;
            }
            exported.also_in = self.also_in(task)?;
            if each(exported).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn also_in(&self, task: i64) -> rusqlite::Result<Vec<String>> {
        self.db
            .prepare_cached(
                "SELECT prompt_set.name FROM task_also_in JOIN prompt_set ON prompt_set.id = task_also_in.prompt_set
                 WHERE task_also_in.task = :task ORDER BY prompt_set.id",
            )?
            .query_map(named_params! { ":task": task }, only)?
            .collect()
    }

    /// Walks back from the latest attempt, and reads the answers of those that have any.
    fn add_history(&self, exported: &mut ExportRow, latest: i64) -> rusqlite::Result<()> {
        let mut next = Some(latest);
        while let Some(attempt) = next {
            let (past, bought_v, previous) = self
                .db
                .prepare_cached(
                    "SELECT attempt.number, attempt_state.name, attempt.code, attempt.provider_id,
                            coalesce(attempt.settled_nano, attempt.posted_nano, 0) AS cost, attempt.batch,
                            batch.posted_v, attempt.previous, provider_message.message
                     FROM attempt JOIN attempt_state ON attempt_state.state = attempt.state
                     JOIN batch ON batch.id = attempt.batch
                     LEFT JOIN provider_message ON provider_message.attempt = attempt.id WHERE attempt.id = :attempt",
                )?
                .query_row(named_params! { ":attempt": attempt }, |row| {
                    let past = Past {
                        number: row.get("number")?,
                        state: row.get("name")?,
                        code: row.get("code")?,
                        provider_id: maybe_provider_id(row, "provider_id")?,
                        cost: row.get("cost")?,
                        batch: row.get("batch")?,
                        message: row.get("message")?,
                    };
                    Ok((past, row.get::<_, Option<i64>>("posted_v")?, row.get::<_, Option<i64>>("previous")?))
                })?;
            if attempt == latest {
                exported.provider_id.clone_from(&past.provider_id);
                exported.bought_v = past.provider_id.as_ref().and(bought_v);
                self.add_answers(exported, attempt)?;
            }
            exported.cost += past.cost;
            exported.history.insert(0, past);
            next = previous;
        }
        Ok(())
    }

    fn add_answers(&self, exported: &mut ExportRow, attempt: i64) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(
            "SELECT kind, done_v, model, body, oddity FROM answer WHERE attempt = :attempt ORDER BY kind",
        )?;
        let mut rows = statement.query(named_params! { ":attempt": attempt })?;
        while let Some(row) = rows.next()? {
            exported.answered_v = exported.answered_v.max(row.get("done_v")?);
            exported.model = row.get::<_, Option<String>>("model")?.or(exported.model.take());
            let oddity: Option<Oddity> = maybe_named(row, "oddity")?;
            exported.oddity = exported.oddity.or(oddity);
            let body = zstd::decode_all(row.get_ref("body")?.as_blob()?)
                .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, e.into()))?;
            exported.answers.push((named(row, "kind")?, body, oddity));
        }
        Ok(())
    }
}

fn export_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(ExportRow, Option<i64>, i64)> {
    let (method, priority) = service_from(row.get("service")?)?;
    let state = task_state(row.get("state")?, row.get("reason")?)?;
    let exported = ExportRow {
        set: row.get("prompt_set")?,
        also_in: Vec::new(),
        line: row.get("line")?,
        prompt: row.get("prompt")?,
        location_code: row.get("location_code")?,
        location_name: row.get("location_name")?,
        language_code: row.get("language_code")?,
        engine: named(row, "engine")?,
        function: named(row, "function")?,
        method,
        priority,
        repeat: row.get("repeat")?,
        state,
        asked: row.get("asked")?,
        provider_id: None,
        history: Vec::new(),
        cost: Money::ZERO,
        bought_v: None,
        answered_v: None,
        model: None,
        oddity: None,
        answers: Vec::new(),
    };
    Ok((exported, row.get("attempt")?, row.get("task")?))
}
