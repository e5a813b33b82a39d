//! Mistakes as data: `--json` puts on stdout what stderr shows in pictures.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::world::World;

const JOB: &str = "name = \"büro\"\n[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemni\"\n\
                   file = \"p.txt\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\n";

fn world() -> World {
    let world = World::new();
    fs::write(world.folder.path().join("job.toml"), JOB).unwrap();
    fs::write(world.folder.path().join("p.txt"), b"one\ncaf\xe9\n").unwrap();
    world
}

fn expected() -> Value {
    let problem = |place: (&str, u32, u32, Option<u32>), code: &str, message: &str, help: &str| {
        json!({ "file": place.0, "line": place.1, "column": place.2, "end_line": place.1, "end_column": place.3,
                "severity": "error", "code": code, "message": message, "help": help, "length": null, "limit": null })
    };
    json!([
        problem(
            ("job.toml", 1, 8, Some(14)),
            "bad_name",
            "invalid name `büro`",
            "a name has 1 to 64 characters of A-Z a-z 0-9 . _ -"
        ),
        problem(
            ("job.toml", 6, 10, Some(17)),
            "unknown_word",
            "unknown engine `gemni`",
            "did you mean `gemini`? It can be `chat_gpt`, `gemini`, `claude`, `perplexity`"
        ),
        problem(
            ("p.txt", 2, 1, None),
            "not_utf8",
            "this line is not UTF-8",
            "save the file as UTF-8, or say its `encoding`, such as \"windows-1252\""
        ),
    ])
}

