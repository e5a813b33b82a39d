//! Equal refusals: several in a row stop a market, language, location or target before every task of it is tried.
//!
//! One refusal may be the fault of its prompt. Several in a row with the same code and message, and no acceptance
//! between them, come from what their tasks have in common: a language or place that is not served, an option that
//! the model does not take. What was accepted once in this session is never stopped. The remaining tasks stay
//! planned; a later session tries the same number again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Dispatch, InFlight, Pulled, Want};
use crate::event::Part;
use crate::ids::{MarketId, RunId, TargetId};
use crate::market::Market;

/// What is known of refusals that are alike, in this session.
#[derive(Debug, Default)]
pub(super) struct Alike {
    markets: BTreeMap<MarketId, Arc<Market>>,
    targets: BTreeMap<TargetId, String>,
    /// Of a run's tasks: by what was said, how many in a row. Each job says itself how many are enough.
    streaks: BTreeMap<(RunId, Part), BTreeMap<String, u32>>,
    /// Something of it was accepted.
    good: BTreeSet<Part>,
    stopped: BTreeMap<(RunId, Part), Stopped>,
}

#[derive(Debug)]
struct Stopped {
    /// What was said, with its code.
    why: String,
    /// Tasks left planned for it.
    left: u64,
}

impl Alike {
    /// What tasks of this kind have in common, the narrowest first.
    fn parts(&self, want: &Want) -> Vec<Part> {
        let mut parts = Vec::new();
        if let Some(market) = self.markets.get(&want.task.market).filter(|market| market.location_code > 0) {
            let endpoint = (want.engine, want.function);
            parts.push(Part::Market(endpoint, market.location_code, market.language_code.clone()));
            parts.push(Part::Language(endpoint, market.language_code.clone()));
            parts.push(Part::Place(endpoint, market.location_code));
        }
        parts.push(Part::Target(want.task.target));
        parts
    }

    /// Those of them that these words may be about.
    fn meant(&self, want: &Want, message: &str) -> Vec<Part> {
        let mut parts = self.parts(want);
        match field(message) {
            Some(named) if named.starts_with("language") => {
                parts.retain(|part| matches!(part, Part::Language(..) | Part::Market(..)));
                // A language that is served nowhere is one stop, and not one for each market.
                parts.reverse();
            }
            Some(named) if named.starts_with("location") => {
                parts.retain(|part| matches!(part, Part::Place(..) | Part::Market(..)));
                parts.reverse();
            }
            // The prompt's own fault says nothing of other prompts.
            Some("keyword" | "user_prompt" | "prompt") => parts.clear(),
            Some(_) => parts.retain(|part| matches!(part, Part::Target(_))),
            None => {}
        }
        parts
    }

    /// How many of a task's parts were refused and never accepted: the fewer, the likelier it is accepted.
    pub(super) fn suspicion(&self, run: RunId, want: &Want) -> usize {
        if self.streaks.is_empty() {
            return 0;
        }
        self.parts(want).into_iter().filter(|part| self.streaks.contains_key(&(run, part.clone()))).count()
    }

    /// True where a task is of a part that has stopped: it is left planned.
    pub(super) fn leaves(&mut self, run: RunId, pulled: &Pulled, price: usize) -> bool {
        self.markets.entry(pulled.task.market).or_insert_with(|| Arc::clone(&pulled.market));
        let target = || format!("{}/{}", pulled.engine, pulled.function);
        self.targets.entry(pulled.task.target).or_insert_with(target);
        if self.stopped.is_empty() {
            return false;
        }
        let (engine, function) = (pulled.engine, pulled.function);
        let want = Want { task: pulled.task, engine, function, price, allocated: pulled.worst_case };
        let stopped =
            self.parts(&want).into_iter().map(|part| (run, part)).find(|part| self.stopped.contains_key(part));
        let Some(stopped) = stopped.and_then(|part| self.stopped.get_mut(&part)) else { return false };
        stopped.left += 1;
        true
    }

    /// The plan is pulled anew.
    pub(super) fn start_over(&mut self) {
        self.stopped.values_mut().for_each(|stopped| stopped.left = 0);
    }
}

