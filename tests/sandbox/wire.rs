//! The provider as a client meets it: in process, and over real HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::provider::{Failure, Provider as _, Request};
use bursar::sandbox::{Call, Fault, Gateway, InProcess, Rule, Sandbox, Settings, serve};
use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::world::{POST, READY, settings, start, tasks, with_faults};

fn in_process(settings: Settings) -> (InProcess, Arc<Mutex<Sandbox>>) {
    let sandbox = Arc::new(Mutex::new(Sandbox::new(settings)));
    let begin = tokio::time::Instant::now();
    let now = move || start() + TimeDelta::from_std(begin.elapsed()).unwrap();
    (InProcess::new(Arc::clone(&sandbox), now, "sandbox", "sandbox"), sandbox)
}

fn request(path: &str, body: Option<&Value>) -> Request {
    Request {
        path: path.to_owned(),
        body: body.map(|body| Bytes::from(body.to_string())),
        spends: body.is_some(),
        timeout: Duration::from_mins(1),
    }
}

#[tokio::test(start_paused = true)]
async fn in_process_failures_look_like_network_failures() {
    let (provider, sandbox) = in_process(with_faults(vec![
        Rule::nth(Fault::RefuseBefore, Call::TaskPost, 1),
        Rule::nth(Fault::AnswerLate { after: Duration::from_mins(10) }, Call::TaskPost, 2),
        Rule::nth(Fault::Truncate, Call::TaskPost, 3),
        Rule::nth(Fault::DropAfter, Call::TaskPost, 4),
        Rule::nth(Fault::AnswerLate { after: Duration::from_secs(20) }, Call::TaskPost, 5),
    ]));
    let begin = tokio::time::Instant::now();
    let posted = request(POST, Some(&tasks(1)));
    assert!(matches!(provider.call(posted.clone()).await, Err(Failure::NeverLeft(_))));
    assert!(matches!(provider.call(posted.clone()).await, Err(Failure::NoAnswer(_))));
    assert_eq!(begin.elapsed(), Duration::from_mins(1));
    assert!(matches!(provider.call(posted.clone()).await, Err(Failure::Part { .. })));
    assert!(matches!(provider.call(posted.clone()).await, Err(Failure::NoAnswer(_))));
    assert_eq!(provider.call(posted).await.unwrap().status, 200);
    assert_eq!(begin.elapsed(), Duration::from_secs(80));
    assert_eq!(sandbox.lock().unwrap().bill().tasks, 4);
}

/// A served sandbox and its base URL.
async fn served(settings: Settings) -> (String, Arc<Mutex<Sandbox>>, CancellationToken) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Arc::new(Mutex::new(Sandbox::new(settings)));
    let stop = CancellationToken::new();
    let begin = tokio::time::Instant::now();
    let now = move || start() + TimeDelta::from_std(begin.elapsed()).unwrap();
    tokio::spawn(serve(listener, Arc::clone(&sandbox), now, stop.clone()));
    (base, sandbox, stop)
}

#[tokio::test]
async fn a_batch_over_http_is_on_the_bill() {
    let (base, sandbox, stop) = served(settings()).await;
    let client = reqwest::Client::new();
    let post = client.post(format!("{base}{POST}")).basic_auth("sandbox", Some("sandbox")).body(tasks(100).to_string());
    let reply = post.send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert!(reply.headers()["date"].to_str().unwrap().starts_with("Sun, 22 Nov 2026 15:30:"));
    let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
    assert_eq!(body["tasks_count"], 100);
    let refused = client.get(format!("{base}{READY}")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key("www-authenticate"));
    let lines = client.get(format!("{base}/sandbox/bill/tasks")).send().await.unwrap().text().await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 100);
    let id = body["tasks"][0]["id"].clone();
    assert_eq!(
        lines[0],
        json!({
            "id": id, "tag": "t0", "keyword": "which crm for small firms", "location_code": 2276, "language_code": "de",
            "engine": "chat_gpt", "endpoint": "llm_scraper/task_post", "priority": "normal", "cost_nano_usd": 1_200_000,
            "settled": true, "posted_at": lines[0]["posted_at"],
        })
    );
    let bill = client.get(format!("{base}/sandbox/bill")).send().await.unwrap().text().await.unwrap();
    assert!(bill.starts_with(r#"{"total_nano_usd":120000000,"tasks":100,"tags_charged_twice":0"#), "{bill}");
    assert_eq!(sandbox.lock().unwrap().billed().nanos(), 120_000_000);
    stop.cancel();
}

#[tokio::test]
async fn over_http_connections_are_dropped_cut_and_throttled() {
    let (base, sandbox, stop) = served(with_faults(vec![
        Rule::nth(Fault::DropBefore, Call::TaskPost, 1),
        Rule::nth(Fault::DropAfter, Call::TaskPost, 2),
        Rule::nth(Fault::Truncate, Call::TaskPost, 3),
        Rule::nth(Fault::Throttle429 { after: Duration::from_secs(7) }, Call::TaskPost, 4),
        Rule::nth(Fault::AnswerLate { after: Duration::from_mins(10) }, Call::TaskPost, 5),
    ]))
    .await;
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let post = || {
        let post = client.post(format!("{base}{POST}")).basic_auth("sandbox", Some("sandbox"));
        post.timeout(Duration::from_millis(500)).body(tasks(20).to_string()).send()
    };
    assert!(!post().await.unwrap_err().is_timeout());
    assert!(!post().await.unwrap_err().is_timeout());
    let cut = post().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());
    let throttled = post().await.unwrap();
    assert_eq!((throttled.status().as_u16(), &throttled.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert!(throttled.text().await.unwrap().starts_with("<html>"));
    assert!(post().await.unwrap_err().is_timeout());
    assert_eq!(sandbox.lock().unwrap().bill().tasks, 60);
    stop.cancel();
}

#[tokio::test]
async fn the_http_gateway_names_its_limit_in_headers() {
    let (base, _, stop) =
        served(Settings { gateway: Gateway { requests_per_minute: 1, ..Gateway::default() }, ..settings() }).await;
    let client = reqwest::Client::new();
    let ask = |key: &str| {
        let path = format!("{base}/apis/v1/dataforseo/ai_optimization/gemini/llm_scraper/locations");
        client.get(path).bearer_auth(key).send()
    };
    let refused = ask("nobody").await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers().get("www-authenticate")), (401, None));
    let told = |reply: &reqwest::Response, name: &str| {
        let name = format!("x-ratelimit-{name}-requests");
        reply.headers()[name].to_str().unwrap().parse::<i64>().unwrap()
    };
    let passed = ask("sandbox-key").await.unwrap();
    assert_eq!((passed.status().as_u16(), told(&passed, "limit"), told(&passed, "remaining")), (200, 1, 0));
    assert_eq!(told(&passed, "reset"), start().timestamp() + 60);
    let throttled = ask("sandbox-key").await.unwrap();
    assert_eq!(throttled.status(), 429);
    let wait: u64 = throttled.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    stop.cancel();
}
