//! The answer of a row: the provider's result object, and what it says in the columns that all engines share.

use serde_json::value::RawValue;

use crate::ledger::ExportRow;
use crate::oddity::Oddity;
use crate::product::ResultKind;
use crate::provider::{Citation, FlatAnswer, flat_answer, legible_result, wire};

/// The result object of one form, as the provider wrote it, where the row has that form and it can be read.
pub(super) fn result(row: &ExportRow, kind: ResultKind) -> Option<Box<RawValue>> {
    let (_, body, oddity) = row.answers.iter().find(|(of, ..)| *of == kind)?;
    of_body(body, *oddity)
}

/// What an answer says. All of it is absent without an answer in the form `advanced`: a page says none of this.
pub(super) fn flat(answer: Option<&RawValue>) -> FlatAnswer {
    answer.map(|answer| flat_answer(answer.get())).unwrap_or_default()
}

/// The domains of the cited pages, each once, in the order in which they are first cited.
pub(super) fn domains(citations: &[Citation]) -> Vec<&str> {
    let mut domains: Vec<&str> = Vec::new();
    for domain in citations.iter().filter_map(|citation| citation.domain.as_deref()) {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains
}

/// The first result of a stored reply, on one line: a line end stands between two tokens there, never inside of a text. Of
/// an answer that is odd, as much as can be read.
fn of_body(body: &[u8], oddity: Option<Oddity>) -> Option<Box<RawValue>> {
    if oddity.is_some() {
        return RawValue::from_string(legible_result(body)?).ok();
    }
    let envelope = wire::envelope(body).ok()?;
    let text = wire::first_result(envelope.rows.first()?)?;
    let on_one_line: String = text.split(['\n', '\r']).map(str::trim).collect();
    RawValue::from_string(on_one_line).ok()
}
