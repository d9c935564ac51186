//! The options of a server, and its start.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, sync::mpsc, thread};

use carillon_server::embedding::{self, Options, Port};

use crate::{
    error::Error,
    server::{Server, Thread},
    thread::{Started, run},
};

/// The options of a server. Without any, it has no listeners, keeps everything in memory, and allows everything to all clients.
///
/// ```no_run
/// # async fn example() -> Result<(), carillon::Error> {
/// let server = carillon::Server::builder()
///     .http(([127, 0, 0, 1], 8080))
///     .mqtt(([127, 0, 0, 1], 1883))
///     .data("/var/lib/board")
///     .arguments(["--history", "5000"])
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Builder {
    http: Option<SocketAddr>,
    stomp: Option<SocketAddr>,
    mqtt: Option<SocketAddr>,
    path: String,
    threads: Option<usize>,
    arguments: Vec<OsString>,
}

impl Builder {
    /// Listens at this address for HTTP with the pages, for WebSockets, and for MQTT and STOMP over TCP. Port 0 takes any free
    /// port: see [`Server::http_address`].
    pub fn http(mut self, address: impl Into<SocketAddr>) -> Self {
        self.http = Some(address.into());
        self
    }

    /// Listens at this address for STOMP over TCP. Port 0 takes any free port: see [`Server::stomp_address`].
    pub fn stomp(mut self, address: impl Into<SocketAddr>) -> Self {
        self.stomp = Some(address.into());
        self
    }

    /// Listens at this address for MQTT over TCP. Port 0 takes any free port: see [`Server::mqtt_address`].
    pub fn mqtt(mut self, address: impl Into<SocketAddr>) -> Self {
        self.mqtt = Some(address.into());
        self
    }

    /// Keeps queues, durable subscriptions and retained messages in this directory, so that they survive a restart (`--data`).
    pub fn data(self, directory: impl Into<PathBuf>) -> Self {
        self.option("--data", directory.into())
    }

    /// Takes the users and their rights from this file (`--users`), which is read again when it changes. The program itself
    /// needs no user.
    pub fn users(self, file: impl Into<PathBuf>) -> Self {
        self.option("--users", file.into())
    }

    /// Sets the path below which the program serves [`Server::router`], such as `/carillon`. Without it the router answers at
    /// `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Accepts HTTP requests with this name in the header `Host` (`--allow-host`); `*` accepts every name. Without it, only
    /// names of the own machine are accepted, unless [`http`](Self::http) listens on another address: so pages of a foreign
    /// name cannot read the data.
    pub fn allow_host(self, name: impl Into<String>) -> Self {
        self.option("--allow-host", name.into())
    }

    /// Sets the number of threads that serve clients; the default is one for each processor.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Adds options of `carillon serve` in the form of the command line, such as `["--history", "5000"]`.
    ///
    /// The environment is not read, and there is no configuration file (`--config`). Options of the program itself have no
    /// effect: `--log`, `--log-format` and `--qr-code`. Of the listeners, only `--stomp-tls`, `--mqtt-tls` and `--metrics` are
    /// taken from here.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Starts the server on threads of its own. Any number of servers can run in one process.
    ///
    /// # Errors
    ///
    /// An option is not valid, an address is not available, or the data directory cannot be used. If the future is dropped, the
    /// server ends.
    pub async fn start(self) -> Result<Server, Error> {
        let (sender, started) = tokio::sync::oneshot::channel();
        let thread = self.spawn(move |result| sender.send(result).is_ok())?;
        // A thread that ends without a result has panicked.
        let started = started.await.unwrap_or(Err(Error::Stopped))?;
        Ok(Server::new(started, thread))
    }

    /// Starts the server like [`start`](Self::start), and blocks until it has started.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_blocking(self) -> Result<Server, Error> {
        let (sender, started) = mpsc::sync_channel(1);
        let thread = self.spawn(move |result| sender.send(result).is_ok())?;
        let started = started.recv().unwrap_or(Err(Error::Stopped))?;
        Ok(Server::new(started, thread))
    }

    /// Starts the thread that runs the server. `report` gets the result of the start, and returns false if it is not wanted any
    /// more.
    fn spawn(
        self,
        report: impl FnOnce(Result<Started, Error>) -> bool + Send + 'static,
    ) -> Result<Thread, Error> {
        let options = self.options()?;
        let threads = self.threads;
        thread::Builder::new()
            .name("carillon".to_owned())
            .spawn(move || run(options, threads, report))
            .map_err(|error| Error::NotStarted(format!("cannot start a thread: {error}")))
    }

    fn options(&self) -> Result<Options, Error> {
        let mut options =
            embedding::parse_options(&self.arguments).map_err(Error::InvalidOption)?;
        let port = |address: Option<SocketAddr>| {
            address.map_or(Port::Off, |address| Port::At(address.into()))
        };
        let ports = &mut options.ports;
        ports.http = port(self.http);
        ports.stomp = port(self.stomp);
        ports.mqtt = port(self.mqtt);
        // Otherwise a certificate would open the default ports.
        ports.stomp_tls.get_or_insert(Port::Off);
        ports.mqtt_tls.get_or_insert(Port::Off);
        let path = &self.path;
        let checked = match path.is_empty() || path.starts_with('/') {
            true => embedding::check_prefix(path),
            false => Err("it must begin with a slash".to_owned()),
        };
        checked.map_err(|fault| Error::InvalidOption(format!("path {path:?}: {fault}")))?;
        let public_path = options.public_url.as_ref().map(|url| url.prefix());
        if let Some(public_path) = public_path
            && public_path != path
        {
            let text =
                format!("--public-url has the path {public_path:?}, and the server {path:?}");
            return Err(Error::InvalidOption(text));
        }
        options.path = self.path.clone();
        Ok(options)
    }

    fn option(mut self, name: &str, value: impl Into<OsString>) -> Self {
        // One argument, so that a value may begin with `-`.
        let mut argument = OsString::from(name);
        argument.push("=");
        argument.push(value.into());
        self.arguments.push(argument);
        self
    }
}
