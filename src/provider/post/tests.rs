use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "tables read better without a borrow in each line")]
#[expect(clippy::unnecessary_wraps, reason = "it stands for the outcome of a call")]
fn reply(status: u16, body: impl ToString) -> Result<Response, Failure> {
    Ok(Response { status, date: None, retry_after: None, rest: None, body: body.to_string().into() })
}

/// One task's row, as the provider writes it.
fn row(id: &str, tag: &str, code: u32, cost: &Value) -> Value {
    json!({ "id": id, "status_code": code, "status_message": "…", "cost": cost, "data": { "tag": tag }, "result": null })
}

fn envelope_of(code: u32, rows: &Value) -> Value {
    json!({ "status_code": code, "status_message": "…", "tasks_error": 0, "tasks": rows })
}

/// A verdict in a few words: what became of each tag, then the unmatched rows.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::NotBought { why } => format!("not bought: {:?}", why.class),
        Verdict::InDoubt { .. } => "in doubt".to_owned(),
        Verdict::Rows { each, unmatched } => {
            let mut text = each
                .iter()
                .map(|fate| match fate {
                    Fate::Accepted { id, cost: Some(cost) } => format!("{id} for {cost}"),
                    Fate::Accepted { id, cost: None } => format!("{id} for ?"),
                    Fate::Refused { code, .. } => format!("refused {code}"),
                    Fate::PaidFailure { code, cost, .. } => format!("paid failure {code} for {cost}"),
                    Fate::InDoubt { .. } => "in doubt".to_owned(),
                })
                .collect::<Vec<_>>()
                .join(", ");
            for UnmatchedRow { id, tag, cost } in unmatched {
                let _ = write!(text, ", unmatched row {id} of {} for {cost:?}", tag.as_deref().unwrap_or("no tag"));
            }
            text
        }
    }
}

/// One letter for what became of one task: Accepted, Refused, Paid failure (small when it is final), `?` in doubt;
/// or N for a batch that was not bought at all.
fn letter(verdict: &Verdict) -> char {
    match verdict {
        Verdict::NotBought { .. } => 'N',
        Verdict::InDoubt { .. } => '?',
        Verdict::Rows { each, unmatched } => match &each[..] {
            _ if !unmatched.is_empty() => '!',
            [Fate::Accepted { .. }] => 'A',
            [Fate::Refused { .. }] => 'R',
            [Fate::PaidFailure { again: true, .. }] => 'P',
            [Fate::PaidFailure { again: false, .. }] => 'p',
            [Fate::InDoubt { .. }] => '?',
            _ => '!',
        },
    }
}

#[test]
fn every_code_of_a_purchase_means_as_documented() {
    // For each code: a task's row with cost 0, without a cost, with a cost it cannot have, with a cost above 0;
    // then no rows and the code in the envelope, with cost 0 and without a cost.
    let table = "
        20000 AAAA ??      40200 RR?P NN      40401 RR?p ??      40506 RR?p NN
        20100 AAAA ??      40201 RR?P NN      40402 RR?p NN      40601 AAAA ??
        40000 RR?p NN      40202 RR?P NN      40403 ???? ??      40602 AAAA ??
        40001 RR?p ??      40203 RR?P NN      40404 RR?p NN      50000 R??? ??
        40002 RR?p ??      40204 RR?P NN      40405 RR?p NN      50001 R??? ??
        40003 RR?p ??      40205 RR?P NN      40406 RR?p NN      50100 RR?p NN
        40004 RR?p ??      40206 RR?P NN      40407 RR?p NN      50301 R??? ??
        40006 R??P ??      40207 RR?P NN      40408 RR?p NN      50303 R??? ??
        40100 RR?P NN      40209 RR?P NN      40501 R??p N?      50304 R??? ??
        40101 R??P ??      40210 RR?P NN      40502 RR?p NN      50401 ???? ??
        40102 R??p ??      40400 RR?p NN      40503 RR?p NN      50402 ???? ??
        40103 R??P ??      40999 R??p N?      40504 RR?p NN      50999 ???? ??
        40104 RR?P NN      49999 R??p N?      40505 RR?p NN      20999 ???? ??
    ";
    let cells: Vec<&str> = table.split_whitespace().collect();
    for known in super::super::codes::CODES.iter().filter(|known| known.code >= 20_000) {
        assert!(cells.contains(&known.code.to_string().as_str()), "{} is missing here", known.code);
    }
    for [code, of_row, of_envelope] in cells.as_chunks::<3>().0 {
        let code = code.parse().unwrap();
        let in_row: String = [json!(0), Value::Null, json!("free"), json!(0.0012)]
            .iter()
            .map(|cost| letter(&judge(&reply(200, envelope_of(20_000, &json!([row("i", "t", code, cost)]))), &["t"])))
            .collect();
        assert_eq!(in_row, *of_row, "{code} in a task's row");
        let bare: String = [json!({"cost": 0}), json!({})]
            .iter()
            .map(|envelope| {
                let mut envelope = envelope.clone();
                envelope["status_code"] = code.into();
                envelope["tasks"] = Value::Null;
                letter(&judge(&reply(200, envelope), &["t"]))
            })
            .collect();
        assert_eq!(bare, *of_envelope, "{code} in the envelope");
    }
}

