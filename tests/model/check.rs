//! Searches every state, and counts them.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use super::rules::{Circumstances, Rules};
use super::steps::Protocol;
use super::world::{Page, Trust, World};

/// Whether the large searches are asked for, and not only the small ones.
pub(crate) fn full() -> bool {
    std::env::var_os("BURSAR_MODEL_FULL").is_some_and(|value| value == "1")
}

/// Every property of the protocol holds in every state that can be reached.
#[track_caller]
pub(crate) fn holds<const TASKS: usize>(what: &str, rules: Rules, at: Circumstances) {
    let from = stopwatch();
    let checker = Protocol::<TASKS> { rules, at }.checker().threads(1).spawn_bfs().join();
    let took = from.elapsed();
    checker.assert_properties();
    told(what, TASKS, &checker, took, "holds");
}

/// These properties are broken, and each by a way that is told. Those that are `intact` hold all the same.
#[track_caller]
pub(crate) fn breaks<const TASKS: usize>(
    what: &str,
    rules: Rules,
    at: Circumstances,
    broken: &[&'static str],
    intact: &[&'static str],
) {
    let from = stopwatch();
    let until = if intact.is_empty() {
        HasDiscoveries::AllOf(broken.iter().copied().collect::<BTreeSet<_>>())
    } else {
        HasDiscoveries::All
    };
    let checker = Protocol::<TASKS> { rules, at }.checker().threads(1).finish_when(until).spawn_bfs().join();
    let took = from.elapsed();
    let ways: Vec<String> = broken
        .iter()
        .map(|name| {
            format!("\"{name}\" broken, by a way of {} steps", checker.assert_any_discovery(name).into_vec().len() - 1)
        })
        .collect();
    for name in intact {
        checker.assert_no_discovery(name);
    }
    told(what, TASKS, &checker, took, &ways.join(", "));
}

fn told<M: Model>(what: &str, tasks: usize, checker: &impl Checker<M>, took: Duration, end: &str)
where
    M::State: Hash,
{
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("model | {what} | {tasks} | {states} | {depth} | {:.2} s | {end}", took.as_secs_f32());
}

/// A state from which no way leads to one in which nothing is in doubt and the ledger is trusted, if there is one. The
/// checker's own `eventually` does not look into circles, and waiting is one, so this is a search of its own.
pub(crate) fn doubt_for_ever<const TASKS: usize>(what: &str, rules: Rules, at: Circumstances) -> Option<World<TASKS>> {
    let from = stopwatch();
    let protocol = Protocol::<TASKS> { rules, at };
    let mut worlds = protocol.init_states();
    let mut numbers = HashMap::from([(worlds[0], 0)]);
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut next = 0;
    while next < worlds.len() {
        for world in protocol.next_states(&worlds[next]) {
            let number = *numbers.entry(world).or_insert(worlds.len());
            if number == worlds.len() {
                worlds.push(world);
                before.push(Vec::new());
            }
            before[number].push(next);
        }
        next += 1;
    }
    let settled = |world: &World<TASKS>| {
        world.trust == Trust::Whole && world.tasks.iter().all(|task| !matches!(task.page, Page::Sending { .. }))
    };
    let mut can_end: Vec<bool> = worlds.iter().map(settled).collect();
    let mut ends: Vec<usize> = (0..worlds.len()).filter(|number| can_end[*number]).collect();
    while let Some(end) = ends.pop() {
        for earlier in std::mem::take(&mut before[end]) {
            if !std::mem::replace(&mut can_end[earlier], true) {
                ends.push(earlier);
            }
        }
    }
    let stuck = can_end.iter().position(|can_end| !can_end).map(|number| worlds[number]);
    let (states, took) = (worlds.len(), from.elapsed().as_secs_f32());
    let end = if stuck.is_some() { "doubt can be for ever" } else { "doubt can always end" };
    println!("model | {what} | {TASKS} | {states} | - | {took:.2} s | {end}");
    stuck
}

#[expect(clippy::disallowed_methods, reason = "the figure is how long the search takes, by the clock on the wall")]
fn stopwatch() -> Instant {
    Instant::now()
}
