//! Jobs as a campaign draws them, with what a checker needs to know about them.

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
    /// Asked of models, and not of their pages.
    pub models: bool,
    /// Of such as come to more than what is taken of them at first.
    pub dear: bool,
    pub method: &'static str,
    pub priority: &'static str,
    pub deadline: Option<&'static str>,
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

/// What is taken for a model's task by the Standard method, and covers what the models here come to.
const FEE_AND_ADVANCE: i64 = 10_200_000;
/// What a job here holds for a model's Live answer.
const LIVE_MOST: i64 = 12_000_000;
/// What a job here holds for the answer of a dear model, which comes to six tenths of a cent to four and a half.
const DEAR_MOST: i64 = 50_000_000;

/// A model of each engine.
const MODELS: [(&str, &str); 4] = [
    ("chat_gpt", "gpt-4.1-mini"),
    ("claude", "claude-3-5-haiku"),
    ("gemini", "gemini-2.5-flash"),
    ("perplexity", "sonar"),
];

/// A dear model of each engine that sells one by Standard.
const DEAR_MODELS: [(&str, &str); 3] =
    [("chat_gpt", "gpt-4o"), ("claude", "claude-sonnet-4"), ("gemini", "gemini-2.5-pro")];

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
            models: false,
            dear: false,
            method: "standard",
            priority: "normal",
            deadline: None,
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

    /// What is held for one task, by the list; for one that goes by a deadline, the least.
    pub fn price(&self) -> Money {
        Money::from_nanos(match (self.models, self.method, self.priority) {
            (true, "live", _) => LIVE_MOST,
            (true, ..) if self.dear => DEAR_MOST,
            (true, ..) => FEE_AND_ADVANCE,
            (false, "live", _) => 4_000_000,
            (false, _, "high") => 2_400_000,
            (false, ..) => 1_200_000,
        })
    }

    /// What is held for all tasks.
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
        let places = MARKETS[..self.markets].join(", ");
        let targets: Vec<String> = self.engines.iter().map(|engine| self.target(engine)).collect();
        let ways = match (self.models, self.method) {
            (true, "live") => {
                let most = usd(Money::from_nanos(LIVE_MOST));
                format!(
                    "function = \"llm_responses\"\nmethod = \"live\"\nmax_output_tokens = 300\nmax_cost_per_task = \"{most}\"\n"
                )
            }
            (true, _) if self.dear => {
                let most = usd(Money::from_nanos(DEAR_MOST));
                format!("function = \"llm_responses\"\nmax_output_tokens = 3000\nmax_cost_per_task = \"{most}\"\n")
            }
            (true, _) => "function = \"llm_responses\"\nmax_output_tokens = 300\n".to_owned(),
            (false, "live") => format!("method = \"live\"\nmarkets = [{places}]\n"),
            (false, _) => format!("priority = \"{}\"\nmarkets = [{places}]\n", self.priority),
        };
        format!(
            "name = \"{}\"\nperiod = \"{}\"\ntimezone = \"{}\"\nmax_price_drift = \"{}%\"\nretry_paid_failures = {}\n\
             {}results = [{}]\n[budget]\nrun = \"{}\"\n{}{}[[prompt_set]]\n\
             name = \"questions\"\n{ways}targets = [{}]\nprompts = [{}]\nrepeats = {}\n",
            self.name,
            self.period,
            self.timezone,
            self.drift,
            self.retry_paid_failures,
            self.deadline.map_or(String::new(), |deadline| format!("deadline = \"{deadline}\"\n")),
            if self.html { "\"html\", \"advanced\"" } else { "\"advanced\"" },
            usd(self.run_cap),
            cap("day", self.day_cap),
            cap("month", self.month_cap),
            targets.join(", "),
            quoted((0..self.prompts).map(|number| self.prompt(number)).collect()),
            self.repeats,
        )
    }

    fn target(&self, engine: &str) -> String {
        let models: &[(&str, &str)] = if self.dear { &DEAR_MODELS } else { &MODELS };
        let model = models.iter().find(|(of, _)| *of == engine && self.models);
        let model = model.map_or(String::new(), |(_, model)| format!(", model_name = \"{model}\""));
        format!("{{ engine = \"{engine}\"{model} }}")
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
