//! The simulated provider inside `run --sandbox`, and how an account is set up for it.
//!
//! It remembers its sales in a file beside the ledger, so that a run that was killed goes on against the same books.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::hints::SANDBOX_FOLDER;
use super::locate::{self, Located};
use super::mistake;
use crate::clock::Clock;
use crate::config::{AccountConfig, Config};
use crate::product::Route;
use crate::sandbox::embedded::{limits, settings, timing};
use crate::sandbox::{Faults, Sandbox, Settings, serve};

/// Login and password of the simulated account.
pub(super) const LOGIN: &str = "sandbox";

/// `.bursar-sandbox/JOB/` beside the job file.
pub(super) fn folder(located: &Located) -> PathBuf {
    let beside = located.named.parent().unwrap_or(Path::new(""));
    beside.join(SANDBOX_FOLDER).join(&located.job.name)
}

/// The same job with ledger, state and account of the sandbox; the account's caps and prices stay.
pub(super) fn for_sandbox(mut located: Located, ledger: Option<&Path>) -> Located {
    let folder = folder(&located);
    located.config.ledger = ledger.map_or_else(|| folder.join("bursar.db"), Path::to_owned);
    located.config.state_dir = Some(folder);
    simulate(&mut located.config);
    located
}

/// The accounts of a config at the simulated provider; their caps and prices stay.
pub(super) fn simulate(config: &mut Config) {
    for account in config.accounts.values_mut() {
        *account = AccountConfig {
            prices: std::mem::take(&mut account.prices),
            caps: crate::config::AccountCaps { keep_balance: None, ..account.caps.clone() },
            limits: limits(),
            timing: timing(),
            base_url: "http://127.0.0.1".to_owned(),
            ..AccountConfig::new(&account.name, Route::Sandbox)
        };
    }
}

/// What goes wrong, from a file.
pub(super) fn faults(path: Option<&Path>) -> anyhow::Result<Faults> {
    let Some(path) = path else { return Ok(Faults::default()) };
    match Faults::from_toml(&locate::read_toml(path)?) {
        Ok(faults) => Ok(faults),
        Err(error) => mistake(format!("fault file `{}`, {error}", path.display())),
    }
}

/// Serves a simulated provider on this runtime until `stop`; its address. It remembers its sales in this folder: whoever
/// serves from it holds the ledger's lock. Without a folder it has sold nothing yet, and forgets what it sells.
pub(super) async fn serve_for(
    folder: Option<&Path>,
    faults: Faults,
    clock: Clock,
    stop: CancellationToken,
) -> anyhow::Result<String> {
    let settings = Settings { faults, ..settings() };
    let sandbox = match folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
            Sandbox::with_state(settings, folder.join("provider.jsonl"))?
        }
        None => Sandbox::new(settings),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the sandbox cannot listen on 127.0.0.1")?;
    let address = listener.local_addr()?;
    let now = move || clock.now().wall;
    tokio::spawn(async move {
        if let Err(error) = serve(listener, Arc::new(Mutex::new(sandbox)), now, stop).await {
            tracing::error!(%error, "the sandbox has ended");
        }
    });
    Ok(format!("http://{address}"))
}
