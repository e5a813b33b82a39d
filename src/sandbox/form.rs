//! The parts of the request forms: the posted fields of a task, how each is read, and how it is refused.
//!
//! `scraper_form` and `responses_form` say what each function's fields must hold; `forms` chooses between them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::meter::Question;
use crate::product::{Engine, Method, Priority};

/// A code, and words that name the field.
pub(super) type Refusal = (u32, Option<String>);

/// The posted fields of one task, as they stood; nulls are taken for absence, as the provider's own client sends them.
pub(super) type Posted<'b> = BTreeMap<String, &'b RawValue>;

/// A field of a form, and where it stands.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) engines: &'static [Engine],
    pub(super) methods: &'static [Method],
}

/// What a good task asks for.
pub(super) struct Asked {
    pub(super) priority: Priority,
    /// 0 for LLM Responses, which knows no places.
    pub(super) location_code: u32,
    pub(super) language: u8,
    /// What is asked of a model; LLM Responses only.
    pub(super) question: Option<Question>,
}

/// Refuses a field by its name.
pub(super) fn invalid(field: &str) -> Refusal {
    (40_501, Some(format!("Invalid Field: '{field}'.")))
}

/// A field's value, refused where it has another type.
pub(super) fn read<'b, T: serde::Deserialize<'b>>(fields: &Posted<'b>, name: &str) -> Result<Option<T>, Refusal> {
    fields.get(name).map(|raw| serde_json::from_str(raw.get()).map_err(|_| invalid(name))).transpose()
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

/// A text that must be there, is not blank, and is not too long.
pub(super) fn prompt(fields: &Posted<'_>, name: &str, most: usize) -> Result<String, Refusal> {
    let text: String = read(fields, name)?.ok_or_else(|| invalid(name))?;
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(invalid(name));
    }
    Ok(text)
}

/// The prompt as the provider reads it: every `%hh` decoded, every `+` a space.
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
    use crate::product::{Engine, Function, Method, Product};

    proptest::proptest! {
        #[test]
        fn an_escaped_prompt_is_read_unchanged(prompt in "[a-zA-Z0-9 %+é中]{0,40}") {
            for function in [Function::LlmScraper, Function::LlmResponses] {
                let product = Product::find(Engine::ChatGpt, function, Method::Standard).unwrap();
                proptest::prop_assert_eq!(&decoded(&product.wire_prompt(&prompt, true)), &prompt);
            }
        }
    }
}
