//! What can be bought: engine, function, method and priority as data.
//!
//! A new function or engine is a row in [`OFFERS`], not an `if` somewhere. Prices are `price`'s matter; how a
//! request looks on the wire is `vendor::wire`'s.

use std::time::Duration;

/// A word that is none of those a key can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {}", .known.join(", "))]
pub struct UnknownWord {
    /// The word as it stood.
    pub word: String,
    /// The words that can stand there.
    pub known: &'static [&'static str],
}

/// An enum whose variants have one written name each, in job files, in the ledger and on the wire alike.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every one of them, in the order of declaration.
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
            type Err = $crate::offer::UnknownWord;
            fn from_str(word: &str) -> Result<Self, $crate::offer::UnknownWord> {
                match word {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::offer::UnknownWord { word: word.to_owned(), known: Self::NAMES }),
                }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// Whose answers are asked for.
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
    /// Which of the vendor's functions answers.
    Function {
        /// The answer as the engine's own web page shows it.
        LlmScraper = "llm_scraper",
        /// The answer of a named model through its API.
        LlmResponses = "llm_responses",
    }
}

named! {
    /// How a task is handed in and its answer collected.
    Method {
        /// Posted in batches, collected later; the answer is kept for weeks.
        Standard = "standard",
        /// Answered on the same connection and not kept.
        Live = "live",
    }
}

named! {
    /// How soon the vendor works on a Standard task.
    Priority {
        /// The vendor's default.
        Normal = "normal",
        /// Sooner, at a higher price.
        High = "high",
    }
}

named! {
    /// How the vendor is reached and authorised.
    Route {
        /// DataForSEO itself, by Basic authorisation.
        DataForSeo = "dataforseo",
        /// The AIsa gateway, by Bearer authorisation.
        Aisa = "aisa",
        /// The simulated vendor.
        Sandbox = "sandbox",
    }
}

named! {
    /// A form in which the vendor hands out an answer.
    ResultKind {
        /// Structured JSON; kept by the vendor for 30 days.
        Advanced = "advanced",
        /// The page itself; kept by the vendor for 7 days.
        Html = "html",
    }
}

/// A yes-or-no field of the vendor's request form that can change the answer; absent means `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Its name in job files and on the wire.
    pub name: &'static str,
    /// Another switch that must be on for this one to be allowed.
    pub needs: Option<&'static str>,
}

/// One thing the vendor sells and bursar can buy.
#[derive(Debug)]
pub struct Offer {
    /// Whose answers.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// The request field that carries the prompt.
    pub prompt_field: &'static str,
    /// The longest prompt, in Unicode scalar values of its wire form.
    pub max_prompt_chars: usize,
    /// The vendor decodes `%hh` and `+` in the prompt, so they must be escaped.
    pub percent_decoded: bool,
    /// The fields beyond prompt, place, language, priority and tag.
    pub switches: &'static [Switch],
    /// The priorities it is sold at.
    pub priorities: &'static [Priority],
    /// The forms its answers come in.
    pub results: &'static [ResultKind],
    /// The most tasks that one POST may carry.
    pub batch: usize,
    /// A task not finished by then counts as late, and absence from a list that was never seen to show unfinished
    /// tasks means nothing before then.
    pub give_up: Duration,
}

/// The vendor's limit of tasks in one POST, for every function.
pub const MAX_BATCH: usize = 100;

/// The vendor's list of tasks goes back a month, with metadata (seconds). A look further back is refused, and what was
/// bought before can no longer be found.
pub const LIST_REACH_S: i64 = 28 * 24 * 3_600;

/// All that can be bought.
///
/// From the vendor's `llm_scraper/task_post` pages for ChatGPT and Gemini: 2,000 characters, 100 tasks a POST,
/// `expand_citations` needs `force_web_search` at ChatGPT only, and Gemini has no `force_web_search`.
pub static OFFERS: &[Offer] = &[
    Offer {
        engine: Engine::ChatGpt,
        switches: &[
            Switch { name: "expand_citations", needs: Some("force_web_search") },
            Switch { name: "force_web_search", needs: None },
        ],
        ..SCRAPER
    },
    Offer { engine: Engine::Gemini, switches: &[Switch { name: "expand_citations", needs: None }], ..SCRAPER },
];

/// What the scraper offers of all engines have in common.
const SCRAPER: Offer = Offer {
    engine: Engine::ChatGpt,
    function: Function::LlmScraper,
    method: Method::Standard,
    prompt_field: "keyword",
    max_prompt_chars: 2_000,
    percent_decoded: true,
    switches: &[],
    priorities: &[Priority::Normal, Priority::High],
    results: &[ResultKind::Advanced, ResultKind::Html],
    batch: MAX_BATCH,
    give_up: Duration::from_hours(24),
};

impl Offer {
    /// The offer for an engine, function and method, where bursar can buy it.
    pub fn find(engine: Engine, function: Function, method: Method) -> Option<&'static Self> {
        OFFERS.iter().find(|offer| offer.engine == engine && offer.function == function && offer.method == method)
    }

    /// The prompt as it goes over the wire: what the vendor decodes is escaped (`%` as `%25`, `+` as `%2B`).
    pub fn wire_prompt(&self, prompt: &str) -> String {
        if self.percent_decoded { prompt.replace('%', "%25").replace('+', "%2B") } else { prompt.to_owned() }
    }

    /// How long the prompt is on the wire, in Unicode scalar values.
    pub fn wire_chars(&self, prompt: &str) -> usize {
        let escaped =
            if self.percent_decoded { prompt.bytes().filter(|b| matches!(b, b'%' | b'+')).count() } else { 0 };
        prompt.chars().count() + 2 * escaped
    }
}

/// How long the vendor's price table promises a Standard task to take. It contradicts its own prose (5 minutes and
/// 1 minute); the slower figure is planned with.
pub const fn promised_turnaround(priority: Priority) -> Duration {
    match priority {
        Priority::Normal => Duration::from_mins(45),
        Priority::High => Duration::from_mins(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_vendor_decodes_is_escaped_and_counted_escaped() {
        let offer = Offer::find(Engine::ChatGpt, Function::LlmScraper, Method::Standard).unwrap();
        assert_eq!(offer.wire_prompt("is 100% rye good with C++?"), "is 100%25 rye good with C%2B%2B?");
        for prompt in ["", "plain", "100% C++", "ü+%é", "%25"] {
            assert_eq!(offer.wire_chars(prompt), offer.wire_prompt(prompt).chars().count(), "{prompt}");
        }
    }

    #[test]
    fn every_offer_is_found_by_what_it_is() {
        for offer in OFFERS {
            assert!(std::ptr::eq(Offer::find(offer.engine, offer.function, offer.method).unwrap(), offer));
        }
        assert!(Offer::find(Engine::Perplexity, Function::LlmScraper, Method::Standard).is_none());
    }
}
