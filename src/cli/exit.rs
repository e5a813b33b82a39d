//! Exit codes, for cron and scripts: each says what to do next.

use super::Mistake;
use super::catalogue::FetchError;
use crate::engine::{EngineError, PrepareError};
use crate::ledger::{LedgerError, LockError, RegisterError};
use crate::plan::PlanError;
use crate::problem::Problems;
use crate::provider::ListProblem;
use crate::provider::http::HttpError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Everything is done.
    Complete,
    /// Something that should not happen.
    Unexpected,
    /// The command line, the config or a job file is wrong; nothing was bought for it.
    Usage,
    /// A cap is reached, and tasks are left.
    BudgetReached,
    /// Everything possible is done, and some tasks failed or are late.
    SomeFailed,
    /// Another process holds the ledger.
    Held,
    /// The provider refuses the account, or charges more than allowed.
    Refused,
    /// Interrupted; run the same command to continue.
    Interrupted,
    /// The outcome of some purchases is unknown.
    InDoubt,
    /// The books do not agree.
    Disagrees,
}

impl Exit {
    /// All exit codes by precedence: if several apply, the first one counts.
    const BY_WEIGHT: [Self; 10] = [
        Self::Usage,
        Self::Unexpected,
        Self::Refused,
        Self::Disagrees,
        Self::Held,
        Self::InDoubt,
        Self::Interrupted,
        Self::BudgetReached,
        Self::SomeFailed,
        Self::Complete,
    ];

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::BudgetReached => 3,
            Self::SomeFailed => 4,
            Self::Held => 5,
            Self::Refused => 6,
            Self::Interrupted => 7,
            Self::InDoubt => 8,
            Self::Disagrees => 9,
        }
    }

    /// A few words for summaries.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Unexpected => "unexpected error",
            Self::Usage => "usage, config or job file",
            Self::BudgetReached => "budget reached, tasks left",
            Self::SomeFailed => "complete, but some tasks failed or are late",
            Self::Held => "another process holds the ledger",
            Self::Refused => "the provider refuses",
            Self::Interrupted => "stopped early; run the same command to continue",
            Self::InDoubt => "something is in doubt",
            Self::Disagrees => "the books do not agree",
        }
    }

    /// The one of the two with precedence.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::BY_WEIGHT.into_iter().find(|exit| *exit == self || *exit == other).unwrap_or(self)
    }

    /// The exit code of an error.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        if error.is::<Mistake>() || error.is::<Problems>() || error.is::<HttpError>() || error.is::<PlanError>() {
            return Self::Usage;
        }
        if let Some(fetch) = error.downcast_ref::<FetchError>() {
            return match fetch.problem {
                ListProblem::Refused(_) => Self::Refused,
                ListProblem::Throttled { .. } | ListProblem::Unreachable { .. } | ListProblem::Unreliable { .. } => {
                    Self::Unexpected
                }
            };
        }
        if let Some(lock) = error.downcast_ref::<LockError>() {
            return match lock {
                LockError::Held { .. } => Self::Held,
                LockError::Io { .. } => Self::Unexpected,
            };
        }
        if let Some(prepare) = error.downcast_ref::<PrepareError>() {
            return match prepare {
                PrepareError::Register(register) => of_register(register),
                PrepareError::Ledger(ledger) => of_ledger(ledger),
                PrepareError::Plan(_) | PrepareError::Short { .. } | PrepareError::Prompts(_) => Self::Usage,
            };
        }
        if let Some(EngineError::Ledger(ledger)) = error.downcast_ref() {
            return of_ledger(ledger);
        }
        error
            .downcast_ref::<RegisterError>()
            .map(of_register)
            .or_else(|| error.downcast_ref::<LedgerError>().map(of_ledger))
            .unwrap_or(Self::Unexpected)
    }
}

fn of_register(error: &RegisterError) -> Exit {
    match error {
        RegisterError::Ledger(ledger) => of_ledger(ledger),
        RegisterError::SameLogin { .. }
        | RegisterError::AnotherAccount { .. }
        | RegisterError::AnotherPath { .. }
        | RegisterError::AnotherJobAccount { .. }
        | RegisterError::AnotherTimezone { .. } => Exit::Usage,
    }
}

fn of_ledger(error: &LedgerError) -> Exit {
    match error {
        LedgerError::File { .. } => Exit::Usage,
        LedgerError::Store { .. }
        | LedgerError::SqliteVersion(_)
        | LedgerError::Illegal(_)
        | LedgerError::IllegalStep(_)
        | LedgerError::Unexpected(_) => Exit::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_endings_the_first_that_holds_counts() {
        assert_eq!(Exit::Complete.and(Exit::BudgetReached), Exit::BudgetReached);
        assert_eq!(Exit::Interrupted.and(Exit::InDoubt), Exit::InDoubt);
        assert_eq!(Exit::Refused.and(Exit::InDoubt), Exit::Refused);
        assert_eq!(Exit::BudgetReached.and(Exit::SomeFailed), Exit::BudgetReached);
        assert_eq!(Exit::Usage.and(Exit::Refused), Exit::Usage);
    }

    #[test]
    fn every_ending_has_a_code_of_its_own() {
        let mut codes: Vec<u8> = Exit::BY_WEIGHT.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, (0..10).collect::<Vec<u8>>());
    }
}
