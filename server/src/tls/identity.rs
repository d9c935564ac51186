//! The certificate in use, which can be replaced while connections stay open.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::sync::watch;

use super::{
    certificate::{CertificateError, Files},
    options::TlsOptions,
    self_signed,
};
use crate::file_watch::{Stamps, WatchedFiles, watch_files};

/// The server's TLS identity. A connection keeps the certificate of its handshake; the next handshake uses the newest.
pub struct Identity {
    current: Mutex<Arc<ServerConfig>>,
    /// The files and the stamps they had before they were read. `None` for a generated certificate.
    files: Option<(Files, Stamps)>,
    /// The fingerprint of a generated certificate, for people to compare.
    pub fingerprint: Option<String>,
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
        let identity = match (&options.cert, &options.key) {
            (Some(cert), Some(key)) => Self::from_files(Files {
                cert: cert.clone(),
                key: key.clone(),
            })?,
            _ if options.self_signed => Self::generate(listen, options.write_cert.as_deref())?,
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(identity)))
    }

    fn from_files(files: Files) -> Result<Self, CertificateError> {
        // Taken before reading, so that a change in the meantime causes another read.
        let stamps = Stamps::of(&files.paths());
        Ok(Self {
            current: Mutex::new(files.load()?),
            files: Some((files, stamps)),
            fingerprint: None,
        })
    }

    fn generate(listen: std::net::IpAddr, write_to: Option<&Path>) -> anyhow::Result<Self> {
        let certificate = self_signed::certificate(listen)?;
        let own = &certificate.chain[0];
        if let Some(path) = write_to {
            self_signed::write(own, path)?;
        }
        Ok(Self {
            fingerprint: Some(self_signed::fingerprint(own)),
            current: Mutex::new(certificate.config()?),
            files: None,
        })
    }

    /// Returns the configuration for the next handshake.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<ServerConfig>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the files again; if they are not usable, the certificate in use stays.
    fn reload(&self, files: &Files) {
        match files.load() {
            Ok(config) => {
                *self.lock() = config;
                tracing::info!(cert = %files.cert.display(), "the certificate was read again");
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate cannot be used; the old one stays in use")
            }
        }
    }
}

/// Reads the files again after a change and at each SIGHUP, as long as the server runs.
pub async fn reload_on_change(identity: Arc<Identity>, hangup: watch::Receiver<()>) {
    let Some((files, read)) = identity.files.clone() else {
        return;
    };
    let watched = WatchedFiles {
        paths: files.paths().map(Path::to_owned).into(),
        read,
        interval: CHECK_INTERVAL,
    };
    watch_files(watched, hangup, move || identity.reload(&files)).await;
}

const CHECK_INTERVAL: Duration = Duration::from_secs(1);
