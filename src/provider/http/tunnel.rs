//! Through a proxy: a connection to it, CONNECT, and then the connection to the provider, as if it were direct.
//!
//! Until the proxy has agreed, nothing except CONNECT has left this machine: whatever fails before that, and before
//! TLS is established, sent no request. What fails later is judged as on a direct connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service;

use super::proxy::Proxy;
use super::{CONNECT_TIMEOUT, USER_AGENT, causes};

/// The longest head of a reply to CONNECT.
const MAX_HEAD: usize = 16 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Opening<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A client whose every connection goes through the proxy.
pub(super) type Tunnelled = Client<InTime, Full<Bytes>>;

/// A client by this proxy that keeps so many connections for another request.
pub(super) fn client(proxy: &Proxy, tls: ClientConfig, idle: usize) -> Tunnelled {
    let mut to_proxy = HttpConnector::new();
    to_proxy.set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    to_proxy.set_tcp_user_timeout(Some(super::UNACKNOWLEDGED_TIMEOUT));
    let tunnel = Tunnel { proxy: proxy.clone(), to_proxy };
    Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .pool_max_idle_per_host(idle)
        .pool_timer(TokioTimer::new())
        .build(InTime(HttpsConnector::from((tunnel, tls))))
}

/// Why there is no connection through the proxy.
#[derive(Debug, thiserror::Error)]
pub(super) enum TunnelError {
    #[error("the proxy {0} cannot be reached: {1}")]
    Unreachable(String, String),
    #[error(
        "the proxy {0} asks for a user and password (its answer to CONNECT {1}: {2}): set `proxy_auth_env` or `proxy_auth_file` of the account, or correct what they hold"
    )]
    NoAuth(String, String, String),
    #[error("the proxy {0} refuses to connect to {1}: it answers {2}")]
    Refused(String, String, String),
    #[error("the proxy {0} gives no proper answer to CONNECT {1}: {2}")]
    Odd(String, String, String),
    #[error("there was no connection through the proxy within {}", humantime::format_duration(*.0))]
    Late(Duration),
}

/// Connects within the time that a connection may take, TLS included.
#[derive(Clone)]
pub(super) struct InTime(HttpsConnector<Tunnel>);

impl Service<Uri> for InTime {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let opening = tokio::time::timeout(CONNECT_TIMEOUT, self.0.call(to));
        Box::pin(async move { opening.await.unwrap_or_else(|_| Err(TunnelError::Late(CONNECT_TIMEOUT).into())) })
    }
}

/// Connects to the proxy, and through it.
#[derive(Clone)]
pub(super) struct Tunnel {
    proxy: Proxy,
    to_proxy: HttpConnector,
}

impl Service<Uri> for Tunnel {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Opening<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.to_proxy.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (proxy, connecting) = (self.proxy.clone(), self.to_proxy.call(self.proxy.uri.clone()));
        Box::pin(async move {
            let name = proxy.name().to_owned();
            let connected =
                connecting.await.map_err(|error| TunnelError::Unreachable(name, causes::root_of(&error)))?;
            let mut stream = connected.into_inner();
            connect(&mut stream, &proxy, &authority(&to)).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// `host:port`, the port said.
fn authority(to: &Uri) -> String {
    let usual = if to.scheme_str() == Some("http") { 80 } else { 443 };
    format!("{}:{}", to.host().unwrap_or_default(), to.port_u16().unwrap_or(usual))
}

/// Asks the proxy to connect us, on a connection to it.
async fn connect(stream: &mut TcpStream, proxy: &Proxy, to: &str) -> Result<(), TunnelError> {
    let name = || proxy.name().to_owned();
    let odd = |what: &str| TunnelError::Odd(name(), to.to_owned(), what.to_owned());
    let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {USER_AGENT}\r\n").into_bytes();
    if let Some(authorization) = &proxy.authorization {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(authorization.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await.map_err(|error| odd(&error.to_string()))?;
    let mut reply = Vec::new();
    let end = loop {
        if let Some(at) = reply.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if reply.len() > MAX_HEAD {
            return Err(odd("its head does not end"));
        }
        if stream.read_buf(&mut reply).await.map_err(|error| odd(&error.to_string()))? == 0 {
            return Err(odd(if reply.is_empty() { "it closes the connection" } else { "it is cut short" }));
        }
    };
    let line = String::from_utf8_lossy(reply.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let (version, status) = line.split_once(' ').unwrap_or_default();
    if !version.starts_with("HTTP/1.") {
        return Err(odd("it is no HTTP"));
    }
    match status.split(' ').next().and_then(|code| code.parse::<u16>().ok()) {
        // A server does not speak before it is asked: this would be taken for its answer.
        Some(200..=299) if reply.len() > end => Err(odd("more than an answer")),
        Some(200..=299) => Ok(()),
        Some(407) => Err(TunnelError::NoAuth(name(), to.to_owned(), status.to_owned())),
        Some(_) => Err(TunnelError::Refused(name(), to.to_owned(), status.to_owned())),
        None => Err(odd("it is no HTTP")),
    }
}
