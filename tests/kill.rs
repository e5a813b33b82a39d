//! The real program, killed for real: whenever it dies, the next session pays for nothing twice and loses nothing
//! paid.
//!
//! The demo job, and one of every kind of task, run against the simulated provider inside `run --sandbox`. The
//! provider writes each sale to a file of its own before it answers, so its record survives the kill. `BURSAR_KILLS`
//! sets the number of kills. The files of a failed run stay below Cargo's folder for temporary files.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, fs};

use serde_json::Value;

/// What the demo job may spend.
const BUDGET_NANO: i64 = 500_000_000;
/// The exit code of a run whose budget does not buy everything.
const BUDGET_REACHED: i32 = 3;
/// The exit code of a run of which some tasks failed.
const SOME_FAILED: i32 = 4;
/// The Live tasks of `jobs/models.toml`.
const LIVE: u64 = 6;
/// How many to kill where nobody says.
const KILLS: usize = 6;
/// How many of them in one run at the most: by then it is nearly done.
const EACH: usize = 15;

/// A job in a folder of its own.
fn fresh_copy(job: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{job}-{}", std::process::id()));
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old copy can go");
    }
    fs::create_dir_all(folder.join("prompts")).expect("a folder below the target folder");
    let job = format!("{job}.toml");
    for file in [&*job, "prompts/crm.csv", "prompts/espresso.txt"] {
        fs::copy(jobs.join(file), folder.join(file)).expect("the job is there");
    }
    folder
}

fn bursar(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(folder).env_remove("BURSAR_CONFIG").stdin(Stdio::null());
    command
}

fn run(folder: &Path, job: &str) -> Command {
    let mut command = bursar(folder);
    command.args(["run", &format!("{job}.toml"), "--sandbox", "--json"]);
    command
}

/// Starts the job and kills it once it has told of `events` events; true where it did not end by itself before.
fn killed_after(events: usize, folder: &Path, job: &str) -> bool {
    let mut child: Child =
        run(folder, job).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program can be started");
    let mut told = BufReader::new(child.stdout.take().expect("its events")).lines();
    let reached = told.by_ref().take(events).map_while(Result::ok).count() == events;
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    reached
}

fn audit(folder: &Path, job: &str) -> Value {
    let ledger = &format!(".bursar-sandbox/{job}/bursar.db");
    let Output { status, stdout, stderr } =
        bursar(folder).args(["--ledger", ledger, "audit", "--json"]).output().expect("audit can be started");
    assert!(status.success(), "{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("audit --json is JSON")
}

/// What the provider wrote down: tasks it sold, what it took for them, and their tags.
fn sold(folder: &Path, job: &str) -> (u64, i64, BTreeSet<String>) {
    let mut text = String::new();
    let mut file =
        fs::File::open(folder.join(format!(".bursar-sandbox/{job}/provider.jsonl"))).expect("the provider's own file");
    file.read_to_string(&mut text).expect("it is text");
    let (mut costs, mut tags) = (BTreeMap::new(), BTreeSet::new());
    // The provider dies with the program here: a line that it did not end was never sold.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let line: Value = serde_json::from_str(line).expect("a line of the provider's file is JSON");
        let cost = |of: &Value| of["cost_nano_usd"].as_i64().expect("it has a cost");
        let id = |of: &Value| of["id"].as_str().expect("it has an id").to_owned();
        // What a model's task cost in the end comes in place of what was taken at first.
        let settled = &line["settled"];
        if !settled.is_null() {
            costs.insert(id(settled), cost(settled));
        }
        let task = &line["task"];
        if task.is_null() || task["refused"] == Value::Bool(true) {
            continue;
        }
        costs.insert(id(task), cost(task));
        tags.insert(task["posted"]["tag"].as_str().expect("all that we buy has a tag").to_owned());
    }
    (costs.len() as u64, costs.values().sum(), tags)
}

/// A job that was killed and has ended.
struct Killed {
    /// What the provider sold, and for how much.
    tasks: u64,
    nano: i64,
    /// What the ledger says.
    audit: Value,
    /// After how many events it was killed, and how many tasks were sold by then.
    moments: Vec<(usize, u64)>,
}

/// Kills a job after each of these numbers of events, lets it end, and compares the books with what was sold.
fn killed(job: &str, after_events: &[usize], ends_with: &[i32]) -> Killed {
    let folder = fresh_copy(job);
    let mut moments = Vec::new();
    for events in after_events.iter().copied() {
        if killed_after(events, &folder, job) {
            moments.push((events, sold(&folder, job).0));
        }
        // In the middle of everything, too, the books agree with themselves.
        audit(&folder, job);
    }
    let end = run(&folder, job).output().expect("the program can be started");
    let code = end.status.code().unwrap_or(-1);
    assert!(ends_with.contains(&code), "exit code {code}: {}", String::from_utf8_lossy(&end.stderr));
    let audit = audit(&folder, job);
    let (tasks, nano, tags) = sold(&folder, job);
    assert!(after_events.is_empty() || !moments.is_empty(), "nothing was killed in time");
    assert_eq!(audit["charged_nano_usd"], nano, "the ledger's total is what was sold");
    assert_eq!(tags.len() as u64, tasks, "no tag was sold twice");
    assert_eq!(
        (&audit["extra_charges"], &audit["in_doubt"], &audit["held_nano_usd"]),
        (&0.into(), &0.into(), &0.into())
    );
    fs::remove_dir_all(&folder).expect("the copy can go");
    Killed { tasks, nano, audit, moments }
}

fn kills() -> usize {
    env::var("BURSAR_KILLS").map_or(KILLS, |kills| kills.parse().expect("BURSAR_KILLS is a number"))
}

#[test]
fn a_run_killed_repeatedly_pays_each_task_once() {
    let (mut done, mut round) = (0, 0);
    while done < kills() {
        // Early ones fall into the buying, later ones into the collecting; in each round at other moments.
        let wanted = (kills() - done).min(EACH);
        let events: Vec<usize> = (0..wanted).map(|kill| 2 + round % 5 + kill + kill * kill / 6).collect();
        let Killed { tasks, nano, audit, moments } = killed("demo", &events, &[BUDGET_REACHED]);
        println!(
            "killed after (events, tasks sold by then): {moments:?}; sold in the end: {tasks} for {nano} nano-dollars"
        );
        assert!(nano <= BUDGET_NANO, "{nano} is above the budget");
        assert_eq!(audit["tasks"]["answered"], tasks, "each task that was sold is one task that is answered");
        done += moments.len();
        round += 1;
    }
    println!("killed {done} times, in {round} runs");
}

#[test]
fn a_killed_run_loses_only_booked_live_answers() {
    // What is in doubt of a model takes a minute to settle: a few kills.
    let events: Vec<usize> = (0..(kills() / 5).min(4)).map(|kill| 8 + 9 * kill).collect();
    let Killed { tasks, nano, audit, moments } = killed("models", &events, &[0, SOME_FAILED]);
    println!(
        "killed after (events, tasks sold by then): {moments:?}; sold in the end: {tasks} for {nano} nano-dollars"
    );
    let count = |state: &str| audit["tasks"][state].as_u64().expect("a count");
    let (answered, lost) = (count("answered"), count("failed"));
    assert_eq!((answered + lost, count("planned")), (tasks, 0), "what was sold is answered, or lost");
    assert!(lost <= LIVE, "only Live answers can be lost: {lost}");
}
