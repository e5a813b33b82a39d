//! The request form of LLM Responses: what each engine takes, and which fields exclude each other.

use serde::Deserialize;

use super::form::{Asked, Field, Posted, Refusal, decoded, invalid, prompt, read};
use super::meter::{Question, Search};
use super::models::Model;
use super::price_classes::PriceClass;
use super::settings::Switches;
use crate::product::{Engine, Method, Priority};

use Engine::{ChatGpt, Claude, Gemini, Perplexity};

/// The longest prompt, system message and message of a chain.
const MAX_CHARS: usize = 500;
/// The most messages in a chain.
const MAX_CHAIN: usize = 10;
/// The most tokens that may be asked for, and how many it is without a word.
const MAX_TOKENS: u32 = 4_096;
const USUAL_TOKENS: u32 = 2_048;
/// ChatGPT's models that know no country and no city.
const PLACELESS: &[&str] = &["o3-mini", "o1-pro", "o1"];
/// The countries that Claude knows.
const CLAUDE_COUNTRIES: &str = "AR AT AU BE BR CA CH CL CN DE DK ES FI FR GB HK ID IN IT JP KR MX MY NL NO NZ PH PL PT \
                                RU SA SE TR TW US ZA";

const fn field(name: &'static str, engines: &'static [Engine]) -> Field {
    Field { name, engines, methods: Method::ALL }
}

static FIELDS: &[Field] = &[
    field("user_prompt", Engine::ALL),
    field("model_name", Engine::ALL),
    field("max_output_tokens", Engine::ALL),
    field("temperature", Engine::ALL),
    field("top_p", Engine::ALL),
    field("system_message", Engine::ALL),
    field("message_chain", Engine::ALL),
    field("tag", Engine::ALL),
    field("web_search", &[ChatGpt, Claude, Gemini]),
    field("force_web_search", &[ChatGpt, Claude]),
    field("web_search_country_iso_code", &[ChatGpt, Claude, Perplexity]),
    field("web_search_city", &[ChatGpt, Claude]),
    field("use_reasoning", &[Claude, Gemini]),
    Field { name: "postback_url", engines: Engine::ALL, methods: &[Method::Standard] },
    Field { name: "pingback_url", engines: Engine::ALL, methods: &[Method::Standard] },
];

/// Whether the form has a field.
pub(super) fn knows(price_class: PriceClass, name: &str, switches: &Switches) -> bool {
    let missing = price_class.engine == ChatGpt
        && price_class.method == Method::Standard
        && !switches.chat_gpt_searches
        && name.contains("web_search");
    !missing
        && FIELDS.iter().any(|field| {
            field.name == name
                && field.engines.contains(&price_class.engine)
                && field.methods.contains(&price_class.method)
        })
}

/// Reads a task's fields, or refuses it by the first that is wrong.
pub(super) fn check(price_class: PriceClass, fields: &Posted<'_>, switches: &Switches) -> Result<Asked, Refusal> {
    let asked = prompt(fields, "user_prompt", MAX_CHARS)?;
    let asked = if switches.decode_user_prompt { decoded(&asked) } else { asked };
    let name: String = read(fields, "model_name")?.ok_or_else(|| invalid("model_name"))?;
    let model = Model::named(price_class.engine, &name)
        .filter(|model| price_class.method == Method::Live || model.takes_standard(switches.gemini_takes_standard))
        .ok_or_else(|| invalid("model_name"))?;
    let reasons = reasons(price_class.engine, fields, model)?;
    let max_output = max_output(price_class.engine, fields, model, reasons)?;
    sampling(price_class.engine, fields, model, reasons)?;
    let search = search(price_class.engine, fields, model, reasons)?;
    let said = system_and_chain(price_class.engine, fields)?;
    read::<String>(fields, "postback_url")?;
    let question = Question { model, chars: asked.chars().count() + said, max_output, search, reasons };
    Ok(Asked { priority: Priority::Normal, location_code: 0, language: 0, question: Some(question) })
}

/// Whether the model thinks before it answers: where it is told to, and where it cannot do otherwise.
fn reasons(engine: Engine, fields: &Posted<'_>, model: &Model) -> Result<bool, Refusal> {
    let told = read::<bool>(fields, "use_reasoning")?.unwrap_or(false);
    if told && !model.reasoning {
        return Err(invalid("use_reasoning"));
    }
    Ok(match engine {
        ChatGpt | Perplexity => model.reasoning,
        Claude => told,
        Gemini => told || model.base.ends_with("-pro"),
    })
}

