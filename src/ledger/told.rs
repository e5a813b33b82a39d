//! What is shown of single tasks: the evidence on a batch in doubt, and the rows of an export.

use crate::ids::{AccountId, AttemptId, BatchId, RunId, TaskId};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::product::{Engine, Function, Method, Priority, ResultKind};
use crate::task::TaskState;

/// A batch, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Which.
    pub batch: BatchId,
    /// Whose.
    pub run: RunId,
    /// The job's name.
    pub job: String,
    /// The run's period.
    pub period: String,
    /// The account that bought it, and its name.
    pub account: (AccountId, String),
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// The provider cannot have seen it before.
    pub sent_v: i64,
    /// The connection was gone by then, where that is known.
    pub closed_v: Option<i64>,
    /// Why its outcome is not known; none while it is being sent, and where it always was.
    pub why: Option<String>,
    /// Tasks in it.
    pub attempts: u64,
    /// Those that are in doubt, and those on which a person's word can be taken back.
    pub tasks: Vec<UnknownTask>,
    /// The scans of the account's list since it was sent, the earliest first.
    pub scans: Vec<Scan>,
    /// How many of them count for it.
    pub counting: usize,
    /// Since when the list is known to show unfinished tasks of this function.
    pub shows_unfinished_v: Option<i64>,
}

/// A task of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTask {
    /// Which.
    pub task: TaskId,
    /// Its attempt.
    pub attempt: AttemptId,
    /// The attempt's state, in one word.
    pub state: String,
    /// What is held for it, or was.
    pub held: Money,
    /// What the provider knows it by.
    pub tag: String,
    /// What is asked.
    pub prompt: String,
    /// Where, and in which language.
    pub market: String,
    /// Of which model; empty where there is none.
    pub model: String,
}

/// A complete scan of the provider's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// When it began, by the provider's clock.
    pub begun_v: i64,
    /// The rows that it has read.
    pub rows: u64,
    /// `valid`, or why it proves nothing.
    pub verdict: String,
}

/// An attempt of a task, for its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number, from 1.
    pub number: u32,
    /// Its state, in words.
    pub state: String,
    /// The provider's last status code, where it says more.
    pub code: Option<u32>,
    /// The provider's own words on it.
    pub message: Option<String>,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// What it cost.
    pub cost: Money,
    /// The batch it was bought in.
    pub batch: BatchId,
}

/// One task as it is exported.
#[derive(Clone, Debug)]
pub struct ExportRow {
    /// Prompt set that pays for it.
    pub set: String,
    /// Further sets that ask it.
    pub also_in: Vec<String>,
    /// The line of the job file on which that set begins, where known.
    pub line: Option<u32>,
    /// The prompt.
    pub prompt: String,
    /// The place.
    pub location_code: u32,
    /// Its name, where known.
    pub location_name: Option<String>,
    /// The language.
    pub language_code: String,
    /// Whose answer.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// At which priority.
    pub priority: Priority,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// Where it stands.
    pub state: TaskState,
    /// False: bought, and no longer asked.
    pub asked: bool,
    /// The provider's id of its latest attempt.
    pub provider_id: Option<String>,
    /// All attempts, first to last.
    pub history: Vec<Past>,
    /// What all attempts together cost.
    pub cost: Money,
    /// When it was bought (Unix seconds, provider's clock).
    pub bought_v: Option<i64>,
    /// When it was answered, by the provider's word.
    pub answered_v: Option<i64>,
    /// Which model answered.
    pub model: Option<String>,
    /// What is odd about its answer, or about one of its forms.
    pub oddity: Option<Oddity>,
    /// The bodies as the provider sent them, decompressed, by form, and what is odd about each.
    pub answers: Vec<(ResultKind, Vec<u8>, Option<Oddity>)>,
}

impl ExportRow {
    /// The provider's code of the place; none where it was asked in none.
    pub fn place(&self) -> Option<u32> {
        Some(self.location_code).filter(|code| *code > 0)
    }
}
