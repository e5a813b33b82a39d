//! The consequences of a handful of replies, gathered while they are read: what is reported, what is written, and
//! what is done after the commit.

use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::ids::AttemptId;
use crate::ledger::Change;
use crate::money::Money;
use crate::price::NamedIn;

/// In the order in which it comes to pass.
#[derive(Debug, Default)]
pub(super) struct Consequences {
    /// Told at once.
    pub(super) out: Vec<Effect>,
    /// Written, all of it in one commit.
    pub(super) changes: Vec<Change>,
    /// Done once it is written.
    pub(super) after: Vec<Effect>,
}

/// What was bought, as an answer or a list shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purchase<'a> {
    /// The provider's id.
    pub(super) provider_id: &'a str,
    /// What was taken for it.
    pub(super) cost: Money,
    /// When, by the provider's clock.
    pub(super) posted_v: i64,
    /// Where the provider named that; `None`: nowhere, and what was held is taken for it.
    pub(super) named_in: Option<NamedIn>,
}

/// What an unknown outcome turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'a> {
    Bought(Purchase<'a>),
    NotBought,
}

impl Consequences {
    pub(super) fn tell(&mut self, event: EventKind) {
        self.out.push(Effect::Tell(event));
    }

    /// A task has ended without an answer; its name is found by whoever tells it.
    pub(super) fn failed(&mut self, attempt: AttemptId, code: u32, message: &str, paid: bool) {
        self.tell(EventKind::TaskFailed { attempt, code, message: message.to_owned(), paid, subject: None });
    }

    pub(super) fn write(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Hands them on to be done.
    pub(super) fn flush(mut self, out: &mut Vec<Effect>) {
        out.append(&mut self.out);
        if !self.changes.is_empty() {
            out.push(Effect::Commit(self.changes, Vec::new()));
        }
        out.append(&mut self.after);
    }
}
