//! Commands that do not simply end well: interrupted, refused, in doubt, or with books that disagree.

use std::fs;
use std::io::Read as _;
use std::process::Command;

use bursar::ledger::Lock;
use serde_json::Value;

use super::world::{Ended, World, until};

#[test]
fn a_second_process_waits_or_ends_with_five() {
    let world = World::new();
    let lock = Lock::try_take(&world.folder.path().join("bursar.db")).unwrap();
    let refused = world.bursar(&["run", "job.toml", "--no-follow"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let mut follower = world.command(&["run", "job.toml"]).spawn().unwrap();
    let mut rest = until(&mut follower, &format!("is held by another process (pid {})", std::process::id()));
    drop(lock);
    let mut said = String::new();
    rest.read_to_string(&mut said).unwrap();
    assert!(said.contains("the ledger is free"), "{said}");
    assert_eq!(follower.wait().unwrap().code(), Some(0));
    world.agree(1);
}

#[test]
fn a_provider_that_refuses_the_account_ends_it() {
    let world = World::new();
    let ended = Ended::of(world.command(&["run", "job.toml"]).env("DATAFORSEO_PASSWORD", "hunter2").output().unwrap());
    assert_eq!(ended.code, 6, "{ended:?}");
    assert!(!format!("{ended:?}").contains("hunter2"));
    world.agree(0);
}

#[test]
fn a_higher_listed_price_stops_before_buying() {
    let world = World::new();
    let path = world.folder.path().join("bursar.toml");
    let price = "[[accounts.main.prices]]\nfunction = 'llm_scraper'\nengine = 'gemini'\nprice = '0.001'\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + price).unwrap();
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let key = "llm_scraper/gemini/standard/normal/-";
    assert!(
        ended.stderr.contains(&format!(
            "{key} costs $0.0012 by the provider's own list, and $0.001 was expected: buying at this price has stopped; write \
             the new price under [[accounts.NAME.prices]], or allow it with max_price_drift"
        )),
        "{ended:?}"
    );
    world.agree(0);
}

#[test]
fn an_unbuyable_job_is_still_collected_by_run() {
    let world = World::new();
    world.job("1", 2);
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect"]).code, 0);
    world.job("1", 3);
    made_too_dear(&world);
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains(&format!("{TOO_DEAR}; what is paid is collected all the same\n")), "{ended:?}");
    assert!(
        ended.stdout.contains("usage, config or job file (exit code 2)\n  asked      2 tasks\n  answered   2\n"),
        "{ended:?}"
    );
    world.agree(2);
    // Nothing is left to collect: it ends before anybody is called.
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!((ended.code, &*ended.stdout), (2, ""), "{ended:?}");
}

/// A price ceiling below the price, put into a job file that is there.
fn made_too_dear(world: &World) {
    let path = world.folder.path().join("job.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("engine =", "max_cost_per_task = \"0.001\"\nengine =")).unwrap();
}

const TOO_DEAR: &str = "prompt set `all`: one task costs $0.0012, more than max_cost_per_task = \"0.001\"; raise it or \
                        leave the set out. Nothing is bought of job `job` in this session";

