//! The rows of an export: every task of a run with its cost and its answer, one after the other.

use super::columns::{maybe_named, maybe_provider_id, named, task_state};
use super::tasks::service_from;
use super::{Ledger, LedgerError};
use crate::ids::{BatchId, RunId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::product::{Engine, Function, Method, Priority, ResultKind};
use crate::task::TaskState;

/// An attempt of a task, for its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number, from 1.
    pub number: u32,
    /// Its state, in words.
    pub state: String,
    /// The provider's last status code, where it says more.
    pub code: Option<u32>,
    /// The provider's own words on it.
    pub message: Option<String>,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// What it cost.
    pub cost: Money,
    /// The batch it was bought in.
    pub batch: BatchId,
}

/// One task as it is exported.
#[derive(Clone, Debug)]
pub struct ExportRow {
    /// Prompt set that pays for it.
    pub set: String,
    /// Further sets that ask it.
    pub also_in: Vec<String>,
    /// The line of the job file on which that set begins, where known.
    pub line: Option<u32>,
    /// The prompt.
    pub prompt: String,
    /// The place.
    pub location_code: u32,
    /// Its name, where known.
    pub location_name: Option<String>,
    /// The language.
    pub language_code: String,
    /// Whose answer.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// At which priority.
    pub priority: Priority,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// Where it stands.
    pub state: TaskState,
    /// False: bought, and no longer asked.
    pub asked: bool,
    /// The provider's id of its latest attempt.
    pub provider_id: Option<String>,
    /// All attempts, first to last.
    pub history: Vec<Past>,
    /// What all attempts together cost.
    pub cost: Money,
    /// When it was bought (Unix seconds, provider's clock).
    pub bought_v: Option<i64>,
    /// When it was answered, by the provider's word.
    pub answered_v: Option<i64>,
    /// Which model answered.
    pub model: Option<String>,
    /// What is odd about its answer, or about one of its forms.
    pub oddity: Option<Oddity>,
    /// The bodies as the provider sent them, decompressed, by form, and what is odd about each.
    pub answers: Vec<(ResultKind, Vec<u8>, Option<Oddity>)>,
}

impl ExportRow {
    /// The provider's code of the place; none where it was asked in none.
    pub fn place(&self) -> Option<u32> {
        Some(self.location_code).filter(|code| *code > 0)
    }
}

