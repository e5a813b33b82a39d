//! What the outcome of a free call means: an answer fetched by id, a list, the account.
//!
//! A free call can be repeated at will, so nothing here is in doubt: what failed is tried again later. But two things
//! are final and therefore have to be certain: that a paid task has failed, and that a list is complete.

use std::fmt;
use std::time::Duration;

use super::codes::{Class, look_up};
use super::odd::{self, OddAnswer, Statement};
use super::refusal::{Refusal, presentable};
use super::wire::{
    self, AnswerFacts, Envelope, Listed, ReadyList, Row, UnreadableList, UserData, answer_facts, envelope,
    first_result, listed_rows, ready_rows, user_data,
};
use super::{Failure, Response};
use crate::catalogue::Model;
use crate::market::{Language, Location};

/// What became of asking for a task's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Here it is.
    Answer {
        /// What it says about itself.
        facts: AnswerFacts,
    },
    /// Here is something that is its answer, and not as an answer should be.
    Odd(OddAnswer),
    /// The task is not finished.
    Pending,
    /// There will be no answer.
    Failed {
        /// The provider's code.
        code: u32,
        /// The provider's words, or the table's.
        message: String,
    },
    /// The answer was kept for its time, and is gone.
    Expired,
    /// No task has this id; right after its purchase, perhaps not yet.
    NotFound,
    /// It was asked for at the wrong place, by a wrong call, or is answered by a code that says nothing of a task that was
    /// accepted. What is paid for is never given up for that.
    Wrong {
        /// The provider's code, or the HTTP status where it gave none.
        code: u32,
        /// The provider's words, or the table's.
        message: String,
    },
    /// Too many calls.
    Throttled {
        /// How long the provider asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The task is paid, and the provider keeps its answer until the account has money again.
    WaitingForMoney,
    /// Nothing can be fetched until a person does something.
    Halt(Refusal),
    /// The task's own row says that the provider stumbled: over this call, or over the task when it was handed in.
    Stumbled {
        /// Its code and its words.
        why: String,
    },
    /// Nothing was learnt; it may be tried again.
    Unreachable {
        /// Why nothing was learnt.
        why: String,
    },
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListProblem {
    /// Too many calls.
    Throttled {
        /// How long the provider asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The provider refuses until something else changes: credentials, money, the call itself. The class tells.
    Refused(Refusal),
    /// Nothing was learnt; it may be tried again.
    Unreachable {
        /// Why nothing was learnt.
        why: String,
    },
    /// A list came that may lack something.
    Unreliable {
        /// What is wrong with it.
        why: String,
    },
}

/// As a person reads it.
impl fmt::Display for ListProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled { .. } => f.write_str("too many calls"),
            Self::Refused(refusal) => match (refusal.code, refusal.http) {
                (Some(code), _) => write!(f, "the provider refuses: {} (code {code})", refusal.message),
                (None, Some(http)) => write!(f, "the provider refuses: {} (HTTP {http})", refusal.message),
                (None, None) => write!(f, "the provider refuses: {}", refusal.message),
            },
            Self::Unreachable { why } | Self::Unreliable { why } => f.write_str(why),
        }
    }
}

/// The answer that came with a Live purchase; none where the reply holds none that can be read.
pub fn live_answer(outcome: &Result<Response, Failure>) -> Option<AnswerFacts> {
    match judge_fetch(outcome, "") {
        Fetched::Answer { facts, .. } => Some(facts),
        Fetched::Odd(_)
        | Fetched::Pending
        | Fetched::Failed { .. }
        | Fetched::Expired
        | Fetched::NotFound
        | Fetched::Wrong { .. }
        | Fetched::Throttled { .. }
        | Fetched::WaitingForMoney
        | Fetched::Halt(_)
        | Fetched::Stumbled { .. }
        | Fetched::Unreachable { .. } => None,
    }
}

