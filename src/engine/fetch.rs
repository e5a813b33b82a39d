//! An answer to ask for.

use std::time::Duration;

use crate::ledger::ToCollect;
use crate::money::Money;
use crate::offer::ResultKind;

/// Found in a list without a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Confirm {
    /// What to charge for it if it turns out to be accepted.
    pub(super) charge: Money,
    /// When it was posted.
    pub(super) posted_v: i64,
    /// The list says that it cost nothing, and not merely nothing of its cost.
    pub(super) is_free: bool,
}

/// An answer to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetch {
    pub(super) what: ToCollect,
    /// It is in doubt: whether it was accepted is asked.
    pub(super) confirm: Option<Confirm>,
    /// After a failure, not before this; and how many there were.
    pub(super) not_before: Duration,
    pub(super) failures: u32,
}

impl Fetch {
    pub(super) fn kind(&self) -> ResultKind {
        self.what.kinds.first().copied().unwrap_or(ResultKind::Advanced)
    }
}
