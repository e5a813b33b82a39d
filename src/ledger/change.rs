//! What the journal is given, and what it returns: drafts of batches, and what has become known of them.

use super::{LostRow, LostTask, OpenBatch, ToBuy};
use crate::ids::{AccountId, AttemptId, BatchId, RunId, TaskId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::plan::Headroom;
use crate::price::NamedIn;
use crate::product::{Engine, Function, Method, ResultKind};

/// A batch that is to be reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whose tasks.
    pub run: RunId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// Up to a hundred tasks.
    pub tasks: Vec<DraftTask>,
    /// The provider cannot see it before this moment (Unix seconds, the provider's clock).
    pub sent_v: i64,
    /// Nor charge it after this one.
    pub hold_to_v: i64,
}

/// A task of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftTask {
    /// Which.
    pub task: TaskId,
    /// The most it may cost.
    pub hold: Money,
    /// The attempt before this one.
    pub previous: Option<AttemptId>,
    /// This attempt's number, from 1.
    pub number: u32,
}

/// A batch whose money is reserved: it may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its row.
    pub batch: BatchId,
    /// The row of its first attempt; the others follow in the order of the draft.
    pub first_attempt: AttemptId,
    /// What is held for it.
    pub hold: Money,
}

/// A batch that fits no longer: nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapReached {
    /// The ceiling, and what it leaves.
    pub cap: Headroom,
}

/// A form of an answer, as the provider sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which form.
    pub kind: ResultKind,
    /// The body, compressed by zstd.
    pub body: Vec<u8>,
    /// When it was fetched (Unix seconds, this machine's clock).
    pub fetched_at: i64,
    /// When the engine answered, by the provider's word.
    pub done_v: Option<i64>,
    /// Which model answered, by the provider's word.
    pub model: Option<String>,
    /// It is the last form that was asked for.
    pub complete: bool,
    /// What is odd about it; it is kept as it came all the same.
    pub oddity: Option<Oddity>,
}

/// Money that the provider took and that belongs to no attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedCharge {
    /// The attempt whose tag it bears, where that is known.
    pub attempt: Option<AttemptId>,
    /// The provider's id of the task.
    pub provider_id: String,
    /// Its tag, as the provider shows it.
    pub tag: String,
    /// What was taken.
    pub cost: Money,
    /// When it was bought, by the provider's clock.
    pub posted_v: i64,
    /// How it came to be.
    pub why: String,
}

/// What a task came to in the end, where that was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// How much.
    pub cost: Money,
    /// Its answer says so. Otherwise it is the most that may have been taken, which is no news about what others come to.
    pub is_told: bool,
}

