//! Bulk writes: the rows that are written for each task of a batch.
//!
//! The tasks of a first plan are consecutive, and so are their attempts. One statement writes equal rows together,
//! because half of a row's cost is the statement around it.

use std::ops::RangeInclusive;

use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, named_params};

use super::LedgerError;
use super::columns::listed_done;
use crate::attempt::AttemptState;
use crate::ids::TaskId;
use crate::ledger::change::DraftTask;
use crate::money::Money;
use crate::price::NamedIn;
use crate::task::{TaskState, Transition};

/// Writes the attempts of a batch. Those of tasks that stand in a row, none of them bought before, go by one statement.
pub(super) fn insert_attempts(
    write: &Connection,
    batch: i64,
    mut attempt: i64,
    tasks: &[DraftTask],
) -> Result<(), LedgerError> {
    let mut insert = write.prepare_cached(
        "INSERT INTO attempt (id, task, batch, number, held_nano, previous)
         SELECT id + :offset, id, :batch, :number, :held_nano, :previous FROM task WHERE id BETWEEN :first AND :last",
    )?;
    for row in tasks.chunk_by(stand_in_a_row) {
        let (Some(DraftTask { task: TaskId(first), hold, previous, number }), Some(last)) = (row.first(), row.last())
        else {
            continue;
        };
        let previous = previous.map(|previous| previous.0);
        let last = last.task.0;
        if insert.execute(named_params! {
            ":first": first, ":last": last, ":offset": attempt - first, ":batch": batch, ":number": number,
            ":held_nano": hold, ":previous": previous,
        })? != row.len()
        {
            return Err(LedgerError::Unexpected(format!("tasks {first} to {last} are not all there")));
        }
        attempt += last - first + 1;
    }
    Ok(())
}

/// Whether the rows of their attempts differ by nothing but their ids.
fn stand_in_a_row(one: &DraftTask, next: &DraftTask) -> bool {
    let DraftTask { task: TaskId(task), .. } = *one;
    DraftTask { task: TaskId(task + 1), ..*one } == *next && one.previous.is_none()
}

/// Writes attempts that the provider accepted.
pub(super) struct Acceptances<'t> {
    statement: CachedStatement<'t>,
    /// Accepted, and not written yet.
    row: Option<Accepted>,
}

/// Attempts that stand in a row, and were accepted at the same cost.
struct Accepted {
    attempts: RangeInclusive<i64>,
    from: AttemptState,
    /// The provider's id as it is kept; of several attempts, theirs one after the other, 16 bytes each.
    provider_ids: Value,
    cost: Money,
    /// Where the provider named it; `None`: nowhere.
    named_in: Option<NamedIn>,
}

impl<'t> Acceptances<'t> {
    pub(super) fn new(write: &'t Connection) -> Result<Self, LedgerError> {
        let statement = write.prepare_cached(
            "UPDATE attempt
             SET state = :state, posted_nano = :posted, settled_nano = :settled, listed_done = :listed_done, code = NULL,
                 provider_id = iif(typeof(:ids) = 'blob', substr(:ids, 16 * (id - :first) + 1, 16), :ids)
             WHERE id BETWEEN :first AND :last AND state = :from",
        )?;
        Ok(Self { statement, row: None })
    }

    /// The attempt, in this state so far, was accepted. It is written by [`Acceptances::write`] at the latest.
    pub(super) fn add(
        &mut self,
        (attempt, from): (i64, AttemptState),
        provider_id: Value,
        cost: Money,
        named_in: Option<NamedIn>,
    ) -> Result<(), LedgerError> {
        if let Some(Accepted { attempts, from: stood, provider_ids: Value::Blob(ids), cost: same, named_in: alike }) =
            &mut self.row
            && let Value::Blob(id) = &provider_id
            && *attempts.end() + 1 == attempt
            && (*stood, *same, *alike) == (from, cost, named_in)
        {
            *attempts = *attempts.start()..=attempt;
            ids.extend(id);
            return Ok(());
        }
        self.write()?;
        self.row = Some(Accepted { attempts: attempt..=attempt, from, provider_ids: provider_id, cost, named_in });
        Ok(())
    }