impl Dispatch {
    /// A task was accepted: nothing of what it has in common with others is refused for itself.
    pub(in crate::engine) fn row_accepted(&mut self, flight: &InFlight, at: usize) {
        let mut goes_on = false;
        for part in self.alike.parts(&flight.wants[at]) {
            self.alike.streaks.retain(|(_, refused), _| *refused != part);
            // It stopped while this task was under way.
            let before = self.alike.stopped.len();
            self.alike.stopped.retain(|(_, stopped), _| *stopped != part);
            goes_on |= self.alike.stopped.len() < before;
            self.alike.good.insert(part);
        }
        if goes_on {
            self.start_over();
        }
    }

    /// A task was refused for good, at no cost; what has stopped by it, and after how many.
    pub(in crate::engine) fn row_refused(
        &mut self,
        flight: &InFlight,
        at: usize,
        (code, message): (u32, &str),
    ) -> Option<(Part, u32)> {
        let most = self.terms(flight.run)?.stop_after_refusals;
        let said = format!("{code} {}", class_of(message));
        let mut parts = self.alike.meant(&flight.wants[at], message);
        parts.retain(|part| !self.alike.good.contains(part));
        let mut stops = None;
        for part in parts {
            let key = (flight.run, part.clone());
            let times = self.alike.streaks.entry(key).or_default().entry(said.clone()).or_default();
            *times += 1;
            let times = *times;
            if times >= most && stops.is_none() {
                stops = Some((part, times));
            }
        }
        let (part, times) = stops?;
        let key = (flight.run, part.clone());
        if self.alike.stopped.contains_key(&key) {
            return None;
        }
        let why = format!("{} (code {code})", message.trim_end_matches('.'));
        self.alike.stopped.insert(key, Stopped { why, left: 0 });
        self.start_over();
        Some((part, times))
    }

    /// What is not bought because tasks like it were refused, in words.
    pub(in crate::engine) fn alike_out(&self) -> Option<String> {
        let each = self.alike.stopped.iter().filter(|(_, stopped)| stopped.left > 0).map(|((_, part), stopped)| {
            let Stopped { why, left } = stopped;
            let tasks = if *left == 1 { "1 task is".to_owned() } else { format!("{left} tasks are") };
            format!("{tasks} not bought of {}: the provider refuses it: {why}; mend the job file", self.part_name(part))
        });
        let each: Vec<String> = each.collect();
        (!each.is_empty()).then(|| each.join("; "))
    }

    /// A part as a person knows it.
    pub(in crate::engine) fn part_name(&self, part: &Part) -> String {
        let place = |code: u32| {
            let found = self.alike.markets.values().find(|market| market.location_code == code);
            found.and_then(|market| market.location_name.clone()).unwrap_or_else(|| code.to_string())
        };
        match part {
            Part::Market((engine, function), code, language) => {
                format!("market {}/{language} at {engine}/{function}", place(*code))
            }
            Part::Language((engine, function), language) => format!("language {language} at {engine}/{function}"),
            Part::Place((engine, function), code) => format!("location {} at {engine}/{function}", place(*code)),
            Part::Target(target) => {
                format!("target {}", self.alike.targets.get(target).map_or("of another job", String::as_str))
            }
        }
    }
}

/// The field that a refusal names: `Invalid Field: 'language_code'.`
fn field(message: &str) -> Option<&str> {
    let lower = message.find("ield").map(|at| &message[at..])?;
    lower.split(['\'', '"', '`']).nth(1).filter(|field| !field.is_empty())
}

/// Words that differ in numbers alone say the same.
fn class_of(message: &str) -> String {
    message.chars().map(|c| if c.is_ascii_digit() { '#' } else { c.to_ascii_lowercase() }).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_field_in_quotes() {
        assert_eq!(field("Invalid Field: 'language_code'."), Some("language_code"));
        assert_eq!(field("the field \"keyword\" is too long"), Some("keyword"));
        assert_eq!(field("Invalid Field."), None);
        assert_eq!(field("no such 'thing'"), None);
    }
}