#[test]
fn without_rows_only_some_statuses_refuse_all() {
    let html = "<html>sorry</html>".to_owned();
    for (status, expected) in [
        (401, "not bought: Halt"),
        (402, "not bought: NoMoney"),
        (403, "not bought: Halt"),
        (404, "not bought: BadCall"),
        (429, "not bought: Throttled"),
    ] {
        for body in ["{}".to_owned(), r#"{"error": {"message": "no"}}"#.to_owned()] {
            assert_eq!(told(&judge(&reply(status, &body), &["a"])), expected, "{status} {body}");
        }
        // A page that forbids is a firewall's, which may mean what stands in the request.
        let expected = if status == 403 { "not bought: BadCall" } else { expected };
        for body in [String::new(), html.clone()] {
            assert_eq!(told(&judge(&reply(status, &body), &["a"])), expected, "{status} {body}");
        }
    }
    for status in [400, 413, 422] {
        for body in [String::new(), html.clone()] {
            assert_eq!(told(&judge(&reply(status, &body), &["a"])), "not bought: BadCall", "{status} {body}");
        }
        for body in ["{}", "[]", "null", "\"no\""] {
            let verdict = judge(&reply(status, body), &["a"]);
            assert_eq!(told(&verdict), "in doubt", "{status} {body}: it speaks JSON, and says nothing");
        }
        for body in [String::new(), html.clone()] {
            let verdict = judge_behind_a_proxy(&reply(status, &body), &["a"]);
            assert_eq!(told(&verdict), "in doubt", "{status}: what comes back may be refused as well");
        }
    }
    for body in [String::new(), html.clone()] {
        assert_eq!(told(&judge_behind_a_proxy(&reply(403, &body), &["a"])), "in doubt", "403 {body}");
    }
    let forbidden = envelope_of(40_207, &json!(null));
    assert_eq!(told(&judge_behind_a_proxy(&reply(403, forbidden), &["a"])), "not bought: Halt", "the provider's word");
    for status in [200, 201, 202, 204, 206, 301, 302, 307, 308, 405, 408, 409, 418, 500, 502, 503, 504] {
        for body in [String::new(), html.clone(), "{}".to_owned(), "[]".to_owned(), "null".to_owned()] {
            assert_eq!(told(&judge(&reply(status, &body), &["a"])), "in doubt", "{status} {body}");
        }
    }
}

