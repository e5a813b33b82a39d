//! What a task may cost: the provider's published prices, with sources and dates, and a person's own prices over
//! them.
//!
//! A scraper task has a price. A task of LLM Responses has the provider's fee and a charge of its model that is known
//! only with the answer (`tokens`): its worst case is reserved. A figure here is an expectation, and an upper bound
//! for what is reserved. The provider's replies show what it really takes, and a difference stops buying at that
//! price.

#[cfg(test)]
mod tests;
mod tokens;

use chrono::{DateTime, NaiveDate};

use crate::catalogue::undated;
use crate::config::PriceOverride;
use crate::job::{Asked, Target};
use crate::model::{Days, shipped_model};
use crate::money::Money;
use crate::product::{Function, Method, Priority};

/// One price of the provider, for one task, in US dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// What is charged at submission; for a Live task of LLM Responses, the maximum charge.
    pub amount: Money,
    /// The maximum that the task may cost in the end: it is reserved.
    pub worst_case: Money,
    /// What the provider's own price list names for it: the complete price of a scraper task, the fee of any other.
    pub fee: Money,
    /// The source of the figure.
    pub source: &'static str,
    /// When it was last read there.
    pub as_of: Option<NaiveDate>,
}

/// A row of the built-in list: function, method, priority, nano-dollars.
type Row = (Function, Method, Priority, i64);

/// One results page is one task. The provider sells the scraper of all engines as one product at one price; for LLM
/// Responses it is the provider's fee.
const BUILT_IN: &[Row] = &[
    (Function::LlmScraper, Method::Standard, Priority::Normal, 1_200_000),
    (Function::LlmScraper, Method::Standard, Priority::High, 2_400_000),
    (Function::LlmScraper, Method::Live, Priority::Normal, 4_000_000),
    (Function::LlmResponses, Method::Standard, Priority::Normal, 200_000),
    (Function::LlmResponses, Method::Live, Priority::Normal, 600_000),
];
/// The advance that the provider takes for a Standard task of LLM Responses beside its fee, until it is settled.
const ADVANCE: Money = Money::from_nanos(10_000_000);
const SOURCE: &str = "dataforseo.com/pricing/ai-optimization/llm-scraper";
/// The prices since 2026-07-01.
const AS_OF: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 9, 11);

/// The prices that apply to an account: the built-in list, and the config's own prices over it.
#[derive(Clone, Debug, Default)]
pub struct PriceList {
    over: Vec<PriceOverride>,
    /// The days on which purchases of now may be charged; `None`: any day.
    days: Option<Days>,
}

/// A task that is bought today is charged by its model's prices of today, or of a later day while it is under way: a
/// Standard task of LLM Responses has 72 hours. The machine's day may be a day off the provider's.
const DAYS_UNDER_WAY: chrono::Days = chrono::Days::new(4);
const DAYS_APART: chrono::Days = chrono::Days::new(1);

impl PriceList {
    /// The built-in list under a person's own prices; of those, the last that fits applies.
    pub fn with(over: &[PriceOverride]) -> Self {
        Self { over: over.to_vec(), days: None }
    }

    /// The same for purchases of this day (UTC): for a model with dated prices, the highest that a task can meet.
    /// Without a day, the highest of all.
    #[must_use]
    pub fn on(self, today: NaiveDate) -> Self {
        Self { days: Some((today - DAYS_APART, today + DAYS_UNDER_WAY)), ..self }
    }

    /// Follows the provider's clock to another day, if the list was made for one; `true` if the day has changed.
    pub fn follow(&mut self, now_v: i64) -> bool {
        let today = DateTime::from_timestamp(now_v, 0).map(|now| now.date_naive());
        let days = self.days.zip(today).map(|(_, today)| (today - DAYS_APART, today + DAYS_UNDER_WAY));
        days.is_some() && std::mem::replace(&mut self.days, days) != days
    }

