//! How targets with a deadline are bought, in words and as data.

use serde_json::{Map, Value};

use super::out::{self, count};
use crate::plan::{Chosen, DeadlineChoice};
use crate::product::Method;

/// What a deadline has led to, for people: how each target that goes by it is bought, and what the deadline choice costs.
pub(super) fn lines(deadline_choice: &DeadlineChoice) -> Vec<String> {
    let line = |chosen: &Chosen| {
        let target = &chosen.target;
        let how = match target.method {
            Method::Standard => format!("at {} priority", target.priority),
            Method::Live => "Live".to_owned(),
        };
        let who = format!("{} {}", target.engine, target.function);
        match (chosen.in_time, chosen.dearer.is_zero()) {
            (true, true) => format!("{}: {who} is bought {how}, the cheapest way, and meets the deadline", chosen.set),
            (true, false) => format!(
                "{}: {who} is bought {how} to meet the deadline: {} more for a task, {} more for {}",
                chosen.set,
                chosen.dearer,
                chosen.dearer.saturating_mul(chosen.tasks),
                count(chosen.tasks, "task")
            ),
            (false, _) => format!(
                "{}: {who} cannot meet the deadline any more and is bought {how}, the cheapest way: {} will be late",
                chosen.set,
                count(chosen.tasks, "answer")
            ),
        }
    };
    deadline_choice.chosen.iter().map(line).collect()
}

/// The same as data.
pub(super) fn facts(deadline_choice: &DeadlineChoice) -> Value {
    deadline_choice.chosen.iter().map(of).collect()
}

fn of(chosen: &Chosen) -> Value {
    let target = &chosen.target;
    let mut row = Map::new();
    row.insert("set".into(), chosen.set.clone().into());
    row.insert("engine".into(), target.engine.name().into());
    row.insert("function".into(), target.function.name().into());
    row.insert("method".into(), target.method.name().into());
    row.insert("priority".into(), target.priority.name().into());
    row.insert("tasks".into(), chosen.tasks.into());
    row.insert("in_time".into(), chosen.in_time.into());
    out::money(&mut row, "dearer", chosen.dearer);
    Value::Object(row)
}
