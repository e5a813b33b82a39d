//! The plan: a job's tasks in order, what they cost, and where the caps cut them.
//!
//! It is computed before anyone pays, needs no credentials, and is the same every time. The ledger knows what was
//! bought already; here that only lowers the headroom.

mod finish;
mod deadline_choice;
mod order;
mod headroom;

use std::collections::BTreeMap;

pub use deadline_choice::{Chosen, DeadlineChoice, TimeLeft, choose_by_deadline};
pub use finish::{AtEndpoint, Tempo, Work};
pub use headroom::{Headroom, Scope};
pub use order::{BuyingOrder, Step};

use crate::job::{Job, Target};
use crate::money::Money;
use crate::price::{Price, PriceList, price_key};
use crate::product::{Method, promised_turnaround};

/// A job that cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A target has no price, so nothing can be reserved.
    #[error(
        "no price is known for {target}: nothing can be reserved for it, so nothing is bought; \
         give one under [[accounts.NAME.prices]] in the configuration"
    )]
    NoPrice {
        /// The price key of the target.
        target: String,
    },
    /// One task may cost more than the job allows.
    #[error(
        "prompt set `{set}`: one task costs {price}, more than max_cost_per_task = \"{}\"; raise it or leave the set out",
        .most.decimal()
    )]
    TooDear {
        /// The prompt set.
        set: String,
        /// The price of one task.
        price: Money,
        /// The job's own maximum.
        most: Money,
    },
    /// Not one task fits.
    #[error(
        "{cap} leaves {left}, and the first task costs {first}: nothing can be bought; \
         the smallest that works is {smallest}"
    )]
    Unpayable {
        /// The cap.
        cap: String,
        /// Its headroom.
        left: Money,
        /// What the first task may cost.
        first: Money,
        /// The smallest value of that cap under which one task can be bought.
        smallest: Money,
    },
}

/// A line of the plan: a part of the job, and how much of it the caps cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Tasks asked.
    pub tasks: u64,
    /// Their worst-case cost.
    pub cost: Money,
    /// Tasks that are to be bought and fit the caps.
    pub allocated: u64,
    /// Their worst-case cost.
    pub allocated_cost: Money,
    /// Tasks that were bought before.
    pub bought: u64,
    /// Tasks whose outcome is unknown.
    pub in_doubt: u64,
    /// Tasks that the provider refused.
    pub refused: u64,
}

/// The state of a task of a plan before anything more is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is to be bought.
    ToBuy,
    /// It was bought, whatever the result.
    Bought,
    /// It may have been bought: it is not bought again before that is known.
    InDoubt,
    /// The provider refused it, at no cost and for good.
    Refused,
}

impl Share {
    /// Tasks that are to be bought and do not fit the caps.
    pub fn left_out(&self) -> u64 {
        self.to_buy() - self.allocated
    }

    /// Tasks that are to be bought, whether they fit or not.
    pub fn to_buy(&self) -> u64 {
        self.tasks - self.bought - self.in_doubt - self.refused
    }

    fn add(&mut self, cost: Money, stand: Stand, allocated: bool) {
        self.tasks += 1;
        self.cost += cost;
        match stand {
            Stand::ToBuy if allocated => {
                self.allocated += 1;
                self.allocated_cost += cost;
            }
            Stand::ToBuy => {}
            Stand::Bought => self.bought += 1,
            Stand::InDoubt => self.in_doubt += 1,
            Stand::Refused => self.refused += 1,
        }
    }

    fn join(&mut self, other: &Self) {
        self.tasks += other.tasks;
        self.cost += other.cost;
        self.allocated += other.allocated;
        self.allocated_cost += other.allocated_cost;
        self.bought += other.bought;
        self.in_doubt += other.in_doubt;
        self.refused += other.refused;
    }
}

/// Where and why the caps cut the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The cap under which the first task left out does not fit.
    pub cap: Headroom,
    /// What that task would cost.
    pub first: Money,
    /// What everything that is to be bought would cost.
    pub whole: Money,
    /// The value of that cap under which everything fits.
    pub enough: Money,
}

