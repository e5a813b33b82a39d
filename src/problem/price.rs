//! Mistakes of a job file that only prices show, and what to do about them.

use crate::money::Money;
use crate::product::{Engine, Function};

/// What is wrong by what a task costs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words beside each variant say what it is, its fields are what the words name")]
pub enum WrongPrice {
    #[error("no price is known for model `{model}` of `{engine}`, so nothing can be reserved for it")]
    NoPriceOfModel { engine: Engine, model: String, near: Option<String>, account: String },
    #[error("one task of `{function}` of `{engine}` may cost {price}, and `max_cost_per_task` is {most}")]
    TooDear { function: Function, engine: Engine, price: Money, most: Money },
    #[error("`{key}` is {sum}, and the first task costs {first}: nothing can be bought")]
    BuysNothing { key: &'static str, sum: Money, first: Money },
}

impl WrongPrice {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NoPriceOfModel { near, account, .. } => {
                let own = format!(
                    "give its price under [[accounts.{account}.prices]] in the config, or say what one task may cost by \
                     `max_cost_per_task`"
                );
                near.as_ref().map_or_else(|| own.clone(), |near| format!("did you mean `{near}`? Else {own}"))
            }
            Self::TooDear { price, .. } => format!("write \"{}\" or more, or leave the target out", price.decimal()),
            Self::BuysNothing { first, .. } => format!("write \"{}\" or more", first.decimal()),
        }
    }
}
