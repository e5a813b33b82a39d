//! The models of LLM Responses that bursar knows by itself, with what their providers charge.
//!
//! The provider passes these charges on and publishes no prices of models. The list therefore comes from the model
//! providers' own pages, and each row says when it was read. It is a hint: the provider's own list of models decides
//! what exists, and a person's own prices take precedence.

use std::str::FromStr;
use std::sync::LazyLock;

use chrono::NaiveDate;

use crate::catalogue::undated;
use crate::money::Money;
use crate::product::Engine;

/// A model of the shipped list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippedModel {
    /// The engine.
    pub engine: Engine,
    /// Its name without a date.
    pub name: &'static str,
    /// True if it may reason before it answers.
    pub reasons: bool,
    /// From this day on its provider no longer serves it, or answers by another model under its name.
    pub retired: Option<NaiveDate>,
    /// Its charges, by days and by the length of a prompt; never empty.
    pub prices: Vec<ModelPrice>,
}

/// The charges of a model on some days for prompts up to some length, in US dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPrice {
    /// For a million tokens that it reads.
    pub input: Money,
    /// For a million tokens that it writes.
    pub output: Money,
    /// For a thousand web searches, if it can search.
    pub search: Option<Money>,
    /// The first day (UTC) of this price; `None`: no beginning.
    pub from: Option<NaiveDate>,
    /// Its last day; `None`: no end is announced.
    pub until: Option<NaiveDate>,
    /// It holds for tasks that read at most this many tokens; `None`: for longer ones too.
    pub up_to_prompt_tokens: Option<u64>,
    /// When the figures were read.
    pub as_of: NaiveDate,
    /// The source of the figures.
    pub source: &'static str,
}

/// Days on which a task may be charged, first and last.
pub type Days = (NaiveDate, NaiveDate);

impl ShippedModel {
    /// The prices that a task may meet if it reads at most so many tokens and is charged on one of these days; without
    /// days, on any day.
    pub fn prices_for(&self, days: Option<Days>, read_tokens: u64) -> impl Iterator<Item = &ModelPrice> {
        let of_days = move |price: &&ModelPrice| days.is_none_or(|days| price.is_of(days));
        let fits = move |price: &ModelPrice| price.up_to_prompt_tokens.is_none_or(|most| read_tokens <= most);
        // A price for shorter prompts stands in the place of the one for all, on its own days.
        let undercut = move |price: &ModelPrice| {
            price.up_to_prompt_tokens.is_none()
                && self.prices.iter().any(|other| {
                    other.up_to_prompt_tokens.is_some()
                        && fits(other)
                        && (other.from, other.until) == (price.from, price.until)
                })
        };
        self.prices.iter().filter(of_days).filter(move |price| fits(price) && !undercut(price))
    }
}

impl ModelPrice {
    fn is_of(&self, (first, last): Days) -> bool {
        self.from.is_none_or(|from| from <= last) && self.until.is_none_or(|until| first <= until)
    }
}

/// The model of a name, with or without a date, if the shipped list has it.
pub fn shipped_model(engine: Engine, name: &str) -> Option<&'static ShippedModel> {
    let bare = undated(name);
    let bare = bare.strip_suffix("-latest").unwrap_or(bare);
    let of_engine = || shipped().iter().filter(|model| model.engine == engine);
    of_engine().find(|model| model.name == name).or_else(|| of_engine().find(|model| model.name == bare))
}

/// The models of an engine in the shipped list.
pub fn model_names(engine: Engine) -> impl Iterator<Item = &'static str> {
    shipped().iter().filter(move |model| model.engine == engine).map(|model| model.name)
}

/// The models of the shipped list that an engine's own provider still serves on a day.
pub fn shipped_models(engine: Engine, today: NaiveDate) -> impl Iterator<Item = &'static ShippedModel> {
    let is_served = move |model: &&ShippedModel| model.retired.is_none_or(|retired| today < retired);
    shipped().iter().filter(move |model| model.engine == engine).filter(is_served)
}

