//! The evidence that is still missing to conclude that something in doubt was not bought: what would supply it, and
//! when.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::out::count;
use crate::engine::Missing;

/// The provider forgets an answer on `tasks_ready` after this, collected or not.
const READY_FOR_S: i64 = 3 * 24 * 3_600;

/// A step in a sentence; nothing where what is said of the wait says it already.
pub(super) fn in_words(missing: &Missing) -> Option<String> {
    match missing {
        Missing::Contact | Missing::Quarantine { .. } | Missing::Scans { latest: None } => None,
        Missing::Scans { latest: Some((begun_v, why)) } => {
            Some(format!("the latest scan of the provider's list, begun {}, proved nothing: {why}", moment(*begun_v)))
        }
        Missing::Ready { endpoint: (engine, function), seen_v } => Some(format!(
            "tasks_ready of {function}/{engine} was full of others' answers on {}, so that one of ours may stand behind them: \
             what tells is a session in which two scans each show a finished task of ours of that kind, or a tasks_ready \
             that is not full: once whoever bought them collects them, or by itself from {} on, when the provider has \
             forgotten them",
            moment(*seen_v),
            moment(seen_v + READY_FOR_S)
        )),
        Missing::Cost { tasks } => Some(format!(
            "{} of it was shown by tasks_ready and so is bought: what it cost is told by the provider's list, which has not \
             shown it yet",
            count(*tasks, "task")
        )),
    }
}

/// A step as facts.
pub(super) fn facts(missing: &Missing) -> Value {
    match missing {
        Missing::Contact => json!({ "evidence": "contact", "given_by": "the next call that the provider answers" }),
        Missing::Quarantine { until_v } => {
            json!({ "evidence": "quarantine", "given_by": "time", "from_v": until_v })
        }
        Missing::Scans { latest } => json!({
            "evidence": "scans",
            "given_by": "two clean scans of the provider's list",
            "latest_v": latest.as_ref().map(|(begun_v, _)| begun_v),
            "why_not": latest.as_ref().map(|(_, why)| why),
        }),
        Missing::Ready { endpoint: (engine, function), seen_v } => json!({
            "evidence": "tasks_ready",
            "given_by": "two scans that each show a finished task of ours, or a tasks_ready that is not full",
            "engine": engine.name(),
            "function": function.name(),
            "full_v": seen_v,
            "from_v": seen_v + READY_FOR_S,
        }),
        Missing::Cost { tasks } => {
            json!({ "evidence": "cost", "given_by": "the provider's list", "tasks": tasks })
        }
    }
}

/// A moment of the provider's clock for people.
pub(super) fn moment(at_v: i64) -> String {
    DateTime::<Utc>::from_timestamp(at_v, 0)
        .map_or_else(|| at_v.to_string(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}
