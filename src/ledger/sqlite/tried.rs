//! What a run has tried already: a plan leaves it alone, and counts only the rest.

use std::collections::HashMap;

use rusqlite::named_params;

use super::Tried;
use super::columns::task_state;
use super::{Ledger, LedgerError};
use crate::ids::RunId;
use crate::job::{Job, PromptSet, Target};
use crate::market::Market;
use crate::plan::Stand;
use crate::task::{Reason, TaskState};

impl Ledger {
    /// What a run has tried of what a job asks now. Reads all that it tried.
    pub(super) fn tried(&self, run: RunId, job: &Job) -> Result<Tried, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT prompt.hash, task.market, task.target, task.repeat, task.state, task.reason
             FROM task JOIN prompt ON prompt.id = task.prompt WHERE task.run = :run AND task.state <> 0",
        )?;
        let mut rows = statement.query(named_params! { ":run": run })?;
        let mut stands = HashMap::new();
        while let Some(row) = rows.next()? {
            // Read by their order: there are as many as were tried.
            let (hash, market, target, repeat, state, reason) = row.try_into()?;
            let stand = match task_state(state, reason)? {
                TaskState::Planned | TaskState::Failed(Reason::DroppedByJob) => continue,
                TaskState::Sending => Stand::InDoubt,
                TaskState::Failed(Reason::Refused) => Stand::Refused,
                TaskState::Submitted | TaskState::Answered | TaskState::Failed(_) => Stand::Bought,
            };
            stands.insert((hash, market, target, repeat), stand);
        }
        Ok(Tried { stands, markets: self.numbers_of_markets(job)?, targets: self.numbers_of_targets(job)? })
    }

    fn numbers_of_markets(&self, job: &Job) -> Result<Vec<Vec<Option<i64>>>, LedgerError> {
        let mut statement = self.db.prepare("SELECT location_code, language_code, id FROM market")?;
        let rows = statement
            .query_map([], |row| Ok(((row.get("location_code")?, row.get("language_code")?), row.get("id")?)))?;
        let known: HashMap<(u32, String), i64> = rows.collect::<Result<_, _>>()?;
        let nowhere = Market::nowhere();
        let number = |market: &Market| known.get(&(market.location_code, market.language_code.clone())).copied();
        let of_set = |set: &PromptSet| set.markets.iter().chain([&nowhere]).map(number).collect();
        Ok(job.sets.iter().map(of_set).collect())
    }

    fn numbers_of_targets(&self, job: &Job) -> Result<Vec<Vec<Option<i64>>>, LedgerError> {
        let mut statement = self.db.prepare("SELECT engine, function, model, options, id FROM target")?;
        let rows = statement.query_map([], |row| {
            let target = (row.get("engine")?, row.get("function")?, row.get("model")?, row.get("options")?);
            Ok((target, row.get("id")?))
        })?;
        let known: HashMap<(String, String, String, String), i64> = rows.collect::<Result<_, _>>()?;
        let number = |target: &Target| {
            let model = target.model.clone().unwrap_or_default();
            let (engine, function) = (target.engine.name().to_owned(), target.function.name().to_owned());
            known.get(&(engine, function, model, target.options_json())).copied()
        };
        Ok(job.sets.iter().map(|set| set.targets.iter().map(number).collect()).collect())
    }
}
