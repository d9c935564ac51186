//! The server's listeners: bound before the start is announced, then opened.

mod announcement;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::bail;
use tokio::task::JoinSet;

use crate::{
    connection_limit::ConnectionLimit,
    handler::ConnectionHandler,
    http,
    http_port::HttpHandler,
    inherited_listeners::InheritedListeners,
    listener,
    measurements::{Label as _, ListenerName},
    mqtt::MqttHandler,
    net::{ListenAddress, ListeningSocket},
    port::Port,
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
    pub metrics: Option<ListenAddress>,
}

impl Ports {
    /// Replaces the addresses by those of the inherited sockets. A port that is off stays off, and its socket is closed.
    pub fn use_inherited(&mut self, inherited: &InheritedListeners) {
        let port = |name, own: Option<Port>| match own {
            Some(Port::Off) => None,
            own => {
                let address = inherited.address(name)?;
                warn_of_other_address(name, own.as_ref().and_then(Port::address), &address);
                Some(Port::At(address))
            }
        };
        for (name, own) in [
            (ListenerName::Http, &mut self.http),
            (ListenerName::Stomp, &mut self.stomp),
            (ListenerName::Mqtt, &mut self.mqtt),
        ] {
            if let Some(inherited) = port(name, Some(own.clone())) {
                *own = inherited;
            }
        }
        for (name, own) in [
            (ListenerName::StompTls, &mut self.stomp_tls),
            (ListenerName::MqttTls, &mut self.mqtt_tls),
        ] {
            if let Some(inherited) = port(name, own.clone()) {
                *own = Some(inherited);
            }
        }
    }

    /// Returns the first address at which other machines can reach messages or management. Metrics are neither.
    pub fn reachable_from_outside(&self) -> Option<&ListenAddress> {
        let all = [
            Some(&self.http),
            Some(&self.stomp),
            self.stomp_tls.as_ref(),
            Some(&self.mqtt),
            self.mqtt_tls.as_ref(),
        ];
        let mut all = all.into_iter().flatten().filter_map(Port::address);
        all.find(|address| !address.is_loopback())
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
    http: Option<ListeningSocket>,
    stomp: Option<ListeningSocket>,
    stomp_tls: Option<ListeningSocket>,
    mqtt: Option<ListeningSocket>,
    mqtt_tls: Option<ListeningSocket>,
    metrics: Option<ListeningSocket>,
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
        let stomp_tls = tls_port(
            ports.stomp_tls.as_ref(),
            "--stomp-tls",
            STOMP_TLS_PORT,
            &identity,
        )?;
        let mqtt_tls = tls_port(
            ports.mqtt_tls.as_ref(),
            "--mqtt-tls",
            MQTT_TLS_PORT,
            &identity,
        )?;
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
        let mut listen = async |name, port: &Port, option, protocol| match inherited.take(name) {
            Some(socket) if *port != Port::Off => Ok(Some(socket)),
            _ => port.bind(option, protocol).await,
        };
        let http = listen(ListenerName::Http, &ports.http, "--listen", "HTTP").await?;
        let stomp = listen(
            ListenerName::Stomp,
            &ports.stomp,
            "--stomp",
            "STOMP over TCP",
        )
        .await?;
        let stomp_tls = listen(
            ListenerName::StompTls,
            &stomp_tls,
            "--stomp-tls",
            "STOMP over TLS",
        )
        .await?;
        let mqtt = listen(ListenerName::Mqtt, &ports.mqtt, "--mqtt", "MQTT over TCP").await?;
        let mqtt_tls = listen(
            ListenerName::MqttTls,
            &mqtt_tls,
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
            metrics: match &ports.metrics {
                Some(address) => Some(address.bind("--metrics").await?),
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

    /// Returns the sockets that a replacement of the program keeps, with their names.
    pub fn sockets_mut(&mut self) -> impl Iterator<Item = (ListenerName, &mut ListeningSocket)> {
        [
            (ListenerName::Http, self.http.as_mut()),
            (ListenerName::Stomp, self.stomp.as_mut()),
            (ListenerName::StompTls, self.stomp_tls.as_mut()),
            (ListenerName::Mqtt, self.mqtt.as_mut()),
            (ListenerName::MqttTls, self.mqtt_tls.as_mut()),
        ]
        .into_iter()
        .filter_map(|(name, socket)| Some((name, socket?)))
    }

    /// Returns the addresses of the ports of TCP with their names.
    pub fn addresses(&self) -> impl Iterator<Item = (ListenerName, SocketAddr)> {
        [
            (ListenerName::Http, &self.http),
            (ListenerName::Stomp, &self.stomp),
            (ListenerName::StompTls, &self.stomp_tls),
            (ListenerName::Mqtt, &self.mqtt),
            (ListenerName::MqttTls, &self.mqtt_tls),
        ]
        .into_iter()
        .filter_map(|(name, socket)| Some((name, socket.as_ref()?.address().ok()?.tcp()?)))
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
        listener: Option<ListeningSocket>,
        handler: D,
        tls_rule: TlsRule,
    ) {
        let Some(listener) = listener else {
            return;
        };
        let acceptor = ConnectionAcceptor {
            handler,
            tls_rule,
            connection_limit: self.connection_limit.clone(),
            trusted_proxies: self.server.options.trusted_proxies.clone(),
            identity: self.identity.clone(),
            measurements: Arc::clone(&self.server.measurements),
            stopping: self.server.stopping.clone(),
        };
        self.tasks.spawn(listener::accept(name, listener, acceptor));
    }
}

/// Logs that a port has another address than the options say.
fn warn_of_other_address(
    name: ListenerName,
    wanted: Option<&ListenAddress>,
    inherited: &ListenAddress,
) {
    if let Some(wanted) = wanted
        && !wanted.allows(inherited)
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
    requested: Option<&Port>,
    option: &str,
    standard: u16,
    identity: &Option<Arc<Identity>>,
) -> anyhow::Result<Port> {
    match (requested, identity) {
        (Some(Port::Off), _) | (None, None) => Ok(Port::Off),
        (Some(_), None) => bail!("{option} needs a certificate: {CERTIFICATE_OPTIONS}"),
        (Some(port), Some(_)) => Ok(port.clone()),
        (None, Some(_)) => Ok(Port::if_free(standard)),
    }
}

const CERTIFICATE_OPTIONS: &str = "--tls-cert with --tls-key, or --tls-self-signed";
/// ActiveMQ's port.
const STOMP_TLS_PORT: u16 = 61614;
/// The standard port.
const MQTT_TLS_PORT: u16 = 8883;
