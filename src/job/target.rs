//! Reads whom a prompt set asks: engine, function, method, priority and the vendor's switches.
//!
//! A row of `targets` says what it says, then the set, then `[defaults]`. A switch of the set goes to those of its
//! targets that have it, and one of `[defaults]` to those of all sets; it is a problem where none of them has it, and
//! always where a row gives it to a target that does not.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use super::Target;
use super::read::explain;
use super::set::Layers;
use crate::offer::{Engine, Function, Method, OFFERS, Offer, Priority, Switch};
use crate::page::Section;
use crate::problem::Wrong;

/// What a row of `targets` may say.
const KEYS: &[&str] = &["engine", "function", "method", "priority", "model", "expand_citations", "force_web_search"];

/// Every switch of every offer.
const SWITCHES: &[&str] = &["expand_citations", "force_web_search"];

const WORKS: &str = "for now, choose engine `chat_gpt` or `gemini`, function `llm_scraper`, method `standard`";

/// The switches of `[defaults]` that no target of any set has taken yet.
pub(super) struct UnusedDefaults<'d, 'p, 't> {
    defaults: Option<&'d Section<'p, 't>>,
    taken: BTreeSet<&'static str>,
    refused_by: Option<&'static Offer>,
}

impl<'d, 'p, 't> UnusedDefaults<'d, 'p, 't> {
    pub(super) fn new(defaults: Option<&'d Section<'p, 't>>) -> Self {
        Self { defaults, taken: BTreeSet::new(), refused_by: None }
    }

    pub(super) fn report(&self) {
        let Some((defaults, offer)) = self.defaults.zip(self.refused_by) else { return };
        for switch in SWITCHES.iter().filter(|switch| defaults.has(switch) && !self.taken.contains(*switch)) {
            defaults.page.wrong(defaults.key_span(switch), no_such_switch(offer, switch));
        }
    }
}

pub(super) fn read_all(layers: &Layers<'_, '_>, unused: &mut UnusedDefaults<'_, '_, '_>) -> Vec<Target> {
    // An engine of the set's own stands against the defaults' list of targets.
    let rows = match layers.with_any(&["targets", "engine"]) {
        Some(section) if section.has("targets") => {
            let rows = section.tables("targets", "a target").unwrap_or_default();
            rows.into_iter().map(Some).collect()
        }
        _ => vec![None],
    };
    let mut offers = Vec::new();
    let mut targets: Vec<Target> = Vec::new();
    for row in &rows {
        if let Some(row) = row {
            row.only(KEYS, |key| explain(key, row.name));
        }
        let reader = Reader { layers, row: row.as_ref() };
        let Some(target) = reader.target(&mut offers) else { continue };
        if let Some(first) = targets.iter().position(|other| other.asks_the_same_as(&target)) {
            let span = row.as_ref().map_or(layers.set.span.clone(), |row| row.span.clone());
            layers.set.page.wrong(span, Wrong::SameTarget { first: first + 1 });
        }
        targets.push(target);
    }
    note_switches(layers, &offers, unused);
    targets
}

/// Sees to it that each switch of the set is one that a target of it has, and notes the same for the defaults.
fn note_switches(layers: &Layers<'_, '_>, offers: &[&'static Offer], unused: &mut UnusedDefaults<'_, '_, '_>) {
    let Some(first) = offers.first() else {
        // Nothing is known of the targets, which has been said; to say more of their switches would be a guess.
        unused.taken.extend(SWITCHES);
        return;
    };
    for switch in SWITCHES {
        let taken = offers.iter().any(|offer| offer.switches.iter().any(|known| known.name == *switch));
        if taken {
            unused.taken.insert(switch);
        } else if layers.set.has(switch) {
            layers.set.page.wrong(layers.set.key_span(switch), no_such_switch(first, switch));
        } else {
            unused.refused_by.get_or_insert(first);
        }
    }
}

fn no_such_switch(offer: &Offer, switch: &'static str) -> Wrong {
    let names: Vec<String> = offer.switches.iter().map(|switch| format!("`{}`", switch.name)).collect();
    let has = if names.is_empty() { "it has no switches".to_owned() } else { format!("it has {}", names.join(", ")) };
    Wrong::NoSuchSwitch { engine: offer.engine, function: offer.function, switch, has }
}

struct Reader<'l, 'p, 't> {
    layers: &'l Layers<'p, 't>,
    row: Option<&'l Section<'p, 't>>,
}

