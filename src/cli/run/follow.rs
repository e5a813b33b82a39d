//! One dispatcher: the holder of the lock buys, and a second session waits for it.

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::diagnostics;
use crate::cli::out::Out;
use crate::clock::Clock;
use crate::engine::StopWord;
use crate::ledger::{Lock, LockError, needs_its_folder};

/// Between two looks at a lock that another process holds.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How a lock is waited for.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Wait {
    /// Not at all.
    pub(in crate::cli) no_follow: bool,
    /// So long, before who holds it is said also when quiet.
    pub(in crate::cli) silence: Duration,
    /// So long at the most; without it, until it is free.
    pub(in crate::cli) patience: Option<Duration>,
}

/// Takes the lock of a ledger, waiting for another process where there is one, and signs it with what it is for; `None`
/// where a stop came first, or the patience was over.
pub(in crate::cli) async fn take(
    ledger: &Path,
    what: &str,
    wait: Wait,
    out: Out,
    mut stop: watch::Receiver<StopWord>,
) -> anyhow::Result<Option<Lock>> {
    needs_its_folder(ledger)?;
    let clock = Clock::system();
    let began = clock.now().mono;
    let (mut told, mut told_late) = (None, false);
    loop {
        let waited = clock.now().mono.saturating_sub(began);
        match Lock::try_take(ledger) {
            Ok(mut lock) => {
                if told.is_some() {
                    out.note("the ledger is free: continuing");
                }
                let since = clock.now().wall.format("%Y-%m-%d %H:%M:%S UTC").to_string();
                if let Err(error) = lock.sign(&since, what) {
                    tracing::debug!(%error, "the lock does not say what it is held for");
                }
                return Ok(Some(lock));
            }
            Err(LockError::Held { holder, .. }) if !wait.no_follow => {
                let held = format!("ledger {} is held by another process{holder}", ledger.display());
                if wait.patience.is_some_and(|patience| waited >= patience) {
                    let waited = humantime::format_duration(Duration::from_secs(waited.as_secs()));
                    let what =
                        format!("{held}: waited {waited} for it, and nothing was bought; the same command waits again");
                    diagnostics::notice(&what, out)?;
                    return Ok(None);
                }
                if told != Some(holder.pid) {
                    out.note(&format!("{held}: only one may buy at a time; waiting until it ends"));
                    told = Some(holder.pid);
                }
                if waited >= wait.silence && !told_late {
                    told_late = true;
                    let waited = humantime::format_duration(Duration::from_secs(waited.as_secs()));
                    let what =
                        format!("{held}, and this session has waited {waited} for it: it continues once that one ends");
                    diagnostics::notice(&what, out)?;
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