    /// The cost of one task of this target; `None` if no price is known, and nothing may be bought.
    pub fn expected(&self, target: &Target, asked: Asked) -> Option<Price> {
        let own = self.own(target, |row| row.price);
        let fee = fee(target)?;
        match (target.function, own) {
            (Function::LlmScraper, Some(own)) => {
                Some(Price { amount: own, worst_case: own, fee: own, source: "your configuration", as_of: None })
            }
            (Function::LlmScraper, None) => {
                Some(Price { amount: fee, worst_case: fee, fee, source: SOURCE, as_of: AS_OF })
            }
            (Function::LlmResponses, own) => {
                let (worst_case, source, as_of) = match asked.ceiling.or(own) {
                    Some(ceiling) => (ceiling, "what you say one may cost", None),
                    None => self
                        .charge(target, asked)
                        .map(|(charge, source, as_of)| (fee.saturating_add(charge), source, as_of))?,
                };
                let taken = match target.method {
                    Method::Standard => fee.saturating_add(ADVANCE),
                    Method::Live => worst_case,
                };
                Some(Price { amount: taken, worst_case: worst_case.max(taken), fee, source, as_of })
            }
        }
    }

    /// What the provider's own price list should name for one task of this target: the complete price of a scraper
    /// task, the fee of any other.
    pub fn fee(&self, target: &Target) -> Option<Money> {
        let own = self.own(target, |row| row.price).filter(|_| target.function == Function::LlmScraper);
        own.or_else(|| fee(target))
    }

    /// The maximum that the model of a target may charge.
    fn charge(&self, target: &Target, asked: Asked) -> Option<(Money, &'static str, Option<NaiveDate>)> {
        let model = target.model.as_deref()?;
        let shipped = shipped_model(target.engine, model);
        let searches = tokens::may_search(target);
        let reasons = tokens::may_reason(target, shipped);
        let tokens = tokens::max_tokens(target, asked.prompt_bytes, searches, reasons);
        let own = self.own(target, |row| row.input_per_million.zip(row.output_per_million));
        let own_search = self.own(target, |row| row.search_per_thousand);
        let charge = |input, output, search: Option<Money>| {
            // A search that may be made and has no price makes the whole unknown.
            let search = if searches { Some(own_search.or(search)?) } else { None };
            Some(tokens.charge(input, output, search))
        };
        let listed = || shipped.into_iter().flat_map(|model| model.prices_for(self.days, tokens.read()));
        if let Some((input, output)) = own {
            let search = listed().filter_map(|price| price.search).max();
            return Some((charge(input, output, search)?, "your configuration", None));
        }
        let each = listed().map(|price| Some((charge(price.input, price.output, price.search)?, price)));
        let (most, price) = each.collect::<Option<Vec<_>>>()?.into_iter().max_by_key(|(charge, _)| *charge)?;
        Some((most, price.source, Some(price.as_of)))
    }

    /// A person's own figure; of several that fit, the last.
    fn own<T>(&self, target: &Target, figure: impl Fn(&PriceOverride) -> Option<T>) -> Option<T> {
        self.over.iter().rev().filter(|row| fits(row, target)).find_map(figure)
    }
}

/// A charge for one kind of task, and when it was bought by the provider's clock.
pub type Charge = (Money, i64);

/// A purchase is dated to the second, by its answer or by the provider's list.
const SAME_TIME_S: i64 = 2;

/// True if this charge says more about today's price than the other. An older purchase that is found late says nothing
/// about a newer price; of two at about one time, the dearer counts as the later.
pub fn is_later((cost, at_v): Charge, (other, other_v): Charge) -> bool {
    let since_s = at_v.saturating_sub(other_v);
    since_s > SAME_TIME_S || since_s >= -SAME_TIME_S && cost >= other
}

/// Where the provider named the cost of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedIn {
    /// In its reply to the purchase.
    Answer,
    /// In its list, which did not say that the task was finished: the figure is what was taken at first.
    List,
    /// In its list, for a finished task: the figure is what was taken at first, or the final cost.
    ListWhenDone,
}

/// The final cost of a Standard task of LLM Responses: its fee plus the model's charge. `named` is what the provider
/// said it took. `shown` are fees that the provider has shown, beside the one of our list.
pub fn settled(named: Option<Money>, named_in: NamedIn, model_charge: Money, shown: &[Option<Money>]) -> Money {
    fee_in(named, Some((named_in, model_charge)), shown).saturating_add(model_charge)
}

/// Whether [`settled`] can determine the fee: the named figure has only one reading, or one reading with a known fee.
pub fn is_certain(named: Option<Money>, named_in: NamedIn, model_charge: Money, shown: &[Option<Money>]) -> bool {
    let fee = fee_in(named, Some((named_in, model_charge)), shown);
    named_in != NamedIn::ListWhenDone || named.is_none_or(|named| named <= model_charge) || is_known(fee, shown)
}

