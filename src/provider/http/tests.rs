//! Tests against a peer that speaks HTTP by hand, over real sockets and in real time.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

mod proxy;
mod tls;

const LOGIN: &str = "someone@example.org";
const PASSWORD: &str = "s3cret-s3cret";
/// `someone@example.org:s3cret-s3cret` in base64.
const BASE64_PAIR: &str = "c29tZW9uZUBleGFtcGxlLm9yZzpzM2NyZXQtczNjcmV0";

/// What the peer does once it has read a request.
enum Then {
    /// Says this and closes.
    Say(&'static [u8]),
    /// Closes as hard as can be: a reset.
    Reset,
    /// Says this and keeps the connection open, silently.
    Hang(&'static [u8]),
}

/// A provider that meets each connection with the next of these; and all that connected to it, in order.
///
/// Whoever connects beyond the script is recorded all the same: the listener's queue keeps the order, so a test that
/// ends with a connection of its own (a `probe`) sees every connection that was made before it.
struct Peer {
    url: String,
    seen: JoinHandle<Vec<String>>,
}

async fn peer(script: Vec<Then>) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut seen, mut held, mut script) = (Vec::new(), Vec::new(), script.into_iter());
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = read_request(&mut stream).await;
            if request == "probe" {
                return seen;
            }
            seen.push(request);
            match script.next() {
                Some(Then::Say(reply)) => stream.write_all(reply).await.unwrap(),
                Some(Then::Hang(reply)) => {
                    stream.write_all(reply).await.unwrap();
                    held.push(stream);
                }
                Some(Then::Reset) | None => stream.set_zero_linger().unwrap(),
            }
        }
    });
    Peer { url, seen }
}

/// Everything up to the end of the body that the headers promise.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if text == "probe" || stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

impl Peer {
    fn through(&self, proxy: &Proxy) -> Http {
        Http::by(&self.url, &LOGIN.to_owned().into(), &PASSWORD.to_owned().into(), Some(proxy)).unwrap()
    }

    fn http(&self) -> Http {
        Http::new(&self.url, &LOGIN.to_owned().into(), &PASSWORD.to_owned().into()).unwrap()
    }

    async fn seen(self) -> Vec<String> {
        let mut probe = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        probe.write_all(b"probe").await.unwrap();
        self.seen.await.unwrap()
    }
}

