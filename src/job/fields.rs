//! Reads the fields of the provider's request form that can change an answer: the values of each, and which exclude
//! each other.
//!
//! A field's value becomes the JSON that goes over the wire. A value that is the provider's default is left out, so a
//! question is the same whether it spells the default out or not. The rules come from the provider's pages for LLM
//! Responses: what a model that reasons takes, that ChatGPT and Claude take either `temperature` or `top_p`, and
//! which countries Claude knows.

use std::ops::Range;

use rust_decimal::Decimal;
use toml::de::DeValue;

use super::keys::with_fields;
use super::layers::Layers;
use crate::catalogue::undated;
use crate::page::Section;
use crate::problem::Wrong;
use crate::product::{Engine, Field, FieldKind, Product, RESPONSES_CHAIN, RESPONSES_CHARS, Role};
use crate::text::one_line_end;

/// Every field of every product.
pub(super) const NAMES: &[&str] = with_fields![];

/// ChatGPT's models that search in no country and no city.
const PLACELESS: &[&str] = &["o3-mini", "o1-pro", "o1"];
/// The countries that Claude searches in.
const CLAUDE_COUNTRIES: &str =
    "AR AT AU BE BR CA CH CL CN DE DK ES FI FR GB HK ID IN IT JP KR MX MY NL NO NZ PH PL PT RU SA SE TR TW US ZA";
/// Decimals that make a difference to a model.
const MOST_DECIMALS: u32 = 4;
/// What the provider takes for a place by coordinates: decimals of a degree, and the radius in its own unit.
const COORDINATE_DECIMALS: u32 = 7;
const RADIUS: std::ops::RangeInclusive<u32> = 199..=199_999;

/// What the fields of a target say, by name, as JSON.
pub(super) type Options = Vec<(&'static str, String)>;

/// What is known of the model that is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ModelFacts<'m> {
    /// Its name as it stands in the job.
    pub(super) name: &'m str,
    /// It reasons before it answers, where that is known.
    pub(super) reasons: Option<bool>,
    /// It searches the web, where that is known.
    pub(super) searches: Option<bool>,
}

/// Where a key of a target stands: in its row, in its set or in `[defaults]`.
pub(super) struct Keys<'l, 'p, 't> {
    pub(super) layers: &'l Layers<'p, 't>,
    pub(super) row: Option<&'l Section<'p, 't>>,
}

