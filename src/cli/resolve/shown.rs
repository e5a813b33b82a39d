//! The evidence on a batch, as text and as facts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::cli::account_status::AccountStatus;
use crate::cli::out::{self, count};
use crate::clock::Clock;
use crate::config::Config;
use crate::ledger::{Evidence, Ledger};
use crate::money::Money;

/// Questions that are shown without `-v`.
const FEW: usize = 3;
/// Characters of a question that are shown without `-v`.
const SHORT: usize = 60;

/// What is shown of a batch.
pub(super) struct Shown<'e> {
    evidence: &'e Evidence,
    /// When it settles by itself, in words and by the provider's clock.
    until: Option<String>,
    until_v: Option<i64>,
    lists: bool,
    whole: bool,
}

impl<'e> Shown<'e> {
    pub(super) fn of(ledger: &Ledger, config: &Config, evidence: &'e Evidence, whole: bool) -> anyhow::Result<Self> {
        let account = config.accounts.get(&evidence.account.1);
        let account_status = account
            .map(|account| AccountStatus::of(ledger, account, Clock::system().now()))
            .transpose()?
            .unwrap_or_default();
        Ok(Self {
            evidence,
            until: account_status.of_unknown(evidence.batch),
            until_v: account_status.unknown_until(evidence.batch),
            lists: account.is_none_or(|account| account.route.shows_lists()),
            whole,
        })
    }

    fn in_state(&self, state: &str) -> (u64, Money) {
        let of_it = self.evidence.tasks.iter().filter(|task| task.state == state);
        of_it.fold((0, Money::ZERO), |(n, sum), task| (n + 1, sum.saturating_add(task.held)))
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Evidence { batch, job, period, account, engine, function, method, sent_v, .. } = self.evidence;
        let mut text = format!("batch {batch} of job {job} ({period}), account {}\n", account.1);
        let mut row = |head: &str, what: &str| {
            let _ = writeln!(text, "  {head:<10} {what}");
        };
        let closed = match self.evidence.closed_v {
            Some(closed_v) => format!("its connection was gone by {}", moment(closed_v)),
            None => "when its connection was gone is not known yet".to_owned(),
        };
        row("sent", &format!("not before {} by the provider's clock; {closed}", moment(*sent_v)));
        row("endpoint", &format!("{function} of {engine}, {method}"));
        if let Some(why) = &self.evidence.why {
            row("why", why);
        }
        let (unknown_batches, held) = self.in_state("sending");
        row(
            "in doubt",
            &format!("{unknown_batches} of {}, {held} held for them", count(self.evidence.attempts, "task")),
        );
        let (bought, charged) = self.in_state("resolved_as_bought");
        if bought > 0 {
            row(
                "decided",
                &format!("{} called bought by a person, {charged} charged; looked for", count(bought, "task")),
            );
        }
        let (given_up, _) = self.in_state("not_bought");
        if given_up > 0 {
            row(
                "decided",
                &format!("{} called not bought by a person, and not bought again yet", count(given_up, "task")),
            );
        }
        self.questions(&mut row);
        self.list(&mut row);
        if unknown_batches > 0 {
            self.ways(&mut row);
        }
        text
    }

    fn questions(&self, row: &mut dyn FnMut(&str, &str)) {
        let tasks = &self.evidence.tasks;
        if self.whole {
            for task in tasks {
                let model = if task.model.is_empty() { String::new() } else { format!(", {}", task.model) };
                row("task", &format!("{}: tag {}, {}{model}: {}", task.task, task.tag, task.market, task.prompt));
            }
            return;
        }
        match &tasks[..] {
            [] => return,
            [only] => row("tag", &only.tag),
            [first, .., last] => row("tags", &format!("first {}, last {}; -v shows all", first.tag, last.tag)),
        }
        let mut markets = BTreeMap::<&str, u64>::new();
        for task in tasks {
            *markets.entry(&task.market).or_default() += 1;
        }
        let each: Vec<String> = markets.iter().take(5).map(|(market, n)| format!("{market} ({n})")).collect();
        let more = if markets.len() > 5 { format!("; and {} more", markets.len() - 5) } else { String::new() };
        row("markets", &format!("{}{more}", each.join("; ")));
        let few: Vec<String> = tasks.iter().take(FEW).map(|task| format!("`{}`", short(&task.prompt))).collect();
        let more =
            if tasks.len() > FEW { format!(", and {} more: -v shows all", tasks.len() - FEW) } else { String::new() };
        row("questions", &format!("{}{more}", few.join(", ")));
    }

