//! Which questions LLM Responses accepts, engine by engine.

use serde_json::{Value, json};

use super::world::{World, settings};

const STANDARD: &str = "task_post";
const LIVE: &str = "live";

fn base(engine: &str) -> Value {
    let model = match engine {
        "chat_gpt" => "gpt-4.1-mini",
        "claude" => "claude-sonnet-4",
        "gemini" => "gemini-2.5-flash",
        _ => "sonar",
    };
    json!({"user_prompt": "x", "model_name": model})
}

/// The code and words of one question's row; `ok` where it is taken.
fn told(engine: &str, method: &str, patch: &Value) -> String {
    let mut asked = base(engine);
    asked.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
    let mut world = World::new(settings());
    let got = world.post(&format!("/v3/ai_optimization/{engine}/llm_responses/{method}"), &json!([asked]));
    let row = &got.rows()[0];
    if [20_000, 20_100].map(|code| json!(code)).contains(&row["status_code"]) {
        return "ok".to_owned();
    }
    assert_eq!((&row["cost"], &got.body["cost"], world.charged()), (&json!(0), &json!(0), 0));
    format!("{} {}", row["status_code"], row["status_message"].as_str().unwrap())
}

#[test]
fn a_field_out_of_bounds_is_refused_free() {
    let long = "x".repeat(501);
    let fine = "x".repeat(500);
    let said = |role: &str| json!({"role": role, "message": "x"});
    for (engine, patch, field) in [
        ("chat_gpt", json!({}), ""),
        ("chat_gpt", json!({"user_prompt": fine}), ""),
        ("chat_gpt", json!({"user_prompt": long}), "user_prompt"),
        ("chat_gpt", json!({"user_prompt": " "}), "user_prompt"),
        ("chat_gpt", json!({"user_prompt": null}), "user_prompt"),
        ("chat_gpt", json!({"model_name": "sonar"}), "model_name"),
        ("chat_gpt", json!({"model_name": null}), "model_name"),
        ("chat_gpt", json!({"model_name": "o1-pro"}), "model_name"),
        ("chat_gpt", json!({"max_output_tokens": 16}), ""),
        ("chat_gpt", json!({"max_output_tokens": 15}), "max_output_tokens"),
        ("chat_gpt", json!({"max_output_tokens": 4_097}), "max_output_tokens"),
        ("chat_gpt", json!({"model_name": "gpt-5", "max_output_tokens": 1_023}), "max_output_tokens"),
        ("chat_gpt", json!({"model_name": "gpt-5", "max_output_tokens": 1_024}), ""),
        ("chat_gpt", json!({"temperature": 2}), ""),
        ("chat_gpt", json!({"temperature": 2.1}), "temperature"),
        ("chat_gpt", json!({"model_name": "gpt-5", "temperature": 1}), "temperature"),
        ("chat_gpt", json!({"top_p": 1}), ""),
        ("chat_gpt", json!({"top_p": 1.1}), "top_p"),
        ("chat_gpt", json!({"top_p": 0.5, "temperature": 0.5}), "top_p"),
        ("chat_gpt", json!({"system_message": fine}), ""),
        ("chat_gpt", json!({"system_message": long}), "system_message"),
        ("chat_gpt", json!({"message_chain": vec![said("user"); 10]}), ""),
        ("chat_gpt", json!({"message_chain": vec![said("user"); 11]}), "message_chain"),
        ("chat_gpt", json!({"message_chain": [said("system")]}), "message_chain"),
        ("chat_gpt", json!({"message_chain": [{"role": "ai", "message": long}]}), "message_chain"),
        ("chat_gpt", json!({"web_search": true}), ""),
        ("chat_gpt", json!({"model_name": "o3-mini", "web_search": true}), "web_search"),
        ("chat_gpt", json!({"force_web_search": true}), "force_web_search"),
        ("chat_gpt", json!({"force_web_search": true, "web_search": true}), ""),
        ("chat_gpt", json!({"model_name": "gpt-5", "force_web_search": true, "web_search": true}), "force_web_search"),
        ("chat_gpt", json!({"web_search_country_iso_code": "AT"}), "web_search_country_iso_code"),
        ("chat_gpt", json!({"web_search_country_iso_code": "AT", "web_search": true}), ""),
        (
            "chat_gpt",
            json!({"web_search_country_iso_code": "Austria", "web_search": true}),
            "web_search_country_iso_code",
        ),
        ("chat_gpt", json!({"model_name": "o3-mini", "web_search_city": "Linz"}), "web_search_city"),
        ("chat_gpt", json!({"web_search_city": "Linz", "web_search": true}), "web_search_city"),
        ("chat_gpt", json!({"web_search_city": "Linz", "web_search_country_iso_code": "AT", "web_search": true}), ""),
        ("claude", json!({"web_search_city": "Linz"}), "web_search_city"),
        ("claude", json!({"web_search_city": "Linz", "web_search_country_iso_code": "AT"}), ""),
        ("chat_gpt", json!({"tag": "x".repeat(255)}), ""),
        ("chat_gpt", json!({"tag": "x".repeat(256)}), "tag"),
        ("chat_gpt", json!({"temperature": "hot"}), "temperature"),
        ("claude", json!({"temperature": 1.1}), "temperature"),
        ("claude", json!({"use_reasoning": true}), ""),
        ("claude", json!({"use_reasoning": true, "max_output_tokens": 1_024}), "max_output_tokens"),
        ("claude", json!({"use_reasoning": true, "temperature": 1}), "temperature"),
        ("claude", json!({"use_reasoning": true, "top_p": 1}), "top_p"),
        ("claude", json!({"use_reasoning": true, "web_search": true, "force_web_search": true}), "force_web_search"),
        ("claude", json!({"model_name": "claude-3-5-haiku", "use_reasoning": true}), "use_reasoning"),
        ("claude", json!({"web_search_country_iso_code": "DE"}), ""),
        ("claude", json!({"web_search_country_iso_code": "CZ"}), "web_search_country_iso_code"),
        ("gemini", json!({"temperature": 2, "top_p": 1}), ""),
        ("gemini", json!({"use_reasoning": true, "max_output_tokens": 1_023}), "max_output_tokens"),
        ("gemini", json!({"model_name": "gemini-2.5-pro", "max_output_tokens": 1_023}), "max_output_tokens"),
    ] {
        let expected = if field.is_empty() { "ok".to_owned() } else { format!("40501 Invalid Field: '{field}'.") };
        assert_eq!(told(engine, STANDARD, &patch), expected, "{engine} {patch}");
    }
    for (patch, field) in [
        (json!({"temperature": 1.9, "top_p": 1}), ""),
        (json!({"temperature": 2}), "temperature"),
        (json!({"message_chain": [said("user"), said("ai")]}), ""),
        (json!({"message_chain": [said("user"), said("user")]}), "message_chain"),
        (json!({"web_search_country_iso_code": "AT"}), ""),
    ] {
        let expected = if field.is_empty() { "ok".to_owned() } else { format!("40501 Invalid Field: '{field}'.") };
        assert_eq!(told("perplexity", LIVE, &patch), expected, "perplexity {patch}");
    }
}

