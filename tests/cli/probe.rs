//! `doctor --probe`: one task as a test, once for each ledger, and what prevents its purchase.

use std::fs;
use std::process::Stdio;

use super::world::{Ended, World, until};
use crate::doctor::{edit_config, found};

const ABOUT: [&str; 3] = ["probe", "probe list", "probe answer"];
const SAID: &str = "one task is bought now, for $0.0012 at most";

const IN_DOUBT: &str = "fail whether the task was bought is not known yet; $0.0012 is held for it";

fn probe(world: &World) -> (Ended, Vec<String>) {
    probe_for(world, "6s")
}

fn probe_for(world: &World, wait: &str) -> (Ended, Vec<String>) {
    let ended = world.bursar(&["doctor", "--probe", "--max-wait", wait, "--json", "--no-progress"]);
    let found = found(&ended, &ABOUT);
    (ended, found)
}

/// One finding, and nothing on the provider's bill.
fn is_kept_from_buying(world: &World, code: i32, starts: &str) {
    let (ended, found) = probe(world);
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(found.len() == 1 && found[0].starts_with(starts), "{found:?}");
    assert!(!ended.stderr.contains(SAID), "{ended:?}");
    assert_eq!(world.bill()["tasks"], 0);
}

#[test]
fn a_probe_names_its_price_and_buys_once() {
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
fn a_probe_does_not_wait_for_slow_answers() {
    // No answer takes less than 30 s, and the wait is 6 s.
    let world = World::with(&["--speed", "2"], "[[fault]]\nkind = 'list_lag'\nafter = '0s'\n");
    let (ended, found) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        found,
        [
            "ok one task was bought for $0.0012, as expected",
            "ok the provider's list shows unfinished tasks with our tag",
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
fn a_probe_leaves_a_held_ledger_alone() {
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
    let (ended, found) = {
        edit_config(&world, "day = '0.0011'", "keep_balance = '999.9995'");
        probe(&world)
    };
    assert_eq!(
        (ended.code, &*found),
        (3, &["fail account's balance to keep leaves $0.0005: nothing was bought".to_owned()][..])
    );
    edit_config(&world, "999.9995", "5000");
    is_kept_from_buying(&world, 6, "warn something failed above: nothing was bought");
}

#[test]
fn a_probe_of_a_restored_ledger_buys_nothing() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    edit_config(&world, "quarantine = '2s'", "quarantine = '1h'");
    fs::rename(world.folder.path().join("state"), world.folder.path().join("elsewhere")).unwrap();
    let (ended, found) = probe(&world);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(found, ["warn the ledger was taken for restored: nothing was bought"]);
    assert_eq!(world.bill()["tasks"], 1);
}

/// The first finding of a probe, and how it ended.
fn first(world: &World, wait: &str) -> (i32, String) {
    let (ended, found) = probe_for(world, wait);
    (ended.code, found.first().cloned().unwrap_or_default())
}

fn bought() -> (i32, String) {
    (0, "ok one task was bought for $0.0012, as expected".to_owned())
}

#[test]
fn a_refused_probe_can_be_repeated() {
    for (fault, said) in [
        ("kind = 'payment_40210'", "The balance does not cover this request. (code 40210)"),
        ("kind = 'error_before'\nstatus = 401\nhtml = true", "the credentials are refused (HTTP 401)"),
    ] {
        let world =
            World::with(&["--speed", "100000"], &format!("[[fault]]\n{fault}\ncall = 'task_post'\nnth = [1]\n"));
        assert_eq!(first(&world, "6s"), (6, format!("fail nothing was bought: the provider refuses: {said}")));
        world.agree(0);
        assert_eq!(world.audit()["held_nano_usd"], 0);
        assert_eq!(first(&world, "6s"), bought());
        world.agree(1);
    }
}

#[test]
fn a_lost_probe_is_held_and_not_repeated() {
    // One scan a second at the list, at the most: the first probe ends before it can be read.
    let faults = "[[fault]]\nkind = 'drop_after'\ncall = 'task_post'\nnth = [1]\n\
                  [[fault]]\nkind = 'list_outage'\ntimes = 3\n[[fault]]\nkind = 'ready_omits'\nrow_share = 1.0\n";
    let world = World::with(&["--speed", "100000"], faults);
    let (ended, found) = probe_for(&world, "1500ms");
    assert_eq!((ended.code, &*found), (8, &[IN_DOUBT.to_owned()][..]));
    assert_eq!(world.bill()["tasks"], 1);
    let (ended, found) = probe_for(&world, "20s");
    assert_eq!((ended.code, found[0].clone()), bought());
    assert!(found.len() == 3 && !ended.stderr.contains(SAID), "{ended:?}");
    world.agree(1);
}

#[test]
fn a_probe_that_nobody_finds_needs_a_decision() {
    let lost = "[[fault]]\nkind = 'drop_before'\ncall = 'task_post'\nnth = [1]\n";
    let world = World::with(&["--speed", "100000"], lost);
    for _ in 0..2 {
        let (ended, found) = probe_for(&world, "2s");
        assert_eq!((ended.code, &*found), (8, &[IN_DOUBT.to_owned()][..]));
    }
    let decided = world.bursar(&["resolve", "1", "--not-bought", "--reason", "the provider's dashboard shows nothing"]);
    assert_eq!(decided.code, 0, "{decided:?}");
    assert_eq!(first(&world, "6s"), bought());
    world.agree(1);
}

#[test]
fn a_list_without_our_tags_finds_nothing() {
    let faults = "[[fault]]\nkind = 'drop_after'\ncall = 'task_post'\n[[fault]]\nkind = 'list_without_tags'\n\
                  [[fault]]\nkind = 'ready_omits'\nrow_share = 1.0\n";
    let world = World::with(&["--speed", "100000"], faults);
    assert_eq!(first(&world, "4s"), (8, IN_DOUBT.to_owned()));
    assert_eq!((world.audit()["held_nano_usd"].clone(), world.bill()["tasks"].clone()), (1_200_000.into(), 1.into()));
}

#[test]
fn a_probe_at_a_higher_price_fails() {
    for (usd, code, said) in [
        ("0.0024", 6, "fail one task was bought for $0.0024, and $0.0012 was expected: buying at this price stops"),
        ("0.0006", 0, "warn one task was bought for $0.0006, and $0.0012 was expected: more is held than is charged"),
    ] {
        let world = World::with(&["--speed", "100000"], &format!("[[fault]]\nkind = 'price_change'\nusd = '{usd}'\n"));
        let (ended, found) = probe(&world);
        assert_eq!((ended.code, &*found[0]), (code, said), "{ended:?}");
        assert!(ended.stdout.contains("under [[accounts.main.prices]]"), "{ended:?}");
        world.agree(1);
    }
}

#[test]
fn a_failed_probe_is_reported_and_remembered() {
    let failed = (4, "fail the task failed: paid_failure, $0.0012 paid".to_owned());
    for at_post in [true, false] {
        let fault = format!("[[fault]]\nkind = 'paid_failure'\nat_post = {at_post}\n");
        let world = World::with(&["--speed", "100000"], &fault);
        if at_post {
            assert_eq!(first(&world, "6s"), failed);
        } else {
            assert_eq!(first(&world, "1s"), bought());
            let (ended, found) = probe_for(&world, "20s");
            assert!(found[0].starts_with("ok bought before with this ledger"), "{ended:?}");
            assert_eq!((ended.code, found[1].clone()), failed, "{ended:?}");
        }
        let (code, found) = first(&world, "6s");
        assert!(code == 0 && found.starts_with("warn tried before with this ledger, on 2"), "{found}");
        assert!(found.ends_with("and it failed (paid_failure, $0.0012 paid): nothing was bought now"), "{found}");
        world.agree(1);
    }
}

#[test]
fn a_probe_that_runs_out_of_time_buys_nothing() {
    let world = World::with(&["--speed", "100000"], "[[fault]]\nkind = 'throttle_40202'\ncall = 'task_post'\n");
    let (ended, found) = probe_for(&world, "1ms");
    assert_eq!((ended.code, &*found), (7, &["fail stopped before anything was bought".to_owned()][..]), "{ended:?}");
    assert!(!ended.stderr.contains(SAID), "{ended:?}");
    let (ended, found) = probe_for(&world, "2s");
    assert_eq!((ended.code, &*found), (7, &["fail nothing was bought in this time".to_owned()][..]), "{ended:?}");
    world.agree(0);
}

#[test]
fn a_list_without_unfinished_tasks_proves_nothing_yet() {
    let world = World::with(&["--speed", "1"], "[[fault]]\nkind = 'list_hides_unfinished'\n");
    let (ended, found) = probe_for(&world, "3s");
    assert_eq!(
        (ended.code, &*found),
        (
            0,
            &[
                bought().1,
                "ok the provider's list has not shown an unfinished task yet".to_owned(),
                "ok it is still to come".to_owned()
            ][..]
        )
    );
}

#[test]
fn a_probe_with_a_conflicting_name_buys_nothing() {
    let world = World::new();
    let path = world.folder.path().join("bursar.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}[accounts.other]{}", text.split_once("[accounts.main]").unwrap().1)).unwrap();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let ended = world.bursar(&["doctor", "--probe", "--account", "other", "--json"]);
    let says = found(&ended, &ABOUT);
    assert!(
        ended.code == 2 && says.len() == 1 && says[0].starts_with("fail account `other` has the login"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("nothing was bought: fix it, then try again"), "{ended:?}");
    let job = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    fs::write(world.folder.path().join("doctor-probe.toml"), job).unwrap();
    assert_eq!(world.bursar(&["run", "./doctor-probe.toml"]).code, 0);
    let (code, said) = first(&world, "6s");
    assert!(code == 2 && said.starts_with("fail this ledger has a job of its own called `doctor-probe`, "), "{said}");
    world.agree(2);
}
