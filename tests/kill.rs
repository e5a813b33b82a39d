//! The real program, killed for real: whenever it dies, the next start pays for nothing twice and loses nothing paid.
//!
//! The demo job runs against the simulated vendor that `run --sandbox` brings along; the vendor writes each sale to a
//! file of its own before it answers, so that its word outlives the kill. `BURSAR_KILLS` says how often to kill. What
//! a failed run leaves behind stays below Cargo's folder for such things, to be looked at.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, fs};

use serde_json::Value;

/// What the demo job may spend.
const BUDGET_NANO: i64 = 500_000_000;
/// The exit code of a run whose budget does not buy everything.
const BUDGET_REACHED: i32 = 3;
/// How many to kill where nobody says.
const KILLS: usize = 10;

/// The demo job in a folder of its own.
fn fresh_copy() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old copy can go");
    }
    fs::create_dir_all(folder.join("prompts")).expect("a folder below the target folder");
    for file in ["demo.toml", "prompts/crm.csv", "prompts/espresso.txt"] {
        fs::copy(jobs.join(file), folder.join(file)).expect("the demo job is there");
    }
    folder
}

fn bursar(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(folder).env_remove("BURSAR_CONFIG").stdin(Stdio::null());
    command
}

fn run(folder: &Path) -> Command {
    let mut command = bursar(folder);
    command.args(["run", "demo.toml", "--sandbox", "--json"]);
    command
}

/// Starts the job and kills it once it has told of `events` events; true where it did not end by itself before.
fn killed_after(events: usize, folder: &Path) -> bool {
    let mut child: Child =
        run(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program can be started");
    let mut told = BufReader::new(child.stdout.take().expect("its events")).lines();
    let reached = told.by_ref().take(events).map_while(Result::ok).count() == events;
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    reached
}

fn audit(folder: &Path) -> Value {
    let ledger = ".bursar-sandbox/demo/bursar.db";
    let Output { status, stdout, stderr } =
        bursar(folder).args(["--ledger", ledger, "audit", "--json"]).output().expect("audit can be started");
    assert!(status.success(), "{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("audit --json is JSON")
}

/// What the vendor wrote down: tasks it sold, what it took for them, and their tags.
fn sold(folder: &Path) -> (u64, i64, BTreeSet<String>) {
    let mut text = String::new();
    let mut file = fs::File::open(folder.join(".bursar-sandbox/demo/vendor.jsonl")).expect("the vendor's own file");
    file.read_to_string(&mut text).expect("it is text");
    let (mut tasks, mut nano, mut tags) = (0, 0, BTreeSet::new());
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of the vendor's file is JSON");
        let task = &line["task"];
        if task.is_null() || task["refused"] == Value::Bool(true) {
            continue;
        }
        tasks += 1;
        nano += task["cost_nano_usd"].as_i64().expect("a task has a cost");
        tags.insert(task["posted"]["tag"].as_str().expect("all that we buy has a tag").to_owned());
    }
    (tasks, nano, tags)
}

#[test]
fn a_run_that_is_killed_again_and_again_pays_for_each_task_once() {
    let kills = env::var("BURSAR_KILLS").map_or(KILLS, |kills| kills.parse().expect("BURSAR_KILLS is a number"));
    let folder = fresh_copy();
    let mut moments = Vec::new();
    for kill in 0..kills {
        // Early ones fall into the buying, later ones into the collecting.
        let events = 2 + kill + kill * kill / 6;
        if killed_after(events, &folder) {
            moments.push((events, sold(&folder).0));
        }
        // In the middle of everything, too, the books agree with themselves.
        audit(&folder);
    }
    let end = run(&folder).output().expect("the program can be started");
    assert_eq!(end.status.code(), Some(BUDGET_REACHED), "{}", String::from_utf8_lossy(&end.stderr));

    let audit = audit(&folder);
    let (tasks, nano, tags) = sold(&folder);
    println!(
        "killed after (events, tasks sold by then): {moments:?}; sold in the end: {tasks} for {nano} nano-dollars"
    );
    assert!(kills == 0 || !moments.is_empty(), "nothing was killed in time");
    assert_eq!(audit["charged_nano_usd"], nano, "the ledger's total is what was sold");
    assert!(nano <= BUDGET_NANO, "{nano} is above the budget");
    assert_eq!(tags.len() as u64, tasks, "no tag was sold twice");
    assert_eq!(audit["tasks"]["answered"], tasks, "each task that was sold is one task that is answered");
    assert_eq!(
        (&audit["extra_charges"], &audit["in_doubt"], &audit["held_nano_usd"]),
        (&0.into(), &0.into(), &0.into())
    );
    fs::remove_dir_all(&folder).expect("the copy can go");
}
