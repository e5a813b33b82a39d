//! Jobs as a campaign draws them, with what a checker needs to know of them.

use std::path::Path;

use bursar::config::{AccountConfig, Config};
use bursar::job::{self, Job};
use bursar::money::Money;

/// A job file before it is written.
#[derive(Clone, Debug)]
pub struct Asked {
    pub name: &'static str,
    pub period: &'static str,
    pub timezone: &'static str,
    pub engines: Vec<&'static str>,
    pub priority: &'static str,
    pub prompts: usize,
    pub markets: usize,
    pub repeats: usize,
    pub html: bool,
    pub run_cap: Money,
    pub day_cap: Option<Money>,
    pub month_cap: Option<Money>,
    /// In per cent.
    pub drift: u32,
    pub retry_paid_failures: u32,
}

const MARKETS: [&str; 3] = [
    r#"{ location = 2840, language = "en" }"#,
    r#"{ location = 2276, language = "de" }"#,
    r#"{ location = 2250, language = "fr" }"#,
];

impl Asked {
    /// Two prompts in one market, with money for all of it.
    pub fn plain(name: &'static str, repeats: usize) -> Self {
        Self {
            name,
            period: "once",
            timezone: "UTC",
            engines: vec!["chat_gpt"],
            priority: "normal",
            prompts: 2,
            markets: 1,
            repeats,
            html: false,
            run_cap: Money::from_nanos(1_000_000_000),
            day_cap: None,
            month_cap: None,
            drift: 0,
            retry_paid_failures: 0,
        }
    }

    pub fn tasks(&self) -> usize {
        self.prompts * self.markets * self.repeats * self.engines.len()
    }

    /// What one task costs by the list.
    pub fn price(&self) -> Money {
        Money::from_nanos(if self.priority == "high" { 2_400_000 } else { 1_200_000 })
    }

    pub fn cost(&self) -> Money {
        Money::from_nanos(self.price().nanos() * i64::try_from(self.tasks()).unwrap())
    }

    /// A prompt's text; some hold what the wire must escape.
    pub fn prompt(&self, number: usize) -> String {
        let odd = ["", " 100% C++", " \u{fc}+%41"][number % 3];
        format!("{} question {number}{odd}?", self.name)
    }

    pub fn text(&self) -> String {
        let quoted = |list: Vec<String>| list.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let cap =
            |name: &str, cap: Option<Money>| cap.map_or(String::new(), |cap| format!("{name} = \"{}\"\n", usd(cap)));
        let targets: Vec<String> = self.engines.iter().map(|engine| format!("{{ engine = \"{engine}\" }}")).collect();
        format!(
            "name = \"{}\"\nperiod = \"{}\"\ntimezone = \"{}\"\nmax_price_drift = \"{}%\"\nretry_paid_failures = {}\n\
             results = [{}]\n[budget]\nrun = \"{}\"\n{}{}[defaults]\npriority = \"{}\"\ntargets = [{}]\n[[prompt_set]]\n\
             name = \"questions\"\nprompts = [{}]\nmarkets = [{}]\nrepeats = {}\n",
            self.name,
            self.period,
            self.timezone,
            self.drift,
            self.retry_paid_failures,
            if self.html { "\"html\", \"advanced\"" } else { "\"advanced\"" },
            usd(self.run_cap),
            cap("day", self.day_cap),
            cap("month", self.month_cap),
            self.priority,
            targets.join(", "),
            quoted((0..self.prompts).map(|number| self.prompt(number)).collect()),
            MARKETS[..self.markets].join(", "),
            self.repeats,
        )
    }

    pub fn job(&self, account: &AccountConfig) -> Job {
        let mut config = Config::built_in(Path::new("/jobs"));
        config.accounts.insert(account.name.clone(), account.clone());
        let files: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> = std::collections::BTreeMap::new();
        match job::check(Path::new(&format!("/jobs/{}.toml", self.name)), &self.text(), &config, &files) {
            Ok(job) => job,
            Err(problems) => panic!("{}\n{}", self.text(), problems.render(false)),
        }
    }
}

/// As a job file has it.
fn usd(money: Money) -> String {
    format!("{}.{:09}", money.nanos() / 1_000_000_000, money.nanos() % 1_000_000_000)
}
