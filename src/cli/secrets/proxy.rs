//! The proxy of an account with its user and password; and proxies of the environment, which bursar does not use.

use std::env;
use std::path::Path;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::SecretString;

use crate::cli::mistake;
use crate::config::{AccountConfig, is_loopback};
use crate::provider::http::Proxy;

/// Variables by which other programs are told of a proxy.
const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Variables by which other programs are told which hosts to reach without one.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy of an account, with what `read` finds of its user and password.
pub(super) fn of(
    account: &AccountConfig,
    read: &mut impl FnMut(&str, Option<&Path>, &str) -> anyhow::Result<SecretString>,
) -> anyhow::Result<Option<Proxy>> {
    let Some(proxy) = &account.proxy else { return Ok(None) };
    let auth = match (&proxy.auth_file, &proxy.auth_env) {
        (None, None) => None,
        (file, variable) => {
            Some(read("user and password of the proxy", file.as_deref(), variable.as_deref().unwrap_or_default())?)
        }
    };
    match Proxy::new(&proxy.url, auth.as_ref()) {
        Ok(proxy) => Ok(Some(proxy)),
        Err(why) => mistake(format!("account `{}`: proxy {}: {why}; nothing was bought", account.name, proxy.url)),
    }
}

/// The proxy of an account, for a person.
pub(in crate::cli) fn in_words(account: &AccountConfig) -> Option<String> {
    let proxy = account.proxy.as_ref()?;
    let file = proxy.auth_file.as_ref().map(|file| format!("`{}`", file.display()));
    let auth = file.or_else(|| proxy.auth_env.clone());
    let auth = auth.map_or_else(String::new, |place| format!(", with the user and password in {place}"));
    Some(format!("{}{auth}", proxy.url))
}

/// What a person is told of such a variable.
pub(in crate::cli) fn not_used(variable: &str, account: &str) -> String {
    let named = env::var(variable).unwrap_or_default();
    let scheme = named.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let what = match scheme.as_deref() {
        Some(scheme) if scheme.starts_with("socks") => {
            "it names a SOCKS proxy, and bursar only goes through proxies that are spoken to by HTTP; where there is one, write"
        }
        Some("https") => {
            "it names a proxy that is spoken to by HTTPS, and bursar speaks plain HTTP to a proxy, through which the provider \
             is still reached by TLS; where it takes that, write"
        }
        _ => "to go through a proxy, write",
    };
    format!(
        "{variable} is set in the environment and is not used: {what} proxy = \"http://HOST:PORT\" below [accounts.{account}] \
         in bursar.toml"
    )
}

/// A variable that names a proxy which is not used for this account, unless `NO_PROXY` excepts the provider from it.
pub(in crate::cli) fn unused(account: &AccountConfig) -> Option<&'static str> {
    if account.proxy.is_some() || is_loopback(&account.base_url) || excepted(account).is_some() {
        return None;
    }
    VARIABLES.into_iter().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The variable by which other programs would reach the provider without a proxy; `proxy` of the account holds all the
/// same.
pub(in crate::cli) fn excepted(account: &AccountConfig) -> Option<&'static str> {
    let uri: Uri = account.base_url.parse().ok()?;
    let is_excepted = |name: &&str| {
        let Ok(excepted) = env::var(name) else { return false };
        // Any proxy will do: only the exceptions are asked about.
        excepted.split(',').any(|host| host.trim() == "*")
            || Matcher::builder().all("http://proxy").no(excepted).build().intercept(&uri).is_none()
    };
    EXCEPTIONS.into_iter().find(is_excepted)
}
