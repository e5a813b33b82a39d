//! The vendor's own client as referee of the sandbox; `referee/referee.py` says what it checks.
//!
//! Ignored unless asked for, since it needs Python with `dataforseo-client==2.1.10`:
//! `BURSAR_REFEREE_PYTHON=venv/bin/python cargo test --test referee -- --ignored`.

use std::sync::{Arc, Mutex};

use bursar::sandbox::{Sandbox, Settings, serve};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

#[expect(clippy::disallowed_methods, reason = "the referee lives by the wall clock, so this sandbox must too")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the vendor's client: set BURSAR_REFEREE_PYTHON"]
async fn the_vendors_own_client_finds_nothing_wrong() {
    let python = std::env::var("BURSAR_REFEREE_PYTHON").expect("BURSAR_REFEREE_PYTHON names a Python with the client");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Arc::new(Mutex::new(Sandbox::new(Settings { speed: 1_000, ..Settings::default() })));
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, sandbox, now, stop.clone()));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/referee/referee.py");
    let run = move || std::process::Command::new(python).arg(script).arg(base).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    stop.cancel();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
