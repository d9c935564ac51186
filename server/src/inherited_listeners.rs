//! Listening sockets that the process has inherited: from a service manager (socket activation of systemd), or from the
//! program before it (`crate::upgrade`). Connections wait in such a socket while no server runs, so none is refused.

use std::{env, os::fd::AsFd};

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::{
    measurements::{Label as _, ListenerName},
    net::{ListenAddress, ListeningSocket, OWNED_SOCKET_FILES},
};

/// Returns the listener with a name of `LISTEN_FDNAMES`: the value of `FileDescriptorName=` in a socket unit of systemd.
fn named(text: &str) -> anyhow::Result<ListenerName> {
    let found = ListenerName::ALL.iter().find(|one| one.name() == text);
    found.copied().with_context(|| {
        let known: Vec<_> = ListenerName::ALL.iter().map(|one| one.name()).collect();
        let known = known.join(", ");
        format!(
            "an inherited socket has the name {text:?}; expected one of {known} (FileDescriptorName= of the socket unit)"
        )
    })
}

/// The inherited sockets that are not used yet.
#[derive(Debug, Default)]
pub struct InheritedListeners {
    sockets: Vec<(ListenerName, ListeningSocket)>,
}

impl InheritedListeners {
    /// Takes the sockets that the environment names (`LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`, see
    /// sd_listen_fds(3)). Most processes have none. Needs a runtime of tokio.
    ///
    /// # Errors
    ///
    /// A socket is no listener of TCP or of a Unix socket, its name is unknown, or two sockets have one name.
    pub fn from_environment() -> anyhow::Result<Self> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let owned = env::var(OWNED_SOCKET_FILES).unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let names = names_of(&names, passed.len())?;
        let mut sockets = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let owns_file = owned.split(':').any(|one| one == name.name());
            let socket = take(&mut passed, index, owns_file)
                .with_context(|| format!("the inherited socket {}", name.name()))?;
            sockets.push((name, socket));
        }
        Ok(Self { sockets })
    }

    /// Returns the address of a socket, if it was inherited.
    pub fn address(&self, name: ListenerName) -> Option<ListenAddress> {
        let (_, socket) = self.sockets.iter().find(|(one, _)| *one == name)?;
        socket.address().ok()
    }

    /// Removes and returns a socket.
    pub fn take(&mut self, name: ListenerName) -> Option<ListeningSocket> {
        let index = self.sockets.iter().position(|(one, _)| *one == name)?;
        Some(self.sockets.swap_remove(index).1)
    }
}

/// Takes the socket with this index. `owns_file` states whether the file of a Unix socket is for this process to remove.
fn take(passed: &mut ListenFd, index: usize, owns_file: bool) -> anyhow::Result<ListeningSocket> {
    if let Ok(Some(socket)) = passed.take_tcp_listener(index) {
        keep_to_this_process(&socket)?;
        socket.set_nonblocking(true)?;
        return Ok(ListeningSocket::tcp(TcpListener::from_std(socket)?));
    }
    let socket = passed.take_unix_listener(index);
    let socket = socket.ok().flatten();
    let socket = socket.context("this is no listener of TCP or of a Unix stream socket")?;
    keep_to_this_process(&socket)?;
    socket.set_nonblocking(true)?;
    Ok(ListeningSocket::inherited_unix(socket, owns_file)?)
}

/// Other processes that this one starts must not keep the port open.
fn keep_to_this_process(socket: &impl AsFd) -> anyhow::Result<()> {
    Ok(rustix::io::fcntl_setfd(
        socket,
        rustix::io::FdFlags::CLOEXEC,
    )?)
}

/// Returns the names of `count` sockets from a list separated by colons.
fn names_of(names: &str, count: usize) -> anyhow::Result<Vec<ListenerName>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let names = names.split(':').map(named);
    let names = names.collect::<anyhow::Result<Vec<_>>>()?;
    if names.len() != count {
        bail!("{count} sockets were inherited, with {} names", names.len());
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            bail!("two inherited sockets have the name {}", name.name());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{ListenerName, names_of};

    #[test]
    fn each_socket_has_a_known_name_of_its_own() {
        let table = [
            ("", 0, Ok(vec![])),
            ("carillon.socket", 0, Ok(vec![])),
            ("http", 1, Ok(vec![ListenerName::Http])),
            (
                "mqtt-tls:http",
                2,
                Ok(vec![ListenerName::MqttTls, ListenerName::Http]),
            ),
            ("http", 2, Err("2 sockets were inherited, with 1 names")),
            (
                "http:http",
                2,
                Err("two inherited sockets have the name http"),
            ),
            (
                "carillon.socket",
                1,
                Err(
                    "an inherited socket has the name \"carillon.socket\"; expected one of http, stomp, stomp-tls, mqtt, \
                     mqtt-tls (FileDescriptorName= of the socket unit)",
                ),
            ),
        ];
        for (names, count, expected) in table {
            let named = names_of(names, count).map_err(|error| error.to_string());
            assert_eq!(named, expected.map_err(str::to_owned), "{names}");
        }
    }
}