fn purchase() -> Request {
    Request {
        path: "/v3/x/task_post".into(),
        body: Some(r#"[{"keyword":"one"}]"#.into()),
        spends: true,
        timeout: Duration::from_secs(20),
    }
}

fn question() -> Request {
    Request { path: "/v3/x/tasks_ready".into(), body: None, spends: false, timeout: Duration::from_secs(20) }
}

fn no_answer(outcome: Result<Response, Failure>) -> String {
    match outcome {
        Err(Failure::NoAnswer(why) | Failure::Part { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_purchase_on_a_reset_connection_is_sent_once() {
    let peer = peer(vec![Then::Reset]).await;
    let why = no_answer(peer.http().call(purchase()).await);
    assert!(why.starts_with("127.0.0.1: "), "{why}");
    let seen = peer.seen().await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].starts_with("POST /v3/x/task_post HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].ends_with("\r\n\r\n[{\"keyword\":\"one\"}]"), "{}", seen[0]);
    assert!(seen[0].contains(&format!("authorization: Basic {BASE64_PAIR}\r\n")), "{}", seen[0]);
}

#[tokio::test]
async fn each_purchase_has_a_connection_of_its_own() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let peer = peer(vec![Then::Hang(reply), Then::Hang(reply)]).await;
    let http = peer.http();
    for _ in 0..2 {
        assert_eq!(http.call(purchase()).await.unwrap().body, "{}");
    }
    assert_eq!(peer.seen().await.len(), 2);
}

#[tokio::test]
async fn a_redirect_never_receives_the_credentials() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let reply =
            format!("HTTP/1.1 {status}\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let reply: &'static [u8] = reply.leak().as_bytes();
        let peer = peer(vec![Then::Say(reply), Then::Say(reply)]).await;
        let http = peer.http();
        for request in [purchase(), question()] {
            assert_eq!(http.call(request).await.unwrap().status, status[..3].parse::<u16>().unwrap());
        }
        assert_eq!(peer.seen().await.len(), 2);
    }
}

#[tokio::test]
async fn a_free_call_is_not_repeated_either() {
    let peer = peer(vec![Then::Reset]).await;
    no_answer(peer.http().call(question()).await);
    assert_eq!(peer.seen().await.len(), 1);
}

#[tokio::test]
async fn a_reply_is_read_with_date_and_retry_after() {
    let peer = peer(vec![
        Then::Say(
            b"HTTP/1.1 429 Slow\r\nDate: Sun, 22 Nov 2026 15:30:11 GMT\r\nRetry-After: 7\r\nContent-Length: 1\r\n\r\nx",
        ),
        Then::Say(b"HTTP/1.1 503 No\r\nDate: yesterday\r\nRetry-After: 99999999999999\r\nContent-Length: 0\r\n\r\n"),
        Then::Say(b"HTTP/1.1 503 No\r\nRetry-After: Sun, 22 Nov 2020 15:30:11 GMT\r\nContent-Length: 0\r\n\r\n"),
    ])
    .await;
    let http = peer.http();
    assert_eq!(
        http.call(purchase()).await,
        Ok(Response {
            status: 429,
            date: DateTime::from_timestamp(1_795_361_411, 0),
            retry_after: Some(Duration::from_secs(7)),
            rest: None,
            body: "x".into(),
        })
    );
    let reply = |retry_after| Ok(Response { status: 503, date: None, retry_after, rest: None, body: Bytes::new() });
    assert_eq!(http.call(purchase()).await, reply(Some(Duration::from_hours(24))));
    assert_eq!(http.call(purchase()).await, reply(None));
}

#[tokio::test]
async fn a_wish_far_in_the_future_is_bounded() {
    let peer = peer(vec![Then::Say(
        b"HTTP/1.1 429 Slow\r\nDate: Sun, 22 Nov 2026 15:30:11 GMT\r\nRetry-After: Sun, 22 Nov 2099 15:30:11 GMT\r\n\
          Content-Length: 0\r\n\r\n",
    )])
    .await;
    assert_eq!(peer.http().call(purchase()).await.unwrap().retry_after, Some(Duration::from_hours(24)));
}

#[tokio::test]
async fn a_decompressed_reply_is_bounded_in_size() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 39\r\n\r\n\
        \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x2e\x49\x2c\x29\x2d\x8e\x4f\xce\x4f\x49\x55\
        \xb2\x32\x32\x00\x82\x5a\x00\x10\x1e\x0d\xa4\x15\x00\x00\x00";
    let peer = peer(vec![Then::Say(reply), Then::Say(reply)]).await;
    let mut http = peer.http();
    http.max_body_bytes = 21;
    assert_eq!(http.call(question()).await.unwrap().body, r#"{"status_code":20000}"#);
    http.max_body_bytes = 20;
    assert_eq!(no_answer(http.call(question()).await), "127.0.0.1: the reply is larger than 20 bytes");
    assert!(peer.seen().await[0].contains("accept-encoding: gzip\r\n"));
}

/// `{"status_code":20000}`, compressed.
const PACKED: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x2e\x49\x2c\x29\x2d\x8e\x4f\xce\x4f\x49\x55\xb2\x32\
    \x32\x00\x82\x5a\x00\x10\x1e\x0d\xa4\x15\x00\x00\x00";

#[tokio::test]
async fn what_arrived_of_a_broken_reply_is_handed_on() {
    let whole = r#"{"status_code":20000}"#;
    for (packed, length, expected, is_bound) in [
        (true, PACKED.len() - 8, whole, false),
        (true, PACKED.len() - 1, whole, false),
        (true, PACKED.len(), "{\"status_code\":2000", true),
        (false, 12, "{\"status_cod", false),
    ] {
        let sent = if packed { &PACKED[..length] } else { &whole.as_bytes()[..length] };
        let claimed = if packed { sent.len() } else { whole.len() };
        let coding = if packed { "Content-Encoding: gzip\r\n" } else { "" };
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Content-Length: {claimed}\r\n\r\n");
        let peer = peer(vec![Then::Say(Box::leak([head.as_bytes(), sent].concat().into_boxed_slice()))]).await;
        let mut http = peer.http();
        http.max_body_bytes = if is_bound { 19 } else { 1_000 };
        let Err(Failure::Part { response, is_bound: found, .. }) = http.call(question()).await else { panic!() };
        assert_eq!((&response.body[..], found), (expected.as_bytes(), is_bound), "{length}");
    }
}

#[tokio::test]
async fn a_body_claiming_compression_is_kept_as_sent() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}";
    let peer = peer(vec![Then::Say(reply)]).await;
    assert_eq!(peer.http().call(question()).await.unwrap().body, "{}");
}

#[tokio::test]
async fn a_reply_that_is_cut_short_is_no_answer() {
    for reply in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"hello",
        b"",
    ] {
        let peer = peer(vec![Then::Say(reply)]).await;
        no_answer(peer.http().call(purchase()).await);
        assert_eq!(peer.seen().await.len(), 1);
    }
}

#[tokio::test]
async fn a_reply_after_the_timeout_is_none() {
    for reply in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"] {
        let peer = peer(vec![Then::Hang(reply)]).await;
        let request = Request { timeout: Duration::from_millis(50), ..purchase() };
        assert_eq!(no_answer(peer.http().call(request).await), "127.0.0.1: no reply in time");
    }
}

#[tokio::test]
async fn what_finds_no_connection_never_left() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let http = Http::new(&format!("http://{closed}"), &LOGIN.to_owned().into(), &PASSWORD.to_owned().into()).unwrap();
    for request in [purchase(), question()] {
        let Err(Failure::NeverLeft(why)) = http.call(request).await else { panic!() };
        assert!(why.starts_with("127.0.0.1: Connection refused"), "{why}");
    }
}

