//! The request forms: which fields a task may have, and what a valid one asks for.

use super::form::{Asked, Posted, Refusal, invalid, read};
use super::price_classes::PriceClass;
use super::settings::Switches;
use super::{responses_form, scraper_form};
use crate::product::Function;

/// Reads one task's fields, or refuses it by the first that is wrong.
pub(super) fn check(price_class: PriceClass, fields: &Posted<'_>, switches: &Switches) -> Result<Asked, Refusal> {
    let known = |name: &str| match price_class.function {
        Function::LlmScraper => scraper_form::knows(price_class, name),
        Function::LlmResponses => responses_form::knows(price_class, name, switches),
    };
    if switches.refuse_unknown_fields
        && let Some(name) = fields.keys().find(|name| !known(name))
    {
        return Err((40_506, Some(format!("Unknown Field: '{name}'."))));
    }
    if read::<String>(fields, "tag")?.is_some_and(|tag| tag.chars().count() > 255) {
        return Err(invalid("tag"));
    }
    read::<String>(fields, "pingback_url")?;
    match price_class.function {
        Function::LlmScraper => scraper_form::check(price_class, fields),
        Function::LlmResponses => responses_form::check(price_class, fields, switches),
    }
}
