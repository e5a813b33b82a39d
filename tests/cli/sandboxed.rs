//! What `--sandbox` means beside `run`: every command finds the ledger that was kept beside the job file.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::world::{BURSAR, Ended, UNSET};

/// A folder with jobs at high priority, whose answers come within a second or two.
struct Folder(TempDir);

impl Folder {
    fn with(jobs: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("jobs")).unwrap();
        for name in jobs {
            let text = "[budget]\nrun = \"0.0048\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\npriority = \"high\"\n\
                        locations = [\"US\"]\nlanguages = [\"en\"]\nprompts = [\"one?\", \"two?\", \"three?\"]\n";
            fs::write(folder.path().join("jobs").join(name).with_extension("toml"), text).unwrap();
        }
        Self(folder)
    }

    fn bursar(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(BURSAR);
        command.args(args).current_dir(self.0.path()).env("XDG_STATE_HOME", self.0.path().join("state"));
        for name in UNSET {
            command.env_remove(name);
        }
        Ended::of(command.output().unwrap())
    }

    fn json(&self, args: &[&str]) -> Value {
        let ended = self.bursar(&[args, &["--sandbox", "--json"]].concat());
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    }
}

#[test]
fn every_command_finds_the_ledger_of_a_sandbox_run() {
    let folder = Folder::with(&["brand"]);
    let missing = folder.bursar(&["status", "jobs/brand.toml", "--sandbox"]);
    let place = folder.0.path().join("jobs/.bursar-sandbox/brand/bursar.db");
    let says = format!(
        "error: there is no ledger `jobs/.bursar-sandbox/brand/bursar.db` ({}) yet; `bursar run jobs/brand.toml --sandbox` creates it\n",
        place.canonicalize().unwrap_or(place).display()
    );
    assert_eq!((missing.code, missing.stderr), (2, says));
    let before = folder.json(&["plan", "jobs/brand.toml"]);
    assert_eq!((&before["total"]["bought"], &before["total"]["allocated"]), (&0.into(), &2.into()));
    assert!(before["finish_s"].as_u64().unwrap() < 60, "at the speed of the sandbox: {before}");
    assert_eq!(folder.bursar(&["run", "jobs/brand.toml", "--sandbox", "--quiet"]).code, 3);

    assert_eq!(folder.json(&["plan", "brand"])["total"]["bought"], 2);
    for status in [&["status"][..], &["status", "brand"], &["status", "jobs/brand.toml"]] {
        assert_eq!(folder.json(status)["runs"][0]["tasks"]["answered"], 2);
    }
    assert_eq!(folder.bursar(&["export", "brand", "--sandbox", "--answered"]).stdout.lines().count(), 2);
    assert_eq!(folder.json(&["audit"])["charged_nano_usd"], 4_800_000);
    let reconciled = folder.bursar(&["reconcile", "--sandbox"]);
    assert_eq!((reconciled.code, &*reconciled.stderr), (0, "nothing is in doubt\n"));
    assert_eq!(folder.json(&["resolve", "1"])["batch"], 1);
    assert_eq!(folder.bursar(&["run", "brand", "--sandbox", "--quiet"]).code, 3, "it is known by its name now");
    assert!(!folder.0.path().join("state").exists(), "nothing of the sandbox is kept elsewhere");
}

#[test]
fn a_doctor_of_the_sandbox_needs_no_credentials() {
    let folder = Folder::with(&["brand"]);
    let says = |findings: &Value, about: &str| -> String {
        let of = findings["findings"].as_array().unwrap().iter().find(|finding| finding["about"] == about);
        of.unwrap_or_else(|| panic!("{about}: {findings:#}"))["says"].as_str().unwrap().to_owned()
    };
    let new = folder.json(&["doctor"]);
    assert_eq!(new["exit"], 0, "{new:#}");
    assert!(says(&new, "ledger").starts_with("none of the sandbox is here yet"));
    let balance = says(&new, "balance");
    folder.bursar(&["run", "jobs/brand.toml", "--sandbox", "--quiet"]);
    let used = folder.json(&["doctor"]);
    assert_eq!(used["exit"], 0, "{used:#}");
    assert_eq!(says(&used, "ledger"), "jobs/.bursar-sandbox/brand/bursar.db, with sandbox money");
    assert_ne!(says(&used, "balance"), balance, "what was sold is off the simulated balance");
    let real = folder.bursar(&["doctor"]);
    assert_eq!(real.code, 2);
    assert!(real.stdout.contains("`bursar doctor --sandbox`"), "{real:?}");
}

