//! What the outcome of a purchase means, for the batch as a whole and for each task in it.
//!
//! The rule behind every line: a task may be bought again only if it is certain that it was not bought. Whatever is
//! not certain is in doubt, and the provider's own list settles it later. Rows are matched by tag, never by position;
//! the count of errors in the envelope is ignored.

mod rows;

use serde::de::IgnoredAny;

use self::rows::judge_rows;
use super::codes::{Class, NEVER_LEFT, look_up};
use super::refusal::{Refusal, refuses};
use super::wire::{Cost, Envelope, envelope};
use super::{Failure, Response};
use crate::money::Money;
use crate::product::Route;
use crate::rule::Rule;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Surely nothing of it was bought.
    NotBought {
        /// Why not.
        why: Refusal,
    },
    /// Whether anything of it was bought is not known.
    InDoubt {
        /// Why it is not known.
        why: String,
    },
    /// The provider spoke of single tasks.
    Rows {
        /// What became of each task, in the order of the tags.
        each: Vec<Fate>,
        /// What the provider says was bought and belongs to none of them.
        unmatched: Vec<UnmatchedRow>,
    },
}

/// What became of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is bought.
    Accepted {
        /// The provider's id.
        id: String,
        /// What it was charged, where the row says so.
        cost: Option<Money>,
    },
    /// It is surely not bought.
    Refused {
        /// The provider's code.
        code: u32,
        /// What the code says.
        class: Class,
        /// The provider's own words, or the table's where it has none.
        message: String,
    },
    /// It was charged, and there will be no answer.
    PaidFailure {
        /// The provider's code.
        code: u32,
        /// The provider's id.
        id: Option<String>,
        /// The provider's own words, or the table's where it has none.
        message: String,
        /// What it was charged; more than nothing.
        cost: Money,
        /// A new purchase may succeed.
        again: bool,
    },
    /// Whether it is bought is not known.
    InDoubt {
        /// Why it is not known.
        why: String,
    },
}

/// A purchase that the provider reports and that belongs to no task of the batch: a row with another tag or none, or
/// a second purchase under one tag. It may turn out to be a task in doubt: whoever books it goes by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedRow {
    /// The provider's id. (A row without one can be booked under nothing, and is left to the provider's list.)
    pub id: String,
    /// The tag in its row.
    pub tag: Option<String>,
    /// What it was charged, where the row says so.
    pub cost: Option<Money>,
}

/// Who stands between here and the provider, and may answer in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// Only the provider's own front: a page of its that refuses has not let the request in.
    Nobody,
    /// A proxy, which may also refuse the reply to what the provider has taken.
    Proxy,
    /// A gateway, which has words of its own and has bought with the provider by the time that a page of its refuses.
    Gateway,
}

impl Through {
    /// By the way to the provider, and whether a proxy is configured.
    pub const fn of(route: Route, is_proxied: bool) -> Self {
        match (route, is_proxied) {
            (Route::Aisa, _) => Self::Gateway,
            (Route::DataForSeo | Route::Sandbox, true) => Self::Proxy,
            (Route::DataForSeo | Route::Sandbox, false) => Self::Nobody,
        }
    }
}

/// What the outcome of a purchase of the tasks with these tags means.
pub fn judge(outcome: &Result<Response, Failure>, tags: &[&str]) -> Verdict {
    judge_from(outcome, tags, true)
}

/// The same behind a proxy, which may also refuse a reply to what the provider has taken: no page of its proves that nothing
/// was bought.
pub fn judge_behind_a_proxy(outcome: &Result<Response, Failure>, tags: &[&str]) -> Verdict {
    if let Ok(Response { status: 403, body, .. }) = outcome
        && envelope(body).is_err()
    {
        let why = "HTTP 403: the page of a proxy or firewall, which may stand for the reply to what was bought";
        return unknown(Rule::ErrorIsDoubt, why.to_owned());
    }
    judge_from(outcome, tags, false)
}

/// The same; `pages`: a page that refuses says that the provider never saw the request.
pub(super) fn judge_from(outcome: &Result<Response, Failure>, tags: &[&str], pages: bool) -> Verdict {
    let response = match outcome {
        Ok(response) => response,
        Err(failure @ Failure::NeverLeft(_)) => {
            let class = look_up(NEVER_LEFT).class;
            let message = failure.to_string();
            return Verdict::NotBought { why: Refusal { class, code: None, http: None, message, retry_after: None } };
        }
        Err(failure @ (Failure::NoAnswer(_) | Failure::Part { .. })) => {
            return unknown(Rule::LostAnswerIsDoubt, failure.to_string());
        }
    };
    match envelope(&response.body) {
        Ok(envelope) if envelope.rows.is_empty() && envelope.unreadable_rows == 0 => {
            whole(response, Some(&envelope), pages)
        }
        Ok(envelope) => judge_rows(&envelope.rows, tags),
        Err(unreadable) if unreadable.begins_like_json => {
            unknown(Rule::CutBodyIsDoubt, format!("HTTP {}: {unreadable}", response.status))
        }
        // What is JSON is no page of somebody between, whatever it says.
        Err(_) => whole(response, None, pages && serde_json::from_slice::<IgnoredAny>(&response.body).is_err()),
    }
}

/// A reply without task rows.
///
/// HTTP 400, 401, 402, 403, 404, 413, 422 and 429 refuse the whole batch, and so does HTTP 200 with the code of a certain
/// refusal; all unless the envelope speaks of success, of an error of the provider's, or of a cost. What says 400, 413 or 422
/// without an envelope has not passed the request on.
fn whole(response: &Response, envelope: Option<&Envelope<'_>>, pages: bool) -> Verdict {
    let said = envelope.and_then(|envelope| envelope.code).map(look_up);
    let cost = envelope.map_or(Cost::Absent, |envelope| envelope.cost);
    let refused = match (response.status, said) {
        (401 | 402 | 403 | 404 | 429, None) => uncharged(cost, true),
        (401 | 402 | 403 | 404 | 429, Some(said)) => refuses(said.class) && uncharged(cost, true),
        (400 | 413 | 422, None) => envelope.is_none() && pages,
        (200 | 400 | 413 | 422, Some(said)) => refuses(said.class) && uncharged(cost, said.never_charged),
        _ => false,
    };
    if refused {
        let is_page = envelope.is_none() && pages && matches!(response.status, 400 | 403 | 413 | 422);
        let why = if is_page { Refusal::of_a_page(response) } else { Refusal::read(response, envelope) };
        return Verdict::NotBought { why };
    }
    if envelope.is_none() {
        return unknown(Rule::ErrorIsDoubt, format!("HTTP {}: the reply is not an envelope", response.status));
    }
    let Refusal { code, message, .. } = Refusal::read(response, envelope);
    let code = code.map_or_else(String::new, |code| format!(", code {code}"));
    unknown(Rule::ErrorIsDoubt, format!("HTTP {}{code} without task rows: {message}", response.status))
}

/// Whether anything was bought is not known, by this rule.
pub(super) fn unknown(rule: Rule, why: String) -> Verdict {
    if rule.is_kept() {
        return Verdict::InDoubt { why };
    }
    let class = look_up(NEVER_LEFT).class;
    Verdict::NotBought { why: Refusal { class, code: None, http: None, message: why, retry_after: None } }
}

/// Nothing was charged: the cost says so, or none is named where none can be.
fn uncharged(cost: Cost, never_charged: bool) -> bool {
    match cost {
        Cost::Is(cost) => cost.is_zero(),
        Cost::Absent => never_charged,
        Cost::Odd => false,
    }
}

#[cfg(test)]
mod tests;