    /// What the provider's list said so far.
    fn list(&self, row: &mut dyn FnMut(&str, &str)) {
        if !self.lists {
            row("list", "this route has no list of what was bought");
            return;
        }
        let scans = &self.evidence.scans;
        row(
            "list",
            &match scans.last() {
                None => "it was not scanned yet since then to conclude anything".to_owned(),
                Some(last) => format!(
                    "{} since then, the last from {}: {}; {} for this batch without showing it (two are needed, one of them by the \
                 session that concludes)",
                    count(scans.len() as u64, "scan"),
                    moment(last.begun_v),
                    last.verdict,
                    if self.evidence.counting == 1 {
                        "1 counts".to_owned()
                    } else {
                        format!("{} count", self.evidence.counting)
                    }
                ),
            },
        );
        row(
            "",
            &match self.evidence.shows_unfinished_v {
                Some(at_v) => format!("it is known to show unfinished tasks since {}", moment(at_v)),
                None => "it has not yet shown an unfinished task of ours".to_owned(),
            },
        );
        if let Some(until) = &self.until {
            row("by itself", until);
        }
    }

    /// What a person can do.
    fn ways(&self, row: &mut dyn FnMut(&str, &str)) {
        let batch = self.evidence.batch;
        if self.lists {
            row(
                "to do",
                "wait until the list is back: `bursar run` or `bursar reconcile` reads it again and settles the batch",
            );
        }
        row("or", "look for the tags above at the provider, around the time it was sent, and say what you saw:");
        row("", &format!("`bursar resolve {batch} --bought --reason TEXT`: charged, and the answers are looked for"));
        row("", &format!("`bursar resolve {batch} --ids FILE`: the provider's ids, each checked by its tag"));
        row("", &format!("`bursar resolve {batch} --not-bought --reason TEXT`: the next run buys the tasks again"));
    }

    /// For programs.
    pub(super) fn facts(&self) -> Map<String, Value> {
        let Evidence { batch, job, period, account, engine, function, method, sent_v, closed_v, .. } = self.evidence;
        let (unknown_batches, held) = self.in_state("sending");
        let mut facts = Map::new();
        facts.insert("schema".into(), "bursar.resolve/1".into());
        facts.insert("batch".into(), batch.0.into());
        facts.insert("verdict".into(), Value::Null);
        let tasks = self.evidence.tasks.iter().map(|task| {
            let mut facts = Map::new();
            facts.insert("task".into(), task.task.0.into());
            facts.insert("state".into(), task.state.clone().into());
            facts.insert("tag".into(), task.tag.clone().into());
            facts.insert("market".into(), task.market.clone().into());
            facts.insert("model".into(), Some(task.model.clone()).filter(|model| !model.is_empty()).into());
            facts.insert("prompt".into(), task.prompt.clone().into());
            out::money(&mut facts, "held", task.held);
            Value::Object(facts)
        });
        let scans = self.evidence.scans.iter().map(|scan| {
            json!({ "begun_at": moment(scan.begun_v), "begun_v": scan.begun_v, "rows": scan.rows, "verdict": scan.verdict })
        });
        let mut evidence = Map::new();
        evidence.insert("job".into(), job.clone().into());
        evidence.insert("period".into(), period.clone().into());
        evidence.insert("account".into(), account.1.clone().into());
        evidence.insert("engine".into(), engine.name().into());
        evidence.insert("function".into(), function.name().into());
        evidence.insert("method".into(), method.name().into());
        evidence.insert("sent_v".into(), (*sent_v).into());
        evidence.insert("closed_v".into(), (*closed_v).into());
        evidence.insert("why".into(), self.evidence.why.clone().into());
        evidence.insert("in_doubt".into(), unknown_batches.into());
        out::money(&mut evidence, "held", held);
        evidence.insert("tasks".into(), tasks.collect());
        evidence.insert("scans".into(), scans.collect());
        evidence.insert("scans_that_count".into(), self.evidence.counting.into());
        evidence.insert("shows_unfinished_since_v".into(), self.evidence.shows_unfinished_v.into());
        evidence.insert("settles_from_v".into(), self.until_v.into());
        facts.insert("evidence".into(), Value::Object(evidence));
        facts
    }
}

fn moment(at_v: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp(at_v, 0);
    at.map_or_else(|| at_v.to_string(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The beginning of a question, on one line.
fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHORT {
        return line;
    }
    line.chars().take(SHORT).chain("...".chars()).collect()
}
