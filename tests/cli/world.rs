//! A folder with a config, a job and a simulated provider of its own, and the program in it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(super) const BURSAR: &str = env!("CARGO_BIN_EXE_bursar");
/// Of an environment, only what a test gives it.
pub(super) const UNSET: [&str; 4] = ["DATAFORSEO_LOGIN", "DATAFORSEO_PASSWORD", "BURSAR_CONFIG", "BURSAR_LOG"];

/// A folder with a config, a job, and a simulated provider.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) provider: Child,
    pub(super) address: String,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(&["--speed", "100000"], "")
    }

    /// With arguments for the provider and its faults.
    pub(super) fn with(args: &[&str], faults: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("faults.toml"), faults).unwrap();
        let mut provider = Command::new(BURSAR)
            .args(["sandbox", "--calls-per-minute", "60000", "--faults", "faults.toml"])
            .args(args)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(provider.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        let config = format!(
            "state_dir = 'state'\n[accounts.main]\nroute = 'sandbox'\nbase_url = 'http://{address}'\n\
             limits = {{ calls_per_minute = 60000, tasks_ready_per_minute = 600, id_list_per_minute = 300, user_data_per_minute = 180 }}\n\
             timing = {{ quarantine = '2s', sweep_gap = '1s', sweep_every = '1s', lag_max = '1s', poll_min = '100ms', poll_max = '1s' }}\n"
        );
        fs::write(folder.path().join("bursar.toml"), config).unwrap();
        let world = Self { folder, provider, address };
        world.job("0.0012", 1);
        world
    }

    /// A job of so many questions.
    pub(super) fn job(&self, budget: &str, questions: usize) {
        let prompts: Vec<String> = (0..questions).map(|n| format!("\"question {n}?\"")).collect();
        let text = format!(
            "[budget]\nrun = \"{budget}\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\nlocations = [\"US\"]\n\
             languages = [\"en\"]\nprompts = [{}]\n",
            prompts.join(", ")
        );
        fs::write(self.folder.path().join("job.toml"), text).unwrap();
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BURSAR);
        command.args(args).current_dir(self.folder.path());
        for name in UNSET {
            command.env_remove(name);
        }
        command.env("DATAFORSEO_LOGIN", "sandbox").env("DATAFORSEO_PASSWORD", "sandbox");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn bursar(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// What was said, with `FOLDER` for this folder's absolute path.
    pub(super) fn named(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "FOLDER")
    }

    /// The provider's own bill.
    pub(super) fn bill(&self) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /sandbox/bill HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub(super) fn audit(&self) -> Value {
        let ended = self.bursar(&["audit", "--json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The ledger and the bill say the same.
    pub(super) fn agree(&self, tasks: u64) {
        let (audit, bill) = (self.audit(), self.bill());
        assert_eq!(bill["tasks"], tasks);
        assert_eq!(audit["charged_nano_usd"], bill["total_nano_usd"]);
        assert_eq!(bill["tags_charged_twice"], 0);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.provider.kill().unwrap();
        self.provider.wait().unwrap();
    }
}

#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    pub(super) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Reads stderr up to a line that holds `text`.
pub(super) fn until(child: &mut Child, text: &str) -> BufReader<std::process::ChildStderr> {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.lines().last().is_some_and(|line| line.contains(text)) {
        assert!(lines.read_line(&mut seen).unwrap() > 0, "`{text}` was never said:\n{seen}");
    }
    lines
}
