//! Job files and configs as people write them: every mistake is shown at once, at its place, with a remedy.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use bursar::config::{Config, check_config};
use bursar::job::{Disk, Job, PromptsError, Target, check};
use bursar::problem::Problems;

const FOLDER: &str = "tests/job_files";

fn config() -> Config {
    Config::built_in(Path::new("jobs"))
}

fn read(path: &Path) -> Result<Job, Problems> {
    check(path, &fs::read_to_string(path).unwrap(), &config(), &Disk)
}

fn toml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(FOLDER).join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// The whole of what a person sees, one snapshot a file.
fn show(prefix: &str, path: &Path, problems: &Problems) {
    let shown = problems.render(false);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "control characters reach the terminal: {shown:?}");
    assert!(!shown.contains("hunter2"), "a secret is shown:\n{shown}");
    // Of hundreds alike the first are shown, and all are listed.
    let listing = problems.listing();
    let text = if problems.hidden() > 0 { &listing } else { &shown };
    for problem in problems {
        assert!(!problem.help.is_empty() && text.contains(&problem.at.to_string()), "{} in\n{text}", problem.at);
    }
    let name = format!("{prefix}{}", path.file_stem().unwrap().to_string_lossy().replace(' ', "_"));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown);
    });
}

#[test]
fn every_mistake_of_a_job_file_is_shown() {
    let files = toml_files("");
    assert!(files.len() >= 25);
    for path in files {
        show("", &path, &read(&path).expect_err(&path.to_string_lossy()));
    }
}

#[test]
fn everything_wrong_with_a_config_is_shown_at_once() {
    for path in toml_files("config") {
        let problems = check_config(&path, &fs::read_to_string(&path).unwrap()).unwrap_err();
        show("config_", &path, &problems);
    }
}

#[test]
fn good_job_files_are_read_in_full() {
    for path in toml_files("good") {
        let job = read(&path).unwrap_or_else(|problems| panic!("{problems}"));
        let mut prompts = Vec::new();
        job.each_prompt(&Disk, |index, text| {
            prompts.push(format!("{index}: {text:?}"));
            Ok::<_, ()>(())
        })
        .unwrap();
        assert_eq!(prompts.len(), job.prompts.len());
        let name = format!("good_{}", path.file_stem().unwrap().to_string_lossy());
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, format!("{}\n{}\n", describe(&job), prompts.join("\n")));
        });
    }
}

/// A job in a few lines.
fn describe(job: &Job) -> String {
    let mut text = format!(
        "{} at {} by {}, each {} of {}\n{:?}\ndrift {} ppm, {} paid retries, {} attempts, {:?}\n",
        job.name,
        job.path.display(),
        job.account,
        job.period,
        job.timezone,
        job.budget,
        job.max_price_drift.parts_per_million(),
        job.retry_paid_failures,
        job.max_attempts,
        job.results,
    );
    for set in &job.sets {
        let markets: Vec<String> = set.markets.iter().map(ToString::to_string).collect();
        let [weight, repeats] = [set.weight, set.repeats];
        writeln!(text, "\n{} at {}: weight {weight}, {repeats} times, in {}", set.name, set.at, markets.join(", "))
            .unwrap();
        if let Some(file) = &set.recognised {
            writeln!(text, "  {file:?}").unwrap();
        }
        for target in &set.targets {
            let Target { engine, function, method, priority, auto: _, model, options } = target;
            writeln!(text, "  {engine} {function} {method} {priority} {model:?} {options:?}").unwrap();
        }
        let (duplicates, empty, most) = (set.duplicates, set.empty_rows, set.max_cost_per_task);
        writeln!(text, "  prompts {:?}, {duplicates} again, {empty} empty, at most {most:?}", set.prompts).unwrap();
    }
    text
}

#[test]
fn a_job_names_an_account_that_the_config_has() {
    let text = "[accounts.main]\n[accounts.client-a]\nroute = \"sandbox\"\nbase_url = \"http://127.0.0.1:1\"\n";
    let with_both = check_config(Path::new("bursar.toml"), text).unwrap();
    let without_main = check_config(Path::new("bursar.toml"), text.split_once('\n').unwrap().1).unwrap();
    let good = fs::read_to_string(Path::new(FOLDER).join("good/campaign.toml")).unwrap();
    let account = |account: &str, config: &Config| {
        let job = check(Path::new("j.toml"), &format!("{account}\n{good}"), config, &Disk);
        job.map(|job| job.account).map_err(|problems| problems.iter().map(|p| p.help.clone()).collect::<Vec<_>>())
    };
    assert_eq!(account("", &with_both), Ok("main".to_owned()));
    assert_eq!(account("account = 'client-a'", &without_main), Ok("client-a".to_owned()));
    assert_eq!(account("account = 'client_a'", &with_both), Err(vec!["did you mean `client-a`?".to_owned()]));
    assert_eq!(account("", &without_main), Err(vec!["the accounts of the config are `client-a`".to_owned()]));
}

