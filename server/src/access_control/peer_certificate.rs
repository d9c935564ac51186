//! The client certificates of connections, and the check whether they are still trusted.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use access::{Certificate, UnreadableCertificate};
use rustls::{
    pki_types::{CertificateDer, UnixTime},
    server::danger::ClientCertVerifier,
};

use super::expiry::Expiry;

/// The authorities whose client certificates are trusted, with the revoked certificates.
#[derive(Debug, Clone, Default)]
pub struct ClientTrust {
    /// Verifies certificates; `None` if none is accepted.
    pub verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Increases with each change.
    pub generation: u64,
}

/// A client certificate that was verified in the handshake of a connection.
pub struct PeerCertificate {
    /// The certificate, and those that its client has sent with it.
    chain: Box<[CertificateDer<'static>]>,
    certificate: Certificate,
    pub(super) expiry: Expiry,
    verified: Mutex<Verified>,
}

/// The result of the last verification.
struct Verified {
    /// The generation of the trust that verified the certificate.
    generation: u64,
    is_trusted: bool,
}

impl PeerCertificate {
    /// Reads a certificate that the trust of this generation has verified.
    ///
    /// # Errors
    /// The first certificate of the chain cannot be read.
    pub fn new(
        chain: &[CertificateDer<'static>],
        generation: u64,
    ) -> Result<Self, UnreadableCertificate> {
        let own = chain.first().ok_or(UnreadableCertificate)?;
        let certificate = Certificate::read(own)?;
        Ok(Self {
            chain: chain.into(),
            expiry: Expiry::at(certificate.expires_s()),
            certificate,
            verified: Mutex::new(Verified {
                generation,
                is_trusted: true,
            }),
        })
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns whether the certificate is trusted. Verifies it again if the trust has changed, which takes about 0.1 ms.
    pub(super) fn is_trusted(&self, trust: &ClientTrust) -> bool {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.generation != trust.generation {
            *verified = Verified {
                generation: trust.generation,
                is_trusted: self.verify(trust),
            };
        }
        verified.is_trusted
    }

    fn verify(&self, trust: &ClientTrust) -> bool {
        let (Some(verifier), Some((own, intermediates))) =
            (&trust.verifier, self.chain.split_first())
        else {
            return false;
        };
        let verified = verifier.verify_client_cert(own, intermediates, UnixTime::now());
        verified.is_ok()
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PeerCertificate({})", self.certificate)
    }
}
