//! A certificate and its key, from PEM files to rustls' types, with the possible errors.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::VerifierBuilderError,
    sign::CertifiedKey,
};

/// The chain, with the server's own certificate first, and its key.
pub struct Certificate {
    /// The certificates, the server's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first certificate.
    pub key: PrivateKeyDer<'static>,
}

/// The paths of the two files.
#[derive(Debug, Clone)]
pub struct Files {
    /// The file of the certificates.
    pub cert: PathBuf,
    /// The file of the key.
    pub key: PathBuf,
}

/// The reason why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    /// A file is not in the format PEM.
    #[error("{} is not PEM: {reason}", path.display())]
    NotPem { path: PathBuf, reason: pem::Error },
    /// A file has no item with this PEM label.
    #[error(
        "there is no {label} in {}; it must contain -----BEGIN {label}-----",
        path.display()
    )]
    Missing { path: PathBuf, label: &'static str },
    /// The key does not belong to the certificate.
    #[error("{} and {} do not belong together", files.cert.display(), files.key.display())]
    Mismatch { files: Files },
    /// rustls does not accept a CA certificate.
    #[error("a certificate in {} cannot be used: {reason}", path.display())]
    UnusableAuthority {
        path: PathBuf,
        reason: rustls::Error,
    },
    /// rustls does not accept a revocation list.
    #[error("{} cannot be used: {reason}", path.display())]
    UnusableRevocationList {
        path: PathBuf,
        reason: VerifierBuilderError,
    },
    /// rustls does not accept the certificate or the type of the key.
    #[error("{} with {} cannot be used: {reason}", files.cert.display(), files.key.display())]
    Refused { files: Files, reason: rustls::Error },
}

impl Files {
    /// Returns the paths of both files.
    pub fn paths(&self) -> [&Path; 2] {
        [&self.cert, &self.key]
    }

    /// Loads the certificate and its key.
    ///
    /// # Errors
    ///
    /// One of the files is not valid, or they do not belong together.
    pub fn load(&self) -> Result<Arc<CertifiedKey>, CertificateError> {
        let certificate = Certificate {
            chain: chain(&self.cert)?,
            key: key(&self.key)?,
        };
        let files = self.clone();
        certificate.certified_key().map_err(|reason| match reason {
            rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch { files },
            reason => CertificateError::Refused { files, reason },
        })
    }
}

impl Certificate {
    /// Returns the certificate in the form that rustls uses.
    ///
    /// # Errors
    ///
    /// The key does not belong to the certificate, or its type is not supported.
    pub fn certified_key(self) -> Result<Arc<CertifiedKey>, rustls::Error> {
        CertifiedKey::from_der(self.chain, self.key, &provider()).map(Arc::new)
    }
}

/// Returns the implementation of cryptography.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Reads the certificates of a file; at least one.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let chain: Vec<_> = certificates.map_err(|error| pem_error(path, error, CERTIFICATE))?;
    if chain.is_empty() {
        return Err(pem_error(path, pem::Error::NoItemsFound, CERTIFICATE));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| pem_error(path, error, PRIVATE_KEY))
}

/// Returns the error for a file in which items with this PEM label are expected.
pub(super) fn pem_error(path: &Path, error: pem::Error, label: &'static str) -> CertificateError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(reason) => CertificateError::Unreadable { path, reason },
        pem::Error::NoItemsFound => CertificateError::Missing { path, label },
        reason => CertificateError::NotPem { path, reason },
    }
}

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";