/// One thing that has become known.
#[expect(missing_docs, reason = "the fields of a change are named for what they hold")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The provider took the task, and said so in the answer or in a list. `named_in`: where it named the cost; `None` where
    /// it did not, and this is what was held. `open`: what it will cost is known with its answer, and the rest of its hold
    /// stays until then.
    Accepted {
        attempt: AttemptId,
        provider_id: String,
        cost: Money,
        posted_v: i64,
        named_in: Option<NamedIn>,
        open: bool,
    },
    /// The provider's list names the cost of a purchase that was booked at an assumed one.
    Corrected { attempt: AttemptId, cost: Money, named_in: NamedIn },
    /// The list names what a task came to whose cost was booked provisionally.
    CostFound { attempt: AttemptId, cost: Money },
    /// A scan of the list found no other figure for costs that were booked provisionally.
    CostSought { attempts: Vec<AttemptId>, at_v: i64 },
    /// The list can no longer name such a cost: what is booked stays.
    CostStays { attempt: AttemptId },
    /// The provider refused the task, in these words; it cost nothing. `for_good`: the same task would be refused again.
    Refused { attempt: AttemptId, code: u32, message: String, for_good: bool },
    /// The request was refused whole, in these words: nothing of it was bought, and which of its tasks is to blame is not
    /// known.
    RefusedWhole { attempt: AttemptId, code: u32, message: String },
    /// The task surely was not bought.
    NotBought { attempt: AttemptId },
    /// The provider took money and gives no answer. `again`: as long as its task has no more paid failures than this it is
    /// bought anew, as a new attempt with new money.
    PaidFailure {
        attempt: AttemptId,
        code: u32,
        message: String,
        provider_id: Option<String>,
        cost: Money,
        named: Money,
        posted_v: i64,
        again: u32,
    },
    /// The provider answered a Live task and was paid, and its answer was lost on the way.
    LostLive { attempt: AttemptId, provider_id: String, cost: Money, posted_v: i64 },
    /// The provider failed a task that it had accepted. `again` as above, `settled` as below.
    FailedLater { attempt: AttemptId, code: u32, message: String, again: u32, settled: Option<Settled> },
    /// The provider has thrown the answer away.
    Expired { attempt: AttemptId, settled: Option<Settled> },
    /// A form of an answer. `settled`: what the task cost in the end, where that was open.
    Answered { attempt: AttemptId, answer: Answer, settled: Option<Settled> },
    /// `tasks_ready` has shown an attempt that is in doubt.
    Shown { attempt: AttemptId },
    /// The outcome of a batch is not known.
    UnknownOutcome { batch: BatchId, why: String },
    /// The connection of a batch in doubt was surely gone by then.
    Closed { batch: BatchId, closed_v: i64 },
    /// When a batch was bought, by the provider's clock.
    Posted { batch: BatchId, posted_v: i64 },
    /// A person decided: the hold is charged as of this moment, and the answer is waited for.
    ResolvedAsBought { attempt: AttemptId, posted_v: i64 },
    /// A person decided: as [`Change::NotBought`], and it can be taken back as long as nothing was bought on it.
    ResolvedAsNotBought { attempt: AttemptId },
    /// A person takes such a word back: its outcome is not known, and its money is held again.
    TakenBack { attempt: AttemptId },
    /// What a person called bought was not found, as long as the provider keeps answers.
    NeverCame { attempt: AttemptId },
    /// A purchase of a restored ledger's that it holds no attempt for, and the task that it was made for.
    Recovered { account: AccountId, row: LostRow, lost: LostTask },
    /// Money without an attempt.
    UnmatchedCharge { account: AccountId, extra: UnmatchedCharge },
    /// What one task of a kind was charged.
    PriceSeen { account: AccountId, price_key: String, cost: Money, at_v: i64 },
    /// The provider's list has shown an unfinished task of ours.
    VisibilityProof { account: AccountId, function: Function, at_v: i64 },
    /// The provider's list was behind by so many seconds.
    Lag { account: AccountId, seconds: i64 },
    /// The latest sight of the provider's clock.
    ProviderTime { account: AccountId, at_v: i64 },
    /// The provider's list shows purchases of this ledger's that it does not hold: others since then may be missing too.
    Restored { account: AccountId, from_v: i64 },
    /// First contact with the provider since the ledger was found to be restored.
    RestoredClosed { account: AccountId, closed_v: i64 },
    /// The provider's list was read, and the restored ledger knows what it bought.
    RestoredDone { account: AccountId },
    /// A complete scan the provider's list. `counts_for`: the batches in doubt of which it showed nothing, where it is
    /// valid and they were its own; `restored`: it counts for what a restored ledger may lack.
    ScanEnded {
        account: AccountId,
        begun_v: i64,
        from_v: i64,
        to_v: i64,
        rows: u64,
        found: u64,
        verdict: String,
        counts_for: Vec<BatchId>,
        restored: bool,
    },
    /// The list has shown something of a batch in doubt, and does not say whether it was bought: earlier scans count for it
    /// no more.
    ScansInconclusive { batch: BatchId },
    /// The provider's list was read for what was given up.
    Watched { account: AccountId, at_v: i64 },
    /// `tasks_ready` of an endpoint was full then, so that it may hide something in doubt; `None`: it is whole again.
    Crowded { account: AccountId, engine: Engine, function: Function, at_v: Option<i64> },
    /// A person says that something of a batch was not bought: it goes on the watch list, also where no session has had
    /// time to call it in doubt.
    LetGo { batch: BatchId },
    /// Something for people to read.
    Noted { run: Option<RunId>, at: i64, what: String },
}

/// A task that may be bought again after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replanned {
    /// Its run.
    pub run: RunId,
    /// As it would be pulled from the plan.
    pub task: ToBuy,
}

/// What a commit of changes led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Tasks that are planned again.
    pub replanned: Vec<Replanned>,
    /// Unmatched charges that were new to the ledger.
    pub extras: u64,
    /// Money was charged or released.
    pub money: bool,
    /// Purchases that were recovered, one batch for each.
    pub recovered: Vec<OpenBatch>,
}

impl Change {
    /// The attempt that it moves, where it moves one.
    pub(super) fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::Accepted { attempt, .. }
            | Self::Refused { attempt, .. }
            | Self::RefusedWhole { attempt, .. }
            | Self::NotBought { attempt }
            | Self::PaidFailure { attempt, .. }
            | Self::FailedLater { attempt, .. }
            | Self::LostLive { attempt, .. }
            | Self::Expired { attempt, .. }
            | Self::Answered { attempt, .. }
            | Self::ResolvedAsBought { attempt, .. }
            | Self::ResolvedAsNotBought { attempt }
            | Self::TakenBack { attempt }
            | Self::NeverCame { attempt } => Some(*attempt),
            Self::Recovered { .. }
            | Self::Corrected { .. }
            | Self::CostFound { .. }
            | Self::CostSought { .. }
            | Self::CostStays { .. }
            | Self::Shown { .. }
            | Self::UnknownOutcome { .. }
            | Self::Closed { .. }
            | Self::Posted { .. }
            | Self::UnmatchedCharge { .. }
            | Self::PriceSeen { .. }
            | Self::VisibilityProof { .. }
            | Self::Lag { .. }
            | Self::ProviderTime { .. }
            | Self::Restored { .. }
            | Self::RestoredClosed { .. }
            | Self::RestoredDone { .. }
            | Self::ScanEnded { .. }
            | Self::ScansInconclusive { .. }
            | Self::Watched { .. }
            | Self::Crowded { .. }
            | Self::LetGo { .. }
            | Self::Noted { .. } => None,
        }
    }
}
