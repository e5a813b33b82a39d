//! Parts that run in a process of their own: this program again, which is given the part.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::table::nanos;
use crate::{buy, plan, restart};

/// Runs the part that the words name.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["sandbox", millis] => buy::sandbox(Duration::from_millis(millis.parse()?)),
        ["restart", folder, prompts] => restart::start(Path::new(folder), prompts.parse()?),
        ["count", folder] => restart::count(Path::new(folder)),
        [name, folder, prompts] => plan::part(name, Path::new(folder), prompts.parse()?),
        _ => bail!("no such part"),
    }
}

/// Runs a part to its end; what it reported.
pub(crate) fn measured(words: &[&str]) -> Result<BTreeMap<String, u64>> {
    let output = Command::new(std::env::current_exe()?).arg("part").args(words).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the part {words:?} failed");
    let text = String::from_utf8(output.stdout)?;
    let read = |line: &str| Some((line.split_once('=')?.0.to_owned(), line.split_once('=')?.1.parse().ok()?));
    Ok(text.lines().filter_map(read).collect())
}

/// Reports a figure to the process that began this one.
pub(crate) fn report(name: &str, value: u64) {
    println!("{name}={value}");
}

pub(crate) fn report_time(name: &str, time: Duration) {
    report(name, nanos(time));
}

/// Reports the most memory that this process ever had in use, where the system tells.
pub(crate) fn report_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = high.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    report("memory", kibibytes.unwrap_or(0) * 1024);
}

/// A simulated provider in another process, which ends with this value.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    child: Child,
    /// The other process ends when this is closed.
    word: Option<ChildStdin>,
    pub(crate) url: String,
}

impl Elsewhere {
    pub(crate) fn begin(reply_after: Duration) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command
            .args(["part", "sandbox", &reply_after.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut url)?;
        Ok(Self { word: child.stdin.take(), child, url: url.trim().to_owned() })
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.word.take());
        // It is done with either way.
        let _ = self.child.wait();
    }
}
