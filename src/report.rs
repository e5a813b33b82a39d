//! The report: the status of a run, as numbers. `cli` puts it into words.

use crate::clock::Now;
use crate::ids::RunId;
use crate::ledger::{FailedAlike, FailedSum, LedgerError, Reports, RunStatus, SetSum};
use crate::money::Money;
use crate::plan::Headroom;
use crate::price::{PriceList, price_key};

/// The status of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The run, as the ledger shows it.
    pub status: RunStatus,
    /// The number of tasks asked, in any state.
    pub asked: u64,
    /// The number of tasks not bought.
    pub planned: u64,
    /// The number of tasks in doubt.
    pub in_doubt: u64,
    /// The number of tasks bought whose answers are outstanding.
    pub waiting: u64,
    /// The number of answered tasks.
    pub answered: u64,
    /// The number of tasks that ended without an answer.
    pub failed: u64,
    /// The reasons, and what was paid.
    pub failures: Vec<FailedSum>,
    /// The same, grouped by what they have in common, in the provider's words.
    pub failed_alike: Vec<FailedAlike>,
    /// The tasks not bought whose latest request was refused whole, in the provider's words.
    pub refused_whole: Vec<FailedAlike>,
    /// The same by prompt set.
    pub sets: Vec<SetSum>,
    /// The headroom of its caps, the run's own first.
    pub headrooms: Vec<Headroom>,
    /// Tasks bought and not answered by the run's deadline; none if it has no deadline.
    pub past_deadline: u64,
    /// What the tasks that are not bought would cost; `None` if a price is unknown.
    pub missing: Option<Money>,
    /// The maximum that one of them would cost.
    pub dearest: Money,
}

impl Report {
    /// Reads the status of a run. This reads all its tasks.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn of(ledger: &mut dyn Reports, run: RunId, prices: &PriceList, now: Now) -> Result<Self, LedgerError> {
        let [planned, sending, submitted, answered, failed] = ledger.tally(run)?;
        let at = now.wall.timestamp();
        let (own, shared) = ledger.headrooms(run, at, at)?;
        let (missing, dearest) = missing(ledger, run, prices)?;
        Ok(Self {
            status: ledger.run_status(run)?,
            asked: planned + sending + submitted + answered + failed,
            planned,
            in_doubt: sending,
            waiting: submitted,
            answered,
            failed,
            failures: ledger.failures(run)?.into_iter().filter(|sum| sum.reason != "dropped_by_job").collect(),
            failed_alike: if failed > 0 { ledger.failed_alike(run)? } else { Vec::new() },
            refused_whole: if planned > 0 { ledger.refused_whole(run)? } else { Vec::new() },
            sets: ledger.set_sums(run)?,
            headrooms: own.into_iter().chain(shared).collect(),
            past_deadline: ledger.past_deadline(run, at)?,
            missing,
            dearest,
        })
    }

    /// True if nothing is left to buy, to wait for or to settle.
    pub fn is_complete(&self) -> bool {
        self.planned + self.in_doubt + self.waiting == 0
    }

    /// Spent plus held money.
    pub fn committed(&self) -> Money {
        self.status.total.charged.saturating_add(self.status.total.held)
    }

    /// The cap with the least headroom.
    pub fn tightest(&self) -> Option<&Headroom> {
        self.headrooms.iter().min_by_key(|headroom| headroom.left)
    }
}

/// What the unbought tasks of a run would cost, by the price list and by the last charges, and the maximum for one of
/// them.
fn missing(ledger: &dyn Reports, run: RunId, prices: &PriceList) -> Result<(Option<Money>, Money), LedgerError> {
    let (mut sum, mut dearest) = (Money::ZERO, Money::ZERO);
    let account = ledger.account_of(run)?;
    for of in ledger.planned_of(run)? {
        let facts = ledger.target(of.target)?;
        let target = facts.bought_by(of.method, of.priority);
        let Some(price) = prices.expected(&target, ledger.asked(of.set)?) else { return Ok((None, dearest)) };
        // What the provider was last seen to take counts where that is more.
        let seen = ledger.price_seen(account, &price_key(&target))?.map_or(Money::ZERO, |(seen, _)| seen);
        let each = price.worst_case.max(seen);
        dearest = dearest.max(each);
        sum = sum.saturating_add(each.saturating_mul(of.tasks));
    }
    Ok((Some(sum), dearest))
}
