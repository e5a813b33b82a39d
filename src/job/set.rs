//! Reads the prompt sets: their weights, what is asked and where. `target` reads which engine is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::keys::{DEFAULTS_KEYS, SET_CALLED, SET_KEYS, explain};
use super::layers::Layers;
use super::place::Where;
use super::priced::{CEILING, Priced};
use super::prompts::Gathering;
use super::stream::Files;
use super::target::{self, Targets};
use super::{Asked, PromptSet, Target, source};
use crate::catalogue::Served;
use crate::market::Market;
use crate::page::Section;
use crate::problem::Wrong;
use crate::product::{Product, ResultKind};

const COORDINATE: &str = "location_coordinate";
const MARKET_KEYS: &[&str] = &["location", "language"];

/// Repeats beyond this are a slip of the finger: a share is known to three per cent after a thousand.
const MOST_REPEATS: u32 = 1_000;

pub(super) fn read_all<'p>(
    path: &Path,
    root: &Section<'p, '_>,
    files: &dyn Files,
    served: &Served,
    (results, user_prompt_decoded, priced): (&'p [ResultKind], bool, Option<Priced<'p>>),
    gathering: &mut Gathering,
) -> Vec<PromptSet> {
    let defaults = root.table("defaults", "[defaults]");
    if let Some(defaults) = &defaults {
        defaults.only_called(DEFAULTS_KEYS, SET_CALLED, |key| match key {
            "name" => Some(own_key(key, "each [[prompt_set]] has a name of its own")),
            _ => explain(key, defaults.name),
        });
    }
    let sections = root.tables("prompt_set", "a prompt set");
    if !root.has("prompt_set") {
        root.page.wrong(root.span.clone(), Wrong::NoPromptSet);
    }
    let mut names = BTreeMap::new();
    let mut sets = Vec::new();
    let mut fields = target::UnusedDefaults::new(defaults.as_ref());
    for section in sections.unwrap_or_default() {
        section.only_called(SET_KEYS, SET_CALLED, |key| explain(key, section.name));
        section.need("name", "name = \"crm\"");
        let name = section.name("name");
        if let Some(name) = &name {
            let line = section.page.place(name.span()).line;
            let first = *names.entry(name.get_ref().clone()).or_insert(line);
            if first != line {
                section.page.wrong(name.span(), Wrong::SetNameTaken { name: name.get_ref().clone(), first });
            }
        }
        let layers = Layers { set: section, defaults: defaults.clone(), results, user_prompt_decoded, priced };
        let set = read(path, &layers, name.map(Spanned::into_inner), (files, served), gathering, &mut fields);
        sets.extend(set);
    }
    fields.report();
    sets
}

fn own_key(key: &str, hint: &str) -> Wrong {
    Wrong::UnknownKey { key: key.to_owned(), table: "[defaults]", known: DEFAULTS_KEYS, hint: Some(hint.to_owned()) }
}

fn read(
    path: &Path,
    layers: &Layers<'_, '_>,
    name: Option<String>,
    (files, served): (&dyn Files, &Served),
    gathering: &mut Gathering,
    fields: &mut target::UnusedDefaults<'_, '_, '_>,
) -> Option<PromptSet> {
    let whole =
        |key: &'static str, most| layers.with(key).and_then(|section| section.whole(key, 1..=most)).unwrap_or(1);
    let weight = whole("weight", 1_000);
    let repeats = whole("repeats", MOST_REPEATS);
    let max_cost_per_task = layers.with(CEILING).and_then(|section| section.amount(CEILING));
    let targets = target::read_all(layers, served, fields);
    let markets = read_markets(layers, &Where::of(served, &targets.list), &targets);
    let source = source::find(path, layers);
    let gathered = source.and_then(|found| gathering.read(layers, found, files, &targets.list));
    if let Some(priced) = layers.priced {
        let prompt_bytes = gathered.as_ref().map_or(0, |gathered| gathered.longest);
        priced.set(
            layers.set.page,
            layers.with(CEILING),
            (&targets.list, &targets.places),
            Asked { prompt_bytes, ceiling: max_cost_per_task },
        );
    }
    let at = layers.set.page.place(layers.set.span.clone());
    let gathered = gathered?;
    Some(PromptSet {
        name: name?,
        weight,
        repeats,
        prompts: gathered.prompts,
        duplicates: gathered.duplicates,
        empty_rows: gathered.empty_rows,
        longest_prompt: gathered.longest,
        samples: gathered.samples,
        suspects: gathered.suspects,
        recognised: gathered.recognised,
        markets,
        targets: targets.list,
        max_cost_per_task,
        at,
        source: gathered.source,
    })
}

