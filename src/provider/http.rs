//! The provider over HTTP: direct by reqwest, or through a proxy by hyper.
//!
//! There are two clients. The one that spends makes one connection for one request, sends it once, follows nothing
//! and repeats nothing, because every automatic repetition by a library could be a second purchase. The free one
//! keeps connections, but repeats nothing either, because the rate limit does not count a hidden call.

mod causes;
mod proxy;
mod public;
mod retry_after;
mod tls;
mod tunnel;
mod way;
mod words;

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use data_encoding::BASE64;
use flate2::read::MultiGzDecoder;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER,
};
use hyper::{Method, Request as HttpRequest};
use reqwest::Url;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

pub use proxy::Proxy;
use tls::Trust;
use way::Way;

use super::{Failure, Provider, Request, Response};

/// The longest body that is read, decompressed. A full list is below one MiB and an answer's page below ten.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// What compression adds to a body that it cannot make smaller.
const PACKING: usize = 64 * 1024;
/// Longer than any path to the provider takes, and short enough that a dead one is noticed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What was sent and is not acknowledged for so long will not be: the connection is given up.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(30);
/// What stands before the provider's paths at the AIsa gateway, in place of `/v3`.
const AISA: &str = "/apis/v1/dataforseo";
/// How many calls are left, by the AIsa gateway, and when (Unix seconds) there are more.
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
/// Limits are those of a minute; a hint at a longer rest is none.
const MAX_REST_S: i64 = 120;
/// However long the provider asks to be left alone, after a day it is asked again.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Who asks.
const USER_AGENT: &str = concat!("bursar/", env!("CARGO_PKG_VERSION"));

/// The provider over HTTP.
pub struct Http {
    spending: Way,
    free: Way,
    base: Url,
    /// What stands in the place of `/v3` in a path.
    version: &'static str,
    authorization: HeaderValue,
    max_body_bytes: usize,
    /// Somebody in between answers for the provider.
    intercepted: Arc<AtomicBool>,
}

/// Why there is no way to this provider.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The base URL cannot be used as it stands. (It is not repeated: it may hold a password.)
    #[error("the base URL {0}")]
    BaseUrl(&'static str),
    /// A login with a colon cannot be told from its password.
    #[error("the login must not contain a colon")]
    ColonInLogin,
    /// A key is text without line breaks, spaces at its ends, or control characters.
    #[error("the key cannot stand in a header: it holds characters that no key has")]
    OddKey,
    /// No server can be checked: a bare container brings no certificates of authorities.
    #[error(
        "this machine has no certificates of authorities ({0}), so that no https server can be told from an impostor: install \
         the package ca-certificates (`apt-get install ca-certificates`, `apk add ca-certificates`), or name a file of them \
         in SSL_CERT_FILE; nothing was sent"
    )]
    NoAuthorities(String),
    /// The client could not be set up.
    #[error("no HTTP client could be set up: {0}")]
    Client(String),
}

impl Http {
    /// A way to the provider at this address, with this login.
    pub fn new(base_url: &str, login: &SecretString, password: &SecretString) -> Result<Self, HttpError> {
        Self::by(base_url, login, password, None)
    }

    /// The same through a proxy, where there is one.
    pub fn by(
        base_url: &str,
        login: &SecretString,
        password: &SecretString,
        proxy: Option<&Proxy>,
    ) -> Result<Self, HttpError> {
        Self::speaking(base_url, "/v3", basic(login, password)?, proxy, None)
    }

    /// A way to the provider through the AIsa gateway at this address, with this key.
    pub fn through_aisa(base_url: &str, key: &SecretString, proxy: Option<&Proxy>) -> Result<Self, HttpError> {
        let text = Zeroizing::new(format!("Bearer {}", key.expose_secret()));
        let is_word =
            !key.expose_secret().is_empty() && key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
        let authorization = HeaderValue::from_str(&text).ok().filter(|_| is_word).ok_or(HttpError::OddKey)?;
        Self::speaking(base_url, AISA, authorization, proxy, None)
    }

    fn speaking(
        base_url: &str,
        version: &'static str,
        mut authorization: HeaderValue,
        proxy: Option<&Proxy>,
        trust: Option<Trust>,
    ) -> Result<Self, HttpError> {
        let base = way::base(base_url)?;
        authorization.set_sensitive(true);
        let usual = if base.scheme() == "https" { Trust::Machine } else { Trust::Nobody };
        let (tls, intercepted) = tls::config(&trust.unwrap_or(usual))?;
        Ok(Self {
            spending: Way::that_spends(&base, &tls, proxy)?,
            free: Way::that_is_free(&base, &tls, proxy)?,
            base,
            version,
            authorization,
            max_body_bytes: MAX_BODY_BYTES,
            intercepted,
        })
    }

    /// Where the provider is, for a person.
    fn host(&self) -> &str {
        self.base.host_str().unwrap_or("the provider")
    }

