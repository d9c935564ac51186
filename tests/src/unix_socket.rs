//! The path of a Unix socket, and curl over it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;
use tokio::process::Command;

use crate::data::fresh_path;
use crate::deadline::within;

/// A path for a Unix socket in a directory of its own, which is removed when the value is dropped.
pub struct SocketPath {
    directory: PathBuf,
    path: String,
}

impl SocketPath {
    pub fn fresh() -> Self {
        let directory = fresh_path("socket");
        fs::create_dir(&directory).expect("a directory");
        let path = directory.join("s").to_str().expect("UTF-8").to_owned();
        Self { directory, path }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the address in options: `unix:` and the path.
    pub fn address(&self) -> String {
        format!("unix:{}", self.path)
    }

    pub fn exists(&self) -> bool {
        Path::new(&self.path).exists()
    }

    /// Returns the permission bits of the file.
    pub fn mode(&self) -> u32 {
        let metadata = fs::metadata(&self.path).expect("a socket");
        metadata.permissions().mode() & 0o7777
    }

    /// Returns the number of the file, which a new socket in its place has not.
    pub fn inode(&self) -> u64 {
        fs::metadata(&self.path).expect("a socket").ino()
    }

    /// Connects, and sends nothing.
    pub async fn connect(&self) -> UnixStream {
        let socket = within("a connection", UnixStream::connect(&self.path)).await;
        socket.expect("the server listens")
    }

    /// Runs `curl --unix-socket`. Returns the status and the body.
    pub async fn curl(&self, path: &str, options: &[&str]) -> (String, String) {
        let mut command = Command::new("curl");
        command.args(["-sS", "--unix-socket", &self.path, "-w", "\n%{http_code}"]);
        command.args(options).arg(format!("http://localhost{path}"));
        let output = within("curl", command.kill_on_drop(true).output()).await;
        let output = output.expect("curl is installed");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let (body, status) = text.rsplit_once('\n').expect("a status");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{path}: {error}");
        (status.to_owned(), body.to_owned())
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        // The directory for temporary files may be cleared already.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Returns the address of this process as a client of a Unix socket.
pub fn own_address() -> String {
    let owner = fs::metadata("/proc/self").expect("Linux").uid();
    format!("unix:uid={owner}")
}