/// What the outcome of asking for the answer of the task with this id means.
pub fn judge_fetch(outcome: &Result<Response, Failure>, id: &str) -> Fetched {
    let (response, broken_off) = match (odd::arrived(outcome), outcome) {
        (Some(arrived), _) => arrived,
        (None, Err(failure)) => return Fetched::Unreachable { why: failure.to_string() },
        (None, Ok(_)) => return Fetched::Unreachable { why: "nothing arrived".to_owned() },
    };
    let or_odd = |why: String| {
        let told = odd::told(response, broken_off, id, |told| match told {
            Statement::Answer(answer) => Fetched::Odd(answer),
            Statement::Row(row, code) => fetched_row(response, None, row, code),
        });
        told.unwrap_or(Fetched::Unreachable { why })
    };
    if let Err(failure) = outcome {
        return or_odd(failure.to_string());
    }
    let envelope = match envelope(&response.body) {
        Ok(envelope) => envelope,
        Err(unreadable) if response.status == 200 => return or_odd(unreadable.to_string()),
        Err(_) => return fetched_nothing(response, None),
    };
    match &envelope.rows[..] {
        [row] if envelope.unreadable_rows == 0 => match row.code {
            Some(code) => match fetched_row(response, Some(&envelope), row, code) {
                // It is finished, and has no answer that can be read.
                fetched if look_up(code).class == Class::Answered && !matches!(fetched, Fetched::Answer { .. }) => {
                    let odd = or_odd(String::new());
                    if matches!(odd, Fetched::Odd(_)) { odd } else { fetched }
                }
                fetched => fetched,
            },
            None => or_odd("the reply's row has no code".to_owned()),
        },
        [] if envelope.unreadable_rows == 0 => fetched_nothing(response, Some(&envelope)),
        _ => or_odd("the reply has more than one row, or one that cannot be read".to_owned()),
    }
}

/// The task's own row speaks.
fn fetched_row(response: &Response, envelope: Option<&Envelope<'_>>, row: &Row<'_>, code: u32) -> Fetched {
    let known = look_up(code);
    let message = || row.message.as_deref().map_or_else(|| known.meaning.to_owned(), presentable);
    match known.class {
        Class::Answered => match first_result(row) {
            None | Some("null") => Fetched::Pending,
            Some(result) if result.starts_with('{') => Fetched::Answer { facts: answer_facts(row) },
            Some(_) => Fetched::Unreachable { why: "the reply's result cannot be read".to_owned() },
        },
        Class::Accepted | Class::Pending => Fetched::Pending,
        // Also what a task was refused with when it was handed in: its id may have been found in the provider's list.
        Class::PaidFailure { .. } | Class::Permanent => Fetched::Failed { code, message: message() },
        Class::Expired => Fetched::Expired,
        Class::NotFound => Fetched::NotFound,
        Class::WrongPlace | Class::BadCall | Class::NextBatch | Class::Duplicate | Class::Unlisted => {
            Fetched::Wrong { code, message: message() }
        }
        Class::Throttled => Fetched::Throttled { retry_after: response.retry_after },
        Class::NoMoney | Class::NotToday => Fetched::WaitingForMoney,
        Class::Halt => Fetched::Halt(Refusal {
            class: known.class,
            code: Some(code),
            message: message(),
            ..Refusal::read(response, envelope)
        }),
        Class::Again => Fetched::Stumbled { why: format!("code {code}: {}", message()) },
        Class::Unreachable | Class::UnknownOutcome => {
            Fetched::Unreachable { why: format!("code {code}: {}", message()) }
        }
    }
}

/// The envelope or the HTTP status speaks: of the call, never of the task.
fn fetched_nothing(response: &Response, envelope: Option<&Envelope<'_>>) -> Fetched {
    let refusal = Refusal::read(response, envelope);
    let code = refusal.code.unwrap_or_else(|| response.status.into());
    match refusal.class {
        Class::Halt => Fetched::Halt(refusal),
        Class::NoMoney | Class::NotToday => Fetched::WaitingForMoney,
        Class::Throttled => Fetched::Throttled { retry_after: refusal.retry_after },
        Class::NotFound => Fetched::NotFound,
        Class::Expired => Fetched::Expired,
        Class::Pending => Fetched::Pending,
        Class::BadCall | Class::WrongPlace | Class::Permanent => Fetched::Wrong { code, message: refusal.message },
        Class::Answered
        | Class::Accepted
        | Class::NextBatch
        | Class::Duplicate
        | Class::PaidFailure { .. }
        | Class::Again
        | Class::Unreachable
        | Class::UnknownOutcome
        | Class::Unlisted => {
            Fetched::Unreachable { why: format!("HTTP {}, code {code}: {}", response.status, refusal.message) }
        }
    }
}

