//! Every loss is reported once, whoever it belongs to, and stays marked until a person has seen it.

use std::fs;

use bursar::ledger::Lock;
use serde_json::Value;

use super::world::{Ended, World};

/// A job beside `job.toml`, under this name.
fn other(world: &World, name: &str, more: &str) -> String {
    let text = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    let file = format!("{name}.toml");
    fs::write(world.folder.path().join(&file), format!("{more}{}", text.replace("question", name))).unwrap();
    file
}

/// Nothing was said, and all is well.
#[track_caller]
fn is_quiet(ended: &Ended) {
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (0, "", ""));
}

#[test]
fn a_session_reports_the_loss_of_another_job() {
    let world = World::with(
        &["--speed", "100000"],
        "[[fault]]\nkind = \"paid_failure\"\ncall = \"task_post\"\ncode = 40103\nnth = [1]\n",
    );
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect", "--quiet"]).code, 0);
    let second = other(&world, "second", "");
    let learnt = world.bursar(&["run", &second, "--quiet"]);
    assert_eq!(learnt.code, 4, "{learnt:?}");
    assert_eq!(
        world.named(&learnt.stdout),
        "\nsecond (once): complete, but losses of other runs were learnt (exit code 4)\n  asked      1 task\n  \
         answered   1\n  spent      $0.0012 of the budget of $0.0012; nothing held\n  \
         cap        budget of this run: $0.00 of $0.0012 left\n  \
         learnt     job (once): 1 task failed at the provider, $0.0012 paid for them\n  \
         learnt     told once; `bursar status` shows it until `bursar status --seen`\n  \
         ledger     FOLDER/bursar.db (play money)\n  \
         answers    bursar export second --ledger FOLDER/bursar.db --output second.jsonl\n"
    );
    is_quiet(&world.bursar(&["run", &second, "--quiet"]));
    world.agree(2);
}

#[test]
fn a_charge_beyond_its_hold_is_reported() {
    let world = World::with(&["--speed", "100000"], "[[fault]]\nkind = 'price_change'\nusd = '0.0015'\n");
    let path = world.folder.path().join("job.toml");
    let job = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("max_price_drift = \"50%\"\n{job}")).unwrap();
    let told = world.bursar(&["run", "job.toml", "--quiet"]);
    assert_eq!(told.code, 4, "{told:?}");
    assert!(
        told.stdout.starts_with("\njob (once): complete, but more was charged than was held (exit code 4)\n"),
        "{told:?}"
    );
    assert!(
        told.stdout
            .contains("  learnt     job (once): the provider charged $0.0003 more than was held for 1 purchase\n"),
        "{told:?}"
    );
    is_quiet(&world.bursar(&["run", "job.toml", "--quiet"]));
}

#[test]
fn session_json_has_the_loss_of_another_job() {
    let world = World::with(
        &["--speed", "100000"],
        "[[fault]]\nkind = \"paid_failure\"\ncall = \"task_post\"\ncode = 40103\nnth = [1]\n",
    );
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect", "--quiet"]).code, 0);
    let second = other(&world, "second", "");
    let ended = world.bursar(&["run", &second, "--json", "--quiet"]);
    let summary: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((ended.code, &summary["exit"]), (4, &Value::from(4)), "{ended:?}");
    let loss = serde_json::json!([{ "kind": "paid_failure", "account": "main", "job": "job", "period": "once", "tasks": 1,
                                    "paid_usd": "0.0012", "paid_nano_usd": 1_200_000 }]);
    assert_eq!(summary["learnt"], loss);
}