    /// Writes what was accepted so far. Without this it is lost.
    pub(super) fn write(&mut self) -> Result<(), LedgerError> {
        let Some(Accepted { attempts, from, provider_ids, cost, named_in }) = self.row.take() else { return Ok(()) };
        let (first, last) = (*attempts.start(), *attempts.end());
        let (posted, settled) = if named_in.is_none() { (None, Some(cost)) } else { (Some(cost), None) };
        let listed_done = named_in.and_then(listed_done);
        let state = AttemptState::Submitted;
        let written = self.statement.execute(named_params! {
            ":first": first, ":last": last, ":from": from, ":state": state, ":ids": provider_ids, ":posted": posted,
            ":settled": settled, ":listed_done": listed_done,
        })?;
        if written == attempts.count() {
            return Ok(());
        }
        let what = format!("attempts {first} to {last} were taken to be {from:?}, and only {written} of them were");
        Err(LedgerError::Unexpected(what))
    }
}

/// Moves tasks along the one table of their life. Tasks that stand in a row and take the same step go by one statement,
/// written when the row ends: a batch of a first plan is such a row, and a statement for each task costs twice as much.
pub(super) struct Mover<'t> {
    statement: CachedStatement<'t>,
    /// Moved, and not written yet.
    row: Option<(RangeInclusive<i64>, Step)>,
}

/// What happens to every task of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    from: TaskState,
    to: TaskState,
    /// How far the number of its new attempt is from the task's own, where there is a new one.
    attempt: Option<i64>,
}

impl<'t> Mover<'t> {
    pub(super) fn new(write: &'t Connection) -> Result<Self, LedgerError> {
        let statement = write.prepare_cached(
            "UPDATE task SET state = :state, reason = :reason, attempt = coalesce(id + :offset, attempt)
             WHERE id BETWEEN :first AND :last AND state = :from",
        )?;
        Ok(Self { statement, row: None })
    }

    /// Moves a task on from where it is known to stand, to a new attempt where there is one; where it stands then. It is
    /// written by [`Mover::finish`] at the latest.
    pub(super) fn go(
        &mut self,
        task: i64,
        from: TaskState,
        transition: Transition,
        attempt: Option<i64>,
    ) -> Result<TaskState, LedgerError> {
        let to = from.next(transition)?;
        let step = Step { from, to, attempt: attempt.map(|attempt| attempt - task) };
        match &mut self.row {
            Some((tasks, same)) if *same == step && *tasks.end() + 1 == task => *tasks = *tasks.start()..=task,
            _ => {
                self.write_row()?;
                self.row = Some((task..=task, step));
            }
        }
        Ok(to)
    }

    /// Writes what was moved last. Without this it is lost.
    pub(super) fn finish(mut self) -> Result<(), LedgerError> {
        self.write_row()
    }

