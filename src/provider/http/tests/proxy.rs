//! Tests through a small proxy: what it refuses was never sent, and what fails behind it is judged as on a direct
//! connection.

use tokio::io::copy_bidirectional;

use super::*;

/// What the proxy does once it has read the head of a CONNECT.
#[derive(Clone, Copy)]
enum Does {
    /// Connects, after these words.
    Connect(&'static [u8]),
    /// Says this and closes.
    Say(&'static [u8]),
    /// Says nothing, for a minute.
    Hang,
}

const YES: Does = Does::Connect(b"HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\n");
/// `user:pass-word` in base64.
const BASE64_AUTH: &str = "dXNlcjpwYXNzLXdvcmQ=";

/// A proxy that does the same with each connection; and all heads that it has read.
async fn proxy(does: Does) -> (Proxy, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heads, read) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let heads = heads.clone();
            tokio::spawn(async move {
                let head = read_request(&mut stream).await;
                let to = head.split(' ').nth(1).unwrap_or_default().to_owned();
                heads.send(head).unwrap();
                match does {
                    Does::Say(reply) => stream.write_all(reply).await.unwrap(),
                    Does::Hang => tokio::time::sleep(Duration::from_mins(1)).await,
                    Does::Connect(reply) => {
                        let mut beyond = TcpStream::connect(to).await.unwrap();
                        stream.write_all(reply).await.unwrap();
                        // Either side may reset it.
                        drop(copy_bidirectional(&mut stream, &mut beyond).await);
                        beyond.set_zero_linger().unwrap();
                        stream.set_zero_linger().unwrap();
                    }
                }
            });
        }
    });
    (Proxy::new(&url, Some(&"user:pass-word".to_owned().into())).unwrap(), read)
}

const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 15:30:11 GMT\r\nContent-Length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_proxied_purchase_is_sent_once() {
    let peer = peer(vec![Then::Say(REPLY)]).await;
    let (proxy, mut heads) = proxy(YES).await;
    let http = peer.through(&proxy);
    let response = http.call(purchase()).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"{}"[..]));
    assert_eq!(response.date, DateTime::from_timestamp(1_795_361_411, 0));
    let address = peer.url.trim_start_matches("http://").to_owned();
    assert_eq!(
        heads.recv().await.unwrap(),
        format!(
            "CONNECT {address} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {USER_AGENT}\r\n\
             Proxy-Authorization: Basic {BASE64_AUTH}\r\n\r\n"
        )
    );
    let seen = peer.seen().await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].starts_with("POST /v3/x/task_post HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].contains(&format!("authorization: Basic {BASE64_PAIR}\r\n")), "{}", seen[0]);
    assert!(!seen[0].contains(BASE64_AUTH), "the provider learns nothing of the proxy's password: {}", seen[0]);
    assert!(
        seen[0].contains(&format!("host: {address}\r\n")) && seen[0].contains("user-agent: bursar/"),
        "{}",
        seen[0]
    );
}

