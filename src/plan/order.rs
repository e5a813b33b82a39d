//! The order in which tasks are bought, which is also where a budget cuts them.
//!
//! Inside a set: round by repeat, and in a round for j in 0..markets, for p in 0..prompts: market (p + j) mod
//! markets, at every target; at a target that is asked without a place, only if j is 0. Between sets, the next task
//! comes from the set with the least worst-case money allocated for its weight; among equals, from the first in the
//! file. A cut anywhere therefore leaves a balanced sample, and the same cut every time. The order is computed while
//! it is walked: nothing is stored for a task.

use std::collections::BTreeMap;

use crate::job::{Job, PromptSet};
use crate::money::Money;

/// One task in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The prompt set that pays for it: an index into the job's sets.
    pub set: usize,
    /// The prompt: an index into the job's distinct prompts.
    pub prompt: u32,
    /// The market of the set; none for a target that is asked without a place.
    pub market: Option<usize>,
    /// The target of the set.
    pub target: usize,
    /// The repeat, from 1.
    pub repeat: u32,
}

/// Walks a job's tasks in the order in which they are bought.
#[derive(Debug)]
pub struct BuyingOrder<'a> {
    sets: &'a [PromptSet],
    overlap: Overlap,
    worst_case: &'a [Vec<Money>],
    walks: Vec<Walk>,
}

/// The position in the order of one set.
#[derive(Debug)]
struct Walk {
    allocated: Money,
    rounds: u32,
    /// The next task that the set pays for; none at the end.
    next: Option<Step>,
    /// The position in the round after `next`: repeat, shift of markets, prompt, target.
    at: (u32, usize, usize, usize),
}

impl<'a> BuyingOrder<'a> {
    /// The order of a job's tasks; `worst_case[set][target]` is the worst-case cost of one task.
    pub fn new(job: &'a Job, worst_case: &'a [Vec<Money>]) -> Self {
        let overlap = Overlap::of(job);
        let walks = (0..job.sets.len())
            .map(|set| Walk {
                allocated: Money::ZERO,
                rounds: overlap.rounds(&job.sets, set),
                next: None,
                at: (1, 0, 0, 0),
            })
            .collect();
        let mut order = Self { sets: &job.sets, overlap, worst_case, walks };
        for set in 0..order.walks.len() {
            order.advance(set);
        }
        order
    }

    /// The other sets that ask the same question.
    pub fn also_in(&self, step: Step) -> impl Iterator<Item = usize> + '_ {
        let key = self.overlap.question(step);
        (step.set + 1..self.sets.len()).filter(move |set| self.overlap.asks(*set, key))
    }

    /// True if some question occurs in more than one set.
    pub fn sets_overlap(&self) -> bool {
        self.overlap.some
    }

    /// Finds the next task that the set itself pays for.
    fn advance(&mut self, set: usize) {
        let this = &self.sets[set];
        let (markets, prompts, targets) = (this.markets.len(), this.prompts.len(), this.targets.len());
        let walk = &mut self.walks[set];
        walk.next = None;
        if prompts == 0 || targets == 0 {
            return;
        }
        // A set without markets has targets without a place.
        let shifts = markets.max(1);
        while walk.at.0 <= walk.rounds && walk.at.1 < shifts {
            let (repeat, shift, prompt, target) = walk.at;
            let placeless = self.overlap.is_placeless(set, target);
            let market = (!placeless).then(|| (prompt + shift) % shifts);
            let step = Step { set, prompt: this.prompts[prompt], market, target, repeat };
            walk.at = match (shift, prompt, target) {
                (j, p, t) if t + 1 < targets => (repeat, j, p, t + 1),
                (j, p, _) if p + 1 < prompts => (repeat, j, p + 1, 0),
                (j, _, _) if j + 1 < shifts => (repeat, j + 1, 0, 0),
                _ => (repeat + 1, 0, 0, 0),
            };
            if (shift == 0 || !placeless) && self.overlap.pays(self.sets, step) {
                walk.next = Some(step);
                return;
            }
        }
    }
}

impl Iterator for BuyingOrder<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let share = |set: usize, other: usize| {
            // allocated / weight, compared without dividing.
            let product =
                |a: usize, b: usize| i128::from(self.walks[a].allocated.nanos()) * i128::from(self.sets[b].weight);
            product(set, other).cmp(&product(other, set))
        };
        let open = (0..self.walks.len()).filter(|set| self.walks[*set].next.is_some());
        let set = open.min_by(|a, b| share(*a, *b).then(a.cmp(b)))?;
        let step = self.walks[set].next?;
        self.walks[set].allocated += self.worst_case[set][step.target];
        self.advance(set);
        Some(step)
    }
}

