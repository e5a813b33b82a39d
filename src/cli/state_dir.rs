//! The state folder, which keeps what must survive outside the ledger, and the home folder that it lies in.

use std::env;
use std::path::PathBuf;

use super::mistake;
use crate::config::Config;

/// Where to keep what must survive outside the ledger.
pub(super) fn folder(config: &Config) -> anyhow::Result<PathBuf> {
    let user = || {
        env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| home().map(|home| home.join(".local").join("state")))
            .map(|folder| folder.join("bursar"))
    };
    match config.state_dir.clone().or_else(user) {
        Some(folder) => Ok(folder),
        None => mistake("there is no home folder to keep the counter of sessions in: set state_dir in the config"),
    }
}

pub(super) fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}
