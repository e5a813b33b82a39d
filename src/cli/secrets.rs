//! Credentials: from the environment, or from a file that only its owner can read; never shown.

use std::env;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::mistake;
use crate::config::AccountConfig;
use crate::ledger::{Login, Whose};
use crate::offer::Route;
use crate::vendor::http::{Http, HttpError};

/// What lets an account in.
pub(super) enum Credentials {
    /// At the vendor itself.
    Login {
        /// Who.
        login: SecretString,
        /// The password of the API.
        password: SecretString,
    },
    /// At the AIsa gateway.
    Key(SecretString),
}

impl Credentials {
    /// The way to the vendor at this address.
    pub(super) fn way_to(&self, base_url: &str) -> Result<Http, HttpError> {
        match self {
            Self::Login { login, password } => Http::new(base_url, login, password),
            Self::Key(key) => Http::through_aisa(base_url, key),
        }
    }

    /// Whose account it is, for the ledger, which keeps a salted hash of it.
    pub(super) fn whose(&self) -> &str {
        match self {
            Self::Login { login, .. } => login.expose_secret(),
            Self::Key(key) => key.expose_secret(),
        }
    }
}

/// An account, as the state folder knows it again.
pub(super) fn whose<'a>(account: &'a AccountConfig, credentials: &'a Credentials) -> Whose<'a> {
    let (name, route, base_url) = (&*account.name, account.route, &*account.base_url);
    Whose { name, route, base_url, login: Login(credentials.whose()) }
}

/// The credentials of an account.
pub(super) fn of(account: &AccountConfig) -> anyhow::Result<Credentials> {
    match account.route {
        Route::DataForSeo | Route::Sandbox => {
            let login = variable(account, "login", &account.login_env)?;
            let password = match &account.password_file {
                Some(file) => from_file("password", file)?,
                None => variable(account, "password", &account.password_env)?,
            };
            Ok(Credentials::Login { login, password })
        }
        Route::Aisa => Ok(Credentials::Key(match &account.key_file {
            Some(file) => from_file("key", file)?,
            None => variable(account, "key", &account.key_env)?,
        })),
    }
}

/// Where the secret of an account is, for a person.
pub(super) fn place(account: &AccountConfig) -> String {
    let (file, variable) = match account.route {
        Route::DataForSeo | Route::Sandbox => (&account.password_file, &account.password_env),
        Route::Aisa => (&account.key_file, &account.key_env),
    };
    file.as_ref().map_or_else(|| variable.clone(), |file| format!("`{}`", file.display()))
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

fn from_file(what: &str, path: &Path) -> anyhow::Result<SecretString> {
    refuse_what_others_can_read(what, path)?;
    let text = SecretString::from(super::locate::read(path)?);
    let secret = text.expose_secret().trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return mistake(format!("{what} file `{}` is empty", path.display()));
    }
    Ok(SecretString::from(secret))
}

#[cfg(unix)]
fn refuse_what_others_can_read(what: &str, path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(facts) if facts.permissions().mode() & 0o077 != 0 => mistake(format!(
            "{what} file `{0}` can be read by others (mode {1:o}): `chmod 600 {0}`, and change the {what} if others were about",
            path.display(),
            facts.permissions().mode() & 0o777
        )),
        Ok(_) => Ok(()),
        Err(error) => mistake(format!("cannot read {what} file `{}`: {error}", path.display())),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn refuse_what_others_can_read(_: &str, _: &Path) -> anyhow::Result<()> {
    Ok(())
}
