//! The open connections by port and protocol.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
};

use super::{Label, LabelledCount, Measurements, labels::labels};

labels! {
    /// A port, by the option that sets its address.
    ListenerName {
        /// `--listen`.
        Http = "http",
        /// `--stomp`.
        Stomp = "stomp",
        /// `--stomp-tls`.
        StompTls = "stomp-tls",
        /// `--mqtt`.
        Mqtt = "mqtt",
        /// `--mqtt-tls`.
        MqttTls = "mqtt-tls",
    }

    /// The protocol of a connection to a port.
    PortProtocol {
        /// Not known yet, for example during a TLS handshake.
        Unknown = "unknown",
        /// HTTP, event streams included.
        Http = "http",
        /// STOMP, over a WebSocket or without.
        Stomp = "stomp",
        /// MQTT, over a WebSocket or without.
        Mqtt = "mqtt",
    }
}

/// The connections of all ports.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    /// Maximum number of open connections.
    limit: AtomicUsize,
    /// Since the start.
    accepted: LabelledCount<ListenerName>,
    /// The open ones, by listener and protocol.
    open: [[AtomicU64; PortProtocol::ALL.len()]; ListenerName::ALL.len()],
}

impl ListenerName {
    /// Returns whether connections of this port can have a protocol.
    const fn may_have(self, protocol: PortProtocol) -> bool {
        match protocol {
            PortProtocol::Unknown => true,
            PortProtocol::Http => matches!(self, Self::Http),
            PortProtocol::Stomp => matches!(self, Self::Http | Self::Stomp | Self::StompTls),
            PortProtocol::Mqtt => matches!(self, Self::Http | Self::Mqtt | Self::MqttTls),
        }
    }
}

/// A connection's place in the counts, until it is dropped.
#[derive(Debug)]
pub struct OpenPlace {
    measurements: Arc<Measurements>,
    listener: ListenerName,
    /// The index of the [`PortProtocol`].
    protocol: AtomicU8,
}

impl ConnectionCounts {
    /// Sets the maximum number of open connections.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Returns the maximum number of open connections; 0 if there are no ports.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Returns the listeners with the number of their accepted connections since the start.
    pub fn accepted(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.accepted.figures()
    }

    /// Returns the number of open connections for each listener and protocol.
    pub fn open(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        ListenerName::ALL.iter().flat_map(|listener| {
            let protocols = PortProtocol::ALL.iter();
            let possible = protocols.filter(|protocol| listener.may_have(**protocol));
            possible.map(|protocol| {
                let open = self.open_of(*listener, protocol.index());
                (
                    listener.name(),
                    protocol.name(),
                    open.load(Ordering::Relaxed),
                )
            })
        })
    }

    fn open_of(&self, listener: ListenerName, protocol: usize) -> &AtomicU64 {
        &self.open[listener.index()][protocol]
    }
}

impl OpenPlace {
    /// Counts an accepted connection of a port.
    pub fn new(measurements: &Arc<Measurements>, listener: ListenerName) -> Self {
        let unknown = PortProtocol::Unknown.index();
        let connections = &measurements.connections;
        connections.accepted.add(listener);
        connections
            .open_of(listener, unknown)
            .fetch_add(1, Ordering::Relaxed);
        Self {
            measurements: Arc::clone(measurements),
            listener,
            protocol: AtomicU8::new(unknown as u8),
        }
    }

    /// Sets the protocol, once it is known or when it changes, as at the upgrade to a WebSocket.
    pub fn set_protocol(&self, protocol: PortProtocol) {
        let connections = &self.measurements.connections;
        connections
            .open_of(self.listener, protocol.index())
            .fetch_add(1, Ordering::Relaxed);
        let before = self
            .protocol
            .swap(protocol.index() as u8, Ordering::Relaxed);
        connections
            .open_of(self.listener, before.into())
            .fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for OpenPlace {
    fn drop(&mut self) {
        let protocol = self.protocol.load(Ordering::Relaxed);
        self.measurements
            .connections
            .open_of(self.listener, protocol.into())
            .fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(measurements: &Measurements) -> Vec<(&'static str, &'static str, u64)> {
        let open = measurements.connections.open();
        open.filter(|(_, _, count)| *count > 0).collect()
    }

    #[test]
    fn a_connection_counts_for_its_current_protocol_until_it_is_dropped() {
        let measurements = Arc::<Measurements>::default();
        let first = OpenPlace::new(&measurements, ListenerName::Http);
        let second = OpenPlace::new(&measurements, ListenerName::MqttTls);
        assert_eq!(
            open(&measurements),
            [("http", "unknown", 1), ("mqtt-tls", "unknown", 1)]
        );
        first.set_protocol(PortProtocol::Http);
        first.set_protocol(PortProtocol::Stomp);
        second.set_protocol(PortProtocol::Mqtt);
        assert_eq!(
            open(&measurements),
            [("http", "stomp", 1), ("mqtt-tls", "mqtt", 1)]
        );
        drop(first);
        assert_eq!(open(&measurements), [("mqtt-tls", "mqtt", 1)]);
        let accepted: Vec<_> = measurements.connections.accepted().collect();
        assert_eq!(accepted[0], ("http", 1));
        assert_eq!(accepted[4], ("mqtt-tls", 1));
    }
}
