//! The result object of LLM Responses: what a model said, what it used, and what it charged.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::article::About;
use super::envelope::{quoted, stamp, usd};
use super::meter::Usage;
use crate::product::Engine;

/// The result object as JSON. Written by hand around the items, as money must keep its digits.
pub(super) fn result(about: &About<'_>, usage: &Usage, done: DateTime<Utc>) -> String {
    let engine = usage.model.engine;
    let mut items = Vec::new();
    // The provider's own client has no place for Perplexity's reasoning.
    if usage.reasoning_tokens > 0 && engine != Engine::Perplexity {
        let thought = format!("Comparing what is known about {}.", about.topic());
        items.push(json!({"type": "reasoning", "sections": [{"type": "summary_text", "text": thought}]}));
    }
    let text = about.text();
    let annotations = if usage.searched { annotations(about, engine, &text) } else { Value::Null };
    items.push(json!({"type": "message", "sections": [{"type": "text", "text": text, "annotations": annotations}]}));
    let queries = if usage.searched { json!([about.topic()]) } else { Value::Null };
    let reasoning = match engine {
        Engine::Perplexity => String::new(),
        Engine::ChatGpt | Engine::Claude | Engine::Gemini => {
            format!(r#""reasoning_tokens":{},"#, usage.reasoning_tokens)
        }
    };
    format!(
        r#"{{"model_name":{},"input_tokens":{},"output_tokens":{},{reasoning}"web_search":{},"money_spent":{},"datetime":"{}","items":{},"fan_out_queries":{queries}}}"#,
        quoted(usage.model.name),
        usage.input_tokens,
        usage.output_tokens,
        usage.searched,
        usd(usage.spent),
        stamp(done),
        Value::from(items),
    )
}

/// Where the brands' pages are cited in the text.
fn annotations(about: &About<'_>, engine: Engine, text: &str) -> Value {
    let cited = about.pages().filter_map(|(name, url)| {
        let start = text.find(name)?;
        let chars = |bytes: usize| text[..bytes].chars().count();
        let mut cited = json!({
            "title": name,
            "url": url,
            "start_index": chars(start),
            "end_index": chars(start + name.len()),
            "text": name,
        });
        if engine == Engine::Gemini {
            cited["direct_url"] = json!(url);
        }
        Some(cited)
    });
    cited.collect()
}
