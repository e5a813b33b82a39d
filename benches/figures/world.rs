//! A job, an account and a ledger, as a real session has them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use bursar::clock::Clock;
use bursar::config::{AccountConfig, Config, Limits};
use bursar::engine::{self, Prepared, Terms};
use bursar::event::{Event, Watch};
use bursar::ids::AccountId;
use bursar::job::{self, Disk, Job};
use bursar::ledger::{Kind, Ledger};
use bursar::period;
use bursar::price::PriceList;
use bursar::product::Route;
use bursar::sandbox::Settings;

use crate::MARKETS;

/// More calls a minute than any machine makes.
const NO_LIMIT: u32 = 60_000_000;

/// A folder with a job that asks every prompt in every market.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) account: AccountConfig,
    pub(crate) prices: PriceList,
    job_text: String,
}

impl World {
    /// A world in a folder that is there.
    pub(crate) fn at(folder: &Path) -> Self {
        let account = AccountConfig {
            base_url: "http://127.0.0.1".to_owned(),
            limits: Limits { calls_per_minute: NO_LIMIT, user_data_per_minute: NO_LIMIT, ..Limits::default() },
            ..AccountConfig::new("main", Route::Sandbox)
        };
        let markets = bursar::market::locations().iter().take(MARKETS);
        let markets: Vec<String> =
            markets.map(|place| format!("{{ location = {}, language = \"en\" }}", place.code)).collect();
        let job_text = format!(
            "name = \"figures\"\ntimezone = \"UTC\"\n[budget]\nrun = \"100000\"\n[defaults]\nengine = \"chat_gpt\"\n\
             [[prompt_set]]\nname = \"questions\"\nfile = \"prompts.txt\"\nmarkets = [{}]\n",
            markets.join(", ")
        );
        Self {
            folder: folder.to_owned(),
            clock: Clock::system(),
            prices: PriceList::with(&account.prices),
            account,
            job_text,
        }
    }

    /// Writes the prompts that [`World::job`] reads.
    pub(crate) fn write_prompts(&self, prompts: usize) -> Result<()> {
        let mut text = String::new();
        for prompt in 1..=prompts {
            writeln!(text, "Which accounting software suits a company of {prompt} people best, and why?")?;
        }
        std::fs::write(self.folder.join("prompts.txt"), text)?;
        Ok(())
    }

    /// The job, checked.
    pub(crate) fn job(&self) -> Result<Job> {
        let mut config = Config::built_in(&self.folder);
        config.accounts = BTreeMap::from([(self.account.name.clone(), self.account.clone())]);
        job::check(&self.folder.join("job.toml"), &self.job_text, &config, &Disk)
            .map_err(|problems| anyhow!("{}", problems.render(false)))
    }

    pub(crate) fn ledger_path(&self) -> PathBuf {
        self.folder.join("bursar.db")
    }

    /// Opens the ledger and counts the session.
    pub(crate) fn open(&self) -> Result<Ledger> {
        let now = self.clock.now().wall.timestamp();
        let mut ledger = Ledger::open(&self.ledger_path(), Kind::Sandbox, now)?;
        ledger.begin(&self.folder.join("state"), now)?;
        Ok(ledger)
    }

    /// Brings account, job and plan into the ledger.
    pub(crate) fn prepare(&self, ledger: &mut Ledger, job: &Job) -> Result<(AccountId, Prepared)> {
        let now = self.clock.now();
        let account = engine::bring_account(ledger, &self.account, "sandbox")?;
        let period = period::current(job.period, job.timezone, now.wall);
        let (limits, prices) = (&self.account.limits, &self.prices);
        let prepared = engine::prepare(ledger, job, account, limits, prices, &period, false, &Disk, now)?;
        Ok((account, prepared))
    }

    /// What the engine is told: to buy, and not to collect.
    pub(crate) fn terms(&self, account: AccountId, prepared: &Prepared) -> Terms {
        Terms {
            account,
            name: self.account.name.clone(),
            limits: self.account.limits.clone(),
            timing: self.account.timing.clone(),
            speed: 1,
            through: bursar::provider::Through::Nobody,
            user_prompt_decoded: false,
            lists: true,
            watch_now: false,
            keep_balance: None,
            collect: false,
            patience: None,
            seed: 1,
            runs: vec![prepared.terms],
        }
    }
}

/// A provider without limits or delays.
pub(crate) fn unlimited() -> Settings {
    Settings {
        calls_per_minute: u32::MAX,
        tasks_ready_per_minute: u32::MAX,
        id_list_per_minute: u32::MAX,
        user_data_per_minute: u32::MAX,
        ..Settings::default()
    }
}

/// A folder on the disk that the program was built on: a folder in memory would make commits look cheap.
pub(crate) fn folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Nobody watches.
#[derive(Debug)]
pub(crate) struct Unseen;

impl Watch for Unseen {
    fn see(&mut self, _: &Event) {}
}
