//! The AIsa gateway in front of the same provider: keys instead of logins, its own limits, its own errors.
//!
//! It is a customer like any other: a purchase through it belongs to its account, so its id is another account's when
//! asked for directly. An envelope passes through unchanged; any reply other than HTTP 200 becomes an error of the
//! gateway's own form. The sources, docs.aisa.one and its users' code, contradict each other in places; each of those
//! is a field of [`Gateway`].

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::account::Account;
use super::envelope::quoted;
use super::gateway_settings::Gateway;
use super::limits::AtOnce;
use super::price_classes::find;
use super::route::Route;
use super::{Incoming, Sandbox, Served};
use crate::provider::Response;

/// What stands before the provider's paths, in place of `/v3/`.
pub(super) const PREFIX: &str = "/apis/v1/dataforseo/";

/// What the gateway says about its limit beside every reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a minute.
    pub limit: u32,
    /// How many are left of them.
    pub remaining: u32,
    /// When they are back, in seconds since 1970.
    pub reset: i64,
}

/// The requests of the minute under way, and those at once.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    minute: i64,
    requests: u32,
    busy: AtOnce,
}

impl Traffic {
    /// Counts a request, or says how long to wait (in seconds).
    fn admit(&mut self, now: DateTime<Utc>, gateway: &Gateway) -> Result<(), i64> {
        let minute = now.timestamp().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.requests) = (minute, 0);
        }
        if self.requests >= gateway.requests_per_minute {
            return Err((minute + 1) * 60 - now.timestamp());
        }
        if !self.busy.has_headroom(now, gateway.at_once) {
            return Err(1);
        }
        self.requests += 1;
        Ok(())
    }

    fn rate_limit(&self, gateway: &Gateway) -> RateLimit {
        let limit = gateway.requests_per_minute;
        RateLimit { limit, remaining: limit.saturating_sub(self.requests), reset: (self.minute + 1) * 60 }
    }
}

/// The gateway's word for an HTTP status: its type, its code and a message.
fn words(status: u16) -> (&'static str, &'static str, &'static str) {
    match status {
        401 => ("authentication_error", "invalid_api_key", "The key is not known."),
        402 => ("invalid_request_error", "insufficient_balance", "The balance does not cover this request."),
        404 => ("invalid_request_error", "unknown_endpoint", "There is no such endpoint."),
        429 => ("rate_limit_error", "rate_limit_exceeded", "Too many requests."),
        400..=499 => ("invalid_request_error", "bad_request", "The request cannot be passed on."),
        _ => ("upstream_error", "upstream_unavailable", "The provider did not answer."),
    }
}

impl Gateway {
    /// Whether a path leads anywhere: the gateway's pages show it, or it is passed on all the same.
    fn passes_on(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.strip_prefix("/v3/ai_optimization/").unwrap_or_default().split('/').collect();
        let shown = find(&segments).map(|found| found.on_the_gateways_pages());
        let kind = Route::of(path).map(Route::call);
        shown.is_some_and(|shown| shown || kind.is_some_and(|kind| self.also.contains(&kind)))
    }
}

impl Sandbox {
    /// Answers a request that came through the gateway.
    pub(super) fn through_gateway(&mut self, below: &str, incoming: &Incoming) -> Served {
        let account = self.accounts.iter().position(Account::is_gateways);
        let header = incoming.authorization.as_deref().unwrap_or_default();
        let Some(account) = account.filter(|at| self.accounts[*at].lets_in(header)) else {
            return self.turned_away(401, None);
        };
        if let Err(wait_s) = self.traffic.admit(self.now, &self.settings.gateway) {
            return self.turned_away(429, Some(wait_s));
        }
        let path = format!("/v3/{below}");
        if !self.settings.gateway.passes_on(&path) {
            return self.turned_away(404, None);
        }
        let body = incoming.body.clone().map(|body| match body.trim_ascii_start().first() {
            Some(b'{') if self.settings.gateway.takes_objects => Bytes::from([b"[", &body[..], b"]"].concat()),
            _ => body,
        });
        let served = self.serve(&path, Some(account), body, true);
        self.dressed(served)
    }

    /// A reply of the provider's as the gateway hands it on.
    fn dressed(&mut self, served: Served) -> Served {
        let Served::Reply { mut response, after, .. } = served else { return served };
        let page = response.body.starts_with(b"<") && response.status != 429;
        if response.status >= 400 && !page {
            response.body = self.error_body(response.status);
        }
        let ends = self.now + TimeDelta::from_std(after).unwrap_or_default();
        self.traffic.busy.enter(ends);
        Served::Reply { response, after, rate_limit: Some(self.traffic.rate_limit(&self.settings.gateway)) }
    }

    /// A refusal of the gateway's own.
    fn turned_away(&self, status: u16, wait_s: Option<i64>) -> Served {
        let retry_after = wait_s.and_then(|wait| TimeDelta::seconds(wait).to_std().ok());
        let response =
            Response { status, date: Some(self.now), retry_after, rest: None, body: self.error_body(status) };
        let rate_limit = Some(self.traffic.rate_limit(&self.settings.gateway));
        Served::Reply { response, after: self.settings.reply_after, rate_limit }
    }

    fn error_body(&self, status: u16) -> Bytes {
        let (kind, code, message) = words(status);
        let message = quoted(message);
        let body = if self.settings.gateway.plain_errors {
            format!(r#"{{"error":"{code}","message":{message}}}"#)
        } else {
            format!(
                r#"{{"error":{{"type":"{kind}","code":"{code}","message":{message},"request_id":"req_{:08}"}}}}"#,
                self.calls
            )
        };
        Bytes::from(body)
    }
}
