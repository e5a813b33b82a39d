//! What is read from the ledger while it buys and collects, each by an index: no step looks at all tasks.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::tasks::service_from;
use super::vendor_id::vendor_text;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, BatchId, RunId, TargetId, TaskId};
use crate::money::Money;
use crate::offer::{Engine, Function, Method, Priority, ResultKind};
use crate::tag::{LedgerId, Tag};
use crate::task::{Identity, Question, QuestionKey};

/// A task that is next in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToBuy {
    /// Which.
    pub task: TaskId,
    /// Its place in the plan.
    pub position: i64,
    /// What is asked of whom.
    pub target: TargetId,
    /// By which method.
    pub method: Method,
    /// At which priority.
    pub priority: Priority,
    /// Its latest attempt.
    pub previous: Option<AttemptId>,
    /// How many attempts it has had.
    pub attempts: u32,
}

impl ToBuy {
    pub(super) fn from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let (method, priority) = service_from(row.get(at + 3)?);
        Ok(Self {
            task: TaskId(row.get(at)?),
            position: row.get(at + 1)?,
            target: TargetId(row.get(at + 2)?),
            method,
            priority,
            previous: row.get::<_, Option<i64>>(at + 4)?.map(AttemptId),
            attempts: row.get::<_, Option<u32>>(at + 5)?.unwrap_or(0),
        })
    }
}

/// A target as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// Whose answers.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// Which model, where the function asks for one.
    pub model: Option<String>,
}

/// What is asked of whom, and where: what the tasks of one market and target have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose answer.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// The place.
    pub location_code: u32,
    /// The language.
    pub language_code: String,
    /// The options, as a JSON object.
    pub options: String,
}

/// A run by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName {
    /// The ledger that holds it.
    pub ledger: LedgerId,
    /// Its job.
    pub job: String,
    /// Its period.
    pub period: String,
}

/// One task of a batch, with all that goes over the wire and that its tag is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its number, from 1.
    pub number: u32,
    /// Whose.
    pub run: Arc<RunName>,
    /// What is asked of whom.
    pub asked: Arc<Asked>,
    /// The text that the engine is to read.
    pub prompt: String,
    /// Which of the question's repeats.
    pub repeat: u32,
    /// At which priority.
    pub priority: Priority,
}

impl Order {
    /// The tag of the attempt.
    pub fn tag(&self) -> Tag {
        let question = Question {
            engine: self.asked.engine,
            function: self.asked.function,
            prompt: &self.prompt,
            location_code: self.asked.location_code,
            language_code: &self.asked.language_code,
            options: &self.asked.options,
        };
        let (job, period) = (&*self.run.job, &*self.run.period);
        let task = Identity { job, period, question: question.key(), repeat: self.repeat };
        Tag::of(&self.run.ledger, self.attempt.0, &task, self.number)
    }
}

/// A batch with an outcome that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubted {
    /// Which.
    pub batch: BatchId,
    /// Whose.
    pub run: RunId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// The vendor cannot have seen it before.
    pub sent_v: i64,
    /// The connection was gone by then; not known until the vendor's clock is seen again.
    pub closed_v: Option<i64>,
    /// How many attempts are unresolved.
    pub attempts: u64,
    /// What is held for them.
    pub held: Money,
}

/// A batch with answers still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// Which.
    pub batch: BatchId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// When it was bought, by the vendor's clock.
    pub posted_v: i64,
    /// How many answers are to come.
    pub uncollected: u64,
    /// Some of its tasks are at high priority and none at normal.
    pub all_high: bool,
}

