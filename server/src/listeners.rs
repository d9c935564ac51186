//! The server's listeners: bound before the start is announced, then opened.

use std::{
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use anyhow::bail;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    handler::ConnectionHandler,
    http::{self, is_loopback},
    http_port::HttpHandler,
    inherited_listeners::InheritedListeners,
    listener::{self, ConnectionLimit},
    measurements::{Label as _, ListenerName},
    mqtt::MqttHandler,
    port::{Port, bind},
    public_url::PublicUrl,
    reachable_address::reachable_address,
    server::Server,
    stomp::StompHandler,
    tls::{ConnectionAcceptor, Identity, TlsOptions, TlsRule},
};

/// The configured ports.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The HTTP port. A server within another program may have none.
    pub http: Port,
    /// STOMP over TCP.
    pub stomp: Port,
    /// `None` means the default port if there is a certificate.
    pub stomp_tls: Option<Port>,
    /// MQTT over TCP.
    pub mqtt: Port,
    /// `None` means the default port if there is a certificate.
    pub mqtt_tls: Option<Port>,
    /// The metrics, without a login. There is no such port by default.
    pub metrics: Option<SocketAddr>,
}

impl Ports {
    /// Replaces the addresses by those of the inherited sockets. A port that is off stays off, and its socket is closed.
    pub fn use_inherited(&mut self, inherited: &InheritedListeners) {
        let port = |name, own: Option<Port>| match own {
            Some(Port::Off) => None,
            own => {
                let address = inherited.address(name)?;
                warn_of_other_address(name, own.and_then(Port::address), address);
                Some(Port::At(address))
            }
        };
        self.http = port(ListenerName::Http, Some(self.http)).unwrap_or(self.http);
        self.stomp = port(ListenerName::Stomp, Some(self.stomp)).unwrap_or(self.stomp);
        self.stomp_tls = port(ListenerName::StompTls, self.stomp_tls).or(self.stomp_tls);
        self.mqtt = port(ListenerName::Mqtt, Some(self.mqtt)).unwrap_or(self.mqtt);
        self.mqtt_tls = port(ListenerName::MqttTls, self.mqtt_tls).or(self.mqtt_tls);
    }

    /// Returns the first address at which other machines can reach messages or management. Metrics are neither.
    pub fn reachable_from_outside(&self) -> Option<SocketAddr> {
        let all = [
            Some(self.http),
            Some(self.stomp),
            self.stomp_tls,
            Some(self.mqtt),
            self.mqtt_tls,
        ];
        let mut all = all.into_iter().flatten().filter_map(Port::address);
        all.find(|address| !address.ip().to_canonical().is_loopback())
    }

    /// Returns the address of the HTTP port without its number; without this port, loopback.
    pub fn http_ip(&self) -> IpAddr {
        let address = self.http.address();
        address.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
    }
}

/// A server with the handlers of its protocols.
pub struct Handlers {
    /// The part that all protocols share.
    pub server: Arc<Server>,
    /// The handler of the HTTP port.
    pub http: HttpHandler,
    /// The handler of STOMP.
    pub stomp: StompHandler,
    /// The handler of MQTT.
    pub mqtt: MqttHandler,
}

/// The bound ports.
pub struct Listeners {
    http: Option<TcpListener>,
    stomp: Option<TcpListener>,
    stomp_tls: Option<TcpListener>,
    mqtt: Option<TcpListener>,
    mqtt_tls: Option<TcpListener>,
    metrics: Option<TcpListener>,
    /// `None` without TLS.
    identity: Option<Arc<Identity>>,
    /// The rule of the ports that are not for TLS only.
    tls_rule: TlsRule,
}

/// The certificate, and the ports that need it.
struct TlsPorts {
    identity: Option<Arc<Identity>>,
    stomp_tls: Port,
    mqtt_tls: Port,
}

impl Listeners {
    /// Checks that the certificate is usable, and that there is one if a port needs it. Changes nothing.
    ///
    /// # Errors
    ///
    /// There is no certificate, or it is not usable.
    pub fn check(ports: &Ports, tls: &TlsOptions) -> anyhow::Result<()> {
        let tls = TlsOptions {
            write_cert: None,
            ..tls.clone()
        };
        Self::prepare(ports, &tls).map(drop)
    }

    fn prepare(ports: &Ports, tls: &TlsOptions) -> anyhow::Result<TlsPorts> {
        let identity = Identity::load_or_generate(tls, ports.http_ip())?;
        if tls.only && identity.is_none() {
            bail!("--tls-only needs a certificate: {CERTIFICATE_OPTIONS}");
        }
        if tls.client_ca.is_some() && identity.is_none() {
            bail!("--tls-client-ca needs a certificate of the server: {CERTIFICATE_OPTIONS}");
        }
        let stomp_tls = tls_port(ports.stomp_tls, "--stomp-tls", STOMP_TLS_PORT, &identity)?;
        let mqtt_tls = tls_port(ports.mqtt_tls, "--mqtt-tls", MQTT_TLS_PORT, &identity)?;
        Ok(TlsPorts {
            identity,
            stomp_tls,
            mqtt_tls,
        })
    }

