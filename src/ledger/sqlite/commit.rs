//! A commit in progress: what it has read, and what it will write to the books at its end.
//!
//! `journal` takes the changes in; `settle`, `provisional`, `word` and `recover` each write some of them.

use rusqlite::Connection;

use super::LedgerError;
use super::NoticeKind;
use super::bulk_writes::Acceptances;
use super::postings::Moves;
use super::working_set::{Attempt, WorkingSet};
use crate::attempt::{AttemptState, Step};
use crate::ledger::change::Booked;
use crate::task::Transition;

/// A commit of changes on its way.
pub(super) struct Commit<'t> {
    pub(super) write: &'t Connection,
    pub(super) session: i64,
    pub(super) working_set: WorkingSet<'t>,
    pub(super) accepted: Acceptances<'t>,
    pub(super) moves: Moves,
    /// Attempts whose tasks have ended without an answer.
    pub(super) lost: Vec<(i64, NoticeKind)>,
    pub(super) booked: Booked,
}

impl<'t> Commit<'t> {
    /// Reads these attempts and their tasks.
    pub(super) fn begin(write: &'t Connection, attempts: Vec<i64>, session: i64) -> Result<Self, LedgerError> {
        let working_set = WorkingSet::read(write, attempts)?;
        let accepted = Acceptances::new(write)?;
        let (moves, lost, booked) = (Moves::default(), Vec::new(), Booked::default());
        Ok(Self { write, session, working_set, accepted, moves, lost, booked })
    }

    /// An attempt takes a step, and its task follows; the attempt's row is written by the caller, with the state that is
    /// handed back.
    pub(super) fn goes(
        &mut self,
        facts: Attempt,
        step: Step,
        transition: Transition,
    ) -> Result<AttemptState, LedgerError> {
        let state = self.working_set.goes(facts, step)?;
        let follows = self.working_set.move_task_of(facts, transition)?;
        if let Transition::Fail(reason) = transition
            && follows
        {
            self.lost.extend(NoticeKind::of(reason).map(|kind| (facts.id, kind)));
        }
        Ok(state)
    }
}
