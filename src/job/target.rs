//! Reads which targets a prompt set asks: engine, function, method, priority, model and the fields of the provider's
//! form.
//!
//! A row of `targets` takes precedence over the set, and the set over `[defaults]`. A field of the set applies to
//! those of its targets that have it, and one of `[defaults]` to those of all sets. It is a problem if none of them
//! has it, and always if a row gives it to a target that does not.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use super::Target;
use super::fields::{Keys, ModelFacts, NAMES};
use super::keys::{explain, with_fields};
use super::layers::Layers;
use crate::catalogue::{Served, find_model};
use crate::model::shipped_model;
use crate::near::nearest;
use crate::page::Section;
use crate::problem::Wrong;
use crate::product::{Engine, Function, Method, PRIORITIES, PRODUCTS, Priority, Product, ResultKind};

/// What a row of `targets` may say.
const KEYS: &[&str] = with_fields!["engine", "function", "method", "priority", "model", "model_name"];

/// How a model is called: by the provider's word, or in short.
const MODEL: [&str; 2] = ["model_name", "model"];

/// The fields of `[defaults]` that no target of any set has taken yet.
pub(super) struct UnusedDefaults<'d, 'p, 't> {
    defaults: Option<&'d Section<'p, 't>>,
    taken: BTreeSet<&'static str>,
    refused_by: Option<&'static Product>,
}

impl<'d, 'p, 't> UnusedDefaults<'d, 'p, 't> {
    pub(super) fn new(defaults: Option<&'d Section<'p, 't>>) -> Self {
        Self { defaults, taken: BTreeSet::new(), refused_by: None }
    }

    pub(super) fn report(&self) {
        let Some((defaults, product)) = self.defaults.zip(self.refused_by) else { return };
        for key in MODEL.iter().filter(|key| defaults.has(key) && !self.taken.contains(*key)) {
            defaults.page.wrong(defaults.key_span(key), no_model(product, key));
        }
        for field in NAMES.iter().filter(|field| defaults.has(field) && !self.taken.contains(*field)) {
            defaults.page.wrong(defaults.key_span(field), no_such_field(product, field));
        }
    }
}

pub(super) fn read_all(layers: &Layers<'_, '_>, served: &Served, unused: &mut UnusedDefaults<'_, '_, '_>) -> Targets {
    // An engine of the set's own stands against the defaults' list of targets.
    let problems = || layers.set.page.problems();
    let before = problems();
    let rows = match layers.with_any(&["targets", "engine"]) {
        Some(section) if section.has("targets") => {
            let rows = section.tables("targets", "a target").unwrap_or_default();
            rows.into_iter().map(Some).collect()
        }
        _ => vec![None],
    };
    let mut products = Vec::new();
    let mut read = Targets {
        list: Vec::new(),
        places: Vec::new(),
        all: problems() == before,
        need_place: rows.is_empty(),
        sound: false,
    };
    let mut sound: Vec<(usize, Target)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let before_row = problems();
        if let Some(row) = row {
            row.only(KEYS, |key| explain(key, row.name));
        }
        let reader = Reader { keys: Keys { layers, row: row.as_ref() }, served };
        let Some(target) = reader.target(&mut products) else {
            read.all = false;
            read.need_place |= !reader.may_be_placeless();
            continue;
        };
        read.need_place |= target.product().has_place && reader.keys.with("location_coordinate").is_none();
        // Of a row that could not be read in full it is not known what it asks.
        if problems() == before_row {
            if let Some((first, _)) = sound.iter().find(|(_, other)| other.asks_the_same_as(&target)) {
                let span = row.as_ref().map_or(layers.set.span.clone(), |row| row.span.clone());
                layers.set.page.wrong(span, Wrong::SameTarget { first: first + 1 });
            }
            sound.push((number, target.clone()));
        }
        read.places.push(reader.place(&target));
        read.list.push(target);
    }
    read.sound = problems() == before;
    note_fields(layers, &products, unused);
    read
}

