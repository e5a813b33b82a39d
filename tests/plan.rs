//! The plan against a brute force that implements the same rule in the simplest way.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bursar::config::Config;
use bursar::job::{self, Job};
use bursar::money::Money;
use bursar::plan::{BuyingOrder, Headroom, PlanError, plan, worst_cases};
use bursar::price::PriceList;
use proptest::prelude::*;

fn check(text: &str) -> Job {
    let config = Config::built_in(Path::new("/jobs"));
    let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    job::check(Path::new("/jobs/plan.toml"), text, &config, &files)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

/// A prompt set by small numbers: prompts, markets, engines (and whether at high priority), repeats, weight.
#[derive(Clone, Debug)]
struct Set {
    prompts: Vec<u8>,
    markets: Vec<u8>,
    engines: Vec<(u8, bool)>,
    repeats: u32,
    weight: u32,
}

fn engine(number: u8) -> &'static str {
    ["chat_gpt", "gemini"][usize::from(number)]
}

fn text(sets: &[Set]) -> String {
    let mut text = "[budget]\nrun = \"1000\"\n".to_owned();
    for (at, set) in sets.iter().enumerate() {
        let prompts: Vec<String> = set.prompts.iter().map(|prompt| format!("\"prompt {prompt}\"")).collect();
        let markets: Vec<String> = set
            .markets
            .iter()
            .map(|m| format!("{{ location = {}, language = \"en\" }}", 2840 + u32::from(*m)))
            .collect();
        let targets: Vec<String> = set
            .engines
            .iter()
            .map(|(e, high)| {
                format!("{{ engine = \"{}\", priority = \"{}\" }}", engine(*e), if *high { "high" } else { "normal" })
            })
            .collect();
        write!(
            text,
            "[[prompt_set]]\nname = \"set{at}\"\nweight = {}\nrepeats = {}\nprompts = [{}]\nmarkets = [{}]\ntargets = [{}]\n",
            set.weight,
            set.repeats,
            prompts.join(", "),
            markets.join(", "),
            targets.join(", ")
        ).unwrap();
    }
    text
}

/// A task: set that pays, prompt, market, engine, repeat, nano-dollars.
type Task = (usize, u8, u8, u8, u32, i64);

/// The rule, said again: each set's own order, and between sets the least allocated for its weight.
fn brute_force(sets: &[Set]) -> Vec<Task> {
    let asks = |set: &Set, p: u8, m: u8, e: u8| {
        set.prompts.contains(&p) && set.markets.contains(&m) && set.engines.iter().any(|(engine, _)| *engine == e)
    };
    let mut queues: Vec<Vec<Task>> = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let mut queue = Vec::new();
        for repeat in 1..=5 {
            for j in 0..set.markets.len() {
                for (i, p) in set.prompts.iter().enumerate() {
                    let m = set.markets[(i + j) % set.markets.len()];
                    for (e, high) in &set.engines {
                        let asking: Vec<usize> = (0..sets.len()).filter(|s| asks(&sets[*s], *p, m, *e)).collect();
                        let repeats = asking.iter().map(|s| sets[*s].repeats).max().unwrap();
                        if asking[0] == at && repeat <= repeats {
                            queue.push((at, *p, m, *e, repeat, if *high { 2_400_000 } else { 1_200_000 }));
                        }
                    }
                }
            }
        }
        queue.reverse();
        queues.push(queue);
    }
    let mut allocated = vec![0_i64; sets.len()];
    let mut order = Vec::new();
    loop {
        let mut next: Option<usize> = None;
        for at in 0..sets.len() {
            let less = |other: usize| {
                allocated[at] * i64::from(sets[other].weight) < allocated[other] * i64::from(sets[at].weight)
            };
            if !queues[at].is_empty() && next.is_none_or(less) {
                next = Some(at);
            }
        }
        let Some(at) = next else { return order };
        let task = queues[at].pop().unwrap();
        allocated[at] += task.5;
        order.push(task);
    }
}

fn planned(job: &Job) -> Vec<Task> {
    let worst_case = worst_cases(job, &PriceList::default()).unwrap();
    let mut prompts = BTreeMap::new();
    let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    job.each_prompt::<()>(&files, |at, text| {
        prompts.insert(at, text.trim_start_matches("prompt ").parse::<u8>().unwrap());
        Ok(())
    })
    .unwrap();
    BuyingOrder::new(job, &worst_case)
        .map(|step| {
            let set = &job.sets[step.set];
            let market = u8::try_from(set.markets[step.market.unwrap()].location_code - 2840).unwrap();
            let target = &set.targets[step.target];
            let engine = u8::from(target.engine.name() == "gemini");
            (step.set, prompts[&step.prompt], market, engine, step.repeat, worst_case[step.set][step.target].nanos())
        })
        .collect()
}

fn set() -> impl Strategy<Value = Set> {
    let distinct = |most: u8, count| proptest::sample::subsequence((0..most).collect::<Vec<_>>(), count).prop_shuffle();
    (distinct(6, 1..=5), distinct(4, 1..=4), distinct(2, 1..=2), any::<[bool; 2]>(), 1..=3_u32, 1..=4_u32).prop_map(
        |(prompts, markets, engines, high, repeats, weight)| Set {
            prompts,
            markets,
            engines: engines.into_iter().map(|e| (e, high[usize::from(e)])).collect(),
            repeats,
            weight,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_is_the_stated_rule_and_nothing_else(sets in proptest::collection::vec(set(), 1..=4)) {
        prop_assert_eq!(planned(&check(&text(&sets))), brute_force(&sets));
    }

    #[test]
    fn a_cap_cuts_at_the_first_unaffordable_task(
        sets in proptest::collection::vec(set(), 1..=3),
        left in 0..60_000_000_i64,
    ) {
        let job = check(&text(&sets));
        let headroom = Headroom::of_run(Money::from_nanos(left));
        let (mut tasks, mut cost) = (0, 0);
        for task in brute_force(&sets) {
            if cost + task.5 > left {
                break;
            }
            tasks += 1;
            cost += task.5;
        }
        match plan(&job, &PriceList::default(), &[headroom]) {
            Ok(plan) => {
                prop_assert_eq!((plan.total.allocated, plan.total.allocated_cost.nanos()), (tasks, cost));
                prop_assert_eq!(plan.cut.is_some(), plan.total.allocated < plan.total.tasks);
            }
            Err(PlanError::Unpayable { smallest, first, .. }) => {
                prop_assert_eq!(tasks, 0);
                prop_assert_eq!(smallest, first);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_question_of_two_sets_is_one_task() {
    let set = |prompts: &[u8], repeats| Set {
        prompts: prompts.to_vec(),
        markets: vec![0],
        engines: vec![(0, false)],
        repeats,
        weight: 1,
    };
    let job = check(&text(&[set(&[1, 2], 1), set(&[2, 3], 3)]));
    let tasks = planned(&job);
    let of = |prompt| tasks.iter().filter(|task| task.1 == prompt).map(|task| task.0).collect::<Vec<_>>();
    assert_eq!((of(1), of(2), of(3)), (vec![0], vec![0, 0, 0], vec![1, 1, 1]));
    let distinct: BTreeSet<_> = tasks.iter().map(|(_, p, m, e, r, _)| (p, m, e, r)).collect();
    assert_eq!(distinct.len(), tasks.len());
}