impl<'p, 't> Reader<'_, 'p, 't> {
    fn with(&self, key: &str) -> Option<&Section<'p, 't>> {
        self.row.filter(|row| row.has(key)).or_else(|| self.layers.with(key))
    }

    /// The target of the row, and its offer in any case that there is one.
    fn target(&self, offers: &mut Vec<&'static Offer>) -> Option<Target> {
        let page = self.layers.set.page;
        let Some(with_engine) = self.with("engine") else {
            self.row.unwrap_or(&self.layers.set).need("engine", "engine = \"chat_gpt\"");
            return None;
        };
        let engine = with_engine.word::<Engine>("engine");
        let function = self.with("function").and_then(|section| section.word::<Function>("function"));
        let method = self.with("method").and_then(|section| section.word::<Method>("method"));
        let priority = self.priority();
        let broken = |key: &str, read: bool| self.with(key).is_some() && !read;
        if broken("function", function.is_some()) || broken("method", method.is_some()) {
            return None;
        }
        let engine = engine?;
        let offer = match find_offer(&engine, function.as_ref(), method.as_ref()) {
            Ok(offer) => offer,
            Err((span, wrong)) => {
                page.wrong(span, wrong);
                return None;
            }
        };
        offers.push(offer);
        if let Some(section) = self.with("model") {
            section.text("model");
            if offer.function == Function::LlmScraper {
                let wrong = Wrong::NoModel { engine: offer.engine, function: offer.function };
                page.wrong(section.key_span("model"), wrong);
            }
        }
        let options = self.options(offer);
        Some(Target {
            engine: offer.engine,
            function: offer.function,
            method: offer.method,
            priority: priority?,
            model: None,
            options,
        })
    }

    fn priority(&self) -> Option<Priority> {
        let Some(section) = self.with("priority") else { return Some(Priority::Normal) };
        let text = section.text("priority")?;
        if *text.get_ref() == "auto" {
            let works = "choose \"normal\" or \"high\"";
            section.page.wrong(text.span(), Wrong::NotBuilt { what: "`priority = \"auto\"`".to_owned(), works });
            return None;
        }
        section.parse_word("priority", &text)
    }

    /// The switches that are on, by name; the vendor's default is off.
    fn options(&self, offer: &'static Offer) -> Vec<(&'static str, bool)> {
        let page = self.layers.set.page;
        if let Some(row) = self.row {
            for switch in SWITCHES.iter().filter(|switch| row.has(switch)) {
                if !offer.switches.iter().any(|known| known.name == *switch) {
                    page.wrong(row.key_span(switch), no_such_switch(offer, switch));
                }
            }
        }
        let is_on = |name: &str| self.with(name).and_then(|section| section.boolean(name)).unwrap_or(false);
        let mut options = Vec::new();
        for Switch { name, needs } in offer.switches {
            if !is_on(name) {
                continue;
            }
            if let Some(needs) = needs.filter(|needs| !is_on(needs)) {
                let span = self.with(name).map_or(self.layers.set.span.clone(), |section| section.key_span(name));
                page.wrong(span, Wrong::SwitchNeeds { engine: offer.engine, switch: name, needs });
            }
            options.push((*name, true));
        }
        options.sort_unstable();
        options
    }
}

/// The offer for what was asked, or what is wrong with asking for it, at the word that makes it so.
fn find_offer(
    engine: &Spanned<Engine>,
    function: Option<&Spanned<Function>>,
    method: Option<&Spanned<Method>>,
) -> Result<&'static Offer, (Range<usize>, Wrong)> {
    let wanted_function = function.map_or(Function::LlmScraper, |function| *function.get_ref());
    let wanted_method = method.map_or(Method::Standard, |method| *method.get_ref());
    if let Some(offer) = Offer::find(*engine.get_ref(), wanted_function, wanted_method) {
        return Ok(offer);
    }
    let sold = |offer: &&Offer| offer.function == wanted_function;
    if wanted_function == Function::LlmScraper && !OFFERS.iter().any(|o| sold(&o) && o.engine == *engine.get_ref()) {
        let engines: Vec<String> = OFFERS.iter().filter(sold).map(|offer| format!("`{}`", offer.engine)).collect();
        let works = format!("only {} have it", engines.join(" and "));
        let (engine_span, engine) = (engine.span(), *engine.get_ref());
        return Err((engine_span, Wrong::NotSold { engine, function: wanted_function, works }));
    }
    let not_built =
        |what: &dyn std::fmt::Display, span| Err((span, Wrong::NotBuilt { what: format!("`{what}`"), works: WORKS }));
    match (function, method) {
        (Some(function), _) if *function.get_ref() != Function::LlmScraper => {
            not_built(function.get_ref(), function.span())
        }
        (_, Some(method)) if *method.get_ref() != Method::Standard => not_built(method.get_ref(), method.span()),
        _ => not_built(engine.get_ref(), engine.span()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_of_every_offer_can_be_written_in_sets_and_targets() {
        let all: BTreeSet<&str> = OFFERS.iter().flat_map(|offer| offer.switches).map(|switch| switch.name).collect();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), SWITCHES);
        assert!(SWITCHES.iter().all(|switch| KEYS.contains(switch) && super::super::set::KEYS.contains(switch)));
    }
}
