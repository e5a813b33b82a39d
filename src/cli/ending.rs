//! Models that their providers retire: which, when, and what that means for a purchase.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::job::Job;
use crate::model::shipped_model;
use crate::product::Engine;

/// A model that ends within so many days is named.
const WITHIN: Days = Days::new(30);

/// A model that ends soon, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ending {
    pub(super) retired: NaiveDate,
    pub(super) engine: Engine,
    pub(super) model: String,
}

/// Those of a job's models that end within 30 days, or before its period does.
pub(super) fn of_job(job: &Job, today: NaiveDate, period_ends: NaiveDate) -> Vec<Ending> {
    let models = job.sets.iter().flat_map(|set| &set.targets);
    among(models.filter_map(|target| Some((target.engine, target.model.clone()?))), today, period_ends)
}

/// Those of these models that end within 30 days, or by that day; the first to end first.
pub(super) fn among(models: impl Iterator<Item = (Engine, String)>, today: NaiveDate, by: NaiveDate) -> Vec<Ending> {
    let last = by.max(today + WITHIN);
    let ends = |(engine, model): (Engine, String)| {
        let retired = shipped_model(engine, &model)?.retired.filter(|retired| *retired <= last)?;
        Some(Ending { retired, engine, model })
    };
    models.filter_map(ends).collect::<BTreeSet<_>>().into_iter().collect()
}

impl Ending {
    /// What a person is told.
    pub(super) fn says(&self, today: NaiveDate) -> String {
        let Self { retired, engine, model } = self;
        let when = if *retired <= today {
            format!("was retired by its provider on {retired}")
        } else {
            format!("will be retired by its provider on {retired}, in {} days", (*retired - today).num_days())
        };
        format!("model {model} of {engine} {when}")
    }

    /// What to do about it.
    pub(super) const ADVICE: &str = "after that day it is refused, or another model answers under its name at that one's price: \
                                     `bursar models` lists what is served now";

    /// The same as data.
    pub(super) fn facts(&self) -> Value {
        json!({ "engine": self.engine.name(), "model": self.model, "retired": self.retired.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn said(model: &str, today: &str, period_ends: &str) -> Vec<String> {
        let models = [(Engine::ChatGpt, model.to_owned()), (Engine::ChatGpt, model.to_owned())];
        among(models.into_iter(), day(today), day(period_ends)).iter().map(|ending| ending.says(day(today))).collect()
    }

    #[test]
    fn a_model_ending_soon_is_named_once() {
        let soon = ["model gpt-5-mini of chat_gpt will be retired by its provider on 2026-12-11, in 11 days"];
        assert_eq!(said("gpt-5-mini", "2026-11-30", "2026-12-01"), soon);
        assert_eq!(said("gpt-5-mini-2025-08-07", "2026-11-11", "2026-11-12").len(), 1, "30 days before");
        assert_eq!(said("gpt-5-mini", "2026-11-10", "2026-11-11"), Vec::<String>::new());
        let gone = ["model gpt-5-mini of chat_gpt was retired by its provider on 2026-12-11"];
        assert_eq!(said("gpt-5-mini", "2026-12-11", "2026-12-12"), gone);
    }

    #[test]
    fn a_model_that_ends_before_its_period_is_named() {
        assert_eq!(said("gpt-4.1", "2026-11-01", "2027-01-14").len(), 1);
        assert_eq!(said("gpt-4.1", "2026-11-01", "2027-01-13").len(), 0);
    }
}
