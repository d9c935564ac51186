//! The certificate in use and the trust in client certificates, which can be replaced while connections stay open.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use access::Certificate;
use rustls::{
    ServerConfig,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::sync::watch;

use super::{
    certificate::{Files, provider},
    client_trust::{ClientCertificateRule, ClientTrustFiles},
    options::TlsOptions,
    self_signed,
};
use crate::{
    access_control::{AccessControl, ClientTrust},
    file_watch::{ReadFiles, WatchedFiles, watch_files},
    measurements::Measurements,
};

/// The server's TLS identity. A connection keeps the certificate of its handshake; the next handshake uses the newest.
pub struct Identity {
    files: Mutex<TlsFiles>,
    /// The files as they were read at the start.
    read: ReadFiles,
    current: Mutex<Current>,
    /// The fingerprint of a generated certificate, for people to compare.
    pub fingerprint: Option<String>,
}

/// The files, which can be replaced by others.
#[derive(Clone)]
struct TlsFiles {
    /// `None` for a generated certificate.
    own: Option<Files>,
    /// `None` if clients are not asked for certificates.
    clients: Option<ClientTrustFiles>,
}

/// The parts that the next handshake uses.
#[derive(Clone)]
pub struct Current {
    /// The configuration.
    pub config: Arc<ServerConfig>,
    /// The trust in client certificates, which is part of the configuration.
    pub client_trust: Arc<ClientTrust>,
    key: Arc<CertifiedKey>,
}

impl Identity {
    /// Loads or generates the certificate that the options request, if any. `listen` is the server's address.
    ///
    /// # Errors
    ///
    /// The options do not lead to a usable certificate.
    pub fn load_or_generate(
        options: &TlsOptions,
        listen: std::net::IpAddr,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let files = TlsFiles::of(options);
        if files.own.is_none() && !options.self_signed {
            return Ok(None);
        }
        let read = files.stamped();
        let (key, fingerprint) = match &files.own {
            Some(files) => (files.load()?, None),
            None => {
                let certificate = self_signed::certificate(listen)?;
                let own = &certificate.chain[0];
                if let Some(path) = options.write_cert.as_deref() {
                    self_signed::write(own, path)?;
                }
                let fingerprint = self_signed::fingerprint(own);
                (certificate.certified_key()?, Some(fingerprint))
            }
        };
        let verifier = files.clients.as_ref().map(ClientTrustFiles::load);
        let client_trust = ClientTrust {
            verifier: verifier.transpose()?,
            generation: 1,
        };
        let current = Current::new(key, Arc::new(client_trust))?;
        Ok(Some(Arc::new(Self {
            files: Mutex::new(files),
            read,
            current: Mutex::new(current),
            fingerprint,
        })))
    }

    /// Names other files, which are read at the next SIGHUP. A generated certificate stays, and clients are asked for
    /// certificates as before.
    pub fn replace_files(&self, options: &TlsOptions) {
        let new = TlsFiles::of(options);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.own.is_some() && new.own.is_some() {
            files.own = new.own;
        }
        if let (Some(clients), Some(new)) = (&mut files.clients, new.clients) {
            clients.ca = new.ca;
            if clients.crl.is_some() && new.crl.is_some() {
                clients.crl = new.crl;
            }
        }
    }

    /// Returns the Unix seconds after which the certificate is not valid any more; `None` if it cannot be read.
    pub fn expires_s(&self) -> Option<u64> {
        let key = self.current().key;
        let certificate = Certificate::read(key.end_entity_cert().ok()?).ok()?;
        Some(certificate.expires_s())
    }

    /// Returns what the next handshake uses.
    pub fn current(&self) -> Current {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the files again, and returns them. What is not usable stays as it is.
    fn reload(&self, access: &AccessControl) -> ReadFiles {
        let files = self
            .files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let read = files.stamped();
        let TlsFiles { own, clients } = files;
        let Current {
            mut key,
            mut client_trust,
            ..
        } = self.current();
        if let Some(files) = own {
            match files.load() {
                Ok(loaded) => {
                    key = loaded;
                    tracing::info!(cert = %files.cert.display(), "the certificate was read again");
                }
                Err(error) => {
                    tracing::warn!(%error, "the new certificate cannot be used; the old one stays in use")
                }
            }
        }
        if let Some(files) = clients {
            match files.load() {
                Ok(verifier) => {
                    client_trust = Arc::new(ClientTrust {
                        verifier: Some(verifier),
                        generation: client_trust.generation + 1,
                    });
                    tracing::info!(ca = %files.ca.display(), "the CA certificates for clients were read again");
                }
                Err(error) => {
                    tracing::warn!(%error, "the new CA certificates or revocation lists for clients cannot be used; the old ones stay in use")
                }
            }
        }
        match Current::new(key, Arc::clone(&client_trust)) {
            Ok(current) => {
                *self.lock() = current;
                access.replace_client_trust(client_trust);
            }
            Err(error) => tracing::error!(%error, "TLS cannot be configured"),
        }
        read
    }
}

impl TlsFiles {
    fn of(options: &TlsOptions) -> Self {
        Self {
            own: options.files(),
            clients: client_files(options),
        }
    }

    /// Returns the files with their stamps, before they are read.
    fn stamped(&self) -> ReadFiles {
        let own = self.own.iter().flat_map(Files::paths);
        let clients = self.clients.iter().flat_map(ClientTrustFiles::paths);
        let mut read = ReadFiles::default();
        own.chain(clients).for_each(|path| read.add(path));
        read
    }
}

impl Current {
    fn new(key: Arc<CertifiedKey>, client_trust: Arc<ClientTrust>) -> Result<Self, rustls::Error> {
        Ok(Self {
            config: server_config(Arc::clone(&key), client_trust.verifier.clone())?,
            client_trust,
            key,
        })
    }
}

/// Returns a configuration for TLS 1.3 and 1.2. The newest few hundred sessions can be resumed, but none of an earlier
/// configuration: a resumed session does not verify the client certificate again.
///
/// # Errors
///
/// The implementation of cryptography does not support these versions.
pub(super) fn server_config(
    key: Arc<CertifiedKey>,
    client_verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let client_verifier = client_verifier.unwrap_or_else(WebPkiClientVerifier::no_client_auth);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(client_verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = ALPN.map(Vec::from).into();
    Ok(Arc::new(config))
}

/// Reads the files again after a change and at each SIGHUP, as long as the server runs. Connections whose client certificates
/// are not trusted any more end.
pub async fn reload_on_change(
    identity: Arc<Identity>,
    access: Arc<AccessControl>,
    measurements: Arc<Measurements>,
    hangup: watch::Receiver<()>,
) {
    let watched = WatchedFiles {
        files: identity.read.clone(),
        interval: CHECK_INTERVAL,
    };
    if watched.files.paths.is_empty() {
        return;
    }
    let reload = move || {
        let read = identity.reload(&access);
        measurements.set_certificate_expiry(identity.expires_s().unwrap_or(0));
        Some(read)
    };
    watch_files(watched, hangup, reload).await;
}

fn client_files(options: &TlsOptions) -> Option<ClientTrustFiles> {
    Some(ClientTrustFiles {
        ca: options.client_ca.clone()?,
        crl: options.client_crl.clone(),
        rule: match options.client_required {
            true => ClientCertificateRule::Required,
            false => ClientCertificateRule::Optional,
        },
    })
}

/// The supported protocols (RFC 7301). A client without ALPN is accepted as well.
const ALPN: [&[u8]; 2] = [b"http/1.1", b"mqtt"];
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