impl<'p, 't> Keys<'_, 'p, 't> {
    /// The section whose word on a key counts.
    pub(super) fn with(&self, key: &str) -> Option<&Section<'p, 't>> {
        self.row.filter(|row| row.has(key)).or_else(|| self.layers.with(key))
    }

    /// Where a problem with a key is shown.
    pub(super) fn span(&self, key: &str) -> Range<usize> {
        self.with(key).map_or_else(
            || self.row.map_or(self.layers.set.span.clone(), |row| row.span.clone()),
            |section| section.key_span(key),
        )
    }

    /// The section whose word on a group of keys counts.
    pub(super) fn with_any(&self, keys: &[&str]) -> Option<&Section<'p, 't>> {
        let own = self.row.filter(|row| keys.iter().any(|key| row.has(key)));
        own.or_else(|| self.layers.with_any(keys))
    }

    /// What a switch says; none where it is written and says neither: it is no switch, or that is a problem of its own.
    fn says(&self, name: &str) -> Option<bool> {
        self.with(name).map_or(Some(false), |section| section.get(name)?.get_ref().as_bool())
    }

    fn is_on(&self, name: &str) -> bool {
        self.says(name) == Some(true)
    }

    fn wrong(&self, key: &str, wrong: Wrong) {
        self.layers.set.page.wrong(self.span(key), wrong);
    }

    /// The fields of a product as they are written.
    pub(super) fn options(&self, product: &'static Product, model: ModelFacts<'_>) -> Options {
        let mut options = Options::new();
        for field in product.fields {
            let Some(section) = self.with(field.name) else { continue };
            let Some(value) = read(section, field) else { continue };
            let is_default = field.default == Some(&*value);
            if let Some(needs) = field.needs.filter(|needs| !is_default && self.says(needs) == Some(false)) {
                let kind = product.field(needs).map(|needed| needed.kind);
                let value = if kind == Some(FieldKind::Country) { "\"DE\"" } else { "true" };
                let add = format!("{needs} = {value}");
                self.wrong(field.name, Wrong::SwitchNeeds { engine: product.engine, switch: field.name, needs, add });
            }
            self.excluded(product, field, &value, model);
            if !is_default {
                options.push((field.name, value));
            }
        }
        options.sort_unstable();
        options
    }

    /// What a field may not stand beside, or not for this model.
    fn excluded(&self, product: &Product, field: &Field, value: &str, model: ModelFacts<'_>) {
        use Engine::{ChatGpt, Claude, Gemini, Perplexity};
        let engine = product.engine;
        let reasons = model.reasons == Some(true);
        let told_to_reason = self.is_on("use_reasoning");
        let not_with = |other: &str| {
            let (key, why) = (field.name, format!("it cannot stand beside `{other}`: leave one of the two out"));
            self.wrong(field.name, Wrong::NotLikeThat { key, engine, why });
        };
        let not_for_model = |why: &str| {
            let why = format!("`{}` {why}: leave it out, or choose another model", model.name);
            self.wrong(field.name, Wrong::NotLikeThat { key: field.name, engine, why });
        };
        match (field.name, engine) {
            ("top_p", ChatGpt | Claude) if self.with("temperature").is_some() => not_with("temperature"),
            ("temperature" | "top_p", Claude) if told_to_reason => not_with("use_reasoning"),
            ("force_web_search", Claude) if told_to_reason && value == "true" => not_with("use_reasoning"),
            ("temperature", ChatGpt) if reasons => not_for_model("reasons, and has no temperature"),
            ("force_web_search", ChatGpt) if reasons && value == "true" => {
                not_for_model("reasons, and cannot be made to search");
            }
            ("use_reasoning", Claude | Gemini) if value == "true" && model.reasons == Some(false) => {
                not_for_model("does not reason");
            }
            ("web_search", ChatGpt | Claude | Gemini) if value == "true" && model.searches == Some(false) => {
                not_for_model("does not search the web, by the provider's list");
            }
            ("web_search_city" | "web_search_country_iso_code", ChatGpt)
                if PLACELESS.contains(&undated(model.name)) =>
            {
                not_for_model("searches in no place of its own");
            }
            ("web_search_country_iso_code", Claude)
                if !CLAUDE_COUNTRIES.split(' ').any(|known| value.trim_matches('"') == known) =>
            {
                let why = format!("the countries that it searches in are {CLAUDE_COUNTRIES}");
                self.wrong(field.name, Wrong::NotLikeThat { key: field.name, engine, why });
            }
            ("web_search_country_iso_code", Perplexity) if !model.name.starts_with("sonar") => {
                not_for_model("searches in no country of its own, as the sonar models do");
            }
            ("max_output_tokens", _) => {
                let least = match engine {
                    ChatGpt if reasons => 1_024,
                    ChatGpt => 16,
                    Claude if told_to_reason => 1_025,
                    Gemini if told_to_reason || model.name.split('-').any(|part| part == "pro") => 1_024,
                    Claude | Gemini | Perplexity => 1,
                };
                if value.parse::<u32>().is_ok_and(|tokens| tokens < least) {
                    let why = format!("write {least} or more");
                    self.wrong(field.name, Wrong::NotLikeThat { key: field.name, engine, why });
                }
            }
            ("message_chain", Perplexity) if !alternates(value) => {
                let why = "the turns of `user` and `ai` must alternate".to_owned();
                self.wrong(field.name, Wrong::NotLikeThat { key: field.name, engine, why });
            }
            _ => {}
        }
    }
}

