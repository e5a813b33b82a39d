//! JSON Lines: one object a task, with its history and the provider's answer byte for byte.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use super::flat::{domains, flat, result};
use super::{Form, OfRun, moment, reason, turnaround_s};
use crate::ledger::{ExportRow, Past};
use crate::oddity::Oddity;
use crate::product::ResultKind;
use crate::provider::Citation;

pub(super) struct JsonForm<'w> {
    pub(super) to: &'w mut dyn Write,
}

/// The columns, in their order. A row has all of them, `null` where there is nothing: some readers learn the columns from
/// the first rows alone.
#[derive(Serialize)]
struct Line<'a> {
    job: &'a str,
    period: &'a str,
    set: &'a str,
    prompt: &'a str,
    location_code: Option<u32>,
    location_name: Option<&'a str>,
    language_code: Option<&'a str>,
    engine: &'a str,
    function: &'a str,
    method: &'a str,
    priority: &'a str,
    repeat: u32,
    state: &'a str,
    reason: Option<&'a str>,
    code: Option<u32>,
    message: Option<&'a str>,
    #[serde(rename = "source_line")]
    source: Option<u32>,
    #[serde(rename = "vendor_id")]
    provider_id: Option<&'a str>,
    attempts: usize,
    cost_usd: String,
    cost_nano_usd: i64,
    bought_at: Option<String>,
    answered_at: Option<String>,
    turnaround_s: Option<i64>,
    model: Option<&'a str>,
    reused_from: Option<&'a str>,
    run_complete: bool,
    asked: u64,
    planned: u64,
    also_in: &'a [String],
    no_longer_asked: bool,
    answer_markdown: Option<&'a str>,
    citation_count: Option<usize>,
    cited_domains: Option<Vec<&'a str>>,
    citations: Option<&'a [Citation]>,
    brands: Option<&'a [String]>,
    history: Vec<Step<'a>>,
    answer: Option<Box<RawValue>>,
    html: Option<Box<RawValue>>,
    oddity: Option<&'a str>,
    answer_raw: Option<Cow<'a, str>>,
    html_raw: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Step<'a> {
    number: u32,
    state: &'a str,
    code: Option<u32>,
    message: Option<&'a str>,
    #[serde(rename = "vendor_id")]
    provider_id: Option<&'a str>,
    cost_usd: String,
    cost_nano_usd: i64,
    batch: i64,
}

impl<'a> Step<'a> {
    fn of(past: &'a Past) -> Self {
        Self {
            number: past.number,
            state: &past.state,
            code: past.code,
            message: past.message.as_deref(),
            provider_id: past.provider_id.as_deref(),
            cost_usd: past.cost.decimal(),
            cost_nano_usd: past.cost.nanos(),
            batch: past.batch.0,
        }
    }
}

impl Form for JsonForm<'_> {
    fn row(&mut self, of: &OfRun, row: &ExportRow) -> io::Result<()> {
        let answer = result(row, ResultKind::Advanced);
        let flat = flat(answer.as_deref());
        let of_kind = |kind| row.answers.iter().find(|(of, ..)| *of == kind);
        // What is odd is there as it came, too.
        let raw = |kind| {
            of_kind(kind).filter(|(_, _, oddity)| oddity.is_some()).map(|(_, body, _)| String::from_utf8_lossy(body))
        };
        let line = Line {
            job: &of.job,
            period: &of.period,
            set: &row.set,
            prompt: &row.prompt,
            location_code: row.place(),
            location_name: row.location_name.as_deref(),
            language_code: Some(&*row.language_code).filter(|code| !code.is_empty()),
            engine: row.engine.name(),
            function: row.function.name(),
            method: row.method.name(),
            priority: row.priority.name(),
            repeat: row.repeat,
            state: row.state.name(),
            reason: reason(row),
            code: row.history.last().and_then(|past| past.code),
            message: row.history.last().and_then(|past| past.message.as_deref()),
            source: row.line,
            provider_id: row.provider_id.as_deref(),
            attempts: row.history.len(),
            cost_usd: row.cost.decimal(),
            cost_nano_usd: row.cost.nanos(),
            bought_at: moment(row.bought_v),
            answered_at: moment(row.answered_v),
            turnaround_s: turnaround_s(row),
            model: row.model.as_deref(),
            reused_from: None,
            run_complete: of.complete,
            asked: of.asked,
            planned: of.planned,
            also_in: &row.also_in,
            no_longer_asked: !row.asked,
            answer_markdown: flat.markdown.as_deref(),
            citation_count: flat.citations.as_ref().map(Vec::len),
            cited_domains: flat.citations.as_deref().map(domains),
            citations: flat.citations.as_deref(),
            brands: flat.brands.as_deref(),
            history: row.history.iter().map(Step::of).collect(),
            answer,
            html: result(row, ResultKind::Html),
            oddity: row.oddity.map(Oddity::name),
            answer_raw: raw(ResultKind::Advanced),
            html_raw: raw(ResultKind::Html),
        };
        let line = serde_json::to_string(&line)?;
        self.to.write_all(one_line(&line).as_bytes())?;
        self.to.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// JSON that every reader takes for one line. Many readers also end a line at U+0085, U+2028 and U+2029. In JSON they
/// stand inside of texts alone, where an escape means the same character.
fn one_line(json: &str) -> Cow<'_, str> {
    let ends_lines = ['\u{85}', '\u{2028}', '\u{2029}'];
    if !json.contains(ends_lines) {
        return Cow::Borrowed(json);
    }
    Cow::Owned(json.replace('\u{85}', r"\u0085").replace('\u{2028}', r"\u2028").replace('\u{2029}', r"\u2029"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_separator_of_unicode_stands_in_json() {
        let text = "one\u{2028}two\\\u{2029}three\u{85}four";
        let json = serde_json::to_string(text).unwrap();
        let line = one_line(&json);
        assert_eq!(line, r#""one\u2028two\\\u2029three\u0085four""#);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn raw_answer_keeps_every_other_byte_as_written() {
        let raw = RawValue::from_string("{\"a\":6e-05,\"b\":\"é\u{2029}\\u0085\"}".to_owned()).unwrap();
        let json = serde_json::to_string(&raw).unwrap();
        assert_eq!(one_line(&json), "{\"a\":6e-05,\"b\":\"é\\u2029\\u0085\"}");
        assert!(matches!(one_line("{\"a\":\"é\"}"), Cow::Borrowed(_)));
    }
}