    /// Binds the ports that were not inherited. The ports have the addresses of the inherited sockets
    /// ([`Ports::use_inherited`]).
    ///
    /// # Errors
    ///
    /// An address is not available, or the certificate is not usable.
    pub async fn bind(
        ports: &Ports,
        mut inherited: InheritedListeners,
        tls: &TlsOptions,
    ) -> anyhow::Result<Self> {
        let TlsPorts {
            identity,
            stomp_tls,
            mqtt_tls,
        } = Self::prepare(ports, tls)?;
        let mut listen = async |name, port: Port, option, protocol| match inherited.take(name) {
            Some(socket) if port != Port::Off => anyhow::Ok(Some(TcpListener::from_std(socket)?)),
            _ => Ok(port.bind(option, protocol).await?),
        };
        let http = listen(ListenerName::Http, ports.http, "--listen", "HTTP").await?;
        let stomp = listen(
            ListenerName::Stomp,
            ports.stomp,
            "--stomp",
            "STOMP over TCP",
        )
        .await?;
        let stomp_tls = listen(
            ListenerName::StompTls,
            stomp_tls,
            "--stomp-tls",
            "STOMP over TLS",
        )
        .await?;
        let mqtt = listen(ListenerName::Mqtt, ports.mqtt, "--mqtt", "MQTT over TCP").await?;
        let mqtt_tls = listen(
            ListenerName::MqttTls,
            mqtt_tls,
            "--mqtt-tls",
            "MQTT over TLS",
        )
        .await?;
        Ok(Self {
            http,
            stomp,
            stomp_tls,
            mqtt,
            mqtt_tls,
            metrics: match ports.metrics {
                Some(address) => Some(bind(address, "--metrics").await?),
                None => None,
            },
            tls_rule: if tls.only {
                TlsRule::Required
            } else {
                TlsRule::Optional
            },
            identity,
        })
    }

    /// Returns the identity for TLS, if there is one.
    pub fn identity(&self) -> Option<Arc<Identity>> {
        self.identity.clone()
    }

    /// Returns the sockets with their names.
    pub fn sockets(&self) -> impl Iterator<Item = (ListenerName, &TcpListener)> {
        [
            (ListenerName::Http, self.http.as_ref()),
            (ListenerName::Stomp, self.stomp.as_ref()),
            (ListenerName::StompTls, self.stomp_tls.as_ref()),
            (ListenerName::Mqtt, self.mqtt.as_ref()),
            (ListenerName::MqttTls, self.mqtt_tls.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, socket)| Some((name, socket?)))
    }

    /// Returns the addresses of the sockets with their names.
    pub fn addresses(&self) -> impl Iterator<Item = (ListenerName, SocketAddr)> {
        self.sockets()
            .filter_map(|(name, socket)| Some((name, socket.local_addr().ok()?)))
    }

    /// Accepts connections until the server stops; then the tasks end.
    pub fn open(self, handlers: &Handlers, connection_limit: &ConnectionLimit) -> JoinSet<()> {
        let Handlers {
            server,
            http,
            stomp,
            mqtt,
        } = handlers;
        let mut listener_tasks = ListenerTasks {
            server,
            connection_limit,
            identity: self.identity,
            tasks: JoinSet::new(),
        };
        let (optional, required) = (self.tls_rule, TlsRule::Required);
        let (http, stomp, mqtt) = (http.clone(), stomp.clone(), mqtt.clone());
        listener_tasks.spawn(ListenerName::Http, self.http, http, optional);
        listener_tasks.spawn(ListenerName::Stomp, self.stomp, stomp.clone(), optional);
        listener_tasks.spawn(ListenerName::StompTls, self.stomp_tls, stomp, required);
        listener_tasks.spawn(ListenerName::Mqtt, self.mqtt, mqtt.clone(), optional);
        listener_tasks.spawn(ListenerName::MqttTls, self.mqtt_tls, mqtt, required);
        if let Some(listener) = self.metrics {
            let serving = http::serve_metrics(listener, Arc::clone(server));
            listener_tasks.tasks.spawn(serving);
        }
        listener_tasks.tasks
    }

    /// Returns the address of the pages for other machines; `None` if they cannot reach it.
    pub fn address_for_others(&self, public_url: Option<&PublicUrl>) -> Option<String> {
        if let Some(public_url) = public_url {
            return (!is_loopback(public_url.host())).then(|| public_url.to_string());
        }
        let address = reachable_address(self.http.as_ref()?.local_addr().ok()?)?;
        let scheme = if self.identity.is_some() {
            "https"
        } else {
            "http"
        };
        Some(format!("{scheme}://{address}/"))
    }

