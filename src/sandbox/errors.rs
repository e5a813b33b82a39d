//! `errors`: tasks of the last seven days that ended in an error. Webhooks, its other subject, are not simulated.

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;

use super::envelope::{message, quoted, read_stamp, stamp};
use super::tasks::Task;
use super::{Context, Reply, Sandbox};

/// The most rows in one answer.
const PAGE: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<usize>,
    offset: Option<usize>,
    filtered_function: Option<String>,
    datetime_from: Option<String>,
    datetime_to: Option<String>,
}

impl Sandbox {
    /// Answers a look at what failed.
    pub(super) fn errors(&self, cx: &Context<'_>, body: &[u8]) -> Reply {
        let Ok(posted) = serde_json::from_slice::<Vec<Asked>>(body) else { return Reply::Refused(40_503) };
        let asked = posted.into_iter().next().unwrap_or_default();
        let reach = cx.now - TimeDelta::days(7);
        let back = cx.weather.skew();
        let bound = |text: Option<&str>, usual| match text {
            None => Some(usual),
            Some(text) => read_stamp(text).map(|time| time - back),
        };
        let from = bound(asked.datetime_from.as_deref(), reach).map(|from| from.max(reach));
        let to = bound(asked.datetime_to.as_deref(), cx.now).map(|to| to.min(cx.now));
        let (Some(from), Some(to)) = (from, to) else { return Reply::Refused(40_501) };
        let (limit, offset) = (asked.limit.unwrap_or(PAGE), asked.offset.unwrap_or(0));
        if !(1..=PAGE).contains(&limit) {
            return Reply::Refused(40_501);
        }
        // A task may have failed long after it was posted.
        let posted_from = from.timestamp_millis() - self.settings.paced_ms(self.settings.expires_after);
        let failed = |task: &&&Task| {
            usize::from(task.account) == cx.account
                && task.fails != 0
                && !task.refused
                && (from.timestamp_millis()..=to.timestamp_millis()).contains(&task.done_ms)
                && asked.filtered_function.as_deref().is_none_or(|wanted| wanted == does(task))
        };
        let tasks = self.tasks.between(posted_from, to.timestamp_millis());
        let rows: Vec<String> =
            tasks.iter().filter(failed).skip(offset).take(limit).map(|task| row(cx, task)).collect();
        Reply::Rows(cx.rows_of("errors", None, &rows))
    }
}

/// What failed; the provider's pages name webhooks only.
fn does(task: &Task) -> &'static str {
    task.price_class.endpoint().rsplit('/').find(|word| matches!(*word, "task_post" | "live")).unwrap_or_default()
}

fn row(cx: &Context<'_>, task: &Task) -> String {
    let done = cx.face(DateTime::from_timestamp_millis(task.done_ms).unwrap_or(cx.now));
    format!(
        r#"{{"id":"{}","datetime":"{}","function":"{}","error_code":{},"error_message":{},"http_url":"/v3/ai_optimization/{}/{}","http_method":"POST","http_code":200,"http_time":0,"http_response":""}}"#,
        task.id,
        stamp(done),
        does(task),
        task.fails,
        quoted(message(task.fails)),
        task.price_class.engine,
        task.price_class.endpoint(),
    )
}
