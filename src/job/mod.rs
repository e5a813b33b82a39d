//! The job file: text goes in; a checked [`Job`] comes out, or every problem with its line.
//!
//! [`check`] is pure except for the prompt files, which it reads through [`Files`]. `price` knows what a job costs,
//! `plan` in which order it is bought.

mod decode;
mod fields;
mod header;
mod impostor;
mod jsonl;
mod keys;
mod layers;
mod near;
mod notation;
mod open;
mod priced;
mod place;
mod prompts;
mod read;
mod rows;
mod set;
mod sheet;
mod source;
mod stream;
mod suspects;
mod target;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::market::Market;
use crate::money::Money;
use crate::period::PeriodKind;
use crate::problem::Place;
use crate::product::{Engine, Function, Method, Priority, Product, ResultKind, named};
use crate::zone::Zone;

pub use near::{NearDuplicates, TextPlace};
pub use notation::{Kind, Recognised};
pub use priced::Pricing;
pub use prompts::{Prompts, PromptsError, Samples};
pub use read::{check, check_against, check_priced};
use source::Source;
pub use stream::{Disk, Files};
pub use suspects::{Oddness, Suspects};

/// A job file, checked.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name in the ledger.
    pub name: String,
    /// The file, as it was named.
    pub path: PathBuf,
    /// The account that pays, by its name in the config.
    pub account: String,
    /// How often it is asked again.
    pub period: PeriodKind,
    /// The time zone of its days, weeks and months.
    pub timezone: Zone,
    /// Its budget.
    pub budget: Budget,
    /// How far a price may rise above the known one before buying at it stops.
    pub max_price_drift: Drift,
    /// How often a task is bought again after a failure that was paid for.
    pub retry_paid_failures: u32,
    /// The number of equal refusals in a row that stop what they have in common, for a session.
    pub stop_after_refusals: u32,
    /// The maximum number of attempts of a task in one session.
    pub max_attempts: u32,
    /// The forms to collect, in the order of collecting: the one that the provider discards first comes first.
    pub results: Vec<ResultKind>,
    /// How long after its first session a run's answers are wanted, if something is bought by a deadline.
    pub deadline: Option<Duration>,
    /// The prompt sets, in the order of the file.
    pub sets: Vec<PromptSet>,
    /// The distinct prompts of all sets.
    pub prompts: Prompts,
    /// Those among them that look like another one.
    pub near_duplicates: Option<NearDuplicates>,
}

/// The caps on a job's spending; none means no such cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For one run.
    pub run: Money,
    /// For a day of the job's time zone.
    pub day: Option<Money>,
    /// For a month of the job's time zone.
    pub month: Option<Money>,
    /// What to do if not everything fits.
    pub when_short: WhenShort,
}

named! {
    /// What to do if the caps do not cover everything.
    WhenShort {
        /// Buy as much as fits, in the plan's order.
        Trim = "trim",
        /// Buy nothing.
        Refuse = "refuse",
    }
}

/// A share, in parts per million: how far a price may rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drift(u32);

/// A list of prompts with its targets, its markets and its number of repeats.
#[derive(Clone, Debug)]
pub struct PromptSet {
    /// Its name, unique in the job.
    pub name: String,
    /// Its share of the money, against the other sets.
    pub weight: u32,
    /// How often each question is asked.
    pub repeats: u32,
    /// The prompts as indices into [`Job::prompts`], none twice, in the order of the file.
    pub prompts: Vec<u32>,
    /// The number of prompts that occur again and are asked once.
    pub duplicates: u64,
    /// The number of rows of a table whose cell was empty.
    pub empty_rows: u64,
    /// Bytes of the longest prompt.
    pub longest_prompt: usize,
    /// Some of its prompts as they will be sent.
    pub samples: Samples,
    /// Those that were probably not meant as written.
    pub suspects: Vec<Suspects>,
    /// How its file was read; none if the prompts are in the job file.
    pub recognised: Option<Recognised>,
    /// The markets, none twice; empty if no target is asked in a place.
    pub markets: Vec<Market>,
    /// The targets, none twice.
    pub targets: Vec<Target>,
    /// The maximum that one task may cost, for what has no price.
    pub max_cost_per_task: Option<Money>,
    /// The place of the set in the job file, for messages.
    pub at: Place,
    source: Source,
}

/// A target: which engine to ask, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The engine.
    pub engine: Engine,
    /// The function.
    pub function: Function,
    /// The method.
    pub method: Method,
    /// The priority.
    pub priority: Priority,
    /// True if method and priority are the cheapest that meet the deadline: those above apply if there is time enough.
    pub auto: bool,
    /// The model, if the function lets one choose.
    pub model: Option<String>,
    /// The fields of the provider's form that differ from its defaults, by name, as JSON.
    pub options: Vec<(&'static str, String)>,
}

/// What makes one task dearer than another of the same target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The longest prompt that is asked, in bytes of UTF-8.
    pub prompt_bytes: usize,
    /// The maximum that one task costs, according to a person.
    pub ceiling: Option<Money>,
}

impl PromptSet {
    /// What makes its tasks dearer than others of the same target.
    pub fn asked(&self) -> Asked {
        Asked { prompt_bytes: self.longest_prompt, ceiling: self.max_cost_per_task }
    }
}

