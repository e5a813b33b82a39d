//! Deadlines: the cheapest way that meets them, chosen again in every session; what is late is named.

use std::time::Duration;

use bursar::ledger::Lookups;
use bursar::money::Money;
use bursar::report::Report;
use bursar::sandbox::{Settings, Spread};

use super::cells::{models, quick};
use super::settings;
use super::world::World;

/// So many questions by a deadline, under a budget.
fn by(deadline: &str, questions: usize, budget: &str) -> String {
    let prompts: Vec<String> = (1..=questions).map(|n| format!("\"question {n}?\"")).collect();
    format!(
        "name = \"deadline\"\ndeadline = \"{deadline}\"\n[budget]\nrun = \"{budget}\"\n[[prompt_set]]\nname = \"all\"\n\
         engine = \"chat_gpt\"\npriority = \"auto\"\nlocations = [\"United States\"]\nlanguages = [\"English\"]\n\
         prompts = [{}]\n",
        prompts.join(", ")
    )
}

fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

/// How the tasks were bought, and how many in each way.
fn services(world: &World) -> Vec<(String, u64)> {
    let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let sql = "SELECT method || ' ' || priority, count(*) FROM tasks GROUP BY 1 ORDER BY 1";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn past_deadline(world: &World) -> u64 {
    let mut ledger = world.open();
    let run = ledger.find_run("deadline", None).unwrap().unwrap();
    Report::of(&mut ledger, run, &bursar::price::PriceList::default(), world.clock.now()).unwrap().past_deadline
}

#[tokio::test(start_paused = true)]
async fn the_cheapest_way_that_meets_the_deadline_is_bought() {
    let cases =
        [("6h", "standard normal", "0.0036"), ("30m", "standard high", "0.0072"), ("4m", "live normal", "0.012")];
    for (deadline, way, cost) in cases {
        let mut world = World::new(settings(vec![]));
        world.live_on(&by(deadline, 3, "1")).await;
        world.assert_all_answered_once(3);
        assert_eq!(services(&world), [(way.to_owned(), 3)], "{deadline}");
        assert_eq!((world.bill().total, past_deadline(&world)), (usd(cost), 0), "{deadline}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hopeless_deadline_buys_the_cheapest_way() {
    let mut world = World::new(settings(vec![]));
    world.live_on(&by("1m", 3, "1")).await;
    world.assert_all_answered_once(3);
    assert_eq!(services(&world), [("standard normal".to_owned(), 3)]);
    assert_eq!((world.bill().total, past_deadline(&world)), (usd("0.0036"), 3));
}

#[tokio::test(start_paused = true)]
async fn a_later_session_expedites_only_the_rest() {
    let mut world = World::new(settings(vec![]));
    let end = world.live_on(&by("6h", 4, "0.0024")).await;
    assert_eq!(end.cuts.len(), 1);
    tokio::time::advance(Duration::from_hours(5)).await;
    world.live_on(&by("6h", 4, "1")).await;
    world.assert_all_answered_once(4);
    let each = [("standard high".to_owned(), 2), ("standard normal".to_owned(), 2)];
    assert_eq!(services(&world), each);
    assert_eq!((world.bill().total, past_deadline(&world)), (usd("0.0072"), 0));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_choice_uses_measured_turnaround_times() {
    let slow = Spread { min: Duration::from_hours(3), max: Duration::from_hours(3) };
    let mut world = World::new(Settings { turnaround_normal: slow, ..settings(vec![]) });
    // By the promise of 45 minutes these are in time; they are not.
    world.live_on(&by("1h", 20, "1")).await;
    assert_eq!((services(&world), past_deadline(&world)), (vec![("standard normal".to_owned(), 20)], 20));
    world.live_on(&by("1h", 20, "1").replace("\"deadline\"", "\"again\"").replace("question", "another")).await;
    let of_again = services(&world);
    assert_eq!(of_again, [("standard high".to_owned(), 20), ("standard normal".to_owned(), 20)]);
}

#[tokio::test(start_paused = true)]
async fn expediting_respects_the_maximum_cost_per_task() {
    // Live alone would be in time.
    let mut world = World::new(settings(vec![]));
    world.live_on(&by("4m", 3, "1").replace("priority =", "max_cost_per_task = \"0.003\"\npriority =")).await;
    world.assert_all_answered_once(3);
    assert_eq!(services(&world), [("standard normal".to_owned(), 3)]);
    assert_eq!(past_deadline(&world), 3);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_left_too_dear_buys_late() {
    let below = |budget| by("6h", 4, budget).replace("priority =", "max_cost_per_task = \"0.0012\"\npriority =");
    let mut world = World::new(settings(vec![]));
    world.live_on(&below("0.0024")).await;
    // High alone would be in time.
    tokio::time::advance(Duration::from_hours(5)).await;
    world.live_on(&below("1")).await;
    world.assert_all_answered_once(4);
    assert_eq!(services(&world), [("standard normal".to_owned(), 4)]);
    assert_eq!((world.bill().total, past_deadline(&world)), (usd("0.0048"), 2));
}

/// Of a model, `max_cost_per_task` is the worst case itself: it makes no way too dear but one that takes more in advance.
#[tokio::test(start_paused = true)]
async fn a_cost_maximum_keeps_every_affordable_way() {
    let cases = [("100h", "0.04", "standard normal"), ("4m", "0.04", "live normal"), ("100h", "0.0101", "live normal")];
    for (deadline, most, way) in cases {
        let mut world = World::new(quick(vec![]));
        let job = models("standard", 2, "1")
            .replace("method = \"standard\"", &format!("priority = \"auto\"\nmax_cost_per_task = \"{most}\""))
            .replace("[budget]", &format!("deadline = \"{deadline}\"\n[budget]"));
        world.live_on(&job).await;
        world.assert_all_answered_once(2);
        assert_eq!(services(&world), [(way.to_owned(), 2)], "{deadline}, {most}");
    }
}
