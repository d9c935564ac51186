//! A directory for `--data`, and servers that use it one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Carillon;

/// A directory that does not exist at first, and is removed when the value is dropped.
pub struct DataDirectory(PathBuf);

/// Returns a path for temporary files that does not exist.
pub fn fresh_path(kind: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("carillon-{kind}-{}-{number}", std::process::id());
    std::env::temp_dir().join(name)
}

impl DataDirectory {
    pub fn fresh() -> Self {
        Self(fresh_path("data"))
    }

    /// Returns a directory on another file system, in the directory at which it is mounted.
    pub fn on(file_system: &Path) -> Self {
        Self(file_system.join("data"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the options of a server that uses the directory and has a port for MQTT.
    pub fn options(&self) -> [&str; 4] {
        let path = self.0.to_str().expect("a path in UTF-8");
        ["--data", path, "--mqtt", "127.0.0.1:0"]
    }

    /// Starts a server on the directory, on a disk of any size.
    pub async fn server(&self) -> Carillon {
        self.server_with_free("0").await
    }

    /// Starts a server on the directory, on a disk of any size, with further options.
    pub async fn server_with(&self, options: &[&str]) -> Carillon {
        let options = [&self.options()[..], &["--disk-free", "0"], options].concat();
        Carillon::with(&options).await
    }

    /// Starts a server on the directory; this number of bytes must stay free on the disk.
    pub async fn server_with_free(&self, bytes: &str) -> Carillon {
        let options = [&self.options()[..], &["--disk-free", bytes]].concat();
        Carillon::with(&options).await
    }

    /// Starts a server on the directory whose system calls fail as strace's option `inject` says.
    pub async fn server_with_fault(&self, fault: &str) -> Carillon {
        let options = [&self.options()[..], &["--disk-free", "0"]].concat();
        Carillon::with_fault(fault, &options).await
    }

    /// Kills a server without warning, and starts the next one.
    pub async fn after_kill(&self, server: Carillon) -> Carillon {
        server.kill().await;
        self.server().await
    }

    /// Stops a server in order, and starts the next one.
    pub async fn after_stop(&self, server: Carillon) -> Carillon {
        let status = server.stop().await;
        assert!(status.success(), "{status}");
        self.server().await
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        // A server that was killed may still be writing.
        let _ = fs::remove_dir_all(&self.0);
    }
}
