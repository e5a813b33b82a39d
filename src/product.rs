//! Products: what can be bought, with engine, function, method and priority as data.
//!
//! A new function or engine is a row in [`PRODUCTS`], not an `if` somewhere. `price` knows the prices,
//! `provider::wire` the form of a request.

use std::time::Duration;

/// A word that a key cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {}", .known.join(", "))]
pub struct UnknownWord {
    /// The word as written.
    pub word: String,
    /// The words that are possible there.
    pub known: &'static [&'static str],
}

/// An enum whose variants have one written name each, the same in job files, in the ledger and on the wire.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// All variants, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Their written names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The written name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::product::UnknownWord;
            fn from_str(word: &str) -> Result<Self, $crate::product::UnknownWord> {
                match word {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::product::UnknownWord { word: word.to_owned(), known: Self::NAMES }),
                }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The engine that is asked.
    Engine {
        /// OpenAI's ChatGPT.
        ChatGpt = "chat_gpt",
        /// Google's Gemini.
        Gemini = "gemini",
        /// Anthropic's Claude.
        Claude = "claude",
        /// Perplexity.
        Perplexity = "perplexity",
    }
}

named! {
    /// The provider's function that answers.
    Function {
        /// The answer as the engine's own web page shows it.
        LlmScraper = "llm_scraper",
        /// The answer of a named model through its API.
        LlmResponses = "llm_responses",
    }
}

named! {
    /// How a task is submitted and its answer collected.
    Method {
        /// Posted in batches, collected later; the answer is kept for weeks.
        Standard = "standard",
        /// Answered on the same connection and not kept.
        Live = "live",
    }
}

named! {
    /// How soon the provider works on a Standard task.
    Priority {
        /// The provider's default.
        Normal = "normal",
        /// Sooner, at a higher price.
        High = "high",
    }
}

/// The priority in a job file: `auto` is chosen from the others by a deadline.
pub(crate) const PRIORITIES: &[&str] = &[Priority::Normal.name(), Priority::High.name(), "auto"];

named! {
    /// How the provider is reached and authorised.
    Route {
        /// DataForSEO itself, by Basic authorisation.
        DataForSeo = "dataforseo",
        /// The AIsa gateway, by Bearer authorisation.
        Aisa = "aisa",
        /// The simulated provider.
        Sandbox = "sandbox",
    }
}

impl Route {
    /// True if the provider's list of all purchases, its account data and its status page can be read.
    pub const fn shows_lists(self) -> bool {
        match self {
            Self::DataForSeo | Self::Sandbox => true,
            Self::Aisa => false,
        }
    }
}

named! {
    /// A form in which the provider hands out an answer.
    ResultKind {
        /// Structured JSON; kept by the provider for 30 days.
        Advanced = "advanced",
        /// The page itself; kept by the provider for 7 days.
        Html = "html",
    }
}

named! {
    /// The speaker of an earlier message.
    Role {
        /// The person.
        User = "user",
        /// The engine.
        Ai = "ai",
    }
}

/// A field of the provider's request form that can change the answer. Its name is the same in job files and on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// A switch that must be on, or a field that must be written, before this one is allowed.
    pub needs: Option<&'static str>,
    /// The provider's default for a missing field, as JSON.
    pub default: Option<&'static str>,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Yes or no.
    Switch,
    /// A whole number in a range.
    Whole(u32, u32),
    /// A decimal number from zero to so many tenths.
    Tenths(u32),
    /// Text of at most so many Unicode scalar values.
    Text(usize),
    /// Two capital letters of ISO 3166.
    Country,
    /// An earlier conversation: messages of a user and of an engine.
    Chain,
    /// `latitude,longitude,radius`.
    Coordinate,
}

/// One thing the provider sells and bursar can buy.
#[derive(Debug)]
pub struct Product {
    /// The engine.
    pub engine: Engine,
    /// The function.
    pub function: Function,
    /// The method.
    pub method: Method,
    /// The request field that carries the prompt.
    pub prompt_field: &'static str,
    /// The longest prompt, in Unicode scalar values of its wire form.
    pub max_prompt_chars: usize,
    /// True if the provider is known to decode `%hh` and `+` in the prompt, so that they must be escaped.
    pub percent_decoded: bool,
    /// True if it is asked in a place and a language.
    pub has_place: bool,
    /// The fields beyond prompt, model, place, language, priority and tag, by name.
    pub fields: &'static [Field],
    /// The priorities at which it is sold; if there is only one, the request does not name it.
    pub priorities: &'static [Priority],
    /// The forms of its answers.
    pub results: &'static [ResultKind],
    /// The maximum number of tasks in one POST.
    pub batch: usize,
    /// After this time an unfinished task counts as late. Until then, absence from a list that was never seen to show
    /// unfinished tasks means nothing.
    pub give_up: Duration,
}

/// The provider's limit of tasks in one POST, for every function.
pub const MAX_BATCH: usize = 100;

