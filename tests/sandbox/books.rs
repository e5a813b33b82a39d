//! The bill, the limits, the seed and the state file.

use bursar::money::Money;
use bursar::product::Engine;
use bursar::sandbox::{Call, Fault, Faults, Rule, Sandbox, Settings, StateError};
use chrono::TimeDelta;
use serde_json::json;

use super::world::{GET, POST, READY, USER, World, as_reply, settings, start, tasks};

#[test]
fn equal_seeds_and_calls_give_equal_bytes() {
    let run = |seed| {
        let mut world = World::new(Settings { seed, failures_per_mille: 200, ..Settings::default() });
        let posted = world.post(POST, &tasks(20));
        let mut texts = vec![posted.text.clone()];
        world.wait(3_600);
        texts.push(world.get(READY).text);
        texts.extend(posted.ids().iter().map(|id| world.get(&format!("{GET}/{id}")).text));
        texts.push(world.list_all().text);
        texts
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn calls_beyond_a_limit_are_answered_40202() {
    let mut world = World::new(Settings { calls_per_minute: 30, ..settings() });
    for (path, limit) in [(READY, 20), (USER, 6)] {
        world.wait(60);
        for _ in 0..limit {
            assert_eq!(world.get(path).code(), 20_000);
        }
        let got = world.get(path);
        assert_eq!((got.status, got.code()), (200, 40_202), "{path}");
    }
    world.wait(60);
    for _ in 0..30 {
        assert_eq!(world.get("/v3/appendix/status").code(), 20_000);
    }
    assert_eq!(world.post(POST, &tasks(1)).code(), 40_202);
    assert_eq!((world.wait(60).post(POST, &tasks(1)).code(), world.charged()), (20_000, 1_200_000));
    for _ in 0..10 {
        world.list_all();
    }
    assert_eq!(world.list_all().code(), 40_202);
}

#[test]
fn the_busiest_sixty_seconds_are_remembered() {
    let mut world = World::new(settings());
    for seconds in [0, 40, 10, 9, 1, 60] {
        world.wait(seconds).get(READY);
    }
    // At 0, 40, 50, 59, 60 and 120 seconds: the first is out when the fifth comes.
    world.get(USER);
    assert_eq!(world.sandbox.peak_per_minute(Some(Call::TasksReady)), 4);
    assert_eq!(world.sandbox.peak_per_minute(Some(Call::UserData)), 1);
    assert_eq!((world.sandbox.peak_per_minute(None), world.sandbox.peak_per_minute(Some(Call::TaskPost))), (4, 0));
}

#[test]
fn switches_add_dust_shuffle_rows_and_hide_errors() {
    let mut set = settings();
    set.switches.float_dust = true;
    set.switches.shuffle_rows = true;
    set.switches.count_errors = false;
    let mut world = World::new(set);
    let mut posted = tasks(10);
    posted[0]["language_code"] = json!("e1");
    let got = world.post(POST, &posted);
    assert!(
        got.text.contains(r#""cost":0.0108000000000000002,"tasks_count":10,"tasks_error":0"#),
        "{}",
        &got.text[..200]
    );
    let tags: Vec<String> = got.rows().iter().map(|row| row["data"]["tag"].as_str().unwrap().to_owned()).collect();
    assert_ne!(tags, (0..10).map(|at| format!("t{at}")).collect::<Vec<_>>());
}

#[test]
fn a_bill_shows_what_was_bought_twice() {
    let mut world = World::new(settings());
    world.bought("a");
    world.bought("a");
    world.bought("b");
    let bill = world.sandbox.bill();
    assert_eq!((bill.tasks, bill.bought_twice().collect::<Vec<_>>()), (3, vec!["a"]));
    assert_eq!(bill.by_engine[&Engine::ChatGpt], (3, Money::from_nanos(3_600_000)));
    let open = as_reply(world.served("", "/sandbox/bill", None));
    assert_eq!(
        open.body,
        json!({
            "total_nano_usd": 3_600_000, "tasks": 3, "tags_charged_twice": 1,
            "advanced_nano_usd": 0, "refunded_nano_usd": 0, "overrun_nano_usd": 0,
            "by_endpoint": {"chat_gpt/llm_scraper/task_post": {"tasks": 3, "nano_usd": 3_600_000}},
            "peak_per_minute": {"all": 3, "task_post": 3},
        })
    );
}

#[test]
fn the_bill_lists_every_sale_and_fault() {
    let rules = vec![
        Rule::nth(Fault::PaidFailure { code: 40_102, at_post: false }, Call::TaskPost, 2),
        Rule::nth(Fault::DropAfter, Call::TaskGet, 1),
    ];
    let mut world = World::new(Settings { faults: Faults::from(rules), ..settings() });
    let first = world.bought("a");
    let second = world.wait(90).bought("b");
    let sales: Vec<_> = world.sandbox.sales().collect();
    let told: Vec<_> = sales.iter().map(|sale| (&sale.id[..], sale.tag.as_deref(), sale.fails)).collect();
    assert_eq!(told, [(&first[..], Some("a"), 0), (&second[..], Some("b"), 40_102)]);
    assert_eq!(sales[1].posted - sales[0].posted, TimeDelta::seconds(90));
    assert_eq!((sales[0].cost, sales[0].location_code), (Money::from_nanos(1_200_000), 2276));
    assert_eq!(world.sandbox.strikes().map(|(_, times)| times).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn a_torn_state_file_is_restored_completely() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let open = || Sandbox::with_state(Settings::default(), &path).unwrap();
    let mut world = World { sandbox: open(), now: start() };
    let ids = world.post(POST, &tasks(3)).ids();
    world.wait(3_600);
    let collected = world.get(&format!("{GET}/{}", ids[0])).results();
    let (bill, ready) = (world.sandbox.bill(), world.get(READY).results());
    assert_eq!(ready.len(), 2);

    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], b"{\"task\":{\"id\":\"1122"].concat()).unwrap();
    let mut again = World { sandbox: open(), now: world.now };
    assert_eq!(std::fs::read(&path).unwrap(), whole, "the torn line is cut off");
    assert_eq!(again.sandbox.bill(), bill);
    assert_eq!(again.get(READY).results(), ready);
    assert_eq!(again.get(&format!("{GET}/{}", ids[0])).results(), collected);
    assert_eq!(again.get(USER).results()[0]["money"]["balance"], json!(999.9964));
    again.bought("d");
    assert_eq!(open().bill().tasks, 4);

    std::fs::write(&path, [b"not ours\n", &whole[..]].concat()).unwrap();
    assert!(matches!(Sandbox::with_state(Settings::default(), &path), Err(StateError::Foreign { line: 1, .. })));
}
