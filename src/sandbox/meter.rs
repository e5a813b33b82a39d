//! What an LLM Responses task uses and costs: tokens drawn from the seed, priced by the model, settled once.
//!
//! By the provider's help page, the Standard method takes a fee and an advance when the task is posted, and settles
//! to fee and charge when it is done; Live takes fee and charge at once. Both amounts are in `settings`.

use super::draw;
use super::models::Model;
use super::task_id::TaskId;
use crate::money::Money;

/// What a checked task asks of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) model: &'static Model,
    /// Characters that the model is to read.
    pub(super) chars: usize,
    /// The most tokens of the answer; no hard bound where it searches or reasons.
    pub(super) max_output: u32,
    pub(super) search: Search,
    pub(super) reasons: bool,
}

/// Whether the web is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    Never,
    Perhaps,
    Always,
}

/// What a model used for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) model: &'static Model,
    pub(super) input_tokens: u32,
    pub(super) output_tokens: u32,
    pub(super) reasoning_tokens: u32,
    pub(super) searched: bool,
    /// `money_spent`: the model's charge.
    pub(super) spent: Money,
}

impl Usage {
    /// What a model uses for this task, by the seed; the charge is another where `overrun` says so.
    pub(super) fn draw(seed: u64, id: TaskId, question: &Question, overrun: Option<Money>) -> Self {
        let mut rng = draw::rng(seed, id.0, "tokens");
        let searched = match question.search {
            Search::Never => false,
            Search::Perhaps => rng.bool(),
            Search::Always => true,
        };
        let read = u32::try_from(question.chars / 4).unwrap_or(u32::MAX / 4) + rng.u32(8..40);
        let input_tokens = if searched { read + rng.u32(200..500) } else { read };
        let most = if searched || question.reasons { question.max_output / 4 * 5 } else { question.max_output };
        let output_tokens = rng.u32((most / 8).max(1)..=most.max(1));
        let reasoning_tokens = if question.reasons { output_tokens / 2 } else { 0 };
        let spent = overrun.unwrap_or_else(|| question.model.charge(input_tokens, output_tokens, searched));
        Self { model: question.model, input_tokens, output_tokens, reasoning_tokens, searched, spent }
    }
}

/// The money of an LLM Responses task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    pub(super) usage: Usage,
    /// What was taken when it was posted.
    pub(super) posted: Money,
    /// How much of that is an advance.
    pub(super) advance: Money,
    /// What the answer to its POST said that it cost.
    pub(super) shown: Money,
    /// What comes in place of `posted`, and from when on (milliseconds since 1970).
    pub(super) settles: Option<(i64, Money)>,
    pub(super) settled: bool,
}

impl Meter {
    /// What still stands as an advance, of which some may come back.
    pub(super) fn open(&self) -> bool {
        self.settles.is_some() && !self.settled
    }
}
