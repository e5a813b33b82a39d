//! The parties: the ledger itself and its sessions, accounts, jobs and runs, as a session brings them.

use super::LedgerError;
use crate::ids::{AccountId, JobId};
use crate::money::Money;
use crate::period::Period;
use crate::product::{ResultKind, Route};
use crate::zone::Zone;

/// Real money or play money: stamped at birth, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider's bill is a bill.
    Real,
    /// The simulated provider's.
    Sandbox,
}

impl Kind {
    /// The money that an account spends.
    pub const fn of(route: Route) -> Self {
        match route {
            Route::Sandbox => Self::Sandbox,
            Route::DataForSeo | Route::Aisa => Self::Real,
        }
    }

    /// The written name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Sandbox => "sandbox",
        }
    }
}

/// What is known about this ledger's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Inside and outside agree: nothing was bought that this ledger does not know.
    Whole,
    /// They disagree, for the reason given: purchases may be missing from it.
    Restored(String),
}

/// A session that holds the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number, from 1.
    pub number: i64,
    /// What is known about the ledger's past.
    pub trust: Trust,
}

/// A login, as far as the ledger may know it.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a>(pub &'a str);

/// An account as the configuration has it.
#[derive(Clone, Debug)]
pub struct AccountFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// How the provider is reached.
    pub route: Route,
    /// Where.
    pub base_url: &'a str,
    /// Its login: kept as a salted hash.
    pub login: Login<'a>,
    /// Ceiling of a UTC day.
    pub day_cap: Option<Money>,
    /// Ceiling of a UTC month.
    pub month_cap: Option<Money>,
}

/// A job as its file has it.
#[derive(Clone, Debug)]
pub struct JobFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its file, made absolute.
    pub path: &'a str,
    /// Its account.
    pub account: AccountId,
    /// The zone of its days.
    pub timezone: Zone,
    /// Ceiling of a day.
    pub day_cap: Option<Money>,
    /// Ceiling of a month.
    pub month_cap: Option<Money>,
    /// The same name from another path is meant.
    pub moved: bool,
}

/// A run as a session brings it.
#[derive(Clone, Debug)]
pub struct RunFacts<'a> {
    /// Whose.
    pub job: JobId,
    /// Its period.
    pub period: &'a Period,
    /// Ceiling of the run.
    pub cap: Money,
    /// The forms of answer to fetch, in the order in which they are fetched.
    pub results: &'a [ResultKind],
    /// How long after its first session its answers are wanted, in seconds.
    pub deadline_s: Option<i64>,
}

/// Something the ledger remembers otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Two names for one login would count its caps and limits twice.
    #[error(
        "account `{name}` has the login that this ledger knows as account `{known}`: caps and limits would be counted \
         twice; use `{known}`, or a ledger of its own"
    )]
    SameLogin {
        /// The name it comes with.
        name: String,
        /// The name it is known by.
        known: String,
    },
    /// Another host or login under a known name.
    #[error(
        "account `{name}` was {what} when this ledger last used it: what is in doubt or waiting there can only be asked \
         for there; give the new one another name, or a ledger of its own"
    )]
    AnotherAccount {
        /// Its name.
        name: String,
        /// What was otherwise.
        what: String,
    },
    /// A job is known by its name; another file is another job.
    #[error(
        "job `{name}` was begun from `{known}`, and this is `{path}`: tasks bought for one would count for the other; \
         rename the job, or say --moved if its file was moved"
    )]
    AnotherPath {
        /// The job.
        name: String,
        /// Its path in the ledger.
        known: String,
        /// Its path now.
        path: String,
    },
    /// A job's tasks are asked for where they were bought.
    #[error("job `{name}` was begun with account `{known}`: rename the job to buy elsewhere")]
    AnotherJobAccount {
        /// The job.
        name: String,
        /// Its account in the ledger.
        known: String,
    },
    /// A job's days are counted in one zone.
    #[error(
        "job `{name}` was begun in time zone `{known}`: in another its days and months, and what was spent in them, would \
         be counted anew; put it back, or rename the job"
    )]
    AnotherTimezone {
        /// The job.
        name: String,
        /// Its zone in the ledger.
        known: String,
    },
    /// The ledger itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
