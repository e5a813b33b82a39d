//! When an answer is ready, for how long, for whom, and what it contains.

use std::collections::BTreeSet;

use bursar::sandbox::Settings;
use serde_json::{Value, json};

use super::world::{GET, HTML, LIST, OTHER, POST, READY, USER, World, as_reply, settings, task, tasks};

#[test]
fn priority_decides_when_an_answer_is_done() {
    let mut world = World::new(settings());
    let id = world.bought("a");
    let mut urgent = task("b");
    urgent["priority"] = json!(2);
    let high = world.post(POST, &json!([urgent])).ids().remove(0);
    let path = format!("{GET}/{id}");
    assert_eq!(world.get(&path).codes(), [40_602]);
    assert_eq!(world.wait(121).get(&path).codes(), [40_601]);
    assert_eq!(world.get(&format!("{GET}/{high}")).codes(), [20_000]);
    let pending = world.wait(478).get(&path);
    assert_eq!((pending.codes(), &pending.rows()[0]["result"]), (vec![40_601], &Value::Null));
    let done = world.wait(1).get(&path);
    assert_eq!((done.codes(), &done.body["cost"]), (vec![20_000], &json!(0)));
    assert_eq!(done.results()[0]["datetime"], "2026-11-22 15:40:00 +00:00");
}

#[test]
fn speed_divides_turnaround_lag_and_expiry() {
    let mut world = World::new(Settings { speed: 100, ..settings() });
    let id = world.bought("a");
    assert_eq!(world.wait(5).get(&format!("{HTML}/{id}")).codes(), [40_601]);
    assert_eq!(world.wait(1).get(&format!("{HTML}/{id}")).codes(), [20_000]);
    // 7 days are 6,048 seconds.
    assert_eq!(world.wait(6_047).get(&format!("{HTML}/{id}")).codes(), [20_000]);
    assert_eq!(world.wait(1).get(&format!("{HTML}/{id}")).codes(), [40_403]);
}

#[test]
fn turnaround_is_spread_within_its_bounds() {
    let mut world = World::new(Settings::default());
    let ids = world.post(POST, &tasks(100)).ids();
    let done =
        |world: &mut World| ids.iter().filter(|id| world.get(&format!("{GET}/{id}")).codes() == [20_000]).count();
    assert_eq!(done(world.wait(59)), 0);
    let halfway = done(world.wait(22 * 60));
    assert!((30..70).contains(&halfway), "{halfway} of 100 after half the time");
    assert_eq!(done(world.wait(23 * 60)), 100);
}

#[test]
fn a_finished_answer_is_ready_after_a_lag() {
    let mut world = World::new(settings());
    let first = world.bought("a");
    let second = world.wait(1).bought("b");
    assert_eq!(world.wait(608).get(READY).result_ids(), [""; 0], "the list is refreshed 10 s later");
    let ready = world.wait(1).get(READY);
    assert_eq!(ready.result_ids(), std::slice::from_ref(&first));
    assert_eq!(ready.results()[0]["tag"], "a");
    assert_eq!(ready.results()[0]["endpoint_advanced"], format!("{GET}/{first}"));
    assert_eq!(ready.results()[0]["date_posted"], "2026-11-22 15:30:00 +00:00");
    assert_eq!(world.wait(1).get(READY).result_ids(), [first.clone(), second.clone()], "oldest first");
    assert_eq!(world.get(&READY.replace("chat_gpt", "gemini")).result_ids(), [""; 0]);
    assert_eq!(world.get(&format!("{HTML}/{first}")).codes(), [20_000]);
    assert_eq!(world.get(READY).result_ids(), [second]);
    assert_eq!(world.wait(3 * 86_400).get(READY).result_ids(), [""; 0]);
}

#[test]
fn only_a_thousand_are_shown_as_ready() {
    let mut world = World::new(settings());
    for _ in 0..11 {
        world.post(POST, &tasks(100));
    }
    world.wait(700);
    let shown = world.get(READY).result_ids();
    assert_eq!(shown.len(), 1_000);
    world.get(&format!("{GET}/{}", shown[0]));
    let next = world.get(READY).result_ids();
    assert_eq!((next.len(), &next[..999]), (1_000, &shown[1..]));
}

#[test]
fn advanced_lives_thirty_days_and_html_seven() {
    let mut world = World::new(settings());
    let id = world.bought("a");
    let (advanced, html) = (format!("{GET}/{id}"), format!("{HTML}/{id}"));
    world.wait(600);
    assert_eq!(world.wait(7 * 86_400 - 1).get(&html).codes(), [20_000]);
    assert_eq!(world.wait(1).get(&html).codes(), [40_403]);
    assert_eq!(world.wait(23 * 86_400 - 1).get(&advanced).codes(), [20_000]);
    assert_eq!(world.wait(1).get(&advanced).codes(), [40_403]);
}

#[test]
fn an_id_belongs_to_its_account_and_engine() {
    let mut world = World::new(Settings { others: vec![("other".to_owned(), "secret".to_owned())], ..settings() });
    let id = world.bought("a");
    world.wait(660);
    assert_eq!(world.get(&format!("{GET}/{id}").replace("chat_gpt", "gemini")).codes(), [40_002]);
    assert_eq!(world.get(&format!("{GET}/11221530-1535-0066-0000-000000000000")).codes(), [40_401]);
    assert_eq!(world.get(&format!("{GET}/nonsense")).codes(), [40_401]);
    let theirs = as_reply(world.served(OTHER, &format!("{GET}/{id}"), None));
    assert_eq!(theirs.codes(), [40_001]);
    assert!(!theirs.text.contains("crm"), "{}", theirs.text);
    assert_eq!(as_reply(world.served(OTHER, READY, None)).result_ids(), [""; 0]);
    let window = json!([{"datetime_from": "2026-11-22 15:00:00 +00:00", "datetime_to": "2026-11-22 15:40:00 +00:00"}]);
    assert_eq!(as_reply(world.served(OTHER, LIST, Some(&window.to_string()))).result_ids(), [""; 0]);
    assert_eq!(as_reply(world.served(OTHER, USER, None)).results()[0]["money"]["balance"], json!(1_000));
}

#[test]
fn an_answer_is_stable_and_differs_by_task() {
    let mut world = World::new(settings());
    let mut other = [task("a"), task("b"), task("c"), task("d")];
    other[1]["keyword"] = json!("best rye bread");
    other[2]["location_code"] = json!(2840);
    let ids = world.post(POST, &json!(other)).ids();
    world.wait(600);
    let answers: Vec<Value> = ids.iter().map(|id| world.get(&format!("{GET}/{id}")).results().remove(0)).collect();
    let distinct: BTreeSet<String> = answers.iter().map(|answer| answer["markdown"].to_string()).collect();
    assert_eq!(distinct.len(), 4);
    assert_eq!(answers[0], world.get(&format!("{GET}/{}", ids[0])).results()[0]);
    let size = answers[0].to_string().len();
    assert!((1_000..9_000).contains(&size), "{size} bytes");
    assert_eq!(answers[0]["items_count"], answers[0]["items"].as_array().unwrap().len());
    let html = world.get(&format!("{HTML}/{}", ids[0])).results().remove(0);
    assert!(html["items"][0]["html"].as_str().unwrap().starts_with("<!doctype html>"));
}
