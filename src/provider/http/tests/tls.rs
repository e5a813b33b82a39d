//! Tests against servers with certificates of all kinds.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority, and a certificate of it for this name, made as `make` says.
fn issued(name: &str, make: impl Fn(&mut CertificateParams)) -> (RootCertStore, ServerConfig) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, format!("authority of {name}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    make(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (roots, server)
}

/// Serves one connection; what it has read of a request.
async fn served(server: ServerConfig) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let seen = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(server)).accept(stream).await else { return String::new() };
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"[{\"keyword\":\"one\"}]") {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        stream.shutdown().await.unwrap();
        String::from_utf8(bytes).unwrap()
    });
    (url, seen)
}

fn http(url: &str, roots: RootCertStore) -> Http {
    let trust = Trust::These { machine: roots.clone(), public: roots };
    Http::speaking(url, "/v3", HeaderValue::from_static("x"), None, Some(trust)).unwrap()
}

#[tokio::test]
async fn a_certificate_of_no_public_authority_shows_an_interceptor() {
    for is_public in [true, false] {
        let (roots, server) = issued("localhost", |_| {});
        let (others, _) = issued("elsewhere.example", |_| {});
        let (url, seen) = served(server).await;
        let trust = Trust::These { public: if is_public { roots.clone() } else { others }, machine: roots };
        let http = Http::speaking(&url, "/v3", HeaderValue::from_static("x"), None, Some(trust)).unwrap();
        assert!(!http.is_intercepted());
        assert_eq!(http.call(purchase()).await.unwrap().body, "{}");
        assert_eq!(http.is_intercepted(), !is_public);
        seen.await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_of_a_known_issuer_is_accepted() {
    let (roots, server) = issued("localhost", |_| {});
    let (url, seen) = served(server).await;
    assert_eq!(http(&url, roots).call(purchase()).await.unwrap().body, "{}");
    assert!(seen.await.unwrap().starts_with("POST /v3/x/task_post HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_faulty_certificate_is_named_and_nothing_was_sent() {
    let (_, unknown) = issued("localhost", |_| {});
    let (known, _) = issued("elsewhere.example", |_| {});
    let (of_expired, expired) = issued("localhost", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let (of_early, early) = issued("localhost", |params| params.not_before = date_time_ymd(2999, 1, 1));
    let (of_other, other) = issued("elsewhere.example", |_| {});
    for (roots, server, says) in [
        (of_expired, expired, "its certificate has expired, on 2020-02-01 00:00 UTC, by this machine's clock"),
        (of_early, early, "its certificate is valid from 2999-01-01 00:00 UTC only, by this machine's clock"),
        (of_other, other, "its certificate is for another name (elsewhere.example)"),
        (
            known,
            unknown,
            "its certificate is of an issuer that this machine does not know: either somebody between this machine and the \
             server reads along, such as a company's proxy, whose own certificate is to be installed here, or the package \
             ca-certificates is too old",
        ),
    ] {
        let (url, seen) = served(server).await;
        let Err(Failure::NeverLeft(why)) = http(&url, roots).call(purchase()).await else { panic!("{says}") };
        assert_eq!(why, format!("localhost: {says}; no request was sent"));
        assert_eq!(seen.await.unwrap(), "");
    }
}

#[tokio::test]
async fn through_a_proxy_the_certificate_is_the_providers() {
    let (roots, server) = issued("localhost", |_| {});
    let (url, seen) = served(server).await;
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::new(&format!("http://{}", relay.local_addr().unwrap()), None).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = relay.accept().await.unwrap();
        let head = read_request(&mut stream).await;
        let mut beyond = TcpStream::connect(head.split(' ').nth(1).unwrap()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        drop(tokio::io::copy_bidirectional(&mut stream, &mut beyond).await);
    });
    let trust = Some(Trust::These { machine: roots.clone(), public: roots });
    let http = Http::speaking(&url, "/v3", HeaderValue::from_static("x"), Some(&proxy), trust).unwrap();
    assert_eq!(http.call(purchase()).await.unwrap().body, "{}");
    assert!(seen.await.unwrap().starts_with("POST /v3/x/task_post HTTP/1.1\r\n"));
}
