//! What the gateway's own words mean, status by status, and that an envelope is judged as usual.

use super::*;

const TAGS: &[&str] = &["b1.a"];

#[expect(clippy::unnecessary_wraps, reason = "it stands for the outcome of a call")]
fn reply(status: u16, body: &str) -> Result<Response, Failure> {
    Ok(Response { status, date: None, retry_after: None, rest: None, body: body.to_owned().into() })
}

fn error(kind: &str, code: &str) -> String {
    format!(r#"{{"error":{{"type":"{kind}","code":"{code}","message":"Its words.","request_id":"r"}}}}"#)
}

#[test]
fn only_the_gateways_own_refusals_are_certain() {
    for (status, kind, code, class) in [
        (400, "invalid_request_error", "bad_request", Class::BadCall),
        (401, "authentication_error", "invalid_api_key", Class::Halt),
        (402, "invalid_request_error", "insufficient_balance", Class::NoMoney),
        (403, "permission_error", "forbidden", Class::Halt),
        (404, "invalid_request_error", "unknown_endpoint", Class::BadCall),
        (422, "invalid_request_error", "invalid_parameter", Class::BadCall),
        (429, "rate_limit_error", "rate_limit_exceeded", Class::Throttled),
    ] {
        let plain = format!(r#"{{"error":"{code}","message":"Its words."}}"#);
        for body in [error(kind, code), plain] {
            let Verdict::NotBought { why } = judge_passed_on(&reply(status, &body), TAGS) else {
                panic!("{status} {body}")
            };
            assert_eq!((why.class, why.http, why.message.as_str()), (class, Some(status), "Its words."), "{body}");
        }
    }
    for (status, body) in [
        (502, error("upstream_error", "upstream_unavailable")),
        (503, error("server_error", "overloaded")),
        (500, r#"{"error":"oops","message":"Its words."}"#.to_owned()),
        (404, error("upstream_error", "not_found")),
        (402, error("invalid_request_error", "upstream_refused")),
        (429, r#"{"error":"upstream_error","message":"Its words."}"#.to_owned()),
        (200, error("invalid_request_error", "bad_request")),
        (418, error("invalid_request_error", "bad_request")),
    ] {
        let Verdict::InDoubt { why } = judge_passed_on(&reply(status, &body), TAGS) else { panic!("{status} {body}") };
        assert!(why.starts_with(&format!("HTTP {status}")) && why.ends_with("Its words."), "{why}");
    }
    assert!(matches!(judge_passed_on(&Err(Failure::NoAnswer(String::new())), TAGS), Verdict::InDoubt { .. }));
}

#[test]
fn a_gateway_error_beside_a_cost_refuses_nothing() {
    for body in [
        r#"{"error":{"type":"x"},"tasks":[{"id":"i1","status_code":20100,"cost":0.1,"data":{"tag":"b1.a"}}]}"#,
        r#"{"error":{"type":"x"},"status_code":20000}"#,
        r#"{"error":{"type":"x"},"cost":0.0102}"#,
        r#"{"error":{"type":"x"}"#,
        "{}",
        "<html>",
    ] {
        let verdict = judge_passed_on(&reply(400, body), TAGS);
        assert!(!matches!(verdict, Verdict::NotBought { .. }), "{body}: {verdict:?}");
    }
}

#[test]
fn an_endpoint_is_open_if_the_provider_replies() {
    let row = |code: u32| format!(r#"{{"status_code":20000,"tasks":[{{"id":"i","status_code":{code}}}]}}"#);
    for (status, body) in [(200, row(40_401)), (404, row(40_401)), (200, row(40_001)), (200, row(40_602))] {
        assert_eq!(judge_probe(&reply(status, &body)), Probed::Open, "{body}");
    }
    let shut = "Its words. (HTTP 404)".to_owned();
    let unknown = error("invalid_request_error", "unknown_endpoint");
    assert_eq!(judge_probe(&reply(404, &unknown)), Probed::Shut(shut));
    for (status, body) in [(200, row(40_400)), (404, "<html>".to_owned()), (405, "{}".to_owned())] {
        assert!(matches!(judge_probe(&reply(status, &body)), Probed::Shut(_)), "{status} {body}");
    }
    for (status, class) in
        [(401, Class::Halt), (402, Class::NoMoney), (403, Class::Halt), (429, Class::Throttled), (502, Class::Again)]
    {
        let probed = judge_probe(&reply(status, &error("x", "y")));
        assert!(matches!(&probed, Probed::Refused(why) if why.class == class), "{status}: {probed:?}");
    }
    let none = judge_probe(&Err(Failure::NoAnswer(String::new())));
    assert!(matches!(&none, Probed::Refused(why) if why.class == Class::Unreachable), "{none:?}");
}

#[test]
fn any_reply_but_a_refused_key_is_contact() {
    for status in [200, 404, 429, 502] {
        assert_eq!(judge_contact(&reply(status, "")), Ok(()));
    }
    for status in [401, 403] {
        assert_eq!(judge_contact(&reply(status, &error("x", "y"))).unwrap_err().class, Class::Halt);
    }
    assert_eq!(judge_contact(&Err(Failure::NeverLeft(String::new()))).unwrap_err().class, Class::Unreachable);
}