    async fn exchange(&self, request: Request) -> Result<Response, Failure> {
        let below = request.path.strip_prefix("/v3").map(|below| [self.version, below].concat());
        let url = format!("{}{}", self.base.as_str().trim_end_matches('/'), below.unwrap_or(request.path));
        let way = if request.spends { &self.spending } else { &self.free };
        let method = if request.body.is_some() { Method::POST } else { Method::GET };
        let mut asked = HttpRequest::builder()
            .method(method)
            .uri(url)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT_ENCODING, "gzip");
        if request.body.is_some() {
            asked = asked.header(CONTENT_TYPE, "application/json");
        }
        let asked = asked
            .body(request.body.unwrap_or_default())
            .map_err(|error| Failure::NeverLeft(format!("{}: {error}", self.host())))?;
        let deadline = Instant::now() + request.timeout;
        let mut response = way.send(asked, request.timeout).await.map_err(|lost| lost.of(self.host()))?;
        let (body, end) = self.body(&mut response, deadline).await;
        let date = header(response.headers(), &DATE)
            .and_then(|text| DateTime::parse_from_rfc2822(text).ok())
            .map(|date| date.to_utc());
        let response = Response {
            status: response.status().as_u16(),
            date,
            rest: date.and_then(|date| rest(response.headers(), date.timestamp())),
            retry_after: header(response.headers(), &RETRY_AFTER)
                .and_then(|text| retry_after::wait(text, date))
                .map(|wait| wait.min(MAX_RETRY_AFTER)),
            body,
        };
        let of_host = |what: &str| format!("{}: {what}", self.host());
        match end {
            End::Whole => Ok(response),
            End::TooLarge => {
                let why = of_host(&format!("the reply is larger than {} bytes", self.max_body_bytes));
                Err(Failure::Part { why, is_bound: true, response })
            }
            End::Early(why) => Err(Failure::Part { why: of_host(&why), is_bound: false, response }),
        }
    }

    /// The body as far as it came, decompressed, and how it ended.
    async fn body(&self, response: &mut reqwest::Response, deadline: Instant) -> (Bytes, End) {
        let mut body = BytesMut::new();
        let mut end = loop {
            let Ok(chunk) = timeout_at(deadline, response.chunk()).await else {
                break End::Early(way::NO_REPLY.to_owned());
            };
            match chunk {
                Ok(Some(chunk)) => {
                    let headroom = (self.max_body_bytes + PACKING).saturating_sub(body.len());
                    body.extend_from_slice(&chunk[..chunk.len().min(headroom)]);
                    if chunk.len() > headroom {
                        break End::TooLarge;
                    }
                }
                Ok(None) => break End::Whole,
                Err(error) => break End::Early(way::what_failed(&error)),
            }
        };
        let is_packed = header(response.headers(), &CONTENT_ENCODING)
            .is_some_and(|coding| ["gzip", "x-gzip"].iter().any(|known| coding.trim().eq_ignore_ascii_case(known)));
        // A body that only claims to be compressed is as it is.
        if is_packed && body.starts_with(&[0x1f, 0x8b]) {
            return unpacked(&body, end, self.max_body_bytes);
        }
        if body.len() > self.max_body_bytes {
            body.truncate(self.max_body_bytes);
            end = End::TooLarge;
        }
        (body.freeze(), end)
    }
}

/// How a body ended.
enum End {
    Whole,
    TooLarge,
    Early(String),
}

/// A body decompressed as far as that goes and as much of it as is read, and how it ended.
fn unpacked(packed: &[u8], end: End, most: usize) -> (Bytes, End) {
    let (mut body, mut piece) = (BytesMut::new(), vec![0; 64 * 1024]);
    let mut decoder = MultiGzDecoder::new(packed);
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => return (body.freeze(), end),
            Ok(read) => {
                let headroom = most - body.len();
                body.extend_from_slice(&piece[..read.min(headroom)]);
                if read > headroom {
                    return (body.freeze(), End::TooLarge);
                }
            }
            Err(error) if matches!(end, End::Whole) => {
                return (body.freeze(), End::Early(format!("the compressed reply cannot be read: {error}")));
            }
            Err(_) => return (body.freeze(), end),
        }
    }
}

impl Provider for Http {
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send {
        self.exchange(request)
    }

    fn is_intercepted(&self) -> bool {
        self.intercepted.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The header by which a login lets in.
fn basic(login: &SecretString, password: &SecretString) -> Result<HeaderValue, HttpError> {
    if login.expose_secret().contains(':') {
        return Err(HttpError::ColonInLogin);
    }
    let pair = Zeroizing::new(format!("{}:{}", login.expose_secret(), password.expose_secret()));
    let text = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
    HeaderValue::from_str(&text).map_err(|_| HttpError::Client("the login fits no header".to_owned()))
}

/// How long until more calls are allowed, where none is left.
fn rest(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let whole = |name| header(headers, name).and_then(|text| text.trim().parse::<i64>().ok());
    let left = whole(&REMAINING).filter(|left| *left <= 0).and(whole(&RESET))?.saturating_sub(now);
    (1..=MAX_REST_S).contains(&left).then(|| Duration::from_secs(left.unsigned_abs()))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
