//! Unix sockets in the file system: their addresses, and the files that they leave.

use std::{
    fmt,
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, anyhow, bail};
use nix::{
    fcntl::AT_FDCWD,
    libc,
    sys::stat::{FchmodatFlags, Mode, fchmodat},
};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

/// The path of a Unix socket, and the mode of its file. Written `/run/carillon/http.sock` or
/// `/run/carillon/http.sock?mode=0660`: the mode belongs to one socket, and this form has room for it in an option, an
/// environment variable and the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixAddress {
    path: PathBuf,
    /// The permission bits. To connect, a process needs the permission to write.
    mode: u32,
}

impl UnixAddress {
    /// Returns the address of a socket that exists.
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            mode: DEFAULT_MODE,
        }
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens. A socket file that no process listens at is replaced: it is left by a process that was killed. If two servers
    /// start at the same moment at such a file, the second replaces the socket of the first.
    ///
    /// `option` is the command-line option for another address. Needs a runtime of tokio.
    ///
    /// # Errors
    ///
    /// Another process listens at the path, the path is another file, or the system refuses.
    pub fn bind(&self, option: &str) -> anyhow::Result<(UnixListener, SocketFile)> {
        let path = self.path.display();
        self.remove_stale(option)?;
        let bound = self.listen().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                anyhow!("cannot listen on unix:{path}: the directory does not exist")
            }
            io::ErrorKind::PermissionDenied => {
                anyhow!("no permission to create unix:{path}; choose another path with {option}")
            }
            _ => anyhow!("cannot listen on unix:{path}: {error}"),
        });
        Ok((
            UnixListener::from_std(bound?.into())?,
            SocketFile::at(&self.path)?,
        ))
    }

    /// The mode is set before the socket listens, so that no process connects that the mode excludes.
    fn listen(&self) -> io::Result<Socket> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::unix(&self.path)?)?;
        let listening = set_mode(&self.path, self.mode).and_then(|()| socket.listen(BACKLOG));
        if listening.is_err() {
            // The error is reported, whether or not this succeeds.
            let _ = fs::remove_file(&self.path);
        }
        listening.map(|()| socket)
    }

    /// Removes a socket file at which no process listens.
    fn remove_stale(&self, option: &str) -> anyhow::Result<()> {
        let path = self.path.display();
        let Ok(found) = fs::symlink_metadata(&self.path) else {
            // There is nothing, or listening fails for the same reason.
            return Ok(());
        };
        if !found.file_type().is_socket() {
            bail!("{path} exists, and is no socket; choose another path with {option}");
        }
        // A blocking connection would wait if the backlog of the other process is full.
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&SockAddr::unix(&self.path)?) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(&self.path).with_context(|| {
                    format!("cannot remove {path}, which an ended process has left")
                })?;
                tracing::info!(%path, "replacing the socket file of an ended process");
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                bail!(
                    "unix:{path} exists, and belongs to another user; choose another path with {option}"
                )
            }
            _ => bail!(
                "unix:{path} is in use by another program; end it, or choose another path with {option}"
            ),
        }
    }
}

/// Sets the permission bits. A symbolic link is not followed: in a directory that others may write to, one could replace
/// the new socket, and point to any file of the server's user.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    // The type has fewer bits on macOS.
    let mode = Mode::from_bits_truncate(mode as libc::mode_t);
    Ok(fchmodat(
        AT_FDCWD,
        path,
        mode,
        FchmodatFlags::NoFollowSymlink,
    )?)
}

impl FromStr for UnixAddress {
    type Err = String;

    /// Reads the part after `unix:`. `///run/a.sock`, as in a URL, is `/run/a.sock`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (path, mode) = match text.split_once('?') {
            Some((path, query)) => (path, mode(query)?),
            None => (text, DEFAULT_MODE),
        };
        let in_url = path.strip_prefix("//").filter(|path| path.starts_with('/'));
        let path = in_url.unwrap_or(path);
        if !path.starts_with('/') || path.ends_with('/') {
            return Err(
                "a Unix socket needs the whole path of a file, such as unix:/run/carillon/http.sock"
                    .to_owned(),
            );
        }
        if path.len() > MAX_PATH_BYTES || path.contains('\0') {
            return Err(format!(
                "the path of a Unix socket has at most {MAX_PATH_BYTES} bytes"
            ));
        }
        Ok(Self {
            path: path.into(),
            mode,
        })
    }
}

/// Reads the part after the question mark.
fn mode(query: &str) -> Result<u32, String> {
    let digits = query.strip_prefix("mode=").filter(|digits| {
        (3..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let mode = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok());
    mode.filter(|mode| *mode <= 0o777).ok_or_else(|| {
        format!("after the path of a Unix socket: expected ?mode=0660, not ?{query}")
    })
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(formatter)
    }
}

/// The file of a socket that this process made, or got from the program before it. It is removed when the value is dropped,
/// unless another socket is in its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    /// Returns the file at a path.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(&fs::symlink_metadata(path)?),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if !found.is_ok_and(|found| identity(&found) == self.identity) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the file of a socket");
        }
    }
}

