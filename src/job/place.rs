//! Reads where and in which language a question is asked, and checks it against the provider's lists if they are
//! kept.

use toml::Spanned;
use toml::de::DeValue;

use super::Target;
use crate::catalogue::{Served, Unknown};
use crate::market::{Market, Near};
use crate::page::Section;
use crate::problem::Wrong;
use crate::product::{Engine, Function};

/// What a set's served must be served by.
pub(super) struct Where<'c> {
    served: &'c Served,
    engines: Vec<Engine>,
}

impl<'c> Where<'c> {
    /// For a set with these targets: a place matters to an engine's own page only.
    pub(super) fn of(served: &'c Served, targets: &[Target]) -> Self {
        let scraped = targets.iter().filter(|target| target.function == Function::LlmScraper);
        Self { served, engines: scraped.map(|target| target.engine).collect() }
    }

    /// The market of two codes, with their names.
    pub(super) fn market(&self, location: u32, language: &str) -> Market {
        self.served.market(location, language)
    }

    pub(super) fn location(&self, section: &Section<'_, '_>, value: &Spanned<DeValue<'_>>) -> Option<u32> {
        let word = if let Some(code) = value.get_ref().as_integer() {
            code.to_string()
        } else {
            section.typed("location", value, "a name in quotes or a code", DeValue::as_str)?.trim().to_owned()
        };
        let found = self.served.location(&word, &self.engines);
        let wrong = |near| Wrong::UnknownLocation { name: word.clone(), near };
        found.map_err(|unknown| section.page.wrong(value.span(), why("location", &word, unknown, wrong))).ok()
    }

    pub(super) fn language(&self, section: &Section<'_, '_>, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let word = section.typed("language", value, "a name or a code in quotes", |value| value.as_str())?.trim();
        let found = self.served.language(word, &self.engines);
        let wrong = |near| Wrong::UnknownLanguage { name: word.to_owned(), near };
        found.map_err(|unknown| section.page.wrong(value.span(), why("language", word, unknown, wrong))).ok()
    }
}

/// By the list that was looked at: the provider's for an engine, or the shipped one.
fn why(what: &'static str, name: &str, unknown: Unknown, shipped: impl Fn(Option<Near>) -> Wrong) -> Wrong {
    let near = unknown.near;
    match unknown.list {
        Some((engine, read_on)) => Wrong::NotServed { what, name: name.to_owned(), engine, near, read_on },
        None => shipped(near),
    }
}
