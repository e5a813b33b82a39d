//! What goes out: every task of a run with what it cost and what came back, one after the other.

use super::query::named;
use super::tasks::service_from;
use super::vendor_id::vendor_text;
use super::{Ledger, LedgerError, RunStatus, StatusBatch, Total};
use crate::ids::{BatchId, RunId};
use crate::money::Money;
use crate::offer::{Engine, Function, Method, Priority, ResultKind};
use crate::task::TaskState;

/// An attempt of a task, for its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number, from 1.
    pub number: u32,
    /// Its state, in words.
    pub state: String,
    /// The vendor's last status code, where it says more.
    pub code: Option<u32>,
    /// The vendor's id.
    pub vendor_id: Option<String>,
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
    /// The vendor's id of its latest attempt.
    pub vendor_id: Option<String>,
    /// All attempts, first to last.
    pub history: Vec<Past>,
    /// What all attempts together cost.
    pub cost: Money,
    /// When it was bought (Unix seconds, vendor's clock).
    pub bought_v: Option<i64>,
    /// When it was answered, by the vendor's word.
    pub answered_v: Option<i64>,
    /// Which model answered.
    pub model: Option<String>,
    /// The bodies as the vendor sent them, decompressed, by form.
    pub answers: Vec<(ResultKind, Vec<u8>)>,
}

