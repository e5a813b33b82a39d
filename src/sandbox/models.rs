//! The models that LLM Responses answers with: this provider's own small list, with what each charges.
//!
//! Names, flags and prices are of the kind that the real lists show, and make no statement about them: the provider
//! publishes no model prices at all. Prices are whole nano-dollars for each token, so the cost of a task is exact.

use super::envelope::quoted;
use super::{Context, Reply, Sandbox};
use crate::money::Money;
use crate::product::Engine;

/// A model and its price.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) engine: Engine,
    /// The dated name, which answers carry.
    pub(super) name: &'static str,
    /// The name that stands for the newest dated one.
    pub(super) base: &'static str,
    pub(super) reasoning: bool,
    pub(super) web_search: bool,
    /// The Standard method takes it.
    pub(super) standard: bool,
    /// Nano-dollars for each token read.
    input: i64,
    /// Nano-dollars for each token written, those of reasoning included.
    output: i64,
    /// Nano-dollars for a web search.
    search: i64,
}

const PLAIN: Model = Model {
    engine: Engine::ChatGpt,
    name: "",
    base: "",
    reasoning: false,
    web_search: true,
    standard: true,
    input: 0,
    output: 0,
    search: 10_000_000,
};
const CLAUDE: Model = Model { engine: Engine::Claude, ..PLAIN };
const GEMINI: Model = Model { engine: Engine::Gemini, search: 35_000_000, ..PLAIN };
const PERPLEXITY: Model = Model { engine: Engine::Perplexity, standard: false, search: 5_000_000, ..PLAIN };

/// Every model, newest first among those of one base name.
static MODELS: &[Model] = &[
    Model { name: "gpt-5-2025-08-07", base: "gpt-5", reasoning: true, input: 1_250, output: 10_000, ..PLAIN },
    Model { name: "gpt-4.1-mini-2025-04-14", base: "gpt-4.1-mini", input: 400, output: 1_600, ..PLAIN },
    Model { name: "gpt-4o-2024-11-20", base: "gpt-4o", input: 2_500, output: 10_000, ..PLAIN },
    Model { name: "gpt-4o-2024-08-06", base: "gpt-4o", input: 2_500, output: 10_000, ..PLAIN },
    Model {
        name: "o3-mini-2025-01-31",
        base: "o3-mini",
        reasoning: true,
        web_search: false,
        input: 1_100,
        output: 4_400,
        ..PLAIN
    },
    Model {
        name: "o1-pro-2025-03-19",
        base: "o1-pro",
        reasoning: true,
        web_search: false,
        standard: false,
        input: 150_000,
        output: 600_000,
        ..PLAIN
    },
    Model {
        name: "claude-sonnet-4-20250514",
        base: "claude-sonnet-4",
        reasoning: true,
        input: 3_000,
        output: 15_000,
        ..CLAUDE
    },
    Model { name: "claude-3-5-haiku-20241022", base: "claude-3-5-haiku", input: 800, output: 4_000, ..CLAUDE },
    Model { name: "gemini-2.5-pro", base: "gemini-2.5-pro", reasoning: true, input: 1_250, output: 10_000, ..GEMINI },
    Model { name: "gemini-2.5-flash", base: "gemini-2.5-flash", reasoning: true, input: 300, output: 2_500, ..GEMINI },
    Model { name: "sonar", base: "sonar", input: 1_000, output: 1_000, ..PERPLEXITY },
    Model {
        name: "sonar-reasoning-pro",
        base: "sonar-reasoning-pro",
        reasoning: true,
        input: 2_000,
        output: 8_000,
        ..PERPLEXITY
    },
    Model { name: "gpt-5.2-2025-12-11", base: "gpt-5.2", reasoning: true, input: 1_750, output: 14_000, ..PLAIN },
    Model {
        name: "gpt-5.4-mini-2026-03-17",
        base: "gpt-5.4-mini",
        reasoning: true,
        input: 750,
        output: 4_500,
        ..PLAIN
    },
    Model {
        name: "claude-haiku-4-5-20251001",
        base: "claude-haiku-4-5",
        reasoning: true,
        input: 1_000,
        output: 5_000,
        ..CLAUDE
    },
    Model {
        name: "claude-sonnet-4-6",
        base: "claude-sonnet-4-6",
        reasoning: true,
        input: 3_000,
        output: 15_000,
        ..CLAUDE
    },
    Model {
        name: "gemini-3.5-flash-lite",
        base: "gemini-3.5-flash-lite",
        reasoning: true,
        input: 300,
        output: 2_500,
        search: 14_000_000,
        ..GEMINI
    },
];

impl Model {
    /// The model of a dated name, or the newest of a base name.
    pub(super) fn named(engine: Engine, name: &str) -> Option<&'static Self> {
        let of_engine = || MODELS.iter().filter(|model| model.engine == engine);
        of_engine().find(|model| model.name == name).or_else(|| of_engine().find(|model| model.base == name))
    }

    /// What it charges.
    pub(super) fn charge(&self, read: u32, written: u32, searched: bool) -> Money {
        let tokens = i64::from(read) * self.input + i64::from(written) * self.output;
        Money::from_nanos(tokens + if searched { self.search } else { 0 })
    }

    /// The Standard method takes it, as far as a client can know.
    pub(super) fn takes_standard(&self, gemini_standard: bool) -> bool {
        self.standard && (gemini_standard || self.engine != Engine::Gemini)
    }
}

impl Sandbox {
    /// The models of an engine, without their prices.
    pub(super) fn models(&self, cx: &Context<'_>, engine: Engine) -> Reply {
        let gemini_standard = self.settings.switches.gemini_takes_standard;
        let of_engine = MODELS.iter().filter(|model| model.engine == engine);
        let rows: Vec<String> = of_engine
            .map(|model| {
                format!(
                    r#"{{"model_name":{},"reasoning":{},"web_search_supported":{},"task_post_supported":{}}}"#,
                    quoted(model.name),
                    model.reasoning,
                    model.web_search,
                    model.takes_standard(gemini_standard),
                )
            })
            .collect();
        Reply::Rows(cx.rows_of("models", Some(engine), &rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_name_means_its_newest_dated_model() {
        let named = |engine, name| Model::named(engine, name).map(|model| model.name);
        assert_eq!(named(Engine::ChatGpt, "gpt-4o"), Some("gpt-4o-2024-11-20"));
        assert_eq!(named(Engine::ChatGpt, "gpt-4o-2024-08-06"), Some("gpt-4o-2024-08-06"));
        assert_eq!(named(Engine::Claude, "gpt-4o"), None);
    }

    #[test]
    fn a_charge_is_exact_to_the_nano_dollar() {
        let model = Model::named(Engine::ChatGpt, "gpt-4.1-mini").unwrap();
        // The provider's own example: 512 tokens read, 96 written and a search are $0.0103584.
        assert_eq!(model.charge(512, 96, true), Money::from_nanos(10_358_400));
    }
}
