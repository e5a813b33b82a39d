//! `doctor --sandbox`: the simulated provider is served while it is asked.

use tokio_util::sync::{CancellationToken, DropGuard};

use super::finding::Finding;
use crate::cli::hints::sandbox_ledgers;
use crate::cli::{embedded, state_dir};
use crate::clock::Clock;
use crate::config::Config;
use crate::ledger::Lock;
use crate::sandbox::Faults;

/// What lasts as long as the simulated provider is asked.
pub(super) struct Rehearsal {
    _served: DropGuard,
    /// Whoever serves from the provider's state holds the ledger.
    lock: Option<Lock>,
}

/// Serves it for all accounts: by what it has sold so far, or as a new one where there is no ledger, or where a run that
/// holds the ledger is serving it by its state.
pub(super) async fn begin(config: &mut Config, has_ledger: bool, clock: Clock) -> anyhow::Result<Rehearsal> {
    let lock = if has_ledger { Lock::try_take(&config.ledger).ok() } else { None };
    let folder = if lock.is_some() { Some(state_dir::folder(config)?) } else { None };
    let served = CancellationToken::new();
    let base_url = embedded::serve_for(folder.as_deref(), Faults::default(), clock, served.clone()).await?;
    for account in config.accounts.values_mut() {
        account.base_url.clone_from(&base_url);
    }
    Ok(Rehearsal { _served: served.drop_guard(), lock })
}

impl Rehearsal {
    /// What was asked is not what the ledger has bought from.
    pub(super) fn beside_a_run(&self, has_ledger: bool) -> Option<Finding> {
        (has_ledger && self.lock.is_none()).then(|| {
            Finding::ok(
                "sandbox",
                "a run is at work with this ledger, so another simulated provider was asked, which has sold nothing",
            )
        })
    }
}

/// No run in the sandbox has been here, or those of several jobs.
pub(super) fn no_ledger() -> Finding {
    let there: Vec<String> = sandbox_ledgers().iter().map(|ledger| ledger.display().to_string()).collect();
    Finding::ok(
        "ledger",
        if there.is_empty() {
            "none of the sandbox is here yet; `bursar run JOB.toml --sandbox` creates one beside the job file"
                .to_owned()
        } else {
            format!("several of the sandbox are here: look at one with --ledger: {}", there.join(", "))
        },
    )
}
