//! The provider: one way to speak to it, several behind it.
//!
//! A [`Provider`] carries one request there and one reply back, and knows nothing of money. `wire` reads and writes
//! bodies, `codes` says what a code means, `post` what the outcome of a purchase means, and `get` that of a free
//! call.

pub mod codes;
mod echo;
mod flat;
mod gateway;
pub mod get;
pub mod http;
mod odd;
pub mod post;
mod refusal;
pub mod wire;

pub use echo::echoed_tag;
pub use flat::{Citation, FlatAnswer, flat_answer};
pub use gateway::{NO_TASK, Probed, judge_contact, judge_passed_on, judge_probe};
pub use get::{
    Fetched, ListProblem, judge_account, judge_fetch, judge_languages, judge_list, judge_locations, judge_models,
    judge_ready, live_answer,
};
pub use odd::{OddAnswer, legible_result, odd_live};
pub use post::{Fate, Through, UnmatchedRow, Verdict, judge, judge_behind_a_proxy};
pub use refusal::Refusal;
pub use wire::{AnswerFacts, Listed, PriceClass, ReadyList, UserData};

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

/// One request to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path below the base URL, beginning with `/v3/`.
    pub path: String,
    /// The body of a POST, or nothing for a GET.
    pub body: Option<Bytes>,
    /// The request buys something: exactly one try, on a fresh connection.
    pub spends: bool,
    /// How long to wait for the whole reply.
    pub timeout: Duration,
}

/// A reply that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The provider's clock, from the `Date` header: whole seconds, rounded down.
    pub date: Option<DateTime<Utc>>,
    /// From the `Retry-After` header, in seconds or as a date: how long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Nothing is left of the calls that are allowed by now, and more are only after this: a hint about the pace.
    pub rest: Option<Duration>,
    /// The body, decompressed.
    pub body: Bytes,
}

/// No whole reply: what is known about the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Name look-up, connection or TLS failed: no byte of the request left this machine.
    #[error("never left this machine: {0}")]
    NeverLeft(String),
    /// Bytes may have left, and no reply came: timeout, reset, early close.
    #[error("no complete reply: {0}")]
    NoAnswer(String),
    /// A reply began, and not all of it came: the connection or the compression ended early, or it is too large.
    #[error("no complete reply: {why}")]
    Part {
        /// What happened, and where.
        why: String,
        /// It is larger than what is read of a reply.
        is_bound: bool,
        /// What came of it.
        response: Response,
    },
}

/// The head of a reply, whether all of its body came or not.
pub fn reply_of(outcome: &Result<Response, Failure>) -> Option<&Response> {
    odd::arrived(outcome).map(|(response, _)| response)
}

/// Someone who answers requests: the provider over HTTP, or a simulated one in process.
pub trait Provider: Send + Sync + 'static {
    /// Carries the request there once and the reply back.
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send;

    /// Somebody in between was seen to answer for the provider: its pages prove nothing, as those of a proxy.
    fn is_intercepted(&self) -> bool {
        false
    }
}
