//! What becomes of each task of a POST, Standard or Live: refused, or accepted with its price and the way it ends.
//!
//! Nothing is sold here; `post` and `live` take the money.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::draw;
use super::envelope::CREATED;
use super::faults::{Fault, Weather};
use super::form::{Asked, Posted, members};
use super::forms::check;
use super::meter::{Meter, Question, Usage};
use super::price_classes::PriceClass;
use super::task_id::TaskId;
use super::tasks::Task;
use super::{Context, Sandbox};
use crate::money::Money;
use crate::product::{Function, Method, Priority};

/// What becomes of one posted task.
pub(super) enum Fate {
    Accepted(Asked),
    Refused(u32, Option<String>),
}

/// Posted tasks as JSON members, each with its fate; or the code that refuses them all.
pub(super) fn fates(
    sandbox: &Sandbox,
    price_class: PriceClass,
    body: &[u8],
    most: usize,
) -> Result<Vec<(String, Fate)>, u32> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(40_502);
    }
    let posted = serde_json::from_slice::<Vec<&RawValue>>(body).map_err(|_| 40_503_u32)?;
    if posted.is_empty() {
        return Err(40_502);
    }
    let mut fates = Vec::with_capacity(posted.len());
    for raw in &posted {
        let fields = serde_json::from_str::<BTreeMap<String, Option<&RawValue>>>(raw.get()).map_err(|_| 40_501_u32)?;
        let fields: Posted<'_> = fields.into_iter().filter_map(|(name, raw)| Some((name, raw?))).collect();
        let fate = if fates.len() >= most {
            Fate::Refused(40_006, None)
        } else {
            match check(price_class, &fields, &sandbox.settings.switches) {
                Ok(asked) => Fate::Accepted(asked),
                Err((code, words)) => Fate::Refused(code, words),
            }
        };
        fates.push((members(&fields), fate));
    }
    Ok(fates)
}

/// Makes the first tasks fail at no cost where that fault strikes.
pub(super) fn break_some(weather: &Weather, fates: &mut [(String, Fate)]) {
    let broken = weather.find(|f| if let Fault::Task50000 { tasks } = f { Some(*tasks) } else { None });
    let accepted = fates.iter_mut().filter(|(_, fate)| matches!(fate, Fate::Accepted(_)));
    for (_, fate) in accepted.take(broken.unwrap_or(0)) {
        *fate = Fate::Refused(50_000, None);
    }
}

impl Sandbox {
    /// The record of a posted task, and the code and words its row carries.
    pub(super) fn decide(
        &self,
        cx: &Context<'_>,
        price_class: PriceClass,
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
            price_class,
            priority: Priority::Normal,
            refused: true,
            collected: false,
            meter: None,
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
        task.location_code = asked.location_code;
        task.language = asked.language;
        task.priority = asked.priority;
        task.fails = paid_failure.map(|(code, _)| code).or(by_chance).unwrap_or(0);
        if paid_failure.is_none() && by_chance.is_some() && !settings.switches.charge_failures {
            let code = task.fails;
            return (task, code, None);
        }
        task.refused = false;
        task.cost = self.prices.of(price_class, asked.priority);
        task.done_ms = posted_ms.saturating_add_unsigned(self.takes_ms(&task));
        if let Some((_, true)) = paid_failure {
            task.done_ms = posted_ms;
        }
        if let Some(question) = &asked.question {
            self.meter(cx, &mut task, question);
        }
        let code = match paid_failure {
            Some((code, true)) => code,
            Some((_, false)) | None => CREATED,
        };
        (task, code, None)
    }

    /// How long an answer takes, at this provider's speed.
    fn takes_ms(&self, task: &Task) -> u64 {
        let settings = &self.settings;
        let spread = match (task.price_class.method, task.price_class.function, task.priority) {
            (Method::Live, ..) => settings.live_takes,
            (Method::Standard, Function::LlmResponses, _) => settings.turnaround_responses,
            (Method::Standard, Function::LlmScraper, Priority::Normal) => settings.turnaround_normal,
            (Method::Standard, Function::LlmScraper, Priority::High) => settings.turnaround_high,
        };
        let mut pace = draw::rng(settings.seed, task.id.0, "turnaround");
        spread.draw_ms(&mut pace) / u64::from(settings.speed.max(1))
    }

    /// What a task of LLM Responses uses, takes at once, and settles to.
    fn meter(&self, cx: &Context<'_>, task: &mut Task, question: &Question) {
        let (settings, switches) = (&self.settings, &self.settings.switches);
        let overrun = cx.weather.find(|f| if let Fault::Overrun { usd } = f { Some(*usd) } else { None });
        let usage = Usage::draw(settings.seed, task.id, question, overrun);
        let fee = task.cost;
        if task.price_class.method == Method::Live {
            task.cost = fee + usage.spent;
            let (posted, shown) = (task.cost, task.cost);
            let advance = Money::ZERO;
            task.meter = Some(Box::new(Meter { usage, posted, advance, shown, settles: None, settled: false }));
            return;
        }
        let posted = fee + settings.responses_advance;
        let expiry_ms = task.posted_ms.saturating_add(settings.paced_ms(settings.expires_after));
        if cx.weather.has(&Fault::NeverDone) || task.done_ms > expiry_ms {
            (task.done_ms, task.fails) = (expiry_ms, settings.expired_code);
        }
        let comes_to = match (task.fails, task.done_ms >= expiry_ms) {
            (0, _) => fee + usage.spent,
            (_, true) => {
                let fee = if switches.keep_expired_fee { fee } else { Money::ZERO };
                if switches.refund_expired { fee } else { fee + settings.responses_advance }
            }
            (_, false) if switches.refund_failed => fee,
            (_, false) => posted,
        };
        let late = cx.weather.find(|f| if let Fault::SettleLate { after } = f { Some(*after) } else { None });
        let late_ms = i64::try_from(late.unwrap_or_default().as_millis()).unwrap_or(i64::MAX / 4);
        task.cost = posted;
        task.meter = Some(Box::new(Meter {
            usage,
            posted,
            advance: settings.responses_advance,
            shown: if switches.post_shows_advance { posted } else { fee },
            settles: Some((task.done_ms.saturating_add(late_ms), comes_to)),
            settled: false,
        }));
    }

    /// The code a task ends in by the share of failures that is set.
    fn fails_by_chance(&self, id: TaskId) -> Option<u32> {
        let mut rng = draw::rng(self.settings.seed, id.0, "failure");
        (rng.u32(0..1_000) < self.settings.failures_per_mille).then(|| rng.u32(40_101..=40_103))
    }

    /// An id that no task has.
    pub(super) fn next_id(&self, cx: &Context<'_>, ahead: usize) -> TaskId {
        let mut rng = draw::rng(self.settings.seed, (self.serial + ahead as u64).into(), "id");
        loop {
            let id = TaskId::new(cx.face(cx.now), cx.account, cx.route.function_number(), rng.u64(..));
            if !self.tasks.knows(id) {
                return id;
            }
        }
    }

    /// Lets a price change take effect.
    pub(super) fn change_prices(&mut self, weather: &Weather, price_class: PriceClass) {
        for fault in &weather.0 {
            if let Fault::PriceChange { usd, engine, priority } = fault {
                self.prices.change(price_class, *engine, *priority, *usd);
            }
        }
    }
}
