//! Credentials: from the environment, or from a file that only its owner can read; never shown.

mod ends;
mod proxy;

use std::env;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::mistake;
use super::out::place as named;
use crate::config::AccountConfig;
use crate::ledger::{Login, Whose};
use crate::problem::io_reason;
use crate::product::Route;
use crate::provider::http::{Http, HttpError};
pub(super) use proxy::{
    excepted as excepted_from_proxies, in_words as proxy_in_words, not_used as proxy_not_used, unused as unused_proxy,
};

/// What lets an account in, and how it is reached.
pub(super) struct Credentials {
    kind: Kind,
    proxy: Option<crate::provider::http::Proxy>,
    /// What is likely wrong with them where they are refused; each a sentence.
    odd: Vec<String>,
}

enum Kind {
    /// At the provider itself.
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
    /// Those of a login at a simulated provider on this machine.
    pub(super) fn of_sandbox(login: &str) -> Self {
        Self { kind: Kind::Login { login: login.into(), password: login.into() }, proxy: None, odd: Vec::new() }
    }

    /// The way to the provider at this address.
    pub(super) fn way_to(&self, base_url: &str) -> Result<Http, HttpError> {
        let proxy = self.proxy.as_ref();
        match &self.kind {
            Kind::Login { login, password } => Http::by(base_url, login, password, proxy),
            Kind::Key(key) => Http::through_aisa(base_url, key, proxy),
        }
    }

    /// Whose account it is, for the ledger, which keeps a salted hash of it.
    pub(super) fn whose(&self) -> &str {
        match &self.kind {
            Kind::Login { login, .. } => login.expose_secret(),
            Kind::Key(key) => key.expose_secret(),
        }
    }

    /// What is likely wrong with them where they are refused.
    pub(super) fn odd(&self) -> &[String] {
        &self.odd
    }
}

/// An account, as the state folder knows it again.
pub(super) fn whose<'a>(account: &'a AccountConfig, credentials: &'a Credentials) -> Whose<'a> {
    let (name, route, base_url) = (&*account.name, account.route, &*account.base_url);
    Whose { name, route, base_url, login: Login(credentials.whose()) }
}

/// The credentials of an account, or those of the simulated provider where a command is for that one.
pub(super) fn for_session(account: &AccountConfig, sandbox: bool) -> anyhow::Result<Credentials> {
    if sandbox { Ok(Credentials::of_sandbox(super::embedded::LOGIN)) } else { of(account) }
}

/// The credentials of an account that is to buy, and those of its proxy.
pub(super) fn of(account: &AccountConfig) -> anyhow::Result<Credentials> {
    with(account, ", or say --sandbox to try with play money; nothing was bought")
}

/// The same of an account that is only asked something.
pub(super) fn to_ask(account: &AccountConfig) -> anyhow::Result<Credentials> {
    with(account, "")
}

/// The credentials, and the way out where there are none.
fn with(account: &AccountConfig, way_out: &str) -> anyhow::Result<Credentials> {
    let mut odd = Vec::new();
    let mut read = |what: &str, file: Option<&Path>, variable: &str| -> anyhow::Result<SecretString> {
        let (from, secret) = match file {
            Some(file) => (format!("{what} file {}", named(file)), from_file(what, file)?),
            None => {
                (format!("account `{}`: {variable}", account.name), from_variable((account, way_out), what, variable)?)
            }
        };
        if let Some(wrong) = ends::wrong(secret.expose_secret()) {
            return mistake(format!("{from} {wrong}; nothing was bought"));
        }
        if let Some(found) = ends::odd(secret.expose_secret()) {
            odd.push(format!("{from} {found}: if access is refused, this is the likely reason"));
        }
        Ok(secret)
    };
    let kind = match account.route {
        Route::DataForSeo | Route::Sandbox => Kind::Login {
            login: read("login", account.login_file.as_deref(), &account.login_env)?,
            password: read("password", account.password_file.as_deref(), &account.password_env)?,
        },
        Route::Aisa => Kind::Key(read("key", account.key_file.as_deref(), &account.key_env)?),
    };
    let proxy = proxy::of(account, &mut read)?;
    Ok(Credentials { kind, proxy, odd })
}

/// Where the login and the password of an account are, or its key, for a person.
pub(super) fn place(account: &AccountConfig) -> String {
    let one = |file: &Option<std::path::PathBuf>, variable: &str| {
        file.as_ref().map_or_else(|| variable.to_owned(), |file| format!("`{}`", file.display()))
    };
    match account.route {
        Route::DataForSeo | Route::Sandbox => {
            let login = one(&account.login_file, &account.login_env);
            format!("{login} and {}", one(&account.password_file, &account.password_env))
        }
        Route::Aisa => one(&account.key_file, &account.key_env),
    }
}

fn from_variable((account, way_out): (&AccountConfig, &str), what: &str, name: &str) -> anyhow::Result<SecretString> {
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        Ok(_) => mistake(format!("account `{}`: {name} is empty; it must hold the {what}", account.name)),
        Err(env::VarError::NotPresent) => {
            mistake(format!("account `{}`: set {name} to the {what}{way_out}", account.name))
        }
        Err(env::VarError::NotUnicode(_)) => mistake(format!("account `{}`: {name} is not UTF-8", account.name)),
    }
}

/// The text of a file without the line end that an editor writes.
fn from_file(what: &str, path: &Path) -> anyhow::Result<SecretString> {
    refuse_what_others_can_read(what, path)?;
    let text = SecretString::from(super::locate::read(path)?);
    let line = text.expose_secret();
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() {
        return mistake(format!("{what} file {} is empty", named(path)));
    }
    Ok(SecretString::from(line))
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
        Err(error) => mistake(format!("cannot read {what} file {}: {}", named(path), io_reason(&error))),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn refuse_what_others_can_read(_: &str, _: &Path) -> anyhow::Result<()> {
    Ok(())
}
