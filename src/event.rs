//! What a run reports to its watchers: facts with their money, no text for a terminal.
//!
//! A progress bar, a log of JSON lines and a test are three watchers of one stream.

mod progress;

use chrono::{DateTime, Utc};

pub use progress::Progress;

use crate::ids::{AttemptId, BatchId, RunId, TargetId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::product::{Engine, Function};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The time, by this machine's clock.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The first reply of the provider in this session, whatever it says: its clock is known.
    Contact {
        /// The account's name.
        account: String,
        /// By how many seconds the provider's clock is ahead of ours.
        skew_s: i64,
    },
    /// This ledger was restored or copied: nothing is bought before the provider's list was scanned.
    Restored {
        /// Purchases made after this moment may be missing from it (Unix seconds, provider's clock).
        since_v: i64,
    },
    /// The restored ledger has recovered what it bought.
    RestoredDone {
        /// The number of purchases recovered.
        recovered: u64,
    },
    /// A batch is about to be sent; its worst-case cost is reserved.
    BatchSent {
        /// The batch.
        batch: BatchId,
        /// Its job.
        run: RunId,
        /// The number of its tasks.
        tasks: usize,
        /// The money held for it.
        reserved: Money,
        /// It is a canary: a single task that shows whether the price is right.
        canary: bool,
    },
    /// The provider's reply covers the whole batch.
    BatchAnswered {
        /// The batch.
        batch: BatchId,
        /// The number of tasks it accepted.
        accepted: usize,
        /// The number of tasks it refused.
        refused: usize,
        /// The number of tasks that are missing from its reply.
        in_doubt: usize,
        /// What it charged.
        charged: Money,
    },
    /// The batch surely was not bought; its money is released.
    BatchNotBought {
        /// The batch.
        batch: BatchId,
        /// The reason.
        why: String,
    },
    /// The outcome is unknown: the money stays held until the provider's list settles it.
    BatchInDoubt {
        /// The batch.
        batch: BatchId,
        /// The number of tasks.
        tasks: usize,
        /// The money held for them.
        held: Money,
        /// The reason.
        why: String,
    },
    /// A task in doubt was found to be bought.
    Recovered {
        /// The attempt.
        attempt: AttemptId,
        /// What it cost.
        cost: Money,
    },
    /// A batch in doubt was found not to be bought: its tasks are planned again.
    Concluded {
        /// The batch.
        batch: BatchId,
        /// The number of its tasks.
        tasks: usize,
    },
    /// Money was taken that belongs to no attempt.
    UnmatchedCharge {
        /// The provider's id of the task.
        provider_id: String,
        /// What was taken.
        cost: Money,
        /// How it came about.
        why: String,
    },
    /// A restored ledger found purchases of its own that belong to none of its tasks, and booked them.
    WithoutTask {
        /// The number of purchases.
        purchases: u64,
        /// What was taken for them.
        cost: Money,
    },
    /// The provider's list names another cost for a purchase than the books: the books stay as they are.
    CostDiffers {
        /// The attempt.
        attempt: AttemptId,
        /// The cost in the ledger.
        booked: Money,
        /// The cost in the list.
        listed: Money,
        /// The question; added before the event is shown.
        subject: Option<Box<Subject>>,
    },
    /// The provider's list names the cost of a purchase whose reply named none: the books have it now.
    CostCorrected {
        /// The attempt.
        attempt: AttemptId,
        /// The cost booked until then.
        assumed: Money,
        /// The cost in the list, and now in the ledger.
        listed: Money,
        /// The question; added before the event is shown.
        subject: Option<Box<Subject>>,
    },
    /// The provider's list names the final cost of tasks with a provisional one: the books have it now.
    CostsCorrected {
        /// The number of tasks.
        tasks: u64,
        /// The cost booked for them until then.
        booked: Money,
        /// Their final cost.
        cost: Money,
    },
    /// The provider's list names no other figure for such tasks, and no longer will: the books stay as they are.
    CostsStay {
        /// The number of tasks.
        tasks: u64,
        /// The cost booked for them: the maximum that they can have cost.
        booked: Money,
    },
    /// A scan of the provider's list was complete.
    ScanEnded {
        /// The scan was made to conclude what is absent.
        concluding: bool,
        /// The number of rows read.
        rows: u64,
        /// The number of tasks in doubt that were found.
        found: u64,
        /// Why the scan is inconclusive, if it is.
        inconclusive: Option<String>,
    },
    /// The provider's list was scanned for what was given up; each finding is an `UnmatchedCharge`.
    Watched {
        /// The number of tasks on the watch list.
        tasks: u64,
        /// The number of rows read.
        rows: u64,
    },
    /// The provider's list has shown an unfinished task of ours: absence from it can now mean something.
    VisibilityProven {
        /// The function concerned.
        function: Function,
    },
    /// A price was charged as expected.
    PriceConfirmed {
        /// Function, engine, method, priority and model.
        price: String,
        /// The price of one task.
        cost: Money,
    },
    /// The provider charged another price than expected.
    PriceDiffers {
        /// Function, engine, method, priority and model.
        price: String,
        /// The price by our list.
        expected: Money,
        /// The price that the provider charged.
        charged: Money,
        /// It exceeds what the job allows: buying at this price has stopped.
        stopped: bool,
    },
    /// The provider's own price list names a higher price than expected, before anything was bought at it.
    PriceListed {
        /// Function, engine, method, priority and model.
        price: String,
        /// The price by our list.
        expected: Money,
        /// The price by the provider's list.
        listed: Money,
        /// It exceeds what the job allows: nothing is bought at this price.
        stopped: bool,
    },
    /// The next task does not fit under a cap.
    CapReached {
        /// The job of the task.
        run: RunId,
        /// The cap's scope.
        cap: String,
        /// The cap.
        limit: Money,
        /// Its headroom.
        left: Money,
    },
    /// Calls wait: the provider asked for a pause, or cannot be reached.
    Paused {
        /// How long, in milliseconds.
        for_ms: u64,
        /// The reason.
        why: String,
    },
    /// No call has succeeded for a while.
    Silent {
        /// How long, in milliseconds.
        for_ms: u64,
        /// The latest cause.
        why: String,
        /// After how long the session ends, in milliseconds; none if it does not end because of this.
        ends_after_ms: Option<u64>,
    },
    /// Calls succeed again, after a silence that was reported.
    Answering {
        /// How long the silence lasted, in milliseconds.
        for_ms: u64,
    },
    /// Nothing more is bought in this session: the provider refuses the account or the calls.
    Halted {
        /// The reason, in the provider's words and ours.
        why: String,
    },
    /// Answers were stored.
    Collected {
        /// The number of tasks that they complete.
        answers: u64,
    },
    /// A Live task was paid for, and its answer was lost on the way.
    LiveLost {
        /// The attempt.
        attempt: AttemptId,
        /// What it cost.
        cost: Money,
        /// The question; added before the event is shown.
        subject: Option<Box<Subject>>,
    },
    /// A task cost more in the end than its hold: its target is no longer bought at that hold.
    CostBeyondHold {
        /// The price of such a task.
        price: String,
        /// The hold.
        held: Money,
        /// The final cost.
        cost: Money,
    },
    /// The same oddity occurred so often in a row that nothing more of its price class is bought in this session.
    OddAnswersStop {
        /// Function, engine, method, priority and model.
        price: String,
        /// What is odd about the answers.
        oddity: Oddity,
        /// The number of such answers in a row.
        answers: u32,
    },
    /// A request was refused as a whole, and surely nothing of it was bought.
    BodyRefused {
        /// The batch.
        batch: BatchId,
        /// The number of its tasks.
        tasks: usize,
        /// Why, in the provider's own words.
        why: String,
        /// Its first attempt.
        attempt: AttemptId,
        /// Its task, if it has only one; added before the event is shown.
        subject: Option<Box<Subject>>,
    },
    /// Equal refusals: nothing more is bought in this session of what these tasks have in common.
    RefusalsStop {
        /// The job of the tasks.
        run: RunId,
        /// What they have in common.
        part: Part,
        /// The same in words.
        name: String,
        /// The provider's code.
        code: u32,
        /// The provider's own words.
        message: String,
        /// The number of refused tasks.
        refused: u32,
        /// The number of tasks that stay planned; added before the event is shown.
        left: u64,
    },
    /// A task has ended without an answer.
    TaskFailed {
        /// Its attempt.
        attempt: AttemptId,
        /// The provider's code.
        code: u32,
        /// The provider's own words.
        message: String,
        /// It was paid for.
        paid: bool,
        /// The question, and where it is written; added before the event is shown.
        subject: Option<Box<Subject>>,
    },
    /// A reply of the provider that a person should know about.
    Odd {
        /// The endpoint concerned.
        engine: Engine,
        /// The function concerned.
        function: Function,
        /// The message.
        what: String,
    },
    /// A stop was requested: calls in flight end, nothing new begins.
    Draining,
    /// The progress, from time to time.
    Progress(Progress),
}

/// What tasks have in common that may be the reason for their refusal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A place and a language, by the provider's codes, at an endpoint: engines differ in what they serve.
    Market((Engine, Function), u32, String),
    /// A language at an endpoint.
    Language((Engine, Function), String),
    /// A place at an endpoint.
    Place((Engine, Function), u32),
    /// Engine, function, model and options.
    Target(TargetId),
}

/// A task as a person knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its job.
    pub job: String,
    /// The job's file.
    pub job_file: String,
    /// Its period.
    pub period: String,
    /// The prompt set that pays for it.
    pub set: String,
    /// The line of the job file on which that set begins, where known.
    pub line: Option<u32>,
    /// The prompt.
    pub prompt: String,
    /// Its market, by name if one is known; none if it is asked without a place.
    pub market: Option<String>,
    /// The engine.
    pub engine: Engine,
    /// The function.
    pub function: Function,
    /// The model, if one was named.
    pub model: Option<String>,
}

/// A watcher of events.
pub trait Watch {
    /// Sees an event.
    fn see(&mut self, event: &Event);
}

/// Tests keep what they saw.
impl Watch for Vec<Event> {
    fn see(&mut self, event: &Event) {
        self.push(event.clone());
    }
}
