//! What a run reports to its watchers: facts with their money, no text for a terminal.
//!
//! A progress bar, a log of JSON lines and a test are three watchers of one stream.

use chrono::{DateTime, Utc};

use crate::ids::{AttemptId, BatchId, RunId, TargetId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::product::{Engine, Function};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, by this machine's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The first answer of the provider in this session, whatever it says: its clock is known.
    Contact {
        /// The account's name.
        account: String,
        /// By how many seconds the provider's clock is ahead of ours.
        skew_s: i64,
    },
    /// This ledger was restored or copied: nothing is bought before the provider's list was read.
    Restored {
        /// Purchases made after this moment may be missing from it (Unix seconds, provider's clock).
        since_v: i64,
    },
    /// The restored ledger knows again what it bought.
    RestoredDone {
        /// Purchases that were found and taken over.
        recovered: u64,
    },
    /// A batch is about to leave; its worst cost is reserved.
    BatchSent {
        /// Which.
        batch: BatchId,
        /// Whose.
        run: RunId,
        /// How many tasks.
        tasks: usize,
        /// What is held for it.
        reserved: Money,
        /// It is a single task to learn whether the price is right.
        canary: bool,
    },
    /// The provider answered for the whole batch.
    BatchAnswered {
        /// Which.
        batch: BatchId,
        /// Tasks it took.
        accepted: usize,
        /// Tasks it refused.
        refused: usize,
        /// Tasks that are missing from its answer.
        in_doubt: usize,
        /// What it charged.
        charged: Money,
    },
    /// The batch surely was not bought; its money is free again.
    BatchNotBought {
        /// Which.
        batch: BatchId,
        /// Why.
        why: String,
    },
    /// The outcome is not known: the money stays held until the provider's list settles it.
    BatchInDoubt {
        /// Which.
        batch: BatchId,
        /// How many tasks.
        tasks: usize,
        /// What is held for them.
        held: Money,
        /// Why.
        why: String,
    },
    /// A task in doubt was found to be bought.
    Recovered {
        /// Its attempt.
        attempt: AttemptId,
        /// What it cost.
        cost: Money,
    },
    /// A batch in doubt was found not to be bought: its tasks are planned again.
    Concluded {
        /// Which.
        batch: BatchId,
        /// How many tasks.
        tasks: usize,
    },
    /// Money was taken that belongs to no attempt.
    UnmatchedCharge {
        /// The provider's id of the task.
        provider_id: String,
        /// What was taken.
        cost: Money,
        /// How it came to be.
        why: String,
    },
    /// A restored ledger found purchases of its own that belong to none of its tasks, and booked them.
    WithoutTask {
        /// How many.
        purchases: u64,
        /// What was taken for them.
        cost: Money,
    },
    /// The provider's list names another cost for a purchase than is booked: what is booked stays.
    CostDiffers {
        /// Its attempt.
        attempt: AttemptId,
        /// In the ledger.
        booked: Money,
        /// In the list.
        listed: Money,
        /// What was asked; it is added before anybody is told.
        subject: Option<Box<Subject>>,
    },
    /// The provider's list names the cost of a purchase whose answer named none: the books have it now.
    CostCorrected {
        /// Its attempt.
        attempt: AttemptId,
        /// What was booked until then.
        assumed: Money,
        /// In the list, and in the ledger.
        listed: Money,
        /// What was asked; it is added before anybody is told.
        subject: Option<Box<Subject>>,
    },
    /// The provider's list names what tasks came to whose cost was booked provisionally: the books have it now.
    CostsCorrected {
        /// How many tasks.
        tasks: u64,
        /// What was booked for them until then.
        booked: Money,
        /// What they cost.
        cost: Money,
    },
    /// The provider's list names no other figure for such tasks, and no longer will: what is booked stays.
    CostsStay {
        /// How many tasks.
        tasks: u64,
        /// What is booked for them: the most that they can have cost.
        booked: Money,
    },
    /// A scan through the provider's list was complete.
    ScanEnded {
        /// It was to conclude what is not there.
        concluding: bool,
        /// Rows read.
        rows: u64,
        /// Tasks in doubt that were found.
        found: u64,
        /// Why it proves nothing, where that is so.
        inconclusive: Option<String>,
    },
    /// The provider's list was read for what was given up; what it showed is told as `UnmatchedCharge`.
    Watched {
        /// How many tasks are on the watch list.
        tasks: u64,
        /// Rows read.
        rows: u64,
    },
    /// The provider's list has shown an unfinished task of ours: absence from it can mean something.
    VisibilityProven {
        /// For which function.
        function: Function,
    },
    /// A price was charged as expected.
    PriceConfirmed {
        /// Function, engine, method, priority and model.
        price: String,
        /// For one task.
        cost: Money,
    },
    /// The provider charged another price than expected.
    PriceDiffers {
        /// Function, engine, method, priority and model.
        price: String,
        /// By the list.
        expected: Money,
        /// By the provider.
        charged: Money,
        /// It is above what the job allows: buying at this price has stopped.
        stopped: bool,
    },
    /// The provider's own price list names a higher price than expected, before anything was bought at it.
    PriceListed {
        /// Function, engine, method, priority and model.
        price: String,
        /// By our list.
        expected: Money,
        /// By the provider's.
        listed: Money,
        /// It is above what the job allows: nothing is bought at this price.
        stopped: bool,
    },
    /// The next task does not fit under a ceiling.
    CapReached {
        /// Whose tasks.
        run: RunId,
        /// Which ceiling.
        cap: String,
        /// The ceiling.
        limit: Money,
        /// What it leaves.
        left: Money,
    },
    /// Calls wait: the provider asked for a pause, or cannot be reached.
    Paused {
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Why.
        why: String,
    },
    /// Nothing has come of any call for so long.
    Silent {
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Why, as the latest says.
        why: String,
        /// After how long the session ends, in milliseconds; none where it does not for that.
        ends_after_ms: Option<u64>,
    },
    /// Something comes of calls again, after a silence that was told.
    Answering {
        /// For how long nothing came of any, in milliseconds.
        for_ms: u64,
    },
    /// Nothing more is bought in this session: the provider refuses the account or the calls.
    Halted {
        /// In its words and ours.
        why: String,
    },
    /// Answers were stored.
    Collected {
        /// How many tasks are answered by it.
        answers: u64,
    },
    /// A Live task was paid for, and its answer was lost on the way.
    LiveLost {
        /// Which.
        attempt: AttemptId,
        /// What was paid for it.
        cost: Money,
        /// What was asked; it is added before anybody is told.
        subject: Option<Box<Subject>>,
    },
    /// A task came to more in the end than was held for it: its target is bought no more at that hold.
    CostBeyondHold {
        /// The price of such a task.
        price: String,
        /// What was held.
        held: Money,
        /// What it came to.
        cost: Money,
    },
    /// The same oddity came so often in a row that nothing more is bought of its price class in this session.
    OddAnswersStop {
        /// Function, engine, method, priority and model.
        price: String,
        /// What is odd about the answers.
        oddity: Oddity,
        /// How many came in a row.
        answers: u32,
    },
    /// A request was refused whole, and surely nothing of it was bought.
    BodyRefused {
        /// The batch.
        batch: BatchId,
        /// How many tasks it had.
        tasks: usize,
        /// Why, in the provider's own words.
        why: String,
        /// Its first attempt.
        attempt: AttemptId,
        /// Its one task; it is added before anybody is told.
        subject: Option<Box<Subject>>,
    },
    /// So many tasks were refused alike that nothing more is bought of what they have in common in this session.
    RefusalsStop {
        /// Whose tasks.
        run: RunId,
        /// What they have in common.
        part: Part,
        /// The same in words.
        name: String,
        /// The provider's code.
        code: u32,
        /// The provider's own words.
        message: String,
        /// How many were refused.
        refused: u32,
        /// How many are left planned; it is added before anybody is told.
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
        /// What was asked, and where that is written; it is added before anybody is told.
        subject: Option<Box<Subject>>,
    },
    /// Something the provider answered that a person should know.
    Odd {
        /// For which endpoint.
        engine: Engine,
        /// And function.
        function: Function,
        /// What.
        what: String,
    },
    /// A stop was asked for: what is in flight ends, nothing new begins.
    Draining,
    /// How things stand, now and then.
    Progress(Progress),
}

/// What tasks have in common that may be why they are refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A place and a language, by the provider's codes.
    Market(u32, String),
    /// A language.
    Language(String),
    /// A place.
    Place(u32),
    /// Engine, function, model and options.
    Target(TargetId),
}

/// A task by what a person knows of it.
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
    /// Its market, by name where one is known; none where it is asked in none.
    pub market: Option<String>,
    /// Whose answer.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// Which model, where one was named.
    pub model: Option<String>,
}

/// How an account's work stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tasks bought in this session.
    pub bought: u64,
    /// Tasks answered in this session.
    pub answered: u64,
    /// Tasks failed in this session.
    pub failed: u64,
    /// Bought, answer to come.
    pub waiting: u64,
    /// In doubt.
    pub in_doubt: u64,
    /// Charged in this session.
    pub charged: Money,
    /// Calls in flight.
    pub in_flight: u32,
}

/// Somebody who watches.
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