    /// Prints the addresses, for people and scripts. Without an HTTP port, which the program always has, prints nothing.
    ///
    /// # Errors
    ///
    /// Standard output is closed, or an address is unknown.
    pub fn announce(&self, public_url: Option<&PublicUrl>, store: Option<&Path>) -> io::Result<()> {
        let Some(http) = &self.http else {
            return Ok(());
        };
        let http = http.local_addr()?;
        let has_tls = self.identity.is_some();
        let has_plain = self.tls_rule == TlsRule::Optional;
        let scheme = if has_tls { "https" } else { "http" };
        let mut out = io::stdout().lock();
        writeln!(out, "Carillon {} is ready", env!("CARGO_PKG_VERSION"))?;
        for (name, path) in PAGES {
            writeln!(out, "  {name:<10}{scheme}://{http}{path}")?;
        }
        if let Some(public_url) = public_url {
            writeln!(out, "  {:<10}{public_url}", "public")?;
        }
        if has_tls && has_plain {
            writeln!(out, "  {:<10}http://{http}/", "no TLS")?;
        }
        for (scheme, is_offered) in [("ws", has_plain), ("wss", has_tls)] {
            if is_offered {
                writeln!(out, "  {:<10}{scheme}://{http}/ws", "STOMP")?;
                writeln!(out, "  {:<10}{scheme}://{http}/mqtt", "MQTT")?;
            }
        }
        for (protocol, scheme, listener) in [
            ("STOMP", "tcp", &self.stomp),
            ("STOMP", "tls", &self.stomp_tls),
            ("MQTT", "tcp", &self.mqtt),
            ("MQTT", "tls", &self.mqtt_tls),
        ] {
            if let Some(listener) = listener {
                let address = listener.local_addr()?;
                writeln!(out, "  {protocol:<10}{scheme}://{address}")?;
            }
        }
        if let Some(listener) = &self.metrics {
            let address = listener.local_addr()?;
            writeln!(out, "  {:<10}http://{address}/metrics", "metrics")?;
        }
        let generated_identity = self
            .identity
            .as_ref()
            .and_then(|one| one.fingerprint.as_ref());
        if let Some(fingerprint) = generated_identity {
            writeln!(out, "  {:<10}self-signed, SHA-256 {fingerprint}", "TLS")?;
        }
        match store {
            Some(directory) => writeln!(out, "  {:<10}{}", "store", directory.display())?,
            None => writeln!(
                out,
                "  {:<10}memory only (--data DIRECTORY survives a restart)",
                "store"
            )?,
        }
        out.flush()
    }
}

/// The tasks that accept connections, and the parameters that they share.
struct ListenerTasks<'a> {
    server: &'a Arc<Server>,
    connection_limit: &'a ConnectionLimit,
    identity: Option<Arc<Identity>>,
    tasks: JoinSet<()>,
}

impl ListenerTasks<'_> {
    fn spawn<D: ConnectionHandler>(
        &mut self,
        name: ListenerName,
        listener: Option<TcpListener>,
        handler: D,
        tls_rule: TlsRule,
    ) {
        let Some(listener) = listener else {
            return;
        };
        let acceptor = ConnectionAcceptor {
            handler,
            tls_rule,
            trusted_proxies: self.server.options.trusted_proxies.clone(),
            identity: self.identity.clone(),
            measurements: Arc::clone(&self.server.measurements),
            stopping: self.server.stopping.clone(),
        };
        let accepting = listener::accept(name, listener, acceptor, self.connection_limit.clone());
        self.tasks.spawn(accepting);
    }
}

/// Logs that a port has another address than the options say.
fn warn_of_other_address(name: ListenerName, wanted: Option<SocketAddr>, inherited: SocketAddr) {
    if let Some(wanted) = wanted
        && wanted != inherited
        && wanted.port() != 0
    {
        tracing::warn!(
            port = name.name(),
            %inherited,
            %wanted,
            "the port keeps the address of its inherited socket; another address needs a restart"
        );
    }
}

/// Returns the port for TLS only: the requested one, or the default if there is a certificate.
fn tls_port(
    requested: Option<Port>,
    option: &str,
    standard: u16,
    identity: &Option<Arc<Identity>>,
) -> anyhow::Result<Port> {
    match (requested, identity) {
        (Some(Port::Off), _) | (None, None) => Ok(Port::Off),
        (Some(_), None) => bail!("{option} needs a certificate: {CERTIFICATE_OPTIONS}"),
        (Some(port), Some(_)) => Ok(port),
        (None, Some(_)) => Ok(Port::if_free(standard)),
    }
}

const PAGES: [(&str, &str); 6] = [
    ("overview", "/"),
    ("console", "/console"),
    ("rect", "/rect"),
    ("chart", "/chart"),
    ("topics", "/topics"),
    ("queues", "/queues"),
];
const CERTIFICATE_OPTIONS: &str = "--tls-cert with --tls-key, or --tls-self-signed";
/// ActiveMQ's port.
const STOMP_TLS_PORT: u16 = 61614;
/// The standard port.
const MQTT_TLS_PORT: u16 = 8883;
