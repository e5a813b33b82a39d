//! Where `--sandbox` leads: to the ledger that `bursar run --sandbox` keeps beside a job file, and to accounts at the
//! simulated provider.
//!
//! A job file leads to its own ledger. Without one, the ledgers in the current folder and in the folders in it are looked
//! at; where there are several, a person chooses.

use std::path::{Path, PathBuf};

use super::hints::{is_of, sandbox_ledgers};
use super::locate::{self, Located};
use super::out::place;
use super::{Common, embedded, mistake};
use crate::config::Config;
use crate::ledger::{Ledger, Reports};
use crate::money::Money;

/// The job that an argument means, which is to be bought.
pub(super) fn job_to_buy(arg: &Path, budget: Option<Money>, common: &Common, sandbox: bool) -> anyhow::Result<Located> {
    if !sandbox {
        return locate::job_to_buy(arg, budget, common);
    }
    let path = if locate::is_path(arg) { arg.to_owned() } else { path_of(arg, common)? };
    let located = locate::job_to_buy(&path, budget, common)?;
    Ok(embedded::for_sandbox(located, common.ledger.as_deref()))
}

/// The ledger to read, and the job's name where one is meant.
pub(super) fn to_read(
    arg: Option<&Path>,
    common: &Common,
    sandbox: bool,
) -> anyhow::Result<(Ledger, Config, Option<String>)> {
    if !sandbox {
        return locate::to_read(arg, common);
    }
    if let Some(arg) = arg.filter(|arg| locate::is_path(arg)) {
        let located = embedded::for_sandbox(locate::job(arg, common)?, common.ledger.as_deref());
        must_be_there(&located.config.ledger, Some(arg))?;
        return locate::of_job(located.config, located.job.name);
    }
    let config = at(ledger(arg, common)?, common)?;
    match arg {
        Some(name) => locate::of_job(config, name.to_string_lossy().into_owned()),
        None => Ok((Ledger::open_to_read(&config.ledger)?, config, None)),
    }
}

/// The config, with the only ledger of a sandbox that is here.
pub(super) fn config(common: &Common, sandbox: bool) -> anyhow::Result<Config> {
    if sandbox { at(ledger(None, common)?, common) } else { locate::config(None, common) }
}

/// The same where there may be no such ledger yet, or several: whether there is one.
pub(super) fn config_or_none(common: &Common) -> anyhow::Result<(Config, bool)> {
    if common.ledger.is_none() && sandbox_ledgers().len() != 1 {
        let mut config = locate::config(None, common)?;
        config.state_dir = Some(PathBuf::from(super::hints::SANDBOX_FOLDER));
        embedded::simulate(&mut config);
        return Ok((config, false));
    }
    Ok((config(common, true)?, true))
}

/// The config for a ledger of the sandbox, whose state is beside it.
fn at(ledger: PathBuf, common: &Common) -> anyhow::Result<Config> {
    let mut config = locate::config(None, common)?;
    config.state_dir = Some(ledger.parent().unwrap_or(Path::new("")).to_owned());
    config.ledger = ledger;
    embedded::simulate(&mut config);
    Ok(config)
}

/// The file of a job that is only named.
fn path_of(name: &Path, common: &Common) -> anyhow::Result<PathBuf> {
    let ledger = Ledger::open_to_read(&ledger(Some(name), common)?)?;
    match ledger.job(&name.to_string_lossy())? {
        Some(job) => Ok(PathBuf::from(job.path)),
        None => locate::no_such_job(&ledger, name),
    }
}

/// The ledger that is meant: the one that is named, that of a job, or the only one.
fn ledger(name: Option<&Path>, common: &Common) -> anyhow::Result<PathBuf> {
    if let Some(ledger) = &common.ledger {
        must_be_there(ledger, None)?;
        return Ok(ledger.clone());
    }
    let is_meant = |ledger: &PathBuf| name.is_none_or(|name| is_of(ledger, name));
    let mut meant: Vec<PathBuf> = sandbox_ledgers().into_iter().filter(is_meant).collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            meant.push(last);
            let named: Vec<String> = meant.iter().map(|ledger| format!("--ledger {}", ledger.display())).collect();
            mistake(format!("there are several ledgers of the sandbox here: choose one with {}", named.join(", or ")))
        }
        (None, _) => {
            let whose = name.map_or_else(String::new, |name| format!(" of a job `{}`", name.display()));
            let file = name.and_then(super::hints::of_name).map_or_else(String::new, |hint| format!("; {hint}"));
            mistake(format!(
                "there is no ledger of the sandbox{whose} here: `bursar run JOB.toml --sandbox` creates one, in .bursar-sandbox \
                 beside the job file{file}"
            ))
        }
    }
}

/// A ledger of the sandbox that is meant by its path.
fn must_be_there(ledger: &Path, job: Option<&Path>) -> anyhow::Result<()> {
    if ledger.exists() {
        return Ok(());
    }
    let job = job.map_or_else(|| "JOB.toml".to_owned(), |job| super::out::shell(&job.display().to_string()));
    mistake(format!("there is no ledger {} yet; `bursar run {job} --sandbox` creates it", place(ledger)))
}
