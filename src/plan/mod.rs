//! The plan: a job's tasks in order, what they cost, and where the caps cut them.
//!
//! It is computed before anyone pays, needs no credentials, and is the same every time. What was bought already is
//! `ledger`'s knowledge; here it only lowers what the caps leave.

mod haste;
mod order;
mod room;

use std::collections::BTreeMap;
use std::time::Duration;

pub use haste::{Chosen, Haste, Hurry, hasten};
pub use order::{BuyingOrder, Step};
pub use room::{Room, Scope};

use crate::config::Limits;
use crate::job::{Job, Target};
use crate::money::Money;
use crate::offer::{Method, promised_turnaround};
use crate::price::{Price, PriceList, price_key};

/// A job that cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No figure, no purchase.
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
        /// The job's own ceiling.
        most: Money,
    },
    /// Not one task fits.
    #[error(
        "{cap} leaves {left}, and the first task costs {first}: nothing can be bought; \
         the smallest that works is {smallest}"
    )]
    Unpayable {
        /// Which ceiling.
        cap: String,
        /// What it leaves.
        left: Money,
        /// What the first task may cost.
        first: Money,
        /// The smallest value of that ceiling under which one task can be bought.
        smallest: Money,
    },
}

/// A line of the plan: a part of the job, and how much of it is paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Tasks asked.
    pub tasks: u64,
    /// Their worst-case cost.
    pub cost: Money,
    /// Tasks that fit the caps.
    pub funded: u64,
    /// Their worst-case cost.
    pub funded_cost: Money,
}

impl Share {
    fn add(&mut self, cost: Money, funded: bool) {
        self.tasks += 1;
        self.cost += cost;
        if funded {
            self.funded += 1;
            self.funded_cost += cost;
        }
    }
}

/// Where and why the caps cut the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The ceiling that the first task left out does not fit under.
    pub cap: Room,
    /// What everything would cost.
    pub whole: Money,
    /// The value of that ceiling under which everything fits.
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
    /// Funded tasks, by price key.
    pub funded_at: BTreeMap<String, u64>,
    /// Prompts left out because they stand twice in a set.
    pub duplicates: u64,
    /// POST calls for the funded tasks.
    pub batches: u64,
    /// All calls for the funded tasks: batches, and one for each answer and form of it.
    pub calls: u64,
    /// From the first purchase to the last answer, at the limits and the vendor's promises.
    pub finish: Duration,
    /// Where the caps cut; `None` when everything fits.
    pub cut: Option<Cut>,
}

/// The most that one task may cost, for each set and target.
///
/// # Errors
/// A target has no price, or one above the set's own ceiling.
pub fn worst_cases(job: &Job, prices: &PriceList) -> Result<Vec<Vec<Money>>, PlanError> {
    let of_target = |set: &crate::job::PromptSet, target: &Target| {
        let no_price = || PlanError::NoPrice { target: price_key(target) };
        let price = prices.expected(target, set.asked()).ok_or_else(no_price)?.worst;
        match set.max_cost_per_task {
            Some(most) if price > most => Err(PlanError::TooDear { set: set.name.clone(), price, most }),
            _ => Ok(price),
        }
    };
    job.sets.iter().map(|set| set.targets.iter().map(|target| of_target(set, target)).collect()).collect()
}

