//! Credentials: from the environment, or from a file that only its owner can read; never shown.

use std::env;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::mistake;
use crate::config::AccountConfig;

/// What lets an account in.
pub(super) struct Credentials {
    pub(super) login: SecretString,
    pub(super) password: SecretString,
}

/// The credentials of an account.
pub(super) fn of(account: &AccountConfig) -> anyhow::Result<Credentials> {
    let login = variable(account, "login", &account.login_env)?;
    let password = match &account.password_file {
        Some(file) => from_file(file)?,
        None => variable(account, "password", &account.password_env)?,
    };
    Ok(Credentials { login, password })
}

fn variable(account: &AccountConfig, what: &str, name: &str) -> anyhow::Result<SecretString> {
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        Ok(_) => mistake(format!("account `{}`: {name} is empty; it must hold the {what}", account.name)),
        Err(env::VarError::NotPresent) => mistake(format!(
            "account `{}`: set {name} to the {what}, or say --sandbox to try with play money; nothing was bought",
            account.name
        )),
        Err(env::VarError::NotUnicode(_)) => mistake(format!("account `{}`: {name} is not UTF-8", account.name)),
    }
}

fn from_file(path: &Path) -> anyhow::Result<SecretString> {
    refuse_what_others_can_read(path)?;
    let text = SecretString::from(super::locate::read(path)?);
    let password = text.expose_secret().trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return mistake(format!("password file `{}` is empty", path.display()));
    }
    Ok(SecretString::from(password))
}

#[cfg(unix)]
fn refuse_what_others_can_read(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(facts) if facts.permissions().mode() & 0o077 != 0 => mistake(format!(
            "password file `{0}` can be read by others (mode {1:o}): `chmod 600 {0}`, and change the password if others were about",
            path.display(),
            facts.permissions().mode() & 0o777
        )),
        Ok(_) => Ok(()),
        Err(error) => mistake(format!("cannot read password file `{}`: {error}", path.display())),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn refuse_what_others_can_read(_: &Path) -> anyhow::Result<()> {
    Ok(())
}