#[test]
fn an_empty_envelope_refuses_with_matching_status_only() {
    for (status, code, cost, expected) in [
        (200, 40_202, json!(0), "not bought: Throttled"),
        (200, 40_202, json!(0.0012), "in doubt"),
        (200, 40_202, json!("gratis"), "in doubt"),
        (201, 40_202, json!(0), "in doubt"),
        (400, 40_501, json!(0), "not bought: Permanent"),
        (400, 40_501, json!(0.0012), "in doubt"),
        (400, 40_501, Value::Null, "in doubt"),
        (400, 50_000, json!(0), "in doubt"),
        (409, 40_501, json!(0), "in doubt"),
        (500, 40_202, json!(0), "in doubt"),
        (503, 50_100, json!(0), "in doubt"),
        (401, 40_100, json!(0), "not bought: Halt"),
        (402, 40_210, json!(0), "not bought: NoMoney"),
        (402, 40_201, json!(0), "not bought: Halt"),
        (403, 40_207, Value::Null, "not bought: Halt"),
        (404, 40_400, json!(0), "not bought: BadCall"),
        (404, 40_204, json!(0), "not bought: BadCall"),
        (429, 40_202, json!(0), "not bought: Throttled"),
        // A status that refuses and an envelope that does not: no certainty.
        (401, 20_000, json!(0), "in doubt"),
        (404, 50_000, json!(0), "in doubt"),
        (429, 40_202, json!(0.0012), "in doubt"),
    ] {
        for tasks in [json!(null), json!([])] {
            let body = json!({ "status_code": code, "cost": cost, "tasks": tasks });
            assert_eq!(told(&judge(&reply(status, &body), &["a"])), expected, "{status} {body}");
        }
    }
}

#[test]
fn rows_speak_whatever_the_status_and_the_envelope_say() {
    let rows = json!([row("1", "a", 20_100, &json!(0.0012)), row("2", "b", 40_501, &json!(0))]);
    for status in [200, 201, 400, 401, 402, 403, 404, 429, 500, 502, 503, 504] {
        for code in [20_000, 40_202, 40_100, 50_000] {
            assert_eq!(
                told(&judge(&reply(status, envelope_of(code, &rows)), &["a", "b", "c"])),
                "1 for $0.0012, refused 40501, in doubt",
                "{status} {code}"
            );
        }
    }
}

#[test]
fn rows_are_matched_by_tag_and_never_by_position() {
    let cost = json!(0.0012);
    let accepted = |id: &str, tag: &str| row(id, tag, 20_100, &cost);
    let untagged = json!({ "id": "9", "status_code": 20100, "cost": 0.0012, "data": [] });
    for (rows, expected) in [
        (json!([accepted("2", "b"), accepted("1", "a")]), "1 for $0.0012, 2 for $0.0012"),
        (json!([accepted("1", "a")]), "1 for $0.0012, in doubt"),
        (
            json!([untagged, accepted("2", "b")]),
            "in doubt, 2 for $0.0012, unmatched row 9 of no tag for Some(Money(1200000))",
        ),
        (
            json!([accepted("1", "a"), accepted("2", "b"), accepted("3", "x")]),
            "1 for $0.0012, 2 for $0.0012, unmatched row 3 of x for Some(Money(1200000))",
        ),
        (
            json!([accepted("1", "a"), accepted("2", "b"), row("3", "x", 40_501, &json!(0))]),
            "1 for $0.0012, 2 for $0.0012",
        ),
        (
            json!([row("3", "x", 40_101, &cost), null, 7, []]),
            "in doubt, in doubt, unmatched row 3 of x for Some(Money(1200000))",
        ),
        (json!([{ "status_code": 40100 }]), "in doubt, in doubt"),
        (json!({ "a": accepted("1", "a") }), "in doubt, in doubt"),
        (json!("gone"), "in doubt, in doubt"),
    ] {
        assert_eq!(told(&judge(&reply(200, envelope_of(20_000, &rows)), &["a", "b"])), expected, "{rows}");
    }
}