fn read_markets(layers: &Layers<'_, '_>, place: &Where<'_>, targets: &Targets) -> Vec<Market> {
    const LISTS: [&str; 2] = ["locations", "languages"];
    for section in std::iter::once(&layers.set).chain(&layers.defaults) {
        if let Some(other) = LISTS.into_iter().find(|key| section.has(key) && section.has("markets")) {
            section.page.wrong(section.key_span("markets"), Wrong::MarketsAndLists { other });
        }
    }
    let asked_somewhere = targets.list.iter().any(has_place);
    if let Some(first) = targets.list.first().filter(|_| targets.all && !asked_somewhere) {
        // A place of the set's own would change nothing; one of the defaults is for other sets.
        let written = ["markets", "locations", "languages"].into_iter().filter(|key| layers.set.has(key));
        for key in written {
            layers.set.page.wrong(layers.set.key_span(key), Wrong::NoPlace { key, function: first.function });
        }
        return Vec::new();
    }
    if targets.list.iter().any(has_coordinate) {
        return by_coordinate(layers, place, targets);
    }
    match layers.with_any(&["markets", "locations", "languages"]) {
        Some(section) if section.has("markets") => read_pairs(section, place),
        _ => read_lists(layers, place, targets.need_place),
    }
}

fn has_place(target: &Target) -> bool {
    Product::find(target.engine, target.function, target.method).is_some_and(|product| product.has_place)
}

fn has_coordinate(target: &Target) -> bool {
    target.options.iter().any(|(name, _)| *name == COORDINATE)
}

/// The place stands in a field of the request, so that a market is a language alone.
fn by_coordinate(layers: &Layers<'_, '_>, place: &Where<'_>, targets: &Targets) -> Vec<Market> {
    // A coordinate of the set's own stands against the places of the defaults.
    let own = |defaults: &&Section<'_, '_>| {
        layers.set.has(COORDINATE) || layers.set.has("targets") && !defaults.has(COORDINATE)
    };
    let sections = || std::iter::once(&layers.set).chain(layers.defaults.as_ref().filter(|defaults| !own(defaults)));
    for key in ["markets", "locations"] {
        if let Some(section) = sections().find(|section| section.has(key)) {
            section.page.wrong(section.key_span(key), Wrong::TwoPlaces { key });
        }
    }
    let without = |target: &&Target| has_place(target) && !has_coordinate(target);
    if let Some(other) = targets.list.iter().find(without).filter(|_| targets.sound) {
        layers.set.page.wrong(layers.set.span.clone(), Wrong::NoCoordinate { engine: other.engine });
    }
    languages(layers, place, true).iter().map(|language| place.market(0, language)).collect()
}

fn languages(layers: &Layers<'_, '_>, place: &Where<'_>, needed: bool) -> Vec<String> {
    if needed && layers.with("languages").is_none() {
        layers.set.need("languages", "languages = [\"English\"]");
    }
    let languages = layers
        .with("languages")
        .map(|section| read_list(section, "languages", |section, value| place.language(section, value)));
    languages.unwrap_or_default()
}

fn read_pairs(section: &Section<'_, '_>, place: &Where<'_>) -> Vec<Market> {
    let mut markets = Vec::new();
    for row in section.tables("markets", "a market").unwrap_or_default() {
        row.only(MARKET_KEYS, |key| match key {
            "locations" | "location_name" | "location_code" => Some(not_in_market(key, "location")),
            "languages" | "language_name" | "language_code" => Some(not_in_market(key, "language")),
            _ => None,
        });
        row.need("location", "location = \"Germany\"");
        row.need("language", "language = \"de\"");
        let location = row.get("location").and_then(|value| place.location(&row, value));
        let language = row.get("language").and_then(|value| place.language(&row, value));
        let (Some(location), Some(language)) = (location, language) else { continue };
        let market = place.market(location, &language);
        if markets.contains(&market) {
            row.page.wrong(row.span.clone(), Wrong::ListedTwice { key: "markets", item: format!("`{market}`") });
        }
        markets.push(market);
    }
    markets
}

fn not_in_market(key: &str, near: &str) -> Wrong {
    let hint = Some(format!("did you mean `{near}`?"));
    Wrong::UnknownKey { key: key.to_owned(), table: "a market", known: MARKET_KEYS, hint }
}

/// Every place with every language, place by place.
fn read_lists(layers: &Layers<'_, '_>, place: &Where<'_>, needed: bool) -> Vec<Market> {
    if needed && layers.with("locations").is_none() {
        layers.set.need("locations", "locations = [\"United States\"]");
    }
    let locations = layers
        .with("locations")
        .map(|section| read_list(section, "locations", |section, value| place.location(section, value)));
    let languages = languages(layers, place, needed);
    let pairs = |location: u32| languages.iter().map(move |language| place.market(location, language));
    locations.unwrap_or_default().into_iter().flat_map(pairs).collect()
}

fn read_list<T: Clone + Ord>(
    section: &Section<'_, '_>,
    key: &'static str,
    read: impl Fn(&Section<'_, '_>, &Spanned<DeValue<'_>>) -> Option<T>,
) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for value in section.list(key).unwrap_or_default() {
        let Some(item) = read(section, value) else { continue };
        if seen.insert(item.clone()) {
            list.push(item);
        } else {
            let item = section.page.text_of(value.span()).to_owned();
            section.page.wrong(value.span(), Wrong::ListedTwice { key, item });
        }
    }
    list
}
