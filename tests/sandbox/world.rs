//! A simulated provider in virtual time, and the requests to it.

use std::time::Duration;

use bursar::sandbox::{Incoming, Rule, Sandbox, Served, Settings, Spread};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// `sandbox:sandbox`.
pub(super) const AUTH: &str = "Basic c2FuZGJveDpzYW5kYm94";
/// `other:secret`.
pub(super) const OTHER: &str = "Basic b3RoZXI6c2VjcmV0";
pub(super) const POST: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/task_post";
pub(super) const READY: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/tasks_ready";
pub(super) const GET: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/advanced";
pub(super) const HTML: &str = "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/html";
pub(super) const LIST: &str = "/v3/ai_optimization/id_list";
pub(super) const USER: &str = "/v3/appendix/user_data";

/// A sandbox and the time, which only moves when it is told to.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) now: DateTime<Utc>,
}

/// A reply that arrived whole.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) date: DateTime<Utc>,
    pub(super) text: String,
    pub(super) body: Value,
}

impl Got {
    pub(super) fn codes(&self) -> Vec<u64> {
        self.rows().iter().map(|row| row["status_code"].as_u64().unwrap()).collect()
    }

    pub(super) fn code(&self) -> u64 {
        self.body["status_code"].as_u64().unwrap()
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        self.body["tasks"].as_array().cloned().unwrap_or_default()
    }

    pub(super) fn results(&self) -> Vec<Value> {
        self.body["tasks"][0]["result"].as_array().cloned().unwrap_or_default()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn result_ids(&self) -> Vec<String> {
        self.results().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn result_tags(&self) -> Vec<String> {
        self.results().iter().map(|row| row["metadata"]["tag"].as_str().unwrap().to_owned()).collect()
    }
}

pub(super) fn start() -> DateTime<Utc> {
    "2026-11-22T15:30:00Z".parse().unwrap()
}

/// Provider-like, but with a turnaround and lags that tests can count on.
pub(super) fn settings() -> Settings {
    let fixed = |minutes| Spread { min: Duration::from_mins(minutes), max: Duration::from_mins(minutes) };
    Settings {
        turnaround_normal: fixed(10),
        turnaround_high: fixed(2),
        turnaround_responses: fixed(10),
        ..Settings::default()
    }
}

pub(super) fn with_faults(rules: Vec<Rule>) -> Settings {
    Settings { faults: rules.into(), ..settings() }
}

pub(super) fn task(tag: &str) -> Value {
    json!({"keyword": "which crm for small firms", "location_code": 2276, "language_code": "de", "tag": tag})
}

pub(super) fn tasks(count: usize) -> Value {
    (0..count).map(|at| task(&format!("t{at}"))).collect()
}

pub(super) fn as_reply(served: Served) -> Got {
    match served {
        Served::Reply { response, .. } => {
            let text = String::from_utf8(response.body.to_vec()).unwrap();
            let body = serde_json::from_str(&text).unwrap_or(Value::Null);
            Got { status: response.status, date: response.date.unwrap(), text, body }
        }
        other @ (Served::Truncated { .. } | Served::Dropped | Served::Refused) => panic!("no reply but {other:?}"),
    }
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        Self { sandbox: Sandbox::new(settings), now: start() }
    }

    pub(super) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    pub(super) fn served(&mut self, authorization: &str, path: &str, body: Option<&str>) -> Served {
        let incoming = Incoming {
            path: path.to_owned(),
            authorization: Some(authorization.to_owned()),
            body: body.map(|body| Bytes::from(body.to_owned())),
        };
        self.sandbox.handle(self.now, &incoming)
    }

    pub(super) fn get(&mut self, path: &str) -> Got {
        as_reply(self.served(AUTH, path, None))
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Got {
        as_reply(self.served(AUTH, path, Some(&body.to_string())))
    }

    /// Posts one task and says its id.
    pub(super) fn bought(&mut self, tag: &str) -> String {
        let got = self.post(POST, &json!([task(tag)]));
        assert_eq!(got.codes(), [20_100], "{}", got.text);
        got.ids().remove(0)
    }

    pub(super) fn list(&mut self, from: &str, to: &str) -> Got {
        let asked = json!([{"datetime_from": from, "datetime_to": to, "include_metadata": true}]);
        self.post(LIST, &asked)
    }

    /// Everything listed until a second ago.
    pub(super) fn list_all(&mut self) -> Got {
        let to = (self.now - TimeDelta::seconds(1)).format("%Y-%m-%d %H:%M:%S +00:00").to_string();
        self.list("2026-11-22 15:00:00 +00:00", &to)
    }

    pub(super) fn charged(&self) -> i64 {
        let bill = self.sandbox.bill();
        assert_eq!(bill.total, self.sandbox.billed(), "the running total is the sum of the bill");
        bill.total.nanos()
    }
}
