//! The bill: what this vendor has sold, as no client can see it, to hold a client's books against.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::form::decoded;
use super::tasks::Task;
use super::{Call, Fault, Sandbox};
use crate::money::Money;
use crate::offer::Engine;

/// All that was charged, over all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// What was taken in all.
    pub total: Money,
    /// How many tasks were accepted and charged.
    pub tasks: u64,
    /// How many tasks were accepted under each tag; tasks without a tag count under the empty one.
    pub copies: BTreeMap<String, u64>,
    /// What was taken under each tag.
    pub charged: BTreeMap<String, Money>,
    /// Tasks and money by engine.
    pub by_engine: BTreeMap<Engine, (u64, Money)>,
}

impl Bill {
    /// Tags under which more than one task was accepted; there should be none.
    pub fn bought_twice(&self) -> impl Iterator<Item = &str> {
        self.copies.iter().filter(|(tag, copies)| !tag.is_empty() && **copies > 1).map(|(tag, _)| tag.as_str())
    }
}

/// One task that was accepted and charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Its id.
    pub id: String,
    /// The tag it was posted with.
    pub tag: Option<String>,
    /// The prompt, as the engine reads it.
    pub prompt: String,
    /// Where it is asked.
    pub location_code: u32,
    /// In which language.
    pub language_code: &'static str,
    /// Whom.
    pub engine: Engine,
    /// What was taken.
    pub cost: Money,
    /// When, by the true time.
    pub posted: DateTime<Utc>,
    /// The code that it ends in; 0 where it ends in an answer.
    pub fails: u32,
}

#[derive(Serialize)]
struct Line<'a> {
    id: String,
    tag: Option<&'a str>,
    keyword: String,
    location_code: u32,
    language_code: &'a str,
    engine: &'a str,
    priority: &'a str,
    cost_nano_usd: i64,
    posted_at: String,
}

impl Sandbox {
    /// The bill as it stands; goes through all tasks.
    pub fn bill(&self) -> Bill {
        let mut bill = Bill::default();
        for task in self.tasks.all().iter().filter(|task| !task.refused) {
            let tag = task.fields().tag.unwrap_or_default();
            bill.total += task.cost;
            bill.tasks += 1;
            *bill.copies.entry(tag.clone()).or_default() += 1;
            *bill.charged.entry(tag).or_default() += task.cost;
            let (tasks, money) = bill.by_engine.entry(task.engine).or_default();
            *tasks += 1;
            *money += task.cost;
        }
        bill
    }

    /// Every task of the bill, in the order of acceptance.
    pub fn sales(&self) -> impl Iterator<Item = Sale> {
        self.tasks.all().iter().filter(|task| !task.refused).map(|task| {
            let fields = task.fields();
            Sale {
                id: task.id.to_string(),
                prompt: decoded(&fields.keyword),
                tag: fields.tag,
                location_code: task.location_code,
                language_code: super::places::language_code(task.language),
                engine: task.engine,
                cost: task.cost,
                posted: DateTime::from_timestamp_millis(task.posted_ms).unwrap_or_default(),
                fails: task.fails,
            }
        })
    }

    /// How often each fault has struck, in the order of the rules.
    pub fn strikes(&self) -> impl Iterator<Item = (&Fault, u64)> {
        self.forecast.strikes()
    }

    /// What was taken in all; unlike [`Sandbox::bill`] at no effort.
    pub fn billed(&self) -> Money {
        self.billed
    }

    /// The most calls of a kind, or of all kinds, that arrived in any 60 seconds, refused ones included.
    pub fn peak_per_minute(&self, call: Option<Call>) -> usize {
        self.peaks.most.get(&call).copied().unwrap_or(0)
    }

    /// The bill as `GET /sandbox/bill` shows it.
    pub(super) fn bill_json(&self) -> String {
        let bill = self.bill();
        let by_endpoint = bill.by_engine.iter().map(|(engine, (tasks, money))| {
            format!(r#""{engine}/llm_scraper/task_post":{{"tasks":{tasks},"nano_usd":{}}}"#, money.nanos())
        });
        let peaks = self.peaks.most.iter();
        let peaks = peaks.map(|(call, most)| format!(r#""{}":{most}"#, call.map_or("all", Call::name)));
        format!(
            r#"{{"total_nano_usd":{},"tasks":{},"tags_charged_twice":{},"by_endpoint":{{{}}},"peak_per_minute":{{{}}}}}"#,
            bill.total.nanos(),
            bill.tasks,
            bill.bought_twice().count(),
            by_endpoint.collect::<Vec<_>>().join(","),
            peaks.collect::<Vec<_>>().join(","),
        )
    }

    /// Lines of `GET /sandbox/bill/tasks` for the next tasks, and where to go on; nothing after the last.
    pub(super) fn bill_lines(&self, from: usize, count: usize) -> Option<(String, usize)> {
        let tasks = self.tasks.all().get(from..).filter(|left| !left.is_empty())?;
        let tasks = &tasks[..count.min(tasks.len())];
        let mut out = String::with_capacity(tasks.len() * 256);
        for task in tasks.iter().filter(|task| !task.refused) {
            let _ = writeln!(out, "{}", line(task));
        }
        Some((out, from + tasks.len()))
    }
}

fn line(task: &Task) -> String {
    let fields = task.fields();
    let posted_at = DateTime::from_timestamp_millis(task.posted_ms).unwrap_or_default();
    let line = Line {
        id: task.id.to_string(),
        tag: fields.tag.as_deref(),
        keyword: decoded(&fields.keyword),
        location_code: task.location_code,
        language_code: super::places::language_code(task.language),
        engine: task.engine.name(),
        priority: task.priority.name(),
        cost_nano_usd: task.cost.nanos(),
        posted_at: posted_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    };
    serde_json::to_string(&line).unwrap_or_default()
}