#[test]
fn an_unbuyable_job_does_not_stop_other_jobs() {
    let world = World::new();
    world.job("1", 1);
    fs::rename(world.folder.path().join("job.toml"), world.folder.path().join("other.toml")).unwrap();
    world.job("1", 2);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    made_too_dear(&world);
    let ended = world.bursar(&["run", "job.toml", "other.toml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains(&format!("{TOO_DEAR}; what is paid is collected all the same\n")), "{ended:?}");
    assert_eq!(
        world.named(&ended.stdout),
        "\njob (once): usage, config or job file (exit code 2)\n  asked      2 tasks\n  answered   2\n  \
         spent      $0.0024 of the budget of $1.00; nothing held\n  cap        budget of this run: $0.9976 of $1.00 left\n  \
         ledger     FOLDER/bursar.db (play money)\n  answers    bursar export job --ledger FOLDER/bursar.db --output job.jsonl\n\
         \nother (once): complete (exit code 0)\n  asked      1 task\n  answered   1\n  \
         spent      $0.0012 of the budget of $1.00; nothing held\n  cap        budget of this run: $0.9988 of $1.00 left\n  \
         ledger     FOLDER/bursar.db (play money)\n  answers    bursar export other --ledger FOLDER/bursar.db --output other.jsonl\n",
    );
    world.agree(3);
}

#[test]
fn an_unbuyable_job_is_promised_no_purchases() {
    let world = World::new();
    world.job("0.0024", 3);
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect"]).code, 3);
    made_too_dear(&world);
    let ended = world.bursar(&["run", "job.toml", "--no-collect"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains(&format!("{TOO_DEAR}\n")), "{ended:?}");
    assert_eq!(
        world.named(&ended.stdout),
        "\njob (once): usage, config or job file (exit code 2)\n  asked      3 tasks\n  answered   0\n  \
         waiting    2 bought and paid, answer to come; the same command fetches them, the provider keeps answers for 30 days\n  \
         not bought 1 task: the job cannot be bought as it stands\n             of the prompt sets: all 1 of 3\n  \
         spent      $0.0024 of the budget of $0.0024; nothing held\n  cap        budget of this run: $0.00 of $0.0024 left\n  \
         ledger     FOLDER/bursar.db (play money)\n",
    );
    world.agree(2);
}

#[cfg(unix)]
#[test]
fn a_first_signal_ends_politely_and_can_resume() {
    // Answers take a minute at least at this speed.
    let world = World::with(&["--speed", "1"], "");
    world.job("1", 20);
    let mut run = world.command(&["run", "job.toml"]).spawn().unwrap();
    let mut rest = until(&mut run, "20 bought");
    let killed = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut said = String::new();
    rest.read_to_string(&mut said).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(7), "{said}");
    world.agree(20);
    let ended = world.bursar(&["run", "job.toml", "--no-collect"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("20 bought and paid, answer to come"), "{ended:?}");
    world.agree(20);
}

#[test]
fn time_that_is_up_ends_it_resumably() {
    let world = World::with(&["--speed", "1"], "");
    assert_eq!(world.bursar(&["run", "job.toml", "--max-wait", "300ms"]).code, 7);
}

#[test]
fn doubt_is_held_then_settled_or_decided() {
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [1]\n\
                  [[fault]]\nkind = \"list_outage\"\ncall = \"id_list\"\n\
                  [[fault]]\nkind = \"error_before\"\ncall = \"tasks_ready\"\n";
    let world = World::with(&["--speed", "1"], faults);
    let ended = world.bursar(&["run", "job.toml", "--max-wait", "4s"]);
    assert_eq!(ended.code, 8, "{ended:?}");
    assert!(ended.stdout.contains("in doubt   1 task, $0.0012 held for them"), "{ended:?}");
    for said in [&ended, &world.bursar(&["status"])] {
        let (_, until) = said.stdout.split_once("the provider's list can show that it was not bought from ").unwrap();
        let until = until.lines().next().unwrap();
        let (at, sooner) = until.split_at("2026-11-22 15:30 UTC".len());
        chrono::NaiveDateTime::parse_from_str(at, "%Y-%m-%d %H:%M UTC").unwrap();
        assert_eq!(sooner, " on, or sooner once it has shown an unfinished task of ours, in whatever start comes then");
    }
    let audit = world.audit();
    assert_eq!((&audit["in_doubt"], &audit["held_nano_usd"]), (&Value::from(1), &Value::from(1_200_000)));
    assert_eq!(world.bursar(&["resolve", "7", "--bought", "--reason", "bill"]).code, 2);
    assert_eq!(world.bursar(&["resolve", "1", "99", "--bought", "--reason", "bill"]).code, 2);
    let decided = world.bursar(&["resolve", "1", "--bought", "--reason", "it is on the bill", "--json"]);
    assert_eq!(decided.code, 0, "{decided:?}");
    assert_eq!(serde_json::from_str::<Value>(&decided.stdout).unwrap()["verdict"], "bought");
    world.agree(1);
    assert_eq!(world.bursar(&["resolve", "1", "--bought", "--reason", "twice"]).code, 2);
    let after = world.bursar(&["run", "job.toml"]);
    assert_eq!(after.code, 4, "{after:?}");
    assert!(after.stdout.contains("1 bought and paid, answer to come, 1 of the account late"), "{after:?}");
    world.agree(1);
    let undone = world.bursar(&["resolve", "1", "--undo", "--reason", "it was another bill"]);
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(world.audit()["in_doubt"], 1);
    assert_eq!(world.bursar(&["resolve", "1", "--undo", "--reason", "twice"]).code, 2);
}

#[test]
fn a_very_old_copy_buys_after_a_decision() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let restored_from = |when: &str| {
        let ledger = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
        ledger.execute(&format!("UPDATE account SET restored_from_v = {when}"), []).unwrap();
    };
    let resolve = || world.bursar(&["resolve", "--restored", "main", "--reason", "compared with the bill"]);
    restored_from("unixepoch() - 27 * 86400");
    let listed = resolve();
    assert_eq!(listed.code, 2, "{listed:?}");
    assert!(listed.stderr.contains("a person's word would buy it twice"), "{listed:?}");
    restored_from("unixepoch() - 29 * 86400");
    let status = world.bursar(&["status"]);
    let sentence = "account main buys nothing: this ledger was restored, copied or rebuilt; no list can settle it; a \
                    person decides: `bursar resolve`";
    assert!(status.stdout.contains(sentence), "{status:?}");
    let decided = resolve();
    assert_eq!(decided.code, 0, "{decided:?}");
    assert!(!world.bursar(&["status"]).stdout.contains("buys nothing"));
    assert_eq!(resolve().code, 2, "there is nothing left to decide");
}

#[test]
fn an_unmatched_charge_is_shown_beside_the_spending() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let ledger = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    ledger
        .execute_batch(
            "INSERT INTO unmatched_charge (account, provider_id, tag, nano_usd, posted_v, why)
             VALUES (1, 'a', 'b1.x', 1200000, 1, 'a test'), (1, 'b', 'b1.y', 2400000, 1, 'a test')",
        )
        .unwrap();
    drop(ledger);
    for said in [world.bursar(&["run", "job.toml"]), world.bursar(&["status"])] {
        let sentence = "$0.0036 beside what is spent here: account main was charged for 2 purchases that answer no task of \
                        this ledger (its table unmatched_charge); they count under the account's caps: compare them with the \
                        provider's bill";
        assert_eq!(said.stdout.matches(sentence).count(), 1, "{said:?}");
    }
    let status: Value = serde_json::from_str(&world.bursar(&["status", "--json"]).stdout).unwrap();
    let beside = &status["runs"][0]["beside"];
    assert_eq!((&beside["purchases"], &beside["spent_nano_usd"]), (&Value::from(2), &Value::from(3_600_000)));
}

#[test]
fn reconcile_settles_what_is_in_doubt_and_buys_nothing() {
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [1]\n";
    let world = World::with(&["--speed", "1000"], faults);
    let mut run = world.command(&["run", "job.toml"]).spawn().unwrap();
    let rest = until(&mut run, "is in doubt");
    run.kill().unwrap();
    run.wait().unwrap();
    drop(rest);
    world.job("1", 5);
    let ended = world.bursar(&["reconcile", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let facts: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&facts["accounts"][0]["was_in_doubt"], &facts["accounts"][0]["in_doubt"]), (&1.into(), &0.into()));
    world.agree(1);
    assert_eq!(world.bursar(&["reconcile"]).code, 0);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    world.agree(5);
}

#[test]
fn reconcile_looks_for_what_a_person_gave_up() {
    let faults = "[[fault]]\nkind = \"drop_before\"\ncall = \"task_post\"\nnth = [1]\n";
    // Truly not bought: else the list shows it at some moment, and it is recovered.
    let world = World::with(&["--speed", "1000"], faults);
    let mut run = world.command(&["run", "job.toml"]).spawn().unwrap();
    let rest = until(&mut run, "is in doubt");
    run.kill().unwrap();
    run.wait().unwrap();
    drop(rest);
    let resolved = world.bursar(&["resolve", "1", "--not-bought", "--reason", "a slip"]);
    assert_eq!(resolved.code, 0, "{resolved:?}");
    let status = world.bursar(&["status"]);
    let watched = "account main watches 1 task ($0.0012) given up as not bought: not yet looked for since; ";
    assert!(status.stdout.contains(watched), "{status:?}");
    let ended = world.bursar(&["reconcile", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let facts: Value = serde_json::from_str(&ended.stdout).unwrap();
    let of_account = &facts["accounts"][0];
    assert_eq!((&of_account["watched"], &of_account["watch_missed"]), (&1.into(), &false.into()));
}

#[test]
fn an_audit_that_does_not_agree_says_so() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let db = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    db.execute_batch(
        "DROP TRIGGER an_entry_is_never_changed; UPDATE entry SET nano_usd = nano_usd + 1 WHERE kind = 'charge'",
    )
    .unwrap();
    drop(db);
    let ended = world.bursar(&["audit"]);
    assert_eq!(ended.code, 9, "{ended:?}");
    assert!(ended.stderr.contains("batch 1"), "{ended:?}");
}

#[test]
fn a_damaged_ledger_is_told_from_another_file() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let path = world.folder.path().join("bursar.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..4_096].fill(7);
    fs::write(&path, &bytes).unwrap();
    let damaged = world.bursar(&["audit"]);
    assert_eq!(damaged.code, 1, "{damaged:?}");
    assert!(
        damaged.stderr.contains("the file is damaged, and nothing more is bought with it. Keep it, and put"),
        "{damaged:?}"
    );
    bytes[..16].fill(7);
    fs::write(&path, &bytes).unwrap();
    let another = world.bursar(&["audit"]);
    assert_eq!(another.code, 2, "{another:?}");
    assert!(
        another.stderr.contains("this is no SQLite database: another file was named, or the beginning"),
        "{another:?}"
    );
}

#[test]
fn credentials_never_come_from_a_readable_file() {
    let world = World::new();
    let ended = Ended::of(world.command(&["run", "job.toml"]).env_remove("DATAFORSEO_PASSWORD").output().unwrap());
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("set DATAFORSEO_PASSWORD to the password"), "{ended:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let config = world.folder.path().join("bursar.toml");
        let text = fs::read_to_string(&config).unwrap().replace("route =", "password_file = 'secret'\nroute =");
        fs::write(&config, text).unwrap();
        let secret = world.folder.path().join("secret");
        fs::write(&secret, "sandbox\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
        let ended = world.bursar(&["run", "job.toml"]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains("can be read by others (mode 640)"), "{ended:?}");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    }
}

#[test]
fn a_lowered_budget_is_not_blamed_on_the_provider() {
    let world = World::new();
    world.job("0.01", 3);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    world.job("0.001", 4);
    let run = world.bursar(&["run", "job.toml"]);
    assert_eq!(run.code, 3, "{run:?}");
    let says =
        "spent      $0.0036 of the budget of $0.001; nothing held; the budget was lowered below what had been spent";
    assert!(run.stdout.contains(says), "{run:?}");
}

#[test]
fn a_plan_counts_other_jobs_and_names_a_refusal() {
    let world = World::new();
    let config = fs::read_to_string(world.folder.path().join("bursar.toml")).unwrap();
    fs::write(world.folder.path().join("bursar.toml"), format!("{config}caps = {{ day = '0.006' }}\n")).unwrap();
    world.job("0.01", 3);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let job = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    let other = |budget: &str| {
        let named = job.replace("[budget]\nrun = \"0.01\"", &format!("name = \"other\"\n[budget]\n{budget}"));
        fs::write(world.folder.path().join("other.toml"), named).unwrap();
        world.bursar(&["plan", "other.toml"])
    };
    let plan = other("run = \"0.01\"");
    let left_out = " leaves $0.0024 of $0.006, and $0.0072 would be enough for all, which is $0.0012 more\n";
    for says in ["$0.0024 buys 2 tasks", "left out: 1 task; account's cap of the UTC day 20", left_out] {
        assert!(plan.stdout.contains(says), "{says}: {plan:?}");
    }
    let plan = other("run = \"0.0024\"\nwhen_short = \"refuse\"");
    let refused = "`bursar run` would buy nothing of it (when_short = \"refuse\") and end with exit code 2\n";
    assert!(plan.stdout.ends_with(refused), "{plan:?}");
    let run = world.bursar(&["run", "other.toml"]);
    assert_eq!((run.code, world.bill()["tasks"].clone()), (2, 3.into()), "{run:?}");
}

#[test]
fn resolve_without_a_verdict_only_shows_evidence() {
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [1]\n\
                  [[fault]]\nkind = \"list_outage\"\ncall = \"id_list\"\n\
                  [[fault]]\nkind = \"ready_omits\"\nrow_share = 1.0\ncall = \"tasks_ready\"\n";
    let world = World::with(&["--speed", "1"], faults);
    assert_eq!(world.bursar(&["run", "job.toml", "--max-wait", "3s"]).code, 8);
    let before = world.audit();
    let shown = world.bursar(&["resolve", "1"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{shown:?}");
    for part in [
        "batch 1 of job job (once), account main\n",
        "  sent       not before 2",
        "  in doubt   1 of 1 task, $0.0012 held for them\n",
        "  tag        b1.",
        "  questions  `question 0?`\n",
        "  list       it was not scanned yet since then to conclude anything\n",
        "  by itself  the provider's list can show that it was not bought from ",
        "  to do      wait until the list is back: ",
        "`bursar resolve 1 --bought --reason TEXT`",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let facts: Value = serde_json::from_str(&world.bursar(&["resolve", "1", "--json"]).stdout).unwrap();
    assert_eq!((&facts["schema"], &facts["verdict"]), (&Value::from("bursar.resolve/1"), &Value::Null));
    let evidence = &facts["evidence"];
    assert_eq!((&evidence["in_doubt"], &evidence["held_nano_usd"]), (&Value::from(1), &Value::from(1_200_000)));
    assert_eq!(evidence["tasks"][0]["prompt"], "question 0?");
    assert_eq!(world.audit(), before);
}

/// The ids of what is ready, as a person finds them at the provider.
fn ready(world: &World) -> Vec<String> {
    let mut stream = std::net::TcpStream::connect(&world.address).unwrap();
    let path = "/v3/ai_optimization/gemini/llm_scraper/tasks_ready";
    let head = "Host: sandbox\r\nAuthorization: Basic c2FuZGJveDpzYW5kYm94\r\nConnection: close";
    std::io::Write::write_all(&mut stream, format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let body: Value = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
    let rows = body["tasks"][0]["result"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn ids_count_only_with_a_tag_of_the_batch() {
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [1]\n\
                  [[fault]]\nkind = \"list_outage\"\ncall = \"id_list\"\n";
    for word in [false, true] {
        let world = World::with(&["--speed", "2000"], faults);
        assert_eq!(world.bursar(&["run", "job.toml", "--max-wait", "3s"]).code, 8);
        if word {
            assert_eq!(world.bursar(&["resolve", "1", "--bought", "--reason", "the dashboard"]).code, 0);
        }
        let ids = ready(&world);
        assert_eq!(ids.len(), 1);
        let stranger = "00000000-0000-4000-8000-000000000001";
        std::fs::write(world.folder.path().join("ids.txt"), format!("# seen\n{stranger}\nb1.other,{}\n", ids[0]))
            .unwrap();
        let refused = world.bursar(&["resolve", "1", "--ids", "ids.txt", "--quiet"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(&format!("id {stranger}: not taken: ")), "{refused:?}");
        assert!(refused.stderr.contains("and the file says `b1.other`"), "{refused:?}");
        std::fs::write(world.folder.path().join("ids.txt"), &ids[0]).unwrap();
        let found = world.bursar(&["resolve", "1", "--ids", "ids.txt", "--json"]);
        assert_eq!(found.code, 0, "{found:?}");
        assert_eq!(serde_json::from_str::<Value>(&found.stdout).unwrap()["found"], 1);
        world.agree(1);
        // It would ask the list, which is out of order, for half a minute what the task cost.
        let ended = world.bursar(&["run", "job.toml", "--max-wait", "2s"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stdout.contains("  answered   1"), "{ended:?}");
        world.agree(1);
    }
}
