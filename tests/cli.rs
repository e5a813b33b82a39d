//! The command line as people and scripts meet it: what it says, and with which exit code it ends.
//!
//! Pages of `tests/cli` and the README's sessions are run as they stand. The rest drives the binary against a simulated
//! vendor of its own, which answers at once.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use bursar::config::Config;
use bursar::engine::own_room;
use bursar::job::{Disk, check};
use bursar::ledger::Lock;
use bursar::plan::plan;
use bursar::price::PriceList;
use serde_json::Value;
use tempfile::TempDir;

const BURSAR: &str = env!("CARGO_BIN_EXE_bursar");
/// Of an environment, only what a test gives it.
const UNSET: [&str; 4] = ["DATAFORSEO_LOGIN", "DATAFORSEO_PASSWORD", "BURSAR_CONFIG", "BURSAR_LOG"];

fn pages() -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    cases.timeout(std::time::Duration::from_mins(2));
    cases.env("NO_COLOR", "1").env("XDG_CONFIG_HOME", "/nowhere").env("COLUMNS", "100");
    cases
}

#[test]
fn pages_say_what_they_say() {
    pages().case("tests/cli/*.md");
}

#[test]
fn the_readme_is_true() {
    let folder = TempDir::new().unwrap();
    fs::copy("README.md", folder.path().join("README.md")).unwrap();
    let copy = folder.path().join("README.in/jobs");
    fs::create_dir_all(copy.join("prompts")).unwrap();
    for file in ["demo.toml", "prompts/crm.csv", "prompts/espresso.txt"] {
        fs::copy(Path::new("jobs").join(file), copy.join(file)).unwrap();
    }
    pages().case(folder.path().join("README.md")).run();
}

#[test]
fn every_job_in_the_box_can_be_planned() {
    let mut planned = 0;
    for entry in fs::read_dir("jobs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") || path.ends_with("bursar.toml") {
            continue;
        }
        let config = Config::built_in(Path::new("jobs"));
        let job = check(&path, &fs::read_to_string(&path).unwrap(), &config, &Disk)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let plan = plan(&job, &PriceList::default(), &[own_room(&job)], &config.accounts["main"].limits).unwrap();
        assert!(plan.total.funded > 0, "{}", path.display());
        planned += 1;
    }
    assert!(planned >= 3);
}

/// A folder with a config, a job, and a simulated vendor.
struct World {
    folder: TempDir,
    vendor: Child,
    address: String,
}

impl World {
    fn new() -> Self {
        Self::with(&["--speed", "100000"], "")
    }

    /// With arguments for the vendor and its faults.
    fn with(args: &[&str], faults: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("faults.toml"), faults).unwrap();
        let mut vendor = Command::new(BURSAR)
            .args(["sandbox", "--calls-per-minute", "60000", "--faults", "faults.toml"])
            .args(args)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(vendor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        let config = format!(
            "state_dir = 'state'\n[accounts.main]\nroute = 'sandbox'\nbase_url = 'http://{address}'\n\
             limits = {{ calls_per_minute = 60000, tasks_ready_per_minute = 600, id_list_per_minute = 300 }}\n\
             timing = {{ quarantine = '2s', sweep_gap = '1s', sweep_every = '1s', lag_max = '1s', poll_min = '100ms', poll_max = '1s' }}\n"
        );
        fs::write(folder.path().join("bursar.toml"), config).unwrap();
        let world = Self { folder, vendor, address };
        world.job("0.0012", 1);
        world
    }