#[test]
fn numeric_fields_are_read_but_ids_are_checked() {
    for (row, expected) in [
        (json!({ "id": 12, "status_code": "20100", "cost": "0.0012", "data": { "tag": 7 } }), "12 for $0.0012"),
        (json!({ "id": "x", "status_code": 20100, "data": { "tag": 7 } }), "x for ?"),
        (json!({ "id": "x", "status_code": 20100, "cost": "dear", "data": { "tag": 7 } }), "x for ?"),
        (json!({ "id": "x", "status_code": 20100, "cost": -1, "data": { "tag": 7 } }), "x for ?"),
        (json!({ "id": "", "status_code": 20100, "cost": 0.0012, "data": { "tag": 7 } }), "in doubt"),
        (json!({ "id": "..", "status_code": 20100, "cost": 0.0012, "data": { "tag": 7 } }), "in doubt"),
        (json!({ "id": null, "status_code": 20100, "cost": 0.0012, "data": { "tag": 7 } }), "in doubt"),
        (json!({ "id": "x", "status_code": null, "cost": 0.0012, "data": { "tag": 7 } }), "in doubt"),
        (json!({ "id": "x", "status_code": 40501.5, "cost": 0, "data": { "tag": 7 } }), "in doubt"),
        (json!({ "id": "x", "status_code": -40501, "cost": 0, "data": { "tag": 7 } }), "in doubt"),
        (json!({ "id": "x", "status_code": 40501, "cost": -1, "data": { "tag": 7 } }), "in doubt"),
    ] {
        assert_eq!(told(&judge(&reply(200, envelope_of(20_000, &json!([row]))), &["7"])), expected, "{row}");
    }
}

#[test]
fn two_ids_are_two_purchases_of_one_tag() {
    let (paid, dear, none) = (json!(0.0012), json!(0.0024), json!(0));
    for (rows, expected) in [
        // One id: one purchase, at the larger cost, and bought stands.
        ([row("1", "a", 20_100, &paid), row("1", "a", 20_100, &paid)], "1 for $0.0012, in doubt"),
        ([row("1", "a", 20_100, &paid), row("1", "a", 20_100, &dear)], "1 for $0.0024, in doubt"),
        ([row("1", "a", 40_501, &none), row("1", "a", 20_100, &paid)], "1 for $0.0012, in doubt"),
        ([row("1", "a", 40_501, &none), row("1", "a", 40_505, &none)], "in doubt, in doubt"),
        ([row("1", "a", 40_501, &none), row("1", "a", 40_501, &none)], "refused 40501, in doubt"),
        // One id under two tags: only the provider's list can tell.
        ([row("1", "a", 20_100, &paid), row("1", "b", 20_100, &paid)], "in doubt, in doubt"),
        ([row("1", "a", 20_100, &paid), row("1", "x", 20_100, &paid)], "in doubt, in doubt"),
        // Two ids under one tag: duplicates.
        (
            [row("1", "a", 20_100, &paid), row("2", "a", 20_100, &dear)],
            "1 for $0.0012, in doubt, unmatched row 2 of a for Some(Money(2400000))",
        ),
        ([row("1", "a", 40_501, &none), row("2", "a", 20_100, &paid)], "2 for $0.0012, in doubt"),
        (
            [row("1", "a", 40_501, &paid), row("2", "a", 20_100, &paid)],
            "2 for $0.0012, in doubt, unmatched row 1 of a for Some(Money(1200000))",
        ),
        ([row("1", "a", 40_501, &none), row("2", "a", 50_401, &none)], "in doubt, in doubt"),
        (
            [row("1", "a", 40_101, &paid), row("2", "a", 50_401, &none)],
            "in doubt, in doubt, unmatched row 1 of a for Some(Money(1200000))",
        ),
    ] {
        let rows = json!(rows);
        assert_eq!(told(&judge(&reply(200, envelope_of(20_000, &rows)), &["a", "b"])), expected, "{rows}");
    }
}

#[test]
fn only_an_unsent_call_surely_bought_nothing() {
    assert_eq!(
        judge(&Err(Failure::NeverLeft("api.example: no such host".into())), &["a"]),
        Verdict::NotBought {
            why: Refusal {
                class: Class::Unreachable,
                code: None,
                http: None,
                message: "never left this machine: api.example: no such host".into(),
                retry_after: None,
            }
        }
    );
    assert_eq!(
        judge(&Err(Failure::NoAnswer("api.example: no reply in time".into())), &["a"]),
        Verdict::InDoubt { why: "no complete reply: api.example: no reply in time".into() }
    );
}

