//! Failed tasks in words: what the provider said, about which question, and where that question is written.

use std::path::Path;

use serde_json::{Map, Value};

use super::out::{self, count};
use crate::event::Subject;
use crate::ledger::FailedAlike;

/// Groups of failures that are told one by one: enough to see what is wrong, few enough for a mail.
const MOST_TOLD: usize = 5;
/// Of a prompt so much is shown, in characters: enough to know it again.
const SHOWN_CHARS: usize = 80;

/// What happened, in the provider's own words and with its code.
pub(super) fn what(happened: &str, code: Option<u32>, message: Option<&str>) -> String {
    let message = message.map(|message| message.trim_end_matches('.')).filter(|message| !message.is_empty());
    match (message, code) {
        (Some(message), Some(http @ ..1_000)) => format!("{happened}: {message} (HTTP {http})"),
        (Some(message), Some(code)) => format!("{happened}: {message} (code {code})"),
        (Some(message), None) => format!("{happened}: {message}"),
        (None, Some(code)) => format!("{happened} (code {code})"),
        (None, None) => happened.to_owned(),
    }
}

/// The question, where and to whom it was put, and where it is written.
pub(super) fn whose(of: &Subject) -> String {
    format!("\"{}\", {}", prompt(&of.prompt), place(of))
}

/// The same, where it is known.
pub(super) fn named(of: Option<&Subject>) -> String {
    of.map_or_else(|| "a task that this ledger does not name".to_owned(), whose)
}

/// Where and to whom a question was put, and where it is written.
fn place(of: &Subject) -> String {
    let market = of.market.as_ref().map_or_else(String::new, |market| format!("{market}, "));
    let model = of.model.as_ref().map_or_else(String::new, |model| format!("/{model}"));
    let file = Path::new(&of.job_file).file_name().unwrap_or_default().to_string_lossy();
    let line = of.line.map_or_else(String::new, |line| format!(":{line}"));
    format!("{market}{}/{}{model} (prompt set {}, {file}{line})", of.engine, of.function, of.set)
}

/// The start of a prompt, on one line.
fn prompt(text: &str) -> String {
    let mut shown: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// A line for each kind of failure, those of most tasks first.
pub(super) fn lines(all: &[FailedAlike]) -> Vec<String> {
    let each = all.iter().take(MOST_TOLD).map(|alike| {
        let tasks = count(alike.tasks, "task");
        let what = what(&alike.reason.replace('_', " "), alike.code, alike.message.as_deref());
        if alike.tasks == 1 {
            return format!("{tasks} {what}: {}", whose(&alike.subject));
        }
        format!("{tasks} {what}: {}, among them \"{}\"", place(&alike.subject), prompt(&alike.subject.prompt))
    });
    let rest: u64 = all.iter().skip(MOST_TOLD).map(|alike| alike.tasks).sum();
    let rest = (rest > 0).then(|| format!("{} more failed otherwise: `bursar export` names each", count(rest, "task")));
    each.chain(rest).collect()
}

/// The same as facts.
pub(super) fn facts(alike: &FailedAlike) -> Value {
    let mut row = Map::new();
    row.insert("reason".into(), alike.reason.clone().into());
    row.insert("code".into(), alike.code.into());
    row.insert("message".into(), alike.message.clone().into());
    row.insert("tasks".into(), alike.tasks.into());
    out::money(&mut row, "paid", alike.paid);
    subject(&mut row, &alike.subject);
    Value::Object(row)
}

/// Facts on a task, with what was asked beside them.
pub(super) fn with(mut facts: Value, of: Option<&Subject>) -> Value {
    if let (Value::Object(facts), Some(of)) = (&mut facts, of) {
        subject(facts, of);
    }
    facts
}

/// A task as facts.
fn subject(into: &mut Map<String, Value>, of: &Subject) {
    into.insert("job".into(), of.job.clone().into());
    into.insert("period".into(), of.period.clone().into());
    into.insert("set".into(), of.set.clone().into());
    into.insert("job_file".into(), of.job_file.clone().into());
    into.insert("line".into(), of.line.into());
    into.insert("prompt".into(), of.prompt.clone().into());
    into.insert("market".into(), of.market.clone().into());
    into.insert("engine".into(), of.engine.name().into());
    into.insert("function".into(), of.function.name().into());
    into.insert("model".into(), of.model.clone().into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::product::{Engine, Function};

    fn alike(tasks: u64, prompt: &str) -> FailedAlike {
        let subject = Subject {
            job: "words".to_owned(),
            job_file: "jobs/words.toml".to_owned(),
            period: "once".to_owned(),
            set: "q".to_owned(),
            line: Some(4),
            prompt: prompt.to_owned(),
            market: Some("Japan/jp".to_owned()),
            engine: Engine::ChatGpt,
            function: Function::LlmScraper,
            model: None,
        };
        let (reason, message) = ("refused".to_owned(), Some("Invalid Field: 'language_code'.".to_owned()));
        FailedAlike { reason, code: Some(40_501), message, tasks, paid: Money::ZERO, subject }
    }

    #[test]
    fn a_refusal_is_shown_with_its_question() {
        let told = lines(&[alike(1, "which bank?"), alike(1_000, &"which\nbank? ".repeat(20))]);
        assert_eq!(
            told,
            [
                "1 task refused: Invalid Field: 'language_code' (code 40501): \"which bank?\", Japan/jp, \
                 chat_gpt/llm_scraper (prompt set q, words.toml:4)",
                "1,000 tasks refused: Invalid Field: 'language_code' (code 40501): Japan/jp, chat_gpt/llm_scraper \
                 (prompt set q, words.toml:4), among them \"which bank? which bank? which bank? which bank? which bank? \
                 which bank? which ba…\"",
            ]
        );
    }

    #[test]
    fn failures_beyond_a_handful_are_counted_together() {
        let told = lines(&(0..7).map(|n| alike(n + 1, "?")).collect::<Vec<_>>());
        assert_eq!(told.len(), 6);
        assert_eq!(told[5], "13 tasks more failed otherwise: `bursar export` names each");
    }
}