impl Ledger {
    /// The run of a job in a period, or its latest.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn find_run(&self, job: &str, period: Option<&str>) -> Result<Option<RunId>, LedgerError> {
        use rusqlite::OptionalExtension;
        Ok(self
            .db
            .query_row(
                "SELECT run.id FROM run JOIN job ON job.id = run.job
                 WHERE job.name = ?1 AND (?2 IS NULL OR run.period = ?2) ORDER BY run.id DESC LIMIT 1",
                (job, period),
                |row| row.get(0).map(RunId),
            )
            .optional()?)
    }

    /// The runs of the ledger, oldest first; of one job where it is named.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn runs(&self, job: Option<&str>) -> Result<Vec<RunId>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT run.id FROM run JOIN job ON job.id = run.job WHERE ?1 IS NULL OR job.name = ?1 ORDER BY run.id",
        )?;
        let rows = statement.query_map([job], |row| row.get(0).map(RunId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The job and period of a run.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn run_name(&self, run: RunId) -> Result<(String, String), LedgerError> {
        Ok(self.db.query_row(
            "SELECT job.name, run.period FROM run JOIN job ON job.id = run.job WHERE run.id = ?1",
            [run.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }

    /// How a run stands. Looks at all its tasks.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn run_status(&self, run: RunId) -> Result<RunStatus, LedgerError> {
        let (job, period) = self.run_name(run)?;
        let mut statement = self.db.prepare(
            "SELECT task_state.name || coalesce(': ' || task_reason.name, ''), count(*), sum(task.asked = 0)
             FROM task JOIN task_state ON task_state.state = task.state
             LEFT JOIN task_reason ON task_reason.reason = task.reason
             WHERE task.run = ?1 GROUP BY task.state, task.reason",
        )?;
        let mut tasks = Vec::new();
        let mut no_longer_asked = 0;
        let mut rows = statement.query([run.0])?;
        while let Some(row) = rows.next()? {
            let state: String = row.get(0)?;
            if !state.ends_with("dropped_by_job") {
                no_longer_asked += row.get::<_, u64>(2)?;
            }
            tasks.push((state, row.get(1)?));
        }
        let mut statement = self.db.prepare(
            "SELECT id, coalesce(doubt, 'being sent'), sent_v, closed_v, unresolved, held_nano
             FROM batch INDEXED BY batch_unresolved WHERE account IN (SELECT id FROM account) AND unresolved > 0 AND run = ?1",
        )?;
        let in_doubt = statement.query_map([run.0], |row| {
            Ok(StatusBatch {
                batch: BatchId(row.get(0)?),
                why: row.get(1)?,
                sent_v: row.get(2)?,
                closed_v: row.get(3)?,
                attempts: row.get(4)?,
                held: Money::from_nanos(row.get(5)?),
            })
        })?;
        Ok(RunStatus {
            run,
            job,
            period,
            state: self.db.query_row("SELECT state FROM run WHERE id = ?1", [run.0], |row| row.get(0))?,
            tasks,
            no_longer_asked,
            total: self.totals("run", run.0)?.pop().unwrap_or(Total {
                name: super::caps::name("run", 0),
                limit: self
                    .db
                    .query_row("SELECT cap_nano FROM run WHERE id = ?1", [run.0], |row| {
                        row.get(0).map(Money::from_nanos)
                    })
                    .ok(),
                charged: Money::ZERO,
                held: Money::ZERO,
            }),
            in_doubt: in_doubt.collect::<Result<_, _>>()?,
        })
    }

    /// The standing totals of all accounts and jobs, the latest of each scope.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn standing(&self) -> Result<Vec<Total>, LedgerError> {
        let mut all = Vec::new();
        let mut statement = self.db.prepare(
            "SELECT scope, owner FROM cap WHERE scope NOT IN ('run', 'account_balance') OR (scope = 'account_balance' AND limit_nano IS NOT NULL)
             GROUP BY scope, owner",
        )?;
        let scopes: Vec<(String, i64)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        for (scope, owner) in scopes {
            let who: Option<String> = self
                .db
                .query_row(
                    if scope.starts_with("account") {
                        "SELECT name FROM account WHERE id = ?1"
                    } else {
                        "SELECT name FROM job WHERE id = ?1"
                    },
                    [owner],
                    |row| row.get(0),
                )
                .ok();
            let mut totals = self.totals(&scope, owner)?;
            totals.truncate(2);
            for mut total in totals {
                total.name = format!("{}: {}", who.as_deref().unwrap_or("?"), total.name);
                all.push(total);
            }
        }
        Ok(all)
    }

    /// The totals of a scope, latest period first.
    fn totals(&self, scope: &str, owner: i64) -> Result<Vec<Total>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT from_v, limit_nano, charged_nano, held_nano FROM cap WHERE scope = ?1 AND owner = ?2 ORDER BY from_v DESC",
        )?;
        let rows = statement.query_map((scope, owner), |row| {
            Ok(Total {
                name: super::caps::name(scope, row.get(0)?),
                limit: row.get::<_, Option<i64>>(1)?.map(Money::from_nanos),
                charged: Money::from_nanos(row.get(2)?),
                held: Money::from_nanos(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every task of a run in the order of its plan, with its answers where `answers` says so.
    ///
    /// # Errors
    /// The ledger cannot be read, or `each` failed.
    pub fn export<E: From<LedgerError>>(
        &self,
        run: RunId,
        answers: bool,
        mut each: impl FnMut(ExportRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let sqlite = |error: rusqlite::Error| E::from(LedgerError::from(error).at(&self.path));
        let mut statement = self
            .db
            .prepare(
                "SELECT prompt_set.name, prompt.text, market.location_code, market.location_name, market.language_code,
                        target.engine, target.function, task.service, task.repeat, task.state, task.reason, task.asked,
                        task.attempt, task.id
                 FROM task JOIN prompt_set ON prompt_set.id = task.prompt_set JOIN prompt ON prompt.id = task.prompt
                 JOIN market ON market.id = task.market JOIN target ON target.id = task.target
                 WHERE task.run = ?1 ORDER BY task.position, task.id",
            )
            .map_err(sqlite)?;
        let mut rows = statement.query([run.0]).map_err(sqlite)?;
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
                    "SELECT attempt.number, attempt_state.name, attempt.code, attempt.vendor_id,
                            coalesce(attempt.settled_nano, attempt.posted_nano, 0), attempt.batch, batch.posted_v, attempt.previous
                     FROM attempt JOIN attempt_state ON attempt_state.state = attempt.state
                     JOIN batch ON batch.id = attempt.batch WHERE attempt.id = ?1",
                )?
                .query_row([attempt], |row| {
                    let past = Past {
                        number: row.get(0)?,
                        state: row.get(1)?,
                        code: row.get(2)?,
                        vendor_id: vendor_text(row.get_ref(3)?),
                        cost: Money::from_nanos(row.get(4)?),
                        batch: BatchId(row.get(5)?),
                    };
                    Ok((past, row.get::<_, Option<i64>>(6)?, row.get::<_, Option<i64>>(7)?))
                })?;
            if attempt == latest {
                exported.vendor_id.clone_from(&past.vendor_id);
                exported.bought_v = past.vendor_id.as_ref().and(bought_v);
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
            "SELECT kind, done_v, model, iif(?2, body, NULL) FROM answer WHERE attempt = ?1 ORDER BY kind",
        )?;
        let mut rows = statement.query((attempt, bodies))?;
        while let Some(row) = rows.next()? {
            exported.answered_v = exported.answered_v.max(row.get(1)?);
            exported.model = row.get::<_, Option<String>>(2)?.or(exported.model.take());
            if let Some(body) = row.get::<_, Option<Vec<u8>>>(3)? {
                let body = zstd::decode_all(&body[..])
                    .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, e.into()))?;
                exported.answers.push((named(row, 0)?, body));
            }
        }
        Ok(())
    }
}

fn export_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(ExportRow, Option<i64>, i64)> {
    let (method, priority) = service_from(row.get(7)?);
    let state = TaskState::from_numbers(row.get(9)?, row.get(10)?).unwrap_or(TaskState::Planned);
    let exported = ExportRow {
        set: row.get(0)?,
        also_in: Vec::new(),
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
        vendor_id: None,
        history: Vec::new(),
        cost: Money::ZERO,
        bought_v: None,
        answered_v: None,
        model: None,
        answers: Vec::new(),
    };
    Ok((exported, row.get(12)?, row.get(13)?))
}
