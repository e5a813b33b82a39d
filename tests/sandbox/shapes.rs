//! Every reply of LLM Responses has the fields and types that the provider's own client knows, and no others.

use std::time::Duration;

use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread};
use serde_json::{Value, json};

use super::world::{Got, World, settings};

/// Fails where a reply is not of its form.
fn fits(form: &str, got: &Got) {
    let schema: Value = serde_json::from_str(include_str!("../fixtures/response-schema.json")).unwrap();
    let validator =
        jsonschema::validator_for(&json!({ "$ref": format!("#/$defs/{form}"), "$defs": schema["$defs"] })).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&got.body).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{form}: {wrong:?}\n{}", got.text);
}

/// One question that makes every part of an answer show up: reasoning, a search, a chain.
fn rich(engine: &str) -> Value {
    let chain = json!([{"role": "user", "message": "hello"}, {"role": "ai", "message": "hello"}]);
    let mut asked =
        json!({"user_prompt": "Which city bikes?", "message_chain": chain, "tag": format!("rich.{engine}")});
    let more = match engine {
        "chat_gpt" => json!({"model_name": "gpt-5", "web_search": true}),
        "claude" => json!({"model_name": "claude-sonnet-4", "use_reasoning": true, "web_search": true}),
        "gemini" => json!({"model_name": "gemini-2.5-pro", "web_search": true}),
        _ => json!({"model_name": "sonar-reasoning-pro"}),
    };
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([asked])
}

#[test]
fn every_reply_fits_the_providers_client() {
    let rules = vec![Rule::nth(Fault::PaidFailure { code: 40_102, at_post: false }, Call::TaskPost, 1)];
    let quick = Spread { min: Duration::from_secs(1), max: Duration::from_secs(1) };
    let mut world = World::new(Settings { live_takes: quick, faults: rules.into(), ..settings() });
    for engine in ["chat_gpt", "claude", "gemini", "perplexity"] {
        let base = format!("/v3/ai_optimization/{engine}/llm_responses");
        fits("models", &world.get(&format!("{base}/models")));
        let live = world.post(&format!("{base}/live"), &rich(engine));
        fits("answer", &live);
        let types: Vec<Value> =
            live.results()[0]["items"].as_array().unwrap().iter().map(|item| item["type"].clone()).collect();
        let expected: &[&str] = if engine == "perplexity" { &["message"] } else { &["reasoning", "message"] };
        assert_eq!(types, expected, "{engine}");
        if engine == "perplexity" {
            continue;
        }
        let posted = world.post(&format!("{base}/task_post"), &rich(engine));
        fits("task_post", &posted);
        let path = format!("{base}/task_get/{}", posted.ids()[0]);
        fits("answer", &world.get(&path));
        fits("tasks_ready", &world.wait(610).get(&format!("{base}/tasks_ready")));
        fits("answer", &world.get(&path));
    }
    fits("id_list", &world.wait(300).list_all());
    let errors = world.post("/v3/ai_optimization/errors", &json!([{}]));
    fits("errors", &errors);
    assert_eq!(errors.results().len(), 1);
}

#[test]
fn annotations_point_at_what_they_cite() {
    let mut world = World::new(Settings { start_balance: Money::from_nanos(50_000_000_000), ..settings() });
    let answer = &world.post("/v3/ai_optimization/perplexity/llm_responses/live", &rich("perplexity")).results()[0];
    let section = &answer["items"][0]["sections"][0];
    let text: Vec<char> = section["text"].as_str().unwrap().chars().collect();
    let cited = section["annotations"].as_array().unwrap();
    assert!(cited.len() >= 3, "{section}");
    for one in cited {
        let at = |name: &str| usize::try_from(one[name].as_u64().unwrap()).unwrap();
        let pointed: String = text[at("start_index")..at("end_index")].iter().collect();
        assert_eq!(one["text"], pointed);
    }
}
