//! Caps: whose they are, and the headroom they leave.

use crate::money::Money;
use crate::product::named;

named! {
    /// The scope of a standing total, and of its cap.
    Scope {
        /// A run.
        Run = "run",
        /// A job in a day of its time zone.
        JobDay = "job_day",
        /// A job in a month of its time zone.
        JobMonth = "job_month",
        /// An account, always; it has no cap.
        Account = "account",
        /// An account in a UTC day.
        AccountDay = "account_day",
        /// An account in a UTC month.
        AccountMonth = "account_month",
        /// The spendable part of an account's balance since that was read.
        AccountBalance = "account_balance",
    }
}

impl Scope {
    /// Its cap in words, without the period.
    pub fn ceiling(self) -> &'static str {
        match self {
            Self::Run => "budget of this run",
            Self::JobDay => "job's budget of the day",
            Self::JobMonth => "job's budget of the month",
            Self::Account => "account",
            Self::AccountDay => "account's cap of the UTC day",
            Self::AccountMonth => "account's cap of the UTC month",
            Self::AccountBalance => "account's balance to keep",
        }
    }

    /// True if other jobs count in it as well.
    pub fn is_of_account(self) -> bool {
        match self {
            Self::Run | Self::JobDay | Self::JobMonth => false,
            Self::Account | Self::AccountDay | Self::AccountMonth | Self::AccountBalance => true,
        }
    }
}

/// A cap and its headroom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// Its scope.
    pub scope: Scope,
    /// The same in words, with the period: "account's cap of the UTC day 2026-11-22".
    pub name: String,
    /// The cap.
    pub limit: Money,
    /// Its headroom: neither spent nor held.
    pub left: Money,
    /// What is spent or held; more than the cap if that was lowered since.
    pub used: Money,
}

impl Headroom {
    /// A cap under which this much is spent or held.
    pub fn new(scope: Scope, name: impl Into<String>, limit: Money, used: Money) -> Self {
        Self { scope, name: name.into(), limit, left: limit.less(used), used }
    }

    /// The budget of a run that has spent nothing.
    pub fn of_run(limit: Money) -> Self {
        Self::new(Scope::Run, Scope::Run.ceiling(), limit, Money::ZERO)
    }

    /// The same with another value of the cap.
    #[must_use]
    pub fn with_limit(self, limit: Money) -> Self {
        Self { limit, left: limit.less(self.used), ..self }
    }
}