#[test]
fn a_short_day_is_reported_once_and_marked() {
    let world = World::new();
    let daily = other(&world, "daily", "period = \"day\"\ntimezone = \"UTC\"\n");
    let begun = world.bursar(&["run", &daily, "--quiet"]);
    assert_eq!(
        (begun.code, begun.stdout.as_str(), begun.stderr.lines().count()),
        (0, "", 1),
        "a new ledger: {begun:?}"
    );
    // As a session leaves it that died the day before yesterday; and yesterday nobody came.
    let ledger = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    let (before, yesterday): (String, String) = ledger
        .query_row("SELECT date('now', '-2 days'), date('now', '-1 days')", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    ledger
        .execute(
            "UPDATE run SET period = ?1, state = 'open', begins_at = begins_at - 172800, ends_at = ends_at - 172800",
            [&before],
        )
        .unwrap();
    ledger.execute("UPDATE task SET state = 0, attempt = NULL", []).unwrap();
    drop(ledger);
    let learnt = world.bursar(&["run", &daily, "--quiet"]);
    assert_eq!(learnt.code, 4, "{learnt:?}");
    let says = format!(
        "  learnt     daily ({before}): 1 task not bought: a later period of the job has begun, so none of it is bought any \
         more\n"
    );
    assert!(learnt.stdout.contains(&says), "{learnt:?}");
    is_quiet(&world.bursar(&["run", &daily, "--quiet"]));
    let status = world.bursar(&["status"]).stdout;
    for row in [format!(" daily  {before}  closed, short"), format!(" daily  {yesterday}  missing")] {
        assert!(status.contains(&row), "{row}: {status}");
    }
    assert!(status.contains("what is lost or missing is marked until `bursar status --seen`\n"), "{status}");
    assert_eq!(world.bursar(&["status", "--seen"]).code, 0);
    let status = world.bursar(&["status"]).stdout;
    assert!(!status.contains("short") && !status.contains("missing"), "{status}");
    let caught_up = world.bursar(&["run", &daily, "--period", &before]);
    assert_eq!(caught_up.code, 4, "{caught_up:?}");
    assert!(
        caught_up.stdout.starts_with(&format!("\ndaily ({before}): closed, 1 task not bought (exit code 4)\n")),
        "{caught_up:?}"
    );
    assert!(!caught_up.stderr.contains("to buy"), "{caught_up:?}");
}

/// The provider is elsewhere, and silence is short.
fn away(world: &World) {
    let path = world.folder.path().join("bursar.toml");
    let config = fs::read_to_string(&path).unwrap().replace(&world.address, "127.0.0.1:1");
    fs::write(&path, config.replace("poll_min", "silence = '600ms', patience = '2s', poll_min")).unwrap();
}

#[test]
fn an_unreachable_provider_is_named_and_ends_it() {
    let world = World::new();
    away(&world);
    let ended = world.bursar(&["run", "job.toml", "--quiet"]);
    assert_eq!(ended.code, 7, "{ended:?}");
    assert_eq!(ended.stderr.matches("no call has come to anything for").count(), 1, "{ended:?}");
    assert!(ended.stderr.contains("Connection refused"), "{ended:?}");
    let row = ended.stdout.lines().find(|line| line.starts_with("  no answer  for ")).unwrap();
    assert!(row.contains(" from account main at http://127.0.0.1:1: never left this machine: 127.0.0.1: "), "{row}");
}

#[test]
fn session_json_says_what_it_waited_for() {
    let world = World::new();
    away(&world);
    let ended = world.bursar(&["run", "job.toml", "--quiet", "--json", "--max-wait", "1s"]);
    let summary: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert!(summary["waiting_for"].as_str().unwrap().contains("Connection refused"), "{ended:?}");
    assert_eq!((ended.code, &summary["exit"]), (7, &Value::from(7)));
}

#[test]
fn a_lock_held_too_long_ends_the_wait() {
    let world = World::new();
    away(&world);
    let mut lock = Lock::try_take(&world.folder.path().join("bursar.db")).unwrap();
    lock.sign("2026-11-22 12:00:00 UTC", "running campaign").unwrap();
    let ended = world.bursar(&["run", "job.toml", "--quiet"]);
    assert_eq!((ended.code, &*ended.stdout), (7, ""), "{ended:?}");
    let holder = format!("(pid {}, running campaign, since 2026-11-22 12:00:00 UTC)", std::process::id());
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "a new ledger, and the lock: {ended:?}");
    for line in &lines[1..] {
        assert!(line.starts_with(&format!("ledger bursar.db is held by another process {holder}")), "{line}");
    }
}

#[test]
fn the_first_purchase_says_when_answers_are_expected() {
    let world = World::new();
    let ended = world.bursar(&["run", "job.toml"]);
    let line = ended.stderr.lines().find(|line| line.contains("first answers expected by ")).unwrap();
    assert!(line.ends_with("Z: the provider promises them within 45m"), "{line}");
    let (said, by) = (&line[..8], line.split("expected by ").nth(1).unwrap());
    let seconds = |time: &str| time.split(':').fold(0, |sum: u32, part| sum * 60 + part.parse::<u32>().unwrap());
    if let Some(by) = by.split_once("Z: ").map(|(by, _)| by).filter(|by| by.len() == 8) {
        assert!((2_699..=2_700).contains(&(seconds(by) - seconds(said))), "{line}");
    }
    assert!(!world.bursar(&["run", "job.toml"]).stderr.contains("first answers"), "nothing is bought any more");
}
