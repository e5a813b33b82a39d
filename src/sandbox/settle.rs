//! Settlement: the moment at which an LLM Responses task's real cost replaces its advance.
//!
//! It is written to the state file before the balance moves. If it cannot be written, it has not happened, and is
//! tried again the next time.

use chrono::{DateTime, Utc};

use super::Sandbox;
use super::task_id::TaskId;
use crate::money::Money;

impl Sandbox {
    /// Settles what is due.
    pub(super) fn settle(&mut self, until: DateTime<Utc>) {
        let due = self.tasks.due(until.timestamp_millis());
        if due.is_empty() {
            return;
        }
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.settled(&due)
        {
            tracing::warn!(%error, "the sandbox cannot write down what it settles");
            return;
        }
        for (id, cost) in due {
            self.note_settled(id, cost);
        }
    }

    /// Moves the balance from what was taken to what a task costs.
    pub(super) fn note_settled(&mut self, id: TaskId, cost: Money) {
        let Some((task, moved)) = self.tasks.settle(id, cost) else { return };
        let at = task.meter.as_ref().and_then(|meter| meter.settles).map_or(task.done_ms, |(at, _)| at);
        let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
        self.billed += moved;
        if let Some(account) = self.accounts.get_mut(usize::from(task.account)) {
            account.pay(at, task.price_class.function, moved);
        }
    }
}