#[test]
fn a_field_of_another_engine_is_unknown() {
    for (engine, method, field, value) in [
        ("gemini", STANDARD, "force_web_search", json!(true)),
        ("gemini", STANDARD, "web_search_country_iso_code", json!("AT")),
        ("chat_gpt", STANDARD, "use_reasoning", json!(true)),
        ("perplexity", LIVE, "web_search", json!(true)),
        ("perplexity", LIVE, "web_search_city", json!("Linz")),
        ("chat_gpt", LIVE, "pingback_url", json!("https://hooks.example")),
        ("claude", LIVE, "postback_url", json!("https://hooks.example")),
        ("chat_gpt", STANDARD, "priority", json!(1)),
        ("chat_gpt", STANDARD, "postback_data", json!("advanced")),
        ("chat_gpt", STANDARD, "location_code", json!(2_840)),
    ] {
        let expected = format!("40506 Unknown Field: '{field}'.");
        assert_eq!(told(engine, method, &json!({field: value})), expected, "{engine} {method}");
    }
    assert_eq!(told("chat_gpt", STANDARD, &json!({"pingback_url": "https://hooks.example"})), "ok");
    let mut older = settings();
    older.switches.chat_gpt_searches = false;
    let asked = json!([{"user_prompt": "x", "model_name": "gpt-4o", "web_search": true}]);
    let got = World::new(older).post("/v3/ai_optimization/chat_gpt/llm_responses/task_post", &asked);
    assert_eq!(got.codes(), [40_506]);
}

#[test]
fn a_prompt_is_decoded_only_by_its_switch() {
    for (decodes, read) in [(false, "100%25+1"), (true, "100% 1")] {
        let mut set = settings();
        set.switches.decode_user_prompt = decodes;
        let mut world = World::new(set);
        let asked = json!([{"user_prompt": "100%25+1", "model_name": "gpt-4o"}]);
        world.post("/v3/ai_optimization/chat_gpt/llm_responses/task_post", &asked);
        assert_eq!(world.sandbox.sales().next().unwrap().prompt, read);
    }
}