impl Ledger {
    /// Every task of a run in the order of its plan, with its answers where `answers` says so; those with an answer alone
    /// where `answered` does.
    ///
    /// # Errors
    /// The ledger cannot be read, or `each` failed.
    pub fn export<E: From<LedgerError>>(
        &self,
        run: RunId,
        answers: bool,
        answered: bool,
        mut each: impl FnMut(ExportRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let sqlite = |error: rusqlite::Error| E::from(LedgerError::from(error).at(&self.path));
        let mut statement = self
            .db
            .prepare(
                "SELECT prompt_set.name, prompt.text, market.location_code, market.location_name, market.language_code,
                        target.engine, target.function, task.service, task.repeat, task.state, task.reason, task.asked,
                        task.attempt, task.id, prompt_set.line
                 FROM task JOIN prompt_set ON prompt_set.id = task.prompt_set JOIN prompt ON prompt.id = task.prompt
                 JOIN market ON market.id = task.market JOIN target ON target.id = task.target
                 WHERE task.run = ?1 AND (?2 = 0 OR task.state = 3) ORDER BY task.position, task.id",
            )
            .map_err(sqlite)?;
        let mut rows = statement.query((run.0, answered)).map_err(sqlite)?;
        while let Some(row) = rows.next().map_err(sqlite)? {
            let (mut exported, attempt, task) = export_row(row).map_err(sqlite)?;
            if let Some(attempt) = attempt {
                self.add_history(&mut exported, attempt, answers).map_err(sqlite)?;
            }
            exported.also_in = self.also_in(task).map_err(sqlite)?;
            each(exported)?;
        }
        Ok(())
    }

    fn also_in(&self, task: i64) -> rusqlite::Result<Vec<String>> {
        self.db
            .prepare_cached(
                "SELECT prompt_set.name FROM task_also_in JOIN prompt_set ON prompt_set.id = task_also_in.prompt_set
                 WHERE task_also_in.task = ?1 ORDER BY prompt_set.id",
            )?
            .query_map([task], |row| row.get(0))?
            .collect()
    }

    /// Walks back from the latest attempt, and reads the answers of those that have any.
    fn add_history(&self, exported: &mut ExportRow, latest: i64, answers: bool) -> rusqlite::Result<()> {
        let mut next = Some(latest);
        while let Some(attempt) = next {
            let (past, bought_v, previous) = self
                .db
                .prepare_cached(
                    "SELECT attempt.number, attempt_state.name, attempt.code, attempt.provider_id,
                            coalesce(attempt.settled_nano, attempt.posted_nano, 0), attempt.batch, batch.posted_v,
                            attempt.previous, provider_message.message
                     FROM attempt JOIN attempt_state ON attempt_state.state = attempt.state
                     JOIN batch ON batch.id = attempt.batch
                     LEFT JOIN provider_message ON provider_message.attempt = attempt.id WHERE attempt.id = ?1",
                )?
                .query_row([attempt], |row| {
                    let past = Past {
                        number: row.get(0)?,
                        state: row.get(1)?,
                        code: row.get(2)?,
                        provider_id: maybe_provider_id(row, 3)?,
                        cost: Money::from_nanos(row.get(4)?),
                        batch: BatchId(row.get(5)?),
                        message: row.get(8)?,
                    };
                    Ok((past, row.get::<_, Option<i64>>(6)?, row.get::<_, Option<i64>>(7)?))
                })?;
            if attempt == latest {
                exported.provider_id.clone_from(&past.provider_id);
                exported.bought_v = past.provider_id.as_ref().and(bought_v);
                self.add_answers(exported, attempt, answers)?;
            }
            exported.cost += past.cost;
            exported.history.insert(0, past);
            next = previous;
        }
        Ok(())
    }

    fn add_answers(&self, exported: &mut ExportRow, attempt: i64, bodies: bool) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(
            "SELECT kind, done_v, model, iif(?2, body, NULL),
                    (SELECT odd.oddity FROM answer AS odd WHERE odd.attempt = ?1 AND odd.oddity IS NOT NULL AND odd.id = answer.id)
             FROM answer WHERE attempt = ?1 ORDER BY kind",
        )?;
        let mut rows = statement.query((attempt, bodies))?;
        while let Some(row) = rows.next()? {
            exported.answered_v = exported.answered_v.max(row.get(1)?);
            exported.model = row.get::<_, Option<String>>(2)?.or(exported.model.take());
            let oddity: Option<Oddity> = maybe_named(row, 4)?;
            exported.oddity = exported.oddity.or(oddity);
            if let Some(body) = row.get::<_, Option<Vec<u8>>>(3)? {
                let body = zstd::decode_all(&body[..])
                    .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, e.into()))?;
                exported.answers.push((named(row, 0)?, body, oddity));
            }
        }
        Ok(())
    }
}

fn export_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(ExportRow, Option<i64>, i64)> {
    let (method, priority) = service_from(row.get(7)?)?;
    let state = task_state(row, 9)?;
    let exported = ExportRow {
        set: row.get(0)?,
        also_in: Vec::new(),
        line: row.get(14)?,
        prompt: row.get(1)?,
        location_code: row.get(2)?,
        location_name: row.get(3)?,
        language_code: row.get(4)?,
        engine: named(row, 5)?,
        function: named(row, 6)?,
        method,
        priority,
        repeat: row.get(8)?,
        state,
        asked: row.get(11)?,
        provider_id: None,
        history: Vec::new(),
        cost: Money::ZERO,
        bought_v: None,
        answered_v: None,
        model: None,
        oddity: None,
        answers: Vec::new(),
    };
    Ok((exported, row.get(12)?, row.get(13)?))
}
