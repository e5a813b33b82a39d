//! What a person should know about an account beside its runs: unmatched charges, and what it waits for.

use serde_json::Value;

use super::evidence::{self, moment};
use super::out::{self, count};
use super::terms::terms;
use crate::clock::Now;
use crate::config::AccountConfig;
use crate::engine::{self, Executor, Until, Waits};
use crate::ids::{AccountId, BatchId};
use crate::ledger::{Ledger, LedgerError, Lookups, Reports};
use crate::money::Money;
use crate::price::PriceList;
use crate::product::LIST_REACH_S;

/// How an account stands.
#[derive(Debug, Default)]
pub(super) struct AccountStatus {
    pub(super) account: String,
    /// Where it is.
    pub(super) base_url: String,
    /// How many purchases belong to none of the ledger's tasks, and what they cost.
    pub(super) extra: (u64, Money),
    waits: Waits,
    watch: Watch,
    /// Unix seconds.
    now: i64,
}

/// What was given up and may turn up all the same.
#[derive(Debug, Default)]
struct Watch {
    tasks: u64,
    /// What the provider would have taken for them.
    held: Money,
    scanned_v: Option<i64>,
    /// The provider's list shows the latest of it until then.
    until_v: i64,
}

impl Watch {
    fn of(ledger: &Ledger, account: AccountId, now: i64) -> Result<Self, LedgerError> {
        let given_up = ledger.given_up(account, now - LIST_REACH_S)?;
        Ok(Self {
            tasks: given_up.iter().map(|given_up| given_up.tasks).sum(),
            held: given_up.iter().fold(Money::ZERO, |sum, given_up| sum.saturating_add(given_up.held)),
            scanned_v: ledger.watched_v(account)?,
            until_v: given_up.iter().map(|given_up| given_up.sent_v + LIST_REACH_S).max().unwrap_or(0),
        })
    }
}

impl AccountStatus {
    /// Reads it; nothing where the ledger does not have the account.
    pub(super) fn of(ledger: &Ledger, config: &AccountConfig, now: Now) -> Result<Self, LedgerError> {
        let Some((id, _)) = ledger.account(&config.name)? else { return Ok(Self::default()) };
        let terms = terms(id, config, Vec::new());
        let waits = engine::waits(&Executor::new(terms, PriceList::default()), ledger, now.wall.timestamp())?;
        let now = now.wall.timestamp();
        let watch = if config.route.shows_lists() { Watch::of(ledger, id, now)? } else { Watch::default() };
        let base_url = config.base_url.clone();
        Ok(Self { account: config.name.clone(), base_url, extra: ledger.extra_charges(id)?, waits, watch, now })
    }

    /// When it can be concluded that a batch was not bought, in words.
    pub(super) fn of_unknown(&self, batch: BatchId) -> Option<String> {
        self.waits
            .unknowns
            .get(&batch)
            .map(|until| self.in_words(*until, "the provider's list can show that it was not bought"))
    }

    /// What evidence is missing to conclude that a batch was not bought, and what would give it and when; each a sentence.
    pub(super) fn missing(&self, batch: BatchId) -> Vec<String> {
        let missing = self.waits.missing.get(&batch);
        missing.into_iter().flatten().filter_map(evidence::in_words).collect()
    }

    /// The same as facts.
    pub(super) fn missing_facts(&self, batch: BatchId) -> Vec<Value> {
        self.waits.missing.get(&batch).into_iter().flatten().map(evidence::facts).collect()
    }

    /// The same as a fact: Unix seconds of the provider's clock.
    pub(super) fn unknown_until(&self, batch: BatchId) -> Option<i64> {
        self.waits.unknowns.get(&batch).and_then(|until| match until {
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
                 unmatched_charge); they count under the account's caps: compare them with the provider's bill",
                self.account,
                count(charges, "purchase")
            )
        });
        let restored = self.waits.restored.map(|until| {
            let until = self.in_words(until, "the provider's list can show what it bought meanwhile");
            format!("account {} buys nothing: this ledger was restored, copied or rebuilt; {until}", self.account)
        });
        extra.into_iter().chain(restored).collect()
    }

    /// What is on the watch list, in a sentence.
    pub(super) fn watch_sentence(&self) -> Option<String> {
        let Watch { tasks, held, scanned_v, until_v } = self.watch;
        let scanned = scanned_v
            .map_or_else(|| "not yet looked for since".to_owned(), |at_v| format!("last looked for {}", moment(at_v)));
        (tasks > 0).then(|| {
            format!(
                "account {} watches {} ({held}) given up as not bought: {scanned}; a session a day looks for them in the \
                 provider's list, as does `bursar reconcile`, until {}",
                self.account,
                count(tasks, "task"),
                moment(until_v)
            )
        })
    }

    /// The unmatched charges as facts.
    pub(super) fn facts(&self) -> Value {
        let mut row = serde_json::Map::new();
        row.insert("account".into(), self.account.clone().into());
        row.insert("purchases".into(), self.extra.0.into());
        out::money(&mut row, "spent", self.extra.1);
        row.insert("restored".into(), self.waits.restored.is_some().into());
        row.insert("watched".into(), self.watch.tasks.into());
        row.insert("watched_v".into(), self.watch.scanned_v.into());
        Value::Object(row)
    }

    fn in_words(&self, until: Until, what: &str) -> String {
        match until {
            Until::Person => "no list can settle it; a person decides: `bursar resolve`".to_owned(),
            Until::Contact => "the wait begins when the provider next answers: start again".to_owned(),
            Until::From { at_v, .. } if at_v <= self.now => {
                "the quarantine is over, but no two complete scans of the provider's list have settled it yet; each session scans again"
                    .to_owned()
            }
            Until::From { at_v, is_visibility_proven } => {
                let at = moment(at_v);
                let sooner = if is_visibility_proven { "" } else { ", or sooner once it has shown an unfinished task of ours" };
                format!("{what} from {at} on{sooner}, in whatever start comes then")
            }
        }
    }
}
