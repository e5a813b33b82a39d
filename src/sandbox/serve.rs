//! The sandbox over HTTP/1.1, for `bursar sandbox`, `run --sandbox` and benches: loopback only, no TLS.
//!
//! It knows nothing about what is sold. It carries requests in and, as [`Served`] says, replies out: complete,
//! truncated, or not at all. It cannot simulate a refused connection: it has accepted by then, and closes instead.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming as HyperBody};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Incoming, RateLimit, Sandbox, Served};
use crate::provider::Response;

/// The largest request that is read: 100 tasks of 2,000 characters fit many times over.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Tasks in one piece of the listed bill, so that the lock is held shortly.
const BILL_CHUNK: usize = 5_000;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Serves a sandbox on a listener until `stop`; then every connection is cut.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    sandbox: Arc<Mutex<Sandbox>>,
    now: impl Fn() -> DateTime<Utc> + Send + Sync + Clone + 'static,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, _) = match accepted {
            Ok(accepted) => accepted,
            // The peer was gone before it was let in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => return Err(error),
        };
        connections.spawn(connection(stream, Arc::clone(&sandbox), now.clone()));
    }
}

/// Serves one connection to its end, however that comes.
async fn connection(
    stream: TcpStream,
    sandbox: Arc<Mutex<Sandbox>>,
    now: impl Fn() -> DateTime<Utc> + Send + Sync + Clone + 'static,
) {
    // Only a matter of speed.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| exchange(request, Arc::clone(&sandbox), now.clone()));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the sandbox ended early");
    }
}

fn lock(sandbox: &Mutex<Sandbox>) -> MutexGuard<'_, Sandbox> {
    sandbox.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request; an error makes hyper close the connection without a reply.
async fn exchange(
    request: hyper::Request<HyperBody>,
    sandbox: Arc<Mutex<Sandbox>>,
    now: impl Fn() -> DateTime<Utc>,
) -> io::Result<hyper::Response<Body>> {
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    if path == "/sandbox/bill/tasks" {
        return Ok(hyper::Response::new(bill_lines(sandbox)));
    }
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let post = request.method() == hyper::Method::POST;
    let body = Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await.map_err(io::Error::other)?.to_bytes();
    let incoming = Incoming { path, authorization: header, body: post.then_some(body) };
    let served = lock(&sandbox).handle(now(), &incoming);
    match served {
        Served::Reply { response, after, rate_limit } => {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            let body = Full::new(response.body.clone()).map_err(|never| match never {}).boxed_unsync();
            message(&response, rate_limit, body)
        }
        Served::Truncated { response, sent } => {
            let part = response.body.slice(..sent);
            // The pause lets hyper flush; without it, the error would take head and part with it.
            let cut = async {
                tokio::task::yield_now().await;
                Err(io::Error::from(io::ErrorKind::BrokenPipe))
            };
            let part = stream::iter([Ok(Frame::data(part))]);
            let body = StreamBody::new(part.chain(stream::once(cut))).boxed_unsync();
            message(&response, None, body)
        }
        Served::Dropped | Served::Refused => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// The head and body of a reply.
fn message(response: &Response, rate_limit: Option<RateLimit>, body: Body) -> io::Result<hyper::Response<Body>> {
    let kind = if response.body.starts_with(b"<") { "text/html; charset=UTF-8" } else { "application/json" };
    let mut head = hyper::Response::builder()
        .status(response.status)
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_LENGTH, response.body.len());
    if let Some(date) = response.date {
        head = head.header(DATE, date.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    if let Some(after) = response.retry_after {
        head = head.header(RETRY_AFTER, after.as_secs());
    }
    if let Some(rate) = rate_limit {
        head = head
            .header("X-RateLimit-Limit-Requests", rate.limit)
            .header("X-RateLimit-Remaining-Requests", rate.remaining)
            .header("X-RateLimit-Reset-Requests", rate.reset);
    } else if response.status == 401 {
        head = head.header(WWW_AUTHENTICATE, "Basic realm=\"sandbox\"");
    }
    head.body(body).map_err(io::Error::other)
}

/// The bill task by task, in pieces.
fn bill_lines(sandbox: Arc<Mutex<Sandbox>>) -> Body {
    let pieces = stream::unfold((sandbox, 0), |(sandbox, from)| async move {
        let (lines, next) = lock(&sandbox).bill_lines(from, BILL_CHUNK)?;
        Some((lines, (sandbox, next)))
    });
    StreamBody::new(pieces.map(|lines| Ok(Frame::data(Bytes::from(lines))))).boxed_unsync()
}
