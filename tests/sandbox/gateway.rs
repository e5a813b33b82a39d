//! The same provider through the AIsa gateway: its keys, limits, errors, and whose tasks they are.

use std::time::Duration;

use bursar::money::Money;
use bursar::provider::{Provider as _, Request};
use bursar::sandbox::{Call, Fault, Gateway, InProcess, RateLimit, Rule, Sandbox, Served, Settings, Spread, Tier};
use bytes::Bytes;
use serde_json::{Value, json};

use super::responses::question;
use super::world::{AUTH, Got, World, as_reply, settings, start, task};

const KEY: &str = "Bearer sandbox-key";
const BASE: &str = "/apis/v1/dataforseo/ai_optimization";

fn through(gateway: Gateway) -> Settings {
    let quick = Spread { min: Duration::from_secs(10), max: Duration::from_secs(10) };
    Settings { gateway, live_takes: quick, ..settings() }
}

impl World {
    fn gateway(&mut self, path: &str, body: Option<&Value>) -> Got {
        as_reply(self.served(KEY, &format!("{BASE}/{path}"), body.map(Value::to_string).as_deref()))
    }
}

fn rate_of(served: &Served) -> (u16, Option<Duration>, RateLimit) {
    let Served::Reply { response, rate_limit, .. } = served else { panic!("no reply but {served:?}") };
    (response.status, response.retry_after, rate_limit.unwrap())
}

#[test]
fn a_purchase_through_the_gateway_belongs_to_it() {
    let mut world = World::new(through(Gateway::default()));
    let posted = world.gateway("chat_gpt/llm_responses/task_post", Some(&json!([question("a")])));
    assert_eq!((posted.status, posted.codes(), &posted.body["cost"]), (200, vec![20_100], &json!(0.0102)));
    assert_eq!(posted.rows()[0]["path"][0], "v3");
    let live = world.gateway("chat_gpt/llm_scraper/live/advanced", Some(&json!([task("b")])));
    assert_eq!((live.codes(), &live.body["cost"]), (vec![20_000], &json!(0.004)));
    assert_eq!(world.charged(), 14_200_000);
    let id = &posted.ids()[0];
    let direct = world.wait(700).get(&format!("/v3/ai_optimization/chat_gpt/llm_responses/task_get/{id}"));
    assert_eq!(direct.codes(), [40_001], "it is the gateway's task");
    assert_eq!(world.list_all().results().len(), 0, "and stands in the gateway's list");
    assert_eq!(world.balance(), 1_000_000_000_000);
}

#[test]
fn the_gateway_offers_only_its_documented_calls() {
    let shown = [
        "gemini/llm_scraper/locations",
        "chat_gpt/llm_responses/task_post",
        "claude/llm_responses/task_post",
        "gemini/llm_scraper/task_post",
        "perplexity/llm_responses/live",
        "gemini/llm_scraper/live/advanced",
    ];
    let hidden = [
        "chat_gpt/llm_scraper/task_post",
        "gemini/llm_responses/task_post",
        "chat_gpt/llm_responses/models",
        "chat_gpt/llm_responses/tasks_ready",
        "chat_gpt/llm_responses/task_get/x",
        "chat_gpt/llm_scraper/task_get/advanced/x",
    ];
    let never = ["id_list", "errors", "../appendix/user_data", "perplexity/llm_responses/task_post", "nonsense"];
    let also =
        [Call::TaskPost, Call::TasksReady, Call::TaskGet, Call::Lists, Call::IdList, Call::Errors, Call::UserData];
    let mut open = World::new(through(Gateway { also: also.into(), ..Gateway::default() }));
    let mut shut = World::new(through(Gateway::default()));
    for path in shown {
        assert_eq!(shut.gateway(path, Some(&json!([{}]))).status, 200, "{path}");
    }
    for path in hidden {
        let got = shut.gateway(path, Some(&json!([{}])));
        assert_eq!((got.status, &got.body["error"]["code"]), (404, &json!("unknown_endpoint")), "{path}");
        assert_eq!(open.gateway(path, Some(&json!([{}]))).status, 200, "{path}");
    }
    for path in never {
        assert_eq!(open.gateway(path, Some(&json!([{}]))).status, 404, "{path}");
    }
}

#[test]
fn a_gateway_that_passes_collection_on_hands_answers() {
    let mut world =
        World::new(through(Gateway { also: [Call::TasksReady, Call::TaskGet].into(), ..Gateway::default() }));
    let posted = world.gateway(
        "claude/llm_responses/task_post",
        Some(&json!([{"user_prompt": "x", "model_name": "claude-sonnet-4"}])),
    );
    let ready = world.wait(700).gateway("claude/llm_responses/tasks_ready", None);
    assert_eq!(ready.result_ids(), posted.ids());
    let got = world.gateway(&format!("claude/llm_responses/task_get/{}", posted.ids()[0]), None);
    assert_eq!((got.codes(), got.results().len()), (vec![20_000], 1));
}