/// An answer to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToCollect {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Its batch.
    pub batch: BatchId,
    /// The vendor's id.
    pub vendor_id: String,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// The forms that are not here yet, in the order in which they are fetched.
    pub kinds: Vec<ResultKind>,
    /// The attempt's number, from 1.
    pub number: u32,
    /// Whose.
    pub run: RunId,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// Which.
    pub run: RunId,
    /// Its job.
    pub job: String,
    /// Its period.
    pub period: String,
    /// `open`, `complete` or `closed`.
    pub state: String,
    /// Tasks, by state and reason in words.
    pub tasks: Vec<(String, u64)>,
    /// Bought, and no longer asked.
    pub no_longer_asked: u64,
    /// Its ceiling, what is spent and what is held.
    pub total: super::Total,
    /// Its batches in doubt.
    pub in_doubt: Vec<StatusBatch>,
}

/// A batch in doubt as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusBatch {
    /// Which.
    pub batch: BatchId,
    /// Why its outcome is not known.
    pub why: String,
    /// When it was sent, by the vendor's clock.
    pub sent_v: i64,
    /// Since when its connection is gone.
    pub closed_v: Option<i64>,
    /// How many attempts.
    pub attempts: u64,
    /// What is held for them.
    pub held: Money,
}

/// The columns that make a task's identity, from `IDENTITY_FROM`.
pub(super) const IDENTITY: &str = "job.name, run.period, target.engine, target.function, prompt.text, market.location_code || ' ' || market.language_code, target.options, task.repeat";
/// The rows that they come from, joined to `task`.
pub(super) const IDENTITY_FROM: &str = "JOIN run ON run.id = task.run JOIN job ON job.id = run.job
     JOIN target ON target.id = task.target JOIN prompt ON prompt.id = task.prompt JOIN market ON market.id = task.market";

/// A task's identity with its texts.
pub(super) struct OwnedIdentity {
    job: String,
    period: String,
    question: QuestionKey,
    repeat: u32,
}

impl OwnedIdentity {
    pub(super) fn as_identity(&self) -> Identity<'_> {
        Identity { job: &self.job, period: &self.period, question: self.question, repeat: self.repeat }
    }
}

/// Reads the first eight columns, which are [`IDENTITY`].
pub(super) fn identity(row: &Row<'_>) -> rusqlite::Result<OwnedIdentity> {
    let market: String = row.get(5)?;
    let (location_code, language_code) = market.split_once(' ').unwrap_or(("0", ""));
    let prompt: String = row.get(4)?;
    let options: String = row.get(6)?;
    let question = Question {
        engine: named(row, 2)?,
        function: named(row, 3)?,
        prompt: &prompt,
        location_code: location_code.parse().unwrap_or(0),
        language_code,
        options: &options,
    };
    Ok(OwnedIdentity { job: row.get(0)?, period: row.get(1)?, question: question.key(), repeat: row.get(7)? })
}

/// A word that stands for one of an enum's variants.
pub(super) fn named<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let word: String = row.get(at)?;
    word.parse().map_err(|_| {
        let what = format!("`{word}` is a word of a newer bursar");
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, what.into())
    })
}

fn run_name(db: &Connection, ledger: &LedgerId, run: i64) -> Result<RunName, LedgerError> {
    let sql = "SELECT job.name, run.period FROM run JOIN job ON job.id = run.job WHERE run.id = ?1";
    Ok(db.query_row(sql, [run], |row| Ok(RunName { ledger: ledger.clone(), job: row.get(0)?, period: row.get(1)? }))?)
}

fn asked_of(db: &Connection, market: i64, target: i64) -> Result<Asked, LedgerError> {
    let sql = "SELECT target.engine, target.function, market.location_code, market.language_code, target.options
               FROM market, target WHERE market.id = ?1 AND target.id = ?2";
    Ok(db.query_row(sql, [market, target], |row| {
        Ok(Asked {
            engine: named(row, 0)?,
            function: named(row, 1)?,
            location_code: row.get(2)?,
            language_code: row.get(3)?,
            options: row.get(4)?,
        })
    })?)
}

