//! The contract of the simulated vendor, in virtual time through `handle`, and twice over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests unwrap in their helpers too")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::money::Money;
use bursar::offer::{Engine, Priority};
use bursar::sandbox::{
    Call, Fault, Faults, InProcess, Incoming, Rule, Sandbox, Served, Settings, Spread, StateError, serve,
};
use bursar::vendor::{Failure, Request, Vendor};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// `sandbox:sandbox`.
const AUTH: &str = "Basic c2FuZGJveDpzYW5kYm94";
/// `other:secret`.
const OTHER: &str = "Basic b3RoZXI6c2VjcmV0";
const POST: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/task_post";
const READY: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/tasks_ready";
const GET: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/advanced";
const HTML: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/html";
const LIST: &str = "/v3/ai_optimization/id_list";
const USER: &str = "/v3/appendix/user_data";

/// A sandbox and the time, which only moves when it is told to.
struct World {
    sandbox: Sandbox,
    now: DateTime<Utc>,
}

/// A reply that arrived whole.
struct Got {
    status: u16,
    date: DateTime<Utc>,
    text: String,
    body: Value,
}

impl Got {
    fn codes(&self) -> Vec<u64> {
        self.rows().iter().map(|row| row["status_code"].as_u64().unwrap()).collect()
    }

    fn code(&self) -> u64 {
        self.body["status_code"].as_u64().unwrap()
    }

    fn rows(&self) -> Vec<Value> {
        self.body["tasks"].as_array().cloned().unwrap_or_default()
    }

    fn results(&self) -> Vec<Value> {
        self.body["tasks"][0]["result"].as_array().cloned().unwrap_or_default()
    }