/// Plans a job under what the caps leave.
///
/// # Errors
/// A target has no price, or the caps do not leave enough for one task.
pub fn plan(job: &Job, prices: &PriceList, rooms: &[Room], limits: &Limits) -> Result<Plan, PlanError> {
    let worst = worst_cases(job, prices)?;
    let mut order = BuyingOrder::new(job, &worst);
    let mut tally = Tally::new(job);
    let mut first_out = None;
    let tightest = rooms.iter().min_by_key(|room| room.left);
    for step in order.by_ref() {
        let cost = worst[step.set][step.target];
        let fits = first_out.is_none()
            && tightest.is_none_or(|room| tally.total.funded_cost.saturating_add(cost) <= room.left);
        if !fits && first_out.is_none() {
            first_out = Some(cost);
        }
        tally.add(step, cost, fits);
    }
    let cut = match (first_out, tightest) {
        (Some(first), Some(room)) if tally.total.funded == 0 => {
            let used = room.limit.less(room.left);
            return Err(PlanError::Unpayable {
                cap: room.name.clone(),
                left: room.left,
                first,
                smallest: used.saturating_add(first),
            });
        }
        (Some(_), Some(room)) => Some(Cut {
            cap: room.clone(),
            whole: tally.total.cost,
            enough: room.limit.less(room.left).saturating_add(tally.total.cost),
        }),
        _ => None,
    };
    Ok(tally.into_plan(job, prices, limits, cut))
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

    fn add(&mut self, step: Step, cost: Money, funded: bool) {
        self.total.add(cost, funded);
        self.by_set[step.set].add(cost, funded);
        let cells = &mut self.cells[step.set];
        let market = step.market.unwrap_or(cells.len() - 1);
        cells[market][step.target].add(cost, funded);
    }

    fn into_plan(self, job: &Job, prices: &PriceList, limits: &Limits, cut: Option<Cut>) -> Plan {
        let mut by_market = Lines::default();
        let mut by_target = Lines::default();
        let mut by_priority = Lines::default();
        let mut endpoints: BTreeMap<_, (u64, usize)> = BTreeMap::new();
        let mut keys = BTreeMap::new();
        let (mut slowest, mut fetches, mut funded_at) = (Duration::ZERO, 0, BTreeMap::new());
        for (set, cells) in job.sets.iter().zip(&self.cells) {
            let markets = set.markets.iter().map(ToString::to_string).chain([NO_PLACE.to_owned()]);
            for (market, row) in markets.zip(cells) {
                for (target, share) in set.targets.iter().zip(row).filter(|(_, share)| share.tasks > 0) {
                    by_market.add(market.clone(), share);
                    by_target.add(label(target), share);
                    by_priority.add(target.priority.to_string(), share);
                    if share.funded > 0 {
                        let endpoint = endpoints.entry((target.engine, target.function, target.method)).or_default();
                        *endpoint = (endpoint.0 + share.funded, target.offer().batch);
                        let (function, method, priority) = (target.function, target.method, target.priority);
                        *funded_at.entry(price_key(target)).or_default() += share.funded;
                        slowest = slowest.max(promised_turnaround(function, method, priority));
                        if method == Method::Standard {
                            fetches += share.funded * forms(target, job);
                        }
                    }
                    if let Some(price) = prices.expected(target, set.asked()) {
                        // Of several sets that ask the same the dearest is shown.
                        let known = keys.entry(price_key(target)).or_insert_with(|| price.clone());
                        if price.worst > known.worst {
                            *known = price;
                        }
                    }
                }
            }
        }
        let batches = endpoints.values().map(|(tasks, batch)| tasks.div_ceil(*batch as u64)).sum::<u64>();
        let calls = batches + fetches;
        let at_the_limit =
            |calls: u64| Duration::from_secs(calls.saturating_mul(60) / u64::from(limits.calls_per_minute.max(1)));
        Plan {
            finish: (at_the_limit(batches) + slowest).max(at_the_limit(calls)),
            by_set: job.sets.iter().map(|set| set.name.clone()).zip(self.by_set).collect(),
            by_market: by_market.0,
            by_target: by_target.0,
            by_priority: by_priority.0,
            prices: keys,
            funded_at,
            duplicates: job.sets.iter().map(|set| set.duplicates).sum(),
            batches,
            calls,
            total: self.total,
            cut,
        }
    }
}

/// What is asked in no place, where a market stands.
const NO_PLACE: &str = "no place";

/// The forms of an answer that are fetched one by one.
fn forms(target: &Target, job: &Job) -> u64 {
    job.results.iter().filter(|form| target.offer().results.contains(form)).count().max(1) as u64
}

/// A target in words: what is asked of whom, and how it is bought.
fn label(target: &Target) -> String {
    let mut label = format!("{} {} {}", target.engine, target.function, target.method);
    for word in target.model.iter().map(String::as_str).chain(target.options.iter().map(|(name, _)| *name)) {
        label.push(' ');
        label.push_str(word);
    }
    if target.offer().priorities.len() > 1 { format!("{label}, {} priority", target.priority) } else { label }
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
        let line = &mut self.0[index].1;
        line.tasks += share.tasks;
        line.cost += share.cost;
        line.funded += share.funded;
        line.funded_cost += share.funded_cost;
    }
}