#[test]
fn a_plans_mistakes_are_a_document_on_stdout() {
    let ended = world().bursar(&["plan", "job.toml", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        document,
        json!({ "schema": "bursar.problems/1", "exit": 2, "problems": expected(), "listed_in": null }),
        "{document:#}"
    );
    assert!(ended.stderr.ends_with("3 problems; nothing was bought\n"), "{}", ended.stderr);
}

#[test]
fn a_runs_mistakes_are_an_event_of_its_stream() {
    let ended = world().bursar(&["run", "job.toml", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let event: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&event["schema"], &event["event"]), (&"bursar.run/1".into(), &"problems".into()), "{event:#}");
    assert_eq!((&event["exit"], &event["problems"]), (&2.into(), &expected()), "{event:#}");
}

#[test]
fn a_mistake_without_a_place_is_data_as_well() {
    let world = world();
    let ended = world.bursar(&["plan", "none.toml", "--json"]);
    let document: Value = serde_json::from_str(&world.named(&ended.stdout)).unwrap();
    let problem = json!({ "file": null, "line": null, "column": null, "end_line": null, "end_column": null,
                          "severity": "error", "code": "other", "help": null, "length": null, "limit": null,
                          "message": "cannot read `none.toml` (FOLDER/none.toml): there is no such file" });
    assert_eq!(
        document,
        json!({ "schema": "bursar.problems/1", "exit": 2, "problems": [problem], "listed_in": null }),
        "{document:#}"
    );
}

#[test]
fn what_prices_make_wrong_is_shown_with_everything_else() {
    let world = World::new();
    let job = "[budget]\nrun = \"0.001\"\nday = \"0\"\n\n[[prompt_set]]\nname = \"all\"\nprompts = [\"one\"]\nlocations = [\"US\"]\n\
               languages = [\"en\"]\nweigth = 2\nmax_cost_per_task = \"0.0001\"\n\
               targets = [{ engine = \"gemini\" }]\n\n\
               [[prompt_set]]\nname = \"models\"\nprompts = [\"one\"]\n\
               targets = [{ engine = \"chat_gpt\", function = \"llm_responses\", model_name = \"gpt-5o\" }]\n";
    fs::write(world.folder.path().join("job.toml"), job).unwrap();
    for command in ["plan", "run"] {
        let ended = world.bursar(&[command, "job.toml"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        insta::assert_snapshot!("prices_that_make_a_job_wrong", ended.stderr);
    }
    let budget = world.bursar(&["plan", "job.toml", "--budget", "1", "--json"]);
    let document: Value = serde_json::from_str(&budget.stdout).unwrap();
    let codes: Vec<&Value> = document["problems"].as_array().unwrap().iter().map(|problem| &problem["code"]).collect();
    assert_eq!(codes, ["buys_nothing", "unknown_key", "too_dear", "no_price_of_model"]);
}

#[test]
fn a_budget_that_freezes_a_job_is_valid() {
    let world = World::new();
    world.job("1", 3);
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect"]).code, 0);
    world.job("0", 3);
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("answered   3"), "{ended:?}");
    let planned = world.bursar(&["plan", "job.toml"]);
    assert!(planned.stdout.contains("nothing is left to buy"), "{planned:?}");
}

#[test]
fn hundreds_of_mistakes_are_counted_listed_and_data() {
    let world = World::new();
    let job = "[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\nfile = \"p.csv\"\n\
               column = \"prompt\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\n";
    fs::write(world.folder.path().join("job.toml"), job).unwrap();
    let mut prompts = b"prompt\nshort\n".to_vec();
    for n in 0..423 {
        prompts.extend(format!("{} {n:03}\n", "x".repeat(1_997)).into_bytes());
    }
    (0..30).for_each(|_| prompts.extend(b"caf\xe9\n"));
    fs::write(world.folder.path().join("p.csv"), prompts).unwrap();
    let ended = world.bursar(&["plan", "job.toml", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(ended.stderr.matches("error: this prompt is 2001 characters long").count(), 3, "{}", ended.stderr);
    for words in [
        "420 more like this in `p.csv`, the last on line 425\n",
        "27 more like this in `p.csv`, the last on line 455\n",
    ] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let problems = document["problems"].as_array().unwrap();
    let of = |code: &str| problems.iter().filter(|problem| problem["code"] == code).count();
    assert_eq!((problems.len(), of("too_long"), of("not_utf8")), (453, 423, 30));
    let last = problems.iter().rfind(|problem| problem["code"] == "too_long").unwrap();
    let figures = ["line", "length", "limit"].map(|key| last[key].as_u64());
    assert_eq!(figures, [Some(425), Some(2_001), Some(2_000)]);

    let path = document["listed_in"].as_str().unwrap();
    assert!(
        Path::new(path).starts_with(fs::canonicalize(world.folder.path()).unwrap().join("state/mistakes")),
        "{path}"
    );
    let sentence = format!("453 problems; nothing was bought; all are listed in {path}\n");
    assert!(ended.stderr.ends_with(&sentence), "{}", ended.stderr);
    let listed = fs::read_to_string(path).unwrap();
    assert_eq!(listed.lines().count(), 454, "a line for each below the first");
    let line = "p.csv:425: this prompt is 2001 characters long on the wire, and `gemini` takes 2000; shorten it";
    assert!(listed.lines().any(|listed| listed.starts_with(line)), "{listed}");
}

#[test]
fn a_list_that_cannot_be_written_says_so() {
    let world = World::new();
    let prompts: Vec<&str> = vec!["\"\""; 9];
    let job = format!(
        "[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\nlocations = [\"US\"]\n\
                       languages = [\"en\"]\nprompts = [{}]\n",
        prompts.join(", ")
    );
    fs::write(world.folder.path().join("job.toml"), job).unwrap();
    fs::write(world.folder.path().join("state"), "no folder").unwrap();
    let ended = world.bursar(&["plan", "job.toml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let last = world.named(ended.stderr.lines().last().unwrap());
    assert!(last.starts_with("9 problems; nothing was bought; they could not be listed (cannot write `"), "{last}");
    assert!(last.ends_with("), but --json has all of them"), "{last}");
}

#[test]
fn a_config_that_is_not_utf_8_has_a_line() {
    let world = World::new();
    fs::write(world.folder.path().join("bursar.toml"), b"# one\n# f\xfcr\n").unwrap();
    let ended = world.bursar(&["plan", "job.toml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    insta::assert_snapshot!("a_config_in_another_encoding", ended.stderr);
}