/// The JSON of a field's value; a problem where it may not hold that.
fn read(section: &Section<'_, '_>, field: &Field) -> Option<String> {
    let name = field.name;
    match field.kind {
        FieldKind::Switch => section.boolean(name).map(|on| on.to_string()),
        FieldKind::Whole(least, most) => section.whole(name, least..=most).map(|number| number.to_string()),
        FieldKind::Tenths(most) => decimal(section, name, Decimal::new(most.into(), 1)),
        FieldKind::Text(most) => {
            let written = section.text(name)?;
            let text = one_line_end(written.get_ref());
            let chars = text.chars().count();
            let wrong = match chars {
                _ if text.trim().is_empty() => Some(Wrong::Empty { key: name }),
                chars if chars > most => Some(Wrong::TextTooLong { key: name, chars, max: most }),
                _ if text.contains('\0') => Some(Wrong::Nul),
                _ => None,
            };
            if let Some(wrong) = wrong {
                section.page.wrong(written.span(), wrong);
                return None;
            }
            Some(json(&text))
        }
        FieldKind::Country => {
            let text = section.text(name)?;
            let word = *text.get_ref();
            if word.len() == 2 && word.bytes().all(|letter| letter.is_ascii_uppercase()) {
                return Some(json(word));
            }
            section.page.wrong(text.span(), Wrong::BadCountry { word: word.to_owned() });
            None
        }
        FieldKind::Chain => chain(section, name),
        FieldKind::Coordinate => {
            let text = section.text(name)?;
            if is_coordinate(text.get_ref()) {
                return Some(json(text.get_ref()));
            }
            section.page.wrong(text.span(), Wrong::BadCoordinate { text: (*text.get_ref()).to_owned() });
            None
        }
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A number from nothing to `most`, as its shortest decimal text.
fn decimal(section: &Section<'_, '_>, name: &'static str, most: Decimal) -> Option<String> {
    let value = section.get(name)?;
    let digits = section.typed(name, value, "a number", |value| match value {
        DeValue::Integer(whole) => Some(whole.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    })?;
    let read: Option<Decimal> = digits.replace('_', "").parse().ok().map(|number: Decimal| number.normalize());
    let fits = |number: &Decimal| (Decimal::ZERO..=most).contains(number) && number.scale() <= MOST_DECIMALS;
    let Some(number) = read.filter(fits) else {
        let wrong = Wrong::NoSuchNumber {
            key: name,
            max: most.normalize().to_string(),
            decimals: MOST_DECIMALS,
            found: digits,
        };
        section.page.wrong(value.span(), wrong);
        return None;
    };
    Some(number.to_string())
}

/// What was said before, as the provider takes it.
fn chain(section: &Section<'_, '_>, name: &'static str) -> Option<String> {
    const KEYS: &[&str] = &["role", "message"];
    let rows = section.tables(name, "a message")?;
    if rows.len() > RESPONSES_CHAIN {
        let wrong = Wrong::ChainTooLong { messages: rows.len(), max: RESPONSES_CHAIN };
        section.page.wrong(section.key_span(name), wrong);
    }
    let mut said = Vec::with_capacity(rows.len());
    for row in &rows {
        row.only(KEYS, |_| None);
        row.need("role", "role = \"user\"");
        row.need("message", "message = \"I ride 5 km a day.\"");
        let role = row.word::<Role>("role");
        let message =
            read(row, &Field { name: "message", kind: FieldKind::Text(RESPONSES_CHARS), needs: None, default: None });
        if let (Some(role), Some(message)) = (role, message) {
            said.push(format!("{{\"role\":\"{}\",\"message\":{message}}}", role.get_ref()));
        }
    }
    (said.len() == rows.len()).then(|| format!("[{}]", said.join(",")))
}

/// No two turns in a row are of the same.
fn alternates(chain: &str) -> bool {
    let turns: Vec<serde_json::Value> = serde_json::from_str(chain).unwrap_or_default();
    turns.windows(2).all(|pair| pair[0]["role"] != pair[1]["role"])
}

/// `latitude,longitude,radius`, degrees with up to seven decimals.
fn is_coordinate(text: &str) -> bool {
    let degrees = |part: &str, most: i64| {
        let read: Result<Decimal, _> = part.parse();
        read.is_ok_and(|degrees| degrees.abs() <= Decimal::from(most) && degrees.scale() <= COORDINATE_DECIMALS)
    };
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-')) {
        return false;
    }
    let parts: Vec<&str> = text.split(',').collect();
    let [latitude, longitude, radius] = parts[..] else { return false };
    degrees(latitude, 90) && degrees(longitude, 180) && radius.parse().is_ok_and(|radius| RADIUS.contains(&radius))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::product::PRODUCTS;

    #[test]
    fn every_field_can_stand_in_sets_and_targets() {
        let all: BTreeSet<&str> = PRODUCTS.iter().flat_map(|product| product.fields).map(|field| field.name).collect();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), NAMES);
    }

    #[test]
    fn coordinates_are_two_degrees_and_a_radius() {
        for text in ["48.2035,16.3689,2000", "-90,180,199", "0.1234567,-0,199999"] {
            assert!(is_coordinate(text), "{text}");
        }
        for text in [
            "48.2,16.3",
            "91,0,200",
            "0,181,200",
            "0,0,198",
            "0,0,200000",
            "0,0,200,1",
            "a,0,200",
            "0.12345678,0,200",
            "4_8,0,200",
            "+1,0,200",
        ] {
            assert!(!is_coordinate(text), "{text}");
        }
    }
}