/// The tasks on one page of the provider's list of all purchases: the whole page, or no page.
pub fn judge_list(outcome: &Result<Response, Failure>) -> Result<Vec<Listed>, ListProblem> {
    only_row(outcome, |row| listed_rows(row).map_err(|problem| unreliable(&problem)))
}

/// What is finished and not collected.
pub fn judge_ready(outcome: &Result<Response, Failure>) -> Result<ReadyList, ListProblem> {
    only_row(outcome, |row| Ok(ready_rows(row)))
}

/// What the account says about itself.
pub fn judge_account(outcome: &Result<Response, Failure>) -> Result<UserData, ListProblem> {
    only_row(outcome, |row| Ok(user_data(row)))
}

/// The places that an engine serves: all of them, or an error.
pub fn judge_locations(outcome: &Result<Response, Failure>) -> Result<Vec<Location>, ListProblem> {
    only_row(outcome, |row| wire::locations(row).map_err(|problem| unreliable(&problem)))
}

/// The languages that an engine can be asked in: all of them, or an error.
pub fn judge_languages(outcome: &Result<Response, Failure>) -> Result<Vec<Language>, ListProblem> {
    only_row(outcome, |row| wire::languages(row).map_err(|problem| unreliable(&problem)))
}

/// The models of an engine: all of them, or an error.
pub fn judge_models(outcome: &Result<Response, Failure>) -> Result<Vec<Model>, ListProblem> {
    only_row(outcome, |row| wire::models(row).map_err(|problem| unreliable(&problem)))
}

fn unreliable(problem: &UnreadableList) -> ListProblem {
    ListProblem::Unreliable { why: problem.to_string() }
}

/// Reads the one row that a list consists of: HTTP 200, success in the envelope, success in the row, nothing beside.
fn only_row<T>(
    outcome: &Result<Response, Failure>,
    read: impl FnOnce(&Row<'_>) -> Result<T, ListProblem>,
) -> Result<T, ListProblem> {
    let unreachable = |why: String| Err(ListProblem::Unreachable { why });
    let response = match outcome {
        Ok(response) => response,
        Err(failure) => return unreachable(failure.to_string()),
    };
    let envelope = match envelope(&response.body) {
        Ok(envelope) => envelope,
        Err(unreadable) if response.status == 200 => return unreachable(unreadable.to_string()),
        Err(_) => return Err(no_list(Refusal::read(response, None))),
    };
    let succeeded = response.status == 200 && envelope.code == Some(20_000);
    match &envelope.rows[..] {
        [row] if succeeded && row.code == Some(20_000) && envelope.unreadable_rows == 0 => read(row),
        [row] if envelope.unreadable_rows == 0 && row.code.is_some_and(|code| code != 20_000) => {
            let code = row.code.map(look_up);
            let told = row.message.as_deref().map(presentable);
            let mut refusal = Refusal::read(response, Some(&envelope));
            if let Some(code) = code {
                refusal.class = code.class;
                refusal.code = Some(code.code);
                refusal.message = told.unwrap_or_else(|| code.meaning.to_owned());
            }
            Err(no_list(refusal))
        }
        [] if !succeeded && envelope.unreadable_rows == 0 => Err(no_list(Refusal::read(response, Some(&envelope)))),
        _ => Err(ListProblem::Unreliable {
            why: format!(
                "HTTP {}, code {:?}, {} rows and {} that cannot be read",
                response.status,
                envelope.code,
                envelope.rows.len(),
                envelope.unreadable_rows
            ),
        }),
    }
}

fn no_list(refusal: Refusal) -> ListProblem {
    match refusal.class {
        Class::Throttled => ListProblem::Throttled { retry_after: refusal.retry_after },
        Class::Permanent
        | Class::BadCall
        | Class::NotToday
        | Class::NoMoney
        | Class::Halt
        | Class::WrongPlace
        | Class::Unlisted => ListProblem::Refused(refusal),
        Class::Answered
        | Class::Accepted
        | Class::Pending
        | Class::NextBatch
        | Class::Duplicate
        | Class::PaidFailure { .. }
        | Class::NotFound
        | Class::Expired
        | Class::Again
        | Class::Unreachable
        | Class::UnknownOutcome => {
            ListProblem::Unreachable { why: format!("HTTP {}: {}", refusal.http.unwrap_or_default(), refusal.message) }
        }
    }
}

#[cfg(test)]
mod tests;