/// Sees to it that each field of the set is one that a target of it has, and notes the same for the defaults.
fn note_fields(layers: &Layers<'_, '_>, products: &[&'static Product], unused: &mut UnusedDefaults<'_, '_, '_>) {
    let Some(first) = products.first() else {
        // Nothing is known of the targets, which has been said; to say more of their fields would be a guess.
        unused.taken.extend(NAMES.iter().chain(&MODEL));
        return;
    };
    let asks_one = |product: &&Product| product.function == Function::LlmResponses;
    if products.iter().any(asks_one) {
        unused.taken.extend(MODEL);
    } else {
        for key in MODEL.iter().filter(|key| layers.set.has(key)) {
            layers.set.page.wrong(layers.set.key_span(key), no_model(first, key));
        }
        unused.refused_by.get_or_insert(first);
    }
    for field in NAMES {
        if products.iter().any(|product| product.field(field).is_some()) {
            unused.taken.insert(field);
        } else if layers.set.has(field) {
            layers.set.page.wrong(layers.set.key_span(field), no_such_field(first, field));
        } else {
            unused.refused_by.get_or_insert(first);
        }
    }
}

fn no_model(product: &Product, key: &'static str) -> Wrong {
    Wrong::NoModel { engine: product.engine, function: product.function, key }
}

fn no_such_field(product: &Product, key: &'static str) -> Wrong {
    let names: Vec<String> = product.fields.iter().map(|field| format!("`{}`", field.name)).collect();
    let has = if names.is_empty() { "it has no fields".to_owned() } else { format!("it has {}", names.join(", ")) };
    Wrong::NoSuchField { engine: product.engine, function: product.function, key, has }
}

/// Whom a set asks.
pub(super) struct Targets {
    /// Those that could be read.
    pub(super) list: Vec<Target>,
    /// Where each of those says what is asked: its model, or the whole of it.
    pub(super) places: Vec<Range<usize>>,
    /// That is all of them.
    pub(super) all: bool,
    /// At least one is surely asked in a place of the set's.
    pub(super) need_place: bool,
    /// Nothing is wrong with them.
    pub(super) sound: bool,
}

struct Reader<'l, 'p, 't> {
    keys: Keys<'l, 'p, 't>,
    served: &'l Served,
}

impl<'p, 't> Reader<'_, 'p, 't> {
    fn with(&self, key: &str) -> Option<&Section<'p, 't>> {
        self.keys.with(key)
    }

    fn wrong(&self, key: &str, wrong: Wrong) {
        self.keys.layers.set.page.wrong(self.keys.span(key), wrong);
    }

    /// What could not be read asks a model, or an engine of which nothing else is sold.
    fn may_be_placeless(&self) -> bool {
        let word = |key: &str| self.with(key).and_then(|section| section.get(key)?.get_ref().as_str());
        match self.with("function") {
            Some(_) => word("function") != Some(Function::LlmScraper.name()),
            None => word("engine")
                .and_then(|engine| engine.parse().ok())
                .is_some_and(|engine| Product::find(engine, Function::LlmScraper, Method::Standard).is_none()),
        }
    }

    /// Where it says which model it asks; of what asks none, which engine.
    fn place(&self, target: &Target) -> Range<usize> {
        let keys: &[&str] = if target.model.is_some() { &MODEL } else { &["engine"] };
        let value = |section: &Section<'_, '_>| keys.iter().find_map(|key| section.get(key)).map(Spanned::span);
        self.keys.with_any(keys).and_then(value).unwrap_or_else(|| self.keys.span(keys[0]))
    }

    /// The target of the row, and its product in any case that there is one.
    fn target(&self, products: &mut Vec<&'static Product>) -> Option<Target> {
        let Some(with_engine) = self.with("engine") else {
            self.keys.row.unwrap_or(&self.keys.layers.set).need("engine", "engine = \"chat_gpt\"");
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
        let auto = priority.is_some_and(|(_, auto)| auto);
        let product = match find_product(&engine, function.as_ref(), method.as_ref(), auto) {
            Ok(product) => product,
            Err((span, wrong)) => {
                self.keys.layers.set.page.wrong(span, wrong);
                return None;
            }
        };
        products.push(product);
        let (model, facts) = self.model(product);
        if let Some(row) = self.keys.row {
            for field in NAMES.iter().filter(|field| row.has(field) && product.field(field).is_none()) {
                row.page.wrong(row.key_span(field), no_such_field(product, field));
            }
        }
        let options = self.keys.options(product, facts.as_model(model.as_deref().unwrap_or_default()));
        self.live_forms(product, &options);
        let (priority, auto) = priority?;
        if !product.priorities.contains(&priority) {
            let Product { engine, function, method, .. } = *product;
            self.wrong("priority", Wrong::OnePriority { engine, function, method });
        }
        Some(Target {
            engine: product.engine,
            function: product.function,
            method: product.method,
            priority,
            auto,
            model,
            options,
        })
    }

    /// The model that is asked, and what is known of it: by the provider's list where it is kept, else by the shipped one.
    fn model(&self, product: &'static Product) -> (Option<String>, Known) {
        let asks_one = product.function == Function::LlmResponses;
        let Some(section) = self.keys.with_any(&MODEL) else {
            if asks_one {
                let section = self.keys.row.unwrap_or(&self.keys.layers.set);
                section.need("model_name", "model_name = \"gpt-4.1-mini\"");
            }
            return (None, Known::default());
        };
        let key = MODEL.into_iter().find(|key| section.has(key)).unwrap_or(MODEL[0]);
        if asks_one && MODEL.iter().all(|key| section.has(key)) {
            section.page.wrong(section.key_span(key), Wrong::TwoModels);
        }
        let Some(text) = section.text(key) else { return (None, Known::default()) };
        if !asks_one {
            // A set's model is for those of its targets that ask one.
            if let Some(row) = self.keys.row.filter(|row| row.has(key)) {
                row.page.wrong(row.key_span(key), no_model(product, key));
            }
            return (None, Known::default());
        }
        let name = text.get_ref().trim().to_owned();
        if name.is_empty() || name.chars().any(char::is_control) {
            let wrong = if name.is_empty() { Wrong::Empty { key } } else { Wrong::BadModel { key } };
            section.page.wrong(text.span(), wrong);
            return (None, Known::default());
        }
        let shipped = shipped_model(product.engine, &name);
        let mut known = Known { reasons: shipped.map(|model| model.reasons), searches: None };
        if let Some(kept) = self.served.models.get(&product.engine) {
            let (engine, read_on) = (product.engine, kept.read_at.date_naive());
            match find_model(&kept.rows, &name) {
                None => {
                    let near = nearest(&name, kept.rows.iter().map(|row| row.name.as_str())).map(str::to_owned);
                    let wrong = Wrong::UnknownModel { engine, name: name.clone(), near, read_on };
                    section.page.wrong(text.span(), wrong);
                }
                Some(model) => {
                    known = Known { reasons: model.reasoning.or(known.reasons), searches: model.web_search_supported };
                    // What the provider does not say is no yes.
                    if product.method == Method::Standard && model.task_post_supported != Some(true) {
                        section.page.wrong(text.span(), Wrong::LiveModel { engine, name: name.clone(), read_on });
                    }
                }
            }
        }
        (Some(name), known)
    }

    /// A Live answer comes in one form, and the structured one knows no expanded citations.
    fn live_forms(&self, product: &Product, options: &[(&'static str, String)]) {
        let results = self.keys.layers.results;
        if product.method != Method::Live || product.results.len() < 2 {
            return;
        }
        if results.len() > 1 {
            self.wrong("method", Wrong::LiveForms { forms: results.len() });
        }
        let key = "expand_citations";
        if results == [ResultKind::Advanced] && options.iter().any(|(name, _)| *name == key) {
            let why = "it changes pages alone: write `results = [\"html\"]`, or leave it out".to_owned();
            self.wrong(key, Wrong::NotLikeThat { key, engine: product.engine, why });
        }
    }

    /// How soon, and whether that is to be chosen by the deadline: then the slowest is where it begins.
    fn priority(&self) -> Option<(Priority, bool)> {
        let Some(section) = self.with("priority") else { return Some((Priority::Normal, false)) };
        let text = section.text("priority")?;
        if *text.get_ref() != "auto" {
            let Ok(priority) = text.get_ref().parse() else {
                section.unknown_word("priority", &text, PRIORITIES);
                return None;
            };
            return Some((priority, false));
        }
        if self.with("method").is_some() {
            self.wrong("method", Wrong::AutoAndMethod);
        }
        Some((Priority::Normal, true))
    }
}

/// What is known of a model.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    reasons: Option<bool>,
    searches: Option<bool>,
}

impl Known {
    fn as_model(self, name: &str) -> ModelFacts<'_> {
        ModelFacts { name, reasons: self.reasons, searches: self.searches }
    }
}

