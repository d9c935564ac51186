//! The trust in client certificates: the CA certificates and the revocation list, from PEM files to rustls' verifier.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateRevocationListDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::certificate::{CertificateError, chain, pem_error, provider};

/// The files that decide which client certificates are trusted.
#[derive(Debug, Clone)]
pub(super) struct ClientTrustFiles {
    /// The file of the CA certificates.
    pub ca: PathBuf,
    /// The file of the revocation lists.
    pub crl: Option<PathBuf>,
    /// States if a client needs a certificate.
    pub rule: ClientCertificateRule,
}

/// States if connections with TLS need a client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientCertificateRule {
    Optional,
    Required,
}

impl ClientTrustFiles {
    /// Returns the paths of the files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&*self.ca).chain(self.crl.as_deref())
    }

    /// Loads the verifier. With revocation lists, all certificates of a chain must be covered by a list of their issuer. The
    /// time at which a list should have been replaced is not checked: an old list is better than no client.
    ///
    /// # Errors
    /// One of the files is not valid.
    pub fn load(&self) -> Result<Arc<dyn ClientCertVerifier>, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in chain(&self.ca)? {
            roots
                .add(certificate)
                .map_err(|reason| CertificateError::UnusableAuthority {
                    path: self.ca.clone(),
                    reason,
                })?;
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        if let Some(path) = &self.crl {
            builder = builder.with_crls(revocation_lists(path)?);
        }
        if self.rule == ClientCertificateRule::Optional {
            builder = builder.allow_unauthenticated();
        }
        // Only a revocation list can be faulty: there is a root.
        builder
            .build()
            .map_err(|reason| CertificateError::UnusableRevocationList {
                path: self.crl.clone().unwrap_or_default(),
                reason,
            })
    }
}

fn revocation_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, CertificateError> {
    let lists = CertificateRevocationListDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match lists {
        Ok(lists) if lists.is_empty() => Err(CertificateError::Missing {
            path: path.to_owned(),
            label: REVOCATION_LIST,
        }),
        lists => lists.map_err(|error| pem_error(path, error, REVOCATION_LIST)),
    }
}

/// RFC 7468, 6.
const REVOCATION_LIST: &str = "X509 CRL";
