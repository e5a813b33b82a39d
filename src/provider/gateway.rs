//! What the AIsa gateway says itself, before any envelope of the provider.
//!
//! It speaks in two layers. An envelope of the provider passes through unchanged and is judged like any other. An
//! error of its own is `{"error": {"type", "code", "message"}}`, or `error` as a text beside a `message`. For a
//! purchase, that error may say that the provider behind it failed (`upstream_error`): the outcome is then unknown,
//! whatever the status.

use super::codes::{Class, look_up};
use super::post::{Verdict, judge_from, unknown};
use super::refusal::{Refusal, presentable};
use super::wire::{Cost, GatewayError, envelope, gateway_error};
use super::{Failure, Response};
use crate::rule::Rule;

/// What stands in the id of no task: asking for it shows whether answers can be asked for.
pub const NO_TASK: &str = "00000000-0000-0000-0000-000000000000";

/// What the outcome of a purchase through the gateway means.
pub fn judge_passed_on(outcome: &Result<Response, Failure>, tags: &[&str]) -> Verdict {
    let own = outcome.as_ref().ok().and_then(|response| own_word(response, &gateway_error(&response.body)?));
    // What stands behind it may have been sold by the time that a page of its own refuses.
    own.unwrap_or_else(|| judge_from(outcome, tags, false))
}

/// What an error of the gateway's own means, where it means something else than the provider's would.
fn own_word(response: &Response, error: &GatewayError<'_>) -> Option<Verdict> {
    let envelope = envelope(&response.body).ok()?;
    let bare = envelope.rows.is_empty() && envelope.unreadable_rows == 0 && envelope.code.is_none();
    let why = || Refusal::read(response, Some(&envelope)).message;
    match response.status {
        // The provider behind it failed, perhaps after it had charged.
        _ if bare && error.is_upstreams() => Some(unknown(
            Rule::ErrorIsDoubt,
            format!("HTTP {}, {}: {}", response.status, presentable(error.name()), why()),
        )),
        // The call is wrong, and was not passed on.
        400 | 422 if bare && envelope.cost == Cost::Absent => Some(Verdict::NotBought {
            why: Refusal {
                class: Class::BadCall,
                code: None,
                http: Some(response.status),
                message: why(),
                retry_after: response.retry_after,
            },
        }),
        _ => None,
    }
}

/// Whether answers of an endpoint can be asked for, by what the question for one that is none was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// They can: the provider spoke.
    Open,
    /// They cannot, for this reason.
    Shut(String),
    /// Nothing can be learnt until a person does something, or by now; the class tells.
    Refused(Refusal),
}

/// What the outcome of a question for the answer of [`NO_TASK`] means.
pub fn judge_probe(outcome: &Result<Response, Failure>) -> Probed {
    let response = match outcome {
        Ok(response) => response,
        Err(failure) => return Probed::Refused(unreachable(failure)),
    };
    let envelope = envelope(&response.body).ok();
    let told = envelope.as_ref().and_then(|envelope| {
        let row = envelope.rows.first();
        row.and_then(|row| Some((row.code?, row.message.as_deref()))).or(Some((envelope.code?, None)))
    });
    let refusal = Refusal::read(response, envelope.as_ref());
    let shut = |message: &str| Probed::Shut(format!("{message} (HTTP {})", response.status));
    match told.map(|(code, message)| (look_up(code), message)) {
        Some((known, message)) => {
            let message = message.map_or_else(|| refusal.message.clone(), presentable);
            match known.class {
                Class::BadCall => shut(&message),
                Class::Halt | Class::Throttled | Class::Again | Class::Unreachable | Class::UnknownOutcome => {
                    Probed::Refused(Refusal { class: known.class, code: Some(known.code), message, ..refusal })
                }
                Class::Answered
                | Class::Accepted
                | Class::Pending
                | Class::Permanent
                | Class::NextBatch
                | Class::NotToday
                | Class::Duplicate
                | Class::NoMoney
                | Class::PaidFailure { .. }
                | Class::NotFound
                | Class::Expired
                | Class::WrongPlace
                | Class::Unlisted => Probed::Open,
            }
        }
        None if (400..500).contains(&response.status) && !matches!(response.status, 401 | 402 | 403 | 429) => {
            shut(&refusal.message)
        }
        None => Probed::Refused(refusal),
    }
}

/// What any reply at all shows: the provider is there. Only a key that is not let in is no contact.
pub fn judge_contact(outcome: &Result<Response, Failure>) -> Result<(), Refusal> {
    match outcome {
        Ok(response) if matches!(response.status, 401 | 403) => {
            Err(Refusal::read(response, envelope(&response.body).ok().as_ref()))
        }
        Ok(_) => Ok(()),
        Err(failure) => Err(unreachable(failure)),
    }
}

fn unreachable(failure: &Failure) -> Refusal {
    let message = failure.to_string();
    Refusal { class: Class::Unreachable, code: None, http: None, message, retry_after: None }
}

#[cfg(test)]
mod tests;
