//! Who answers for the provider: its own front, or somebody in between.
//!
//! An https reply comes from whoever has a certificate for the provider's name that this machine believes. A captive portal
//! has none. A company's firewall may have one, of an authority that the company has installed here: it reads along, and may
//! refuse the reply to a purchase as well as the request. So every certificate is judged twice: whether this machine believes
//! it, which decides whether there is a connection; and whether a public authority has issued it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// Believes whom this machine believes, and notes where no public authority would.
#[derive(Debug)]
pub(super) struct NotesInterception {
    machine: Arc<dyn ServerCertVerifier>,
    public: Arc<WebPkiServerVerifier>,
    intercepted: Arc<AtomicBool>,
}

impl NotesInterception {
    pub(super) fn new(machine: Arc<dyn ServerCertVerifier>, public: Arc<WebPkiServerVerifier>) -> Self {
        Self { machine, public, intercepted: Arc::default() }
    }

    /// True once somebody has shown a certificate that no public authority has issued.
    pub(super) fn intercepted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.intercepted)
    }
}

impl ServerCertVerifier for NotesInterception {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.machine.verify_server_cert(end, between, name, ocsp, now)?;
        if self.public.verify_server_cert(end, between, name, ocsp, now).is_err() {
            self.intercepted.store(true, Ordering::Relaxed);
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        of: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.machine.verify_tls12_signature(message, of, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        of: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.machine.verify_tls13_signature(message, of, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.machine.supported_verify_schemes()
    }
}
