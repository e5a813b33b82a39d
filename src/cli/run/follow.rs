//! One dispatcher: whoever holds the lock buys, and who comes second waits for it.

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::out::Out;
use crate::engine::StopWord;
use crate::ledger::{Lock, LockError};

/// Between two looks at a lock that another process holds.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Takes the lock of a ledger, waiting for another process where there is one; `None` where a stop came first.
pub(in crate::cli) async fn take(
    ledger: &Path,
    no_follow: bool,
    out: Out,
    mut stop: watch::Receiver<StopWord>,
) -> anyhow::Result<Option<Lock>> {
    if let Some(folder) = ledger.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut told = None;
    loop {
        match Lock::try_take(ledger) {
            Ok(lock) => {
                if told.is_some() {
                    out.note("the ledger is free: going on");
                }
                return Ok(Some(lock));
            }
            Err(LockError::Held { pid, .. }) if !no_follow => {
                if told != Some(pid) {
                    let holder = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                    out.note(&format!(
                        "ledger {} is held by another process{holder}: only one may buy at a time; waiting until it ends",
                        ledger.display()
                    ));
                    told = Some(pid);
                }
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            _ = stop.wait_for(|word| *word > StopWord::None) => return Ok(None),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
