//! What is accepted, what it costs, and what is refused.

use std::collections::BTreeSet;

use bursar::money::Money;
use bursar::sandbox::Settings;
use serde_json::{Value, json};

use super::world::{AUTH, GET, LIST, POST, READY, USER, World, as_reply, settings, task, tasks};

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
fn a_posted_task_is_charged_and_echoes_its_tag() {
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
fn wrong_credentials_paths_and_bodies_are_refused() {
    let mut world = World::new(settings());
    let stranger = as_reply(world.served("Basic bm86Ym9keQ==", POST, Some(&json!([task("a")]).to_string())));
    assert_eq!((stranger.status, stranger.code(), &stranger.body["tasks"]), (401, 40_100, &Value::Null));
    for path in [
        "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/regular/x",
        "/v3/ai_optimization/claude/llm_scraper/task_post",
        "/v3/ai_optimization/perplexity/llm_responses/task_post",
        "/v3/ai_optimization/perplexity/llm_responses/tasks_ready",
        "/v3/ai_optimization/chat_gpt/llm_responses/task_get/advanced/x",
        "/v3/ai_optimization/claude/llm_scraper/live/advanced",
        "/v3/ai_optimization/gemini/llm_scraper/locations/de",
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
fn a_wrong_field_refuses_only_its_task() {
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
fn every_spelling_of_a_value_is_accepted() {
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
fn a_post_accepts_its_first_hundred_tasks() {
    let mut world = World::new(settings());
    let got = world.post(POST, &tasks(102));
    let codes = got.codes();
    assert!(codes[..100].iter().all(|code| *code == 20_100) && codes[100..] == [40_006, 40_006]);
    assert_eq!(world.charged(), 120_000_000);
    assert_eq!(got.ids().into_iter().collect::<BTreeSet<_>>().len(), 102);
}

#[test]
fn short_money_refuses_the_whole_post() {
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
fn percent_and_plus_are_decoded_in_the_prompt() {
    let mut world = World::new(settings());
    let mut task = task("a");
    task["keyword"] = json!("is 100%25 rye good%3F+C%2B%2B %zz 5% %C3%BC");
    let id = world.post(POST, &json!([task])).ids().remove(0);
    let result = &world.wait(600).get(&format!("{GET}/{id}")).results()[0];
    assert_eq!(result["keyword"], "is 100% rye good? C++ %zz 5% ü");
}

/// What the schema of requests allows, the sandbox accepts, and the other way round.
#[test]
fn the_schema_of_requests_agrees_with_the_sandbox() {
    let schema: Value = serde_json::from_str(include_str!("../fixtures/request-schema.json")).unwrap();
    let validator = |name: &str| {
        let form = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
        jsonschema::validator_for(&form).unwrap()
    };
    let forms = [
        ("chat_gpt", validator("chat_gpt_llm_scraper_standard")),
        ("gemini", validator("gemini_llm_scraper_standard")),
    ];
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
    let scan = validator("id_list");
    for (asked, fine) in [
        (json!({"datetime_from": "2026-11-22 15:00:00 +00:00", "datetime_to": "2026-11-22 15:20:00 +00:00"}), true),
        (json!({"datetime_from": "2026-11-22 15:00:00 +00:00"}), false),
        (json!({"datetime_from": "2026-11-22", "datetime_to": "2026-11-22 15:20:00 +00:00"}), false),
        (
            json!({"datetime_from": "2026-11-22 15:00:00 +00:00", "datetime_to": "2026-11-22 15:20:00 +00:00", "limit": 1001}),
            false,
        ),
    ] {
        assert_eq!(scan.is_valid(&json!([asked])), fine, "{asked}");
        assert_eq!(World::new(settings()).post(LIST, &json!([asked])).code() == 20_000, fine, "{asked}");
    }
}