#[tokio::test]
async fn what_a_proxy_refuses_has_never_left() {
    let no_head: &'static [u8] = vec![b'x'; 17 * 1024].leak();
    for (reply, says) in [
        (&b"HTTP/1.1 403 Forbidden\r\n\r\n"[..], "refuses to connect to TO: it answers 403 Forbidden"),
        (
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "refuses to connect to TO: it answers 502 Bad Gateway",
        ),
        (
            b"HTTP/1.0 407 Proxy Authentication Required\r\n\r\n",
            "asks for a user and password (its answer to CONNECT TO: 407 Proxy Authentication Required): set \
             `proxy_auth_env` or `proxy_auth_file` of the account, or correct what they hold",
        ),
        (b"", "gives no proper answer to CONNECT TO: it closes the connection"),
        (b"HTTP/1.1 200 O", "gives no proper answer to CONNECT TO: it is cut short"),
        (b"220 mail ready\r\n\r\n", "gives no proper answer to CONNECT TO: it is no HTTP"),
        (b"HTTP/1.1 maybe\r\n\r\n", "gives no proper answer to CONNECT TO: it is no HTTP"),
        (no_head, "gives no proper answer to CONNECT TO: its head does not end"),
        (b"HTTP/1.1 200 OK\r\n\r\n{\"tasks\":[]}", "gives no proper answer to CONNECT TO: more than an answer"),
    ] {
        let peer = peer(Vec::new()).await;
        let (proxy, _heads) = proxy(Does::Say(reply)).await;
        let Err(Failure::NeverLeft(why)) = peer.through(&proxy).call(purchase()).await else { panic!("{says}") };
        let to = peer.url.trim_start_matches("http://").to_owned();
        let says = says.replace("TO", &to);
        assert_eq!(why, format!("127.0.0.1: the proxy {} {says}; no request was sent", proxy.name()));
        assert_eq!(peer.seen().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_sends_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::new(&format!("http://{closed}"), None).unwrap();
    for url in ["http://127.0.0.1:9", "https://provider.invalid"] {
        let http = Http::speaking(url, "/v3", HeaderValue::from_static("x"), Some(&proxy), Some(Trust::Nobody));
        let Err(Failure::NeverLeft(why)) = http.unwrap().call(purchase()).await else { panic!("{url}") };
        assert!(why.contains(&format!("the proxy {closed} cannot be reached: Connection refused")), "{why}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_answer_sends_nothing() {
    let peer = peer(Vec::new()).await;
    let (proxy, _heads) = proxy(Does::Hang).await;
    let request = Request { timeout: Duration::from_millis(50), ..purchase() };
    let Err(Failure::NeverLeft(why)) = peer.through(&proxy).call(request).await else { panic!() };
    assert_eq!(why, "127.0.0.1: there was no connection through the proxy within 50ms");
    assert_eq!(peer.seen().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_breaks_behind_a_proxy_is_in_doubt() {
    for then in [Then::Reset, Then::Say(b""), Then::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")] {
        let peer = peer(vec![then]).await;
        let (proxy, _heads) = proxy(YES).await;
        no_answer(peer.through(&proxy).call(purchase()).await);
        assert_eq!(peer.seen().await.len(), 1);
    }
    for reply in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"] {
        let peer = peer(vec![Then::Hang(reply)]).await;
        let (proxy, _heads) = proxy(YES).await;
        let request = Request { timeout: Duration::from_millis(50), ..purchase() };
        assert_eq!(no_answer(peer.through(&proxy).call(request).await), "127.0.0.1: no reply in time");
    }
}

#[tokio::test]
async fn a_proxy_is_given_the_providers_name() {
    let (proxy, mut heads) = proxy(Does::Say(b"HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let base = "https://provider.invalid/base";
    let http = Http::speaking(base, "/v3", HeaderValue::from_static("x"), Some(&proxy), Some(Trust::Nobody)).unwrap();
    for request in [purchase(), question()] {
        let Err(Failure::NeverLeft(why)) = http.call(request).await else { panic!() };
        assert!(
            why.ends_with("refuses to connect to provider.invalid:443: it answers 403 Forbidden; no request was sent")
        );
        assert!(heads.recv().await.unwrap().starts_with("CONNECT provider.invalid:443 HTTP/1.1\r\n"));
    }
}

#[test]
fn the_password_of_a_proxy_is_never_shown() {
    let secret = SecretString::from("someone:s3cret".to_owned());
    let proxy = Proxy::new("http://proxy.example:3128", Some(&secret)).unwrap();
    let shown = format!("{proxy:?} {:?}", proxy.authorization);
    assert!(!shown.contains("s3cret") && !shown.contains(&BASE64.encode(b"someone:s3cret")), "{shown}");
    let no_colon = Proxy::new("http://proxy.example:3128", Some(&"s3cret".to_owned().into())).unwrap_err();
    assert_eq!(no_colon, "its user and password are written as `user:password`, and there is no colon");
    for url in ["socks5://proxy.example", "http://a:b@proxy.example", "proxy.example:3128", "http://", ""] {
        assert!(Proxy::new(url, None).is_err(), "{url}");
    }
}