    fn ids(&self) -> Vec<String> {
        self.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    fn result_ids(&self) -> Vec<String> {
        self.results().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    fn result_tags(&self) -> Vec<String> {
        self.results().iter().map(|row| row["metadata"]["tag"].as_str().unwrap().to_owned()).collect()
    }
}

fn start() -> DateTime<Utc> {
    "2026-11-22T15:30:00Z".parse().unwrap()
}

/// Vendor-like, but with a turnaround and lags that tests can count on.
fn settings() -> Settings {
    let fixed = |minutes| Spread { min: Duration::from_mins(minutes), max: Duration::from_mins(minutes) };
    Settings { turnaround_normal: fixed(10), turnaround_high: fixed(2), ..Settings::default() }
}

fn with_faults(rules: Vec<Rule>) -> Settings {
    Settings { faults: rules.into(), ..settings() }
}

fn task(tag: &str) -> Value {
    json!({"keyword": "which crm for small firms", "location_code": 2276, "language_code": "de", "tag": tag})
}

fn tasks(count: usize) -> Value {
    (0..count).map(|at| task(&format!("t{at}"))).collect()
}

fn as_reply(served: Served) -> Got {
    match served {
        Served::Reply { response, .. } => {
            let text = String::from_utf8(response.body.to_vec()).unwrap();
            let body = serde_json::from_str(&text).unwrap_or(Value::Null);
            Got { status: response.status, date: response.date.unwrap(), text, body }
        }
        other @ (Served::Truncated { .. } | Served::Dropped | Served::Refused) => panic!("no reply but {other:?}"),
    }
}

impl World {
    fn new(settings: Settings) -> Self {
        Self { sandbox: Sandbox::new(settings), now: start() }
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    fn served(&mut self, authorization: &str, path: &str, body: Option<&str>) -> Served {
        let incoming = Incoming {
            path: path.to_owned(),
            authorization: Some(authorization.to_owned()),
            body: body.map(|body| Bytes::from(body.to_owned())),
        };
        self.sandbox.handle(self.now, &incoming)
    }

    fn get(&mut self, path: &str) -> Got {
        as_reply(self.served(AUTH, path, None))
    }

    fn post(&mut self, path: &str, body: &Value) -> Got {
        as_reply(self.served(AUTH, path, Some(&body.to_string())))
    }

    /// Posts one task and says its id.
    fn bought(&mut self, tag: &str) -> String {
        let got = self.post(POST, &json!([task(tag)]));
        assert_eq!(got.codes(), [20_100], "{}", got.text);
        got.ids().remove(0)
    }

    fn list(&mut self, from: &str, to: &str) -> Got {
        let asked = json!([{"datetime_from": from, "datetime_to": to, "include_metadata": true}]);
        self.post(LIST, &asked)
    }

    /// Everything listed until a second ago.
    fn list_all(&mut self) -> Got {
        let to = (self.now - TimeDelta::seconds(1)).format("%Y-%m-%d %H:%M:%S +00:00").to_string();
        self.list("2026-11-22 15:00:00 +00:00", &to)
    }

    fn charged(&self) -> i64 {
        let bill = self.sandbox.bill();
        assert_eq!(bill.total, self.sandbox.billed(), "the running total is the sum of the bill");
        bill.total.nanos()
    }
}

/// The codes of one posted task, and the money it moved.
fn refused(settings: Settings, path: &str, task: &Value) -> (u64, String) {
    let mut world = World::new(settings);
    let got = world.post(path, &json!([task]));
    assert_eq!(got.code(), 20_000, "{}", got.text);
    assert_eq!(world.charged(), 0);
    let row = &got.rows()[0];
    assert_eq!(row["cost"], json!(0));
    (row["status_code"].as_u64().unwrap(), row["status_message"].as_str().unwrap().to_owned())
}

#[test]
fn a_task_is_charged_when_it_is_posted_and_its_tag_is_echoed() {
    let mut world = World::new(settings());
    let mut urgent = task("b");
    urgent["priority"] = json!(2);
    let got = world.post(POST, &json!([task("a"), urgent]));
    assert_eq!((got.status, got.code(), got.codes()), (200, 20_000, vec![20_100, 20_100]));
    assert!(got.text.contains(r#""cost":0.0036,"tasks_count":2,"tasks_error":0"#), "{}", got.text);
    let tags: Vec<&Value> = got.body["tasks"].as_array().unwrap().iter().map(|row| &row["data"]["tag"]).collect();
    assert_eq!(tags, ["a", "b"]);
    assert_eq!(got.rows()[0]["result"], Value::Null);
    assert_eq!(got.rows()[0]["path"], json!(["v3", "ai_optimization", "chat_gpt", "llm_scraper", "task_post"]));
    assert!(got.ids()[0].starts_with("11221530-1535-0066-0000-"), "{:?}", got.ids());
    assert_eq!(world.charged(), 3_600_000);
    world.get(READY);
    assert_eq!(world.charged(), 3_600_000);
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_bytes() {
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
fn wrong_credentials_paths_and_bodies_are_refused_as_a_whole() {
    let mut world = World::new(settings());
    let stranger = as_reply(world.served("Basic bm86Ym9keQ==", POST, Some(&json!([task("a")]).to_string())));
    assert_eq!((stranger.status, stranger.code(), &stranger.body["tasks"]), (401, 40_100, &Value::Null));
    for path in [
        "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/regular/x",
        "/v3/ai_optimization/claude/llm_scraper/task_post",
        "/v3/ai_optimization/chat_gpt/llm_scraper/live/advanced",
        "/v3/ai_optimization/chat_gpt/llm_responses/task_post",
        "/v3/ai_optimization/chat_gpt/llm_scraper/id_list",
        "/v2/anything",
    ] {
        let got = world.get(path);
        assert_eq!((got.status, got.code()), (404, 40_400), "{path}");
    }
    for (body, code) in [
        ("", 40_502),
        ("[]", 40_502),
        ("{}", 40_503),
        ("[{", 40_503),
        ("\"x\"", 40_503),
        ("[1]", 40_501),
        ("[null]", 40_501),
    ] {
        let got = as_reply(world.served(AUTH, POST, Some(body)));
        assert_eq!((got.status, got.code()), (200, code), "{body}");
    }
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_task_with_a_wrong_field_is_refused_at_no_cost_and_its_siblings_are_not() {
    let with = |field: &str, value: Value| {
        let mut task = task("a");
        task[field] = value;
        task
    };
    let gemini = POST.replace("chat_gpt", "gemini");
    for (path, task, code, words) in [
        (POST, with("keyword", json!("x".repeat(2_001))), 40_501, "Invalid Field: 'keyword'."),
        (POST, with("keyword", json!(" ")), 40_501, "Invalid Field: 'keyword'."),
        (POST, with("keyword", Value::Null), 40_501, "Invalid Field: 'keyword'."),
        (POST, with("keyword", json!(3)), 40_501, "Invalid Field: 'keyword'."),
        (POST, with("location_code", json!(99)), 40_501, "Invalid Field: 'location_code'."),
        (POST, with("location_code", Value::Null), 40_501, "Invalid Field: 'location_code'."),
        (POST, with("language_code", json!("e1")), 40_501, "Invalid Field: 'language_code'."),
        (POST, with("tag", json!("x".repeat(256))), 40_501, "Invalid Field: 'tag'."),
        (POST, with("priority", json!(3)), 40_501, "Invalid Field: 'priority'."),
        (POST, with("expand_citations", json!(true)), 40_501, "Invalid Field: 'expand_citations'."),
        (POST, with("postback_url", json!("http://x.example")), 40_501, "Invalid Field: 'postback_data'."),
        (POST, with("colour", json!("red")), 40_506, "Unknown Field: 'colour'."),
        (POST, with("location_coordinate", json!("1,2,300")), 40_506, "Unknown Field: 'location_coordinate'."),
        (&gemini, with("force_web_search", json!(true)), 40_506, "Unknown Field: 'force_web_search'."),
    ] {
        assert_eq!(refused(settings(), path, &task), (code, words.to_owned()), "{task}");
    }
    let mut world = World::new(settings());
    let got = world.post(POST, &json!([with("colour", json!("red")), task("b")]));
    assert_eq!((got.codes(), &got.body["tasks_error"]), (vec![40_506, 20_100], &json!(1)));
    assert_eq!(world.charged(), 1_200_000);
}

#[test]
fn what_may_be_given_in_several_ways_is_taken_in_each() {
    let mut lenient = settings();
    lenient.switches.refuse_unknown_fields = false;
    let mut world = World::new(lenient);
    for task in [
        json!({"keyword": "a", "location_name": "Germany", "language_name": "German"}),
        json!({"keyword": "a", "location_code": 2894, "language_code": "de", "tag": null, "priority": null}),
        json!({"keyword": "é".repeat(2_000), "location_code": 2840, "language_code": "en", "priority": 1}),
        json!({"keyword": "a", "location_code": 2840, "language_code": "en", "colour": "red"}),
        json!({"keyword": "a", "location_code": 2840, "language_code": "en", "force_web_search": true, "expand_citations": true}),
    ] {
        assert_eq!(world.post(POST, &json!([task])).codes(), [20_100], "{task}");
    }
    let near = json!({"keyword": "a", "location_coordinate": "48.2,16.3,2000", "language_code": "en", "expand_citations": true});
    assert_eq!(world.post(&POST.replace("chat_gpt", "gemini"), &json!([near])).codes(), [20_100]);
}

#[test]
fn only_the_first_hundred_tasks_of_a_post_are_accepted() {
    let mut world = World::new(settings());
    let got = world.post(POST, &tasks(102));
    let codes = got.codes();
    assert!(codes[..100].iter().all(|code| *code == 20_100) && codes[100..] == [40_006, 40_006]);
    assert_eq!(world.charged(), 120_000_000);
    assert_eq!(got.ids().into_iter().collect::<BTreeSet<_>>().len(), 102);
}

#[test]
fn a_short_balance_and_a_daily_limit_refuse_the_whole_post() {
    let mut world = World::new(Settings { start_balance: Money::from_nanos(2_400_000), ..settings() });
    let got = world.post(POST, &tasks(3));
    assert_eq!((got.status, got.code(), world.charged()), (402, 40_210, 0));
    assert_eq!(world.post(POST, &tasks(2)).codes(), [20_100, 20_100]);
    assert_eq!(world.get(USER).results()[0]["money"]["balance"], json!(0));

    let mut world = World::new(Settings { day_limit: Some(Money::from_nanos(2_400_000)), ..settings() });
    assert_eq!(world.post(POST, &tasks(2)).code(), 20_000);
    let got = world.post(POST, &tasks(1));
    assert_eq!((got.status, got.code()), (200, 40_203));
    // 15:30 and 8.5 hours: the UTC day is over.
    assert_eq!(world.wait(30_600).post(POST, &tasks(1)).code(), 20_000);
    assert_eq!(world.charged(), 3_600_000);
}

#[test]
fn an_answer_is_queued_handed_and_done_by_its_priority() {
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
fn what_is_finished_and_uncollected_is_ready_after_a_short_lag() {
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
fn an_id_is_known_only_to_its_account_and_engine() {
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
fn percent_and_plus_are_decoded_in_the_prompt() {
    let mut world = World::new(settings());
    let mut task = task("a");
    task["keyword"] = json!("is 100%25 rye good%3F+C%2B%2B %zz 5% %C3%BC");
    let id = world.post(POST, &json!([task])).ids().remove(0);
    let result = &world.wait(600).get(&format!("{GET}/{id}")).results()[0];
    assert_eq!(result["keyword"], "is 100% rye good? C++ %zz 5% ü");
}

#[test]
fn an_answer_differs_by_prompt_market_and_repeat_and_is_the_same_when_asked_again() {
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

#[test]
fn the_list_shows_a_task_once_its_lag_is_over_even_while_unfinished() {
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
fn calls_beyond_a_minutes_limit_are_answered_40202_in_http_200() {
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
fn the_busiest_sixty_seconds_are_remembered_wherever_a_minute_begins() {
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
fn failed_tasks_are_hidden_and_charged_or_refused_at_once() {
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
        let germany = world.get(&format!("{base}/locations/de")).results();
        assert_eq!((germany.len(), &germany[0]["location_code"]), (1, &json!(2_276)));
        assert!(world.get(&format!("{base}/languages")).results().len() >= 40);
    }
    assert!(world.get("/v3/appendix/errors").results().iter().any(|row| row["code"] == 40_202));
    assert_eq!(world.post("/v3/ai_optimization/errors", &json!([{}])).codes(), [20_000]);
    let user = &world.get(USER).results()[0];
    assert_eq!(user["price"]["ai_optimization"]["llm_scraper"]["task_post"]["priority_high"][0]["cost"], json!(0.0024));
}

#[test]
fn every_fault_on_the_way_to_the_vendor_charges_nothing() {
    for (fault, expected) in [
        (Fault::RefuseBefore, "refused"),
        (Fault::DropBefore, "dropped"),
        (Fault::ErrorBefore { status: 502, html: true }, "502 html"),
        (Fault::ErrorBefore { status: 500, html: false }, "500 50000"),
        (Fault::Html200, "200 html"),
        (Fault::Envelope50000, "200 50000"),
        (Fault::Throttle40202, "200 40202"),
        (Fault::Throttle429 { after: Duration::from_secs(7) }, "429 html"),
        (Fault::Payment40210, "402 40210"),
        (Fault::Task50000 { tasks: 9 }, "200 20000 [50000, 50000]"),
    ] {
        let mut world = World::new(with_faults(vec![Rule::nth(fault.clone(), Call::TaskPost, 1)]));
        assert_eq!(story(world.served(AUTH, POST, Some(&tasks(2).to_string()))), expected, "{fault:?}");
        assert_eq!(world.charged(), 0, "{fault:?}");
        assert_eq!(world.post(POST, &tasks(2)).codes(), [20_100, 20_100], "{fault:?} strikes once");
    }
}

#[test]
fn every_fault_on_the_way_back_leaves_the_charge() {
    let late = Duration::from_mins(10);
    for (fault, expected) in [
        (Fault::DropAfter, "dropped"),
        (Fault::ErrorAfter { status: 504, html: true }, "504 html"),
        (Fault::ErrorAfter { status: 500, html: false }, "500 50000"),
        (Fault::Truncate, "truncated"),
        (Fault::AnswerLate { after: late }, "200 20000 [20100, 20100, 20100] after 600 s"),
        (Fault::MissingRows { rows: 1 }, "200 20000 [20100, 20100]"),
        (Fault::RepeatRows { rows: 1 }, "200 20000 [20100, 20100, 20100, 20100]"),
        (Fault::Reorder, "200 20000 [20100, 20100, 20100]"),
        (Fault::PaidFailure { code: 40_101, at_post: true }, "200 20000 [40101, 40101, 40101]"),
        (Fault::PaidFailure { code: 40_101, at_post: false }, "200 20000 [20100, 20100, 20100]"),
    ] {
        let mut world = World::new(with_faults(vec![Rule::nth(fault.clone(), Call::TaskPost, 1)]));
        assert_eq!(story(world.served(AUTH, POST, Some(&tasks(3).to_string()))), expected, "{fault:?}");
        assert_eq!(world.charged(), 3_600_000, "{fault:?}");
        assert_eq!(world.wait(300).list_all().result_tags(), ["t0", "t1", "t2"], "{fault:?}");
    }
}

/// What happened on the wire, in a line.
fn story(served: Served) -> String {
    match served {
        Served::Refused => "refused".to_owned(),
        Served::Dropped => "dropped".to_owned(),
        Served::Truncated { response, sent } => {
            assert!(sent < response.body.len());
            "truncated".to_owned()
        }
        Served::Reply { after, .. } => {
            let got = as_reply(served);
            let rows = if got.rows().is_empty() { String::new() } else { format!(" {:?}", got.codes()) };
            let what = if got.text.starts_with('<') { "html".to_owned() } else { got.code().to_string() };
            let late = if after.is_zero() { String::new() } else { format!(" after {} s", after.as_secs()) };
            format!("{} {what}{rows}{late}", got.status)
        }
    }
}

#[test]
fn a_batch_can_be_accepted_after_its_connection_is_gone() {
    let fault = Fault::AcceptLate { after: Duration::from_secs(90) };
    let mut world = World::new(with_faults(vec![Rule::nth(fault, Call::TaskPost, 1)]));
    assert_eq!(world.served(AUTH, POST, Some(&tasks(2).to_string())), Served::Dropped);
    assert_eq!((world.charged(), world.sandbox.next_event()), (0, Some(start() + TimeDelta::seconds(90))));
    world.wait(89).get(USER);
    assert_eq!(world.charged(), 0);
    world.wait(1).get(USER);
    assert_eq!((world.charged(), world.sandbox.next_event()), (2_400_000, None));
    world.wait(500);
    assert_eq!(world.list_all().results()[0]["datetime_posted"], "2026-11-22 15:31:30 +00:00");
}

#[test]
fn a_batch_can_be_accepted_in_part() {
    let mut world = World::new(with_faults(vec![Rule::nth(Fault::Partial { tasks: 2 }, Call::TaskPost, 1)]));
    assert_eq!(world.served(AUTH, POST, Some(&tasks(5).to_string())), Served::Dropped);
    assert_eq!(world.charged(), 2_400_000);
    assert_eq!(world.wait(300).list_all().result_tags(), ["t0", "t1"]);
}

#[test]
fn lists_can_omit_repeat_hide_and_fail() {
    let mut world = World::new(with_faults(vec![
        Rule::nth(Fault::ReadyOmits { share: 0.5 }, Call::TasksReady, 1),
        Rule::nth(Fault::ReadyRepeats, Call::TasksReady, 2),
        Rule::nth(Fault::ListOutage, Call::IdList, 1),
        Rule::nth(Fault::ListHidesUnfinished, Call::IdList, 2),
        Rule::nth(Fault::ListWithoutTags, Call::IdList, 3),
        Rule::nth(Fault::ListOmits { share: 0.5 }, Call::IdList, 4),
        Rule::nth(Fault::ListLag { after: Duration::from_mins(10) }, Call::IdList, 5),
    ]));
    world.post(POST, &tasks(100));
    world.wait(300);
    assert_eq!(world.list_all().status, 500);
    assert_eq!(world.list_all().results().len(), 0);
    assert_eq!(world.list_all().results()[0]["metadata"]["tag"], Value::Null);
    let some = world.list_all().results().len();
    assert!((20..80).contains(&some), "{some} of 100 listed");
    assert_eq!(world.list_all().results().len(), 0);
    assert_eq!(world.list_all().results().len(), 100);
    world.wait(400);
    let some = world.get(READY).results().len();
    assert!((20..80).contains(&some), "{some} of 100 ready");
    assert_eq!(world.get(READY).results().len(), 200);
    assert_eq!(world.get(READY).results().len(), 100);
}

#[test]
fn a_price_change_lasts_from_its_post_on_and_a_skewed_clock_is_wrong_everywhere() {
    let price =
        Fault::PriceChange { usd: Money::from_nanos(1_300_000), engine: None, priority: Some(Priority::Normal) };
    let mut world = World::new(with_faults(vec![Rule::nth(price, Call::TaskPost, 2)]));
    let costs: Vec<Value> = (0..3).map(|_| world.post(POST, &tasks(1)).body["cost"].clone()).collect();
    assert_eq!(costs, [json!(0.0012), json!(0.0013), json!(0.0013)]);
    let prices = &world.get(USER).results()[0]["price"]["ai_optimization"]["llm_scraper"]["task_post"];
    assert_eq!(prices["priority_normal"][0]["cost"], json!(0.0013));
    assert_eq!(prices["priority_high"][0]["cost"], json!(0.0024));

    let mut world = World::new(with_faults(vec![Rule::always(Fault::ClockSkew { seconds: 600 })]));
    let got = world.post(POST, &tasks(1));
    assert_eq!(got.date, start() + TimeDelta::seconds(600));
    assert!(got.ids()[0].starts_with("11221540-"));
    world.wait(300);
    let got = world.list("2026-11-22 15:40:00 +00:00", "2026-11-22 15:41:00 +00:00");
    assert_eq!(got.results()[0]["datetime_posted"], "2026-11-22 15:40:00 +00:00");
}

#[test]
fn money_can_carry_dust_and_rows_another_order_and_errors_go_uncounted() {
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
            "by_endpoint": {"chat_gpt/llm_scraper/task_post": {"tasks": 3, "nano_usd": 3_600_000}},
            "peak_per_minute": {"all": 3, "task_post": 3},
        })
    );
}

#[test]
fn every_sale_is_told_with_its_time_and_how_often_each_fault_struck() {
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
fn a_restart_with_its_state_file_remembers_everything_even_after_a_torn_line() {
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

#[test]
fn a_fault_file_says_what_strikes_when_and_where_it_is_wrong() {
    let faults = Faults::from_toml(
        "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [3, 8]\n\n\
         [[fault]]\nkind = \"error_after\"\nengine = \"gemini\"\nstatus = 502\nhtml = true\nshare = 0.02\nfrom = \"10m\"\nuntil = \"1h\"\ntimes = 5\n",
    )
    .unwrap();
    let mut first = Rule::nth(Fault::DropAfter, Call::TaskPost, 3);
    first.nth.push(8);
    let second = Rule {
        engine: Some(Engine::Gemini),
        share: Some(0.02),
        from: Duration::from_mins(10),
        until: Some(Duration::from_hours(1)),
        times: Some(5),
        ..Rule::always(Fault::ErrorAfter { status: 502, html: true })
    };
    assert_eq!(faults.rules, [first, second]);
    for (text, problem) in [
        ("[[fault]]\nkind = \"drop_after\"\nnht = [3]\n", "line 3: unknown field `nht`"),
        ("[[fault]]\nkind = \"drop_after\"\n[[fault]]\n\nkind = \"rain\"\n", "line 5: no fault is called `rain`"),
        ("[[fault]]\nkind = \"truncate\"\nstatus = 500\n", "line 2: `truncate` takes no `status`"),
        ("[[fault]]\nkind = \"clock_skew\"\n", "line 2: `clock_skew` needs `seconds`"),
        ("[[fault]]\nkind = \"drop_after\"\nshare = 2.0\n", "line 2: `2` is no chance from 0 to 1"),
        ("fault = 3\n", "line 1: "),
    ] {
        let error = Faults::from_toml(text).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
}

#[test]
fn every_kind_of_fault_can_be_written_in_a_file() {
    let plain = "refuse_before drop_before drop_after accept_late answer_late error_before error_after truncate missing_rows \
                 reorder repeat_rows partial throttle_40202 throttle_429 payment_40210 task_50000 envelope_50000 html_200 \
                 ready_omits ready_repeats list_lag list_outage list_omits list_hides_unfinished list_without_tags \
                 paid_failure";
    let tables: Vec<String> = plain.split_whitespace().map(|kind| format!("[[fault]]\nkind = \"{kind}\"\n")).collect();
    let mut kinds: Vec<_> = Faults::from_toml(&tables.concat())
        .unwrap()
        .rules
        .iter()
        .map(|rule| std::mem::discriminant(&rule.fault))
        .collect();
    let more = "[[fault]]\nkind = \"clock_skew\"\nseconds = -600\n\
                [[fault]]\nkind = \"price_change\"\nusd = \"0.0013\"\nengine = \"gemini\"\nnth = [2]\n";
    let rules = Faults::from_toml(more).unwrap().rules;
    let price = Fault::PriceChange { usd: Money::from_nanos(1_300_000), engine: Some(Engine::Gemini), priority: None };
    assert_eq!((&rules[0].fault, rules[0].call), (&Fault::ClockSkew { seconds: -600 }, None));
    assert_eq!(rules[1], Rule { engine: Some(Engine::Gemini), ..Rule::nth(price, Call::TaskPost, 2) });
    kinds.extend(rules.iter().map(|rule| std::mem::discriminant(&rule.fault)));
    let count = kinds.len();
    assert_eq!(kinds.into_iter().collect::<std::collections::HashSet<_>>().len(), count, "no two names mean the same");
}

#[test]
fn faults_keep_to_their_time_chance_engine_and_number() {
    let rule = Rule {
        engine: Some(Engine::ChatGpt),
        from: Duration::from_mins(1),
        until: Some(Duration::from_mins(3)),
        ..Rule::always(Fault::DropBefore)
    };
    let seen = |rule: Rule| -> Vec<bool> {
        let mut world = World::new(with_faults(vec![rule]));
        (0..6)
            .map(|_| {
                let dropped = world.served(AUTH, READY, None) == Served::Dropped;
                assert_ne!(world.served(AUTH, &READY.replace("chat_gpt", "gemini"), None), Served::Dropped);
                world.wait(30);
                dropped
            })
            .collect()
    };
    // At 0, 30, 60, 90, 120 and 150 seconds.
    let short = Rule { until: Some(Duration::from_mins(2)), ..rule.clone() };
    assert_eq!(seen(short), [false, false, true, true, false, false]);
    assert_eq!(seen(Rule { times: Some(1), ..rule.clone() }), [false, false, true, false, false, false]);
    assert_eq!(seen(rule), [false, false, true, true, true, true]);
    let mut world = World::new(with_faults(vec![Rule::chance(Fault::DropBefore, Call::TaskGet, 0.25)]));
    let struck = (0..1_000).filter(|_| world.served(AUTH, GET, None) == Served::Dropped).count();
    assert_eq!(struck, 0, "no task_get without an id");
    let path = format!("{GET}/x");
    let struck = (0..1_000).filter(|_| world.served(AUTH, &path, None) == Served::Dropped).count();
    assert!((180..320).contains(&struck), "{struck} of 1000");
}

fn in_process(settings: Settings) -> (InProcess, Arc<Mutex<Sandbox>>) {
    let sandbox = Arc::new(Mutex::new(Sandbox::new(settings)));
    let begin = tokio::time::Instant::now();
    let now = move || start() + TimeDelta::from_std(begin.elapsed()).unwrap();
    (InProcess::new(Arc::clone(&sandbox), now, "sandbox", "sandbox"), sandbox)
}

fn request(path: &str, body: Option<&Value>) -> Request {
    Request {
        path: path.to_owned(),
        body: body.map(|body| Bytes::from(body.to_string())),
        spends: body.is_some(),
        timeout: Duration::from_mins(1),
    }
}

#[tokio::test(start_paused = true)]
async fn in_process_a_client_waits_times_out_and_sees_failures_as_over_a_network() {
    let (vendor, sandbox) = in_process(with_faults(vec![
        Rule::nth(Fault::RefuseBefore, Call::TaskPost, 1),
        Rule::nth(Fault::AnswerLate { after: Duration::from_mins(10) }, Call::TaskPost, 2),
        Rule::nth(Fault::Truncate, Call::TaskPost, 3),
        Rule::nth(Fault::DropAfter, Call::TaskPost, 4),
        Rule::nth(Fault::AnswerLate { after: Duration::from_secs(20) }, Call::TaskPost, 5),
    ]));
    let begin = tokio::time::Instant::now();
    let posted = request(POST, Some(&tasks(1)));
    assert!(matches!(vendor.call(posted.clone()).await, Err(Failure::NeverLeft(_))));
    assert!(matches!(vendor.call(posted.clone()).await, Err(Failure::NoAnswer(_))));
    assert_eq!(begin.elapsed(), Duration::from_mins(1));
    for _ in 0..2 {
        assert!(matches!(vendor.call(posted.clone()).await, Err(Failure::NoAnswer(_))));
    }
    assert_eq!(vendor.call(posted).await.unwrap().status, 200);
    assert_eq!(begin.elapsed(), Duration::from_secs(80));
    assert_eq!(sandbox.lock().unwrap().bill().tasks, 4);
}

/// A served sandbox and its base URL.
async fn served(settings: Settings) -> (String, Arc<Mutex<Sandbox>>, CancellationToken) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Arc::new(Mutex::new(Sandbox::new(settings)));
    let stop = CancellationToken::new();
    let begin = tokio::time::Instant::now();
    let now = move || start() + TimeDelta::from_std(begin.elapsed()).unwrap();
    tokio::spawn(serve(listener, Arc::clone(&sandbox), now, stop.clone()));
    (base, sandbox, stop)
}

#[tokio::test]
async fn over_http_a_batch_is_posted_and_the_bill_can_be_read_by_anyone() {
    let (base, sandbox, stop) = served(settings()).await;
    let client = reqwest::Client::new();
    let post = client.post(format!("{base}{POST}")).basic_auth("sandbox", Some("sandbox")).body(tasks(100).to_string());
    let reply = post.send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert!(reply.headers()["date"].to_str().unwrap().starts_with("Sun, 22 Nov 2026 15:30:"));
    let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
    assert_eq!(body["tasks_count"], 100);
    let refused = client.get(format!("{base}{READY}")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key("www-authenticate"));
    let lines = client.get(format!("{base}/sandbox/bill/tasks")).send().await.unwrap().text().await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 100);
    let id = body["tasks"][0]["id"].clone();
    assert_eq!(
        lines[0],
        json!({
            "id": id, "tag": "t0", "keyword": "which crm for small firms", "location_code": 2276, "language_code": "de",
            "engine": "chat_gpt", "priority": "normal", "cost_nano_usd": 1_200_000, "posted_at": lines[0]["posted_at"],
        })
    );
    let bill = client.get(format!("{base}/sandbox/bill")).send().await.unwrap().text().await.unwrap();
    assert!(bill.starts_with(r#"{"total_nano_usd":120000000,"tasks":100,"tags_charged_twice":0"#), "{bill}");
    assert_eq!(sandbox.lock().unwrap().billed().nanos(), 120_000_000);
    stop.cancel();
}

#[tokio::test]
async fn over_http_connections_are_dropped_cut_and_throttled() {
    let (base, sandbox, stop) = served(with_faults(vec![
        Rule::nth(Fault::DropBefore, Call::TaskPost, 1),
        Rule::nth(Fault::DropAfter, Call::TaskPost, 2),
        Rule::nth(Fault::Truncate, Call::TaskPost, 3),
        Rule::nth(Fault::Throttle429 { after: Duration::from_secs(7) }, Call::TaskPost, 4),
        Rule::nth(Fault::AnswerLate { after: Duration::from_mins(10) }, Call::TaskPost, 5),
    ]))
    .await;
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let post = || {
        let post = client.post(format!("{base}{POST}")).basic_auth("sandbox", Some("sandbox"));
        post.timeout(Duration::from_millis(500)).body(tasks(20).to_string()).send()
    };
    assert!(!post().await.unwrap_err().is_timeout());
    assert!(!post().await.unwrap_err().is_timeout());
    let cut = post().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());
    let throttled = post().await.unwrap();
    assert_eq!((throttled.status().as_u16(), &throttled.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert!(throttled.text().await.unwrap().starts_with("<html>"));
    assert!(post().await.unwrap_err().is_timeout());
    assert_eq!(sandbox.lock().unwrap().bill().tasks, 60);
    stop.cancel();
}

/// What the schema of requests allows, the sandbox accepts, and the other way round.
#[test]
fn the_schema_of_requests_agrees_with_the_sandbox() {
    let schema: Value = serde_json::from_str(include_str!("fixtures/request-schema.json")).unwrap();
    let validator = |name: &str| {
        let form = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
        jsonschema::validator_for(&form).unwrap()
    };
    let forms = [("chat_gpt", validator("chat_gpt_task_post")), ("gemini", validator("gemini_task_post"))];
    let patches = [
        json!({}),
        json!({"priority": 2, "tag": "x"}),
        json!({"priority": 3}),
        json!({"colour": "red"}),
        json!({"keyword": ""}),
        json!({"keyword": "x".repeat(2_001)}),
        json!({"language_code": 7}),
        json!({"expand_citations": true}),
        json!({"expand_citations": true, "force_web_search": true}),
        json!({"force_web_search": false}),
        json!({"postback_url": "https://hooks.example"}),
        json!({"postback_url": "https://hooks.example", "postback_data": "html"}),
        json!({"tag": "x".repeat(256)}),
    ];
    for (engine, form) in &forms {
        for patch in &patches {
            let mut asked = task("a");
            asked.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
            let codes = World::new(settings()).post(&POST.replace("chat_gpt", engine), &json!([asked])).codes();
            assert_eq!(form.is_valid(&json!([asked])), codes == [20_100], "{engine} {patch}");
        }
    }
    let look = validator("id_list");
    for (asked, fine) in [
        (json!({"datetime_from": "2026-11-22 15:00:00 +00:00", "datetime_to": "2026-11-22 15:20:00 +00:00"}), true),
        (json!({"datetime_from": "2026-11-22 15:00:00 +00:00"}), false),
        (json!({"datetime_from": "2026-11-22", "datetime_to": "2026-11-22 15:20:00 +00:00"}), false),
        (
            json!({"datetime_from": "2026-11-22 15:00:00 +00:00", "datetime_to": "2026-11-22 15:20:00 +00:00", "limit": 1001}),
            false,
        ),
    ] {
        assert_eq!(look.is_valid(&json!([asked])), fine, "{asked}");
        assert_eq!(World::new(settings()).post(LIST, &json!([asked])).code() == 20_000, fine, "{asked}");
    }
}
