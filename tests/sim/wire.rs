//! The way to the provider and back: requests and replies in flight, by the time of their arrival.
//!
//! When a process dies, the replies to it are lost. What it has sent still arrives.

use std::collections::BTreeMap;
use std::time::Duration;

use bursar::engine::{Call, TimedReply};
use bursar::provider::{Failure, Response};
use bursar::sandbox::{Incoming, Sandbox};
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::journal::{Journal, Struck};

/// What makes the way worse than the provider is.
#[derive(Clone, Debug, Default)]
pub struct Road {
    /// The longest that a request or a reply is under way.
    pub slow: Duration,
    /// Until then, each question for the balance is answered without it by this chance.
    pub balance_withheld: f64,
    /// Until then, each purchase arrives twice by this chance. No client can prevent that.
    pub duplicates: f64,
    /// No trouble from then on.
    pub until: DateTime<Utc>,
    /// It leads through the gateway.
    pub gateway: bool,
}

#[derive(Debug)]
enum Coming {
    Request {
        incoming: Incoming,
        timeout: Duration,
        spends: bool,
        sent: DateTime<Utc>,
        call: Option<Call>,
        duplicate: bool,
    },
    Reply {
        call: Call,
        outcome: Result<Response, Failure>,
    },
}

/// The provider and all that is under way.
#[derive(Debug)]
pub struct Wire {
    pub sandbox: Sandbox,
    pub road: Road,
    /// Tags of purchases that arrived more often than they were sent, and how much more often.
    pub duplicates: BTreeMap<String, u64>,
    coming: BTreeMap<(DateTime<Utc>, u64), Coming>,
    number: u64,
    rng: fastrand::Rng,
}

impl Wire {
    pub fn new(sandbox: Sandbox, road: Road, seed: u64) -> Self {
        let duplicates = BTreeMap::new();
        Self { sandbox, road, duplicates, coming: BTreeMap::new(), number: 0, rng: fastrand::Rng::with_seed(seed) }
    }

    fn put(&mut self, at: DateTime<Utc>, what: Coming) {
        self.number += 1;
        self.coming.insert((at, self.number), what);
    }

    /// Half of the slowest way at most, in one direction.
    fn way(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(0..=u64::try_from(self.road.slow.as_millis() / 2).unwrap()))
    }

    /// A process sends a request.
    pub fn send(&mut self, now: DateTime<Utc>, mut call: Call, journal: &mut Journal, struck: &mut Struck) {
        let request = call.request().expect("the folder outside the ledger is whole");
        journal.line(now, format_args!("-> {}", request.path));
        let (path, authorization) = if self.road.gateway {
            (request.path.replacen("/v3/", "/apis/v1/dataforseo/", 1), "Bearer sandbox-key".to_owned())
        } else {
            (request.path, format!("Basic {}", data_encoding::BASE64.encode(b"sandbox:sandbox")))
        };
        let incoming = Incoming { path, authorization: Some(authorization), body: request.body };
        let duplicate = request.spends && now < self.road.until && self.rng.f64() < self.road.duplicates;
        let at = now + self.way();
        if duplicate {
            struck.note("a purchase arrives twice");
            for tag in tags(incoming.body.as_deref().unwrap_or_default()) {
                *self.duplicates.entry(tag).or_default() += 1;
            }
            let (incoming, timeout) = (incoming.clone(), request.timeout);
            let later = at + Duration::from_secs(1);
            self.put(later, Coming::Request { incoming, timeout, spends: true, sent: now, call: None, duplicate });
        }
        let (timeout, spends) = (request.timeout, request.spends);
        self.put(at, Coming::Request { incoming, timeout, spends, sent: now, call: Some(call), duplicate: false });
    }

    /// When something arrives next.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.coming.keys().next().map(|(at, _)| *at)
    }

    /// Everything that arrives until `now`; the replies that arrived, at most so many.
    pub fn arrive(
        &mut self,
        now: DateTime<Utc>,
        most: usize,
        journal: &mut Journal,
        struck: &mut Struck,
    ) -> Vec<TimedReply> {
        let mut heard = Vec::new();
        while heard.len() < most
            && let Some(first) = self.coming.first_entry().filter(|first| first.key().0 <= now)
        {
            let (key, coming) = first.remove_entry();
            match coming {
                Coming::Reply { call, outcome } => {
                    match &outcome {
                        Ok(reply) => {
                            journal.line(now, format_args!("<- {} of {} bytes", reply.status, reply.body.len()));
                        }
                        Err(failure) => journal.line(now, format_args!("<- {failure}")),
                    }
                    heard.push(call.heard(&outcome));
                }
                Coming::Request { incoming, timeout, spends, sent, call, duplicate } => {
                    // A machine that slept does not send earlier than it woke.
                    let at = key.0.max(sent);
                    let served = self.sandbox.handle(at, &incoming);
                    let (mut outcome, took) = served.outcome(timeout);
                    if call.is_none() {
                        journal.line(
                            at,
                            format_args!("arrived without its sender: {} {duplicate} {spends}", incoming.path),
                        );
                        continue;
                    }
                    if incoming.path.ends_with("/user_data") && at < self.road.until {
                        self.withhold(&mut outcome, struck);
                    }
                    let mut due = at + took + self.way();
                    if due > sent + timeout {
                        due = sent + timeout;
                        outcome = Err(Failure::NoAnswer("timed out".to_owned()));
                    }
                    if let Some(call) = call {
                        self.put(due.max(now), Coming::Reply { call, outcome });
                    }
                }
            }
        }
        heard
    }

    fn withhold(&mut self, outcome: &mut Result<Response, Failure>, struck: &mut Struck) {
        if let Ok(reply) = outcome
            && self.rng.f64() < self.road.balance_withheld
        {
            struck.note("balance withheld");
            let text = String::from_utf8_lossy(&reply.body).replace("\"balance\":", "\"balance_of\":");
            reply.body = Bytes::from(text);
        }
    }

    /// The machine slept until `now`: some connections did not survive it.
    pub fn slept(&mut self, now: DateTime<Utc>) {
        let due: Vec<_> = self.coming.range(..(now, 0)).map(|(key, _)| *key).collect();
        for key in due {
            if let Some(Coming::Reply { outcome, .. }) = self.coming.get_mut(&key)
                && self.rng.bool()
            {
                *outcome = Err(Failure::NoAnswer("connection reset".to_owned()));
            }
        }
    }

    /// The process at this end is gone.
    pub fn hang_up(&mut self) {
        self.coming.retain(|_, coming| matches!(coming, Coming::Request { .. }));
        for coming in self.coming.values_mut() {
            if let Coming::Request { call, .. } = coming {
                *call = None;
            }
        }
    }
}

/// The tags of a purchase's tasks.
fn tags(body: &[u8]) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let tasks = body.as_array().into_iter().flatten();
    tasks.filter_map(|task| task["tag"].as_str().map(str::to_owned)).collect()
}