    /// Every task of the row moves, or the commit fails: one did not stand where it was taken to stand.
    fn write_row(&mut self) -> Result<(), LedgerError> {
        let Some((tasks, Step { from, to, attempt })) = self.row.take() else { return Ok(()) };
        let (first, last) = (*tasks.start(), *tasks.end());
        let (state, reason) = to.numbers();
        let moved = self.statement.execute(named_params! {
            ":first": first, ":last": last, ":from": from.numbers().0, ":state": state, ":reason": reason,
            ":offset": attempt,
        })?;
        if moved == tasks.count() {
            return Ok(());
        }
        let what = format!("tasks {first} to {last} were taken to be {from:?}, and only {moved} of them were");
        Err(LedgerError::Unexpected(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AttemptId;

    /// Tasks 1 to 3 and 5, all planned.
    fn four() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../../schema.sql")).unwrap();
        db.execute_batch(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO task (id, run, prompt, market, target, repeat, prompt_set, service, position)
             SELECT value, 1, value, 1, 1, 1, 1, 0, value FROM json_each('[1, 2, 3, 5]')",
        )
        .unwrap();
        db
    }

    fn reserve(db: &Connection, tasks: &[i64]) -> Result<(), LedgerError> {
        let mut mover = Mover::new(db)?;
        for (attempt, task) in (10..).zip(tasks) {
            mover.go(*task, TaskState::Planned, Transition::Reserve, Some(attempt))?;
        }
        mover.finish()
    }

    #[test]
    fn each_task_moves_to_its_own_attempt() {
        for tasks in [[1, 2, 3, 5], [5, 3, 2, 1], [2, 3, 1, 5]] {
            let db = four();
            reserve(&db, &tasks).unwrap();
            for (attempt, task) in (10_i64..).zip(tasks) {
                let found: (i64, i64) = db
                    .query_row("SELECT state, attempt FROM task WHERE id = ?1", [task], |row| row.try_into())
                    .unwrap();
                assert_eq!(found, (1, attempt), "task {task} of {tasks:?}");
            }
        }
    }

    #[test]
    fn a_range_with_a_misplaced_task_is_refused() {
        let db = four();
        reserve(&db, &[2]).unwrap();
        for tasks in [vec![1, 2, 3], vec![3, 4], vec![5, 5], vec![2]] {
            let part = db.unchecked_transaction().unwrap();
            let error = reserve(&part, &tasks).unwrap_err().to_string();
            assert!(error.contains("were taken to be Planned"), "{tasks:?}: {error}");
        }
    }

    fn draft(task: i64, nanos: i64, previous: Option<i64>) -> DraftTask {
        let number = if previous.is_some() { 2 } else { 1 };
        DraftTask { task: TaskId(task), hold: Money::from_nanos(nanos), previous: previous.map(AttemptId), number }
    }

    #[test]
    fn attempts_follow_the_order_of_their_batch() {
        let drafts = [draft(2, 7, None), draft(3, 7, None), draft(1, 7, None), draft(5, 9, Some(4))];
        let again = [draft(1, 7, Some(3)), draft(2, 7, Some(4)), draft(3, 8, None), draft(5, 8, None)];
        for tasks in [drafts, again] {
            let db = four();
            insert_attempts(&db, 6, 10, &tasks).unwrap();
            for (id, DraftTask { task, hold, previous, number }) in (10_i64..).zip(tasks) {
                let sql = "SELECT task, batch, number, state, held_nano, previous FROM attempt WHERE id = ?1";
                let found: (i64, i64, u32, i64, i64, Option<i64>) =
                    db.query_row(sql, [id], |row| row.try_into()).unwrap();
                assert_eq!(found, (task.0, 6, number, 0, hold.nanos(), previous.map(|p| p.0)), "attempt {id}");
            }
        }
        let error = insert_attempts(&four(), 6, 10, &[draft(3, 7, None), draft(4, 7, None)]).unwrap_err();
        assert!(error.to_string().contains("tasks 3 to 4 are not all there"), "{error}");
    }

    #[test]
    fn each_accepted_attempt_has_its_id_and_cost() {
        let id = |number: u8| Value::Blob(vec![number; 16]);
        let text = |text: &str| Value::Text(text.to_owned());
        let db = four();
        insert_attempts(&db, 6, 10, &[draft(1, 7, None), draft(2, 7, None), draft(3, 7, None), draft(5, 7, None)])
            .unwrap();
        let rows = [
            (10, id(1), 7, Some(NamedIn::Answer)),
            (11, id(2), 7, Some(NamedIn::Answer)),
            (12, text("x"), 7, Some(NamedIn::List)),
            (13, text("a longer text than sixteen"), 7, None),
            (12, id(3), 7, None),
            (13, id(4), 6, None),
            (11, id(5), 6, Some(NamedIn::ListWhenDone)),
        ];
        let mut accepted = Acceptances::new(&db).unwrap();
        for (at, (attempt, provider_id, cost, named_in)) in rows.into_iter().enumerate() {
            let stands: AttemptState =
                db.query_row("SELECT state FROM attempt WHERE id = ?1", [attempt], |row| row.get(0)).unwrap();
            accepted.add((attempt, stands), provider_id.clone(), Money::from_nanos(cost), named_in).unwrap();
            // The first two are left to be written together.
            if at == 0 {
                continue;
            }
            accepted.write().unwrap();
            let sql = "SELECT state, provider_id, posted_nano, settled_nano, listed_done FROM attempt WHERE id = ?1";
            let found: (i64, Value, Option<i64>, Option<i64>, Option<i64>) =
                db.query_row(sql, [attempt], |row| row.try_into()).unwrap();
            let (posted, settled, done) = match named_in {
                None => (None, Some(cost), None),
                Some(NamedIn::Answer) => (Some(cost), None, None),
                Some(NamedIn::List) => (Some(cost), None, Some(0)),
                Some(NamedIn::ListWhenDone) => (Some(cost), None, Some(1)),
            };
            assert_eq!(found, (1, provider_id, posted, settled, done), "attempt {attempt}");
        }
        let first: Value = db.query_row("SELECT provider_id FROM attempt WHERE id = 10", [], |row| row.get(0)).unwrap();
        assert_eq!(first, id(1));
        accepted.add((14, AttemptState::Sending), id(6), Money::ZERO, None).unwrap();
        let error = accepted.write().unwrap_err().to_string();
        assert!(error.contains("attempts 14 to 14 were taken to be Sending, and only 0 of them were"), "{error}");
    }
}
