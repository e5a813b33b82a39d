//! The rows of a plan: prompts, markets, targets and tasks, in the order in which they are bought.
//!
//! A run is planned as a whole in its first session, and again only if something has changed that the order depends
//! on. Bought tasks stay, whatever the job file says now. Tasks that are no longer asked and were never bought leave.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params};

use super::Edited;
use super::columns::only;
use super::register::may_be_forgotten;
use super::{Ledger, LedgerError, PlanWriter};
use crate::ids::RunId;
use crate::job::{Job, PromptSet, Target};
use crate::market::Market;
use crate::plan::BuyingOrder;
use crate::product::{Method, Priority};
use crate::task::{Reason, TaskState};

/// What becomes of a task that the run has already: a bought one keeps how it was bought; a dropped one that is asked again
/// is planned again, and so is one that was refused at no cost and is to be bought in another way. A first plan has none, and is written at twice the speed without this.
fn keep_what_is_bought() -> String {
    let refused = failed_for(Reason::Refused);
    let dropped = format!("({}) OR ({refused} AND service <> excluded.service)", failed_for(Reason::DroppedByJob));
    let (planned, _) = TaskState::Planned.numbers();
    format!(
        "DO UPDATE SET asked = 1, position = excluded.position, prompt_set = excluded.prompt_set,
             service = iif(state = {planned} OR ({dropped}), excluded.service, service),
             state = iif({dropped}, {planned}, state), reason = iif({dropped}, NULL, reason)"
    )
}

/// A task that failed for this reason: `Transition::Drop` and `Transition::Reopen` are made for all of a run at once here.
fn failed_for(reason: Reason) -> String {
    let (failed, reason) = TaskState::Failed(reason).numbers();
    format!("state = {failed} AND reason = {}", reason.unwrap_or_default())
}

/// A plan on its way into the ledger. Nothing of it is seen before [`PlanRows::finish`].
#[derive(Debug)]
pub(super) struct PlanRows<'a> {
    write: rusqlite::Transaction<'a>,
    run: i64,
    /// The row of each of the job's prompts.
    prompts: Vec<i64>,
}

impl Ledger {
    /// True where the run is planned by exactly this plan.
    pub(super) fn is_planned(&self, run: RunId, plan_hash: [u8; 32]) -> Result<bool, LedgerError> {
        let known: Option<Vec<u8>> = self
            .db
            .query_row("SELECT plan_hash FROM run WHERE id = :run", named_params! { ":run": run }, only)
            .optional()?
            .flatten();
        Ok(known.as_deref() == Some(&plan_hash[..]))
    }

    /// A plan that has not changed may stand on other lines of its file by now.
    pub(super) fn keep_lines(&mut self, run: RunId, job: &Job) -> Result<(), LedgerError> {
        for set in &job.sets {
            self.db
                .prepare_cached(
                    "UPDATE prompt_set SET line = :line WHERE run = :run AND name = :name
                                 AND line IS NOT :line",
                )?
                .execute(named_params! { ":run": run, ":name": &set.name, ":line": set.at.line })?;
        }
        Ok(())
    }

    /// Begins to write a run's plan.
    pub(super) fn plan_rows(&mut self, run: RunId) -> Result<PlanRows<'_>, LedgerError> {
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(PlanRows { write, run: run.0, prompts: Vec::new() })
    }
}

