//! What a run asks, pays, prints and exports.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::world::{BURSAR, Ended, World, until};

#[test]
fn a_second_session_of_a_complete_run_is_idle() {
    let world = World::new();
    world.job("1", 30);
    let first = world.bursar(&["run", "job.toml"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stdout.contains("job (once): complete (exit code 0)"), "{first:?}");
    let second = world.bursar(&["run", "job.toml", "--quiet"]);
    assert_eq!((second.code, second.stdout.as_str(), second.stderr.as_str()), (0, "", ""));
    world.agree(30);
    let status: Value = serde_json::from_str(&world.bursar(&["status", "job", "--json"]).stdout).unwrap();
    assert_eq!(status["runs"][0]["state"], "complete");
}

#[test]
fn a_budget_of_a_hundred_tasks_buys_a_hundred() {
    let world = World::new();
    world.job("0.12", 150);
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("[budget] run = \"0.18\" would be enough for all"), "{ended:?}");
    world.agree(100);
    world.job("0.18", 150);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    world.agree(150);
}

#[test]
fn failures_that_were_paid_are_told_with_their_price() {
    let world = World::with(&[], "[[fault]]\nkind = \"paid_failure\"\ncode = 40102\n");
    world.job("1", 3);
    let ended = world.bursar(&["run", "job.toml", "--sandbox", "--faults", "faults.toml"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stdout.contains("3 paid_failure, $0.0036 paid for them"), "{ended:?}");
}

#[test]
fn a_job_file_moves_only_with_the_flag() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    fs::create_dir(world.folder.path().join("new")).unwrap();
    fs::rename(world.folder.path().join("job.toml"), world.folder.path().join("new/job.toml")).unwrap();
    let refused = world.bursar(&["run", "new/job.toml"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(world.bursar(&["run", "new/job.toml", "--moved"]).code, 0);
    assert_eq!(world.bursar(&["run", "job"]).code, 0, "by its name");
    world.agree(1);
}

#[test]
fn a_past_period_that_never_began_is_refused() {
    let world = World::new();
    let path = world.folder.path().join("job.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("period = \"day\"\ntimezone = \"Asia/Tokyo\"\n{text}")).unwrap();
    for (period, why) in [
        ("2020-01-01", "it is over, and a run of it never began"),
        ("2199-01-01", "it has not begun"),
        ("2020-13-01", "write it like `2026-11-22`"),
    ] {
        let ended = world.bursar(&["run", "job.toml", "--period", period]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
    }
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let status: Value = serde_json::from_str(&world.bursar(&["status", "--json"]).stdout).unwrap();
    let today = status["runs"][0]["period"].as_str().unwrap().to_owned();
    assert_eq!(world.bursar(&["run", "job.toml", "--period", &today]).code, 0);
    world.agree(1);
}

#[test]
fn a_run_in_json_is_one_event_a_line() {
    let world = World::new();
    let ended = world.bursar(&["run", "job.toml", "--json"]);
    let events: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["schema"] == "bursar.run/1" && event["at"].is_string()));
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    for name in ["begin", "batch_sent", "batch_answered", "collected", "summary"] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    let last = events.last().unwrap();
    assert_eq!(
        (&last["exit"], &last["spent_usd"], &last["spent_nano_usd"]),
        (&0.into(), &"0.0012".into(), &1_200_000.into())
    );
}

#[test]
fn both_export_formats_have_one_row_a_task() {
    let world = World::new();
    let text = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    fs::write(
        world.folder.path().join("job.toml"),
        text.replace("\"question 0?\"", "\"=1+1?\", \"two\\nlines \\\"x\\\"\"").replace("0.0012", "1"),
    )
    .unwrap();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let ended = world.bursar(&["export", "job", "--output", "out.csv"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""));
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_path(world.folder.path().join("out.csv")).unwrap().records().map(Result::unwrap).collect();
    assert_eq!([&rows[0][3], &rows[1][3]], ["'=1+1?", "two\nlines \"x\""]);
    assert_eq!(&rows[0][16], "0.0012");
    let raw = world.bursar(&["export", "job", "--format", "csv", "--csv-raw"]).stdout;
    assert!(raw.lines().nth(1).unwrap().starts_with("job,once,all,=1+1?,2840,"));
    let lines = world.bursar(&["export", "job.toml"]).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0]["answer"]["markdown"].is_string() && lines[0]["run_complete"] == true, "{}", lines[0]);
    assert_eq!(lines[0]["history"].as_array().unwrap().len(), 1);
    // A reader that goes away has had enough.
    let mut child = world.command(&["export", "job"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_killed_demo_continues_with_the_same_books() {
    let folder = TempDir::new().unwrap();
    let job = "[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\nprompts = [\"a?\", \"b?\", \"c?\"]\npriority = \"high\"\n";
    fs::write(folder.path().join("job.toml"), job).unwrap();
    let run = || {
        let mut command = Command::new(BURSAR);
        command.args(["run", "job.toml", "--sandbox"]).current_dir(folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut first = run().spawn().unwrap();
    let rest = until(&mut first, "3 bought");
    first.kill().unwrap();
    first.wait().unwrap();
    drop(rest);
    let second = Ended::of(run().output().unwrap());
    assert_eq!(second.code, 0, "{second:?}");
    assert!(second.stderr.contains("continuing; 3 tasks asked, of which earlier sessions left "), "{second:?}");
    let state = fs::read_to_string(folder.path().join(".bursar-sandbox/job/provider.jsonl")).unwrap();
    assert_eq!(state.matches("\"cost_nano_usd\"").count(), 3);
}