#[test]
fn the_gateway_words_its_own_errors() {
    let path = format!("{BASE}/chat_gpt/llm_responses/live");
    let asked = json!([question("a")]).to_string();
    let mut world = World::new(Settings { start_balance: Money::ZERO, ..through(Gateway::default()) });
    for wrong in [AUTH, "Bearer nobody", "Basic sandbox-key", ""] {
        let got = as_reply(world.served(wrong, &path, Some(&asked)));
        assert_eq!((got.status, &got.body["error"]["type"]), (401, &json!("authentication_error")), "{wrong}");
    }
    let got = as_reply(world.served(KEY, &path, Some(&asked)));
    assert_eq!(got.status, 402);
    assert_eq!(
        got.body,
        json!({"error": {
            "type": "invalid_request_error", "code": "insufficient_balance",
            "message": "The balance does not cover this request.", "request_id": "req_00000005",
        }})
    );
    assert_eq!(as_reply(world.served(KEY, "/v3/appendix/user_data", None)).status, 401, "a key is no login");
    let mut world = World::new(through(Gateway { plain_errors: true, ..Gateway::default() }));
    let got = as_reply(world.served("Bearer nobody", &path, Some(&asked)));
    assert_eq!(got.body, json!({"error": "invalid_api_key", "message": "The key is not known."}));
}

#[test]
fn every_gateway_reply_names_its_tiers_limits() {
    let path = format!("{BASE}/gemini/llm_scraper/locations");
    for (tier, limit) in [(Tier::Free, 60), (Tier::Starter, 600), (Tier::Growth, 3_000)] {
        // The provider behind it must not be what throttles.
        let mut world = World::new(Settings { calls_per_minute: 10_000, ..through(Gateway::tier(tier)) });
        world.wait(13);
        for left in (0..limit).rev() {
            let (status, _, rate) = rate_of(&world.served(KEY, &path, None));
            assert_eq!((status, rate.limit, rate.remaining), (200, limit, left));
            assert_eq!(rate.reset, start().timestamp() + 60);
        }
        let served = world.served(KEY, &path, None);
        let (status, wait, rate) = rate_of(&served);
        assert_eq!((status, wait, rate.remaining), (429, Some(Duration::from_secs(47)), 0));
        assert_eq!(as_reply(served).body["error"]["type"], "rate_limit_error");
        assert_eq!(rate_of(&world.wait(47).served(KEY, &path, None)).0, 200);
    }
}

#[test]
fn only_so_many_requests_are_under_way_at_once() {
    let mut world = World::new(through(Gateway::default()));
    let asked = json!([question("a")]);
    for _ in 0..5 {
        assert_eq!(world.gateway("chat_gpt/llm_responses/live", Some(&asked)).codes(), [20_000]);
    }
    let before = world.charged();
    assert_eq!(world.gateway("chat_gpt/llm_responses/live", Some(&asked)).status, 429);
    assert_eq!(
        (world.charged(), world.wait(10).gateway("chat_gpt/llm_responses/live", Some(&asked)).status),
        (before, 200)
    );
}

#[test]
fn its_faults_speak_its_language_and_strike_nobody_else() {
    let path = "chat_gpt/llm_responses/live";
    let asked = json!([question("a")]);
    for (fault, status, kind, charged) in [
        (Fault::Throttle429 { after: Duration::from_secs(7) }, 429, "rate_limit_error", false),
        (Fault::ErrorBefore { status: 503, html: false }, 503, "upstream_error", false),
        (Fault::ErrorAfter { status: 502, html: false }, 502, "upstream_error", true),
    ] {
        let rule = Rule { call: None, ..Rule::always(fault.clone()) }.at_the_gateway();
        let mut world = World::new(Settings { faults: vec![rule].into(), ..through(Gateway::default()) });
        let got = world.gateway(path, Some(&asked));
        assert_eq!((got.status, &got.body["error"]["type"]), (status, &json!(kind)), "{fault:?}");
        assert_eq!(world.charged() > 0, charged, "{fault:?}");
        assert_eq!(world.post(&format!("/v3/ai_optimization/{path}"), &asked).codes(), [20_000], "{fault:?}");
    }
    let html = Rule::always(Fault::ErrorAfter { status: 502, html: true }).at_the_gateway();
    let mut world = World::new(Settings { faults: vec![html].into(), ..through(Gateway::default()) });
    assert!(world.gateway(path, Some(&asked)).text.starts_with("<html>"), "a proxy's page stays one");
}

#[test]
fn a_gateway_body_is_an_array_by_default() {
    for (takes_objects, code) in [(false, 40_503), (true, 20_000)] {
        let mut world = World::new(through(Gateway { takes_objects, ..Gateway::default() }));
        let got = world.gateway("chat_gpt/llm_responses/live", Some(&question("a")));
        assert_eq!((got.status, got.code()), (200, code));
    }
}

#[tokio::test(start_paused = true)]
async fn an_in_process_gateway_takes_the_providers_paths() {
    let sandbox = std::sync::Arc::new(std::sync::Mutex::new(Sandbox::new(through(Gateway::default()))));
    let provider = InProcess::through_gateway(sandbox, start, "sandbox-key");
    let reply = provider
        .call(Request {
            path: "/v3/ai_optimization/claude/llm_responses/live".to_owned(),
            body: Some(Bytes::from(json!([{"user_prompt": "x", "model_name": "claude-3-5-haiku"}]).to_string())),
            spends: true,
            timeout: Duration::from_mins(3),
        })
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, &body["tasks"][0]["status_code"]), (200, &json!(20_000)));
}