#[tokio::test]
async fn what_finds_no_tls_never_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let http = Http::new(&url, &LOGIN.to_owned().into(), &PASSWORD.to_owned().into()).unwrap();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 No TLS here\r\n\r\n").await.unwrap();
        hello
    });
    let Err(Failure::NeverLeft(why)) = http.call(purchase()).await else { panic!() };
    assert!(why.starts_with("127.0.0.1: "), "{why}");
    assert_eq!(peer.await.unwrap()[0], 0x16, "a TLS hello, and nothing of the request");
}

#[tokio::test]
async fn neither_the_client_nor_its_errors_show_the_credentials() {
    let peer = peer(vec![Then::Reset]).await;
    let http = peer.http();
    let reset = http.call(purchase()).await.unwrap_err();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nowhere =
        Http::new(&format!("http://{closed}"), &LOGIN.to_owned().into(), &PASSWORD.to_owned().into()).unwrap();
    let refused = nowhere.call(purchase()).await.unwrap_err();
    let in_url = format!("https://{LOGIN}:{PASSWORD}@example.org").replacen('@', "%40", 1);
    let in_url = Http::new(&in_url, &LOGIN.to_owned().into(), &PASSWORD.to_owned().into()).unwrap_err();
    let colon = Http::new(&peer.url, &format!("a:{LOGIN}").into(), &PASSWORD.to_owned().into()).unwrap_err();
    let shown = format!(
        "{http:?} {http:#?} {reset} {reset:?} {refused} {refused:?} {in_url} {in_url:?} {colon} {colon:?} {:?}",
        http.authorization
    );
    for secret in [LOGIN, PASSWORD, BASE64_PAIR, "someone", "s3cret"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(format!("{http:?}"), format!("Http {{ base: \"{}/\", .. }}", peer.url));
}

#[tokio::test]
async fn the_gateway_gets_its_key_and_paths() {
    let peer = peer(vec![Then::Reset, Then::Reset]).await;
    let key = SecretString::from("s3cret-key");
    let http = Http::through_aisa(&peer.url, &key, None).unwrap();
    let lost = no_answer(http.call(purchase()).await);
    no_answer(http.call(question()).await);
    let odd = Http::through_aisa(&peer.url, &"s3cret key\n".to_owned().into(), None).unwrap_err();
    let empty = Http::through_aisa(&peer.url, &String::new().into(), None).unwrap_err();
    assert_eq!(odd.to_string(), empty.to_string());
    let shown = format!("{http:?} {lost} {odd} {odd:?} {:?}", http.authorization);
    assert!(!shown.contains("s3cret"), "{shown}");
    let seen = peer.seen().await;
    assert_eq!(seen.len(), 2);
    assert!(seen[0].starts_with("POST /apis/v1/dataforseo/x/task_post HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[1].starts_with("GET /apis/v1/dataforseo/x/tasks_ready HTTP/1.1\r\n"), "{}", seen[1]);
    assert!(seen.iter().all(|seen| seen.contains("authorization: Bearer s3cret-key\r\n")), "{seen:?}");
}

#[test]
fn a_rate_limit_reset_is_awaited_within_bounds() {
    let now = 1_795_361_411;
    let of = |remaining: &'static str, reset: i64| {
        let mut headers = HeaderMap::new();
        headers.insert(REMAINING, HeaderValue::from_static(remaining));
        headers.insert(RESET, HeaderValue::from_str(&reset.to_string()).unwrap());
        rest(&headers, now)
    };
    assert_eq!(of("0", now + 47), Some(Duration::from_secs(47)));
    for (remaining, reset) in [
        ("1", now + 47),
        ("none", now + 47),
        ("0", now),
        ("0", now - 5),
        ("0", 47),
        ("0", now + 3_600),
        ("0", i64::MAX),
    ] {
        assert_eq!(of(remaining, reset), None, "{remaining} {reset}");
    }
    assert_eq!(rest(&HeaderMap::new(), now), None);
}

#[test]
fn credentials_go_over_https_or_stay_on_this_machine() {
    let new = |url: &str| Http::new(url, &LOGIN.to_owned().into(), &PASSWORD.to_owned().into());
    for url in [
        "https://api.example.org",
        "https://api.example.org/base/",
        "http://localhost:1",
        "http://127.9.9.9",
        "http://[::1]:80",
    ] {
        assert!(new(url).is_ok(), "{url}");
    }
    for (url, why) in [
        ("http://api.example.org", "the base URL must begin with https:// (http:// is for loopback only)"),
        ("http://127.0.0.1.example.org", "the base URL must begin with https:// (http:// is for loopback only)"),
        ("ftp://localhost", "the base URL must begin with https:// (http:// is for loopback only)"),
        ("https://me@api.example.org", "the base URL must not hold a login or password"),
        ("https://api.example.org?x=1", "the base URL must end with its path"),
        ("api.example.org", "the base URL is no URL"),
        ("", "the base URL is no URL"),
        ("mailto:x", "the base URL has no host"),
    ] {
        assert_eq!(new(url).unwrap_err().to_string(), why, "{url}");
    }
}