impl Ledger {
    /// The next tasks to buy of a run, after a place in its plan.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn next_to_buy(&self, run: RunId, after: i64, most: usize) -> Result<Vec<ToBuy>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT task.id, task.position, task.target, task.service, task.attempt, attempt.number
             FROM task INDEXED BY task_to_buy LEFT JOIN attempt ON attempt.id = task.attempt
             WHERE task.run = ?1 AND task.state = 0 AND task.position > ?2 ORDER BY task.position LIMIT ?3",
        )?;
        let rows = statement.query_map((run.0, after, most), |row| ToBuy::from_row(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A target.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn target(&self, target: TargetId) -> Result<TargetFacts, LedgerError> {
        Ok(self.db.query_row("SELECT engine, function, model FROM target WHERE id = ?1", [target.0], |row| {
            let model: String = row.get(2)?;
            Ok(TargetFacts {
                engine: named(row, 0)?,
                function: named(row, 1)?,
                model: Some(model).filter(|m| !m.is_empty()),
            })
        })?)
    }

    /// The tasks of a batch as they go over the wire, in the order of their attempts.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn orders(&mut self, batch: BatchId) -> Result<Vec<Order>, LedgerError> {
        let Self { db, id, names, asked, .. } = self;
        let (run, first, attempts): (i64, i64, i64) = db
            .prepare_cached("SELECT run, first_attempt, attempts FROM batch WHERE id = ?1")?
            .query_row([batch.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let name = match names.entry(run) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(run_name(db, id, run)?))),
        };
        let mut statement = db.prepare_cached(
            "SELECT attempt.id, attempt.number, task.market, task.target, task.repeat, task.service, prompt.text
             FROM attempt JOIN task ON task.id = attempt.task JOIN prompt ON prompt.id = task.prompt
             WHERE attempt.id BETWEEN ?1 AND ?2 ORDER BY attempt.id",
        )?;
        let mut rows = statement.query((first, first + attempts - 1))?;
        let mut orders = Vec::with_capacity(usize::try_from(attempts).unwrap_or(0));
        while let Some(row) = rows.next()? {
            let (market, target): (i64, i64) = (row.get(2)?, row.get(3)?);
            let asked = match asked.entry((market, target)) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(asked_of(db, market, target)?))),
            };
            orders.push(Order {
                attempt: AttemptId(row.get(0)?),
                number: row.get(1)?,
                run: Arc::clone(&name),
                asked,
                prompt: row.get(6)?,
                repeat: row.get(4)?,
                priority: service_from(row.get(5)?).1,
            });
        }
        Ok(orders)
    }

    /// The batches of an account with an unknown outcome.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn doubted(&self, account: AccountId) -> Result<Vec<Doubted>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, run, engine, function, sent_v, closed_v, unresolved, held_nano
             FROM batch INDEXED BY batch_unresolved WHERE account = ?1 AND unresolved > 0 ORDER BY id",
        )?;
        let rows = statement.query_map([account.0], |row| {
            Ok(Doubted {
                batch: BatchId(row.get(0)?),
                run: RunId(row.get(1)?),
                engine: named(row, 2)?,
                function: named(row, 3)?,
                sent_v: row.get(4)?,
                closed_v: row.get(5)?,
                attempts: row.get(6)?,
                held: Money::from_nanos(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The unresolved attempts of a batch.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn unresolved(&self, batch: BatchId) -> Result<Vec<AttemptId>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.id FROM batch JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.id = ?1 AND attempt.state = 0",
        )?;
        let rows = statement.query_map([batch.0], |row| row.get(0).map(AttemptId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The batches of an account that have answers to come, oldest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn open_batches(&self, account: AccountId) -> Result<Vec<OpenBatch>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, engine, function, coalesce(posted_v, sent_v), uncollected,
                    NOT EXISTS (SELECT 1 FROM attempt JOIN task ON task.id = attempt.task
                                WHERE attempt.id BETWEEN first_attempt AND first_attempt + attempts - 1 AND task.service = 0)
             FROM batch INDEXED BY batch_uncollected WHERE account = ?1 AND uncollected > 0 ORDER BY id",
        )?;
        let rows = statement.query_map([account.0], |row| {
            Ok(OpenBatch {
                batch: BatchId(row.get(0)?),
                engine: named(row, 1)?,
                function: named(row, 2)?,
                posted_v: row.get(3)?,
                uncollected: row.get(4)?,
                all_high: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The answers of a batch that are still to come.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn uncollected(&self, batch: BatchId) -> Result<Vec<ToCollect>, LedgerError> {
        let ids: Vec<i64> = self
            .db
            .prepare_cached(
                "SELECT attempt.id FROM batch JOIN attempt
                 ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
                 WHERE batch.id = ?1 AND attempt.state = 1",
            )?
            .query_map([batch.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let each = ids.into_iter().map(|attempt| self.to_collect(AttemptId(attempt)));
        each.filter_map(Result::transpose).collect()
    }

    /// What is to be fetched for an attempt; `None` where nothing is.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn to_collect(&self, attempt: AttemptId) -> Result<Option<ToCollect>, LedgerError> {
        let found = self
            .db
            .prepare_cached(
                "SELECT attempt.vendor_id, attempt.batch, batch.engine, batch.function, run.results, attempt.number, batch.run,
                        (SELECT group_concat(kind) FROM answer WHERE answer.attempt = attempt.id)
                 FROM attempt JOIN batch ON batch.id = attempt.batch JOIN run ON run.id = batch.run
                 WHERE attempt.id = ?1 AND attempt.state = 1",
            )?
            .query_row([attempt.0], |row| {
                let results: String = row.get(4)?;
                let have: Option<String> = row.get(7)?;
                let have = have.unwrap_or_default();
                let wanted = results.split(',').filter(|kind| !have.split(',').any(|had| had == *kind));
                Ok(ToCollect {
                    attempt,
                    batch: BatchId(row.get(1)?),
                    vendor_id: vendor_text(row.get_ref(0)?).unwrap_or_default(),
                    engine: named(row, 2)?,
                    function: named(row, 3)?,
                    kinds: wanted.filter_map(|kind| kind.parse().ok()).collect(),
                    number: row.get(5)?,
                    run: RunId(row.get(6)?),
                })
            })
            .optional()?;
        // Fewer forms are asked for than when it was bought, and all of them are here: the last is fetched once more.
        Ok(found.map(|mut found| {
            if found.kinds.is_empty() {
                found.kinds.push(ResultKind::Advanced);
            }
            found
        }))
    }

    /// What one task of a kind was last charged.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn price_seen(&self, account: AccountId, price_key: &str) -> Result<Option<Money>, LedgerError> {
        Ok(self
            .db
            .prepare_cached("SELECT nano_usd FROM price_seen WHERE account = ?1 AND price_key = ?2")?
            .query_row((account.0, price_key), |row| row.get(0).map(Money::from_nanos))
            .optional()?)
    }

    /// When the vendor's list was first seen to show an unfinished task of ours.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn tag_proof(&self, account: AccountId, function: Function) -> Result<Option<i64>, LedgerError> {
        Ok(self
            .db
            .query_row(
                "SELECT seen_v FROM tag_proof WHERE account = ?1 AND function = ?2",
                (account.0, function.name()),
                |row| row.get(0),
            )
            .optional()?)
    }

    /// What is known of an account's vendor: the longest lag of its list in seconds, the span since when a restored
    /// ledger's purchases are unknown, and when it first had contact since.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn vendor_memory(&self, account: AccountId) -> Result<(i64, Option<i64>, Option<i64>), LedgerError> {
        Ok(self.db.query_row(
            "SELECT longest_lag_s, restored_from_v, restored_closed_v FROM account WHERE id = ?1",
            [account.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?)
    }

    /// The attempts that a complete look through spans of the vendor's list must show, with the times of their purchase.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn witnesses(&self, account: AccountId, spans: &[(i64, i64)]) -> Result<Vec<(AttemptId, i64)>, LedgerError> {
        let mut all = Vec::new();
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.id, batch.posted_v FROM batch INDEXED BY batch_by_time JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.account = ?1 AND batch.posted_v BETWEEN ?2 AND ?3 AND attempt.state IN (1, 2, 6)",
        )?;
        for (from_v, to_v) in spans {
            // The edges of a span belong to it or not; what the vendor dates a second off is no witness.
            let rows = statement
                .query_map((account.0, from_v + 2, to_v - 2), |row| Ok((AttemptId(row.get(0)?), row.get(1)?)))?;
            all.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(all)
    }

    /// What an attempt in doubt was to buy, and how to ask for its answer under the id that the vendor gave it.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn in_doubt(&self, attempt: AttemptId, vendor_id: &str) -> Result<(ToBuy, ToCollect), LedgerError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT task.id, task.position, task.target, task.service, task.attempt, attempt.number,
                        attempt.batch, batch.engine, batch.function, run.results, batch.run
                 FROM attempt JOIN task ON task.id = attempt.task JOIN batch ON batch.id = attempt.batch
                 JOIN run ON run.id = batch.run WHERE attempt.id = ?1",
            )?
            .query_row([attempt.0], |row| {
                let results: String = row.get(9)?;
                let collect = ToCollect {
                    attempt,
                    batch: BatchId(row.get(6)?),
                    vendor_id: vendor_id.to_owned(),
                    engine: named(row, 7)?,
                    function: named(row, 8)?,
                    kinds: results.split(',').filter_map(|kind| kind.parse().ok()).collect(),
                    number: row.get(5)?,
                    run: RunId(row.get(10)?),
                };
                Ok((ToBuy::from_row(row, 0)?, collect))
            })?)
    }

    /// The endpoint of a batch.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn endpoint(&self, batch: BatchId) -> Result<(Engine, Function), LedgerError> {
        Ok(self
            .db
            .prepare_cached("SELECT engine, function FROM batch WHERE id = ?1")?
            .query_row([batch.0], |row| Ok((named(row, 0)?, named(row, 1)?)))?)
    }

    /// The purchase that a look from a moment on must go back to, so that there is one that it must show: the latest
    /// before it, or the first after it where there is none. Nothing before `reach_v`, where the vendor's list begins, and
    /// nothing after `until_v`, since it may not show that yet.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn witness_for(
        &self,
        account: AccountId,
        from_v: i64,
        until_v: i64,
        reach_v: i64,
    ) -> Result<Option<i64>, LedgerError> {
        let of = |what: &str, from_v: i64, to_v: i64| {
            // Paid failures are no witnesses: not every list shows them.
            let sql = format!(
                "SELECT {what}(posted_v) FROM batch INDEXED BY batch_by_time
                 WHERE account = ?1 AND posted_v >= ?2 AND posted_v <= ?3
                 AND EXISTS (SELECT 1 FROM attempt
                     WHERE attempt.id BETWEEN first_attempt AND first_attempt + attempts - 1 AND attempt.state IN (1, 2, 6))"
            );
            self.db.prepare_cached(&sql)?.query_row((account.0, from_v, to_v), |row| row.get::<_, Option<i64>>(0))
        };
        let before = of("max", reach_v, until_v.min(from_v - 1))?;
        Ok(if before.is_some() { before } else { of("min", from_v, until_v)? })
    }

    /// Counts the tasks of a run by state: planned, sending, submitted, answered, failed. Looks at all of them, so it is
    /// for starts and ends.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn tally(&self, run: RunId) -> Result<[u64; 5], LedgerError> {
        let mut tally = [0; 5];
        let mut statement = self.db.prepare_cached(
            "SELECT state, count(*) FROM task WHERE run = ?1 AND NOT (state = 4 AND reason = 4) GROUP BY state",
        )?;
        let mut rows = statement.query([run.0])?;
        while let Some(row) = rows.next()? {
            let state: usize = row.get(0)?;
            tally[state.min(4)] = row.get(1)?;
        }
        Ok(tally)
    }
}
