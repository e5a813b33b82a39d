//! The shape of every JSON reply: an envelope around rows, both with a status of their own.
//!
//! Written straight into strings, since a POST of 100 tasks is the hot path.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::money::Money;

/// What goes into a reply's `version`.
const VERSION: &str = "0.1.20261101";

/// Accepted.
pub(super) const CREATED: u32 = 20_100;
/// All well.
pub(super) const OK: u32 = 20_000;

/// The codes this provider answers with, and their words.
pub(super) static CODES: &[(u32, &str)] = &[
    (OK, "Ok."),
    (CREATED, "Task Created."),
    (40_000, "A Live call carries one task."),
    (40_001, "This id belongs to another account."),
    (40_002, "This id was created for another engine."),
    (40_003, "This id was created for another type."),
    (40_006, "A POST carries at most 100 tasks."),
    (40_100, "You are not authorised to use this resource."),
    (40_101, "The answer engine failed."),
    (40_102, "No results."),
    (40_103, "The task failed, set it again."),
    (40_200, "Payment is required."),
    (40_202, "Too many calls in this minute."),
    (40_203, "The cost limit of the day is reached."),
    (40_209, "Too many Live calls at once."),
    (40_210, "The balance does not cover this request."),
    (40_400, "Not found."),
    (40_401, "No task has this id."),
    (40_403, "The results are no longer kept."),
    (40_501, "Invalid field."),
    (40_502, "The POST has no body."),
    (40_503, "The body is no array of task objects."),
    (40_506, "Unknown field."),
    (40_601, "Task Handed."),
    (40_602, "Task In Queue."),
    (50_000, "Internal error."),
    (50_401, "The answer took too long."),
];

/// The words that go with a code.
pub(super) fn message(code: u32) -> &'static str {
    CODES.iter().find(|(known, _)| *known == code).map_or("Error.", |(_, words)| words)
}

/// A time as the provider prints it: `2026-11-22 15:30:11 +00:00`.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

/// Reads a time as the provider does, whatever its offset.
pub(super) fn read_stamp(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %:z").ok().map(|time| time.to_utc())
}

/// Text as a JSON string, quotes included.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A path as a JSON array of its segments.
pub(super) fn segments(path: &str) -> String {
    format!("[{}]", path.trim_start_matches('/').split('/').map(quoted).collect::<Vec<_>>().join(","))
}

/// Money as a JSON number of dollars without needless zeros.
pub(super) fn usd(money: Money) -> String {
    if money.is_zero() {
        return "0".to_owned();
    }
    let text = money.decimal();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One row of `tasks`.
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) code: u32,
    /// Instead of the code's own words.
    pub(super) message: Option<&'a str>,
    pub(super) cost: Money,
    /// The path as a JSON array; the same for all rows of a reply.
    pub(super) path: &'a str,
    /// A JSON object.
    pub(super) data: &'a str,
    /// How many results, and they as a JSON array.
    pub(super) result: Option<(usize, &'a str)>,
}

impl Row<'_> {
    /// The row as JSON.
    pub(super) fn json(&self) -> String {
        let headroom = 256 + self.data.len() + self.result.map_or(0, |(_, json)| json.len());
        let mut out = String::with_capacity(headroom);
        let message = self.message.unwrap_or_else(|| message(self.code));
        let (count, result) = self.result.unwrap_or((0, "null"));
        // Some digits that differ between rows and repeat with the id.
        let tenth_ms = super::draw::hash(self.id.as_bytes()) % 900 + 20;
        let _ = write!(
            out,
            r#"{{"id":"{}","status_code":{},"status_message":{},"time":"0.{tenth_ms:04} sec.","cost":{},"result_count":{count},"path":{},"data":{},"result":{result}}}"#,
            self.id,
            self.code,
            quoted(message),
            usd(self.cost),
            self.path,
            self.data,
        );
        out
    }
}

/// A whole reply: its rows, and what its head says about them.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// Rows as JSON.
    pub(super) rows: Vec<String>,
    /// How many of them failed.
    pub(super) errors: usize,
    /// What they cost together.
    pub(super) cost: Money,
}

impl Envelope {
    /// A reply with one row.
    pub(super) fn one(row: &Row<'_>) -> Self {
        Self { rows: vec![row.json()], errors: usize::from(row.code >= 40_000), cost: row.cost }
    }

    /// The body.
    pub(super) fn body(&self, dust: bool, count_errors: bool) -> String {
        let mut cost = usd(self.cost);
        if dust && self.rows.len() > 1 && !self.cost.is_zero() {
            // What a sum of binary floats looks like, without one: padded to 16 digits and a stray last one.
            if !cost.contains('.') {
                cost.push('.');
            }
            cost = format!("{cost:0<20}2");
        }
        let mut out = String::with_capacity(200 + self.rows.iter().map(|row| row.len() + 1).sum::<usize>());
        let _ = write!(
            out,
            r#"{{"version":"{VERSION}","status_code":20000,"status_message":"Ok.","time":"0.0911 sec.","cost":{cost},"tasks_count":{},"tasks_error":{},"tasks":["#,
            self.rows.len(),
            if count_errors { self.errors } else { 0 },
        );
        for (at, row) in self.rows.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(row);
        }
        out.push_str("]}");
        out
    }
}

/// The body of a request refused as a whole.
pub(super) fn refusal(code: u32) -> String {
    format!(
        r#"{{"version":"{VERSION}","status_code":{code},"status_message":{},"time":"0 sec.","cost":0,"tasks_count":0,"tasks_error":0,"tasks":null}}"#,
        quoted(message(code)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_printed_as_the_shortest_number() {
        for (nanos, text) in
            [(0, "0"), (1_200_000, "0.0012"), (120_000_000, "0.12"), (20_000_000_000, "20"), (1, "0.000000001")]
        {
            assert_eq!(usd(Money::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn times_in_any_offset_print_in_utc() {
        let time = read_stamp("2026-11-22 17:30:11 +02:00").unwrap();
        assert_eq!(stamp(time), "2026-11-22 15:30:11 +00:00");
        for text in ["2026-11-22 17:30:11", "2026-11-22T17:30:11Z", ""] {
            assert_eq!(read_stamp(text), None, "{text}");
        }
    }
}
