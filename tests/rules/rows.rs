//! The provider's replies, changed on their way.

use std::sync::{Arc, Mutex};

use bursar::clock::Clock;
use bursar::provider::{Failure, Request, Response};
use bursar::sandbox::{Incoming, Sandbox, Served};
use serde_json::Value;

pub(crate) type Outcome = Result<Response, Failure>;

/// The reply with its JSON changed.
pub(crate) fn changed(outcome: Outcome, change: impl FnOnce(&mut Value)) -> Outcome {
    let mut response = outcome?;
    let mut body = serde_json::from_slice(&response.body).unwrap();
    change(&mut body);
    response.body = body.to_string().into();
    Ok(response)
}

/// The list in a reply with its rows changed, and counted anew.
pub(crate) fn relisted(outcome: Outcome, change: impl FnOnce(&mut Vec<Value>)) -> Outcome {
    changed(outcome, |body| {
        let Some(task) = body["tasks"].get_mut(0) else { return };
        let mut rows = task["result"].as_array().cloned().unwrap_or_default();
        change(&mut rows);
        task["result_count"] = rows.len().into();
        task["result"] = if rows.is_empty() { Value::Null } else { rows.into() };
    })
}

/// The tags of the tasks in a purchase.
pub(crate) fn tags(request: &Request) -> Vec<String> {
    let tasks: Vec<Value> = serde_json::from_slice(request.body.as_deref().unwrap_or(b"[]")).unwrap();
    tasks.iter().map(|task| task["tag"].as_str().unwrap().to_owned()).collect()
}

/// Buys the same once more, as a proxy does that sends a request again.
pub(crate) fn again(sandbox: &Arc<Mutex<Sandbox>>, clock: Clock, request: &Request) -> Response {
    let authorization = Some("Basic c2FuZGJveDpzYW5kYm94".to_owned());
    let incoming = Incoming { path: request.path.clone(), authorization, body: request.body.clone() };
    match sandbox.lock().unwrap().handle(clock.now().wall, &incoming) {
        Served::Reply { response, .. } => response,
        other @ (Served::Truncated { .. } | Served::Dropped | Served::Refused) => panic!("no reply but {other:?}"),
    }
}