impl PlanWriter for PlanRows<'_> {
    /// Stores the text of the job's next distinct prompt.
    ///
    /// # Errors
    /// The ledger cannot be written.
    fn prompt(&mut self, hash: [u8; 16], text: &str) -> Result<(), LedgerError> {
        let known: Option<i64> = self
            .write
            .prepare_cached("SELECT id FROM prompt WHERE hash = :hash")?
            .query_row(named_params! { ":hash": hash }, only)
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            self.write
                .prepare_cached("INSERT INTO prompt (hash, text) VALUES (:hash, :text)")?
                .execute(named_params! { ":hash": hash, ":text": text })?;
            self.write.last_insert_rowid()
        };
        self.prompts.push(id);
        Ok(())
    }

    /// Writes the tasks in their order and takes out what is asked no longer. All prompts were stored before.
    ///
    /// # Errors
    /// Nothing was written.
    fn finish(
        self: Box<Self>,
        job: &Job,
        order: BuyingOrder<'_>,
        plan_hash: [u8; 32],
        now: i64,
    ) -> Result<Edited, LedgerError> {
        let Self { write, run, prompts } = *self;
        let sets = job.sets.iter().map(|set| prompt_set(&write, run, set)).collect::<Result<Vec<_>, _>>()?;
        let of_sets = |row: &dyn Fn(&PromptSet) -> Result<Vec<i64>, LedgerError>| {
            job.sets.iter().map(row).collect::<Result<Vec<_>, _>>()
        };
        // Behind the markets of each set, the place of what is asked without one.
        let markets = of_sets(&|set| {
            let nowhere = set.targets.iter().any(|target| !target.product().has_place).then(Market::nowhere);
            set.markets.iter().chain(&nowhere).map(|market| market_row(&write, market)).collect()
        })?;
        let targets = of_sets(&|set| set.targets.iter().map(|target| target_row(&write, target)).collect())?;
        let replanned: bool = write.query_row(
            "SELECT EXISTS (SELECT 1 FROM task WHERE run = :run)",
            named_params! { ":run": run },
            only,
        )?;
        if replanned {
            write.execute("UPDATE task SET asked = 0 WHERE run = :run", named_params! { ":run": run })?;
            write.execute(
                "DELETE FROM task_also_in WHERE task IN (SELECT id FROM task WHERE run = :run)",
                named_params! { ":run": run },
            )?;
        }
        let highest = |write: &Connection| write.query_row("SELECT coalesce(max(id), 0) FROM task", [], only::<i64>);
        let before = highest(&write)?;
        let kept = if replanned { keep_what_is_bought() } else { "DO NOTHING".to_owned() };
        Rows { run, prompts, sets, markets, targets }.insert(&write, job, order, &kept)?;
        let mut edited = Edited { joined: (highest(&write)? - before).unsigned_abs(), ..Edited::default() };
        if replanned {
            if edited.joined > 0 {
                may_be_forgotten(&write, run, 0)?;
            }
            let ((failed, reason), (planned, _)) =
                (TaskState::Failed(Reason::DroppedByJob).numbers(), TaskState::Planned.numbers());
            edited.left = write.execute(
                &format!(
                    "UPDATE task SET state = :state, reason = :reason WHERE run = :run AND asked = 0
                     AND (state = :planned OR ({}))",
                    failed_for(Reason::Refused)
                ),
                named_params! { ":run": run, ":state": failed, ":reason": reason, ":planned": planned },
            )? as u64;
            let sql = format!(
                "SELECT count(*) FROM task WHERE run = :run AND asked = 0 AND NOT ({})",
                failed_for(Reason::DroppedByJob)
            );
            edited.no_longer_asked = write.query_row(&sql, named_params! { ":run": run }, only)?;
            let what = format!(
                "planned anew: {} tasks joined, {} left unbought, {} bought ones are no longer asked",
                edited.joined, edited.left, edited.no_longer_asked
            );
            write.execute(
                "INSERT INTO change (run, at, what) VALUES (:run, :at, :what)",
                named_params! { ":run": run, ":at": now, ":what": what },
            )?;
        }
        write.execute(
            "UPDATE run SET plan_hash = :plan_hash WHERE id = :run",
            named_params! { ":run": run, ":plan_hash": &plan_hash[..] },
        )?;
        write.commit()?;
        Ok(edited)
    }
}

/// The rows that the numbers of a plan's steps stand for.
struct Rows {
    run: i64,
    prompts: Vec<i64>,
    sets: Vec<i64>,
    /// Of each set.
    markets: Vec<Vec<i64>>,
    /// Of each set.
    targets: Vec<Vec<i64>>,
}