/// Which sets ask which questions, stored for prompts, markets and targets separately: a set asks a question exactly
/// if it has its prompt, its market and its target.
#[derive(Debug)]
struct Overlap {
    some: bool,
    /// For each distinct prompt, a bit for each set; `words` words a prompt. Empty where nothing overlaps.
    prompts: Vec<u64>,
    words: usize,
    /// Small numbers of the markets and targets of each set, equal if they ask the same.
    markets: Vec<Vec<usize>>,
    targets: Vec<Vec<usize>>,
    /// By the number of a target: true if it is asked without a place.
    placeless: Vec<bool>,
}

/// A question, by its small numbers: prompt, market, target.
type QuestionNumber = (u32, Option<usize>, usize);

impl Overlap {
    fn of(job: &Job) -> Self {
        let words = job.sets.len().div_ceil(64);
        let mut numbers = BTreeMap::new();
        let markets = job.sets.iter().map(|set| {
            let mut number = |key| {
                let next = numbers.len();
                *numbers.entry(key).or_insert(next)
            };
            set.markets.iter().map(|m| number((m.location_code, m.language_code.as_str()))).collect()
        });
        let markets: Vec<Vec<usize>> = markets.collect();
        let mut kinds: Vec<&crate::job::Target> = Vec::new();
        let mut targets = Vec::new();
        for set in &job.sets {
            let mut of_set = Vec::new();
            for target in &set.targets {
                let known = kinds.iter().position(|kind| kind.asks_the_same_as(target));
                of_set.push(known.unwrap_or_else(|| {
                    kinds.push(target);
                    kinds.len() - 1
                }));
            }
            targets.push(of_set);
        }
        let mut prompts = vec![0_u64; job.prompts.len() * words];
        for (index, set) in job.sets.iter().enumerate() {
            for prompt in &set.prompts {
                prompts[*prompt as usize * words + index / 64] |= 1 << (index % 64);
            }
        }
        let placeless = kinds.iter().map(|target| !target.product().has_place).collect();
        let mut overlap = Self { some: false, prompts, words, markets, targets, placeless };
        overlap.some =
            (0..job.sets.len()).any(|a| (a + 1..job.sets.len()).any(|b| overlap.share_questions(&job.sets, a, b)));
        overlap
    }

    fn is_placeless(&self, set: usize, target: usize) -> bool {
        self.placeless[self.targets[set][target]]
    }

    fn question(&self, step: Step) -> QuestionNumber {
        let market = step.market.map(|market| self.markets[step.set][market]);
        (step.prompt, market, self.targets[step.set][step.target])
    }

    fn asks(&self, set: usize, (prompt, market, target): QuestionNumber) -> bool {
        self.prompts[prompt as usize * self.words + set / 64] & (1 << (set % 64)) != 0
            && market.is_none_or(|market| self.markets[set].contains(&market))
            && self.targets[set].contains(&target)
    }

    fn share_questions(&self, sets: &[PromptSet], a: usize, b: usize) -> bool {
        let same_place = self.markets[a].iter().any(|market| self.markets[b].contains(market));
        self.targets[a].iter().any(|t| self.targets[b].contains(t) && (same_place || self.placeless[*t]))
            && sets[a].prompts.iter().any(|p| self.prompts[*p as usize * self.words + b / 64] & (1 << (b % 64)) != 0)
    }

    /// The number of rounds of a set: the highest repeat count of any set that shares a question with it.
    fn rounds(&self, sets: &[PromptSet], set: usize) -> u32 {
        let shared = sets
            .iter()
            .enumerate()
            .filter(|(other, _)| *other == set || (self.some && self.share_questions(sets, set, *other)));
        shared.map(|(_, other)| other.repeats).max().unwrap_or(0)
    }

    /// True if the step's set is the first that asks the question, at the first of its targets that asks it, and some
    /// set wants that many repeats.
    fn pays(&self, sets: &[PromptSet], step: Step) -> bool {
        let question = self.question(step);
        let first_target = self.targets[step.set].iter().position(|target| *target == question.2);
        if first_target != Some(step.target)
            || self.markets[step.set].iter().position(|m| Some(*m) == question.1) != step.market
        {
            return false;
        }
        if !self.some {
            return step.repeat <= sets[step.set].repeats;
        }
        let mut askers = (0..sets.len()).filter(|set| self.asks(*set, question));
        askers.next() == Some(step.set)
            && (step.repeat <= sets[step.set].repeats || askers.any(|set| step.repeat <= sets[set].repeats))
    }
}
