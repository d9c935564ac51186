//! TLS from a client's side: whom it trusts, and the handshake.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::address::{Carrier, Endpoint};
use crate::tls::provider;

/// Whose word is taken for who the server is.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Trust {
    /// Trust the certificates in this file, in PEM, instead of those that the system trusts
    #[arg(long, value_name = "FILE", env = "CARILLON_CA")]
    ca: Option<PathBuf>,
    /// Do not ask who the server is: anybody on the way may read along
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

impl Trust {
    /// Shakes hands with the server there.
    ///
    /// # Errors
    /// There are no certificates to trust, or the server has none that they vouch for.
    pub async fn handshake(
        &self,
        endpoint: &Endpoint,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let host = endpoint.host();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(self.config(endpoint)?));
        connector.connect(name, stream).await
    }

    fn config(&self, endpoint: &Endpoint) -> io::Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let mut config = if self.insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider())))
                .with_no_client_auth()
        } else {
            builder
                .with_root_certificates(self.roots()?)
                .with_no_client_auth()
        };
        if let Carrier::WebSocket(_) = endpoint.carrier() {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(config)
    }

    fn roots(&self) -> io::Result<RootCertStore> {
        let certificates = match &self.ca {
            Some(path) => certificates_in_file(path)?,
            // Those that cannot be read are as good as not there.
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates);
        match &self.ca {
            Some(path) if added == 0 => Err(unusable(path, "there is no certificate in it")),
            _ => Ok(roots),
        }
    }
}

/// What to do about a handshake that failed, if it is something that the user could do.
pub fn advice(error: &io::Error) -> Option<&'static str> {
    if error.kind() == io::ErrorKind::InvalidInput {
        return Some("name a file of certificates in PEM");
    }
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "name a certificate to trust with --ca FILE",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "use a name that its certificate is for",
        rustls::Error::InvalidMessage(_) | rustls::Error::AlertReceived(_) => {
            "is TLS spoken there? Try ws://"
        }
        _ => "TLS is not possible with it",
    })
}

fn certificates_in_file(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> io::Error {
    let message = format!("--ca {}: {reason}", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Takes everybody for the server.
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
