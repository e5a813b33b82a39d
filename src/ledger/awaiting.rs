//! Answers and costs that are still to come.

use crate::ids::{AttemptId, BatchId, RunId, TargetId};
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Engine, Function, Method, ResultKind};

/// A batch with answers still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// Which.
    pub batch: BatchId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// When it was bought, by the provider's clock.
    pub posted_v: i64,
    /// How many answers are to come.
    pub uncollected: u64,
    /// Some of its tasks are at high priority and none at normal.
    pub all_high: bool,
}

/// An answer to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToCollect {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Its batch.
    pub batch: BatchId,
    /// The provider's id.
    pub provider_id: String,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// The forms that are not here yet, in the order in which they are fetched.
    pub kinds: Vec<ResultKind>,
    /// Another form of it is here.
    pub is_here: bool,
    /// Whose.
    pub run: RunId,
    /// What is asked of whom.
    pub target: TargetId,
    /// What is held for it.
    pub held: Money,
    /// What stands for its cost until its answer says it.
    pub open_cost: Option<OpenCost>,
    /// The price class that it was bought in.
    pub price: Option<String>,
}

/// The cost of a task that is settled with its answer, until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenCost {
    /// What is in the books.
    pub booked: Money,
    /// What the provider said that it took, where it did.
    pub named: Option<Money>,
    /// Where it said so.
    pub named_in: NamedIn,
    /// What it last took at once for a task of this function, where that was seen.
    pub last: Option<Money>,
}

/// A cost that was booked provisionally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisional {
    /// Whose cost.
    pub attempt: AttemptId,
    /// The provider's id.
    pub provider_id: String,
    /// What it was bought by.
    pub function: Function,
    /// And how.
    pub method: Method,
    /// What is booked.
    pub booked: Money,
    /// What the provider named at the purchase, if anything.
    pub first: Option<Money>,
    /// Where it named that.
    pub named_in: NamedIn,
    /// What it last took at once for a Standard task of this function, where that was seen.
    pub last: Option<Money>,
    /// When it was bought, by the provider's clock.
    pub posted_v: i64,
    /// The latest scan that found no other figure.
    pub scanned_v: Option<i64>,
    /// The task failed, so that nothing may have been charged in the end.
    pub has_failed: bool,
}

/// A model's task that is settled by its answer: what the list names for it shows what the list's figures mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The provider's id.
    pub provider_id: String,
    /// What was named at the purchase.
    pub first: Money,
    /// What it came to.
    pub cost: Money,
}
