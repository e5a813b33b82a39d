//! Where things are: the config, the ledger, the state folder, and the job that an argument means.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;

use super::listing::list;
use super::out::{from_anywhere, place};
use super::state_dir::home;
use super::{Common, hints, mistake};
use crate::catalogue::Served;
use crate::clock::Clock;
use crate::config::{AccountConfig, Config, DEFAULT_ACCOUNT, candidates, check_config};
use crate::job::{Asked, Disk, Job, Pricing, Target, check_against, check_priced};
use crate::ledger::{Ledger, Reports};
use crate::money::Money;
use crate::near::nearest;
use crate::page::decode_toml;
use crate::price::PriceList;
use crate::problem::{Problems, io_reason};

/// A job file with the config that holds for it.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) config: Config,
    pub(super) job: Job,
    /// The file as it was named.
    pub(super) named: PathBuf,
}

impl Located {
    pub(super) fn account(&self) -> anyhow::Result<&AccountConfig> {
        account(&self.config, &self.job.account)
    }
}

pub(super) fn account<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c AccountConfig> {
    match config.accounts.get(name) {
        Some(account) => Ok(account),
        None => mistake(format!("unknown account `{name}` in {}", shown(config))),
    }
}

/// The account that is named; without a name the one called `main`, or the only one.
pub(super) fn account_or_only<'c>(config: &'c Config, name: Option<&str>) -> anyhow::Result<&'c AccountConfig> {
    let only = || config.accounts.values().next().filter(|_| config.accounts.len() == 1);
    match (name, config.accounts.get(DEFAULT_ACCOUNT).or_else(only)) {
        (Some(name), _) => account(config, name),
        (None, Some(account)) => Ok(account),
        (None, None) => {
            let names: Vec<&str> = config.accounts.keys().map(String::as_str).collect();
            mistake(format!("{} has several accounts: choose one with --account: {}", shown(config), names.join(", ")))
        }
    }
}

/// The config for a job file, or for the current folder; with the ledger that a flag names.
pub(super) fn config(job: Option<&Path>, common: &Common) -> anyhow::Result<Config> {
    let cwd = env::current_dir().context("the current folder is gone")?;
    let user = env::var_os("XDG_CONFIG_HOME")
        .filter(|folder| Path::new(folder).is_absolute())
        .map(PathBuf::from)
        .or_else(|| home().map(|home| home.join(".config")));
    let named = common.config.as_deref();
    let found = candidates(job, &cwd, named, None, user.as_deref()).into_iter().find(|path| path.is_file());
    let mut config = match found {
        Some(path) => {
            let path = path.strip_prefix(&cwd).map(Path::to_owned).unwrap_or(path);
            check_config(&path, &read_toml(&path)?)?
        }
        None => match named {
            Some(path) => return mistake(format!("there is no config {}", place(path))),
            None => Config::built_in(job.and_then(Path::parent).unwrap_or(Path::new(""))),
        },
    };
    if let Some(ledger) = &common.ledger {
        config.ledger.clone_from(ledger);
    }
    Ok(config)
}

/// A config in words.
pub(super) fn shown(config: &Config) -> String {
    config.path.as_ref().map_or_else(|| "the built-in config".to_owned(), |path| format!("`{}`", path.display()))
}

/// True for a file, false for the name of a job in the ledger.
pub(super) fn is_path(job: &Path) -> bool {
    let text = job.to_string_lossy();
    text.ends_with(".toml") || text.contains('/') || text.contains(std::path::MAIN_SEPARATOR)
}

/// The job that an argument means.
pub(super) fn job(arg: &Path, common: &Common) -> anyhow::Result<Located> {
    let path = if is_path(arg) { arg.to_owned() } else { path_of(arg, common)? };
    let text = read_job(&path)?;
    let config = config(Some(&path), common)?;
    let checked = check_against(&path, &text, &config, &served(&config), &Disk);
    let mut job = checked.map_err(|problems| list(with_places(problems), &config))?;
    job.path = fs::canonicalize(&path).with_context(|| format!("`{}`", path.display()))?;
    Ok(Located { config, job, named: path })
}

/// Prices of the day.
struct OfToday {
    today: NaiveDate,
    budget: Option<Money>,
}

impl Pricing for OfToday {
    fn worst_case(&self, account: &AccountConfig, target: &Target, asked: Asked) -> Option<Money> {
        let prices = PriceList::with(&account.prices).on(self.today);
        prices.expected(target, asked).map(|price| price.worst_case)
    }

    fn budget_of_run(&self) -> Option<Money> {
        self.budget
    }
}

/// The job that an argument means, which is to be bought: what it costs may be a mistake as well. A job that the ledger
/// knows is bought no further for such a mistake, and what is paid of it is collected all the same.
pub(super) fn job_to_buy(arg: &Path, budget: Option<Money>, common: &Common) -> anyhow::Result<Located> {
    let path = if is_path(arg) { arg.to_owned() } else { path_of(arg, common)? };
    let text = read_job(&path)?;
    let config = config(Some(&path), common)?;
    // Outside a runtime: the system's clock needs none.
    let pricing = OfToday { today: Clock::system().now().wall.date_naive(), budget };
    let priced = check_priced(&path, &text, &config, &served(&config), &Disk, Some(&pricing));
    let known = priced.or_else(|problems| known_to_the_ledger(&path, &text, &config).ok_or(problems));
    let mut job = known.map_err(|problems| list(with_places(problems), &config))?;
    job.path = fs::canonicalize(&path).with_context(|| format!("`{}`", path.display()))?;
    Ok(Located { config, job, named: path })
}

