//! CSV: one row a task, with the answer as Markdown and without the provider's JSON. Cells that a spreadsheet would take
//! for a formula are defused.

use std::borrow::Cow;
use std::io::{self, Write};

use super::flat::{domains, flat, result};
use super::{Form, OfRun, moment, reason, turnaround_s};
use crate::ledger::ExportRow;
use crate::oddity::Oddity;
use crate::product::ResultKind;

/// The columns; they are only ever added to, at the end.
const COLUMNS: [&str; 37] = [
    "job",
    "period",
    "set",
    "prompt",
    "location_code",
    "location_name",
    "language_code",
    "engine",
    "function",
    "method",
    "priority",
    "repeat",
    "state",
    "reason",
    "vendor_id",
    "attempts",
    "cost_usd",
    "bought_at",
    "answered_at",
    "turnaround_s",
    "model",
    "reused_from",
    "run_complete",
    "asked",
    "planned",
    "also_in",
    "no_longer_asked",
    "oddity",
    "code",
    "message",
    "source_line",
    "cost_nano_usd",
    "answer_markdown",
    "citation_count",
    "cited_domains",
    "cited_urls",
    "brands",
];

/// By it Excel knows that a file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) struct CsvForm<'w> {
    to: csv::Writer<&'w mut dyn Write>,
    raw: bool,
}

impl<'w> CsvForm<'w> {
    pub(super) fn new(to: &'w mut dyn Write, raw: bool, bom: bool) -> io::Result<Self> {
        if bom {
            to.write_all(BYTE_ORDER_MARK)?;
        }
        let mut to = csv::Writer::from_writer(to);
        to.write_record(COLUMNS).map_err(unwrapped)?;
        Ok(Self { to, raw })
    }
}

impl Form for CsvForm<'_> {
    fn row(&mut self, of: &OfRun, row: &ExportRow) -> io::Result<()> {
        let text = |text: &str| if self.raw { text.to_owned() } else { defused(text).into_owned() };
        let maybe = |value: Option<&str>| text(value.unwrap_or_default());
        let last = row.history.last();
        let answer = flat(result(row, ResultKind::Advanced).as_deref());
        // A domain holds no blank, and an address none that is not written as %20.
        let citations = answer.citations.as_deref();
        let domains = citations.map(|cited| domains(cited).join(" "));
        let urls = citations
            .map(|cited| cited.iter().map(|citation| citation.url.replace(' ', "%20")).collect::<Vec<_>>().join(" "));
        let cells: [String; COLUMNS.len()] = [
            text(&of.job),
            text(&of.period),
            text(&row.set),
            text(&row.prompt),
            row.place().map_or_else(String::new, |code| code.to_string()),
            maybe(row.location_name.as_deref()),
            text(&row.language_code),
            row.engine.to_string(),
            row.function.to_string(),
            row.method.to_string(),
            row.priority.to_string(),
            row.repeat.to_string(),
            row.state.name().to_owned(),
            maybe(reason(row)),
            maybe(row.provider_id.as_deref()),
            row.history.len().to_string(),
            row.cost.decimal(),
            moment(row.bought_v).unwrap_or_default(),
            moment(row.answered_v).unwrap_or_default(),
            turnaround_s(row).map_or_else(String::new, |seconds| seconds.to_string()),
            maybe(row.model.as_deref()),
            String::new(),
            of.complete.to_string(),
            of.asked.to_string(),
            of.planned.to_string(),
            text(&row.also_in.join(" ")),
            (!row.asked).to_string(),
            maybe(row.oddity.map(Oddity::name)),
            last.and_then(|past| past.code).map_or_else(String::new, |code| code.to_string()),
            maybe(last.and_then(|past| past.message.as_deref())),
            row.line.map_or_else(String::new, |line| line.to_string()),
            row.cost.nanos().to_string(),
            maybe(answer.markdown.as_deref()),
            citations.map_or_else(String::new, |cited| cited.len().to_string()),
            maybe(domains.as_deref()),
            maybe(urls.as_deref()),
            maybe(answer.brands.map(|brands| brands.join("; ")).as_deref()),
        ];
        self.to.write_record(cells).map_err(unwrapped)
    }

    fn end(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The I/O error inside, so that a reader that has gone away is known as one.
fn unwrapped(error: csv::Error) -> io::Error {
    let text = error.to_string();
    if let csv::ErrorKind::Io(error) = error.into_kind() { error } else { io::Error::other(text) }
}

/// A text that a spreadsheet takes for a text.
fn defused(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+49 30", "-5", "@sum", "\tx", "\r", "\n="] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for text in ["", "which crm?", "a=b", "2-3"] {
            assert_eq!(defused(text), text);
        }
    }
}
