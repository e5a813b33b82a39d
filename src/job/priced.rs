//! Mistakes of the job file that its prices show: a target without a price, one dearer than the file allows, a budget
//! that does not buy the first task. The prices themselves are not known here.

use std::ops::Range;

use super::{Asked, Budget, PromptSet, Target};
use crate::config::AccountConfig;
use crate::model::model_names;
use crate::money::Money;
use crate::near::nearest;
use crate::page::{Page, Section};
use crate::problem::{Wrong, WrongPrice};

/// What one task may cost at the most.
pub(super) const CEILING: &str = "max_cost_per_task";

/// Who knows what a task costs.
pub trait Pricing {
    /// The most that one task of a target may cost by an account's prices; none where no price is known.
    fn worst_case(&self, account: &AccountConfig, target: &Target, asked: Asked) -> Option<Money>;

    /// A budget of the run that stands in for the file's.
    fn budget_of_run(&self) -> Option<Money> {
        None
    }
}

/// Prices by an account.
#[derive(Clone, Copy)]
pub(super) struct Priced<'a> {
    pub(super) pricing: &'a dyn Pricing,
    pub(super) account: &'a AccountConfig,
}

impl Priced<'_> {
    fn worst_case(self, target: &Target, asked: Asked) -> Option<Money> {
        self.pricing.worst_case(self.account, target, asked)
    }

    /// The targets of a set: each has a price, and none above what one task of it may cost.
    ///
    /// `bound` is the section that says how much, if one does.
    pub(super) fn set(
        self,
        page: &Page<'_>,
        bound: Option<&Section<'_, '_>>,
        (targets, places): (&[Target], &[Range<usize>]),
        asked: Asked,
    ) {
        for (target, span) in targets.iter().zip(places) {
            let Some(worst_case) = self.worst_case(target, asked) else {
                // Without a model there is nothing to have a price, which has been said.
                let Some(model) = target.model.clone() else { continue };
                let near = nearest(&model, model_names(target.engine)).map(str::to_owned);
                let account = self.account.name.clone();
                let wrong = WrongPrice::NoPriceOfModel { engine: target.engine, model, near, account };
                page.wrong(span.clone(), Wrong::Price(wrong));
                continue;
            };
            if let (Some(most), Some(section)) = (asked.ceiling.filter(|most| worst_case > *most), bound) {
                let span = value_span(section, CEILING);
                let wrong =
                    WrongPrice::TooDear { function: target.function, engine: target.engine, price: worst_case, most };
                page.wrong(span, Wrong::Price(wrong));
            }
        }
    }

    /// The budgets: each buys the first task at least.
    pub(super) fn budget(self, section: &Section<'_, '_>, budget: &Budget, sets: &[PromptSet]) {
        let first = sets.first().and_then(|set| self.worst_case(set.targets.first()?, set.asked()));
        let Some(first) = first else { return };
        let run = self.pricing.budget_of_run().is_none().then_some(budget.run);
        for (key, sum) in [("run", run), ("day", budget.day), ("month", budget.month)] {
            if let Some(sum) = sum.filter(|sum| *sum < first) {
                let wrong = WrongPrice::BuysNothing { key, sum, first };
                section.page.wrong(value_span(section, key), Wrong::Price(wrong));
            }
        }
    }
}

fn value_span(section: &Section<'_, '_>, key: &str) -> Range<usize> {
    section.get(key).map_or_else(|| section.span.clone(), toml::Spanned::span)
}
