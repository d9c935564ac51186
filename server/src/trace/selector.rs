//! Which connections and frames a trace shows.

use std::{borrow::Cow, fmt, net::SocketAddr, num::NonZeroU16, str::FromStr};

use broker::{ClientAddress, TopicFilter};

use super::frame::{Frame, Identity};
use crate::connection_control::Network;

/// The conditions of a trace. A frame is shown if all of them hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceSelector {
    /// The number of the connection.
    pub connection: Option<u64>,
    /// The client id.
    pub client: Option<String>,
    /// The address of the client.
    pub address: Option<AddressSelector>,
    /// The user.
    pub user: Option<String>,
    /// The filter that covers a topic of the frame.
    pub topic: Option<TopicFilter>,
}

/// An address or a network, with or without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressSelector {
    network: Network,
    port: Option<NonZeroU16>,
}

impl TraceSelector {
    /// Returns whether the selector has no condition.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the conditions on the connection hold. What is not known does not match.
    pub fn matches(&self, identity: &Identity) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        self.connection
            .is_none_or(|wanted| identity.connection == Some(wanted))
            && same(&self.client, identity.client.as_deref())
            && same(&self.user, identity.user.as_deref())
            && self
                .address
                .is_none_or(|wanted| wanted.includes(identity.address, identity.port))
    }

    /// Returns whether the condition on the frame holds.
    pub fn includes(&self, frame: &Frame<'_>) -> bool {
        self.topic
            .as_ref()
            .is_none_or(|filter| frame.is_about(filter))
    }
}

impl fmt::Display for TraceSelector {
    /// Writes the conditions as a query, for the audit log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions = [
            ("connection", self.connection.map(|id| id.to_string())),
            ("client", self.client.clone()),
            ("address", self.address.map(|address| address.to_string())),
            ("user", self.user.clone()),
            ("topic", self.topic.as_ref().map(ToString::to_string)),
        ];
        let mut separator = "";
        for (name, value) in conditions {
            if let Some(value) = value {
                write!(formatter, "{separator}{name}={}", unambiguous(&value))?;
                separator = " ";
            }
        }
        Ok(())
    }
}

/// Returns a value, in quotes if it could be read as more than one condition.
fn unambiguous(value: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| {
        !letter.is_whitespace() && !letter.is_control() && !matches!(letter, '"' | '=')
    };
    match !value.is_empty() && value.chars().all(is_plain) {
        true => Cow::Borrowed(value),
        false => format!("{value:?}").into(),
    }
}

impl AddressSelector {
    fn includes(&self, address: ClientAddress, port: Option<NonZeroU16>) -> bool {
        self.network.includes(address) && (self.port.is_none() || self.port == port)
    }
}

impl FromStr for AddressSelector {
    type Err = InvalidAddressSelector;

    /// Reads an address or a network as a ban does, or an address with a port: `192.0.2.7:51034`, `[2001:db8::9]:51034`.
    fn from_str(text: &str) -> Result<Self, InvalidAddressSelector> {
        if let Ok(network) = text.parse() {
            let port = None;
            return Ok(Self { network, port });
        }
        let with_port: SocketAddr = text.parse().map_err(|_| InvalidAddressSelector)?;
        Ok(Self {
            network: Network::of_one(with_port.ip()),
            port: Some(NonZeroU16::new(with_port.port()).ok_or(InvalidAddressSelector)?),
        })
    }
}

impl fmt::Display for AddressSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.network.fmt(formatter)?;
        match self.port {
            Some(port) => write!(formatter, " port {port}"),
            None => Ok(()),
        }
    }
}

/// The error for a text that is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an IP address, a network such as 192.0.2.0/24, or an address with a port such as 192.0.2.7:51034"
)]
pub struct InvalidAddressSelector;

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(address: &str, port: u16) -> Identity {
        Identity {
            connection: Some(7),
            address: address.parse().expect("an address"),
            port: NonZeroU16::new(port),
            user: Some("anna".into()),
            client: Some("sensor-1".into()),
        }
    }

    #[test]
    fn addresses_have_a_network_or_a_port() {
        let table = [
            ("192.0.2.7", "192.0.2.7", 1, true),
            ("192.0.2.7", "192.0.2.8", 1, false),
            ("192.0.2.0/24", "192.0.2.8", 1, true),
            ("192.0.2.7:51034", "192.0.2.7", 51034, true),
            ("192.0.2.7:51034", "192.0.2.7", 51035, false),
            ("192.0.2.7:51034", "192.0.2.7", 0, false),
            ("[2001:db8::9]:80", "2001:db8::9", 80, true),
            ("[2001:db8::9]:80", "2001:db8::8", 80, false),
            ("2001:db8::9", "2001:db8::8", 80, true),
        ];
        for (wanted, address, port, expected) in table {
            let selector = TraceSelector {
                address: Some(wanted.parse().expect("an address")),
                ..TraceSelector::default()
            };
            let found = selector.matches(&identity(address, port));
            assert_eq!(found, expected, "{wanted} {address} {port}");
        }
        for wrong in [
            "",
            "x",
            "192.0.2.7:",
            "192.0.2.7:0",
            "192.0.2.7:70000",
            "[::1]",
        ] {
            assert_eq!(
                wrong.parse::<AddressSelector>(),
                Err(InvalidAddressSelector),
                "{wrong}"
            );
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let found = identity("127.0.0.1", 5);
        let base = TraceSelector {
            client: Some("sensor-1".into()),
            ..TraceSelector::default()
        };
        assert!(base.matches(&found));
        let with = |change: fn(&mut TraceSelector)| {
            let mut selector = base.clone();
            change(&mut selector);
            selector.matches(&found)
        };
        assert!(with(|one| one.user = Some("anna".into())));
        assert!(!with(|one| one.user = Some("ben".into())));
        assert!(with(|one| one.connection = Some(7)));
        assert!(!with(|one| one.connection = Some(8)));
        assert!(!with(|one| one.client = Some("sensor-2".into())));
        let unknown = Identity {
            client: None,
            ..found.clone()
        };
        assert!(!base.matches(&unknown), "the client id is not known");
    }

    #[test]
    fn a_selector_is_written_for_the_audit_log() {
        let selector = TraceSelector {
            client: Some("sensor-1".into()),
            address: Some("192.0.2.7:9".parse().expect("an address")),
            topic: Some(TopicFilter::new("a.*").expect("a filter")),
            ..TraceSelector::default()
        };
        let text = selector.to_string();
        assert_eq!(
            text,
            "client=sensor-1 address=\"192.0.2.7/32 port 9\" topic=a.*"
        );
        let forged = TraceSelector {
            client: Some("a topic=x".into()),
            user: Some(r#"b" client=""#.into()),
            ..TraceSelector::default()
        };
        let text = r#"client="a topic=x" user="b\" client=\"""#;
        assert_eq!(forged.to_string(), text);
    }
}