/// Returns the device and the number of a file.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The variable with the names of the inherited Unix sockets whose files this process removes at its end, separated by colons.
/// The program before it sets it. The files of the other inherited sockets belong to the service manager.
pub const OWNED_SOCKET_FILES: &str = "CARILLON_OWNED_SOCKET_FILES";
/// The owner and the group of the server may connect.
const DEFAULT_MODE: u32 = 0o660;
/// The longest path that fits into `sockaddr_un` on all systems: 104 bytes with the final zero on macOS, 108 on Linux.
const MAX_PATH_BYTES: usize = 103;
/// Connections that wait to be accepted, as tokio's for TCP.
const BACKLOG: i32 = 1_024;

#[cfg(test)]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixStream,
    };

    use super::*;

    #[test]
    fn a_path_may_have_a_mode() {
        let table = [
            ("/run/a.sock", Ok(("/run/a.sock", 0o660))),
            ("/run/a.sock?mode=0600", Ok(("/run/a.sock", 0o600))),
            ("/run/a.sock?mode=666", Ok(("/run/a.sock", 0o666))),
            ("///run/a.sock", Ok(("/run/a.sock", 0o660))),
            ("/run/a.sock?mode=0888", Err(())),
            ("/run/a.sock?mode=1777", Err(())),
            ("/run/a.sock?mode=+60", Err(())),
            ("/run/a.sock?mode=6", Err(())),
            ("/run/a.sock?mode=", Err(())),
            ("/run/a.sock?", Err(())),
            ("/run/a.sock?group=www", Err(())),
            ("/run/", Err(())),
            ("run/a.sock", Err(())),
            ("@carillon", Err(())),
            ("", Err(())),
        ];
        for (text, expected) in table {
            let read = text.parse::<UnixAddress>();
            let expected = expected.map(|(path, mode)| UnixAddress {
                path: path.into(),
                mode,
            });
            assert_eq!(read.map_err(|_| ()), expected, "{text}");
        }
        let longest = format!("/{}", "a".repeat(MAX_PATH_BYTES - 1));
        assert!(longest.parse::<UnixAddress>().is_ok());
        assert!(format!("{longest}a").parse::<UnixAddress>().is_err());
    }

    /// Returns an address in a directory of its own, which is removed with the first value.
    fn address(name: &str) -> (Directory, UnixAddress) {
        let directory =
            std::env::temp_dir().join(format!("carillon-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let path = directory.join("a.sock");
        let text = format!("{}?mode=0600", path.display());
        (Directory(directory), text.parse().expect("an address"))
    }

    struct Directory(PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            // The directory for temporary files may be cleared already.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn the_file_has_its_mode_and_is_removed_at_the_end() {
        let (_directory, address) = address("mode");
        let (listener, file) = address.bind("--listen").expect("a free path");
        let metadata = fs::symlink_metadata(address.path()).expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        drop((listener, file));
        assert!(!address.path().exists());
    }

    #[test]
    fn the_mode_of_the_file_that_a_link_names_is_not_changed() {
        let (directory, address) = address("link");
        let target = directory.0.join("target");
        fs::write(&target, "mine").expect("a file");
        let mode = || fs::metadata(&target).expect("a file").permissions().mode();
        let before = mode();
        symlink(&target, address.path()).expect("a link");
        set_mode(address.path(), 0o666).expect_err("a link");
        assert_eq!(mode(), before);
    }

    #[tokio::test]
    async fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let (_directory, address) = address("stale");
        let left = std::os::unix::net::UnixListener::bind(address.path()).expect("a free path");
        drop(left);
        let (_listener, file) = address.bind("--stomp").expect("a stale socket");
        let error = address.bind("--stomp").expect_err("a live socket");
        assert!(
            error.to_string().contains("is in use by another program"),
            "{error}"
        );
        assert!(error.to_string().contains("--stomp"), "{error}");
        UnixStream::connect(address.path()).expect("the first socket still listens");
        fs::remove_file(address.path()).expect("a file");
        fs::write(address.path(), "mine").expect("a file");
        drop(file);
        let error = address.bind("--stomp").expect_err("a file of another kind");
        assert!(error.to_string().contains("is no socket"), "{error}");
        assert_eq!(fs::read(address.path()).expect("it is kept"), b"mine");
    }

    #[tokio::test]
    async fn a_missing_directory_is_reported() {
        let (directory, address) = address("missing");
        drop(directory);
        let error = address.bind("--mqtt").expect_err("no directory");
        assert!(
            error.to_string().contains("the directory does not exist"),
            "{error}"
        );
    }
}
