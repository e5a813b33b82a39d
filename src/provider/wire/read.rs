//! The envelope of every reply, and the rows in it.
//!
//! A reply that is not a JSON object is [`Unreadable`]; everything else that is odd about it is tolerated and
//! reported. Nothing is copied unnecessarily, and no figure ever becomes a float: a cost is read from the digits of
//! its JSON text.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::rows::{Row, Rows};
use super::values::{Cost, code, cost, field, text};

/// A reply that is no whole JSON object.
#[derive(Debug, thiserror::Error)]
#[error("the reply is not an envelope: {why}")]
pub struct Unreadable {
    /// What is wrong, and where.
    pub why: String,
    /// It begins like one: what was cut off may have held task rows.
    pub begins_like_json: bool,
}

/// A whole reply.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// What became of the request as a whole.
    pub code: Option<u32>,
    /// The same in words.
    pub message: Option<Cow<'a, str>>,
    /// The sum of the rows' costs, as the provider has it: a check, never booked.
    pub cost: Cost,
    /// One row for each task, in the provider's order, which means nothing.
    pub rows: Vec<Row<'a>>,
    /// Rows that are no object, or not readable as one.
    pub unreadable_rows: usize,
}

/// Reads a reply, as far as it can be read, in one pass over its bytes.
pub fn envelope(body: &[u8]) -> Result<Envelope<'_>, Unreadable> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        status_code: Option<&'a RawValue>,
        #[serde(borrow, default)]
        status_message: Option<&'a RawValue>,
        #[serde(borrow, default)]
        cost: Option<&'a RawValue>,
        #[serde(borrow, default)]
        tasks: Rows<'a>,
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
        #[serde(borrow, default)]
        message: Option<&'a RawValue>,
    }

    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let begins_like_json = body.trim_ascii_start().starts_with(b"{");
    let unreadable = |why: &str| Unreadable { why: why.to_owned(), begins_like_json };
    if !begins_like_json {
        return Err(unreadable("it does not begin with a brace"));
    }
    let body = std::str::from_utf8(body).map_err(|error| unreadable(&error.to_string()))?;
    let raw: Raw<'_> = serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?;
    // A gateway in between has an envelope of its own: `{"error": {"message": …}}`, or `error` as plain text.
    let message = text(raw.status_message)
        .or_else(|| text(raw.message))
        .or_else(|| text(raw.error))
        .or_else(|| text(raw.error.and_then(|error| field(error, "message"))));
    let Rows { rows, unreadable: unreadable_rows } = raw.tasks;
    Ok(Envelope { code: code(raw.status_code), message, cost: cost(raw.cost), rows, unreadable_rows })
}

/// An error of a gateway's own.
#[derive(Debug)]
pub struct GatewayError<'a> {
    kind: Option<Cow<'a, str>>,
    code: Option<Cow<'a, str>>,
}

impl GatewayError<'_> {
    /// Whoever stands behind the gateway failed.
    pub fn is_upstreams(&self) -> bool {
        [&self.kind, &self.code].into_iter().flatten().any(|word| word.starts_with("upstream"))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.kind.as_deref().or(self.code.as_deref()).unwrap_or("error")
    }
}

