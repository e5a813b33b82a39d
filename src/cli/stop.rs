//! What ends a session early: a signal, or its time limit.

use std::time::Duration;

use tokio::sync::watch;

use super::out::Out;
use crate::engine::StopWord;

/// Said at the first signal; it fits a narrow terminal. What a second one cuts off is in doubt until the next session.
pub(super) const STOPPING: &str = "finishing requests in flight; Ctrl-C again quits now";

/// Listens for signals: the first lets what is in flight end, the second ends at once. `max_wait` counts as the first.
pub(super) fn listen(out: Out, max_wait: Option<Duration>) -> watch::Receiver<StopWord> {
    let (send, receive) = watch::channel(StopWord::None);
    tokio::spawn(async move {
        let mut signals = Signals::new();
        // Whoever draws bars says it above them.
        let say = |what| {
            if !out.bars {
                out.note(what);
            }
        };
        tokio::select! {
            () = signals.next() => say(STOPPING),
            () = elapsed(max_wait) => say("the time given by --max-wait is over: what is in flight is waited for"),
        }
        // Whoever listened has ended already.
        let _ = send.send(StopWord::Drain);
        signals.next().await;
        let _ = send.send(StopWord::Now);
    });
    receive
}

async fn elapsed(max_wait: Option<Duration>) {
    match max_wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// SIGINT and SIGTERM, from now on. Where they cannot be listened to, they end the process as they always did, and the
/// next session goes on.
#[cfg(unix)]
pub(super) struct Signals(Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok()))
    }

    /// Resolves at the next of them.
    pub(super) async fn next(&mut self) {
        match &mut self.0 {
            Some((interrupt, terminate)) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            None => std::future::pending().await,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> Self {
        Self
    }

    /// Resolves at the next one.
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
