//! `tasks_ready` and `task_get`: how an answer reaches the client.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::envelope::{Envelope, OK, Row, quoted, stamp};
use super::faults::Fault;
use super::post::data;
use super::tasks::{Task, kept_ms};
use super::{Context, Reply, Sandbox, answer, draw};
use crate::money::Money;
use crate::product::{Engine, Function, Method, ResultKind};

impl Sandbox {
    /// Finished tasks that were not collected yet.
    pub(super) fn ready(&self, cx: &Context<'_>, engine: Engine, function: Function) -> Reply {
        let settings = &self.settings;
        let to = cx.now.timestamp_millis() - settings.paced_ms(settings.ready_lag);
        let from = cx.now.timestamp_millis() - settings.paced_ms(settings.ready_for);
        let account = u8::try_from(cx.account).unwrap_or(u8::MAX);
        let omits = cx.weather.find(|f| if let Fault::ReadyOmits { share } = f { Some(*share) } else { None });
        let mut rng = draw::rng(settings.seed, self.calls.into(), "ready omits");
        let mut rows: Vec<String> = self
            .tasks
            .ready((account, engine, function), from, to)
            .take(settings.ready_rows)
            .filter(|_| omits.is_none_or(|share| rng.f64() >= share))
            .map(|task| ready_row(cx, task))
            .collect();
        if cx.weather.has(&Fault::ReadyRepeats) {
            rows.extend(rows.clone());
        }
        if cx.weather.has(&Fault::ReadyCrowded) {
            rows = (0..settings.ready_rows).map(|n| strangers_row(engine, function, n)).collect();
        }
        Reply::Rows(cx.rows_of("tasks_ready", Some(engine), &rows))
    }

    /// One answer, or why there is none. A Live answer was never kept, so that its id is unknown here.
    pub(super) fn get(
        &mut self,
        cx: &Context<'_>,
        endpoint_queue: (Engine, Function),
        kind: ResultKind,
        id: &str,
    ) -> Reply {
        let kept = |task: &&Task| !task.refused && task.price_class.method == Method::Standard;
        let task = id.parse().ok().and_then(|id| self.tasks.get(id)).filter(kept);
        let code = task.map_or(40_401, |task| self.progress(cx, task, endpoint_queue, kind));
        let Some(task) = task.filter(|_| code > 40_003 || code == OK) else {
            return Reply::Rows(Envelope::one(&cx.row(code, id, "{}", None)));
        };
        let data = data(task.price_class, "task_get", &task.posted, true);
        if code != OK {
            return Reply::Rows(Envelope::one(&cx.row(code, id, &data, None)));
        }
        let done = cx.face(DateTime::from_timestamp_millis(task.done_ms).unwrap_or(cx.now));
        let result = format!("[{}]", self.result(task, kind, done));
        let envelope = Envelope::one(&cx.row(OK, id, &data, Some((1, &result))));
        let first_form = kind == ResultKind::Advanced;
        let (id, collected) = (task.id, task.collected);
        if !collected && (first_form || self.settings.switches.any_form_collects) && self.note_collected(id).is_err() {
            return Reply::Error(500, false);
        }
        Reply::Rows(envelope)
    }

    /// The result object of a finished task, as JSON.
    pub(super) fn result(&self, task: &Task, kind: ResultKind, done: DateTime<Utc>) -> String {
        answer::result(self.settings.seed, task, kind, done, |posted| self.prompt(task, posted))
    }

    /// The code a `task_get` answers with.
    fn progress(&self, cx: &Context<'_>, task: &Task, (engine, function): (Engine, Function), kind: ResultKind) -> u32 {
        let now = cx.now.timestamp_millis();
        if usize::from(task.account) != cx.account {
            40_001
        } else if task.price_class.engine != engine {
            40_002
        } else if task.price_class.function != function {
            40_003
        } else if now < task.done_ms {
            let handed = task.posted_ms + (task.done_ms - task.posted_ms) / 5;
            if now < handed { 40_602 } else { 40_601 }
        } else if task.fails != 0 {
            task.fails
        } else if now >= task.done_ms.saturating_add(kept_ms(&self.settings, kind)) {
            40_403
        } else if function == Function::LlmResponses && self.owes(cx) {
            self.settings.withheld_code
        } else {
            OK
        }
    }
}

/// An answer that another program leaves uncollected.
fn strangers_row(engine: Engine, function: Function, n: usize) -> String {
    format!(
        r#"{{"id":"00000000-0000-4000-8000-{n:012}","se":"{engine}","function":"{function}","tag":"another-program-{n}"}}"#
    )
}

fn ready_row(cx: &Context<'_>, task: &Task) -> String {
    let (id, engine, function) = (task.id, task.price_class.engine, task.price_class.function);
    let posted = stamp(cx.face(DateTime::from_timestamp_millis(task.posted_ms).unwrap_or(cx.now)));
    let tag = task.fields().tag.map_or_else(|| "null".to_owned(), |tag| quoted(&tag));
    let base = format!("/v3/ai_optimization/{engine}/{function}/task_get");
    let mut out = String::with_capacity(512);
    let _ = match function {
        Function::LlmScraper => write!(
            out,
            r#"{{"id":"{id}","se":"{engine}","function":"{function}","date_posted":"{posted}","tag":{tag},"endpoint_advanced":"{base}/advanced/{id}","endpoint_html":"{base}/html/{id}"}}"#,
        ),
        Function::LlmResponses => write!(
            out,
            r#"{{"id":"{id}","se":"{engine}","se_type":"{function}","date_posted":"{posted}","tag":{tag},"endpoint":"{base}/{id}"}}"#,
        ),
    };
    out
}

impl Context<'_> {
    /// A row about the task of an id.
    fn row<'r>(&'r self, code: u32, id: &'r str, data: &'r str, result: Option<(usize, &'r str)>) -> Row<'r> {
        Row { id, code, message: None, cost: Money::ZERO, path: &self.path, data, result }
    }

    /// A reply of one row that carries a list.
    pub(super) fn rows_of(&self, function: &str, engine: Option<Engine>, rows: &[String]) -> Envelope {
        let se_type = self.route.function().unwrap_or(Function::LlmScraper);
        let about = engine.map(|engine| format!(r#","se":"{engine}","se_type":"{se_type}""#)).unwrap_or_default();
        let api = if self.path.contains("ai_optimization") { "ai_optimization" } else { "appendix" };
        let data = format!(r#"{{"api":"{api}","function":"{function}"{about}}}"#);
        self.list_of(&data, rows)
    }

    /// A reply of one row with this `data` that carries a list.
    pub(super) fn list_of(&self, data: &str, rows: &[String]) -> Envelope {
        let result = format!("[{}]", rows.join(","));
        let result = if rows.is_empty() { None } else { Some((rows.len(), result.as_str())) };
        Envelope::one(&self.row(OK, &self.call_id, data, result))
    }
}
