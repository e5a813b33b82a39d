//! The keys of a job file, table by table, what others call them, and a better word for one that stands where it is unknown.

use crate::problem::Wrong;

/// Names, and behind them every field of every product.
macro_rules! with_fields {
    ($($own:literal),* $(,)?) => {
        &[
            $($own,)*
            "expand_citations",
            "force_web_search",
            "location_coordinate",
            "max_output_tokens",
            "message_chain",
            "system_message",
            "temperature",
            "top_p",
            "use_reasoning",
            "web_search",
            "web_search_city",
            "web_search_country_iso_code",
        ]
    };
}
pub(super) use with_fields;

/// What stands at the top of the file.
pub(super) const KEYS: &[&str] = &[
    "name",
    "account",
    "period",
    "timezone",
    "deadline",
    "budget",
    "max_price_drift",
    "retry_paid_failures",
    "max_attempts",
    "stop_after_refusals",
    "results",
    "defaults",
    "prompt_set",
];
/// What others call some of them.
pub(super) const CALLED: &[(&str, &str)] = &[
    ("set", "prompt_set"),
    ("sets", "prompt_set"),
    ("prompt", "prompt_set"),
    ("prompts", "prompt_set"),
    ("question", "prompt_set"),
    ("questions", "prompt_set"),
    ("default", "defaults"),
    ("limits", "budget"),
    ("caps", "budget"),
    ("tz", "timezone"),
    ("time_zone", "timezone"),
    ("frequency", "period"),
    ("schedule", "period"),
    ("interval", "period"),
];
/// What others call the caps.
pub(super) const BUDGET_CALLED: &[(&str, &str)] = &[
    ("max", "run"),
    ("total", "run"),
    ("limit", "run"),
    ("amount", "run"),
    ("usd", "run"),
    ("once", "run"),
    ("daily", "day"),
    ("per_day", "day"),
    ("monthly", "month"),
    ("per_month", "month"),
];
pub(super) const BUDGET_KEYS: &[&str] = &["run", "day", "month", "when_short"];

/// What a prompt set may say; first what it has of its own.
pub(super) const SET_KEYS: &[&str] = with_fields![
    "name",
    "file",
    "prompts",
    "column",
    "delimiter",
    "encoding",
    "skip_lines",
    "sheet",
    "weight",
    "repeats",
    "markets",
    "locations",
    "languages",
    "targets",
    "engine",
    "function",
    "method",
    "priority",
    "model",
    "model_name",
    "max_cost_per_task",
];
/// What others call some of them.
pub(super) const SET_CALLED: &[(&str, &str)] = &[
    ("prompt", "prompts"),
    ("question", "prompts"),
    ("questions", "prompts"),
    ("query", "prompts"),
    ("queries", "prompts"),
    ("keyword", "prompts"),
    ("keywords", "prompts"),
    ("user_prompt", "prompts"),
    ("path", "file"),
    ("csv", "file"),
    ("prompt_file", "file"),
    ("source", "file"),
    ("separator", "delimiter"),
    ("sep", "delimiter"),
    ("charset", "encoding"),
    ("header", "column"),
    ("field", "column"),
    ("location", "locations"),
    ("location_name", "locations"),
    ("location_code", "locations"),
    ("country", "locations"),
    ("countries", "locations"),
    ("places", "locations"),
    ("language", "languages"),
    ("language_name", "languages"),
    ("language_code", "languages"),
    ("lang", "languages"),
    ("langs", "languages"),
    ("engines", "targets"),
    ("count", "repeats"),
    ("times", "repeats"),
    ("runs", "repeats"),
    ("samples", "repeats"),
];
/// So many of them each set has of its own.
const OWN: usize = 3;

/// What `[defaults]` may say: the rest.
pub(super) const DEFAULTS_KEYS: &[&str] = SET_KEYS.split_at(OWN).1;

/// A better word for a key that a table of the job file does not have.
pub(super) fn explain(key: &str, table: &'static str) -> Option<Wrong> {
    let not_built = |works| Some(Wrong::NotBuilt { what: format!("`{key}`"), works });
    let elsewhere =
        |hint: &str| Some(Wrong::UnknownKey { key: key.to_owned(), table, known: &[], hint: Some(hint.to_owned()) });
    match key {
        "reuse" => not_built("leave it out: within a run no question is bought twice anyway"),
        "vars" => not_built("leave it out and write each prompt in full"),
        "keep" => not_built("leave it out: exports name each prompt's text"),
        "on_invalid" => not_built("leave it out: a prompt that the provider would refuse is an error"),
        "tag" => Some(Wrong::Ours {
            key: key.to_owned(),
            instead: "leave it out: by its tag bursar recognises what it has bought",
        }),
        "postback_url" | "postback_data" | "pingback_url" => {
            Some(Wrong::Ours { key: key.to_owned(), instead: "leave it out: bursar collects the answers itself" })
        }
        "keyword" | "user_prompt" | "prompt" => elsewhere("questions stand in `prompts`, or in a `file`"),
        "location" | "location_name" | "location_code" => elsewhere("places stand in `locations = [...]`"),
        "language" | "language_name" | "language_code" => elsewhere("languages stand in `languages = [...]`"),
        _ if KEYS.contains(&key) => elsewhere("it belongs at the top of the file, before the first [table]"),
        _ if BUDGET_KEYS.contains(&key) => elsewhere("it belongs into [budget]"),
        "file" | "prompts" | "column" => elsewhere("it belongs into a [[prompt_set]]"),
        _ if SET_KEYS.contains(&key) => elsewhere("it belongs into a [[prompt_set]] or into [defaults]"),
        _ => None,
    }
}
