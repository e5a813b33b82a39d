//! What people are shown: the status of runs and totals, what was lost, what the audit found.

use crate::event::Subject;
use crate::ids::{AttemptId, BatchId, RunId, SetId, TargetId, TaskId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::product::{Method, Priority, named};
use crate::task::Reason;

/// What the books say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Spent in all: charged and overrun, refunds deducted, unmatched charges included.
    pub charged: Money,
    /// Reserved, and not yet decided.
    pub held: Money,
    /// Taken beyond what was held.
    pub overrun: Money,
    /// Tasks by state.
    pub tasks: Vec<StateCount>,
    /// Attempts with an outcome that is not known.
    pub in_doubt: u64,
    /// Purchases that belong to no attempt.
    pub extra_charges: u64,
    /// What they cost.
    pub extra: Money,
    /// Batches looked at.
    pub batches: u64,
    /// What does not agree, each with its row.
    pub problems: Vec<String>,
}

/// How many tasks are in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCount {
    /// The state, in words.
    pub state: String,
    /// How many.
    pub tasks: u64,
}

/// A standing total as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Whose, in words.
    pub name: String,
    /// The ceiling; `None`: there is none.
    pub limit: Option<Money>,
    /// Spent.
    pub charged: Money,
    /// Reserved.
    pub held: Money,
}

named! {
    /// Whether anything can still happen to a run.
    RunState {
        /// Something may be left to buy, to wait for or to settle.
        Open = "open",
        /// Nothing is.
        Complete = "complete",
        /// A later period of its job has begun: nothing more is bought for it.
        Closed = "closed",
    }
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// Which.
    pub run: RunId,
    /// Its job.
    pub job: String,
    /// Its period.
    pub period: String,
    /// Whether anything can still happen to it.
    pub state: RunState,
    /// Tasks, by state and reason in words.
    pub tasks: Vec<(String, u64)>,
    /// Bought, and no longer asked.
    pub no_longer_asked: u64,
    /// Its ceiling, what is spent and what is held.
    pub total: Total,
    /// What the provider took for it beyond what was held.
    pub overrun: Money,
    /// Its batches in doubt.
    pub in_doubt: Vec<StatusBatch>,
    /// Answers that are odd and kept as they came, by what is odd about them.
    pub oddities: Vec<(Oddity, u64)>,
}

/// A batch in doubt as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusBatch {
    /// Which.
    pub batch: BatchId,
    /// Why its outcome is not known.
    pub why: String,
    /// When it was sent, by the provider's clock.
    pub sent_v: i64,
    /// Since when its connection is gone.
    pub closed_v: Option<i64>,
    /// How many attempts.
    pub attempts: u64,
    /// What is held for them.
    pub held: Money,
}

/// A job as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its name.
    pub name: String,
    /// Its file, made absolute.
    pub path: String,
    /// Its account's name.
    pub account: String,
}

/// Failed tasks of a run, by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedSum {
    /// Why, in one word.
    pub reason: String,
    /// How many.
    pub tasks: u64,
    /// What was paid for them.
    pub paid: Money,
}

/// A prompt set of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSum {
    /// Its name.
    pub name: String,
    /// Tasks it pays for.
    pub tasks: u64,
    /// Tasks of it that are not bought.
    pub planned: u64,
}

/// Tasks of a run that are not bought, of one kind and set, and so of one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedOf {
    /// What is asked of whom.
    pub target: TargetId,
    /// The prompt set that pays.
    pub set: SetId,
    /// By which method.
    pub method: Method,
    /// At which priority.
    pub priority: Priority,
    /// How many.
    pub tasks: u64,
}

/// A task of a batch whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnresolvedTask {
    /// Which.
    pub task: TaskId,
    /// Its attempt.
    pub attempt: AttemptId,
    /// What is held for it.
    pub held: Money,
}

/// Failed tasks of a run that failed alike: for one reason, in one market, at one target, in one prompt set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAlike {
    /// Why, in one word.
    pub reason: String,
    /// The provider's code, where it gave one.
    pub code: Option<u32>,
    /// The provider's own words, where they are known.
    pub message: Option<String>,
    /// How many.
    pub tasks: u64,
    /// What was paid for them.
    pub paid: Money,
    /// One of them.
    pub subject: Subject,
}

/// Periods in a row that have no run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The job.
    pub job: String,
    /// The first of them.
    pub first: String,
    /// The last.
    pub last: String,
    /// How many.
    pub periods: u64,
    /// When the last one ended (Unix seconds).
    pub until: i64,
}

named! {
    /// What was lost.
    NoticeKind {
        /// Tasks that the provider refused, at no cost.
        Refused = "refused",
        /// Tasks that were paid for and failed.
        PaidFailure = "paid_failure",
        /// Tasks whose answers the provider has discarded.
        Expired = "expired",
        /// Live tasks whose answers were lost on the way.
        LostLive = "lost_live",
        /// Tasks that were not bought by the time that a later period of their job began.
        Short = "short",
        /// Purchases that belong to no task.
        Unmatched = "unmatched",
        /// Charges beyond what was held for them.
        Overrun = "overrun",
    }
}

impl NoticeKind {
    /// What a task is told as that ended for this reason; none where a person or the job file ended it.
    pub(super) const fn of(reason: Reason) -> Option<Self> {
        match reason {
            Reason::Refused => Some(Self::Refused),
            Reason::PaidFailure => Some(Self::PaidFailure),
            Reason::Expired => Some(Self::Expired),
            Reason::LostLive => Some(Self::LostLive),
            Reason::DroppedByJob | Reason::ResolvedAsBought => None,
        }
    }
}

/// A loss that nobody was told of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its row.
    pub id: i64,
    /// What was lost.
    pub kind: NoticeKind,
    /// The account.
    pub account: String,
    /// Which run it belongs to, where it belongs to one.
    pub run: Option<RunId>,
    /// That run's job.
    pub job: Option<String>,
    /// And period.
    pub period: Option<String>,
    /// How many tasks, or purchases.
    pub tasks: u64,
    /// What was charged for them.
    pub paid: Money,
}