#[test]
fn a_refusal_carries_words_and_retry_after() {
    let outcome = Ok(Response {
        status: 429,
        date: None,
        retry_after: Some(std::time::Duration::from_secs(7)),
        rest: None,
        body: r#"{"status_code": 40202, "status_message": "slow\u001b[31m down\n"}"#.into(),
    });
    assert_eq!(
        judge(&outcome, &["a"]),
        Verdict::NotBought {
            why: Refusal {
                class: Class::Throttled,
                code: Some(40_202),
                http: Some(429),
                message: "slow[31m down".into(),
                retry_after: Some(std::time::Duration::from_secs(7)),
            }
        }
    );
    let Verdict::InDoubt { why } = judge(&reply(500, r#"{"status_code": 50000}"#), &["a"]) else { panic!() };
    assert_eq!(why, "HTTP 500, code 50000 without task rows: internal error");
}

#[test]
fn a_body_cut_anywhere_buys_nothing_and_refuses_nothing() {
    let body = envelope_of(40_202, &json!([row("1", "a", 20_100, &json!(0.0012)), row("2", "b", 40_501, &json!(0))]));
    let body = body.to_string();
    for end in 1..body.len() {
        let Some(cut) = body.get(..end) else { continue };
        for status in [200, 401, 402, 404, 429, 500] {
            assert_eq!(told(&judge(&reply(status, cut), &["a", "b"])), "in doubt", "{status} {cut}");
        }
    }
}

proptest! {
    #[test]
    fn no_body_whatever_makes_the_judge_panic(status in 100..600_u16, body: Vec<u8>) {
        let outcome = Ok(Response { status, date: None, retry_after: None, rest: None, body: body.into() });
        if let Verdict::Rows { each, .. } = judge(&outcome, &["a", "b"]) {
            prop_assert_eq!(each.len(), 2);
        }
    }

    /// Bytes of a valid body are overwritten: nobody's purchase is made up, and none is lost without a doubt.
    #[test]
    fn a_garbled_body_never_refuses_a_batch(
        edits in proptest::collection::vec((0..10_000_usize, proptest::sample::select(&b"{}[]\",:0129 -.eaxn\\\x00\xff"[..])), 1..4)
    ) {
        let rows = json!([row("17", "tag-a", 20_100, &json!(0.0012)), row("18", "tag-b", 20_100, &json!(0.0012))]);
        let mut body = envelope_of(20_000, &rows).to_string().into_bytes();
        for (at, byte) in edits {
            let at = at % body.len();
            body[at] = byte;
        }
        let outcome = Ok(Response { status: 200, date: None, retry_after: None, rest: None, body: body.into() });
        match judge(&outcome, &["tag-a", "tag-b"]) {
            Verdict::NotBought { .. } => prop_assert!(false, "a purchase must not be forgotten"),
            Verdict::InDoubt { .. } => {}
            Verdict::Rows { each, .. } => prop_assert_eq!(each.len(), 2),
        }
    }

    #[test]
    fn a_row_that_is_missing_is_never_accepted(missing in 0..4_usize) {
        let tags = ["a", "b", "c", "d"];
        let rows: Vec<Value> = (0..4).filter(|nth| *nth != missing)
            .map(|nth| row(&format!("id{nth}"), tags[nth], 20_100, &json!(0.0012))).rev().collect();
        let Verdict::Rows { each, unmatched } = judge(&reply(200, envelope_of(20_000, &json!(rows))), &tags) else { panic!() };
        prop_assert!(unmatched.is_empty());
        for (nth, fate) in each.iter().enumerate() {
            let in_doubt = matches!(fate, Fate::InDoubt { .. });
            prop_assert_eq!(in_doubt, nth == missing);
        }
    }
}
