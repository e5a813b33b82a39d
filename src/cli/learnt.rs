//! What a session learnt beyond its own runs: losses of any run, and unknown outcomes that it settled.
//!
//! Losses are notices of the ledger, and stay unreported there until a summary has been written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Exit;
use super::out::{self, count};
use crate::ids::RunId;
use crate::ledger::{Books, Ledger, LedgerError, Notice, NoticeKind, Reports};
use crate::money::Money;

/// Tasks in doubt that a session settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Found to be bought.
    pub(super) bought: u64,
    /// What those cost.
    pub(super) cost: Money,
    /// Found not to be bought.
    pub(super) not_bought: u64,
}

impl Settled {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            bought: self.bought + other.bought,
            cost: self.cost.saturating_add(other.cost),
            not_bought: self.not_bought + other.not_bought,
        }
    }
}

/// What a session learnt.
#[derive(Clone, Debug, Default)]
pub(super) struct Learnt {
    notices: Vec<Notice>,
    own: Vec<RunId>,
    settled: Settled,
    unmatched: Unmatched,
}

/// Charges that answer no task and are told beside it, by account.
pub(super) type Unmatched = BTreeMap<String, u64>;

impl Learnt {
    /// What nobody was told of yet. `own`: the runs that have a summary of their own, which shows their failures;
    /// `unmatched`: so many unmatched charges are told beside it.
    pub(super) fn of(
        ledger: &Ledger,
        own: Vec<RunId>,
        settled: Settled,
        unmatched: Unmatched,
    ) -> Result<Self, LedgerError> {
        Ok(Self { notices: ledger.untold()?, own, settled, unmatched })
    }

    /// A summary was written: no later session tells it again.
    pub(super) fn was_told(&self, ledger: &mut Ledger, now: i64) -> Result<(), LedgerError> {
        ledger.told(&self.notices, now)
    }

    /// The losses that no summary of a run shows: it names what failed, and not what was charged beyond a hold.
    fn losses(&self) -> impl Iterator<Item = &Notice> {
        let is_shown = |notice: &&Notice| {
            if let Some(run) = notice.run {
                return self.own.contains(&run) && notice.kind != NoticeKind::Overrun;
            }
            let told = self.unmatched.get(&notice.account).copied().unwrap_or_default();
            notice.kind == NoticeKind::Unmatched && notice.tasks <= told
        };
        self.notices.iter().filter(move |notice| !is_shown(notice))
    }

    /// What it means for the session's exit code.
    pub(super) fn exit(&self) -> Exit {
        if self.losses().next().is_some() { Exit::SomeFailed } else { Exit::Complete }
    }

    /// What the losses are, in the heading of a summary; none where there are none.
    pub(super) fn heading(&self) -> Option<&'static str> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.losses().partition(|notice| notice.run.is_some_and(|run| self.own.contains(&run)));
        match (own.is_empty(), others.is_empty()) {
            (_, false) => Some("losses of other runs were learnt"),
            (false, true) => Some("more was charged than was held"),
            (true, true) => None,
        }
    }

    /// In sentences: the losses, and what was settled.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.losses().map(sentence).collect();
        if !sentences.is_empty() {
            sentences.push("told once; `bursar status` shows it until `bursar status --seen`".to_owned());
        }
        let Settled { bought, cost, not_bought } = self.settled;
        let settled = match (bought, not_bought) {
            (0, 0) => None,
            (0, n) => Some(format!("of what was in doubt, {} surely not bought", count(n, "task"))),
            (n, 0) => Some(format!("of what was in doubt, {} found bought, for {cost}", count(n, "task"))),
            (a, b) => Some(format!(
                "of what was in doubt, {} found bought, for {cost}, and {} surely not bought",
                count(a, "task"),
                count(b, "task")
            )),
        };
        sentences.extend(settled);
        sentences
    }

    /// As facts.
    pub(super) fn facts(&self) -> Value {
        self.losses()
            .map(|notice| {
                let mut row = serde_json::Map::new();
                row.insert("kind".into(), notice.kind.name().into());
                row.insert("account".into(), notice.account.clone().into());
                row.insert("job".into(), notice.job.clone().into());
                row.insert("period".into(), notice.period.clone().into());
                row.insert("tasks".into(), notice.tasks.into());
                out::money(&mut row, "paid", notice.paid);
                Value::Object(row)
            })
            .collect()
    }

    /// What was settled, as facts.
    pub(super) fn settled_facts(&self) -> Value {
        let mut row = serde_json::Map::new();
        if let Value::Object(counts) = json!({ "bought": self.settled.bought, "not_bought": self.settled.not_bought }) {
            row.extend(counts);
        }
        out::money(&mut row, "cost", self.settled.cost);
        Value::Object(row)
    }
}

/// A loss in words: whose, what, and what it cost.
fn sentence(notice: &Notice) -> String {
    let tasks = count(notice.tasks, "task");
    let paid = if notice.paid.is_zero() { "at no cost".to_owned() } else { format!("{} paid for them", notice.paid) };
    let what = match notice.kind {
        NoticeKind::Refused => format!("{tasks} refused by the provider, {paid}"),
        NoticeKind::PaidFailure => format!("{tasks} failed at the provider, {paid}"),
        NoticeKind::Expired => format!("{tasks} expired: the provider has discarded the answers, {paid}"),
        NoticeKind::LostLive => format!("{tasks} whose Live answers were lost on the way, {paid}"),
        NoticeKind::Short => {
            format!("{tasks} not bought: a later period of the job has begun, so none of it is bought any more")
        }
        NoticeKind::Overrun => {
            format!("the provider charged {} more than was held for {}", notice.paid, count(notice.tasks, "purchase"))
        }
        NoticeKind::Unmatched => format!(
            "the provider charged {} for {} that answer no task of this ledger: compare it with the provider's bill",
            notice.paid,
            count(notice.tasks, "purchase")
        ),
    };
    match (&notice.job, &notice.period) {
        (Some(job), Some(period)) => format!("{job} ({period}): {what}"),
        _ => format!("account {}: {what}", notice.account),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_accounts_charge_was_not_reported_here() {
        let notice = |id, account: &str| Notice {
            id,
            kind: NoticeKind::Unmatched,
            account: account.to_owned(),
            run: None,
            job: None,
            period: None,
            tasks: 1,
            paid: Money::from_nanos(1_200_000),
        };
        let learnt = Learnt {
            notices: vec![notice(1, "dead"), notice(2, "main")],
            unmatched: Unmatched::from([("main".to_owned(), 1)]),
            ..Learnt::default()
        };
        assert_eq!(learnt.losses().map(|notice| notice.id).collect::<Vec<_>>(), [1]);
        assert_eq!(learnt.exit(), Exit::SomeFailed);
    }
}
