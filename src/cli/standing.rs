//! What a person should know of an account beside its runs: what was charged for nothing of theirs, and what it waits for.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::out::count;
use super::run::terms;
use super::told;
use crate::clock::Now;
use crate::config::AccountConfig;
use crate::engine::{self, Desk, Until, Waits};
use crate::ids::BatchId;
use crate::ledger::{Ledger, LedgerError};
use crate::money::Money;
use crate::price::PriceList;

/// How an account stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) account: String,
    /// How many purchases belong to none of the ledger's tasks, and what they cost.
    pub(super) extra: (u64, Money),
    waits: Waits,
    /// Unix seconds.
    now: i64,
}

impl Standing {
    /// Reads it; nothing where the ledger does not have the account.
    pub(super) fn of(ledger: &Ledger, config: &AccountConfig, now: Now) -> Result<Self, LedgerError> {
        let Some((id, _)) = ledger.account(&config.name)? else { return Ok(Self::default()) };
        let terms = terms(id, config, Vec::new());
        let waits = engine::waits(&Desk::new(terms, PriceList::default()), ledger, now.wall.timestamp())?;
        Ok(Self { account: config.name.clone(), extra: ledger.extra_charges(id)?, waits, now: now.wall.timestamp() })
    }

    /// When it can be concluded that a batch was not bought, in words.
    pub(super) fn of_doubt(&self, batch: BatchId) -> Option<String> {
        self.waits
            .doubts
            .get(&batch)
            .map(|until| self.in_words(*until, "the vendor's list can show that it was not bought"))
    }

    /// The same as a fact: Unix seconds of the vendor's clock.
    pub(super) fn doubt_until(&self, batch: BatchId) -> Option<i64> {
        self.waits.doubts.get(&batch).and_then(|until| match until {
            Until::From { at_v, .. } => Some(*at_v),
            Until::Person | Until::Contact => None,
        })
    }

    /// What belongs to no run, in sentences.
    pub(super) fn sentences(&self) -> Vec<String> {
        let (charges, cost) = self.extra;
        let extra = (charges > 0).then(|| {
            format!(
                "{cost} beside what is spent here: account {} was charged for {} that answer no task of this ledger (its table \
                 extra_charge); they count under the account's caps: compare them with the vendor's bill",
                self.account,
                count(charges, "purchase")
            )
        });
        let restored = self.waits.restored.map(|until| {
            let until = self.in_words(until, "the vendor's list can show what it bought meanwhile");
            format!("account {} buys nothing: this ledger was restored, copied or rebuilt; {until}", self.account)
        });
        extra.into_iter().chain(restored).collect()
    }

    /// The extra charges as facts.
    pub(super) fn facts(&self) -> Value {
        let mut row = serde_json::Map::new();
        row.insert("account".into(), self.account.clone().into());
        row.insert("purchases".into(), self.extra.0.into());
        told::money(&mut row, "spent", self.extra.1);
        row.insert("restored".into(), self.waits.restored.is_some().into());
        Value::Object(row)
    }

    fn in_words(&self, until: Until, what: &str) -> String {
        match until {
            Until::Person => "no list can tell, a person decides: `bursar resolve`".to_owned(),
            Until::Contact => "the wait begins when the vendor next answers: start again".to_owned(),
            Until::From { at_v, .. } if at_v <= self.now => {
                "the wait is over, and no two whole looks through the vendor's list have settled it yet: each start looks again"
                    .to_owned()
            }
            Until::From { at_v, is_proven } => {
                let at = DateTime::<Utc>::from_timestamp(at_v, 0)
                    .map_or_else(|| at_v.to_string(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
                let sooner = if is_proven { "" } else { ", or sooner once it has shown an unfinished task of ours" };
                format!("{what} from {at} on{sooner}, in whatever start comes then")
            }
        }
    }
}
