//! The request form of the scrapers: which fields a task may have, and what a good one asks for.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::places;
use crate::offer::{Engine, Priority};

/// A code, and words that name the field.
pub(super) type Refusal = (u32, Option<String>);

/// The posted fields of one task, as they stood; nulls are taken for absence, as the vendor's own client sends them.
pub(super) type Posted<'b> = BTreeMap<String, &'b RawValue>;

/// The longest keyword, as posted. The vendor's page has the number, not `offer`: what a client believes must not bend
/// the vendor.
const MAX_KEYWORD_CHARS: usize = 2_000;

/// Fields of every scraper's request form, beside those that only some engines know.
const FIELDS: &[&str] = &[
    "keyword",
    "priority",
    "location_name",
    "location_code",
    "language_name",
    "language_code",
    "expand_citations",
    "tag",
    "postback_url",
    "postback_data",
    "pingback_url",
];

/// What a good task asks for.
pub(super) struct Asked {
    pub(super) priority: Priority,
    pub(super) location_code: u32,
    pub(super) language: u8,
}

/// Refuses a field by its name.
fn invalid(field: &str) -> Refusal {
    (40_501, Some(format!("Invalid Field: '{field}'.")))
}

/// Reads one task's fields, or refuses it by the first that is wrong.
pub(super) fn check(engine: Engine, fields: &Posted<'_>, refuse_unknown: bool) -> Result<Asked, Refusal> {
    let known = |name: &str| {
        FIELDS.contains(&name)
            || match engine {
                Engine::Gemini => name == "location_coordinate",
                Engine::ChatGpt | Engine::Claude | Engine::Perplexity => name == "force_web_search",
            }
    };
    if refuse_unknown && let Some(name) = fields.keys().find(|name| !known(name)) {
        return Err((40_506, Some(format!("Unknown Field: '{name}'."))));
    }
    let keyword: String = read(fields, "keyword")?.ok_or_else(|| invalid("keyword"))?;
    if keyword.trim().is_empty() || keyword.chars().count() > MAX_KEYWORD_CHARS {
        return Err(invalid("keyword"));
    }
    if read::<String>(fields, "tag")?.is_some_and(|tag| tag.chars().count() > 255) {
        return Err(invalid("tag"));
    }
    let force = read::<bool>(fields, "force_web_search")?.unwrap_or(false);
    if read::<bool>(fields, "expand_citations")?.unwrap_or(false) && engine == Engine::ChatGpt && !force {
        return Err(invalid("expand_citations"));
    }
    read::<String>(fields, "pingback_url")?;
    let data = read::<String>(fields, "postback_data")?;
    if read::<String>(fields, "postback_url")?.is_some()
        && !data.is_some_and(|data| data == "advanced" || data == "html")
    {
        return Err(invalid("postback_data"));
    }
    let priority = match read::<u8>(fields, "priority")? {
        None | Some(1) => Priority::Normal,
        Some(2) => Priority::High,
        Some(_) => return Err(invalid("priority")),
    };
    Ok(Asked { priority, location_code: location(fields)?, language: language(fields)? })
}

/// A field's value, refused where it has another type.
fn read<'b, T: serde::Deserialize<'b>>(fields: &Posted<'b>, name: &str) -> Result<Option<T>, Refusal> {
    fields.get(name).map(|raw| serde_json::from_str(raw.get()).map_err(|_| invalid(name))).transpose()
}

fn location(fields: &Posted<'_>) -> Result<u32, Refusal> {
    if let Some(code) = read::<u32>(fields, "location_code")? {
        return if places::is_location(code) { Ok(code) } else { Err(invalid("location_code")) };
    }
    if let Some(name) = read::<String>(fields, "location_name")? {
        return places::location_named(&name).ok_or_else(|| invalid("location_name"));
    }
    match read::<String>(fields, "location_coordinate")? {
        // Which country a point lies in is beyond this vendor; it says United States.
        Some(at) if at.split(',').filter(|part| part.parse::<f64>().is_ok()).count() == 3 => Ok(2_840),
        Some(_) => Err(invalid("location_coordinate")),
        None => Err(invalid("location_code")),
    }
}

fn language(fields: &Posted<'_>) -> Result<u8, Refusal> {
    if let Some(code) = read::<String>(fields, "language_code")? {
        return places::language_coded(&code).ok_or_else(|| invalid("language_code"));
    }
    let name = read::<String>(fields, "language_name")?.ok_or_else(|| invalid("language_code"))?;
    places::language_named(&name).ok_or_else(|| invalid("language_name"))
}

/// Posted fields as JSON members, without the braces.
pub(super) fn members(fields: &Posted<'_>) -> String {
    let mut out = String::with_capacity(fields.iter().map(|(name, raw)| name.len() + raw.get().len() + 4).sum());
    for (at, (name, raw)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&super::envelope::quoted(name));
        out.push(':');
        out.push_str(raw.get());
    }
    out
}

/// The prompt as the vendor reads it: every `%hh` decoded, every `+` a space.
pub(super) fn decoded(keyword: &str) -> String {
    let bytes = keyword.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
                continue;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;
    use crate::offer::{Engine, Function, Method, Offer};

    proptest::proptest! {
        #[test]
        fn a_prompt_escaped_for_the_wire_is_read_as_it_was(prompt in "[a-zA-Z0-9 %+é中]{0,40}") {
            let offer = Offer::find(Engine::ChatGpt, Function::LlmScraper, Method::Standard).unwrap();
            proptest::prop_assert_eq!(decoded(&offer.wire_prompt(&prompt)), prompt);
        }
    }
}
