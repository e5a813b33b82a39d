//! The scrapers' request form.

use super::form::{Asked, Field, Posted, Refusal, invalid, prompt, read};
use super::places;
use super::price_classes::PriceClass;
use crate::product::{Engine, Method, Priority, ResultKind};

use Engine::{ChatGpt, Gemini};
use Method::Standard;

/// The longest keyword, as posted. The provider's page has the number, not `product`: what a client believes must not bend
/// the provider.
const MAX_KEYWORD_CHARS: usize = 2_000;

const BOTH: &[Engine] = &[ChatGpt, Gemini];

const fn field(name: &'static str, engines: &'static [Engine], methods: &'static [Method]) -> Field {
    Field { name, engines, methods }
}

/// Every field; that `live/advanced` lacks `expand_citations` stands in [`knows`].
static FIELDS: &[Field] = &[
    field("keyword", BOTH, Method::ALL),
    field("location_name", BOTH, Method::ALL),
    field("location_code", BOTH, Method::ALL),
    field("location_coordinate", &[Gemini], Method::ALL),
    field("language_name", BOTH, Method::ALL),
    field("language_code", BOTH, Method::ALL),
    field("force_web_search", &[ChatGpt], Method::ALL),
    field("expand_citations", BOTH, Method::ALL),
    field("tag", BOTH, Method::ALL),
    field("priority", BOTH, &[Standard]),
    field("postback_url", BOTH, &[Standard]),
    field("postback_data", BOTH, &[Standard]),
    field("pingback_url", BOTH, &[Standard]),
];

/// Whether the form has a field.
pub(super) fn knows(price_class: PriceClass, name: &str) -> bool {
    let plain = price_class.method == Method::Live && price_class.kind == ResultKind::Advanced;
    !(plain && name == "expand_citations")
        && FIELDS.iter().any(|field| {
            field.name == name
                && field.engines.contains(&price_class.engine)
                && field.methods.contains(&price_class.method)
        })
}

/// Reads a task's fields, or refuses it by the first that is wrong.
pub(super) fn check(price_class: PriceClass, fields: &Posted<'_>) -> Result<Asked, Refusal> {
    prompt(fields, "keyword", MAX_KEYWORD_CHARS)?;
    let force = read::<bool>(fields, "force_web_search")?.unwrap_or(false);
    if read::<bool>(fields, "expand_citations")?.unwrap_or(false) && price_class.engine == ChatGpt && !force {
        return Err(invalid("expand_citations"));
    }
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
    Ok(Asked { priority, location_code: location(fields)?, language: language(fields)?, question: None })
}

fn location(fields: &Posted<'_>) -> Result<u32, Refusal> {
    if let Some(code) = read::<u32>(fields, "location_code")? {
        return if places::is_location(code) { Ok(code) } else { Err(invalid("location_code")) };
    }
    if let Some(name) = read::<String>(fields, "location_name")? {
        return places::location_named(&name).ok_or_else(|| invalid("location_name"));
    }
    match read::<String>(fields, "location_coordinate")? {
        // Which country a point lies in is beyond this provider; it says United States.
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