/// How far back the provider's list of tasks goes, with metadata: a month (in seconds). A scan further back is
/// refused, and older purchases can no longer be found.
pub const LIST_REACH_S: i64 = 28 * 24 * 3_600;

/// The longest prompt, system message and message of a conversation for LLM Responses, and its maximum number of
/// messages.
pub const RESPONSES_CHARS: usize = 500;
/// See [`RESPONSES_CHARS`].
pub const RESPONSES_CHAIN: usize = 10;

/// Everything that can be bought.
///
/// From the provider's `task_post` and `live` pages: the scraper takes 2,000 characters and is sold for ChatGPT and
/// Gemini, `expand_citations` needs `force_web_search` at ChatGPT only and is not in `live/advanced`, and Gemini has no
/// `force_web_search` and a third way to say where. LLM Responses takes 500 characters; Perplexity sells it Live only; a
/// city is one of a country, and ChatGPT's country needs `web_search`.
/// What depends on the model is checked where a job is read.
pub static PRODUCTS: &[Product] = &[
    Product { engine: Engine::ChatGpt, fields: &[EXPAND_FORCED, FORCE], ..SCRAPER },
    Product { engine: Engine::Gemini, fields: &[EXPAND, COORDINATE], ..SCRAPER },
    Product { engine: Engine::ChatGpt, fields: &[EXPAND_FORCED, FORCE], ..LIVE_SCRAPER },
    Product { engine: Engine::Gemini, fields: &[EXPAND, COORDINATE], ..LIVE_SCRAPER },
    Product { engine: Engine::ChatGpt, fields: CHAT_GPT, ..RESPONSES },
    Product { engine: Engine::Claude, fields: CLAUDE, ..RESPONSES },
    Product { engine: Engine::Gemini, fields: GEMINI, ..RESPONSES },
    Product { engine: Engine::ChatGpt, fields: CHAT_GPT, ..LIVE_RESPONSES },
    Product { engine: Engine::Claude, fields: CLAUDE, ..LIVE_RESPONSES },
    Product { engine: Engine::Gemini, fields: GEMINI, ..LIVE_RESPONSES },
    Product { engine: Engine::Perplexity, fields: PERPLEXITY, ..LIVE_RESPONSES },
];

const EXPAND: Field = switch("expand_citations", None);
const EXPAND_FORCED: Field = switch("expand_citations", Some("force_web_search"));
const FORCE: Field = switch("force_web_search", None);
const FORCE_SEARCH: Field = switch("force_web_search", Some("web_search"));
const SEARCH: Field = switch("web_search", None);
const COORDINATE: Field = field("location_coordinate", FieldKind::Coordinate);
const TOKENS: Field = Field { default: Some("2048"), ..field("max_output_tokens", FieldKind::Whole(1, 4_096)) };
const CHAIN: Field = field("message_chain", FieldKind::Chain);
const SYSTEM: Field = field("system_message", FieldKind::Text(RESPONSES_CHARS));
const REASONING: Field = switch("use_reasoning", None);
const CITY: Field = Field { needs: Some(COUNTRY.name), ..field("web_search_city", FieldKind::Text(RESPONSES_CHARS)) };
const COUNTRY: Field = field("web_search_country_iso_code", FieldKind::Country);
const COUNTRY_SEARCHED: Field = Field { needs: Some("web_search"), ..COUNTRY };

const CHAT_GPT: &[Field] =
    &[FORCE_SEARCH, TOKENS, CHAIN, SYSTEM, hot(20, "0.94"), top_p(Some("0.92")), SEARCH, CITY, COUNTRY_SEARCHED];
const CLAUDE: &[Field] =
    &[FORCE_SEARCH, TOKENS, CHAIN, SYSTEM, hot(10, "0.7"), top_p(None), REASONING, SEARCH, CITY, COUNTRY];
const GEMINI: &[Field] = &[TOKENS, CHAIN, SYSTEM, hot(20, "1.3"), top_p(Some("0.9")), REASONING, SEARCH];
const PERPLEXITY: &[Field] = &[TOKENS, CHAIN, SYSTEM, hot(19, "0.77"), top_p(Some("0.9")), COUNTRY];

const fn field(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind, needs: None, default: None }
}

const fn switch(name: &'static str, needs: Option<&'static str>) -> Field {
    Field { name, kind: FieldKind::Switch, needs, default: Some("false") }
}

/// `temperature`, up to so many tenths of a degree.
const fn hot(tenths: u32, default: &'static str) -> Field {
    Field { default: Some(default), ..field("temperature", FieldKind::Tenths(tenths)) }
}

const fn top_p(default: Option<&'static str>) -> Field {
    Field { default, ..field("top_p", FieldKind::Tenths(10)) }
}

