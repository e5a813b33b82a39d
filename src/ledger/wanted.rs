//! What is to be bought: the tasks of a plan, their targets and markets, and orders as they go over the wire.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ids::{AttemptId, MarketId, SetId, TargetId, TaskId};
use crate::job::{Job, Target};
use crate::money::Money;
use crate::plan::{Stand, Step};
use crate::product::{Engine, Function, Method, Priority};
use crate::tag::{LedgerId, Tag};
use crate::task::{Identity, Question, Reason};

/// A task that is next in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToBuy {
    /// Which.
    pub task: TaskId,
    /// Its place in the plan.
    pub position: i64,
    /// What is asked of whom.
    pub target: TargetId,
    /// The prompt set that pays.
    pub set: SetId,
    /// Where, and in which language.
    pub market: MarketId,
    /// By which method.
    pub method: Method,
    /// At which priority.
    pub priority: Priority,
    /// Its latest attempt.
    pub previous: Option<AttemptId>,
    /// How many attempts it has had.
    pub attempts: u32,
    /// The request of its latest attempt was refused whole, with so many tasks in it: nothing of it was bought, and which of
    /// them is to blame is not known.
    pub refused_with: Option<u32>,
}

/// A target as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// Whose answers.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// Which model, where the function asks for one.
    pub model: Option<String>,
    /// The fields of the request, each with its value as JSON.
    pub options: Vec<(&'static str, String)>,
}

impl TargetFacts {
    /// The target as it is bought by a method, at a priority.
    pub fn bought_by(&self, method: Method, priority: Priority) -> Target {
        Target {
            engine: self.engine,
            function: self.function,
            method,
            priority,
            auto: false,
            model: self.model.clone(),
            options: self.options.clone(),
        }
    }
}

/// What finished tasks of a target came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetCost {
    /// How many.
    pub tasks: u64,
    /// All of them together.
    pub total: Money,
    /// The dearest.
    pub most: Money,
}

impl TargetCost {
    /// What the next is expected to cost.
    pub fn expected(&self) -> Money {
        Money::from_nanos(self.total.nanos() / i64::try_from(self.tasks).unwrap_or(i64::MAX).max(1))
    }
}

/// What is asked of whom, and where: what the tasks of one market and target have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose answer.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// The place.
    pub location_code: u32,
    /// The language.
    pub language_code: String,
    /// The options, as a JSON object.
    pub options: String,
}

/// A run by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName {
    /// The ledger that holds it.
    pub ledger: LedgerId,
    /// Its job.
    pub job: String,
    /// Its period.
    pub period: String,
}

/// One task of a batch, with all that goes over the wire and that its tag is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its number, from 1.
    pub number: u32,
    /// Whose.
    pub run: Arc<RunName>,
    /// What is asked of whom.
    pub asked: Arc<Asked>,
    /// The text that the engine is to read.
    pub prompt: String,
    /// Which of the question's repeats.
    pub repeat: u32,
    /// At which priority.
    pub priority: Priority,
}

impl Order {
    /// The tag of the attempt.
    pub fn tag(&self) -> Tag {
        let question = Question {
            engine: self.asked.engine,
            function: self.asked.function,
            prompt: &self.prompt,
            location_code: self.asked.location_code,
            language_code: &self.asked.language_code,
            options: &self.asked.options,
        };
        let (job, period) = (&*self.run.job, &*self.run.period);
        let task = Identity { job, period, question: question.key(), repeat: self.repeat };
        Tag::of(&self.run.ledger, self.attempt.0, &task, self.number)
    }
}

/// What a new plan changed in a run that had one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// Tasks that joined.
    pub joined: u64,
    /// Tasks that left, never bought.
    pub left: u64,
    /// Tasks that were bought and are no longer asked.
    pub no_longer_asked: u64,
}

/// A task that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedTask {
    /// Why.
    pub reason: Reason,
    /// The provider's code, where it gave one.
    pub code: Option<u32>,
    /// How many of its purchases were paid for and gave no answer.
    pub paid: u32,
}

/// The tasks of a run that are not simply to be bought, found by the steps of a plan.
#[derive(Debug, Default)]
pub struct Tried {
    /// By prompt, market, target and repeat, the last three as the ledger numbers them.
    pub(super) stands: HashMap<([u8; 16], i64, i64, u32), Stand>,
    /// By set of the job: the ledger's numbers of its markets; behind them, of no place.
    pub(super) markets: Vec<Vec<Option<i64>>>,
    /// By set of the job: the ledger's numbers of its targets.
    pub(super) targets: Vec<Vec<Option<i64>>>,
}

impl Tried {
    /// Where the task of a step stands.
    pub fn of(&self, job: &Job, step: &Step) -> Stand {
        let known = || {
            let places = self.markets.get(step.set)?;
            let market = (*places.get(step.market.unwrap_or(places.len() - 1))?)?;
            let target = (*self.targets.get(step.set)?.get(step.target)?)?;
            self.stands.get(&(job.prompts.hash(step.prompt), market, target, step.repeat)).copied()
        };
        known().unwrap_or(Stand::ToBuy)
    }
}
