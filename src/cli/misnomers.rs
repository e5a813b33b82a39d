//! Language codes that are another name for a listed one (`jp`), in words and as data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::catalogue::likely_language;
use crate::job::Job;
use crate::market::{Near, location_by_code};

/// A job's language codes that no shipped list has, with the name and code of the language that was probably meant.
fn of(job: &Job) -> BTreeMap<&str, (String, String)> {
    let markets = job.sets.iter().flat_map(|set| &set.markets);
    let unnamed = markets.filter(|market| market.language_name.is_none()).map(|market| market.language_code.as_str());
    unnamed
        .filter_map(|code| match likely_language(code)? {
            Near::Name { name, code: likely } => Some((code, (name, likely))),
            Near::Within { .. } | Near::Unserved { .. } | Near::Absent { .. } | Near::Region | Near::List { .. } => {
                None
            }
        })
        .collect()
}

/// Codes of places that are a country's own number by ISO 3166, where the provider's is 2000 more.
fn places(job: &Job) -> BTreeMap<u32, &'static str> {
    let markets = job.sets.iter().flat_map(|set| &set.markets);
    let unnamed = markets.filter(|market| market.location_name.is_none()).map(|market| market.location_code);
    unnamed.filter_map(|code| Some((code, location_by_code(code.checked_add(2000)?)?.name.as_str()))).collect()
}

/// What a person is told of them, one a line.
pub(super) fn lines(job: &Job) -> impl Iterator<Item = String> {
    let places = places(job).into_iter().map(|(code, name)| {
        format!(
            "no listed place has the code {code}; did you mean `{name}` ({})? It is sent as written, and the provider is \
             likely to refuse it, at no cost",
            code + 2000
        )
    });
    let languages = languages(job);
    places.chain(languages)
}

fn languages(job: &Job) -> impl Iterator<Item = String> {
    of(job).into_iter().map(|(code, (name, likely))| {
        format!(
            "no listed language has the code `{code}`; did you mean `{name}` (`{likely}`)? It is sent as written, and the \
             provider is likely to refuse it, at no cost"
        )
    })
}

pub(super) fn facts(job: &Job) -> Value {
    of(job).into_iter().map(|(code, (name, likely))| json!({ "code": code, "likely": likely, "name": name })).collect()
}
