//! What a plan says of its end, against when that is: the true end lies between 70 % and 100 % of what was said.
//!
//! Jobs of 400 to 20,000 tasks against the simulated provider as `run --sandbox` sets it up, in virtual time: three of them, or
//! all twenty where `BURSAR_FORECAST_ALL` is set, as the gate sets it.
#![expect(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    reason = "a world shared by tests, where a failure is a panic"
)]

#[path = "world/mod.rs"]
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use bursar::engine::own_headroom;
use bursar::plan::{Tempo, plan};
use bursar::price::PriceList;
use bursar::sandbox::embedded;

use world::World;

const ONE: &str = "targets = [{ engine = \"chat_gpt\" }]";
const TWO: &str = "targets = [{ engine = \"chat_gpt\" }, { engine = \"gemini\" }]";
const TWO_ONE_HIGH: &str = "targets = [{ engine = \"chat_gpt\", priority = \"high\" }, { engine = \"gemini\" }]";

/// Tasks, and whom they ask; first those that every test run has time for.
const JOBS: [(usize, &str); 20] = [
    (400, ONE),
    (500, TWO_ONE_HIGH),
    (1_200, TWO),
    (400, TWO),
    (600, TWO),
    (700, ONE),
    (800, TWO),
    (900, TWO_ONE_HIGH),
    (1_000, ONE),
    (1_000, TWO_ONE_HIGH),
    (1_500, TWO_ONE_HIGH),
    (2_000, ONE),
    (2_500, TWO),
    (3_000, TWO_ONE_HIGH),
    (3_500, ONE),
    (3_500, TWO),
    (4_000, TWO),
    (5_000, TWO_ONE_HIGH),
    (12_000, TWO),
    (20_000, ONE),
];
const FEW: usize = 3;

fn job(tasks: usize, targets: &str) -> String {
    let each = targets.matches("engine").count();
    let prompts: Vec<String> = (0..tasks / each).map(|n| format!("\"question {n}?\"")).collect();
    format!(
        "name = \"band\"\n[budget]\nrun = \"100\"\n[[prompt_set]]\nname = \"all\"\n{targets}\n\
         locations = [\"United States\"]\nlanguages = [\"English\"]\nprompts = [{}]\n",
        prompts.join(", ")
    )
}

/// What was said and what was true, for a job of so many tasks.
async fn said_and_true(tasks: usize, targets: &str) -> (Duration, Duration) {
    let mut world = World::new(embedded::settings());
    world.speed = embedded::SPEED;
    (world.account.limits, world.account.timing) = (embedded::limits(), embedded::timing());
    let text = job(tasks, targets);
    let checked = world.job(&text);
    let planned = plan(&checked, &PriceList::default(), &[own_headroom(&checked)]).unwrap();
    assert_eq!(planned.total.allocated, tasks as u64, "the budget pays for all");
    let tempo = Tempo { limits: &world.account.limits, timing: &world.account.timing, speed: embedded::SPEED };
    let said = planned.work.expected(&tempo, &BTreeSet::new());
    let begun = world.clock.now().wall;
    world.live_on(&text).await;
    let took = (world.clock.now().wall - begun).to_std().unwrap();
    assert_eq!(world.tasks("answered"), tasks as u64);
    (said, took)
}

#[tokio::test(start_paused = true)]
async fn the_true_end_is_close_below_the_end_that_was_said() {
    let jobs = if std::env::var_os("BURSAR_FORECAST_ALL").is_some() { &JOBS[..] } else { &JOBS[..FEW] };
    let mut shares = Vec::new();
    for (tasks, targets) in jobs {
        let (said, took) = said_and_true(*tasks, targets).await;
        let share = took.as_millis() * 100 / said.as_millis();
        shares.push(format!("{tasks} tasks: {took:?} of {said:?}, {share} %"));
        assert!((70..=100).contains(&share), "outside of 70 to 100 %:\n{}", shares.join("\n"));
    }
    println!("{}", shares.join("\n"));
}
