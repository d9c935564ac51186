//! Replaces the running program by the one that is installed in its place now (SIGUSR2), for example after an upgrade of the
//! package. The server stops as usual, and then becomes the new program in the same process. It passes on its listening
//! sockets, in which connections wait meanwhile; so clients reconnect, but none is refused.

use std::{
    env, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    path::PathBuf,
    process::{self, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use command_fds::{CommandFdExt as _, FdMapping};
use nix::sys::signal::{SigSet, Signal};

use crate::{
    measurements::{Label as _, ListenerName},
    net::{ListeningSocket, OWNED_SOCKET_FILES, SocketFile},
};

/// The program that replaces this one, and the listening sockets that it inherits.
pub struct Upgrade {
    program: PathBuf,
    sockets: Vec<PassedSocket>,
}

struct PassedSocket {
    name: ListenerName,
    copy: OwnedFd,
    /// The file of a Unix socket that this program made. The next program removes it at its end; without an upgrade, it is removed
    /// when this value is dropped.
    file: Option<SocketFile>,
}

impl Upgrade {
    /// Creates an upgrade with copies of these sockets, and with the files of Unix sockets. The program is the one that runs now, by
    /// its path: another file may be there when the upgrade is performed.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left, or the system does not say where the program is.
    pub fn new<'a>(
        sockets: impl Iterator<Item = (ListenerName, &'a mut ListeningSocket)>,
    ) -> io::Result<Self> {
        let pass = |(name, socket): (ListenerName, &mut ListeningSocket)| {
            Ok(PassedSocket {
                name,
                copy: socket.as_fd().try_clone_to_owned()?,
                file: socket.take_file(),
            })
        };
        Ok(Self {
            program: program()?,
            sockets: sockets.map(pass).collect::<io::Result<_>>()?,
        })
    }

    /// Checks that the program can be started. Blocks until it has printed its version.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not say its version.
    pub fn check(&self) -> anyhow::Result<()> {
        let program = self.program.display();
        let mut child = Command::new(&self.program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let until = Instant::now() + MAX_CHECK_TIME;
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() >= until => {
                    child.kill()?;
                    break child.wait()?;
                }
                None => thread::park_timeout(CHECK_PERIOD),
            }
        };
        ensure!(status.success(), "{program} --version failed: {status}");
        Ok(())
    }

    /// Becomes the program, with the arguments and the environment of this one. Returns only if that fails. Signals that would
    /// end the new program before it handles them wait until it calls [`release_signals`].
    pub fn perform(self) -> anyhow::Error {
        let all = names(self.sockets.iter());
        let owned = names(self.sockets.iter().filter(|socket| socket.file.is_some()));
        let count = self.sockets.len().to_string();
        let mapping = |(parent_fd, child_fd)| FdMapping {
            parent_fd,
            child_fd,
        };
        // Kept until the program runs. If it does not start, this one ends and removes them.
        let mut files = Vec::new();
        let sockets = self.sockets.into_iter().map(|socket| {
            files.extend(socket.file);
            socket.copy
        });
        let mappings = sockets.zip(FIRST_SOCKET..).map(mapping).collect();
        let mut command = Command::new(&self.program);
        command
            .args(env::args_os().skip(1))
            .env("LISTEN_PID", process::id().to_string())
            .env("LISTEN_FDS", count)
            .env("LISTEN_FDNAMES", all)
            .env(OWNED_SOCKET_FILES, owned);
        if let Err(error) = command.fd_mappings(mappings) {
            return error.into();
        }
        if let Err(error) = held_signals().thread_block() {
            return error.into();
        }
        let error = command.exec();
        anyhow::Error::new(error).context(format!("cannot start {}", self.program.display()))
    }
}

/// Lets the signals arrive that a program which became this one may hold back; called when they are handled.
///
/// # Errors
///
/// The system refuses.
pub fn release_signals() -> io::Result<()> {
    Ok(held_signals().thread_unblock()?)
}

/// The signals that end a program without a handler, although they ask a server for something else. A set of blocked signals
/// outlives exec(2), a handler does not.
fn held_signals() -> SigSet {
    SigSet::from_iter([Signal::SIGHUP, Signal::SIGUSR2])
}

/// Returns the names of sockets, separated by colons.
fn names<'a>(sockets: impl Iterator<Item = &'a PassedSocket>) -> String {
    let names: Vec<_> = sockets.map(|socket| socket.name.name()).collect();
    names.join(":")
}

/// Returns the path of the running program. An absolute path that was used to start it is kept as it is, because it may be a
/// symbolic link that leads to another version later; the path that the system returns has no links.
fn program() -> io::Result<PathBuf> {
    let started_as = env::args_os().next().map(PathBuf::from);
    match started_as.filter(|path| path.is_absolute() && path.exists()) {
        Some(path) => Ok(path),
        None => env::current_exe(),
    }
}

/// Maximum time for the new program to print its version.
const MAX_CHECK_TIME: Duration = Duration::from_secs(5);
const CHECK_PERIOD: Duration = Duration::from_millis(10);
/// The descriptor of the first inherited socket: `SD_LISTEN_FDS_START` of sd_listen_fds(3).
const FIRST_SOCKET: i32 = 3;
