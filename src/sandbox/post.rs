//! `task_post`: what is accepted, what is refused, and the moment at which money is taken.
//!
//! A POST is checked completely, paid completely, written to the state file completely, and only then answered. Which
//! rows of the reply get lost on the way is decided at the end.

use chrono::{DateTime, Utc};

use super::accept::{Fate, break_some, fates};
use super::draw;
use super::envelope::{CREATED, Envelope, Row};
use super::faults::{Fault, Weather};
use super::price_classes::PriceClass;
use super::{Context, Reply, Sandbox};
use crate::money::Money;
use crate::product::Function;

/// Tasks in one POST; each further one is answered 40006. Not taken from `product`, as a client's belief is no rule here.
const MAX_BATCH: usize = 100;

impl Sandbox {
    /// Answers a POST of tasks.
    pub(super) fn post(&mut self, cx: &Context<'_>, price_class: PriceClass, body: &[u8]) -> Reply {
        match fates(self, price_class, body, MAX_BATCH) {
            Ok(fates) => self.buy(cx, price_class, fates),
            Err(code) => Reply::Refused(code),
        }
    }

    /// Takes the money for what is accepted, writes it down, and makes the reply.
    fn buy(&mut self, cx: &Context<'_>, price_class: PriceClass, mut fates: Vec<(String, Fate)>) -> Reply {
        let weather = cx.weather;
        self.change_prices(weather, price_class);
        let partial = weather.find(|f| if let Fault::Partial { tasks } = f { Some(*tasks) } else { None });
        fates.truncate(partial.unwrap_or(usize::MAX));
        break_some(weather, &mut fates);
        let (mut sold, mut rows) = (Vec::with_capacity(fates.len()), Vec::with_capacity(fates.len()));
        for (posted, fate) in fates {
            let id = self.next_id(cx, sold.len());
            let (task, code, words) = self.decide(cx, price_class, id, posted, fate);
            rows.push((code, words));
            sold.push(task);
        }
        let cost: Money = sold.iter().map(|task| task.cost).sum();
        if let Err(code) = self.afford(cx, cost) {
            return Reply::Refused(code);
        }
        let mut envelope = Envelope::default();
        for (task, (code, words)) in sold.iter().zip(rows) {
            envelope.errors += usize::from(code >= 40_000);
            envelope.cost += task.shown();
            let data = data(price_class, "task_post", &task.posted, code == CREATED);
            let row = Row {
                id: &task.id.to_string(),
                code,
                message: words.as_deref(),
                cost: task.shown(),
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

    /// Whether the account can pay a sum, or the code that says why not.
    pub(super) fn afford(&mut self, cx: &Context<'_>, cost: Money) -> Result<(), u32> {
        if !cost.is_zero() && self.owes(cx) {
            return Err(40_210);
        }
        self.accounts[cx.account].afford(cx.now, cost, self.settings.day_limit)
    }

    /// Whether the account's balance is below zero, or is said to be.
    pub(super) fn owes(&self, cx: &Context<'_>) -> bool {
        self.accounts[cx.account].balance < Money::ZERO || cx.weather.has(&Fault::NegativeBalance)
    }

    /// Reorders, repeats and leaves out rows of a reply that is otherwise whole.
    pub(super) fn lose_rows(&self, weather: &Weather, envelope: &mut Envelope) {
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

/// What a row's `data` says: the posted fields and the provider's additions. The scraper's names a device too.
pub(super) fn data(price_class: PriceClass, does: &str, posted: &str, accepted: bool) -> String {
    let (engine, function) = (price_class.engine, price_class.function);
    let comma = if posted.is_empty() { "" } else { "," };
    let added = match function {
        Function::LlmScraper if accepted => r#","device":"desktop","os":"windows""#,
        Function::LlmScraper | Function::LlmResponses => "",
    };
    format!(
        r#"{{"api":"ai_optimization","function":"{does}","se":"{engine}","se_type":"{function}"{comma}{posted}{added}}}"#
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
