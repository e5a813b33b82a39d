//! Invented answers that look like an engine's: made on demand from the seed and the task, never stored.

use chrono::{DateTime, Utc};

use super::article::About;
use super::model_answer;
use super::tasks::Task;
use crate::product::ResultKind;

/// The result object of a finished task, as JSON; `read` says how the engine reads a posted prompt.
pub(super) fn result(
    seed: u64,
    task: &Task,
    kind: ResultKind,
    done: DateTime<Utc>,
    read: impl Fn(&str) -> String,
) -> String {
    let about = About::new(seed, task, done, read);
    if let Some(meter) = &task.meter {
        return model_answer::result(&about, &meter.usage, done);
    }
    match kind {
        ResultKind::Advanced => about.advanced(seed).to_string(),
        ResultKind::Html => about.html().to_string(),
    }
}
