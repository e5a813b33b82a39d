//! The proxy of an account: its address, and its user and password.

use std::fmt;

use data_encoding::BASE64;
use hyper::Uri;
use hyper::header::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// An HTTP proxy that connects us to the provider by CONNECT.
#[derive(Clone)]
pub struct Proxy {
    pub(super) uri: Uri,
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy at `http://host:port`, with `user:password` where it asks for them.
    ///
    /// # Errors
    /// What is wrong with them, in words that do not show them.
    pub fn new(url: &str, auth: Option<&SecretString>) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "its address is no URL")?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none_or(|found| found.as_str().contains('@')) {
            return Err("its address must be http://HOST:PORT");
        }
        let authorization = auth.map(|auth| basic(auth.expose_secret())).transpose()?;
        Ok(Self { uri, authorization })
    }

    /// Its host, for a person.
    pub(super) fn name(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

fn basic(pair: &str) -> Result<HeaderValue, &'static str> {
    if !pair.contains(':') {
        return Err("its user and password are written as `user:password`, and there is no colon");
    }
    let text = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|_| "its user and password fit no header")?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.name()).finish()
    }
}
