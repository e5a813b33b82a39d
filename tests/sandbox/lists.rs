//! The list of all tasks, and the free lists.

use bursar::sandbox::{Sandbox, Settings};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::world::{GET, LIST, POST, READY, USER, World, settings, start, task, tasks};

#[test]
fn the_list_shows_unfinished_tasks_after_its_lag() {
    let mut world = World::new(settings());
    world.post(POST, &tasks(100));
    let early = world.wait(2).list_all().result_ids().len();
    assert!(early < 20, "{early} of 100 after 2 of 240 seconds");
    let got = world.wait(240).list_all();
    assert_eq!(got.result_ids().len(), 100);
    let row = &got.results()[0];
    assert_eq!(row["datetime_posted"], "2026-11-22 15:30:00 +00:00");
    assert_eq!((&row["datetime_done"], &row["cost"]), (&Value::Null, &json!(0.0012)));
    assert!(row["url"].as_str().unwrap().ends_with("/v3/ai_optimization/chat_gpt/llm_scraper/task_post"));
    assert_eq!(row["metadata"], task(row["metadata"]["tag"].as_str().unwrap()));
    assert_eq!(world.wait(400).list_all().results()[0]["datetime_done"], "2026-11-22 15:40:00 +00:00");
}

#[test]
fn the_list_is_paged_sorted_and_strictly_past() {
    let mut world = World::new(settings());
    for tag in ["a", "b", "c"] {
        world.bought(tag);
        world.wait(1);
    }
    world.wait(300);
    assert_eq!(world.list("2026-11-22 15:30:00 +00:00", "2026-11-22 15:30:01 +00:00").result_tags(), ["a", "b"]);
    assert_eq!(world.list("2026-11-22 16:30:01 +01:00", "2026-11-22 16:30:09 +01:00").result_tags(), ["b", "c"]);
    let page = |world: &mut World, offset: u32, sort: &str| {
        let asked = json!([{"datetime_from": "2026-11-22 15:30:00 +00:00", "datetime_to": "2026-11-22 15:35:00 +00:00",
            "include_metadata": true, "limit": 2, "offset": offset, "sort": sort}]);
        world.post(LIST, &asked).result_tags()
    };
    assert_eq!(
        (page(&mut world, 0, "asc"), page(&mut world, 2, "asc")),
        (vec!["a".into(), "b".into()], vec!["c".into()])
    );
    assert_eq!(page(&mut world, 0, "desc"), ["c", "b"]);
    // It is 15:35:03.
    for (from, to, metadata, code) in [
        ("2026-11-22 15:30:00 +00:00", "2026-11-22 15:35:02 +00:00", true, 20_000),
        ("2026-11-22 15:30:00 +00:00", "2026-11-22 15:35:03 +00:00", true, 40_501),
        ("2026-11-22 15:30:00 +00:00", "2026-11-22 15:30:00 +00:00", true, 40_501),
        ("2026-10-22 15:00:00 +00:00", "2026-11-22 15:30:00 +00:00", true, 40_501),
        ("2026-10-22 15:00:00 +00:00", "2026-11-22 15:30:00 +00:00", false, 20_000),
        ("2026-05-22 15:00:00 +00:00", "2026-11-22 15:30:00 +00:00", false, 40_501),
        ("yesterday", "2026-11-22 15:30:00 +00:00", false, 40_501),
    ] {
        world.wait(60).now = start() + TimeDelta::seconds(303);
        let mut fresh = World { sandbox: Sandbox::new(settings()), now: world.now };
        let asked = json!([{"datetime_from": from, "datetime_to": to, "include_metadata": metadata}]);
        assert_eq!(fresh.post(LIST, &asked).code(), code, "{from} to {to}, metadata {metadata}");
    }
}

#[test]
fn the_list_has_a_switch_for_each_unknown() {
    let mut set = settings();
    set.switches.list_refused = true;
    set.switches.list_unfinished = false;
    set.switches.list_tags = false;
    set.switches.ready_hides_failures = false;
    let mut world = World::new(set);
    let mut wrong = task("wrong");
    wrong["language_code"] = json!("e1");
    world.post(POST, &json!([task("a"), wrong]));
    let rows = world.wait(300).list_all().results();
    assert_eq!((rows.len(), &rows[0]["cost"]), (1, &json!(0)), "only the refused one is over");
    assert_eq!(rows[0]["metadata"]["tag"], Value::Null);
    assert_eq!(world.wait(301).list_all().results().len(), 2);
    assert_eq!((world.sandbox.bill().tasks, world.charged()), (1, 1_200_000));
    assert_eq!(world.get(READY).results().len(), 0, "its lag is not over, and a refused task is never ready");
    assert_eq!(world.wait(60).get(READY).results().len(), 1);

    let mut set = settings();
    set.switches.list_by_completion = true;
    let mut world = World::new(set);
    world.bought("a");
    world.wait(700);
    assert_eq!(world.list("2026-11-22 15:29:00 +00:00", "2026-11-22 15:39:00 +00:00").result_ids(), [""; 0]);
    assert_eq!(world.list("2026-11-22 15:39:00 +00:00", "2026-11-22 15:41:00 +00:00").result_tags(), ["a"]);
}

#[test]
fn failed_tasks_are_charged_hidden_or_refused() {
    let mut world = World::new(Settings { failures_per_mille: 1_000, ..settings() });
    let id = world.bought("a");
    assert_eq!(world.wait(660).get(READY).result_ids(), [""; 0]);
    let code = world.get(&format!("{GET}/{id}")).codes()[0];
    assert!((40_101..=40_103).contains(&code), "{code}");
    assert_eq!(world.charged(), 1_200_000);

    let mut set = Settings { failures_per_mille: 1_000, ..settings() };
    set.switches.charge_failures = false;
    let mut world = World::new(set);
    let code = world.post(POST, &tasks(1)).codes()[0];
    assert!((40_101..=40_103).contains(&code), "{code}");
    assert_eq!(world.charged(), 0);
}

#[test]
fn the_free_lists_answer_for_both_engines() {
    let mut world = World::new(settings());
    for engine in ["chat_gpt", "gemini"] {
        let base = format!("/v3/ai_optimization/{engine}/llm_scraper");
        assert!(world.get(&format!("{base}/locations")).results().len() > 50);
        assert!(world.get(&format!("{base}/languages")).results().len() >= 40);
    }
    let germany = world.get("/v3/ai_optimization/chat_gpt/llm_scraper/locations/de").results();
    assert_eq!((germany.len(), &germany[0]["location_code"]), (1, &json!(2_276)));
    assert!(world.get("/v3/appendix/errors").results().iter().any(|row| row["code"] == 40_202));
    assert_eq!(world.post("/v3/ai_optimization/errors", &json!([{}])).codes(), [20_000]);
    let user = &world.get(USER).results()[0];
    assert_eq!(user["price"]["ai_optimization"]["llm_scraper"]["task_post"]["priority_high"][0]["cost"], json!(0.0024));
}
