//! One answer to fetch.

use crate::ledger::ToCollect;
use crate::money::Money;
use crate::product::ResultKind;

/// Found in a list without a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Confirm {
    /// What to charge for it if it turns out to be accepted.
    pub(in crate::engine) charge: Money,
    /// When it was posted.
    pub(in crate::engine) posted_v: i64,
    /// The list says that it cost nothing, and not merely nothing of its cost.
    pub(in crate::engine) is_free: bool,
}

/// An answer to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Fetch {
    pub(in crate::engine) what: ToCollect,
    /// It is in doubt: whether it was accepted is asked.
    pub(in crate::engine) confirm: Option<Confirm>,
    /// How often it has failed.
    pub(in crate::engine) failures: u32,
}

impl Fetch {
    pub(in crate::engine) fn kind(&self) -> ResultKind {
        self.what.kinds.first().copied().unwrap_or(ResultKind::Advanced)
    }
}
