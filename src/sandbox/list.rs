//! `id_list`: every task of an account by time, once its lag is over.

use chrono::{DateTime, Months, Utc};
use serde::Deserialize;

use super::envelope::{OK, quoted, read_stamp, stamp, usd};
use super::faults::Fault;
use super::tasks::Task;
use super::{Context, Reply, Sandbox, draw};
use crate::money::Money;

/// The most rows in one answer.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    datetime_from: Option<String>,
    datetime_to: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
    sort: Option<String>,
    include_metadata: Option<bool>,
}

impl Sandbox {
    /// Answers a scan through the list.
    pub(super) fn list(&self, cx: &Context<'_>, body: &[u8]) -> Reply {
        if body.is_empty() {
            return Reply::Refused(40_502);
        }
        let Ok(posted) = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body) else {
            return Reply::Refused(40_503);
        };
        let [raw] = posted.as_slice() else { return Reply::Refused(40_502) };
        let Ok(asked) = serde_json::from_str::<Asked>(raw.get()) else { return Reply::Refused(40_501) };
        let metadata = asked.include_metadata.unwrap_or(false);
        let Some((from, to)) = window(&asked, cx.face(cx.now), metadata) else { return Reply::Refused(40_501) };
        let descending = match asked.sort.as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Reply::Refused(40_501),
        };
        let (limit, offset) = (asked.limit.unwrap_or(PAGE), asked.offset.unwrap_or(0));
        if !(1..=PAGE).contains(&limit) || offset > 100_000_000 {
            return Reply::Refused(40_501);
        }
        // Printed times are whole seconds, so a window holds all of its last second.
        let back = cx.weather.skew().num_milliseconds();
        let from_ms = from.timestamp_millis() - back;
        let to_ms = to.timestamp_millis() - back + 999;
        let mut shown = self.tasks.between(from_ms, to_ms);
        let visible = self.visible(cx);
        shown.retain(|task| visible(task));
        if descending {
            shown.reverse();
        }
        let omits = cx.weather.find(|f| if let Fault::ListOmits { share } = f { Some(*share) } else { None });
        let mut rng = draw::rng(self.settings.seed, self.calls.into(), "list omits");
        shown.retain(|_| omits.is_none_or(|share| rng.f64() >= share));
        let tags = self.settings.switches.list_tags && !cx.weather.has(&Fault::ListWithoutTags);
        let settled = self.settings.switches.list_settled_cost;
        let cost = |task: &Task| match &task.meter {
            Some(meter) if !(settled && meter.settled) => meter.shown,
            Some(_) | None => task.cost,
        };
        let page = shown.into_iter().skip(offset).take(limit);
        let rows: Vec<String> = page.map(|task| list_row(cx, task, cost(task), metadata, tags)).collect();
        let data = format!(
            r#"{{"api":"ai_optimization","function":"id_list","datetime_from":"{}","datetime_to":"{}","limit":{limit},"offset":{offset},"sort":"{}","include_metadata":{metadata}}}"#,
            stamp(from),
            stamp(to),
            if descending { "desc" } else { "asc" },
        );
        Reply::Rows(cx.list_of(&data, &rows))
    }

    /// Which tasks this call may show.
    fn visible(&self, cx: &Context<'_>) -> impl Fn(&Task) -> bool + use<> {
        let later = cx.weather.find(|f| if let Fault::ListLag { after } = f { Some(*after) } else { None });
        let later = later.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX / 4));
        let unfinished = self.settings.switches.list_unfinished && !cx.weather.has(&Fault::ListHidesUnfinished);
        let by_completion = self.settings.switches.list_by_completion;
        let (now, account) = (cx.now.timestamp_millis(), cx.account);
        move |task| {
            usize::from(task.account) == account
                && now >= later.map_or(task.listed_ms, |after| task.posted_ms.saturating_add(after))
                && ((unfinished && !by_completion) || now >= task.done_ms)
        }
    }
}

/// The window asked for, where it is one: not empty, strictly past, and not too long ago.
fn window(asked: &Asked, now: DateTime<Utc>, metadata: bool) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let from = asked.datetime_from.as_deref().and_then(read_stamp)?;
    let to = asked.datetime_to.as_deref().and_then(read_stamp)?;
    let oldest = now - Months::new(if metadata { 1 } else { 6 });
    (from < to && to < now && from >= oldest).then_some((from, to))
}

fn list_row(cx: &Context<'_>, task: &Task, cost: Money, metadata: bool, tags: bool) -> String {
    let (id, engine, endpoint) = (task.id, task.price_class.engine, task.price_class.endpoint());
    let time = |ms| stamp(cx.face(DateTime::from_timestamp_millis(ms).unwrap_or(cx.now)));
    let done = cx.now.timestamp_millis() >= task.done_ms;
    let datetime_done = if done { quoted(&time(task.done_ms)) } else { "null".to_owned() };
    let status = match (done, task.fails) {
        (_, 0) => "ok".to_owned(),
        (false, _) => "in progress".to_owned(),
        (true, code) => super::envelope::message(if code == 0 { OK } else { code }).to_owned(),
    };
    let metadata = match (metadata, tags) {
        (false, _) => String::new(),
        (true, true) => format!(r#","metadata":{{{}}}"#, task.posted),
        (true, false) => format!(r#","metadata":{{{}}}"#, task.untagged()),
    };
    format!(
        r#"{{"id":"{id}","url":"https://api.dataforseo.com/v3/ai_optimization/{engine}/{endpoint}","datetime_posted":"{}","datetime_done":{datetime_done},"status":{},"cost":{}{metadata}}}"#,
        time(task.posted_ms),
        quoted(&status),
        usd(cost),
    )
}
