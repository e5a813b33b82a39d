//! Failed tasks as people know them: the question, where it is written, and what the provider said.

use rusqlite::{OptionalExtension as _, Row, named_params};

use super::FailedAlike;
use super::columns::{named, only};
use super::{Ledger, LedgerError};
use crate::event::{Part, Subject};
use crate::ids::{AttemptId, RunId};

/// The columns of a [`Subject`], and the rows that they come from, joined to `task`.
const SUBJECT: &str = "job.name AS job, job.path, run.period, prompt_set.name AS prompt_set, prompt_set.line,
     prompt.text AS prompt,
     market.location_code, market.location_name, market.language_code, target.engine, target.function, target.model";
const SUBJECT_FROM: &str = "JOIN run ON run.id = task.run JOIN job ON job.id = run.job
     JOIN prompt_set ON prompt_set.id = task.prompt_set JOIN prompt ON prompt.id = task.prompt
     JOIN market ON market.id = task.market JOIN target ON target.id = task.target";

impl Ledger {
    /// The task of an attempt, as a person knows it.
    pub(super) fn subject(&self, attempt: AttemptId) -> Result<Option<Subject>, LedgerError> {
        let sql = format!(
            "SELECT {SUBJECT} FROM attempt JOIN task ON task.id = attempt.task {SUBJECT_FROM}
                    WHERE attempt.id = :attempt"
        );
        Ok(self.db.prepare_cached(&sql)?.query_row(named_params! { ":attempt": attempt }, subject).optional()?)
    }

    /// How many tasks of a run are planned that have this in common.
    pub(super) fn planned_like(&self, run: RunId, part: &Part) -> Result<u64, LedgerError> {
        let (endpoint, place, language, target) = match part {
            Part::Market(endpoint, place, language) => (Some(endpoint), Some(*place), Some(language.as_str()), None),
            Part::Language(endpoint, language) => (Some(endpoint), None, Some(language.as_str()), None),
            Part::Place(endpoint, place) => (Some(endpoint), Some(*place), None, None),
            Part::Target(target) => (None, None, None, Some(target.0)),
        };
        let (engine, function) = endpoint.map(|(engine, function)| (engine.name(), function.name())).unzip();
        let sql = "SELECT count(*) FROM task INDEXED BY task_to_buy JOIN market ON market.id = task.market
                       JOIN target ON target.id = task.target
                   WHERE task.run = :run AND task.state = 0
                     AND (:location_code IS NULL OR market.location_code = :location_code)
                     AND (:language_code IS NULL OR market.language_code = :language_code)
                     AND (:target IS NULL OR task.target = :target)
                     AND (:engine IS NULL OR target.engine = :engine AND target.function = :function)";
        Ok(self.db.prepare_cached(sql)?.query_row(
            named_params! {
                ":run": run, ":location_code": place, ":language_code": language, ":target": target,
                ":engine": engine, ":function": function,
            },
            only,
        )?)
    }

    /// Failed tasks of a run, by what they have in common, those that are most first. What the job file no longer asks
    /// and was never bought has not failed.
    pub(super) fn failed_alike(&self, run: RunId) -> Result<Vec<FailedAlike>, LedgerError> {
        self.alike(run, "task_reason.name", "task.state = 4 AND task.reason <> 4")
    }

    /// Planned tasks of a run whose latest request was refused whole, in the same form: which of its tasks is to blame is not
    /// known.
    pub(super) fn refused_whole(&self, run: RunId) -> Result<Vec<FailedAlike>, LedgerError> {
        let that = "task.state = 0 AND task.asked = 1 AND attempt.state = 3 AND attempt.code IS NOT NULL";
        self.alike(run, "'refused_with_its_request'", that)
    }

    fn alike(&self, run: RunId, reason: &str, that: &str) -> Result<Vec<FailedAlike>, LedgerError> {
        let sql = format!(
            "SELECT {reason} AS reason, alike.code, alike.message, alike.tasks, alike.paid, {SUBJECT}
             FROM (SELECT task.reason, attempt.code, provider_message.message, count(*) AS tasks, min(task.id) AS one,
                          sum(coalesce(settled_nano, posted_nano, 0)) AS paid
                   FROM task LEFT JOIN attempt ON attempt.id = task.attempt
                   LEFT JOIN provider_message ON provider_message.attempt = attempt.id
                   WHERE task.run = :run AND {that}
                   GROUP BY task.reason, attempt.code, provider_message.message, task.market, task.target,
                       task.prompt_set)
                  AS alike
             LEFT JOIN task_reason ON task_reason.reason = alike.reason JOIN task ON task.id = alike.one {SUBJECT_FROM}
             ORDER BY alike.tasks DESC, alike.one"
        );
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement.query_map(named_params! { ":run": run }, |row| {
            Ok(FailedAlike {
                reason: row.get("reason")?,
                code: row.get("code")?,
                message: row.get("message")?,
                tasks: row.get("tasks")?,
                paid: row.get("paid")?,
                subject: subject(row)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Reads the columns of [`SUBJECT`].
fn subject(row: &Row<'_>) -> rusqlite::Result<Subject> {
    let code: u32 = row.get("location_code")?;
    let (location, language): (Option<String>, String) = (row.get("location_name")?, row.get("language_code")?);
    let model: String = row.get("model")?;
    Ok(Subject {
        job: row.get("job")?,
        job_file: row.get("path")?,
        period: row.get("period")?,
        set: row.get("prompt_set")?,
        line: row.get("line")?,
        prompt: row.get("prompt")?,
        market: (code > 0).then(|| format!("{}/{language}", location.unwrap_or_else(|| code.to_string()))),
        engine: named(row, "engine")?,
        function: named(row, "function")?,
        model: Some(model).filter(|model| !model.is_empty()),
    })
}
