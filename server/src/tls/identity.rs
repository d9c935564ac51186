//! Who the server is to those who speak TLS with it: the certificate in use, exchanged while connections go on.

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
    certificate::{Files, Unusable},
    options::TlsOptions,
    self_signed,
};

/// A connection keeps what it began with; the next one has the newest.
pub struct Identity {
    current: Mutex<Arc<ServerConfig>>,
    /// Where it is from, and what told the files apart before they were read. None when it is from nowhere.
    files: Option<(Files, Stamps)>,
    /// Of a certificate that was made: what people compare.
    pub fingerprint: Option<String>,
}

impl Identity {
    /// What the options ask for, if anything. `listen` is where the server is reached.
    ///
    /// # Errors
    /// There is no usable certificate where the options say.
    pub fn establish(
        options: &TlsOptions,
        listen: std::net::IpAddr,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let identity = match (&options.cert, &options.key) {
            (Some(cert), Some(key)) => Self::from_files(Files {
                cert: cert.clone(),
                key: key.clone(),
            })?,
            _ if options.self_signed => Self::made(listen, options.write_cert.as_deref())?,
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(identity)))
    }

    fn from_files(files: Files) -> Result<Self, Unusable> {
        // Before reading: what is changed meanwhile is to be read again.
        let stamps = Stamps::of(&files);
        Ok(Self {
            current: Mutex::new(files.load()?),
            files: Some((files, stamps)),
            fingerprint: None,
        })
    }

    fn made(listen: std::net::IpAddr, write_to: Option<&Path>) -> anyhow::Result<Self> {
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

    /// What the next handshake is done with.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<ServerConfig>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is in the files now; if that is not usable, what was there before stays.
    fn reload(&self, files: &Files) {
        match files.load() {
            Ok(config) => {
                *self.lock() = config;
                tracing::info!(cert = %files.cert.display(), "the certificate was read anew");
            }
            Err(error) => tracing::warn!(%error, "the certificate in use stays"),
        }
    }
}

/// Reads the files again when they have changed, and at each SIGHUP, for as long as the server runs.
pub async fn keep_fresh(identity: Option<Arc<Identity>>, mut hangup: Signal) {
    let Some((identity, (files, stamps))) =
        identity.and_then(|identity| Some((Arc::clone(&identity), identity.files.clone()?)))
    else {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: there is no certificate file to read again");
        }
        return;
    };
    let mut watch = Watch::new(stamps);
    let mut interval = tokio::time::interval(LOOK_EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_asked = tokio::select! {
            Some(()) = hangup.recv() => true,
            _ = interval.tick() => false,
        };
        let (identity, files) = (Arc::clone(&identity), files.clone());
        // Files may be far away.
        let looked = tokio::task::spawn_blocking(move || {
            let now = Stamps::of(&files);
            if is_asked {
                watch = Watch::new(now);
                identity.reload(&files);
            } else if watch.is_due(now) {
                identity.reload(&files);
            }
            watch
        });
        match looked.await {
            Ok(after) => watch = after,
            Err(error) => return tracing::error!(%error, "the certificate is looked after no more"),
        }
    }
}

/// Decides when to read the files: once they have changed and then been left alone, since a pair is not
/// written at once.
#[derive(Debug)]
struct Watch {
    /// Those of what was read last.
    read: Stamps,
    seen: Stamps,
}

impl Watch {
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

/// What tells that a pair of files changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamps([Option<Stamp>; 2]);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
    /// A link may lead elsewhere now.
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

const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    fn a_pair_is_read_once_when_it_has_changed_and_is_left_alone() {
        let mut watch = Watch::new(stamps([1, 1]));
        let looks = [
            ([1, 1], false),
            ([2, 1], false),
            ([2, 2], false),
            ([2, 2], true),
            ([2, 2], false),
            ([1, 1], false),
            ([1, 1], true),
        ];
        for (number, (seen, wanted)) in looks.into_iter().enumerate() {
            assert_eq!(watch.is_due(stamps(seen)), wanted, "look {number}");
        }
    }

    #[test]
    fn a_file_that_went_and_came_back_unchanged_is_not_read_again() {
        let mut watch = Watch::new(stamps([1, 1]));
        assert!(!watch.is_due(Stamps([None, None])));
        assert!(!watch.is_due(stamps([1, 1])));
        assert!(!watch.is_due(stamps([1, 1])));
    }
}
