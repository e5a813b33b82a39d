//! What a task may cost: the vendor's published prices, with sources and dates, and what a person put over them.
//!
//! A price here is an expectation and an upper bound for what is reserved. What the vendor really takes is read from
//! its answers, and a difference stops the buying at that price.

use chrono::NaiveDate;

use crate::config::PriceOverride;
use crate::job::Target;
use crate::money::Money;
use crate::offer::{Function, Method, Priority};

/// One price of the vendor, for one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// US dollars a task.
    pub amount: Money,
    /// Where the figure comes from.
    pub source: &'static str,
    /// When it was last read there.
    pub as_of: Option<NaiveDate>,
}

/// A row of the built-in list: function, method, priority, nano-dollars.
type Row = (Function, Method, Priority, i64);

/// One results page is one task. The vendor sells the scraper of all engines as one product at one price.
const BUILT_IN: &[Row] = &[
    (Function::LlmScraper, Method::Standard, Priority::Normal, 1_200_000),
    (Function::LlmScraper, Method::Standard, Priority::High, 2_400_000),
];
const SOURCE: &str = "dataforseo.com/pricing/ai-optimization/llm-scraper";
/// After the change of prices on 2026-07-01.
const AS_OF: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 9, 11);

/// The prices that apply to an account: the built-in list, and what its configuration puts over it.
#[derive(Clone, Debug, Default)]
pub struct PriceList {
    over: Vec<PriceOverride>,
}

impl PriceList {
    /// The built-in list under a person's own prices; of those, the last that fits counts.
    pub fn with(over: &[PriceOverride]) -> Self {
        Self { over: over.to_vec() }
    }

    /// What one task of this target is expected to cost; `None` where no price is known, and nothing may be bought.
    pub fn expected(&self, target: &Target) -> Option<Price> {
        let own = self.over.iter().rev().filter(|row| fits(row, target)).find_map(|row| row.price);
        if let Some(amount) = own {
            return Some(Price { amount, source: "your configuration", as_of: None });
        }
        BUILT_IN
            .iter()
            .find(|(function, method, priority, _)| {
                (*function, *method, *priority) == (target.function, target.method, target.priority)
            })
            .map(|row| Price { amount: Money::from_nanos(row.3), source: SOURCE, as_of: AS_OF })
    }
}

fn fits(row: &PriceOverride, target: &Target) -> bool {
    row.function == target.function
        && row.engine == target.engine
        && row.method.is_none_or(|method| method == target.method)
        && row.priority.is_none_or(|priority| priority == target.priority)
        && row.model.as_deref().is_none_or(|model| Some(model) == target.model.as_deref())
}

/// What has a price of its own: a price that a ledger was never charged is tried on one task first.
pub fn price_key(target: &Target) -> String {
    let model = target.model.as_deref().unwrap_or("-");
    format!("{}/{}/{}/{}/{model}", target.function, target.engine, target.method, target.priority)
}