/// The product for what was asked, or what is wrong with asking for it, at the word that makes it so.
fn find_product(
    engine: &Spanned<Engine>,
    function: Option<&Spanned<Function>>,
    method: Option<&Spanned<Method>>,
    auto: bool,
) -> Result<&'static Product, (Range<usize>, Wrong)> {
    let wanted_function = function.map_or(Function::LlmScraper, |function| *function.get_ref());
    let wanted_method = method.map_or(Method::Standard, |method| *method.get_ref());
    let wanted_engine = *engine.get_ref();
    if let Some(product) = Product::find(wanted_engine, wanted_function, wanted_method) {
        return Ok(product);
    }
    let of_function = || PRODUCTS.iter().filter(|product| product.function == wanted_function);
    let (engine_span, engine, function) = (engine.span(), wanted_engine, wanted_function);
    if let Some(other) = of_function().find(|product| product.engine == engine) {
        if auto {
            // Sold Live alone: there is nothing to choose.
            return Ok(other);
        }
        let works = format!("write `method = \"{}\"`", other.method);
        let span = method.map_or(engine_span, Spanned::span);
        return Err((span, Wrong::NoSuchMethod { engine, function, method: wanted_method, works }));
    }
    let engines: BTreeSet<String> = of_function().map(|product| format!("`{}`", product.engine)).collect();
    let only = format!("only {} have it", engines.into_iter().collect::<Vec<_>>().join(" and "));
    let other = PRODUCTS.iter().find(|product| product.engine == engine && product.function != wanted_function);
    let works = other.map_or_else(
        || only.clone(),
        |other| format!("{only}: write `function = \"{}\"` and a `model_name`", other.function),
    );
    Err((engine_span, Wrong::NotSold { engine, function, works }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_can_be_written_in_sets_and_targets() {
        assert!(NAMES.iter().all(|field| KEYS.contains(field) && crate::job::keys::SET_KEYS.contains(field)));
    }
}
