//! The way out: direct, by reqwest, or through a proxy. Each request is sent once, and nothing is repeated or
//! followed.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper_util::client::legacy::connect::capture_connection;
use reqwest::{Client, ClientBuilder, Url, redirect, retry};
use rustls::ClientConfig;

use super::proxy::Proxy;
use super::tunnel::{self, TunnelError, Tunnelled};
use super::{CONNECT_TIMEOUT, Failure, HttpError, HttpRequest, USER_AGENT, causes, tls, words};
use crate::rule::Rule;

/// What is said of a reply that did not come.
pub(super) const NO_REPLY: &str = "no reply in time";
/// So many connections to a host may wait for the next request.
const IDLE: usize = 32;

/// How requests get to the provider.
pub(super) enum Way {
    Direct(Client),
    Through(Box<Tunnelled>),
}

/// A request without a reply.
pub(super) enum Lost {
    /// No connection came about, so it is certain that nothing was sent.
    NeverLeft(String),
    /// It may have been sent.
    NoAnswer(String),
}

impl Lost {
    /// The same, of a host.
    pub(super) fn of(self, host: &str) -> Failure {
        match self {
            Self::NeverLeft(why) => Failure::NeverLeft(format!("{host}: {why}")),
            Self::NoAnswer(why) => Failure::NoAnswer(format!("{host}: {why}")),
        }
    }
}

impl Way {
    /// One connection for one request.
    pub(super) fn that_spends(base: &Url, tls: &ClientConfig, proxy: Option<&Proxy>) -> Result<Self, HttpError> {
        let tls = tls::speaking(tls, &["http/1.1"]);
        match proxy {
            Some(proxy) => Ok(Self::Through(Box::new(tunnel::client(proxy, tls, 0)))),
            None => direct(client(base).http1_only().pool_max_idle_per_host(0), tls),
        }
    }

    /// Connections are kept for the next request.
    pub(super) fn that_is_free(base: &Url, tls: &ClientConfig, proxy: Option<&Proxy>) -> Result<Self, HttpError> {
        match proxy {
            Some(proxy) => Ok(Self::Through(Box::new(tunnel::client(proxy, tls::speaking(tls, &["http/1.1"]), IDLE)))),
            None => direct(client(base), tls::speaking(tls, &["h2", "http/1.1"])),
        }
    }

    /// Sends a request once; the head of the reply.
    pub(super) async fn send(&self, request: HttpRequest<Bytes>, timeout: Duration) -> Result<reqwest::Response, Lost> {
        match self {
            Self::Direct(client) => {
                let mut request =
                    reqwest::Request::try_from(request).map_err(|error| Lost::NeverLeft(causes::root_of(&error)))?;
                *request.timeout_mut() = Some(timeout);
                client.execute(request).await.map_err(|error| {
                    if error.is_connect() || error.is_builder() {
                        Lost::NeverLeft(words::unconnected(&error))
                    } else {
                        Lost::NoAnswer(what_failed(&error))
                    }
                })
            }
            Self::Through(client) => {
                let mut request = request.map(Full::new);
                request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
                let connected = capture_connection(&mut request);
                match tokio::time::timeout(timeout, client.request(request)).await {
                    Ok(Ok(response)) => Ok(response.map(reqwest::Body::wrap).into()),
                    Ok(Err(error)) if error.is_connect() => Err(Lost::NeverLeft(words::unconnected(&error))),
                    Ok(Err(error)) => Err(Lost::NoAnswer(causes::root_of(&error))),
                    // It waited for its connection, and was given up with it.
                    Err(_) if connected.connection_metadata().is_none() => {
                        Err(Lost::NeverLeft(TunnelError::Late(timeout).to_string()))
                    }
                    Err(_) => Err(Lost::NoAnswer(NO_REPLY.to_owned())),
                }
            }
        }
    }
}

fn direct(builder: ClientBuilder, tls: ClientConfig) -> Result<Way, HttpError> {
    let built = builder.tls_backend_preconfigured(tls).build();
    built.map(Way::Direct).map_err(|error| HttpError::Client(causes::root_of(&error)))
}

/// What both direct clients have in common.
fn client(base: &Url) -> ClientBuilder {
    let builder = Client::builder()
        .retry(retry::never())
        .redirect(if Rule::SentOnce.is_kept() { redirect::Policy::none() } else { redirect::Policy::default() })
        .referer(false)
        .no_proxy()
        .https_only(base.scheme() == "https")
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(USER_AGENT);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let builder = builder.tcp_user_timeout(super::UNACKNOWLEDGED_TIMEOUT);
    builder
}

pub(super) fn what_failed(error: &reqwest::Error) -> String {
    if error.is_timeout() { NO_REPLY.to_owned() } else { causes::root_of(error) }
}

/// An address that credentials may be sent to: https, or plain http on loopback; and without credentials in it.
pub(super) fn base(text: &str) -> Result<Url, HttpError> {
    let url = Url::parse(text).map_err(|_| HttpError::BaseUrl("is no URL"))?;
    let host = url.host_str().ok_or(HttpError::BaseUrl("has no host"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
        return Err(HttpError::BaseUrl("must begin with https:// (http:// is for loopback only)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::BaseUrl("must not hold a login or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(HttpError::BaseUrl("must end with its path"));
    }
    Ok(url)
}
