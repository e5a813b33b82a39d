//! Live: one task a call, charged and answered at once, and kept nowhere.

use std::time::Duration;

use bursar::money::Money;
use bursar::product::{Engine, Function, Method, ResultKind};
use bursar::sandbox::{Call, Fault, PriceClass, Rule, Served, Settings, Spread};
use serde_json::{Value, json};

use super::responses::question;
use super::world::{AUTH, USER, World, as_reply, settings, task};

const SCRAPER: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/live/advanced";
const RESPONSES: &str = "/v3/ai_optimization/chat_gpt/llm_responses/live";

/// Every Live answer takes ten seconds.
fn ten_seconds() -> Settings {
    Settings { live_takes: Spread { min: Duration::from_secs(10), max: Duration::from_secs(10) }, ..settings() }
}

fn struck(fault: Fault) -> Settings {
    Settings { faults: vec![Rule::nth(fault, Call::Live, 1)].into(), ..ten_seconds() }
}

fn nanos(value: &Value) -> i64 {
    Money::from_json_digits(&value.to_string()).unwrap().nanos()
}

#[test]
fn a_live_scraper_answer_comes_dearer_and_directly() {
    let mut world = World::new(ten_seconds());
    let served = world.served(AUTH, SCRAPER, Some(&json!([task("a")]).to_string()));
    let Served::Reply { after, .. } = &served else { panic!("no reply but {served:?}") };
    assert_eq!(*after, Duration::from_secs(10));
    let got = as_reply(served);
    assert_eq!((got.codes(), &got.body["cost"], &got.rows()[0]["cost"]), (vec![20_000], &json!(0.004), &json!(0.004)));
    assert_eq!(got.rows()[0]["data"]["function"], "live");
    assert_eq!(got.results()[0]["datetime"], "2026-11-22 15:30:10 +00:00");
    let html = world.post(&SCRAPER.replace("advanced", "html"), &json!([task("b")])).results();
    assert!(html[0]["items"][0]["html"].as_str().unwrap().starts_with("<!doctype html>"));
    assert_eq!(world.charged(), 8_000_000);
    let price_class = PriceClass {
        engine: Engine::ChatGpt,
        function: Function::LlmScraper,
        method: Method::Live,
        kind: ResultKind::Html,
    };
    assert_eq!(world.sandbox.bill().by_price_class[&price_class], (1, Money::from_nanos(4_000_000)));
}

#[test]
fn a_live_model_costs_fee_and_charge() {
    let mut world = World::new(ten_seconds());
    for (engine, model) in
        [("chat_gpt", "o1-pro"), ("claude", "claude-3-5-haiku"), ("gemini", "gemini-2.5-pro"), ("perplexity", "sonar")]
    {
        let before = world.charged();
        let asked = json!([{"user_prompt": "x", "model_name": model, "tag": engine}]);
        let got = world.wait(60).post(&RESPONSES.replace("chat_gpt", engine), &asked);
        let result = &got.results()[0];
        assert_eq!(got.codes(), [20_000], "{}", got.text);
        assert_eq!(nanos(&got.body["cost"]), 600_000 + nanos(&result["money_spent"]), "{engine}");
        assert_eq!(world.charged() - before, nanos(&got.rows()[0]["cost"]));
        assert_eq!(result.get("reasoning_tokens").is_some(), engine != "perplexity");
        if engine == "perplexity" {
            assert_eq!(result["web_search"], json!(true), "it always searches");
        }
    }
}

#[test]
fn a_live_answer_is_listed_but_not_kept() {
    let mut world = World::new(ten_seconds());
    let got = world.post(RESPONSES, &json!([question("a")]));
    let id = got.ids().remove(0);
    let ready = world.wait(300).get("/v3/ai_optimization/chat_gpt/llm_responses/tasks_ready");
    assert_eq!(ready.results().len(), 0);
    assert_eq!(world.get(&format!("/v3/ai_optimization/chat_gpt/llm_responses/task_get/{id}")).codes(), [40_401]);
    let row = &world.list_all().results()[0];
    assert_eq!((&row["id"], &row["cost"], &row["metadata"]), (&json!(id), &got.body["cost"], &question("a")));
    assert!(row["url"].as_str().unwrap().ends_with("/v3/ai_optimization/chat_gpt/llm_responses/live"));
    assert_eq!(row["datetime_done"], "2026-11-22 15:30:10 +00:00");
}

#[test]
fn live_takes_one_task_and_limited_calls() {
    let mut world = World::new(ten_seconds());
    assert_eq!(world.post(SCRAPER, &json!([task("a"), task("b")])).code(), 40_000);
    for at in 0..30 {
        let path = if at % 2 == 0 { SCRAPER } else { RESPONSES };
        let asked = if at % 2 == 0 { task("a") } else { question("a") };
        assert_eq!(world.post(path, &json!([asked])).codes(), [20_000]);
    }
    let before = world.charged();
    let got = world.wait(9).post(SCRAPER, &json!([task("b")]));
    assert_eq!((got.status, got.code(), &got.body["tasks"]), (200, 40_209, &Value::Null));
    assert_eq!(world.charged(), before);
    assert_eq!(world.wait(1).post(SCRAPER, &json!([task("b")])).codes(), [20_000]);
}

