//! Unknown outcomes: what is in doubt, awaited, given up or lost, and the control rows of a scan.

use std::collections::BTreeSet;

use super::{OpenBatch, ToBuy};
use crate::ids::{AttemptId, BatchId, RunId};
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Engine, Function, Method};
use crate::tag::Tag;

/// A batch with an outcome that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBatch {
    /// Which.
    pub batch: BatchId,
    /// Whose.
    pub run: RunId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// By which method: of a Live task the answer is gone, whatever is found.
    pub method: Method,
    /// The provider cannot have seen it before.
    pub sent_v: i64,
    /// The connection was gone by then; not known until the provider's clock is seen again.
    pub closed_v: Option<i64>,
    /// How many attempts are unresolved.
    pub attempts: u64,
    /// What is held for them.
    pub held: Money,
    /// Those of them that `tasks_ready` has shown: they are bought.
    pub shown: BTreeSet<AttemptId>,
    /// When the scans of earlier sessions that count for it began, the earliest first.
    pub scans: Vec<i64>,
}

/// A batch of which a person said that it was bought, as far as it was not found yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Which.
    pub batch: BatchId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// By which method: of a Live task only the cost can be found.
    pub method: Method,
    /// The provider cannot have seen it before.
    pub sent_v: i64,
    /// The connection was gone by then, where that is known.
    pub closed_v: Option<i64>,
    /// The attempts that are looked for.
    pub attempts: BTreeSet<AttemptId>,
}

/// A batch of which something was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Which.
    pub batch: BatchId,
    /// The endpoint's function.
    pub function: Function,
    /// The provider cannot have seen it before.
    pub sent_v: i64,
    /// The connection was gone by then, where that is known.
    pub closed_v: Option<i64>,
    /// How many of its tasks were given up.
    pub tasks: u64,
    /// What was held for them.
    pub held: Money,
}

/// What the ledger knows about a row of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// An attempt that is waiting for exactly this.
    InDoubt {
        /// Which.
        attempt: AttemptId,
        /// Its batch.
        batch: BatchId,
        /// What is held for it.
        held: Money,
    },
    /// An attempt that a person called bought, and whose id, cost and answer are waited for. Whatever tells of purchases by
    /// their tags (a list, `tasks_ready`, an id that was asked for, a callback) takes it for one that is in doubt and bought.
    Awaited {
        /// Which.
        attempt: AttemptId,
        /// Its batch.
        batch: BatchId,
        /// What was held for it, and is charged.
        held: Money,
    },
    /// An attempt that is known to be bought, under this very id.
    Known {
        /// Which.
        attempt: AttemptId,
        /// Its batch.
        batch: BatchId,
        /// Its answer is not all here.
        uncollected: bool,
        /// The row bears the attempt's tag.
        tagged: bool,
        /// What is booked for it.
        booked: Option<Money>,
        /// The provider has not named that cost.
        assumed: bool,
    },
    /// An attempt that was concluded not to be bought, and was. `replanned`: its task waits to be bought, so this is its
    /// purchase; otherwise it is money without a use.
    Late {
        /// Which.
        attempt: AttemptId,
        /// Its task is planned, and no other attempt of it is on its way.
        replanned: bool,
    },
    /// A second purchase under the tag of an attempt that has an id.
    Duplicate {
        /// The attempt that has the tag.
        attempt: AttemptId,
    },
    /// A purchase of this ledger's that it does not hold: made after the copy it was restored from.
    Lost,
    /// A purchase of this ledger's that it does not hold, and that is booked as an unmatched charge.
    UnmatchedCharge,
    /// Not ours: another ledger's, another program's, or without a tag.
    Foreign,
}

/// A purchase of this ledger's that it holds no attempt for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRow {
    /// The provider's id.
    pub provider_id: String,
    /// Its tag.
    pub tag: String,
    /// What was taken.
    pub cost: Money,
    /// Where that was named.
    pub named_in: NamedIn,
    /// When it was bought, by the provider's clock.
    pub posted_v: i64,
    /// It was answered on the connection that bought it, so that there is no answer to fetch.
    pub is_live: bool,
    /// Whose purchase it is, where a task is known.
    pub task: Option<LostTask>,
}

/// The task that a purchase was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostTask {
    /// Whose.
    pub run: RunId,
    /// Which, as it stands in the plan.
    pub task: ToBuy,
    /// Which attempt of it, from 1.
    pub number: u32,
    /// The most that it may come to: so much is held for it until its cost is known.
    pub most: Money,
}

/// A task behind a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The tag.
    pub tag: Tag,
    /// Whose.
    pub run: RunId,
    /// Which, as it stands in the plan.
    pub task: ToBuy,
    /// Which attempt of it, from 1.
    pub number: u32,
    /// The answer to an earlier purchase of it is still to come: that this one was made says that the earlier one failed,
    /// which is not known here yet.
    pub awaits_answer: bool,
}

/// What a restored ledger has taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// One for each purchase, with its answer to come where it has one.
    pub batches: Vec<OpenBatch>,
    /// Purchases that belong to none of its tasks, newly booked.
    pub extras: u64,
    /// What was taken for those.
    pub extra_cost: Money,
}

/// A purchase that a scan through the provider's list must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRow {
    /// Not before this does the list file it (Unix seconds, provider's clock).
    pub from_v: i64,
    /// Nor after this: it was answered then.
    pub posted_v: i64,
}

/// How long an answer to a purchase may take: by so much the list may file the purchase before it (seconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// By the Standard method.
    pub standard_s: i64,
    /// By Live.
    pub live_s: i64,
}

/// How far a list shows what is not finished. What is finished it may file by the time at which it was, which may be after
/// what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// It shows what is not finished of these functions.
    pub shown: BTreeSet<Function>,
    /// What was read up to this moment, or nearly, was read up to the latest there is.
    pub latest_v: i64,
    /// So many seconds after its purchase a page, or a model's task, is finished.
    pub done_after_s: [i64; 2],
}

/// What is known of an account's provider from earlier sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderMemory {
    /// The longest that its list was behind, in seconds.
    pub longest_lag_s: i64,
    /// Since when a restored ledger's purchases are unknown, on the provider's clock.
    pub restored_from_v: Option<i64>,
    /// When it first had contact since.
    pub restored_closed_v: Option<i64>,
    /// The latest that the provider's clock was seen at.
    pub heard_v: Option<i64>,
}
