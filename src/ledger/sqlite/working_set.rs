//! The working set of a commit: its attempts and their tasks, each read once and moved along the one table.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, named_params};

use super::LedgerError;
use super::bulk_writes::Mover;
use super::columns::task_state;
use crate::attempt::{AttemptState, Step};
use crate::ids::AttemptId;
use crate::money::Money;
use crate::task::{TaskState, Transition};

/// An attempt and its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) id: i64,
    pub(super) task: i64,
    pub(super) batch: i64,
    pub(super) state: AttemptState,
    pub(super) held: Money,
}

/// A task, and the attempt that it follows.
#[derive(Clone, Copy, Debug)]
struct Task {
    state: TaskState,
    latest: Option<i64>,
    /// Its row does not name that attempt yet.
    is_new: bool,
}

/// What a commit has to do with, as it stands within the commit.
pub(super) struct WorkingSet<'t> {
    attempts: BTreeMap<i64, Attempt>,
    tasks: HashMap<i64, Task>,
    mover: Mover<'t>,
}

impl<'t> WorkingSet<'t> {
    /// Reads attempts and their tasks. Those of a batch stand in a row, so a batch is one scan.
    pub(super) fn read(write: &'t Connection, mut attempts: Vec<i64>) -> Result<Self, LedgerError> {
        attempts.sort_unstable();
        attempts.dedup();
        let mut working_set = Self { attempts: BTreeMap::new(), tasks: HashMap::new(), mover: Mover::new(write)? };
        for run in attempts.chunk_by(|before, next| before + 1 == *next) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            working_set.read_run(write, *first, *last)?;
        }
        Ok(working_set)
    }

    fn read_run(&mut self, write: &Connection, first: i64, last: i64) -> Result<(), LedgerError> {
        let mut statement = write.prepare_cached(
            "SELECT attempt.id, attempt.task, attempt.batch, attempt.state, attempt.held_nano,
                    task.state, task.reason, task.attempt
             FROM attempt JOIN task ON task.id = attempt.task WHERE attempt.id BETWEEN :first AND :last",
        )?;
        let mut rows = statement.query(named_params! { ":first": first, ":last": last })?;
        while let Some(row) = rows.next()? {
            // Read by their order: every step of a task begins with such a row.
            let (id, task, batch, state, held, task_stands, reason, latest) = row.try_into()?;
            self.tasks.insert(task, Task { state: task_state(task_stands, reason)?, latest, is_new: false });
            self.attempts.insert(id, Attempt { id, task, batch, state, held });
        }
        Ok(())
    }

    /// The attempt, if it is in one of the states; otherwise what is to be recorded is known already.
    pub(super) fn in_state(&self, attempt: AttemptId, states: &[AttemptState]) -> Result<Option<Attempt>, LedgerError> {
        let found = self.attempts.get(&attempt.0);
        let found = found.ok_or_else(|| LedgerError::Unexpected(format!("there is no attempt {attempt}")))?;
        Ok(states.contains(&found.state).then_some(*found))
    }

    /// An attempt takes a step; where it stands then.
    pub(super) fn goes(&mut self, attempt: Attempt, step: Step) -> Result<AttemptState, LedgerError> {
        let state = attempt.state.next(step)?;
        self.attempts.insert(attempt.id, Attempt { state, ..attempt });
        Ok(state)
    }

    /// A new attempt of a task that stands there, and follows it from now on.
    pub(super) fn begins(&mut self, attempt: Attempt, state: TaskState) {
        self.attempts.insert(attempt.id, attempt);
        self.tasks.insert(attempt.task, Task { state, latest: Some(attempt.id), is_new: true });
    }

    /// Moves an attempt's task, which follows its latest attempt alone: an older one can only still move money. `false` for
    /// such a one.
    pub(super) fn move_task_of(&mut self, attempt: Attempt, transition: Transition) -> Result<bool, LedgerError> {
        let Some(task) = self.tasks.get_mut(&attempt.task).filter(|task| task.latest == Some(attempt.id)) else {
            return Ok(false);
        };
        let new = task.is_new.then_some(attempt.id);
        task.state = self.mover.go(attempt.task, task.state, transition, new)?;
        Ok(true)
    }

    /// Writes the moves of tasks that are not written yet.
    pub(super) fn finish(self) -> Result<(), LedgerError> {
        self.mover.finish()
    }
}
