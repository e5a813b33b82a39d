//! The deadline choice: the cheapest way to buy that meets the deadline.
//!
//! A target with `priority = "auto"` is bought in the cheapest of normal, high and Live whose answers arrive in the
//! time that is left, with the rest of the plan sent before it at the limits. If none arrives in time, nothing is
//! paid for expediting: the target is bought in the cheapest way and will be late.

use std::time::Duration;

use crate::config::Limits;
use crate::job::{Job, PromptSet, Target};
use crate::money::Money;
use crate::price::PriceList;
use crate::product::{Function, MAX_BATCH, Method, Priority, Product};

/// What is known about the time that a plan takes.
pub struct TimeLeft<'t> {
    /// The time left until the deadline.
    pub left: Duration,
    /// The provider's limits.
    pub limits: &'t Limits,
    /// How long answers of a kind take: by the provider's promise, or as measured.
    pub takes: &'t dyn Fn(Function, Method, Priority) -> Duration,
}

/// The result of a deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadlineChoice {
    /// For each set and target that is bought by the deadline: the choice.
    pub chosen: Vec<Chosen>,
}

/// How a target is bought to meet a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The prompt set.
    pub set: String,
    /// The maximum number of its tasks.
    pub tasks: u64,
    /// The target as it is bought.
    pub target: Target,
    /// How much dearer one task is than in the cheapest way.
    pub dearer: Money,
    /// Its answers are expected in time.
    pub in_time: bool,
}

/// The job as it is bought in the time that is left: each target with a deadline gets its method and priority.
pub fn choose_by_deadline(job: &Job, prices: &PriceList, time_left: &TimeLeft<'_>) -> (Job, DeadlineChoice) {
    let mut chosen = job.clone();
    let mut deadline_choice = DeadlineChoice::default();
    let all = job.sets.iter().map(|set| tasks(set) * set.targets.len() as u64).sum::<u64>();
    for set in &mut chosen.sets {
        let asked = set.clone();
        for target in set.targets.iter_mut().filter(|target| target.auto) {
            let ways = ways(&asked, target, job, prices);
            let Some((cheapest, least)) = ways.first().cloned() else { continue };
            let in_time = ways.iter().find(|(way, _)| time_left.time_for(way, all, tasks(&asked)) <= time_left.left);
            let (way, worst_case) = in_time.cloned().unwrap_or((cheapest, least));
            deadline_choice.chosen.push(Chosen {
                set: asked.name.clone(),
                tasks: tasks(&asked),
                target: way.clone(),
                dearer: worst_case.less(least),
                in_time: in_time.is_some(),
            });
            *target = way;
        }
    }
    (chosen, deadline_choice)
}

/// The maximum number of tasks that a set asks of each of its targets.
fn tasks(set: &PromptSet) -> u64 {
    (set.prompts.len() * set.markets.len().max(1)) as u64 * u64::from(set.repeats)
}

impl TimeLeft<'_> {
    /// The time until the last answer of a target: the whole plan is sent first, and Live calls wait for one another.
    fn time_for(&self, way: &Target, all: u64, own: u64) -> Duration {
        let takes = (self.takes)(way.function, way.method, way.priority);
        let calls = match way.method {
            Method::Standard => all.div_ceil(MAX_BATCH as u64),
            Method::Live => all.max(own),
        };
        let sending = Duration::from_secs(calls.saturating_mul(60) / u64::from(self.limits.calls_per_minute.max(1)));
        let turns = match way.method {
            Method::Standard => 1,
            Method::Live => own.div_ceil(u64::from(self.limits.live_in_flight.max(1))).max(1),
        };
        sending.saturating_add(takes.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX)))
    }
}

/// The ways to buy a target, cheapest first. Ways without a price are left out, and so are ways above the set's
/// maximum cost of a task, except the cheapest, about which the plan then reports a problem.
fn ways(set: &PromptSet, target: &Target, job: &Job, prices: &PriceList) -> Vec<(Target, Money)> {
    let mut ways = Vec::new();
    for method in Method::ALL {
        let Some(product) = Product::find(target.engine, target.function, *method) else { continue };
        // A Live answer comes in one form.
        if *method == Method::Live && product.results.len() > 1 && job.results.len() > 1 {
            continue;
        }
        for priority in product.priorities {
            let way = Target { method: *method, priority: *priority, ..target.clone() };
            let worst_case = prices.expected(&way, set.asked()).map(|price| price.worst_case);
            ways.extend(worst_case.map(|worst_case| (way, worst_case)));
        }
    }
    ways.sort_by_key(|(_, worst_case)| *worst_case);
    let most = set.max_cost_per_task.unwrap_or(Money::MAX);
    let payable = ways.iter().take_while(|(_, worst_case)| *worst_case <= most).count();
    ways.truncate(payable.max(1));
    ways
}
