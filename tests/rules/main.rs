//! One test for each rule: what prevents a task from being bought twice, a session from lasting for ever, and money
//! from exceeding its caps. Each test was seen to fail with its rule removed.
#![expect(unreachable_pub, clippy::unwrap_used, reason = "a world shared by tests, where a failure is a panic")]

#[path = "../world/mod.rs"]
mod world;

mod alike;
pub(crate) mod answers;
mod awaited;
pub(crate) mod ceilings;
pub(crate) mod carried;
mod cells;
pub(crate) mod clocks;
pub(crate) mod costs;
pub(crate) mod unknown_outcome;
pub(crate) mod endings;
pub(crate) mod evidence;
pub(crate) mod figures;
mod gateway;
pub(crate) mod halved;
mod deadline_choice;
pub(crate) mod line_ends;
mod listed;
pub(crate) mod odd;
mod refusing;
pub(crate) mod restored;
pub(crate) mod rows;
pub(crate) mod second;
pub(crate) mod settled;
pub(crate) mod sending;
pub(crate) mod strangers;
pub(crate) mod told;
pub(crate) mod watch;
pub(crate) mod worst_case;

use std::time::Duration;

use bursar::engine::End;
use bursar::money::Money;
use bursar::sandbox::{Fault, Faults, Rule, Settings, Spread};
use world::World;

/// What a task costs.
const PRICE: Money = Money::from_nanos(1_200_000);

/// A job of so many questions: the first goes alone, to learn its price, and the others in one batch behind it.
fn job(questions: usize) -> String {
    named("rules", questions)
}

fn named(name: &str, questions: usize) -> String {
    let prompts: Vec<String> = (1..=questions).map(|n| format!("\"question {n} of {name}?\"")).collect();
    format!(
        "name = \"{name}\"\n[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nengine = \"chat_gpt\"\n\
         locations = [\"United States\"]\nlanguages = [\"English\"]\nprompts = [{}]\n",
        prompts.join(", ")
    )
}

/// A provider whose answers take forty minutes, whose list is never behind, and what goes wrong there.
fn settings(rules: Vec<Rule>) -> Settings {
    let turnaround = Spread { min: Duration::from_mins(40), max: Duration::from_mins(40) };
    let faults = Faults::from(rules);
    Settings { turnaround_normal: turnaround, listing_lag_max: Duration::ZERO, faults, ..Settings::default() }
}

/// A session whose process dies after so long, if it has not ended before.
async fn live_for(world: &mut World, job: &str, time: Duration) -> Option<End> {
    tokio::time::timeout(time, world.live_on(job)).await.ok()
}

/// From five minutes after the first call on: the list has shown an unfinished task of ours by then.
fn later(fault: Fault) -> Rule {
    Rule { from: Duration::from_mins(5), ..Rule::always(fault) }
}
