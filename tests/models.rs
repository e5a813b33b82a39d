//! Jobs that ask models: what the provider's kept list allows, and how the fields become part of the question.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
use std::collections::BTreeMap;
use std::path::Path;

use bursar::catalogue::{Kept, Model, Served};
use bursar::config::Config;
use bursar::job::{Job, Target, check_against};
use bursar::problem::Problems;
use bursar::product::Engine;

/// A model by what the provider's list says of it: that it reasons, searches and is taken by the Standard method.
fn model(name: &str, [reasoning, web_search_supported, task_post_supported]: [Option<bool>; 3]) -> Model {
    Model { name: name.to_owned(), reasoning, web_search_supported, task_post_supported }
}

fn served() -> Served {
    const ALL: [Option<bool>; 3] = [Some(true); 3];
    let kept = |rows| Kept { read_at: "2026-11-20T08:00:00Z".parse().unwrap(), rows };
    let chat_gpt = kept(vec![
        model("gpt-4.1-2025-04-14", [Some(false), Some(true), Some(true)]),
        model("gpt-6", ALL),
        model("gpt-6-search", [Some(false), Some(true), Some(false)]),
        model("gpt-6-silent", [None, None, None]),
    ]);
    let claude = kept(vec![
        model("claude-sonnet-4-20250514", ALL),
        model("claude-mute", [Some(false), Some(false), Some(true)]),
    ]);
    Served { models: BTreeMap::from([(Engine::ChatGpt, chat_gpt), (Engine::Claude, claude)]), ..Served::default() }
}

fn read(target: &str, defaults: &str, served: &Served) -> Result<Job, Problems> {
    let text = format!(
        "[budget]\nrun = '1'\n[defaults]\nfunction = 'llm_responses'\n{defaults}\n[[prompt_set]]\nname = 'a'\n\
         prompts = ['x']\ntargets = [{{ {target} }}]\n"
    );
    check_against(Path::new("j.toml"), &text, &Config::built_in(Path::new("")), served, &BTreeMap::new())
}

fn target(text: &str) -> Target {
    read(text, "", &Served::default()).unwrap_or_else(|problems| panic!("{problems}")).sets[0].targets[0].clone()
}

/// What is wrong by the kept lists, and what to do about it.
fn wrong(target: &str) -> Vec<String> {
    let problems = read(target, "", &served()).err();
    problems.iter().flatten().map(|problem| format!("{} / {}", problem.what, problem.help)).collect()
}

#[test]
fn an_unlisted_model_is_refused_with_the_nearest() {
    assert_eq!(
        wrong("engine = 'chat_gpt', model = 'gpt-61'"),
        ["the provider's list for `chat_gpt` has no model `gpt-61` / did you mean `gpt-6`? `bursar models --refresh` \
             reads the list again; it was read on 2026-11-20"]
    );
    assert_eq!(
        wrong("engine = 'claude', model = 'llama'"),
        [
            "the provider's list for `claude` has no model `llama` / `bursar models --refresh` reads the list again; it was \
             read on 2026-11-20"
        ]
    );
    assert_eq!(wrong("engine = 'gemini', model = 'anything'"), [""; 0], "no list of this engine is kept");
    for known in ["gpt-4.1", "gpt-4.1-2025-04-14", "gpt-6"] {
        assert_eq!(wrong(&format!("engine = 'chat_gpt', model = '{known}'")), [""; 0], "{known}");
    }
}

#[test]
fn a_model_listed_without_standard_is_live_only() {
    for name in ["gpt-6-search", "gpt-6-silent"] {
        let standard = format!("engine = 'chat_gpt', model = '{name}'");
        assert_eq!(
            wrong(&standard),
            [format!(
                "the Standard method does not take `{name}` of `chat_gpt`, by the provider's list of 2026-11-20 / write \
                 `method = \"live\"` or choose another model; `bursar models --refresh` reads the list again"
            )]
        );
        assert_eq!(wrong(&format!("{standard}, method = 'live'")), [""; 0], "{name}");
    }
}

