//! The provider's lists of what an engine serves: the complete list, or none at all.
//!
//! Jobs are refused because of what such a list lacks, so nothing in it may be overlooked.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lists::UnreadableList;
use super::rows::Row;
use super::values::{elements, number, object, text};
use crate::catalogue::{List, Model};
use crate::market::{Language, Location};
use crate::product::Engine;

/// The path of a list of an engine's.
pub fn catalogue_path(list: List, engine: Engine) -> String {
    let function = match list {
        List::Locations | List::Languages => "llm_scraper",
        List::Models => "llm_responses",
    };
    format!("/v3/ai_optimization/{engine}/{function}/{list}")
}

/// The places in a row of `locations`.
pub fn locations(row: &Row<'_>) -> Result<Vec<Location>, UnreadableList> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        location_code: Option<&'a RawValue>,
        #[serde(borrow, default)]
        location_name: Option<&'a RawValue>,
        #[serde(borrow, default)]
        location_code_parent: Option<&'a RawValue>,
        #[serde(borrow, default)]
        country_iso_code: Option<&'a RawValue>,
        #[serde(borrow, default)]
        location_type: Option<&'a RawValue>,
    }

    whole(row, |element| {
        let raw: Raw<'_> = object(element)?;
        Some(Location {
            code: number(raw.location_code)?,
            name: filled(raw.location_name)?,
            iso: filled(raw.country_iso_code),
            kind: filled(raw.location_type),
            parent: number(raw.location_code_parent),
        })
    })
}

/// The languages in a row of `languages`.
pub fn languages(row: &Row<'_>) -> Result<Vec<Language>, UnreadableList> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        language_name: Option<&'a RawValue>,
        #[serde(borrow, default)]
        language_code: Option<&'a RawValue>,
    }

    whole(row, |element| {
        let raw: Raw<'_> = object(element)?;
        Some(Language { code: filled(raw.language_code)?, name: filled(raw.language_name)? })
    })
}

/// The models in a row of `models`; a flag that is absent, null or no flag is not known.
pub fn models(row: &Row<'_>) -> Result<Vec<Model>, UnreadableList> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        model_name: Option<&'a RawValue>,
        #[serde(borrow, default)]
        reasoning: Option<&'a RawValue>,
        #[serde(borrow, default)]
        web_search_supported: Option<&'a RawValue>,
        #[serde(borrow, default)]
        task_post_supported: Option<&'a RawValue>,
    }

    whole(row, |element| {
        let raw: Raw<'_> = object(element)?;
        Some(Model {
            name: filled(raw.model_name)?,
            reasoning: flag(raw.reasoning),
            web_search_supported: flag(raw.web_search_supported),
            task_post_supported: flag(raw.task_post_supported),
        })
    })
}

fn whole<T>(row: &Row<'_>, read: impl Fn(&RawValue) -> Option<T>) -> Result<Vec<T>, UnreadableList> {
    let elements = row.result.and_then(elements).unwrap_or_default();
    if elements.is_empty() {
        return Err(UnreadableList("it is empty".to_owned()));
    }
    let promised = row.result_count.map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX));
    if promised > elements.len() {
        return Err(UnreadableList(format!("it counts {promised} rows and holds {}", elements.len())));
    }
    let read =
        |(nth, element)| read(element).ok_or_else(|| UnreadableList(format!("its row {} cannot be read", nth + 1)));
    elements.into_iter().enumerate().map(read).collect()
}

fn filled(raw: Option<&RawValue>) -> Option<String> {
    text(raw).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn flag(raw: Option<&RawValue>) -> Option<bool> {
    match raw?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