/// What all engines of the scraper have in common.
const SCRAPER: Product = Product {
    engine: Engine::ChatGpt,
    function: Function::LlmScraper,
    method: Method::Standard,
    prompt_field: "keyword",
    max_prompt_chars: 2_000,
    percent_decoded: true,
    has_place: true,
    fields: &[],
    priorities: &[Priority::Normal, Priority::High],
    results: &[ResultKind::Advanced, ResultKind::Html],
    batch: MAX_BATCH,
    give_up: Duration::from_hours(24),
};

/// Answered on the same connection, in one form.
const LIVE_SCRAPER: Product = Product { method: Method::Live, priorities: &[Priority::Normal], batch: 1, ..SCRAPER };

/// What the products of LLM Responses have in common. The provider takes up to 72 hours, and fails what takes longer.
const RESPONSES: Product = Product {
    function: Function::LlmResponses,
    prompt_field: "user_prompt",
    max_prompt_chars: RESPONSES_CHARS,
    percent_decoded: false,
    has_place: false,
    priorities: &[Priority::Normal],
    results: &[ResultKind::Advanced],
    give_up: Duration::from_hours(73),
    ..SCRAPER
};

const LIVE_RESPONSES: Product = Product { method: Method::Live, batch: 1, ..RESPONSES };

impl Product {
    /// The product for an engine, function and method, if bursar can buy it.
    pub fn find(engine: Engine, function: Function, method: Method) -> Option<&'static Self> {
        PRODUCTS
            .iter()
            .find(|product| product.engine == engine && product.function == function && product.method == method)
    }

    /// A field of its request form.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// True if its cost is known only with its answer: an advance is taken for it, and settled then.
    pub fn settles_later(&self) -> bool {
        self.function == Function::LlmResponses && self.method == Method::Standard
    }

    /// True if the prompt must be escaped: the provider is known to decode it, or the account says that it decodes
    /// `user_prompt`.
    pub const fn escapes(&self, user_prompt_decoded: bool) -> bool {
        self.percent_decoded || user_prompt_decoded
    }

    /// The prompt as it goes over the wire: escaped if the provider decodes it (`%` as `%25`, `+` as `%2B`).
    pub fn wire_prompt(&self, prompt: &str, user_prompt_decoded: bool) -> String {
        if self.escapes(user_prompt_decoded) {
            prompt.replace('%', "%25").replace('+', "%2B")
        } else {
            prompt.to_owned()
        }
    }

    /// The length of the prompt on the wire, in Unicode scalar values.
    pub fn wire_chars(&self, prompt: &str, user_prompt_decoded: bool) -> usize {
        let is_escaped = |byte: &u8| self.escapes(user_prompt_decoded) && matches!(byte, b'%' | b'+');
        prompt.chars().count() + 2 * prompt.bytes().filter(is_escaped).count()
    }
}

/// How long the provider promises a task of this kind to take. For the scraper its price table contradicts its own
/// text (5 minutes and 1 minute); the plan uses the slower figure. LLM Responses by the Standard method has no promise
/// except its limit of 72 hours.
pub const fn promised_turnaround(function: Function, method: Method, priority: Priority) -> Duration {
    match (function, method, priority) {
        (Function::LlmScraper, Method::Standard, Priority::Normal) => Duration::from_mins(45),
        (Function::LlmScraper, Method::Standard, Priority::High) => Duration::from_mins(5),
        (Function::LlmScraper, Method::Live, _) => Duration::from_secs(90),
        (Function::LlmResponses, Method::Standard, _) => Duration::from_hours(72),
        (Function::LlmResponses, Method::Live, _) => Duration::from_mins(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_decodes_is_escaped_and_counted_escaped() {
        let product = |function| Product::find(Engine::ChatGpt, function, Method::Standard).unwrap();
        let (scraper, responses) = (product(Function::LlmScraper), product(Function::LlmResponses));
        let (asked, escaped) = ("is 100% rye good with C++?", "is 100%25 rye good with C%2B%2B?");
        for (product, decoded, sent) in
            [(scraper, false, escaped), (scraper, true, escaped), (responses, false, asked), (responses, true, escaped)]
        {
            assert_eq!(product.wire_prompt(asked, decoded), sent, "{} {decoded}", product.function);
            for prompt in ["", "plain", "100% C++", "ü+%é", "%25"] {
                let sent = product.wire_prompt(prompt, decoded);
                assert_eq!(product.wire_chars(prompt, decoded), sent.chars().count(), "{prompt}");
            }
        }
    }

    #[test]
    fn every_offer_is_found_by_what_it_is() {
        for product in PRODUCTS {
            assert!(std::ptr::eq(Product::find(product.engine, product.function, product.method).unwrap(), product));
            assert!(product.fields.is_sorted_by_key(|field| field.name), "{product:?}");
            let switches = |field: &&Field| field.needs.is_none_or(|needs| product.field(needs).is_some());
            assert!(product.fields.iter().all(|field| switches(&field)), "{product:?}");
        }
        assert!(Product::find(Engine::Perplexity, Function::LlmScraper, Method::Standard).is_none());
        assert!(Product::find(Engine::Perplexity, Function::LlmResponses, Method::Standard).is_none());
    }
}
