//! What this provider sells and where it answers, as one table: function by engine by method.
//!
//! A new engine, function or form is a row of [`ENDPOINTS`]; the file named after a row's [`Verb`] implements it.
//! From the provider's endpoint list: perplexity has no Standard method, the scraper knows two engines, and
//! `locations/{country}` was seen for ChatGPT only. A separate column says which pages the AIsa gateway shows.

use crate::product::{Engine, Function, Method, ResultKind};

use Engine::{ChatGpt, Claude, Gemini};
use Function::{LlmResponses, LlmScraper};
use ResultKind::{Advanced, Html};

/// One thing that can be bought: the endpoint that sells it, without its path's constant part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceClass {
    /// Whose answers.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// In which form, where the endpoint that sells it says so; else the first.
    pub kind: ResultKind,
}

impl PriceClass {
    /// The endpoint that sells it, without its engine: `llm_scraper/live/html`.
    pub const fn endpoint(self) -> &'static str {
        match (self.function, self.method, self.kind) {
            (Function::LlmScraper, Method::Standard, _) => "llm_scraper/task_post",
            (Function::LlmScraper, Method::Live, ResultKind::Advanced) => "llm_scraper/live/advanced",
            (Function::LlmScraper, Method::Live, ResultKind::Html) => "llm_scraper/live/html",
            (Function::LlmResponses, Method::Standard, _) => "llm_responses/task_post",
            (Function::LlmResponses, Method::Live, _) => "llm_responses/live",
        }
    }
}

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Post,
    Ready,
    Get,
    Live,
    Locations,
    Languages,
    Models,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) function: Function,
    /// What stands behind the function in the path; `*` is whatever the caller puts there.
    tail: &'static [&'static str],
    pub(super) verb: Verb,
    pub(super) kind: ResultKind,
    engines: &'static [Engine],
    /// Engines for which the gateway's pages show it.
    gateway: &'static [Engine],
}

const fn row(
    function: Function,
    tail: &'static [&'static str],
    (verb, kind): (Verb, ResultKind),
    engines: &'static [Engine],
    gateway: &'static [Engine],
) -> Endpoint {
    Endpoint { function, tail, verb, kind, engines, gateway }
}

const SCRAPED: &[Engine] = &[ChatGpt, Gemini];
const STANDARD: &[Engine] = &[ChatGpt, Claude, Gemini];
const ALL: &[Engine] = Engine::ALL;

/// Every endpoint that is about an engine.
static ENDPOINTS: &[Endpoint] = &[
    row(LlmScraper, &["task_post"], (Verb::Post, Advanced), SCRAPED, &[Gemini]),
    row(LlmScraper, &["tasks_ready"], (Verb::Ready, Advanced), SCRAPED, &[]),
    row(LlmScraper, &["task_get", "advanced", "*"], (Verb::Get, Advanced), SCRAPED, &[]),
    row(LlmScraper, &["task_get", "html", "*"], (Verb::Get, Html), SCRAPED, &[]),
    row(LlmScraper, &["live", "advanced"], (Verb::Live, Advanced), SCRAPED, SCRAPED),
    row(LlmScraper, &["live", "html"], (Verb::Live, Html), SCRAPED, &[]),
    row(LlmScraper, &["locations"], (Verb::Locations, Advanced), SCRAPED, &[Gemini]),
    row(LlmScraper, &["locations", "*"], (Verb::Locations, Advanced), &[ChatGpt], &[]),
    row(LlmScraper, &["languages"], (Verb::Languages, Advanced), SCRAPED, &[]),
    row(LlmResponses, &["task_post"], (Verb::Post, Advanced), STANDARD, &[ChatGpt, Claude]),
    row(LlmResponses, &["tasks_ready"], (Verb::Ready, Advanced), STANDARD, &[]),
    row(LlmResponses, &["task_get", "*"], (Verb::Get, Advanced), STANDARD, &[]),
    row(LlmResponses, &["live"], (Verb::Live, Advanced), ALL, ALL),
    row(LlmResponses, &["models"], (Verb::Models, Advanced), ALL, &[]),
];

/// A row that a path leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'p> {
    pub(super) endpoint: &'static Endpoint,
    pub(super) engine: Engine,
    /// What stands for the `*`.
    pub(super) argument: Option<&'p str>,
}

impl Found<'_> {
    /// The gateway's pages show this endpoint for this engine.
    pub(super) fn on_the_gateways_pages(&self) -> bool {
        self.endpoint.gateway.contains(&self.engine)
    }
}

/// The row of `[engine, function, tail...]`.
pub(super) fn find<'p>(segments: &[&'p str]) -> Option<Found<'p>> {
    let [engine, function, tail @ ..] = segments else { return None };
    let (engine, function): (Engine, Function) = (engine.parse().ok()?, function.parse().ok()?);
    let fits = |endpoint: &&Endpoint| {
        endpoint.function == function
            && endpoint.tail.len() == tail.len()
            && endpoint.engines.contains(&engine)
            && endpoint.tail.iter().zip(tail).all(|(known, asked)| *known == "*" || known == asked)
    };
    let endpoint = ENDPOINTS.iter().find(fits)?;
    let argument = endpoint.tail.iter().position(|known| *known == "*").map(|at| tail[at]);
    Some(Found { endpoint, engine, argument })
}

/// Every price class that is sold.
pub(super) fn price_classes() -> impl Iterator<Item = PriceClass> {
    ENDPOINTS.iter().flat_map(|endpoint| {
        let method = match endpoint.verb {
            Verb::Post => Some(Method::Standard),
            Verb::Live => Some(Method::Live),
            Verb::Ready | Verb::Get | Verb::Locations | Verb::Languages | Verb::Models => None,
        };
        let sold = move |engine: &Engine| {
            Some(PriceClass { engine: *engine, function: endpoint.function, method: method?, kind: endpoint.kind })
        };
        endpoint.engines.iter().filter_map(sold)
    })
}