/// The job without its prices, where it is sound but for those, and the ledger has something of it.
fn known_to_the_ledger(path: &Path, text: &str, config: &Config) -> Option<Job> {
    if !config.ledger.exists() {
        return None;
    }
    let job = check_against(path, text, config, &served(config), &Disk).ok()?;
    Ledger::open_to_read(&config.ledger).ok()?.job(&job.name).ok()??;
    Some(job)
}

/// The provider's lists, as far as the ledger keeps them. One that cannot be read says so where it is needed.
fn served(config: &Config) -> Served {
    if !config.ledger.exists() {
        return Served::default();
    }
    Ledger::open_to_read(&config.ledger).and_then(|ledger| ledger.served()).unwrap_or_else(|error| {
        tracing::debug!(%error, "no kept lists: the shipped ones are hints");
        Served::default()
    })
}

/// The file of a job that is only named.
fn path_of(name: &Path, common: &Common) -> anyhow::Result<PathBuf> {
    known(&config(None, common)?, name).map(|(_, path)| path)
}

/// The ledger that knows a job of this name, and the job's file.
fn known(config: &Config, name: &Path) -> anyhow::Result<(Ledger, PathBuf)> {
    let ledger = to_open(&config.ledger, Some(name))?;
    match ledger.job(&name.to_string_lossy())? {
        Some(job) => Ok((ledger, PathBuf::from(job.path))),
        None => no_such_job(&ledger, name),
    }
}

/// The ledger to read. Where there is none, what was meant is said: a job file, or the ledger of the sandbox.
pub(super) fn to_open(path: &Path, job: Option<&Path>) -> anyhow::Result<Ledger> {
    if path.try_exists().is_ok_and(|exists| !exists) {
        if let Some(hint) = job.filter(|job| job.exists()).and_then(hints::of_name) {
            return mistake(hint);
        }
        let hint = job.and_then(hints::of_name).or_else(|| hints::of_sandbox(job));
        let next = hint.unwrap_or_else(|| "`bursar run JOB` creates one".to_owned());
        return mistake(format!("there is no ledger {}; {next}", place(path)));
    }
    Ok(Ledger::open_to_read(path)?)
}

/// No job of this name: those that there are, and what may be meant.
pub(super) fn no_such_job<T>(ledger: &Ledger, name: &Path) -> anyhow::Result<T> {
    let names = ledger.job_names()?;
    let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    let word = name.to_string_lossy();
    let near = || nearest(&word, names.iter().map(String::as_str));
    let near = near().map(|near| format!("did you mean {}?", hints::typed(name, Path::new(near))));
    let next = near.or_else(|| hints::of_name(name));
    mistake(format!(
        "ledger {} has no job `{word}` ({there}); {}",
        place(ledger.path()),
        next.unwrap_or_else(|| "a job file ends in .toml or has a `/`".to_owned())
    ))
}

/// The ledger to read, and the job's name where one is meant.
pub(super) fn to_read(arg: Option<&Path>, common: &Common) -> anyhow::Result<(Ledger, Config, Option<String>)> {
    let Some(arg) = arg else {
        let config = config(None, common)?;
        return Ok((to_open(&config.ledger, None)?, config, None));
    };
    if is_path(arg) {
        let located = job(arg, common)?;
        return of_job(located.config, located.job.name);
    }
    let config = config(None, common)?;
    let (ledger, _) = known(&config, arg)?;
    Ok((ledger, config, Some(arg.to_string_lossy().into_owned())))
}

/// The ledger of a job, which has to know it.
pub(super) fn of_job(config: Config, name: String) -> anyhow::Result<(Ledger, Config, Option<String>)> {
    let path = &config.ledger;
    if path.try_exists().is_ok_and(|exists| !exists) {
        let next = hints::of_sandbox(Some(Path::new(&name)));
        let next = next.unwrap_or_else(|| "`bursar run JOB` creates one".to_owned());
        return mistake(format!("there is no ledger {}; {next}", place(path)));
    }
    let ledger = Ledger::open_to_read(path)?;
    if ledger.job(&name)?.is_none() {
        let names = ledger.job_names()?;
        let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        return mistake(format!("ledger {} has no job `{name}` ({there}): no run of it has begun", place(path)));
    }
    Ok((ledger, config, Some(name)))
}

/// A job file.
fn read_job(path: &Path) -> anyhow::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(decode_toml(path, bytes)?),
        Err(error) => mistake(hints::unreadable(path, &error)),
    }
}

/// A TOML file that a person named.
pub(super) fn read_toml(path: &Path) -> anyhow::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(decode_toml(path, bytes)?),
        Err(error) => mistake(format!("cannot read {}: {}", place(path), io_reason(&error))),
    }
}

/// A file that a person named, which may hold secrets.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).or_else(|_| mistake(format!("`{}` is not UTF-8", path.display()))),
        Err(error) => mistake(format!("cannot read {}: {}", place(path), io_reason(&error))),
    }
}

/// Where files that a job names were looked for; of those that are named as they stand nothing more is to be said.
fn with_places(problems: Problems) -> Problems {
    problems.looked_for(|file| file.is_relative().then(|| from_anywhere(file)))
}
