//! `task_post`: what is accepted, what is refused, and the moment at which money is taken.
//!
//! A POST is checked whole, paid whole, written to the state file whole, and only then answered. Which rows of the
//! reply get lost on the way is decided at the end.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::draw;
use super::envelope::{CREATED, Envelope, Row};
use super::faults::{Fault, Weather};
use super::form::{Asked, Posted, check, members};
use super::tasks::{Task, TaskId};
use super::{Context, Reply, Sandbox};
use crate::money::Money;
use crate::offer::{Engine, Priority};

/// Tasks in one POST; each further one is answered 40006. Not taken from `offer`, as a client's belief is no rule here.
const MAX_BATCH: usize = 100;

/// What becomes of one posted task.
enum Fate {
    Accepted(Asked),
    Refused(u32, Option<String>),
}

impl Sandbox {
    /// Answers a POST of tasks.
    pub(super) fn post(&mut self, cx: &Context<'_>, engine: Engine, body: &[u8]) -> Reply {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Reply::Refused(40_502);
        }
        let Ok(posted) = serde_json::from_slice::<Vec<&RawValue>>(body) else { return Reply::Refused(40_503) };
        if posted.is_empty() {
            return Reply::Refused(40_502);
        }
        let mut fates = Vec::with_capacity(posted.len());
        for raw in &posted {
            let Ok(fields) = serde_json::from_str::<BTreeMap<String, Option<&RawValue>>>(raw.get()) else {
                return Reply::Refused(40_501);
            };
            let fields: Posted<'_> = fields.into_iter().filter_map(|(name, raw)| Some((name, raw?))).collect();
            let fate = if fates.len() >= MAX_BATCH {
                Fate::Refused(40_006, None)
            } else {
                match check(engine, &fields, self.settings.switches.refuse_unknown_fields) {
                    Ok(asked) => Fate::Accepted(asked),
                    Err((code, words)) => Fate::Refused(code, words),
                }
            };
            fates.push((members(&fields), fate));
        }
        self.buy(cx, engine, fates)
    }

    /// Takes the money for what is accepted, writes it down, and makes the reply.
    fn buy(&mut self, cx: &Context<'_>, engine: Engine, fates: Vec<(String, Fate)>) -> Reply {
        let weather = cx.weather;
        self.change_prices(weather);
        let partial = weather.find(|f| if let Fault::Partial { tasks } = f { Some(*tasks) } else { None });
        let mut broken = weather.find(|f| if let Fault::Task50000 { tasks } = f { Some(*tasks) } else { None });
        let (mut sold, mut rows) = (Vec::new(), Vec::with_capacity(fates.len()));
        for (posted, fate) in fates.into_iter().take(partial.unwrap_or(usize::MAX)) {
            let fate = match (fate, &mut broken) {
                (Fate::Accepted(_), Some(left)) if *left > 0 => {
                    *left -= 1;
                    Fate::Refused(50_000, None)
                }
                (fate, _) => fate,
            };
            let id = self.next_id(cx, sold.len());
            let (task, code, words) = self.decide(cx, engine, id, posted, fate);
            rows.push((task.id, code, words, task.cost, sold.len()));
            sold.push(task);
        }
        let cost: Money = sold.iter().map(|task| task.cost).sum();
        if let Err(code) = self.accounts[cx.account].afford(cx.now, cost, self.settings.day_limit) {
            return Reply::Refused(code);
        }
        let mut envelope = Envelope { cost, ..Envelope::default() };
        for (id, code, words, cost, at) in rows {
            envelope.errors += usize::from(code >= 40_000);
            let data = data(engine, &sold[at].posted, code == CREATED);
            let row = Row {
                id: &id.to_string(),
                code,
                message: words.as_deref(),
                cost,
                path: &cx.path,
                data: &data,
                result: None,
            };
            envelope.rows.push(row.json());
        }
        self.serial += sold.len() as u64;
        sold.retain(|task| !task.refused || self.settings.switches.list_refused);
        if self.sell(sold).is_err() {
            return Reply::Error(500, false);
        }
        if partial.is_some() {
            return Reply::Dropped;
        }
        self.lose_rows(weather, &mut envelope);
        Reply::Rows(envelope)
    }

    /// The record of a posted task, and the code and words its row carries.
    fn decide(
        &self,
        cx: &Context<'_>,
        engine: Engine,
        id: TaskId,
        posted: String,
        fate: Fate,
    ) -> (Task, u32, Option<String>) {
        let settings = &self.settings;
        let posted_ms = cx.now.timestamp_millis();
        let mut lag = draw::rng(settings.seed, id.0, "listing lag");
        let lag_max = u64::try_from(settings.paced_ms(settings.listing_lag_max)).unwrap_or(0);
        let mut task = Task {
            id,
            posted_ms,
            done_ms: posted_ms,
            listed_ms: posted_ms.saturating_add_unsigned(lag.u64(0..=lag_max)),
            cost: Money::ZERO,
            location_code: 0,
            fails: 0,
            account: u8::try_from(cx.account).unwrap_or(u8::MAX),
            language: 0,
            engine,
            priority: Priority::Normal,
            refused: true,
            collected: false,
            posted: posted.into_boxed_str(),
        };
        let asked = match fate {
            Fate::Refused(code, words) => {
                task.fails = code;
                return (task, code, words);
            }
            Fate::Accepted(asked) => asked,
        };
        let paid_failure = cx
            .weather
            .find(|f| if let Fault::PaidFailure { code, at_post } = f { Some((*code, *at_post)) } else { None });
        let by_chance = self.fails_by_chance(id);
        let turnaround = match asked.priority {
            Priority::Normal => settings.turnaround_normal,
            Priority::High => settings.turnaround_high,
        };
        let mut pace = draw::rng(settings.seed, id.0, "turnaround");
        let takes_ms = draw::spread_ms(&mut pace, turnaround) / u64::from(settings.speed.max(1));
        task.location_code = asked.location_code;
        task.language = asked.language;
        task.priority = asked.priority;
        task.fails = paid_failure.map(|(code, _)| code).or(by_chance).unwrap_or(0);
        if paid_failure.is_none() && by_chance.is_some() && !settings.switches.charge_failures {
            let code = task.fails;
            return (task, code, None);
        }
        task.refused = false;
        task.cost = self.prices.get(&(engine, asked.priority)).copied().unwrap_or_default();
        task.done_ms = posted_ms.saturating_add_unsigned(takes_ms);
        match paid_failure {
            Some((code, true)) => {
                task.done_ms = posted_ms;
                (task, code, None)
            }
            Some((_, false)) | None => (task, CREATED, None),
        }
    }

    /// The code a task ends in by the share of failures that is set.
    fn fails_by_chance(&self, id: TaskId) -> Option<u32> {
        let mut rng = draw::rng(self.settings.seed, id.0, "failure");
        (rng.u32(0..1_000) < self.settings.failures_per_mille).then(|| rng.u32(40_101..=40_103))
    }

    /// An id that no task has.
    fn next_id(&self, cx: &Context<'_>, ahead: usize) -> TaskId {
        let mut rng = draw::rng(self.settings.seed, (self.serial + ahead as u64).into(), "id");
        loop {
            let id = TaskId::new(cx.face(cx.now), cx.account, cx.route.function_number(), rng.u64(..));
            if !self.tasks.knows(id) {
                return id;
            }
        }
    }

    fn change_prices(&mut self, weather: &Weather) {
        for fault in &weather.0 {
            if let Fault::PriceChange { usd, engine, priority } = fault {
                for ((of, at), price) in &mut self.prices {
                    if engine.is_none_or(|engine| engine == *of) && priority.is_none_or(|priority| priority == *at) {
                        *price = *usd;
                    }
                }
            }
        }
    }

    /// Reorders, repeats and leaves out rows of a reply that is otherwise whole.
    fn lose_rows(&mut self, weather: &Weather, envelope: &mut Envelope) {
        let rows = &mut envelope.rows;
        let mut rng = draw::rng(self.settings.seed, self.calls.into(), "rows");
        if let Some(missing) = weather.find(|f| if let Fault::MissingRows { rows } = f { Some(*rows) } else { None }) {
            for _ in 0..missing.min(rows.len()) {
                rows.remove(rng.usize(..rows.len()));
            }
        }
        if let Some(twice) = weather.find(|f| if let Fault::RepeatRows { rows } = f { Some(*rows) } else { None }) {
            for at in 0..twice.min(rows.len()) {
                rows.push(rows[at].clone());
            }
        }
        if self.settings.switches.shuffle_rows || weather.has(&Fault::Reorder) {
            let before = rows.clone();
            rng.shuffle(rows);
            // A shuffle may leave things as they were; a reorder must not.
            if *rows == before && rows.len() > 1 {
                rows.rotate_left(1);
            }
        }
    }
}

/// What a row's `data` says: the posted fields and the vendor's additions.
fn data(engine: Engine, posted: &str, accepted: bool) -> String {
    let comma = if posted.is_empty() { "" } else { "," };
    let added = if accepted { r#","device":"desktop","os":"windows""# } else { "" };
    format!(
        r#"{{"api":"ai_optimization","function":"task_post","se":"{engine}","se_type":"llm_scraper"{comma}{posted}{added}}}"#
    )
}

/// When a POST that is accepted late takes effect, and all that is needed then.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) account: usize,
    pub(super) path: String,
    pub(super) body: bytes::Bytes,
    pub(super) due: DateTime<Utc>,
}