#[test]
fn the_list_decides_which_fields_a_model_takes() {
    let refused = |target: &str, why: &str| {
        let found = wrong(target);
        assert!(found.len() == 1 && found[0].contains(why), "{target}: {found:?}");
    };
    refused("engine = 'claude', model = 'claude-mute', web_search = true", "`claude-mute` does not search the web");
    refused("engine = 'claude', model = 'claude-mute', use_reasoning = true", "`claude-mute` does not reason");
    refused("engine = 'chat_gpt', model = 'gpt-6', temperature = 0.5", "`gpt-6` reasons");
    refused("engine = 'chat_gpt', model = 'gpt-6', max_output_tokens = 1023", "write 1024 or more");
    for taken in [
        "engine = 'claude', model = 'claude-mute', web_search = false, use_reasoning = false",
        "engine = 'claude', model = 'claude-sonnet-4', web_search = true, use_reasoning = true",
        "engine = 'chat_gpt', model = 'gpt-4.1', temperature = 0.5, max_output_tokens = 16",
        "engine = 'chat_gpt', method = 'live', model = 'gpt-6-silent', temperature = 0.5, web_search = true",
    ] {
        assert_eq!(wrong(taken), [""; 0], "{taken}");
    }
}

#[test]
fn a_rows_model_beats_the_defaults_under_any_key() {
    for (defaults, row) in [("model_name = 'gpt-4o'", "model"), ("model = 'gpt-4o'", "model_name")] {
        let job = read(&format!("engine = 'chat_gpt', {row} = 'gpt-4.1'"), defaults, &Served::default()).unwrap();
        assert_eq!(job.sets[0].targets[0].model.as_deref(), Some("gpt-4.1"), "{defaults}");
    }
}

#[test]
fn a_provider_default_is_no_part_of_the_question() {
    let bare = |rest: &str| target(&format!("engine = 'chat_gpt', model = 'gpt-4.1'{rest}")).options_json();
    assert_eq!(bare(""), r#"{"model_name":"gpt-4.1"}"#);
    for default in [
        ", max_output_tokens = 2048",
        ", max_output_tokens = 2_048",
        ", temperature = 0.94",
        ", temperature = 0.9400",
        ", top_p = 0.920",
        ", web_search = false, force_web_search = false",
    ] {
        assert_eq!(bare(default), bare(""), "{default}");
    }
    let gemini = |rest: &str| target(&format!("engine = 'gemini', model = 'gemini-2.5-flash'{rest}")).options_json();
    assert_eq!(gemini(", temperature = 1.3, top_p = 0.9"), gemini(""));
    assert_ne!(gemini(", temperature = 0.94"), gemini(""), "each engine has a default of its own");
    let claude = |rest: &str| target(&format!("engine = 'claude', model = 'claude-sonnet-4'{rest}")).options_json();
    assert_eq!(claude(", temperature = 0.7, use_reasoning = false"), claude(""));
    let live = "engine = 'perplexity', method = 'live', model = 'sonar'";
    assert_eq!(target(&format!("{live}, temperature = 0.77")).options_json(), target(live).options_json());
}

#[test]
fn a_number_has_one_spelling() {
    let with = |text: &str| {
        target(&format!("engine = 'gemini', model = 'gemini-2.5-flash', temperature = {text}")).options_json()
    };
    for (text, shown) in [("0.3", "0.3"), ("0.30", "0.3"), ("1", "1"), ("1.0", "1"), ("2.00", "2"), ("-0.0", "0")] {
        assert_eq!(with(text), format!(r#"{{"model_name":"gemini-2.5-flash","temperature":{shown}}}"#), "{text}");
    }
}

#[test]
fn fields_are_sorted_and_read_back_unchanged() {
    let full = target(
        r#"web_search_city = "Köln \"Süd\"", web_search = true, model = "gpt-4.1", message_chain = [{ message = "a\nb", role = "user" }], engine = "chat_gpt", max_output_tokens = 16, web_search_country_iso_code = "DE", system_message = "be brief", force_web_search = true, temperature = 0"#,
    );
    let json = full.options_json();
    assert_eq!(
        json,
        r#"{"force_web_search":true,"max_output_tokens":16,"message_chain":[{"role":"user","message":"a\nb"}],"model_name":"gpt-4.1","system_message":"be brief","temperature":0,"web_search":true,"web_search_city":"Köln \"Süd\"","web_search_country_iso_code":"DE"}"#
    );
    assert_eq!(Target::read_options(&json), Ok(full.options));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["model_name"], "gpt-4.1");
}

#[test]
fn each_model_is_asked_a_question_of_its_own() {
    let of = |rest: &str| target(&format!("engine = 'chat_gpt', {rest}"));
    let (one, other) = (of("model = 'gpt-4.1'"), of("model = 'gpt-4.1-mini'"));
    assert!(!one.asks_the_same_as(&other) && one.options_json() != other.options_json());
    assert!(one.asks_the_same_as(&of("model_name = 'gpt-4.1', method = 'live'")), "the method is no part of it");
    assert!(!one.asks_the_same_as(&of("model = 'gpt-4.1', temperature = 0.5")));
}