#[test]
fn several_sandbox_ledgers_are_named_to_choose_from() {
    let folder = Folder::with(&["one", "two"]);
    for job in ["one", "two"] {
        folder.bursar(&["run", &format!("jobs/{job}.toml"), "--sandbox", "--no-collect", "--quiet"]);
    }
    let ended = folder.bursar(&["audit", "--sandbox"]);
    let says = "error: there are several ledgers of the sandbox here: choose one with --ledger \
                jobs/.bursar-sandbox/one/bursar.db, or --ledger jobs/.bursar-sandbox/two/bursar.db\n";
    assert_eq!((ended.code, &*ended.stderr), (2, says));
    assert_eq!(folder.json(&["status", "two"])["runs"][0]["job"], "two");
    let doctor = folder.bursar(&["doctor", "--sandbox"]);
    assert!(doctor.code == 0 && doctor.stdout.contains("several of the sandbox are here: look at one with --ledger: "));
    let unknown = folder.bursar(&["status", "three", "--sandbox"]);
    let says = "error: there is no ledger of the sandbox of a job `three` here: `bursar run JOB.toml --sandbox` creates one, in \
                .bursar-sandbox beside the job file\n";
    assert_eq!((unknown.code, &*unknown.stderr), (2, says));
}

#[test]
fn a_job_that_is_not_found_leads_to_what_was_meant() {
    let folder = Folder::with(&["brand", "tracker"]);
    fs::write(folder.0.path().join("prompts.csv"), "prompt\n").unwrap();
    let place = |path: &str| format!("`{path}` ({})", folder.0.path().canonicalize().unwrap().join(path).display());
    let no_ledger = format!("there is no ledger {}", place("bursar.db"));
    for (args, says) in [
        (
            &["plan", "brand", "--budget", "1"][..],
            format!("{no_ledger}; there is a job file of this name: `bursar plan jobs/brand.toml --budget 1`"),
        ),
        (&["run", "trakcer"], format!("{no_ledger}; did you mean `bursar run jobs/tracker.toml`?")),
        (
            &["status", "jobs"],
            format!(
                "{} is a folder, and a job file is needed; in it are `jobs/brand.toml`, `jobs/tracker.toml`: `bursar status \
                 jobs/brand.toml`",
                place("jobs")
            ),
        ),
        (
            &["export", "prompts.csv"],
            format!("the file {} is no job file: a job file ends in .toml", place("prompts.csv")),
        ),
        (
            &["plan", "jobs/brand"],
            format!(
                "cannot read {}: there is no such file; did you mean `bursar plan jobs/brand.toml`?",
                place("jobs/brand")
            ),
        ),
        (
            &["run", "jobs/brnd.toml"],
            format!(
                "cannot read {}: there is no such file; did you mean `bursar run jobs/brand.toml`?",
                place("jobs/brnd.toml")
            ),
        ),
        (&["status", "elsewhere"], format!("{no_ledger}; `bursar run JOB` creates one")),
    ] {
        let ended = folder.bursar(args);
        assert_eq!((ended.code, ended.stderr), (2, format!("error: {says}\n")), "{args:?}");
    }
    let here = folder.bursar(&["plan", "."]);
    assert!(here.stderr.contains(" is a folder, and there is no job file in it: "), "{here:?}");
    folder.bursar(&["run", "jobs/brand.toml", "--sandbox", "--no-collect", "--quiet"]);
    let hinted = folder.bursar(&["status"]);
    let says = format!(
        "error: {no_ledger}; `run --sandbox` has kept `jobs/.bursar-sandbox/brand/bursar.db`: `bursar status --sandbox`\n"
    );
    assert_eq!((hinted.code, hinted.stderr), (2, says));
    let of_file = folder.bursar(&["export", "jobs/brand.toml"]);
    assert!(of_file.stderr.ends_with(": `bursar export jobs/brand.toml --sandbox`\n"), "{of_file:?}");
    let other = folder.bursar(&["status", "jobs/tracker.toml", "--ledger", "jobs/.bursar-sandbox/brand/bursar.db"]);
    assert!(other.stderr.ends_with(" has no job `tracker` (it has brand): no run of it has begun\n"), "{other:?}");
    let near = folder.bursar(&["status", "brnd", "--ledger", "jobs/.bursar-sandbox/brand/bursar.db"]);
    assert!(
        near.stderr.ends_with(
            " has no job `brnd` (it has brand); did you mean `bursar status brand --ledger \
             jobs/.bursar-sandbox/brand/bursar.db`?\n"
        ),
        "{near:?}"
    );
}
