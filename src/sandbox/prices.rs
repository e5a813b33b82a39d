//! The current price of each price class; a price can change while the provider runs.

use std::collections::BTreeMap;

use super::price_classes::{PriceClass, price_classes};
use super::settings::Settings;
use crate::money::Money;
use crate::product::{Engine, Function, Method, Priority};

/// The price of every price class. For LLM Responses it is the fee; what the model charges is `models`' matter.
#[derive(Debug)]
pub(super) struct Prices(BTreeMap<(PriceClass, Priority), Money>);

impl Prices {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut prices = BTreeMap::new();
        for price_class in price_classes() {
            match (price_class.function, price_class.method) {
                (Function::LlmScraper, Method::Standard) => {
                    let of_engine = settings.prices.iter().filter(|((engine, _), _)| *engine == price_class.engine);
                    prices.extend(of_engine.map(|((_, priority), price)| ((price_class, *priority), *price)));
                }
                (Function::LlmScraper, Method::Live) => {
                    prices.insert((price_class, Priority::Normal), settings.scraper_live);
                }
                (Function::LlmResponses, Method::Standard) => {
                    prices.insert((price_class, Priority::Normal), settings.responses_fee);
                }
                (Function::LlmResponses, Method::Live) => {
                    prices.insert((price_class, Priority::Normal), settings.responses_live_fee);
                }
            }
        }
        Self(prices)
    }

    /// The price of a price class; nothing where it has none.
    pub(super) fn of(&self, price_class: PriceClass, priority: Priority) -> Money {
        self.0.get(&(price_class, priority)).copied().unwrap_or_default()
    }

    /// Sets the price of all price classes of the same function and method.
    pub(super) fn change(
        &mut self,
        like: PriceClass,
        engine: Option<Engine>,
        priority: Option<Priority>,
        price: Money,
    ) {
        for ((price_class, at), now) in &mut self.0 {
            if (price_class.function, price_class.method) == (like.function, like.method)
                && engine.is_none_or(|engine| engine == price_class.engine)
                && priority.is_none_or(|priority| priority == *at)
            {
                *now = price;
            }
        }
    }
}
