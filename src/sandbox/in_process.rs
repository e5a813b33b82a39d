//! The sandbox as a [`Provider`] without a network: for tests under tokio's paused time.
//!
//! A simulation with a clock of its own calls [`Sandbox::handle`] and [`Served::outcome`] itself.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::account::basic;
use super::{Incoming, Sandbox, Served, gateway};
use crate::provider::{Failure, Provider, Request, Response};

/// A client of a sandbox in the same process.
#[derive(Clone)]
pub struct InProcess {
    sandbox: Arc<Mutex<Sandbox>>,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    authorization: String,
    /// Calls go through the gateway.
    gateway: bool,
}

impl InProcess {
    /// A client with these credentials; it tells the sandbox the time by `now`, and waits by tokio's.
    pub fn new(
        sandbox: Arc<Mutex<Sandbox>>,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
        login: &str,
        password: &str,
    ) -> Self {
        Self { sandbox, now: Arc::new(now), authorization: basic(login, password), gateway: false }
    }

    /// A client that goes through the gateway with this key; `/v3/` in its paths stands for the gateway's own beginning.
    pub fn through_gateway(
        sandbox: Arc<Mutex<Sandbox>>,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
        key: &str,
    ) -> Self {
        Self { sandbox, now: Arc::new(now), authorization: format!("Bearer {key}"), gateway: true }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl Provider for InProcess {
    async fn call(&self, request: Request) -> Result<Response, Failure> {
        let path = match request.path.strip_prefix("/v3/") {
            Some(below) if self.gateway => format!("{}{below}", gateway::PREFIX),
            Some(_) | None => request.path,
        };
        let incoming = Incoming { path, authorization: Some(self.authorization.clone()), body: request.body };
        let served = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner).handle((self.now)(), &incoming);
        let (outcome, after) = served.outcome(request.timeout);
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        outcome
    }
}

impl Served {
    /// What a client that waits so long gets of it, and how long after its request.
    pub fn outcome(self, timeout: Duration) -> (Result<Response, Failure>, Duration) {
        let at_once = |failure| (Err(failure), Duration::ZERO);
        match self {
            Self::Reply { mut response, after, rate_limit } if after <= timeout => {
                let spent = rate_limit.filter(|rate| rate.remaining == 0).zip(response.date);
                response.rest = spent
                    .and_then(|(rate, date)| u64::try_from(rate.reset - date.timestamp()).ok())
                    .map(Duration::from_secs);
                (Ok(response), after)
            }
            Self::Reply { .. } => {
                let why = format!("timed out after {}", humantime::format_duration(timeout));
                (Err(Failure::NoAnswer(why)), timeout)
            }
            Self::Truncated { mut response, sent } => {
                let whole = response.body.len();
                response.body.truncate(sent);
                let why = format!("the body ended after {sent} of {whole} bytes");
                at_once(Failure::Part { why, is_bound: false, response })
            }
            Self::Dropped => at_once(Failure::NoAnswer("the connection was closed without a reply".to_owned())),
            Self::Refused => at_once(Failure::NeverLeft("connection refused".to_owned())),
        }
    }
}