/// The fee within fee and advance, as taken at once for such a task.
pub fn fee_of(taken: Money) -> Money {
    taken.less(ADVANCE)
}

/// What the provider took for such a task at submission, whether it named the fee alone or the whole sum.
pub fn taken(named: Option<Money>) -> Money {
    fee_in(named, None, &[]).saturating_add(ADVANCE)
}

/// What a list with this figure has shown to be taken for such a task; if the figure is the fee alone, the whole sum.
pub fn shown_taken(named: Money) -> Money {
    if named == listed_fee() { taken(Some(named)) } else { named }
}

/// What stays charged for such a task that the provider did not finish in its 72 hours: the fee.
pub fn unfinished(named: Option<Money>) -> Money {
    fee_in(named, None, &[])
}

/// The final cost of a finished Standard task of LLM Responses for which a list names this figure. `None` if the
/// figure may still be what was taken at first, as a whole or the fee alone. `first`: what the provider named at the
/// purchase; `shown`: as for [`settled`].
pub fn came_to(listed: Money, first: Option<Money>, named_in: NamedIn, shown: &[Option<Money>]) -> Option<Money> {
    let fee = fee_in(first, None, shown);
    let is_taken = |fee: Money| listed == fee.saturating_add(ADVANCE);
    let known = || shown.iter().flatten().copied().chain([listed_fee()]);
    let at_first = match (first, named_in) {
        (Some(first), NamedIn::Answer | NamedIn::List) => listed == first || is_taken(fee),
        // It may have been what the task had come to, and tells no fee.
        _ => known().any(|fee| fee == listed),
    };
    (!at_first && !known().any(is_taken)).then_some(listed)
}

/// The fee in the figure that the provider named. The figure is fee and advance, the fee alone, or, in a list, the
/// final cost with the model's charge. If no reading gives a known fee (of our list, or shown by the provider), the
/// fee has changed, and the reading nearest to a known fee applies. A list that does not say when a task was finished
/// may omit that for a finished one: its final cost is then recognised by the fee.
fn fee_in(named: Option<Money>, settled: Option<(NamedIn, Money)>, shown: &[Option<Money>]) -> Money {
    let listed = listed_fee();
    let Some(named) = named else { return listed };
    // There is no task without a fee.
    let beside = |part: Money| (named > part).then(|| named.less(part));
    let known = || shown.iter().flatten().chain([&listed]);
    let far = |fee: &Money| known().map(|known| (fee.nanos() - known.nanos()).abs()).min();
    let came_to = settled.and_then(|(named_in, model_charge)| match named_in {
        NamedIn::Answer => None,
        NamedIn::List => beside(model_charge).filter(|fee| far(fee) == Some(0)),
        NamedIn::ListWhenDone => beside(model_charge),
    });
    let readings = [beside(ADVANCE), Some(named), came_to];
    readings.into_iter().flatten().min_by_key(far).unwrap_or(named)
}

/// True if our list has this fee, or the provider has shown it.
fn is_known(fee: Money, shown: &[Option<Money>]) -> bool {
    fee == listed_fee() || shown.contains(&Some(fee))
}

/// The fee of such a task by our list.
fn listed_fee() -> Money {
    built_in(Function::LlmResponses, Method::Standard, Priority::Normal).unwrap_or_default()
}

fn fee(target: &Target) -> Option<Money> {
    built_in(target.function, target.method, target.priority)
}

fn built_in(function: Function, method: Method, priority: Priority) -> Option<Money> {
    let row = BUILT_IN.iter().find(|row| (row.0, row.1, row.2) == (function, method, priority));
    row.map(|row| Money::from_nanos(row.3))
}

fn fits(row: &PriceOverride, target: &Target) -> bool {
    let model = target.model.as_deref();
    row.function == target.function
        && row.engine == target.engine
        && row.method.is_none_or(|method| method == target.method)
        && row.priority.is_none_or(|priority| priority == target.priority)
        && row.model.as_deref().is_none_or(|own| Some(own) == model || Some(own) == model.map(undated))
}

/// A price class: it has a price of its own, and a price that a ledger was never charged is tried on one task first.
pub fn price_key(target: &Target) -> String {
    let model = target.model.as_deref().unwrap_or("-");
    format!("{}/{}/{}/{}/{model}", target.function, target.engine, target.method, target.priority)
}
