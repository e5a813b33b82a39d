//! `doctor --probe`: one task for proof, once for a ledger, and what keeps it from being bought.

use std::fs;
use std::process::Stdio;

use super::world::{Ended, World, until};
use crate::doctor::{edit_config, found};

const ABOUT: [&str; 3] = ["probe", "probe list", "probe answer"];
const SAID: &str = "one task is bought now, for $0.0012 at the most";

fn probe(world: &World) -> (Ended, Vec<String>) {
    let ended = world.bursar(&["doctor", "--probe", "--max-wait", "6s", "--json", "--no-progress"]);
    let found = found(&ended, &ABOUT);
    (ended, found)
}

/// One finding, and nothing on the vendor's bill.
fn is_kept_from_buying(world: &World, code: i32, starts: &str) {
    let (ended, found) = probe(world);
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(found.len() == 1 && found[0].starts_with(starts), "{found:?}");
    assert!(!ended.stderr.contains(SAID), "{ended:?}");
    assert_eq!(world.bill()["tasks"], 0);
}

#[test]
fn one_task_is_bought_once_for_a_ledger_and_its_price_is_said_before() {
    let world = World::new();
    let (ended, first) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains(SAID), "{ended:?}");
    assert_eq!(
        (&*first[0], &*first[2]),
        ("ok one task was bought for $0.0012, as expected", "ok it came"),
        "{first:?}"
    );
    world.agree(1);
    let (ended, second) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains(SAID), "{ended:?}");
    assert!(second.len() == 1 && second[0].starts_with("ok bought before with this ledger, on 2"), "{second:?}");
    assert!(second[0].ends_with("Z for $0.0012: nothing was bought now"), "{second:?}");
    assert_eq!(world.bursar(&["doctor"]).code, 0);
    world.agree(1);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    world.agree(2);
}

#[test]
fn an_answer_that_takes_long_is_not_waited_for_and_the_list_shows_the_task_meanwhile() {
    // By this seed the answer takes longer than the wait, and the list shows the task within it.
    let world = World::with(&["--speed", "60", "--seed", "0"], "");
    let (ended, found) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        found,
        [
            "ok one task was bought for $0.0012, as expected",
            "ok the vendor's list shows unfinished tasks with our tag",
            "ok it is still to come"
        ]
    );
    let (ended, again) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(again[0].starts_with("ok bought before with this ledger") && again[1] == found[1], "{again:?}");
    assert!(!ended.stderr.contains(SAID), "{ended:?}");
    world.agree(1);
}

#[test]
fn a_ledger_that_another_process_holds_is_left_to_it() {
    let world = World::with(&["--speed", "2"], "");
    let mut run = world.command(&["run", "job.toml"]).stdout(Stdio::null()).spawn().unwrap();
    drop(until(&mut run, "1 task to buy"));
    let (ended, found) = probe(&world);
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(found.len() == 1 && found[0].starts_with("fail ") && !ended.stderr.contains(SAID), "{ended:?}");
    assert!(!world.bursar(&["status", "doctor-probe"]).stdout.contains("answered"));
}

#[test]
fn nothing_is_bought_after_a_failure_or_without_room() {
    let world = World::new();
    edit_config(&world, "route =", "caps = { day = '0.0011' }\nroute =");
    is_kept_from_buying(&world, 3, "fail account's cap of the UTC day ");
    edit_config(&world, "day = '0.0011'", "keep_balance = '5000'");
    is_kept_from_buying(&world, 6, "warn something failed above: nothing was bought");
}

#[test]
fn nothing_is_bought_while_a_restored_ledger_is_not_sure() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    edit_config(&world, "quarantine = '2s'", "quarantine = '1h'");
    fs::rename(world.folder.path().join("state"), world.folder.path().join("elsewhere")).unwrap();
    let (ended, found) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(found, ["warn the ledger was taken for restored: nothing was bought"]);
    assert_eq!(world.bill()["tasks"], 1);
}