/// What a job asks for and what it costs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything.
    pub total: Share,
    /// By prompt set, in file order.
    pub by_set: Vec<(String, Share)>,
    /// By market.
    pub by_market: Vec<(String, Share)>,
    /// By target, priority included.
    pub by_target: Vec<(String, Share)>,
    /// By priority.
    pub by_priority: Vec<(String, Share)>,
    /// The prices used, by price key.
    pub prices: BTreeMap<String, Price>,
    /// Allocated tasks, by price key.
    pub allocated_at: BTreeMap<String, u64>,
    /// Prompts left out because they occur twice in a set.
    pub duplicates: u64,
    /// The calls for the allocated tasks, and how long they take.
    pub work: Work,
    /// Where the caps cut; `None` if everything fits.
    pub cut: Option<Cut>,
}

/// The worst-case cost of one task, for each set and target.
///
/// # Errors
/// A target has no price, or one above the set's own maximum.
pub fn worst_cases(job: &Job, prices: &PriceList) -> Result<Vec<Vec<Money>>, PlanError> {
    let of_target = |set: &crate::job::PromptSet, target: &Target| {
        let no_price = || PlanError::NoPrice { target: price_key(target) };
        let price = prices.expected(target, set.asked()).ok_or_else(no_price)?.worst_case;
        match set.max_cost_per_task {
            Some(most) if price > most => Err(PlanError::TooDear { set: set.name.clone(), price, most }),
            _ => Ok(price),
        }
    };
    job.sets.iter().map(|set| set.targets.iter().map(|target| of_target(set, target)).collect()).collect()
}

/// Plans a job of which nothing was tried, under the headroom of the caps.
///
/// # Errors
/// A target has no price, or the caps do not leave enough for one task.
pub fn plan(job: &Job, prices: &PriceList, headrooms: &[Headroom]) -> Result<Plan, PlanError> {
    let plan = plan_rest(job, prices, headrooms, &|_| Stand::ToBuy)?;
    match plan.cut {
        Some(cut) if plan.total.allocated == 0 => {
            let smallest = cut.cap.used.saturating_add(cut.first);
            Err(PlanError::Unpayable { cap: cut.cap.name, left: cut.cap.left, first: cut.first, smallest })
        }
        _ => Ok(plan),
    }
}

/// Plans what is left of a job under the headroom of the caps, by the state of each task. Nothing may be left, and
/// nothing may fit.
///
/// # Errors
/// A target has no price.
pub fn plan_rest(
    job: &Job,
    prices: &PriceList,
    headrooms: &[Headroom],
    stands: &dyn Fn(&Step) -> Stand,
) -> Result<Plan, PlanError> {
    let worst_case = worst_cases(job, prices)?;
    let mut tally = Tally::new(job);
    let (mut first_out, mut whole) = (None, Money::ZERO);
    let tightest = headrooms.iter().min_by_key(|headroom| headroom.left);
    for step in BuyingOrder::new(job, &worst_case) {
        let cost = worst_case[step.set][step.target];
        let stand = stands(&step);
        if stand != Stand::ToBuy {
            tally.add(step, cost, stand, false);
            continue;
        }
        whole = whole.saturating_add(cost);
        let fits = first_out.is_none()
            && tightest.is_none_or(|headroom| tally.total.allocated_cost.saturating_add(cost) <= headroom.left);
        if !fits && first_out.is_none() {
            first_out = Some(cost);
        }
        tally.add(step, cost, stand, fits);
    }
    let cut = first_out.zip(tightest).map(|(first, headroom)| Cut {
        cap: headroom.clone(),
        first,
        whole,
        enough: headroom.used.saturating_add(whole),
    });
    Ok(tally.into_plan(job, prices, cut))
}

/// The sums that a walk through the order gathers.
struct Tally {
    total: Share,
    by_set: Vec<Share>,
    /// By set, market and target of it; behind the markets, what is asked without a place.
    cells: Vec<Vec<Vec<Share>>>,
}

