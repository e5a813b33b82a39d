//! Everything this provider ever accepted: a compact record for each task, and the orders in which lists show them.
//!
//! A task is accepted once, finishes at a time drawn at acceptance, and is collected once; nothing is ever removed.

use std::collections::{BTreeMap, BTreeSet};

use super::meter::Meter;
use super::price_classes::PriceClass;
use super::task_id::TaskId;
use crate::money::Money;
use crate::product::{Engine, Function, Method, Priority, ResultKind};

/// One accepted task; times in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: TaskId,
    pub(super) posted_ms: i64,
    pub(super) done_ms: i64,
    /// From then on `id_list` shows it.
    pub(super) listed_ms: i64,
    /// What was taken for it by now.
    pub(super) cost: Money,
    pub(super) location_code: u32,
    /// The code it ends in instead of an answer, or 0.
    pub(super) fails: u32,
    pub(super) account: u8,
    /// An index of the languages.
    pub(super) language: u8,
    pub(super) price_class: PriceClass,
    pub(super) priority: Priority,
    /// Refused at once, and kept only because `id_list` shows refused tasks.
    pub(super) refused: bool,
    pub(super) collected: bool,
    /// What a model used and what becomes of its advance; LLM Responses only.
    pub(super) meter: Option<Box<Meter>>,
    /// The fields as posted: JSON members without the braces.
    pub(super) posted: Box<str>,
}

/// What of the posted fields is needed again.
#[derive(serde::Deserialize)]
pub(super) struct Fields {
    /// The prompt; LLM Responses calls it otherwise.
    #[serde(default, alias = "user_prompt")]
    pub(super) keyword: String,
    #[serde(default)]
    pub(super) tag: Option<String>,
    #[serde(default)]
    pub(super) expand_citations: bool,
    #[serde(default)]
    pub(super) force_web_search: bool,
}

impl Task {
    /// The posted fields, read again.
    pub(super) fn fields(&self) -> Fields {
        serde_json::from_str(&format!("{{{}}}", self.posted)).expect("fields were checked when posted")
    }

    /// The posted fields without the tag, as JSON members.
    pub(super) fn untagged(&self) -> String {
        let fields: BTreeMap<String, Box<serde_json::value::RawValue>> =
            serde_json::from_str(&format!("{{{}}}", self.posted)).expect("fields were checked when posted");
        let left = fields.iter().filter(|(name, _)| *name != "tag");
        left.map(|(name, raw)| format!("\"{name}\":{}", raw.get())).collect::<Vec<_>>().join(",")
    }

    /// The language asked in; LLM Responses has none.
    pub(super) fn language_code(&self) -> &'static str {
        match self.price_class.function {
            Function::LlmScraper => super::places::language_code(self.language),
            Function::LlmResponses => "",
        }
    }

    /// What the answer to its POST said that it cost.
    pub(super) fn shown(&self) -> Money {
        self.meter.as_ref().map_or(self.cost, |meter| meter.shown)
    }

    /// What can be on `tasks_ready`.
    fn can_be_ready(&self, failures_too: bool) -> bool {
        self.price_class.method == Method::Standard
            && !self.collected
            && !self.refused
            && (failures_too || self.fails == 0)
    }

    fn endpoint_queue(&self) -> EndpointQueue {
        (self.account, self.price_class.engine, self.price_class.function)
    }
}

/// What one `tasks_ready` is about: an account, an engine and a function.
pub(super) type EndpointQueue = (u8, Engine, Function);

/// All tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// In the order of acceptance, so also of posting times.
    all: Vec<Task>,
    by_id: BTreeMap<TaskId, u32>,
    /// Uncollected ones by endpoint queue, in the order in which they finish.
    ready: BTreeMap<EndpointQueue, BTreeSet<(i64, u32)>>,
    /// Those with an open advance, in the order in which they settle.
    settling: BTreeSet<(i64, u32)>,
    /// Every one in the order of completion; kept only where lists are ordered so.
    by_done: Option<BTreeSet<(i64, u32)>>,
    ready_shows_failures: bool,
}

