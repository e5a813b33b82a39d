//! What the doctor finds, and that it costs nothing.

use std::fs;

use serde_json::Value;

use super::world::{Ended, World};

/// What is said about some things, by level; and the exit code.
pub(super) fn found(ended: &Ended, about: &[&str]) -> Vec<String> {
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&document["schema"], &document["exit"]), (&"bursar.doctor/1".into(), &ended.code.into()));
    let findings = document["findings"].as_array().unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let wanted = findings.iter().filter(|finding| about.contains(&&*text(finding, "about")));
    wanted.map(|finding| format!("{} {}", text(finding, "level"), text(finding, "says"))).collect()
}

pub(super) fn edit_config(world: &World, from: &str, to: &str) {
    let path = world.folder.path().join("bursar.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(&path, text.replace(from, to)).unwrap();
}

#[test]
fn doctor_passes_before_and_after_a_run() {
    let world = World::new();
    let before = world.bursar(&["doctor"]);
    assert_eq!((before.code, before.stderr.as_str()), (0, "everything is ready; 1 warning\n"), "{before:?}");
    let unsure = |line: &&str| {
        !line.starts_with("ok    disk") && !line.starts_with("ok    sqlite") && !line.starts_with("ok    time zones")
    };
    let lines: Vec<&str> = before.stdout.lines().filter(unsure).collect();
    assert_eq!(
        lines.join("\n").replace(&world.address, "HOST"),
        "ok    config           bursar.toml, with 1 account\n\
         ok    state folder     state is not there yet; `bursar run` makes it\n\
         ok    ledger           bursar.db is not there yet; `bursar run` makes it\n\
         account main\n\
         ok    credentials      http://HOST accepts DATAFORSEO_LOGIN and DATAFORSEO_PASSWORD\n\
         ok    balance          $1000.00\n\
         warn  day limit        the provider shows none of its own for this account\n                       \
         set one in its dashboard, just above what a day may cost: it holds even if bursar errs or another program buys\n\
         ok    duplicates       the provider's limit on identical tasks shows in no answer\n                       \
         where it is set in its dashboard, keep it above the highest `repeats` of a job: repeats are identical tasks (code 40205)\n\
         ok    limits           60,000 of the provider's 60,000 calls a minute are used at most\n\
         ok    prices           the provider's list agrees with ours\n\
         ok    clock            this machine's and the provider's agree"
    );
    assert!(!world.folder.path().join("bursar.db").exists() && !world.folder.path().join("state").exists());
    assert_eq!(world.bill()["tasks"], 0);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let after = world.bursar(&["doctor", "--json"]);
    assert_eq!(
        found(&after, &["ledger", "starts", "restored", "in doubt"]),
        ["ok bursar.db, with sandbox money", "ok the ledger and its counter in the state folder agree", "ok nothing"]
    );
    world.agree(1);
}

#[test]
fn each_failure_to_reach_an_account_has_its_code() {
    let world = World::new();
    let wrong = world.command(&["doctor", "--json"]).env("DATAFORSEO_PASSWORD", "hunter2").output().unwrap();
    let wrong = Ended::of(wrong);
    assert_eq!(wrong.code, 6, "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("hunter2"));
    assert!(found(&wrong, &["credentials"])[0].starts_with("fail the provider refuses: "), "{wrong:?}");
    let none = Ended::of(world.command(&["doctor"]).env_remove("DATAFORSEO_PASSWORD").output().unwrap());
    assert_eq!((none.code, none.stderr.as_str()), (2, "1 failure: fix this before the next run\n"));
    edit_config(&world, &world.address, "127.0.0.1:1");
    let gone = world.bursar(&["doctor", "--json"]);
    assert_eq!(gone.code, 1, "{gone:?}");
    assert!(
        found(&gone, &["connection"])[0]
            .starts_with("fail cannot connect to http://127.0.0.1:1: 127.0.0.1: Connection refused")
    );
}

#[test]
fn a_higher_listed_price_fails_a_lower_one_warns() {
    for (ours, code, says) in [
        (
            "0.001",
            6,
            "fail llm_scraper/gemini/standard/normal/- costs $0.0012 by the provider's list, and $0.001 is expected",
        ),
        (
            "0.002",
            0,
            "warn llm_scraper/gemini/standard/normal/- costs $0.0012 by the provider's list, and $0.002 is expected",
        ),
    ] {
        let world = World::new();
        let price = format!(
            "[[accounts.main.prices]]\nfunction = 'llm_scraper'\nengine = 'gemini'\nmethod = 'standard'\npriority = 'normal'\nprice = '{ours}'\n"
        );
        let path = world.folder.path().join("bursar.toml");
        fs::write(&path, fs::read_to_string(&path).unwrap() + &price).unwrap();
        let ended = world.bursar(&["doctor", "--json"]);
        assert_eq!((ended.code, found(&ended, &["prices"])), (code, vec![says.to_owned()]));
    }
}

#[test]
fn excessive_limits_and_a_short_balance_are_reported() {
    let world = World::new();
    edit_config(&world, "id_list_per_minute = 300", "id_list_per_minute = 301");
    edit_config(&world, "route =", "caps = { keep_balance = '5000' }\nroute =");
    let ended = world.bursar(&["doctor", "--json"]);
    assert_eq!(ended.code, 6);
    assert_eq!(
        found(&ended, &["limits", "balance"]),
        [
            "fail $1000.00, and keep_balance is $5000.00: nothing is bought",
            "warn id_list_per_minute is 301, and the provider allows 300 a minute"
        ]
    );
}

#[test]
fn a_restored_ledger_is_reported_and_not_changed() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    fs::rename(world.folder.path().join("state"), world.folder.path().join("elsewhere")).unwrap();
    for _ in 0..2 {
        let ended = world.bursar(&["doctor", "--json"]);
        assert_eq!(ended.code, 0);
        assert_eq!(
            found(&ended, &["starts", "restored"]),
            [
                "warn the next run takes this ledger for restored, copied or rebuilt: its counter of sessions is missing from `state`"
            ]
        );
    }
    fs::rename(world.folder.path().join("elsewhere"), world.folder.path().join("state")).unwrap();
    let ended = world.bursar(&["doctor", "--json"]);
    assert_eq!(found(&ended, &["starts"]), ["ok the ledger and its counter in the state folder agree"]);
}

#[test]
fn a_clock_that_is_off_is_told() {
    let world = World::with(&[], "[[fault]]\nkind = \"clock_skew\"\nseconds = 120\n");
    let ended = world.bursar(&["doctor", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let [says] = &found(&ended, &["clock"])[..] else { panic!("{ended:?}") };
    assert!(says.starts_with("warn this machine's is 1") && says.ends_with(" s behind the provider's"), "{says}");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_read_or_write_are_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let open = |name: &str, mode| {
        fs::set_permissions(world.folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("bursar.db", 0o644);
    open("state", 0o777);
    let ended = world.bursar(&["doctor", "--json"]);
    assert_eq!(ended.code, 0);
    assert_eq!(
        found(&ended, &["ledger", "state folder"]),
        [
            "warn state can be written by others (mode 777)",
            "warn bursar.db, with sandbox money; others can read it (mode 644), with all prompts and answers"
        ]
    );
}

#[test]
fn the_time_zone_release_and_source_are_named() {
    let world = World::new();
    let zones = tempfile::TempDir::new().unwrap();
    let says = |text: &str| {
        fs::write(zones.path().join("tzdata.zi"), text).unwrap();
        let mut command = world.command(&["doctor", "--json"]);
        let ended = Ended::of(command.env("TZDIR", zones.path()).output().unwrap());
        found(&ended, &["time zones"]).join("\n").replace(&zones.path().display().to_string(), "ZONES")
    };
    let built_in = says("# version 9026a\n").split("built in is ").nth(1).unwrap().to_owned();
    assert_eq!(says("# version 9026a\n"), format!("ok tzdata 9026a of ZONES counts; built in is {built_in}"));
    assert_eq!(says("# version 2025b\n"), format!("ok tzdata {built_in}, built in, counts; ZONES has 2025b"));
    assert_eq!(
        says("no version"),
        format!("ok tzdata {built_in}, built in, counts; ZONES does not say which release it has")
    );
    assert!(built_in.as_str() >= "2026f", "{built_in}");
}
