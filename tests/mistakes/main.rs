//! Mistakes as people make them who know other languages and other tools better: each says its place, what is wrong and what
//! to do. The tables say what stands in a sound job instead of what; a snapshot of each has what a person is told.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod configs;
mod files;
mod keys;
mod money;
mod places;
mod toml_slips;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bursar::config::Config;
use bursar::job::check;

/// What is done, what the sound job has, and what stands there instead.
type Case = (&'static str, &'static str, &'static str);
/// Files in memory.
type Held = BTreeMap<PathBuf, Vec<u8>>;

const SOUND: &str = r#"name = "brand"
period = "once"

[budget]
run = "12.50"

[defaults]
engine = "chat_gpt"
locations = ["Germany"]
languages = ["de"]

[[prompt_set]]
name = "crm"
prompts = ["which crm is best?"]
"#;

/// What a person is told of a job, a line for what is wrong and a line for what to do.
fn told(text: &str, files: &Held) -> String {
    let config = Config::built_in(Path::new("jobs"));
    let Err(problems) = check(Path::new("jobs/job.toml"), text, &config, files) else {
        return "  nothing is wrong\n".to_owned();
    };
    let mut told = String::new();
    for problem in &problems {
        let at = problem.at.to_string();
        writeln!(told, "  {} {}\n    {}", at.trim_start_matches("jobs/"), problem.what, problem.help).unwrap();
    }
    assert!(problems.iter().all(|problem| !problem.help.is_empty()), "{told}");
    told
}

/// All cases of a table, each with what is written.
fn all(cases: &[Case]) -> String {
    let mut text = String::new();
    for (done, from, to) in cases {
        assert!(SOUND.contains(from), "the sound job has no `{from}`");
        let shown = told(&SOUND.replacen(from, to, 1), &Held::new());
        let written = to.lines().collect::<Vec<_>>().join(" | ");
        write!(text, "{done}: {written}\n{shown}").unwrap();
    }
    text
}

macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots" }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}
use snapshot;

#[test]
fn the_job_that_mistakes_are_put_into_is_sound() {
    assert_eq!(told(SOUND, &Held::new()), "  nothing is wrong\n");
}

#[test]
fn slips_of_toml_are_told_as_what_was_done() {
    snapshot!("toml_slips", all(toml_slips::CASES));
}

#[test]
fn amounts_are_told_as_they_should_be_written() {
    snapshot!("money", all(money::CASES));
}

#[test]
fn words_of_other_programs_lead_to_those_of_the_key() {
    snapshot!("words", all(words::CASES));
}

#[test]
fn misspelt_keys_and_tables_are_read_as_what_was_meant() {
    snapshot!("keys", all(keys::CASES));
}

#[test]
fn places_and_languages_are_suggested_by_their_everyday_names() {
    snapshot!("places", all(places::CASES));
}
