//! `bursar sandbox`: the simulated provider on its own.

use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::args::SandboxArgs;
use super::out::{self, Out};
use super::{Exit, embedded, mistake, stop};
use crate::clock::Clock;
use crate::sandbox::{Gateway, Sandbox, Settings, serve};

pub(super) fn sandbox(args: &SandboxArgs, out: Out) -> anyhow::Result<Exit> {
    if !args.listen.ip().is_loopback() {
        return mistake(format!("{}: the sandbox listens on loopback only", args.listen));
    }
    let settings = settings(args)?;
    let (login, password) = (settings.login.clone(), settings.password.clone());
    let provider = match &args.state {
        Some(path) => Sandbox::with_state(settings, path)?,
        None => Sandbox::new(settings),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let clock = Clock::system();
        let mut signals = stop::Signals::new();
        let listener =
            TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
        out::data(&format!("listening on http://{}\n", listener.local_addr()?))?;
        out.note(&format!("login {login}, password {password}; play money only; its bill is at /sandbox/bill"));
        let end = CancellationToken::new();
        let ended = end.clone();
        tokio::select! {
            served = serve(listener, Arc::new(Mutex::new(provider)), move || clock.now().wall, ended) => served?,
            () = signals.next() => end.cancel(),
        }
        Ok(Exit::Complete)
    })
}

/// Its limits keep the proportions of the provider's own.
fn settings(args: &SandboxArgs) -> anyhow::Result<Settings> {
    let usual = Settings::default();
    let grown = |limit: u32| {
        let grown = u64::from(limit) * u64::from(args.calls_per_minute) / u64::from(usual.calls_per_minute.max(1));
        u32::try_from(grown).unwrap_or(u32::MAX).max(limit)
    };
    Ok(Settings {
        seed: args.seed,
        speed: args.speed,
        calls_per_minute: args.calls_per_minute,
        tasks_ready_per_minute: grown(usual.tasks_ready_per_minute),
        id_list_per_minute: grown(usual.id_list_per_minute),
        user_data_per_minute: grown(usual.user_data_per_minute),
        gateway: Gateway { requests_per_minute: grown(usual.gateway.requests_per_minute), ..usual.gateway },
        faults: embedded::faults(args.faults.as_deref())?,
        ..usual
    })
}
