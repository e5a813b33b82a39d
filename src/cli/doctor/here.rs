//! What is on this machine: config, ledger, state folder, secrets, disk.

use std::path::Path;

use super::finding::Finding;
use crate::cli::Exit;
use crate::cli::disk::{free_for, size};
use crate::cli::out::count;
use crate::config::Config;
use crate::ledger::{self, Ledger, LedgerError};
use crate::zone::{self, Sources};

/// A million answers compressed take about so much; below it a long run may not end.
const LITTLE: u64 = 4 << 30;
/// Too little for the log of a ledger that is written to.
const TOO_LITTLE: u64 = 256 << 20;

pub(super) fn scan(config: &Config, state_dir: &Path) -> Vec<Finding> {
    let accounts = count(config.accounts.len() as u64, "account");
    let mut findings = vec![match &config.path {
        Some(path) => Finding::ok("config", format!("{}, with {accounts}", path.display())),
        None => Finding::ok("config", "none is found, so what is built in holds: one account, `main`")
            .knowing("a bursar.toml in this folder or above it says otherwise"),
    }];
    findings.push(match ledger::sqlite_version() {
        Ok(version) => Finding::ok("sqlite", version),
        Err(error) => Finding::fail("sqlite", Exit::Unexpected, error.to_string(), "build bursar with another one"),
    });
    findings.push(zones(zone::sources()));
    findings.push(state(state_dir));
    findings.extend(disk(&config.ledger));
    findings
}

/// By which release of the time zone data days and months begin.
fn zones(sources: &Sources) -> Finding {
    let Sources { built_in, machine, machine_counts } = sources;
    let says = match machine {
        Some((folder, Some(release))) if *machine_counts => {
            format!("tzdata {release} of {} counts; built in is {built_in}", folder.display())
        }
        Some((folder, Some(release))) => {
            format!("tzdata {built_in}, built in, counts; {} has {release}", folder.display())
        }
        Some((folder, None)) => {
            format!("tzdata {built_in}, built in, counts; {} does not say which release it has", folder.display())
        }
        None => format!("tzdata {built_in}, built in, counts; this machine has none of its own"),
    };
    Finding::ok("time zones", says)
}

/// The ledger to read, where there is one that can be.
pub(super) fn ledger(config: &Config, findings: &mut Vec<Finding>) -> Option<Ledger> {
    let path = &config.ledger;
    if let Err(error) = ledger::needs_its_folder(path) {
        findings.push(Finding::fail("ledger", Exit::Usage, error.to_string(), "`bursar run` refuses it as well"));
        return None;
    }
    if path.try_exists().is_ok_and(|exists| !exists) {
        findings.push(Finding::ok("ledger", format!("{} is not there yet; `bursar run` makes it", path.display())));
        return None;
    }
    match Ledger::open_to_read(path) {
        Ok(ledger) => {
            let says = format!("{}, with {} money", path.display(), ledger.kind().name());
            findings.push(match open_to_others(path) {
                None => Finding::ok("ledger", says),
                Some(mode) => Finding::warn(
                    "ledger",
                    format!("{says}; others can read it (mode {mode:o}), with all prompts and answers"),
                    format!("`chmod 600 {}`; the next run does it as well", path.display()),
                ),
            });
            Some(ledger)
        }
        Err(error) => {
            let exit = if matches!(error, LedgerError::File { .. }) { Exit::Usage } else { Exit::Unexpected };
            findings.push(Finding::fail("ledger", exit, error.to_string(), "nothing can be bought with it"));
            None
        }
    }
}

/// Where the counter of sessions is kept.
fn state(folder: &Path) -> Finding {
    const ABOUT: &str = "state folder";
    const ADVICE: &str = "set state_dir in the config to a folder that can be written: without the counter of sessions nothing is bought";
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::ok(ABOUT, format!("{shown} is not there yet; `bursar run` makes it"))
        }
        Err(error) => Finding::fail(ABOUT, Exit::Usage, format!("{shown}: {error}"), ADVICE),
        Ok(facts) if facts.permissions().readonly() => {
            Finding::fail(ABOUT, Exit::Usage, format!("{shown} cannot be written"), ADVICE)
        }
        Ok(_) => match open_to_others(folder).filter(|mode| mode & 0o022 != 0) {
            None => Finding::ok(ABOUT, shown.to_string()),
            Some(mode) => Finding::warn(
                ABOUT,
                format!("{shown} can be written by others (mode {mode:o})"),
                format!("`chmod go-w {shown}`: who changes the counter in it makes the ledger look restored, or whole"),
            ),
        },
    }
}

/// The mode of a file that others than its owner can read or write.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<u32> {
    None
}

/// The room for the ledger to grow in; nothing where it cannot be told.
fn disk(ledger: &Path) -> Option<Finding> {
    let free = free_for(ledger)?;
    let says = format!("{} free for the ledger", size(free));
    Some(if free < TOO_LITTLE {
        Finding::fail(
            "disk",
            Exit::Unexpected,
            says,
            "make room: a run that cannot write its ledger ends and buys nothing more",
        )
    } else if free < LITTLE {
        Finding::warn("disk", says, "make room before a large run: a thousand answers take some megabytes")
    } else {
        Finding::ok("disk", says)
    })
}