fn max_output(engine: Engine, fields: &Posted<'_>, model: &Model, reasons: bool) -> Result<u32, Refusal> {
    let least = match engine {
        ChatGpt => {
            if model.reasoning {
                1_024
            } else {
                16
            }
        }
        Claude => {
            if reasons {
                1_025
            } else {
                1
            }
        }
        Gemini => {
            if reasons {
                1_024
            } else {
                1
            }
        }
        Perplexity => 1,
    };
    let most = read::<u32>(fields, "max_output_tokens")?.unwrap_or(USUAL_TOKENS);
    if (least..=MAX_TOKENS).contains(&most) { Ok(most) } else { Err(invalid("max_output_tokens")) }
}

/// `temperature` and `top_p`: their bounds, and where they are not allowed.
fn sampling(engine: Engine, fields: &Posted<'_>, model: &Model, reasons: bool) -> Result<(), Refusal> {
    let hottest = match engine {
        ChatGpt | Gemini => 2.0,
        Claude => 1.0,
        Perplexity => 1.9,
    };
    let temperature = read::<f64>(fields, "temperature")?;
    let top_p = read::<f64>(fields, "top_p")?;
    let barred = (engine == ChatGpt && model.reasoning) || (engine == Claude && reasons);
    if temperature.is_some_and(|degrees| barred || !(0.0..=hottest).contains(&degrees)) {
        return Err(invalid("temperature"));
    }
    let excluded = match engine {
        ChatGpt => temperature.is_some(),
        Claude => temperature.is_some() || reasons,
        Gemini | Perplexity => false,
    };
    if top_p.is_some_and(|share| excluded || !(0.0..=1.0).contains(&share)) {
        return Err(invalid("top_p"));
    }
    Ok(())
}

/// The web search fields; how likely a search then is.
fn search(engine: Engine, fields: &Posted<'_>, model: &Model, reasons: bool) -> Result<Search, Refusal> {
    let on = read::<bool>(fields, "web_search")?.unwrap_or(false);
    if on && !model.web_search {
        return Err(invalid("web_search"));
    }
    let force = read::<bool>(fields, "force_web_search")?.unwrap_or(false);
    if force && (!on || (engine == ChatGpt && model.reasoning) || (engine == Claude && reasons)) {
        return Err(invalid("force_web_search"));
    }
    let placeless = PLACELESS.contains(&model.base);
    let country = read::<String>(fields, "web_search_country_iso_code")?;
    if let Some(country) = &country {
        let shaped = country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase());
        let taken = match engine {
            ChatGpt => on && !placeless,
            Claude => CLAUDE_COUNTRIES.split(' ').any(|known| known == *country),
            Perplexity => model.base.starts_with("sonar"),
            Gemini => false,
        };
        if !shaped || !taken {
            return Err(invalid("web_search_country_iso_code"));
        }
    }
    if read::<String>(fields, "web_search_city")?.is_some() && (placeless || country.is_none()) {
        return Err(invalid("web_search_city"));
    }
    Ok(match (engine, on, force) {
        (Perplexity, ..) | (_, true, true) => Search::Always,
        (ChatGpt | Claude | Gemini, true, false) => Search::Perhaps,
        (ChatGpt | Claude | Gemini, false, _) => Search::Never,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Role,
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Ai,
}

/// What is said before the prompt, in characters.
fn system_and_chain(engine: Engine, fields: &Posted<'_>) -> Result<usize, Refusal> {
    let system = read::<String>(fields, "system_message")?.map_or(0, |text| text.chars().count());
    if system > MAX_CHARS {
        return Err(invalid("system_message"));
    }
    let chain = read::<Vec<Message>>(fields, "message_chain")?.unwrap_or_default();
    let lengths: Vec<usize> = chain.iter().map(|said| said.message.chars().count()).collect();
    let twice_in_a_row = chain.windows(2).any(|pair| pair[0].role == pair[1].role);
    if chain.len() > MAX_CHAIN
        || lengths.iter().any(|length| *length > MAX_CHARS)
        || (engine == Perplexity && twice_in_a_row)
    {
        return Err(invalid("message_chain"));
    }
    Ok(system + lengths.iter().sum::<usize>())
}
