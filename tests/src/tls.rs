//! A TLS client for tests, and server certificates, which each test generates.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Carillon;
use crate::authority::ClientCertificate;
use crate::deadline::{eventually, within};

/// A folder with `cert.pem` and `key.pem`, removed on drop.
pub struct Pair {
    folder: PathBuf,
}

impl Pair {
    /// Generates a certificate for this machine.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("carillon-tls-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let pair = Self { folder };
        pair.renew();
        pair
    }

    /// Writes another certificate with another key to the same files.
    pub fn renew(&self) {
        let key = KeyPair::generate().expect("a key");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(self.cert(), certificate.pem()).expect("written");
        fs::write(self.key(), key.serialize_pem()).expect("written");
    }

    pub fn cert(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Returns the path of a file that does not exist yet.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns a client's trust in the current certificate.
    pub fn trust(&self) -> Trust {
        Trust::in_file(&self.cert())
    }

    /// Starts a server with this certificate, and with separate ports for STOMP and MQTT over TLS.
    pub async fn server(&self, options: &[&str]) -> Carillon {
        let (cert, key) = (text(&self.cert()), text(&self.key()));
        let own = ["--tls-cert", &cert, "--tls-key", &key];
        let ports = ["--stomp-tls", "127.0.0.1:0", "--mqtt-tls", "127.0.0.1:0"];
        Carillon::with(&[&own[..], &ports, options].concat()).await
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // A failure is ignored: the system cleans its temporary folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns a path as a command-line argument.
pub fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A TLS client that trusts one certificate.
#[derive(Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    /// The certificate that the client presents.
    own: Option<ClientCertificate>,
}

impl Trust {
    pub fn in_file(path: &Path) -> Self {
        let certificate = CertificateDer::from_pem_file(path).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        Self {
            roots: Arc::new(roots),
            own: None,
        }
    }

    /// Returns a client that presents this certificate.
    pub fn presenting(&self, own: &ClientCertificate) -> Self {
        Self {
            own: Some(own.clone()),
            ..self.clone()
        }
    }

    /// Trusts a certificate that a server generates and writes to this path.
    pub async fn written(path: &Path) -> Self {
        let is_there = || async { path.is_file() };
        eventually("a certificate", is_there, |is_there| *is_there).await;
        Self::in_file(path)
    }

    /// # Panics
    ///
    /// If the handshake fails.
    pub async fn connect(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        let stream = self.try_connect(address).await;
        stream.expect("a TLS connection")
    }

    pub async fn try_connect(&self, address: SocketAddr) -> Result<TlsStream<TcpStream>, String> {
        self.shake_hands(address, rustls::DEFAULT_VERSIONS).await
    }

    /// Connects with one of these versions of TLS.
    pub async fn shake_hands(
        &self,
        address: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<TlsStream<TcpStream>, String> {
        let socket = within("a connection", TcpStream::connect(address)).await;
        let socket = socket.expect("the server listens");
        self.over(socket, versions).await
    }

    /// Connects on an existing connection.
    pub async fn try_over(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        self.over(socket, rustls::DEFAULT_VERSIONS).await
    }

    async fn over(
        &self,
        socket: TcpStream,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<TlsStream<TcpStream>, String> {
        let connector = TlsConnector::from(Arc::new(self.config(versions)));
        let name = ServerName::try_from("localhost").expect("a name");
        let handshake = connector.connect(name, socket);
        let stream = within("the handshake", handshake).await;
        stream.map_err(|error| error.to_string())
    }

    fn config(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions that are known")
            .with_root_certificates(Arc::clone(&self.roots));
        match &self.own {
            Some(own) => builder
                .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
                .expect("a certificate with its key"),
            None => builder.with_no_client_auth(),
        }
    }
}
