//! The certificate in use, which can be replaced while connections stay open.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use rustls::ServerConfig;
use tokio::{signal::unix::Signal, time::MissedTickBehavior};

use super::{
    certificate::{CertificateError, Files},
    options::TlsOptions,
    self_signed,
};

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
        let stamps = Stamps::of(&files);
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
pub async fn reload_on_change(identity: Option<Arc<Identity>>, mut hangup: Signal) {
    let Some((identity, (files, stamps))) =
        identity.and_then(|identity| Some((Arc::clone(&identity), identity.files.clone()?)))
    else {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: there is no certificate file to read again");
        }
        return;
    };
    let mut watch = FileWatch::new(stamps);
    let mut interval = tokio::time::interval(CHECK_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_requested = tokio::select! {
            Some(()) = hangup.recv() => true,
            _ = interval.tick() => false,
        };
        let (identity, files) = (Arc::clone(&identity), files.clone());
        // The files may be on a slow network file system.
        let checked = tokio::task::spawn_blocking(move || {
            let now = Stamps::of(&files);
            if is_requested {
                watch = FileWatch::new(now);
                identity.reload(&files);
            } else if watch.is_due(now) {
                identity.reload(&files);
            }
            watch
        });
        match checked.await {
            Ok(after) => watch = after,
            Err(error) => {
                return tracing::error!(%error, "changes of the certificate are no longer detected");
            }
        }
    }
}

/// Decides when to read the files: after a change, once they have stayed the same for one interval, because the two
/// files are not written at the same time.
#[derive(Debug)]
struct FileWatch {
    /// The stamps of the files read last.
    read: Stamps,
    seen: Stamps,
}

impl FileWatch {
    fn new(read: Stamps) -> Self {
        let seen = read.clone();
        Self { read, seen }
    }

    fn is_due(&mut self, now: Stamps) -> bool {
        let is_settled = now == self.seen;
        self.seen = now;
        if !is_settled || self.seen == self.read {
            return false;
        }
        self.read = self.seen.clone();
        true
    }
}

/// The stamps that show a change of the two files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamps([Option<Stamp>; 2]);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
    /// A link may point to another file now.
    inode: u64,
}

impl Stamps {
    fn of(files: &Files) -> Self {
        Self([&files.cert, &files.key].map(|path| Stamp::of(path).ok()))
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            modified: metadata.modified()?,
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

const CHECK_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(bytes: [u64; 2]) -> Stamps {
        Stamps(bytes.map(|bytes| {
            Some(Stamp {
                modified: SystemTime::UNIX_EPOCH,
                bytes,
                inode: 1,
            })
        }))
    }

    #[test]
    fn a_changed_pair_is_read_once_it_stays_the_same() {
        let mut watch = FileWatch::new(stamps([1, 1]));
        let checks = [
            ([1, 1], false),
            ([2, 1], false),
            ([2, 2], false),
            ([2, 2], true),
            ([2, 2], false),
            ([1, 1], false),
            ([1, 1], true),
        ];
        for (number, (seen, expected)) in checks.into_iter().enumerate() {
            assert_eq!(watch.is_due(stamps(seen)), expected, "look {number}");
        }
    }

    #[test]
    fn a_file_that_disappeared_and_returned_unchanged_is_not_read_again() {
        let mut watch = FileWatch::new(stamps([1, 1]));
        assert!(!watch.is_due(Stamps([None, None])));
        assert!(!watch.is_due(stamps([1, 1])));
        assert!(!watch.is_due(stamps([1, 1])));
    }
}
