//! A plan stays true: the next session buys exactly what the plan says is left, under each kind of cap.

use std::fs;

use serde_json::Value;

use super::world::World;

/// What one question costs, in nano-dollars.
const PRICE: u64 = 1_200_000;
const QUESTIONS: usize = 40;

fn plan(world: &World, args: &[&str]) -> Value {
    let ended = world.bursar(&[&["plan", "job.toml", "--json"], args].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn replace(world: &World, file: &str, from: &str, to: &str) {
    let path = world.folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Tasks bought so far, and whether the ledger and the bill agree on their cost.
fn bought(world: &World) -> u64 {
    let bill = world.bill();
    if world.folder.path().join("bursar.db").exists() {
        assert_eq!(world.audit()["charged_nano_usd"], bill["total_nano_usd"]);
    }
    bill["tasks"].as_u64().unwrap()
}

/// Runs, and compares what the plan before had said to buy with what was bought, and what it said would be left with what
/// the plan says afterwards.
fn buys_what_the_plan_says(world: &World, expected: u64) {
    let (before, had) = (plan(world, &[]), bought(world));
    let total = &before["total"];
    assert_eq!(total["allocated"], expected, "{before:#}");
    assert_eq!(total["allocated_nano_usd"], expected * PRICE, "{before:#}");
    let ended = world.bursar(&["run", "job.toml"]);
    let left_out = total["left_out"].as_u64().unwrap();
    assert_eq!(ended.code, if left_out > 0 { 3 } else { 0 }, "{ended:?}");
    assert_eq!(before["run_exit"], ended.code);
    assert_eq!(bought(world) - had, expected, "{ended:?}");
    let after = plan(world, &[]);
    assert_eq!(after["total"]["allocated"], 0, "{after:#}");
    assert_eq!(after["total"]["left_out"], left_out, "{after:#}");
    assert_eq!(after["total"]["bought"], had + expected, "{after:#}");
}

#[test]
fn a_plan_shows_the_rest_of_the_run_budget() {
    let world = World::new();
    world.job("0.0120", QUESTIONS);
    buys_what_the_plan_says(&world, 10);
    replace(&world, "job.toml", "0.0120", "0.0300");
    buys_what_the_plan_says(&world, 15);
    replace(&world, "job.toml", "0.0300", "1");
    buys_what_the_plan_says(&world, 15);
}

#[test]
fn a_plan_shows_the_rest_of_day_and_month() {
    for (key, name) in [("day", "job's budget of the day"), ("month", "job's budget of the month")] {
        let world = World::new();
        world.job("1", QUESTIONS);
        replace(&world, "job.toml", "run = \"1\"", &format!("run = \"1\"\n{key} = \"0.0126\""));
        buys_what_the_plan_says(&world, 10);
        let cut = &plan(&world, &[])["cut"];
        assert!(cut["cap"]["name"].as_str().unwrap().starts_with(name), "{cut:#}");
        assert_eq!(cut["cap"]["left_nano_usd"], 600_000, "{cut:#}");
        assert_eq!(cut["more_nano_usd"], 40 * PRICE - 12_600_000, "{cut:#}");
        replace(&world, "job.toml", "0.0126", "0.0246");
        buys_what_the_plan_says(&world, 10);
    }
}

#[test]
fn a_plan_subtracts_other_jobs_from_account_caps() {
    for key in ["day", "month"] {
        let world = World::new();
        replace(&world, "bursar.toml", "route =", &format!("caps = {{ {key} = '0.0180' }}\nroute ="));
        world.job("1", 5);
        fs::rename(world.folder.path().join("job.toml"), world.folder.path().join("other.toml")).unwrap();
        assert_eq!(world.bursar(&["run", "other.toml"]).code, 0);
        world.job("1", QUESTIONS);
        // It is another job, so its tasks are counted from nothing.
        let total = &plan(&world, &[])["total"];
        assert_eq!((&total["bought"], &total["allocated"]), (&0.into(), &10.into()), "{total:#}");
        assert_eq!(world.bursar(&["run", "job.toml"]).code, 3);
        assert_eq!(bought(&world), 15);
        assert_eq!(plan(&world, &[])["total"]["allocated"], 0);
        replace(&world, "bursar.toml", "0.0180", "0.0240");
        assert_eq!(plan(&world, &[])["total"]["allocated"], 5);
        assert_eq!(world.bursar(&["run", "job.toml"]).code, 3);
        assert_eq!(bought(&world), 20);
    }
}

#[test]
fn a_plan_shows_the_rest_above_the_balance() {
    let world = World::new();
    replace(&world, "bursar.toml", "poll_max", "balance_lag = '1s', poll_max");
    replace(&world, "bursar.toml", "route =", "caps = { keep_balance = '999.97' }\nroute =");
    world.job("0.0120", QUESTIONS);
    // Nobody has read the balance yet.
    buys_what_the_plan_says(&world, 10);
    replace(&world, "job.toml", "0.0120", "1");
    // What was bought a moment ago is taken off once more, as the session does: until then no figure is vouched for.
    let mut planned = plan(&world, &[]);
    while planned["total"]["allocated"] != 15 {
        planned = plan(&world, &[]);
    }
    buys_what_the_plan_says(&world, 15);
}

#[test]
fn a_budget_argument_is_the_whole_of_a_run() {
    let world = World::new();
    world.job("0.0120", QUESTIONS);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 3);
    let planned = plan(&world, &["--budget", "0.0180"]);
    assert_eq!(planned["total"]["allocated"], 5, "{planned:#}");
    assert_eq!(planned["cut"]["more_nano_usd"], 40 * PRICE - 18_000_000, "{planned:#}");
    let less = plan(&world, &["--budget", "0.0060"]);
    assert_eq!(less["total"]["allocated"], 0, "{less:#}");
    assert_eq!(less["cut"]["enough_nano_usd"], 40 * PRICE, "{less:#}");
}

#[test]
fn tasks_in_doubt_are_neither_bought_nor_planned() {
    // The canary comes back; the reply to the batch behind it is lost, and the list shows nothing meanwhile.
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [2]\n\
                  [[fault]]\nkind = \"list_outage\"\ncall = \"id_list\"\n";
    let world = World::with(&["--speed", "100000"], faults);
    world.job("1", 30);
    let ended = world.bursar(&["run", "job.toml", "--max-wait", "1s"]);
    assert_eq!(ended.code, 8, "{ended:?}");
    let total = &plan(&world, &[])["total"];
    assert_eq!((&total["bought"], &total["in_doubt"]), (&1.into(), &29.into()), "{total:#}");
    assert_eq!((&total["allocated"], &total["left_out"]), (&0.into(), &0.into()), "{total:#}");
    let text = world.bursar(&["plan", "job.toml"]).stdout;
    let so_far = "so far: 1 task bought for $0.0012, 29 in doubt, $0.0348 held; what is to buy is what is left\n";
    assert!(text.contains(so_far), "{text}");
    let says =
        "\nnothing is left to buy; `bursar run` still collects 1 answer; `bursar run` looks up 29 tasks in doubt\n";
    assert!(
        text.contains(says) || text.contains("\nnothing is left to buy; `bursar run` looks up 29 tasks in doubt\n"),
        "{text}"
    );
    assert!(!text.contains("everything fits"), "{text}");
}

#[test]
fn what_would_be_refused_whole_is_planned_as_nothing() {
    let world = World::new();
    world.job("0.0120", QUESTIONS);
    replace(&world, "job.toml", "run = \"0.0120\"", "run = \"0.0120\"\nwhen_short = \"refuse\"");
    let planned = plan(&world, &[]);
    let total = &planned["total"];
    assert_eq!((&total["allocated"], &total["left_out"]), (&0.into(), &40.into()), "{planned:#}");
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(planned["run_exit"], ended.code, "{ended:?}");
    assert_eq!((bought(&world), ended.code), (0, 2), "{ended:?}");
    let text = world.bursar(&["plan", "job.toml"]).stdout;
    let said = "nothing can be bought\n\
                left out: 40 tasks; budget of this run leaves $0.012 of $0.012, and $0.048 would be enough for all, which is \
                $0.036 more\n\
                `bursar run` would buy nothing of it (when_short = \"refuse\") and end with exit code 2\n";
    assert!(text.ends_with(said), "{text}");
}