impl Target {
    /// The product that is bought.
    ///
    /// # Panics
    /// There is no such offer; [`check`] lets no such target through.
    pub fn product(&self) -> &'static Product {
        Product::find(self.engine, self.function, self.method).expect("a checked target has a product")
    }

    /// All that goes over the wire beside prompt, place, priority and tag, as JSON: names sorted, the provider's defaults
    /// left out. It is part of the question.
    pub fn options_json(&self) -> String {
        let model =
            self.model.as_ref().map(|model| ("model_name", serde_json::Value::from(model.as_str()).to_string()));
        let mut fields: Vec<(&str, &str)> = self.options.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend(model.as_ref().map(|(name, value)| (*name, value.as_str())));
        fields.sort_unstable();
        let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    }

    /// The fields in what [`Target::options_json`] wrote, without the model.
    ///
    /// # Errors
    /// It is no JSON object, or has a field that is not known here: bought without it, the question would be another one.
    pub fn read_options(json: &str) -> Result<Vec<(&'static str, String)>, String> {
        let mut read: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(json).map_err(|error| error.to_string())?;
        read.remove("model_name");
        let known =
            fields::NAMES.iter().filter_map(|name| Some((*name, read.remove(*name)?.get().to_owned()))).collect();
        match read.pop_first() {
            None => Ok(known),
            Some((name, _)) => Err(format!("no field is called `{name}`")),
        }
    }

    /// True if the answers are of one kind: method and priority do not matter.
    pub fn asks_the_same_as(&self, other: &Self) -> bool {
        self.engine == other.engine
            && self.function == other.function
            && self.model == other.model
            && self.options == other.options
    }
}

impl Drift {
    /// No rise at all.
    pub const NONE: Self = Self(0);

    /// In parts per million.
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    /// True if `found` exceeds `known` by no more than this.
    pub fn allows(self, known: Money, found: Money) -> bool {
        let most = i128::from(known.nanos()) * (1_000_000 + i128::from(self.0));
        (i128::from(found.nanos()) * 1_000_000).cmp(&most) != Ordering::Greater
    }
}

/// Percent as text, to four decimals: `5%`, `0.5%`, or `0`.
impl FromStr for Drift {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let percent = match text {
            "0" => "0",
            _ => text.strip_suffix('%').ok_or(())?,
        };
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 4 {
            return Err(());
        }
        let parts = format!("{whole}{decimals:0<4}").parse::<u32>().map_err(|_| ())?;
        (parts <= 1_000_000).then_some(Self(parts)).ok_or(())
    }
}

impl Job {
    /// Reads the texts of the distinct prompts again, each once and in the order of their indices.
    ///
    /// # Errors
    /// A file cannot be read or has changed since it was checked, or `each` fails.
    pub fn each_prompt<E>(
        &self,
        files: &dyn Files,
        each: impl FnMut(u32, &str) -> Result<(), E>,
    ) -> Result<(), PromptsError<E>> {
        self.prompts.each(self.sets.iter().map(|set| &set.source), files, each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drift_is_a_percentage_of_four_decimals() {
        for (text, parts) in [("0", 0), ("0%", 0), ("5%", 50_000), ("0.5%", 5_000), ("0.0001%", 1), ("100%", 1_000_000)]
        {
            assert_eq!(text.parse(), Ok(Drift(parts)), "{text}");
        }
        for text in ["", "%", "5", "-5%", "+5%", "5 %", ".5%", "5.%", "0.00001%", "100.0001%", "1e2%", "99999999999%"] {
            assert_eq!(text.parse::<Drift>(), Err(()), "{text}");
        }
    }

    #[test]
    fn words_of_other_programs_lead_to_ours() {
        use crate::product::{PRIORITIES, Route};
        let known = |key: &str| match key {
            "engine" => Engine::NAMES,
            "function" => Function::NAMES,
            "method" => Method::NAMES,
            "priority" => PRIORITIES,
            "period" => PeriodKind::NAMES,
            "when_short" => WhenShort::NAMES,
            "results" => ResultKind::NAMES,
            "route" => Route::NAMES,
            _ => panic!("no key takes words and is called `{key}`"),
        };
        for (key, name, word) in crate::problem::all_called() {
            assert!(known(key).contains(&name) && !known(key).contains(&word), "{key} {name} {word}");
            assert_eq!(crate::problem::called(key, word, known(key)), Some(name), "{key} {word} is there once");
        }
    }

    #[test]
    fn a_price_may_rise_by_the_drift() {
        let known = Money::from_nanos(1_200_000);
        let half_a_percent: Drift = "0.5%".parse().unwrap();
        assert!(half_a_percent.allows(known, Money::from_nanos(1_206_000)));
        assert!(!half_a_percent.allows(known, Money::from_nanos(1_206_001)));
        assert!(Drift::NONE.allows(known, known) && Drift::NONE.allows(known, Money::ZERO));
        assert!(!Drift::NONE.allows(known, Money::from_nanos(1_200_001)));
        assert!(Drift(1_000_000).allows(Money::MAX, Money::MAX), "no overflow");
    }
}