    /// A job of so many questions.
    fn job(&self, budget: &str, questions: usize) {
        let prompts: Vec<String> = (0..questions).map(|n| format!("\"question {n}?\"")).collect();
        let text = format!(
            "[budget]\nrun = \"{budget}\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\nlocations = [\"US\"]\n\
             languages = [\"en\"]\nprompts = [{}]\n",
            prompts.join(", ")
        );
        fs::write(self.folder.path().join("job.toml"), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BURSAR);
        command.args(args).current_dir(self.folder.path());
        for name in UNSET {
            command.env_remove(name);
        }
        command.env("DATAFORSEO_LOGIN", "sandbox").env("DATAFORSEO_PASSWORD", "sandbox");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn bursar(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// The vendor's own bill.
    fn bill(&self) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /sandbox/bill HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn audit(&self) -> Value {
        let ended = self.bursar(&["audit", "--json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The ledger and the bill say the same.
    fn agree(&self, tasks: u64) {
        let (audit, bill) = (self.audit(), self.bill());
        assert_eq!(bill["tasks"], tasks);
        assert_eq!(audit["charged_nano_usd"], bill["total_nano_usd"]);
        assert_eq!(bill["tags_charged_twice"], 0);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.vendor.kill().unwrap();
        self.vendor.wait().unwrap();
    }
}

#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Reads stderr up to a line that holds `text`.
fn until(child: &mut Child, text: &str) -> BufReader<std::process::ChildStderr> {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.lines().last().is_some_and(|line| line.contains(text)) {
        assert!(lines.read_line(&mut seen).unwrap() > 0, "`{text}` was never said:\n{seen}");
    }
    lines
}

#[test]
fn what_is_asked_and_paid_is_answered_and_a_second_start_has_nothing_to_do() {
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
fn a_budget_of_exactly_a_hundred_tasks_buys_exactly_a_hundred() {
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
fn another_process_with_the_ledger_is_waited_for_or_not() {
    let world = World::new();
    let lock = Lock::try_take(&world.folder.path().join("bursar.db")).unwrap();
    let refused = world.bursar(&["run", "job.toml", "--no-follow"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let mut follower = world.command(&["run", "job.toml"]).spawn().unwrap();
    let mut rest = until(&mut follower, &format!("is held by another process (pid {})", std::process::id()));
    drop(lock);
    let mut said = String::new();
    rest.read_to_string(&mut said).unwrap();
    assert!(said.contains("the ledger is free"), "{said}");
    assert_eq!(follower.wait().unwrap().code(), Some(0));
    world.agree(1);
}

#[test]
fn a_vendor_that_refuses_the_account_ends_it() {
    let world = World::new();
    let ended = Ended::of(world.command(&["run", "job.toml"]).env("DATAFORSEO_PASSWORD", "hunter2").output().unwrap());
    assert_eq!(ended.code, 6, "{ended:?}");
    assert!(!format!("{ended:?}").contains("hunter2"));
    world.agree(0);
}

#[cfg(unix)]
#[test]
fn a_first_signal_ends_it_politely_and_the_same_command_goes_on() {
    // Answers take a minute at least at this speed.
    let world = World::with(&["--speed", "1"], "");
    world.job("1", 20);
    let mut run = world.command(&["run", "job.toml"]).spawn().unwrap();
    let mut rest = until(&mut run, "20 bought");
    let killed = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut said = String::new();
    rest.read_to_string(&mut said).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(7), "{said}");
    world.agree(20);
    let ended = world.bursar(&["run", "job.toml", "--no-collect"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("20 bought and paid, answer to come"), "{ended:?}");
    world.agree(20);
}

#[test]
fn time_that_is_up_ends_it_resumably() {
    let world = World::with(&["--speed", "1"], "");
    assert_eq!(world.bursar(&["run", "job.toml", "--max-wait", "300ms"]).code, 7);
}

#[test]
fn what_is_in_doubt_is_held_asked_about_and_decided() {
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [1]\n\
                  [[fault]]\nkind = \"list_outage\"\ncall = \"id_list\"\n\
                  [[fault]]\nkind = \"error_before\"\ncall = \"tasks_ready\"\n";
    let world = World::with(&["--speed", "1"], faults);
    let ended = world.bursar(&["run", "job.toml", "--max-wait", "500ms"]);
    assert_eq!(ended.code, 8, "{ended:?}");
    assert!(ended.stdout.contains("in doubt   1 task, $0.0012 held for them"), "{ended:?}");
    let audit = world.audit();
    assert_eq!((&audit["in_doubt"], &audit["held_nano_usd"]), (&Value::from(1), &Value::from(1_200_000)));
    assert_eq!(world.bursar(&["resolve", "7", "--bought", "--reason", "bill"]).code, 2);
    assert_eq!(world.bursar(&["resolve", "1", "99", "--bought", "--reason", "bill"]).code, 2);
    let decided = world.bursar(&["resolve", "1", "--bought", "--reason", "it is on the bill", "--json"]);
    assert_eq!(decided.code, 0, "{decided:?}");
    assert_eq!(serde_json::from_str::<Value>(&decided.stdout).unwrap()["verdict"], "bought");
    world.agree(1);
    assert_eq!(world.bursar(&["resolve", "1", "--bought", "--reason", "twice"]).code, 2);
    let after = world.bursar(&["run", "job.toml"]);
    assert_eq!(after.code, 4, "{after:?}");
    assert!(after.stdout.contains("1 resolved_as_bought, $0.0012 paid for them"), "{after:?}");
    world.agree(1);
}

#[test]
fn reconcile_settles_what_is_in_doubt_and_buys_nothing() {
    let faults = "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [1]\n";
    let world = World::with(&["--speed", "1000"], faults);
    let mut run = world.command(&["run", "job.toml"]).spawn().unwrap();
    let rest = until(&mut run, "is in doubt");
    run.kill().unwrap();
    run.wait().unwrap();
    drop(rest);
    world.job("1", 5);
    let ended = world.bursar(&["reconcile", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let facts: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&facts["accounts"][0]["was_in_doubt"], &facts["accounts"][0]["in_doubt"]), (&1.into(), &0.into()));
    world.agree(1);
    assert_eq!(world.bursar(&["reconcile"]).code, 0);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    world.agree(5);
}

#[test]
fn an_audit_that_does_not_agree_says_so() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let db = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    db.execute("UPDATE entry SET nano_usd = nano_usd + 1 WHERE kind = 'charge'", []).unwrap();
    drop(db);
    let ended = world.bursar(&["audit"]);
    assert_eq!(ended.code, 9, "{ended:?}");
    assert!(ended.stderr.contains("batch 1"), "{ended:?}");
}

#[test]
fn a_ledger_that_cannot_be_read_is_an_error_of_its_own() {
    let world = World::new();
    fs::write(world.folder.path().join("bursar.db"), "this is no database, whatever its name may say. ".repeat(50))
        .unwrap();
    let ended = world.bursar(&["audit"]);
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn credentials_are_asked_for_by_name_and_never_taken_from_an_open_file() {
    let world = World::new();
    let ended = Ended::of(world.command(&["run", "job.toml"]).env_remove("DATAFORSEO_PASSWORD").output().unwrap());
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("set DATAFORSEO_PASSWORD to the password"), "{ended:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let config = world.folder.path().join("bursar.toml");
        let text = fs::read_to_string(&config).unwrap().replace("route =", "password_file = 'secret'\nroute =");
        fs::write(&config, text).unwrap();
        let secret = world.folder.path().join("secret");
        fs::write(&secret, "sandbox\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
        let ended = world.bursar(&["run", "job.toml"]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains("can be read by others (mode 640)"), "{ended:?}");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    }
}

#[test]
fn a_job_is_known_by_its_file_and_moves_only_when_told() {
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
fn an_export_has_a_row_a_task_in_both_forms() {
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
fn a_demo_that_is_killed_goes_on_against_the_same_books() {
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
    assert!(second.stderr.contains("going on; 3 tasks asked, 3 bought before"), "{second:?}");
    let state = fs::read_to_string(folder.path().join(".bursar-sandbox/job/vendor.jsonl")).unwrap();
    assert_eq!(state.matches("\"cost_nano_usd\"").count(), 3);
}
