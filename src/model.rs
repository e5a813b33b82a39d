//! The models of LLM Responses that bursar knows by itself, with what their providers charge.
//!
//! The vendor hands the providers' charges on and publishes no prices of models, so the list is of the providers' own
//! pages and says with each row when it was read. It is a hint: the vendor's own list of models decides what there is,
//! and a person's own prices stand over these.

use std::sync::LazyLock;

use chrono::NaiveDate;

use crate::catalogue::undated;
use crate::money::Money;
use crate::offer::Engine;

/// A model of the shipped list, in US dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippedModel {
    /// Whose.
    pub engine: Engine,
    /// Its name without a date.
    pub name: &'static str,
    /// It may reason before it answers.
    pub reasons: bool,
    /// For a million tokens that it reads.
    pub input: Money,
    /// For a million tokens that it writes.
    pub output: Money,
    /// For a thousand web searches, where it can search.
    pub search: Option<Money>,
    /// When the figures were read.
    pub as_of: NaiveDate,
    /// Where.
    pub source: &'static str,
}

/// The model of a name, with or without a date, where the shipped list has it.
pub fn shipped_model(engine: Engine, name: &str) -> Option<&'static ShippedModel> {
    let bare = undated(name);
    let bare = bare.strip_suffix("-latest").unwrap_or(bare);
    let of_engine = || shipped().iter().filter(|model| model.engine == engine);
    of_engine().find(|model| model.name == name).or_else(|| of_engine().find(|model| model.name == bare))
}

fn shipped() -> &'static [ShippedModel] {
    static LIST: LazyLock<Vec<ShippedModel>> = LazyLock::new(|| {
        const TEXT: &str = include_str!("model/list.csv");
        let row = |line: &'static str| {
            let cells: Vec<&'static str> = line.split(',').collect();
            let money = |text: &str| text.parse().ok();
            let [engine, name, reasons, input, output, search, as_of, source] = cells[..] else { return None };
            Some(ShippedModel {
                engine: engine.parse().ok()?,
                name,
                reasons: reasons == "true",
                input: money(input)?,
                output: money(output)?,
                search: money(search),
                as_of: as_of.parse().ok()?,
                source,
            })
        };
        TEXT.lines().skip(1).map(|line| row(line).expect("a row of the shipped list")).collect()
    });
    &LIST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_can_be_read_and_names_each_model_once() {
        let mut names: Vec<_> = shipped().iter().map(|model| (model.engine, model.name)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(all > 20 && names.len() == all, "{all} models");
        for model in shipped() {
            assert!(!model.source.is_empty() && model.output >= model.input, "{model:?}");
            assert!(model.engine != Engine::Perplexity || model.search.is_some(), "it always searches: {model:?}");
        }
    }

    #[test]
    fn a_model_is_found_with_and_without_its_date() {
        let found = |name| shipped_model(Engine::ChatGpt, name).map(|model| model.name);
        assert_eq!(found("gpt-4.1-mini"), Some("gpt-4.1-mini"));
        assert_eq!(found("gpt-4.1-mini-2025-04-14"), Some("gpt-4.1-mini"));
        assert_eq!(found("gpt-5-2025-08-07"), Some("gpt-5"));
        assert_eq!(found("gpt-4.1-minister"), None);
        assert_eq!(shipped_model(Engine::Claude, "gpt-4.1-mini"), None);
    }
}