impl Tasks {
    pub(super) fn new(by_completion: bool, ready_shows_failures: bool) -> Self {
        Self { by_done: by_completion.then(BTreeSet::new), ready_shows_failures, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn all(&self) -> &[Task] {
        &self.all
    }

    pub(super) fn knows(&self, id: TaskId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn get(&self, id: TaskId) -> Option<&Task> {
        self.by_id.get(&id).and_then(|at| self.all.get(*at as usize))
    }

    pub(super) fn add(&mut self, task: Task) {
        let at = u32::try_from(self.all.len()).expect("fewer than four billion tasks");
        if task.can_be_ready(self.ready_shows_failures) {
            self.ready.entry(task.endpoint_queue()).or_default().insert((task.done_ms, at));
        }
        if let Some((settles, _)) = task.meter.as_ref().filter(|meter| meter.open()).and_then(|meter| meter.settles) {
            self.settling.insert((settles, at));
        }
        if let Some(by_done) = &mut self.by_done {
            by_done.insert((task.done_ms, at));
        }
        self.by_id.insert(task.id, at);
        self.all.push(task);
    }

    /// Marks a task as collected; false where it was already, or is unknown.
    pub(super) fn collect(&mut self, id: TaskId) -> bool {
        let Some(at) = self.by_id.get(&id).copied() else { return false };
        let task = &mut self.all[at as usize];
        if let Some(ready) = self.ready.get_mut(&task.endpoint_queue()) {
            ready.remove(&(task.done_ms, at));
        }
        !std::mem::replace(&mut task.collected, true)
    }

    /// Tasks whose advance is due by then, with what each costs.
    pub(super) fn due(&self, until_ms: i64) -> Vec<(TaskId, Money)> {
        let due = self.settling.range(..=(until_ms, u32::MAX)).map(|(_, at)| &self.all[*at as usize]);
        due.filter_map(|task| Some((task.id, task.meter.as_ref()?.settles?.1))).collect()
    }

    /// Puts what a task costs in place of its advance; the task, and what that moves.
    pub(super) fn settle(&mut self, id: TaskId, cost: Money) -> Option<(&Task, Money)> {
        let at = *self.by_id.get(&id)?;
        let task = &mut self.all[at as usize];
        let meter = task.meter.as_mut().filter(|meter| meter.open())?;
        meter.settled = true;
        self.settling.remove(&(meter.settles?.0, at));
        let moved = cost - task.cost;
        task.cost = cost;
        Some((task, moved))
    }

    /// Uncollected tasks that finished in a span of time, oldest first.
    pub(super) fn ready(&self, endpoint_queue: EndpointQueue, from_ms: i64, to_ms: i64) -> impl Iterator<Item = &Task> {
        let ready = self.ready.get(&endpoint_queue);
        let span = if from_ms <= to_ms { (from_ms, 0)..=(to_ms, u32::MAX) } else { (0, 0)..=(0, 0) };
        ready.into_iter().flat_map(move |ready| ready.range(span.clone())).map(|(_, at)| &self.all[*at as usize])
    }

    /// Tasks posted (or finished, where lists are ordered so) in a span of time, oldest first.
    pub(super) fn between(&self, from_ms: i64, to_ms: i64) -> Vec<&Task> {
        if let Some(by_done) = &self.by_done {
            return by_done.range((from_ms, 0)..=(to_ms, u32::MAX)).map(|(_, at)| &self.all[*at as usize]).collect();
        }
        let start = self.all.partition_point(|task| task.posted_ms < from_ms);
        self.all[start..].iter().take_while(|task| task.posted_ms <= to_ms).collect()
    }
}

/// How long a result form is kept, as (kind, settings) decide.
pub(super) fn kept_ms(settings: &super::Settings, kind: ResultKind) -> i64 {
    settings.paced_ms(match kind {
        ResultKind::Advanced => settings.advanced_for,
        ResultKind::Html => settings.html_for,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_writing_and_reading() {
        let at = "2026-12-31T23:59:58Z".parse().unwrap();
        let id = TaskId::new(at, 0, 0x66, 0xffff_1c2d_3e4f_5a6b);
        assert_eq!(id.to_string(), "12312359-1535-0066-0000-1c2d3e4f5a6b");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["12312359-1535-0066-0000-1C2D3E4F5A6B", "1231235915350066000001c2d3e4f5a6b", "", "x"] {
            assert_eq!(text.parse::<TaskId>(), Err(()), "{text}");
        }
    }
}