#[test]
fn fields_of_the_standard_method_are_unknown_to_live() {
    let mut world = World::new(ten_seconds());
    let with = |field: &str, value: Value| {
        let mut asked = task("a");
        asked["force_web_search"] = json!(true);
        asked[field] = value;
        json!([asked])
    };
    for field in ["priority", "pingback_url", "postback_url", "postback_data"] {
        assert_eq!(world.post(SCRAPER, &with(field, json!(1))).codes(), [40_506], "{field}");
    }
    assert_eq!(world.post(SCRAPER, &with("expand_citations", json!(true))).codes(), [40_506]);
    let html = SCRAPER.replace("advanced", "html");
    assert_eq!(world.post(&html, &with("expand_citations", json!(true))).codes(), [20_000]);
    assert_eq!(world.charged(), 4_000_000);
}

#[test]
fn a_slow_live_answer_ends_in_50401() {
    for (charged, shown, taken, told) in
        [(true, false, 4_000_000, 0), (true, true, 4_000_000, 4_000_000), (false, true, 0, 0)]
    {
        let mut set = struck(Fault::LiveTimeout { charged });
        set.switches.timeout_shows_cost = shown;
        let mut world = World::new(set);
        let served = world.served(AUTH, SCRAPER, Some(&json!([task("a")]).to_string()));
        let Served::Reply { after, .. } = &served else { panic!("no reply but {served:?}") };
        assert_eq!(*after, Duration::from_mins(2));
        let got = as_reply(served);
        assert_eq!((got.codes(), &got.rows()[0]["result"]), (vec![50_401], &Value::Null));
        assert_eq!((nanos(&got.body["cost"]), world.charged()), (told, taken));
        let row = &world.wait(400).list_all().results()[0];
        assert_eq!((nanos(&row["cost"]), &row["metadata"]["tag"]), (taken, &json!("a")));
    }
    let slow = Spread { min: Duration::from_secs(121), max: Duration::from_secs(121) };
    let mut world = World::new(Settings { live_takes: slow, ..settings() });
    assert_eq!((world.post(SCRAPER, &json!([task("a")])).codes(), world.charged()), (vec![50_401], 4_000_000));
}

#[test]
fn a_lost_live_answer_is_charged_and_listed() {
    for fault in [Fault::LiveLost, Fault::DropAfter, Fault::AcceptLate { after: Duration::from_secs(20) }] {
        let mut world = World::new(struck(fault.clone()));
        assert_eq!(world.served(AUTH, RESPONSES, Some(&json!([question("a")]).to_string())), Served::Dropped);
        world.wait(20).get(USER);
        let charged = world.charged();
        assert!(charged > 600_000, "{fault:?}");
        let row = &world.wait(400).list_all().results()[0];
        assert_eq!((nanos(&row["cost"]), &row["metadata"]["tag"]), (charged, &json!("a")), "{fault:?}");
    }
}

#[test]
fn the_usual_faults_strike_live_calls_too() {
    for (fault, code, taken) in [
        (Fault::Task50000 { tasks: 1 }, 50_000, 0),
        (Fault::PaidFailure { code: 40_102, at_post: false }, 40_102, 4_000_000),
        (Fault::PriceChange { usd: Money::from_nanos(5_000_000), engine: None, priority: None }, 20_000, 5_000_000),
    ] {
        let mut world = World::new(struck(fault.clone()));
        assert_eq!(world.post(SCRAPER, &json!([task("a")])).codes(), [code], "{fault:?}");
        assert_eq!(world.charged(), taken, "{fault:?}");
    }
    let mut world = World::new(struck(Fault::Overrun { usd: Money::from_nanos(90_000_000) }));
    let got = world.post(RESPONSES, &json!([question("a")]));
    assert_eq!((nanos(&got.body["cost"]), nanos(&got.results()[0]["money_spent"])), (90_600_000, 90_000_000));
    let mut world = World::new(struck(Fault::MissingRows { rows: 1 }));
    assert_eq!((world.post(SCRAPER, &json!([task("a")])).rows().len(), world.charged()), (0, 4_000_000));
}

#[test]
fn a_rule_can_be_about_one_function_only() {
    let rule = Rule { nth: vec![1], ..Rule::always(Fault::LiveLost) }.about(Function::LlmResponses);
    let mut world = World::new(Settings { faults: vec![rule].into(), ..ten_seconds() });
    assert_eq!(world.post(SCRAPER, &json!([task("a")])).codes(), [20_000]);
    assert_eq!(world.served(AUTH, RESPONSES, Some(&json!([question("a")]).to_string())), Served::Dropped);
}
