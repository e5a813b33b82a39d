//! What each ware costs now; a price can change while the vendor runs.

use std::collections::BTreeMap;

use super::settings::Settings;
use super::wares::{Ware, wares};
use crate::money::Money;
use crate::offer::{Engine, Function, Method, Priority};

/// The price of every ware. For LLM Responses it is the fee; what the model charges is `models`' matter.
#[derive(Debug)]
pub(super) struct Prices(BTreeMap<(Ware, Priority), Money>);

impl Prices {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut prices = BTreeMap::new();
        for ware in wares() {
            match (ware.function, ware.method) {
                (Function::LlmScraper, Method::Standard) => {
                    let of_engine = settings.prices.iter().filter(|((engine, _), _)| *engine == ware.engine);
                    prices.extend(of_engine.map(|((_, priority), price)| ((ware, *priority), *price)));
                }
                (Function::LlmScraper, Method::Live) => {
                    prices.insert((ware, Priority::Normal), settings.scraper_live);
                }
                (Function::LlmResponses, Method::Standard) => {
                    prices.insert((ware, Priority::Normal), settings.responses_fee);
                }
                (Function::LlmResponses, Method::Live) => {
                    prices.insert((ware, Priority::Normal), settings.responses_live_fee);
                }
            }
        }
        Self(prices)
    }

    /// The price of a ware; nothing where it has none.
    pub(super) fn of(&self, ware: Ware, priority: Priority) -> Money {
        self.0.get(&(ware, priority)).copied().unwrap_or_default()
    }

    /// Sets the price of all wares of the same function and method.
    pub(super) fn change(&mut self, like: Ware, engine: Option<Engine>, priority: Option<Priority>, price: Money) {
        for ((ware, at), now) in &mut self.0 {
            if (ware.function, ware.method) == (like.function, like.method)
                && engine.is_none_or(|engine| engine == ware.engine)
                && priority.is_none_or(|priority| priority == *at)
            {
                *now = price;
            }
        }
    }
}