fn shipped() -> &'static [ShippedModel] {
    static LIST: LazyLock<Vec<ShippedModel>> = LazyLock::new(|| {
        const TEXT: &str = include_str!("model/list.csv");
        let mut models: Vec<ShippedModel> = Vec::new();
        for line in TEXT.lines().skip(1) {
            let (model, price) = row(line).expect("a row of the shipped list");
            match models.last_mut().filter(|last| (last.engine, last.name) == (model.engine, model.name)) {
                Some(last) => last.prices.push(price),
                None => models.push(ShippedModel { prices: vec![price], ..model }),
            }
        }
        models
    });
    &LIST
}

/// A row of the list: a model without its prices, and one of them.
fn row(line: &'static str) -> Option<(ShippedModel, ModelPrice)> {
    let cells: Vec<&'static str> = line.split(',').collect();
    let [engine, name, reasons, input, output, search, from, until, up_to, retired, as_of, source] = cells[..] else {
        return None;
    };
    let model = ShippedModel {
        engine: engine.parse().ok()?,
        name,
        reasons: reasons == "true",
        retired: optional(retired).ok()?,
        prices: Vec::new(),
    };
    let price = ModelPrice {
        input: input.parse().ok()?,
        output: output.parse().ok()?,
        search: optional(search).ok()?,
        from: optional(from).ok()?,
        until: optional(until).ok()?,
        up_to_prompt_tokens: optional(up_to).ok()?,
        as_of: as_of.parse().ok()?,
        source,
    };
    Some((model, price))
}

/// A cell that may be empty.
fn optional<T: FromStr>(cell: &str) -> Result<Option<T>, T::Err> {
    if cell.is_empty() { Ok(None) } else { cell.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_names_each_model_once() {
        let mut names: Vec<_> = shipped().iter().map(|model| (model.engine, model.name)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(all > 20 && names.len() == all, "{all} models");
        for model in shipped() {
            for price in &model.prices {
                assert!(!price.source.is_empty() && price.output >= price.input, "{model:?}");
                assert!(model.engine != Engine::Perplexity || price.search.is_some(), "it always searches: {model:?}");
                assert!(price.from.zip(price.until).is_none_or(|(from, until)| from <= until), "{model:?}");
            }
            let open = |price: &ModelPrice| price.until.is_none() && price.up_to_prompt_tokens.is_none();
            assert_eq!(model.prices.iter().filter(|price| open(price)).count(), 1, "one price goes on: {model:?}");
        }
    }

    #[test]
    fn every_day_of_a_model_has_one_price() {
        let first: NaiveDate = "2026-11-01".parse().unwrap();
        for (model, day) in shipped().iter().flat_map(|model| first.iter_days().take(120).map(move |day| (model, day)))
        {
            for read in [1_000, 150_000, 400_000] {
                let prices = model.prices_for(Some((day, day)), read).count();
                assert_eq!(prices, 1, "{} on {day}, {read} tokens read", model.name);
            }
        }
    }

    #[test]
    fn an_introductory_price_ends_on_its_last_day() {
        let outputs = |first: &str, last: &str| -> Vec<String> {
            let days = (first.parse().unwrap(), last.parse().unwrap());
            let model = shipped_model(Engine::Gemini, "gemini-4-argon").unwrap();
            model.prices_for(Some(days), 1_000).map(|price| price.output.decimal()).collect()
        };
        assert_eq!(outputs("2026-11-30", "2026-11-30"), ["10.00"]);
        assert_eq!(outputs("2026-11-30", "2026-12-03"), ["10.00", "20.00"]);
        assert_eq!(outputs("2026-12-01", "2026-12-04"), ["20.00"]);
    }

    #[test]
    fn a_short_prompt_has_the_price_of_short_ones() {
        let outputs = |read: u64| -> Vec<String> {
            let model = shipped_model(Engine::Claude, "claude-haiku-5-5").unwrap();
            model.prices_for(None, read).map(|price| price.output.decimal()).collect()
        };
        assert_eq!((outputs(100_000), outputs(100_001)), (vec!["0.50".to_owned()], vec!["2.50".to_owned()]));
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
