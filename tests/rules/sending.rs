//! The send: written through to the disk first, made once, and never faster than the provider allows.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::ledger::{Kind, Ledger};
use bursar::provider::http::Http;
use bursar::provider::{Provider, Request};
use bursar::sandbox::{Call, Settings};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::world::{Death, World};
use super::{job, named, settings};

/// That the disk keeps what it is told to keep is for a simulated power cut to show; this shows that it is told.
#[test]
pub(crate) fn every_commit_of_a_ledger_is_synced() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut db = Connection::open_in_memory().unwrap();
    let hears = Arc::clone(&told);
    let hook = move |asks: AuthContext<'_>| {
        if let AuthAction::Pragma { pragma_name, pragma_value: Some(value) } = asks.action {
            hears.lock().unwrap().push((pragma_name.to_lowercase(), value.to_uppercase()));
        }
        Authorization::Allow
    };
    db.authorizer(Some(hook)).unwrap();
    Ledger::from_connection(db, Path::new("bursar.db"), Kind::Sandbox, 0).unwrap();
    let told = told.lock().unwrap();
    let last = |name: &str| told.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(["journal_mode", "synchronous", "fullfsync"].map(last), [Some("WAL"), Some("FULL"), Some("ON")]);
}

#[tokio::test]
pub(crate) async fn a_redirected_purchase_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(0));
    let counts = Arc::clone(&requests);
    let peer = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"[]") && stream.read_buf(&mut bytes).await.unwrap() > 0 {}
            *counts.lock().unwrap() += 1;
            let reply = "HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    let http = Http::new(&url, &"login".to_owned().into(), &"password".to_owned().into()).unwrap();
    let path = "/v3/x/task_post".to_owned();
    let purchase = Request { path, body: Some("[]".into()), spends: true, timeout: Duration::from_secs(20) };
    let status = http.call(purchase).await.map(|response| response.status);
    peer.abort();
    assert_eq!((*requests.lock().unwrap(), status), (1, Ok(307)));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn successive_sessions_keep_the_calls_a_minute() {
    let limit = 20;
    let mut world = World::new(Settings { calls_per_minute: u32::MAX, ..settings(vec![]) });
    world.account.limits.calls_per_minute = limit;
    for _ in 0..40 {
        world.live(&job(1), Death { before_call: 0, after_call: 1 }).await;
    }
    let peak = world.sandbox.lock().unwrap().peak_per_minute(None);
    assert!(peak <= limit as usize, "{peak} calls in a minute, and {limit} are allowed");
}

#[tokio::test(start_paused = true)]
async fn the_engine_reads_the_prompt_as_asked() {
    let (asked, places) = ("100% C++", "locations = [\"United States\"]\nlanguages = [\"English\"]\n");
    let scraper = job(1).replace("question 1 of rules?", asked);
    let model = |method: &str| {
        let target = format!("function = \"llm_responses\"\nmodel = \"gpt-4.1-mini\"\nmethod = \"{method}\"\n");
        scraper.replace(places, &target)
    };
    for decoded in [false, true] {
        for job in [&scraper, &model("standard"), &model("live")] {
            let mut settings = settings(vec![]);
            settings.switches.decode_user_prompt = decoded;
            let mut world = World::new(settings);
            (world.account.user_prompt_decoded, world.collect) = (decoded, false);
            world.live_on(job).await;
            let read: Vec<String> = world.sandbox.lock().unwrap().sales().map(|sale| sale.prompt).collect();
            assert_eq!(read, [asked], "decoded {decoded}: {job}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_keeps_the_account_limit() {
    let mut world = World::new(settings(vec![]));
    world.account.limits.user_data_per_minute = 2;
    for (start, name) in ["one", "two", "three", "four"].into_iter().enumerate() {
        super::live_for(&mut world, &named(name, 1), Duration::from_secs(5)).await;
        // As this machine's clock has it by the next session, this one is an hour ago.
        let db = Connection::open(world.ledger_path()).unwrap();
        assert_eq!(db.execute("UPDATE session SET at = at - 3600", []).unwrap(), start + 1);
    }
    let asked = world.sandbox.lock().unwrap().peak_per_minute(Some(Call::UserData));
    assert_eq!(asked, 1, "a session that follows another within the minute waits");
    assert_eq!(world.tasks("planned"), 3, "and buys nothing meanwhile");
    for name in ["two", "three", "four"] {
        world.live_on(&named(name, 1)).await;
    }
    assert_eq!(world.tasks("answered"), 4);
    assert!(world.sandbox.lock().unwrap().peak_per_minute(Some(Call::UserData)) <= 2);
}
