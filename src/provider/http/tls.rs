//! TLS: which certificates are trusted, and what is wrong with one, in words.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::DateTime;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::HttpError;
use super::public::NotesInterception;

/// Whose certificates are believed.
pub(super) enum Trust {
    /// Those of the authorities that this machine knows.
    Machine,
    /// Nobody's: what is spoken to on this machine needs no certificate, and a bare container has none.
    Nobody,
    /// Those of these authorities, of which some are public.
    #[cfg(test)]
    These { machine: RootCertStore, public: RootCertStore },
}

/// How TLS is spoken, before it is said which protocols are spoken on it; and whether somebody in between was noticed.
pub(super) fn config(trust: &Trust) -> Result<(ClientConfig, Arc<AtomicBool>), HttpError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let failed = |error: &dyn std::fmt::Display| HttpError::Client(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let by = |roots: RootCertStore| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()
    };
    let (machine, public): (Arc<dyn ServerCertVerifier>, _) = match trust {
        Trust::Machine => {
            let machine = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
            let machine = machine.map_err(|error| HttpError::NoAuthorities(error.to_string()))?;
            (Arc::new(machine), webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
        }
        Trust::Nobody => {
            let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
            return Ok((config, Arc::default()));
        }
        #[cfg(test)]
        Trust::These { machine, public } => (by(machine.clone()).map_err(|error| failed(&error))?, public.clone()),
    };
    let verifier = NotesInterception::new(machine, by(public).map_err(|error| failed(&error))?);
    let intercepted = verifier.intercepted();
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok((config, intercepted))
}

/// The same for these protocols, the best first.
pub(super) fn speaking(config: &ClientConfig, protocols: &[&str]) -> ClientConfig {
    let alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let mut config = config.clone();
    config.alpn_protocols = alpn_protocols;
    config
}

/// What TLS said in an error, however deep.
pub(super) fn of<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    let mut layer = Some(error);
    while let Some(error) = layer {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error names the cause of what it carries as its own, and not what it carries.
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        layer = carried.map_or_else(|| error.source(), |carried| Some(carried));
    }
    None
}

/// What is wrong, in words for a sentence that begins with the host.
#[expect(clippy::wildcard_enum_match_arm, reason = "what has no words of ours is told in those of TLS")]
pub(super) fn in_words(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return format!("no TLS connection comes about: {error}");
    };
    match fault {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired, on {}, by this machine's clock", moment(*not_after))
        }
        CertificateError::Expired => "its certificate has expired, by this machine's clock".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is valid from {} only, by this machine's clock", moment(*not_before))
        }
        CertificateError::NotValidYet => "its certificate is not valid yet, by this machine's clock".to_owned(),
        CertificateError::UnknownIssuer => {
            "its certificate is of an issuer that this machine does not know: either somebody between this machine and the \
             server reads along, such as a company's proxy, whose own certificate is to be installed here, or the package \
             ca-certificates is too old"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            format!("its certificate is for another name ({})", names.join(", "))
        }
        CertificateError::NotValidForNameContext { .. } | CertificateError::NotValidForName => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::Revoked => "its certificate has been revoked".to_owned(),
        other => format!("its certificate is not accepted: {other}"),
    }
}

/// `DnsName("example.org")` is `example.org` for a person.
fn bare(name: &str) -> &str {
    name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')')).trim_matches('"')
}

fn moment(at: UnixTime) -> String {
    let at = i64::try_from(at.as_secs()).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.map_or_else(|| "an unknown day".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}