/// The error that a gateway in between speaks of, as an object or as a text.
pub fn gateway_error(body: &[u8]) -> Option<GatewayError<'_>> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
    }

    let body = std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()?;
    let raw: Raw<'_> = body.trim_start().starts_with('{').then(|| serde_json::from_str(body).ok()).flatten()?;
    let error = raw.error?;
    if error.get().starts_with('{') {
        return Some(GatewayError { kind: text(field(error, "type")), code: text(field(error, "code")) });
    }
    text(Some(error)).map(|code| GatewayError { kind: None, code: Some(code) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;

    fn nanos(cost: Cost) -> Option<i64> {
        cost.known().map(Money::nanos)
    }

    #[test]
    fn an_envelope_is_read_without_a_float() {
        let body = r#"{"version": "0", "status_code": 20000, "status_message": "Ok.", "cost": 0.0024000000000000002,
            "tasks_count": 2, "tasks_error": 7, "tasks": [
              {"id": "i1", "status_code": 20100, "status_message": "Task Created.", "cost": 6e-05,
               "path": ["v3"], "data": {"keyword": {"tag": "x"}, "tag": "b1.\u0061"}, "result": null, "new": {}},
              {"id": "i2", "status_code": 20000, "cost": "0.1", "result_count": 1, "result": [{"a": 1}]}]}"#;
        let envelope = envelope(body.as_bytes()).unwrap();
        assert_eq!((envelope.code, envelope.message.as_deref()), (Some(20_000), Some("Ok.")));
        assert_eq!((nanos(envelope.cost), envelope.unreadable_rows), (Some(2_400_000), 0));
        let [first, second] = &envelope.rows[..] else { panic!("{envelope:?}") };
        assert_eq!((first.id.as_deref(), first.tag.as_deref()), (Some("i1"), Some("b1.a")));
        assert_eq!((first.code, nanos(first.cost), first.result.is_none()), (Some(20_100), Some(60_000), true));
        assert!(matches!(first.id, Some(Cow::Borrowed(_))), "an id without escapes is not copied");
        assert_eq!(
            (second.tag.as_deref(), nanos(second.cost), second.result_count),
            (None, Some(100_000_000), Some(1))
        );
        assert_eq!(second.result.map(RawValue::get), Some(r#"[{"a": 1}]"#));
    }

    #[test]
    fn an_odd_value_in_a_row_is_absent() {
        let body = r#"{"status_code": [], "status_message": 5, "cost": {}, "tasks": [
            {}, {"id": {}, "status_code": "x", "cost": true, "data": [1], "result_count": -1, "result": 3},
            {"status_code": 200, "data": {"tag": 12}}, {"data": {"tag": "a", "tag": "b"}}, {"id": "\ud800", "data": "x"},
            null, 1, "x", [], ["i", 20100], {"id": "1", "id": "2"}]}"#;
        let envelope = envelope(body.as_bytes()).unwrap();
        assert_eq!((envelope.code, envelope.message.as_deref(), envelope.cost), (None, Some("5"), Cost::Odd));
        assert_eq!((envelope.rows.len(), envelope.unreadable_rows), (5, 6));
        for row in &envelope.rows {
            assert_eq!((&row.id, row.code, row.result_count), (&None, None, None), "{row:?}");
        }
        let tags: Vec<_> = envelope.rows.iter().map(|row| row.tag.as_deref()).collect();
        assert_eq!(tags, [None, None, Some("12"), None, None]);
        let costs: Vec<_> = envelope.rows.iter().map(|row| row.cost).collect();
        assert_eq!(costs, [Cost::Absent, Cost::Odd, Cost::Absent, Cost::Absent, Cost::Absent]);
    }

    #[test]
    fn a_gateways_own_error_is_an_envelope_without_rows() {
        for (body, message) in [
            (r#"{"error": {"type": "rate_limit_error", "message": "Too many requests."}}"#, Some("Too many requests.")),
            (r#"{"error": "nope", "message": "no credit"}"#, Some("no credit")),
            (r#"{"error": "nope"}"#, Some("nope")),
            (r#"{"error": []}"#, None),
            ("\u{feff} {}", None),
        ] {
            let envelope = envelope(body.as_bytes()).unwrap();
            assert_eq!(envelope.message.as_deref(), message, "{body}");
            assert!(envelope.rows.is_empty() && envelope.code.is_none());
        }
    }

    #[test]
    fn what_is_no_whole_object_is_unreadable() {
        for (body, begins_like_json) in [
            ("", false),
            ("<html>", false),
            ("[]", false),
            ("null", false),
            ("{", true),
            ("{} x", true),
            (" {\"a\":", true),
        ] {
            assert_eq!(envelope(body.as_bytes()).unwrap_err().begins_like_json, begins_like_json, "{body}");
        }
        assert!(envelope(b"{\"status_message\": \"\xff\"}").is_err());
    }

    #[test]
    fn no_depth_of_nesting_overflows_the_stack() {
        let deep = "[".repeat(200_000);
        for body in [
            format!("{{\"tasks\": {deep}"),
            format!("{{\"tasks\": [{{\"data\": {{\"tag\": {deep}{}}}}}]}}", "]".repeat(200_000)),
            "{\"tasks\":".repeat(100_000),
        ] {
            let _ = envelope(body.as_bytes());
        }
    }
}
