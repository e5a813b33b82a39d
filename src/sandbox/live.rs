//! Live: one task, answered on the same connection, charged at once, and not kept.
//!
//! The task stays on the bill and in `id_list`; its answer is gone once it was sent.

use std::time::Duration;

use chrono::DateTime;

use super::accept::{break_some, fates};
use super::envelope::{Envelope, OK, Row};
use super::faults::Fault;
use super::post::data;
use super::price_classes::PriceClass;
use super::tasks::Task;
use super::{Context, Reply, Sandbox};
use crate::money::Money;

/// More than one task in a call.
const SEVERAL: u32 = 40_000;
/// Too many calls under way.
const CROWDED: u32 = 40_209;
/// The answer took too long.
const TIMED_OUT: u32 = 50_401;

impl Sandbox {
    /// Answers a Live call.
    pub(super) fn live(&mut self, cx: &Context<'_>, price_class: PriceClass, body: &[u8]) -> Reply {
        let mut fates = match fates(self, price_class, body, 1) {
            Ok(fates) if fates.len() > 1 => return Reply::Refused(SEVERAL),
            Ok(fates) => fates,
            Err(code) => return Reply::Refused(code),
        };
        self.change_prices(cx.weather, price_class);
        break_some(cx.weather, &mut fates);
        let Some((posted, fate)) = fates.pop() else { return Reply::Refused(40_502) };
        let id = self.next_id(cx, 0);
        let (mut task, mut code, words) = self.decide(cx, price_class, id, posted, fate);
        if !task.refused {
            let most = self.settings.live_at_once;
            if !self.accounts[cx.account].live.has_headroom(cx.now, most) {
                return Reply::Refused(CROWDED);
            }
            // What a model will charge is not known beforehand, so that only the fee is asked for.
            if let Err(code) = self.afford(cx, self.prices.of(price_class, task.priority)) {
                return Reply::Refused(code);
            }
            self.cut_off(cx, &mut task);
            code = if task.fails == 0 { OK } else { task.fails };
            let ends = DateTime::from_timestamp_millis(task.done_ms).unwrap_or(cx.now);
            self.accounts[cx.account].live.enter(ends);
        }
        let took_ms = u64::try_from(task.done_ms - task.posted_ms).unwrap_or(0);
        let mut envelope = self.live_row(cx, &task, code, words.as_deref());
        self.serial += 1;
        if (!task.refused || code == TIMED_OUT || self.settings.switches.list_refused) && self.sell(vec![task]).is_err()
        {
            return Reply::Error(500, false);
        }
        self.lose_rows(cx.weather, &mut envelope);
        Reply::Slow(envelope, Duration::from_millis(took_ms))
    }

    /// Ends a call that takes too long, whether charged or not.
    fn cut_off(&self, cx: &Context<'_>, task: &mut Task) {
        let within_ms = self.settings.paced_ms(self.settings.live_within);
        let struck = cx.weather.find(|f| if let Fault::LiveTimeout { charged } = f { Some(*charged) } else { None });
        if struck.is_none() && task.done_ms - task.posted_ms <= within_ms {
            return;
        }
        task.done_ms = task.posted_ms.saturating_add(within_ms);
        task.fails = TIMED_OUT;
        if struck == Some(false) {
            // It is listed, but nothing was sold.
            task.refused = true;
            task.cost = Money::ZERO;
            task.meter = None;
        }
    }

    /// The one row of the reply.
    fn live_row(&self, cx: &Context<'_>, task: &Task, code: u32, words: Option<&str>) -> Envelope {
        let told = code != TIMED_OUT || self.settings.switches.timeout_shows_cost;
        let done = cx.face(DateTime::from_timestamp_millis(task.done_ms).unwrap_or(cx.now));
        let result = (code == OK).then(|| format!("[{}]", self.result(task, task.price_class.kind, done)));
        let row = Row {
            id: &task.id.to_string(),
            code,
            message: words,
            cost: if told { task.cost } else { Money::ZERO },
            path: &cx.path,
            data: &data(task.price_class, "live", &task.posted, code == OK),
            result: result.as_deref().map(|result| (1, result)),
        };
        Envelope::one(&row)
    }
}