#[test]
fn a_models_prompt_length_follows_the_accounts_counting() {
    let config = |decoded| {
        check_config(Path::new("bursar.toml"), &format!("[accounts.main]\nuser_prompt_decoded = {decoded}\n")).unwrap()
    };
    let problems = |prompt: &str, decoded: bool| {
        let text = format!(
            "[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"a\"\nprompts = [\"{prompt}\"]\nengine = \"chat_gpt\"\n\
             function = \"llm_responses\"\nmodel = \"gpt-4.1\"\n"
        );
        let job = check(Path::new("j.toml"), &text, &config(decoded), &Disk);
        job.map_or_else(
            |problems| problems.iter().map(|p| (p.at.to_string(), p.help.clone())).collect(),
            |_| Vec::new(),
        )
    };
    let (fits, too_long) = (format!("{}%", "x".repeat(497)), format!("{}%+", "x".repeat(497)));
    for (prompt, decoded) in [(&fits, false), (&fits, true), (&too_long, false)] {
        assert_eq!(problems(prompt, decoded), [], "{decoded}");
    }
    let help = "shorten it; `%` and `+` count as three characters each".to_owned();
    assert_eq!(problems(&too_long, true), [("j.toml:5:12".to_owned(), help)]);
}

/// Where each problem of a text stands.
fn places(text: &str) -> Vec<String> {
    let files = BTreeMap::new();
    let problems = check(Path::new("jobs/j.toml"), text, &config(), &files).unwrap_err();
    problems.iter().map(|problem| problem.at.to_string()).collect()
}

#[test]
fn lines_and_columns_are_those_of_an_editor() {
    let rest = "\n[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"a\"\nprompts = [\"x\"]\nengine = \"chat_gpt\"\n\
        locations = [\"Germany\"]\nlanguages = [\"de\"]\n";
    assert_eq!(places(&format!("name = \"a b\"{rest}")), ["jobs/j.toml:1:8"]);
    assert_eq!(places(&format!("\u{feff}name = \"a b\"{rest}")), ["jobs/j.toml:1:8"], "a mark is no column");
    assert_eq!(places(&format!("# 日本語 👍\nname = \"a b\"{rest}")), ["jobs/j.toml:2:8"]);
    assert_eq!(places(&format!("results = [\"日本語\", 5]{rest}")), ["jobs/j.toml:1:12", "jobs/j.toml:1:19"]);
    let crlf = format!("period = \"once\"\r\nname = \"é\"{}", rest.replace('\n', "\r\n")) + "weight = 0\r\nx = 1";
    assert_eq!(places(&crlf), ["jobs/j.toml:2:8", "jobs/j.toml:11:10", "jobs/j.toml:12:1"]);
    assert_eq!(places("name = \"é\" x"), ["jobs/j.toml:1:12"], "syntax errors too");
}

#[test]
fn a_prompt_file_changed_after_its_check_is_refused() {
    let text = "[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"a\"\nfile = \"p.txt\"\nengine = \"chat_gpt\"\n\
        locations = [\"Germany\"]\nlanguages = [\"de\"]\n";
    let path = Path::new("jobs/j.toml");
    let files = |bytes: &str| BTreeMap::from([(PathBuf::from("jobs/p.txt"), bytes.as_bytes().to_vec())]);
    let job = check(path, text, &config(), &files("one\ntwo\none\nthree\n")).unwrap();
    assert_eq!((job.prompts.len(), job.sets[0].prompts.as_slice(), job.sets[0].duplicates), (3, &[0, 1, 2][..], 1));
    let seen = |bytes: &str| {
        let mut seen = Vec::new();
        let result = job.each_prompt(&files(bytes), |_, text| {
            seen.push(text.to_owned());
            if text == "stop" { Err("stopped") } else { Ok(()) }
        });
        (seen, result)
    };
    let (texts, result) = seen("one\ntwo\none\nthree\n");
    assert!(result.is_ok() && texts == ["one", "two", "three"]);
    for changed in ["one\ntwo\nthree\n", "one\ntwo\none\n", "one\ntwo\none\nthree\nfour\n", "one\nstop\none\nthree", ""]
    {
        let (texts, result) = seen(changed);
        assert!(matches!(result, Err(PromptsError::Changed { .. })), "{changed:?}");
        assert!(["one", "two", "three"].starts_with(&texts.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    assert!(matches!(job.each_prompt(&BTreeMap::new(), |_, _| Ok::<_, ()>(())), Err(PromptsError::Unreadable { .. })));
    assert!(matches!(job.each_prompt(&files("one\n"), |_, _| Err("no")), Err(PromptsError::Each("no"))));
}

mod mutated {
    use super::*;
    use proptest::prelude::*;

    /// What tends to upset readers of text.
    const SPLINTERS: &[&str] = &[
        "\"",
        "'''",
        "[",
        "]]",
        "{",
        "}",
        "=",
        "\n",
        "\r\n",
        "\0",
        "\u{1b}",
        "ü",
        "👍",
        "-1",
        "1e9",
        "0x",
        "9999999999999",
        "true",
        "[[prompt_set]]\n",
        "[defaults]\n",
        "targets = [{}]\n",
        "markets = [[]]\n",
        "2026-11-22",
        "\u{feff}",
        "a.b.c = 1\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_text_makes_the_reader_panic(
            file in 0..64_usize,
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, 0..SPLINTERS.len()), 1..6),
        ) {
            let (jobs, configs) = ([toml_files(""), toml_files("good")].concat(), toml_files("config"));
            let path = [jobs, configs].concat();
            let path = &path[file % path.len()];
            let mut text: Vec<char> = fs::read_to_string(path).unwrap().chars().collect();
            for (at, len, splinter) in cuts {
                let at = at.index(text.len() + 1);
                let end = (at + len).min(text.len());
                text.splice(at..end, SPLINTERS[splinter].chars());
            }
            let text: String = text.into_iter().collect();
            for problems in [check(path, &text, &config(), &Disk).err(), check_config(path, &text).err()].into_iter().flatten() {
                prop_assert!(!problems.is_empty());
                let shown = problems.render(false);
                prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
                problems.render(true);
            }
        }
    }
}