impl Tally {
    fn new(job: &Job) -> Self {
        let cells =
            |set: &crate::job::PromptSet| vec![vec![Share::default(); set.targets.len()]; set.markets.len() + 1];
        Self {
            total: Share::default(),
            by_set: vec![Share::default(); job.sets.len()],
            cells: job.sets.iter().map(cells).collect(),
        }
    }

    fn add(&mut self, step: Step, cost: Money, stand: Stand, allocated: bool) {
        self.total.add(cost, stand, allocated);
        self.by_set[step.set].add(cost, stand, allocated);
        let cells = &mut self.cells[step.set];
        let market = step.market.unwrap_or(cells.len() - 1);
        cells[market][step.target].add(cost, stand, allocated);
    }

    fn into_plan(self, job: &Job, prices: &PriceList, cut: Option<Cut>) -> Plan {
        let mut by_market = Lines::default();
        let mut by_target = Lines::default();
        let mut by_priority = Lines::default();
        let mut work = Work::default();
        let mut keys = BTreeMap::new();
        let mut allocated_at = BTreeMap::new();
        for (set, cells) in job.sets.iter().zip(&self.cells) {
            let markets = set.markets.iter().map(ToString::to_string).chain([NO_PLACE.to_owned()]);
            for (market, row) in markets.zip(cells) {
                for (target, share) in set.targets.iter().zip(row).filter(|(_, share)| share.tasks > 0) {
                    by_market.add(market.clone(), share);
                    by_target.add(label(target), share);
                    by_priority.add(target.priority.to_string(), share);
                    if share.allocated > 0 {
                        let (function, method, priority) = (target.function, target.method, target.priority);
                        let at = work.0.entry((target.engine, function, method)).or_default();
                        at.tasks += share.allocated;
                        at.batch = target.product().batch as u64;
                        at.prices.insert(price_key(target));
                        at.slowest = at.slowest.max(promised_turnaround(function, method, priority));
                        if method == Method::Standard {
                            at.fetches += share.allocated * forms(target, job);
                        }
                        *allocated_at.entry(price_key(target)).or_default() += share.allocated;
                    }
                    if let Some(price) = prices.expected(target, set.asked()) {
                        // Of several sets that ask the same the dearest is shown.
                        let known = keys.entry(price_key(target)).or_insert_with(|| price.clone());
                        if price.worst_case > known.worst_case {
                            *known = price;
                        }
                    }
                }
            }
        }
        Plan {
            by_set: job.sets.iter().map(|set| set.name.clone()).zip(self.by_set).collect(),
            by_market: by_market.0,
            by_target: by_target.0,
            by_priority: by_priority.0,
            prices: keys,
            allocated_at,
            duplicates: job.sets.iter().map(|set| set.duplicates).sum(),
            work,
            total: self.total,
            cut,
        }
    }
}

/// The name for a target without a place, in the list of markets.
const NO_PLACE: &str = "no place";

/// The forms of an answer that are fetched one by one.
fn forms(target: &Target, job: &Job) -> u64 {
    job.results.iter().filter(|form| target.product().results.contains(form)).count().max(1) as u64
}

/// A target in words: its engine, function and options, and how it is bought.
fn label(target: &Target) -> String {
    let mut label = format!("{} {} {}", target.engine, target.function, target.method);
    for word in target.model.iter().map(String::as_str).chain(target.options.iter().map(|(name, _)| *name)) {
        label.push(' ');
        label.push_str(word);
    }
    if target.product().priorities.len() > 1 { format!("{label}, {} priority", target.priority) } else { label }
}

/// Shares by name, in order of first sight.
#[derive(Default)]
struct Lines(Vec<(String, Share)>);

impl Lines {
    fn add(&mut self, name: String, share: &Share) {
        let known = self.0.iter().position(|(known, _)| *known == name);
        let index = known.unwrap_or_else(|| {
            self.0.push((name, Share::default()));
            self.0.len() - 1
        });
        self.0[index].1.join(share);
    }
}
