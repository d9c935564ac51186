//! The command-line options for TLS.

use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};

use super::certificate::Files;

/// The options of `carillon serve` for TLS.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsOptions {
    /// The server's certificate and its intermediate certificates, in PEM. With it every port accepts TLS in addition
    /// to plain connections; the file is read again when it changes, and at SIGHUP
    #[arg(
        long = "tls-cert",
        env = "CARILLON_TLS_CERT",
        value_name = "FILE",
        requires = "key"
    )]
    pub cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(
        long = "tls-key",
        env = "CARILLON_TLS_KEY",
        value_name = "FILE",
        requires = "cert"
    )]
    pub key: Option<PathBuf>,
    /// Generate a certificate that is valid while the server runs, for development; no client trusts it
    #[arg(
        long = "tls-self-signed",
        env = "CARILLON_TLS_SELF_SIGNED",
        value_parser = BoolishValueParser::new(),
        conflicts_with_all = ["cert", "key"]
    )]
    pub self_signed: bool,
    /// Write the generated certificate to this file, for clients to trust
    #[arg(
        long = "tls-write-cert",
        env = "CARILLON_TLS_WRITE_CERT",
        value_name = "FILE",
        requires = "self_signed"
    )]
    pub write_cert: Option<PathBuf>,
    /// Ask clients for certificates that one of these CA certificates (PEM) has signed; a user of the users file may have such a
    /// certificate instead of a password. The file is read again when it changes, and at SIGHUP
    #[arg(
        long = "tls-client-ca",
        env = "CARILLON_TLS_CLIENT_CA",
        value_name = "FILE"
    )]
    pub client_ca: Option<PathBuf>,
    /// The revocation lists (PEM) of the CAs of client certificates: one for each CA that has signed a certificate of a
    /// client's chain. Read again as --tls-client-ca; connections with revoked certificates end
    #[arg(
        long = "tls-client-crl",
        env = "CARILLON_TLS_CLIENT_CRL",
        value_name = "FILE",
        requires = "client_ca"
    )]
    pub client_crl: Option<PathBuf>,
    /// Refuse connections with TLS that have no client certificate
    #[arg(
        long = "tls-client-required",
        env = "CARILLON_TLS_CLIENT_REQUIRED",
        value_parser = BoolishValueParser::new(),
        requires = "client_ca"
    )]
    pub client_required: bool,
    /// Refuse connections without TLS, on every port
    #[arg(
        long = "tls-only",
        env = "CARILLON_TLS_ONLY",
        value_parser = BoolishValueParser::new()
    )]
    pub only: bool,
}

impl TlsOptions {
    /// Returns the files of the certificate, if there are any.
    pub(super) fn files(&self) -> Option<Files> {
        Some(Files {
            cert: self.cert.clone()?,
            key: self.key.clone()?,
        })
    }
}
