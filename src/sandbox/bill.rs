//! The bill: what this provider has sold, independent of every client, to compare a client's books with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::form::decoded;
use super::price_classes::PriceClass;
use super::tasks::Task;
use super::{Call, Fault, Sandbox};
use crate::money::Money;
use crate::product::{Engine, Function, Method};

/// All that was charged, over all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// What was taken in all by now: advances that are open, and what each settled task came to.
    pub total: Money,
    /// How many tasks were accepted and charged.
    pub tasks: u64,
    /// Advances that were taken and are not settled.
    pub advanced: Money,
    /// What came back of advances.
    pub refunded: Money,
    /// What models charged beyond their advances.
    pub overrun: Money,
    /// How many tasks were accepted under each tag; tasks without a tag count under the empty one.
    pub copies: BTreeMap<String, u64>,
    /// What was taken under each tag.
    pub charged: BTreeMap<String, Money>,
    /// Tasks and money by engine.
    pub by_engine: BTreeMap<Engine, (u64, Money)>,
    /// Tasks and money by what was bought.
    pub by_price_class: BTreeMap<PriceClass, (u64, Money)>,
}

impl Bill {
    fn add(&mut self, task: &Task) {
        let tag = task.fields().tag.unwrap_or_default();
        self.total += task.cost;
        self.tasks += 1;
        *self.copies.entry(tag.clone()).or_default() += 1;
        *self.charged.entry(tag).or_default() += task.cost;
        let of_engine = self.by_engine.entry(task.price_class.engine).or_default();
        let of_price_class = self.by_price_class.entry(task.price_class).or_default();
        for (tasks, money) in [of_engine, of_price_class] {
            *tasks += 1;
            *money += task.cost;
        }
        let Some(meter) = &task.meter else { return };
        if meter.open() {
            self.advanced += meter.advance;
        } else {
            self.refunded += meter.posted.less(task.cost);
            self.overrun += task.cost.less(meter.posted);
        }
    }

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
    /// Where it is asked; 0 for LLM Responses, which knows no places.
    pub location_code: u32,
    /// In which language; empty for LLM Responses, which knows none.
    pub language_code: &'static str,
    /// Whom.
    pub engine: Engine,
    /// By which function.
    pub function: Function,
    /// By which method.
    pub method: Method,
    /// What was taken by now.
    pub cost: Money,
    /// What the answer to its POST said that it cost.
    pub shown: Money,
    /// What it comes to in the end, as far as that is decided.
    pub comes_to: Money,
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
    endpoint: &'a str,
    priority: &'a str,
    cost_nano_usd: i64,
    /// Nothing more will be taken or given back.
    settled: bool,
    posted_at: String,
}

impl Sandbox {
    /// The bill as it stands; goes through all tasks.
    pub fn bill(&self) -> Bill {
        let mut bill = Bill::default();
        for task in self.tasks.all().iter().filter(|task| !task.refused) {
            bill.add(task);
        }
        bill
    }

    /// Every task of the bill, in the order of acceptance.
    pub fn sales(&self) -> impl Iterator<Item = Sale> {
        self.tasks.all().iter().filter(|task| !task.refused).map(|task| {
            let fields = task.fields();
            Sale {
                id: task.id.to_string(),
                prompt: self.prompt(task, &fields.keyword),
                tag: fields.tag,
                location_code: task.location_code,
                language_code: task.language_code(),
                engine: task.price_class.engine,
                function: task.price_class.function,
                method: task.price_class.method,
                cost: task.cost,
                shown: task.shown(),
                comes_to: task.meter.as_ref().and_then(|meter| meter.settles).map_or(task.cost, |(_, cost)| cost),
                posted: DateTime::from_timestamp_millis(task.posted_ms).unwrap_or_default(),
                fails: task.fails,
            }
        })
    }

    /// A prompt as the engine reads it.
    pub(super) fn prompt(&self, task: &Task, posted: &str) -> String {
        match task.price_class.function {
            Function::LlmResponses if !self.settings.switches.decode_user_prompt => posted.to_owned(),
            Function::LlmScraper | Function::LlmResponses => decoded(posted),
        }
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
        let by_endpoint = bill.by_price_class.iter().map(|(price_class, (tasks, money))| {
            let (engine, endpoint) = (price_class.engine, price_class.endpoint());
            format!(r#""{engine}/{endpoint}":{{"tasks":{tasks},"nano_usd":{}}}"#, money.nanos())
        });
        let peaks = self.peaks.most.iter();
        let peaks = peaks.map(|(call, most)| format!(r#""{}":{most}"#, call.map_or("all", Call::name)));
        format!(
            r#"{{"total_nano_usd":{},"tasks":{},"tags_charged_twice":{},"advanced_nano_usd":{},"refunded_nano_usd":{},"overrun_nano_usd":{},"by_endpoint":{{{}}},"peak_per_minute":{{{}}}}}"#,
            bill.total.nanos(),
            bill.tasks,
            bill.bought_twice().count(),
            bill.advanced.nanos(),
            bill.refunded.nanos(),
            bill.overrun.nanos(),
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
            let _ = writeln!(out, "{}", self.line(task));
        }
        Some((out, from + tasks.len()))
    }

    fn line(&self, task: &Task) -> String {
        let fields = task.fields();
        let posted_at = DateTime::from_timestamp_millis(task.posted_ms).unwrap_or_default();
        let line = Line {
            id: task.id.to_string(),
            tag: fields.tag.as_deref(),
            keyword: self.prompt(task, &fields.keyword),
            location_code: task.location_code,
            language_code: task.language_code(),
            engine: task.price_class.engine.name(),
            endpoint: task.price_class.endpoint(),
            priority: task.priority.name(),
            cost_nano_usd: task.cost.nanos(),
            settled: task.meter.as_ref().is_none_or(|meter| !meter.open()),
            posted_at: posted_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}
