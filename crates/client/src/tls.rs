//! TLS for clients: trusted certificates, the client's own certificate, and the handshake.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::address::Target;

/// The options that decide which server certificates are trusted, and which certificate the client presents.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Trust {
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE", env = "CARILLON_CA")]
    ca: Option<PathBuf>,
    /// Accept any server certificate; insecure, because an attacker on the network can read all
    /// data
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
    /// Present this client certificate (PEM, with its intermediate certificates) if the server asks for one
    #[arg(long, value_name = "FILE", env = "CARILLON_CERT", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key (PEM) of the client certificate
    #[arg(long, value_name = "FILE", env = "CARILLON_KEY", requires = "cert")]
    key: Option<PathBuf>,
}

impl Trust {
    /// Performs the TLS handshake with a server. `alpn` names the protocol that is used over TLS, if it has a name.
    ///
    /// # Errors
    /// There are no trusted certificates, or none of them confirms the server's certificate.
    pub(crate) async fn handshake(
        &self,
        target: &Target,
        alpn: Option<&[u8]>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let host = &target.host;
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(self.config(alpn)?));
        connector.connect(name, stream).await
    }

    fn config(&self, alpn: Option<&[u8]>) -> io::Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = if self.insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider())))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => builder
                .with_client_auth_cert(certificates_in_file("--cert", cert)?, private_key(key)?)
                .map_err(|error| unusable("--cert", cert, &error.to_string()))?,
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.into_iter().map(<[u8]>::to_vec).collect();
        Ok(config)
    }

    fn roots(&self) -> io::Result<RootCertStore> {
        let certificates = match &self.ca {
            Some(path) => certificates_in_file("--ca", path)?,
            // Certificates that cannot be read are skipped.
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates);
        match &self.ca {
            Some(path) if added == 0 => Err(unusable("--ca", path, "the file has no certificate")),
            _ => Ok(roots),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Returns advice for the user on a failed handshake, or None if the error is not one of TLS.
pub(crate) fn advice(error: &io::Error) -> Option<&'static str> {
    if error.kind() == io::ErrorKind::InvalidInput {
        return Some("name a usable PEM file");
    }
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "name a certificate to trust with --ca FILE",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "use a host name that the server's certificate covers",
        rustls::Error::InvalidMessage(_) | rustls::Error::AlertReceived(_) => {
            "the server may not use TLS; try http://, ws:// or mqtt://"
        }
        _ => "TLS with this server is not possible",
    })
}

fn certificates_in_file(option: &str, path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(option, path, &error.to_string()))
}

fn private_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unusable("--key", path, &error.to_string()))
}

fn unusable(option: &str, path: &Path, reason: &str) -> io::Error {
    let message = format!("{option} {}: {reason}", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A verifier that accepts any certificate.
#[derive(Debug)]
struct AcceptAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