impl Rows {
    /// Writes the tasks in their order; `kept` says what becomes of those that are there.
    fn insert(&self, write: &Connection, job: &Job, mut order: BuyingOrder<'_>, kept: &str) -> Result<(), LedgerError> {
        let mut insert = write.prepare(&format!(
            "INSERT INTO task (run, prompt, market, target, repeat, prompt_set, service, position)
             VALUES (:run, :prompt, :market, :target, :repeat, :prompt_set, :service, :position)
                 ON CONFLICT (run, prompt, market, target, repeat) {kept}"
        ))?;
        let mut also = write.prepare(
            "INSERT INTO task_also_in (task, prompt_set)
             SELECT id, :prompt_set FROM task
             WHERE run = :run AND prompt = :prompt AND market = :market AND target = :target AND repeat = :repeat",
        )?;
        // Bound in the order in which the statement names them: a plan has a million rows, and looking each name up would
        // cost a twelfth of the time that they take.
        let overlap = order.sets_overlap();
        let mut position = 0_i64;
        while let Some(step) = order.next() {
            position += 1;
            let target = &job.sets[step.set].targets[step.target];
            let places = &self.markets[step.set];
            let market = places[step.market.unwrap_or(places.len() - 1)];
            let (prompt, asked) = (self.prompts[step.prompt as usize], self.targets[step.set][step.target]);
            let (set, way) = (self.sets[step.set], service(target.method, target.priority));
            insert.execute((self.run, prompt, market, asked, step.repeat, set, way, position))?;
            if overlap {
                for set in order.also_in(step) {
                    also.execute(named_params! {
                        ":run": self.run, ":prompt": prompt, ":market": market, ":target": asked, ":repeat": step.repeat,
                        ":prompt_set": self.sets[set],
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// The ledger's number of a way to buy.
fn service(method: Method, priority: Priority) -> i64 {
    match (method, priority) {
        (Method::Standard, Priority::Normal) => 0,
        (Method::Standard, Priority::High) => 1,
        (Method::Live, _) => 2,
    }
}

/// The way to buy behind the ledger's number.
pub(super) fn service_from(number: i64) -> rusqlite::Result<(Method, Priority)> {
    match number {
        0 => Ok((Method::Standard, Priority::Normal)),
        1 => Ok((Method::Standard, Priority::High)),
        2 => Ok((Method::Live, Priority::Normal)),
        _ => Err(rusqlite::Error::IntegralValueOutOfRange(0, number)),
    }
}

fn prompt_set(write: &Connection, run: i64, set: &PromptSet) -> Result<i64, LedgerError> {
    Ok(write.query_row(
        "INSERT INTO prompt_set (run, name, weight, longest_prompt, ceiling_nano, line)
         VALUES (:run, :name, :weight, :longest_prompt, :ceiling_nano, :line)
         ON CONFLICT (run, name) DO UPDATE SET weight = excluded.weight, longest_prompt = excluded.longest_prompt,
             ceiling_nano = excluded.ceiling_nano, line = excluded.line
         RETURNING id",
        named_params! {
            ":run": run, ":name": &set.name, ":weight": set.weight, ":longest_prompt": set.longest_prompt,
            ":ceiling_nano": set.max_cost_per_task, ":line": set.at.line,
        },
        only,
    )?)
}

/// Names are kept as they were first seen; the codes decide.
fn market_row(write: &Connection, market: &Market) -> Result<i64, LedgerError> {
    Ok(write.query_row(
        "INSERT INTO market (location_code, location_name, language_code, language_name)
         VALUES (:location_code, :location_name, :language_code, :language_name)
         ON CONFLICT (location_code, language_code) DO UPDATE
             SET location_name = coalesce(location_name, excluded.location_name)
         RETURNING id",
        named_params! {
            ":location_code": market.location_code, ":location_name": &market.location_name,
            ":language_code": &market.language_code, ":language_name": &market.language_name,
        },
        only,
    )?)
}

fn target_row(write: &Connection, target: &Target) -> Result<i64, LedgerError> {
    Ok(write.query_row(
        "INSERT INTO target (engine, function, model, options) VALUES (:engine, :function, :model, :options)
         ON CONFLICT (engine, function, model, options) DO UPDATE SET model = model RETURNING id",
        named_params! {
            ":engine": target.engine.name(), ":function": target.function.name(),
            ":model": target.model.as_deref().unwrap_or_default(), ":options": target.options_json(),
        },
        only,
    )?)
}
