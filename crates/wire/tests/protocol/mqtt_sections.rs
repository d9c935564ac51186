//! Table 2-4 of MQTT 5.0: the packets of each property, how often it is allowed, and its values.

use wire::mqtt::{Decoder, DisconnectReason, Fault, Limits, PacketType, PropertyId, Role, Version};

use crate::mqtt_clause::clause;

/// The property, an encoded value, and the columns of the table: packets, or `Will`.
pub const TABLE: [(PropertyId, &[u8], &str); 27] = {
    use PropertyId::*;
    const TEXT: &[u8] = b"\0\x01a";
    const TWO: &[u8] = b"\0\x01";
    const FOUR: &[u8] = b"\0\0\0\x01";
    const ONE: &[u8] = b"\x01";
    [
        (PayloadFormatIndicator, ONE, "PUBLISH Will"),
        (MessageExpiryInterval, FOUR, "PUBLISH Will"),
        (ContentType, TEXT, "PUBLISH Will"),
        (ResponseTopic, TEXT, "PUBLISH Will"),
        (CorrelationData, TEXT, "PUBLISH Will"),
        (SubscriptionIdentifier, ONE, "PUBLISH SUBSCRIBE"),
        (SessionExpiryInterval, FOUR, "CONNECT CONNACK DISCONNECT"),
        (AssignedClientIdentifier, TEXT, "CONNACK"),
        (ServerKeepAlive, TWO, "CONNACK"),
        (AuthenticationMethod, TEXT, "CONNECT CONNACK AUTH"),
        (AuthenticationData, TEXT, "CONNECT CONNACK AUTH"),
        (RequestProblemInformation, ONE, "CONNECT"),
        (WillDelayInterval, FOUR, "Will"),
        (RequestResponseInformation, ONE, "CONNECT"),
        (ResponseInformation, TEXT, "CONNACK"),
        (ServerReference, TEXT, "CONNACK DISCONNECT"),
        (
            ReasonString,
            TEXT,
            "CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH",
        ),
        (ReceiveMaximum, TWO, "CONNECT CONNACK"),
        (TopicAliasMaximum, TWO, "CONNECT CONNACK"),
        (TopicAlias, TWO, "PUBLISH"),
        (MaximumQos, ONE, "CONNACK"),
        (RetainAvailable, ONE, "CONNACK"),
        (
            UserProperty,
            b"\0\x01k\0\x01v",
            "CONNECT CONNACK PUBLISH Will PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH",
        ),
        (MaximumPacketSize, FOUR, "CONNECT CONNACK"),
        (WildcardSubscriptionAvailable, ONE, "CONNACK"),
        (SubscriptionIdentifierAvailable, ONE, "CONNACK"),
        (SharedSubscriptionAvailable, ONE, "CONNACK"),
    ]
};

/// A column: the first byte, the reader, and the bytes before and after the properties.
struct Place {
    name: &'static str,
    first: u8,
    reader: Role,
    before: &'static [u8],
    behind: &'static [u8],
}

const fn place(
    name: &'static str,
    first: u8,
    reader: Role,
    before: &'static [u8],
    behind: &'static [u8],
) -> Place {
    Place {
        name,
        first,
        reader,
        before,
        behind,
    }
}

const PLACES: [Place; 14] = {
    use Role::{Client, Server};
    [
        place("CONNECT", 0x10, Server, b"\0\x04MQTT\x05\x02\0\0", b"\0\0"),
        place(
            "Will",
            0x10,
            Server,
            b"\0\x04MQTT\x05\x06\0\0\0\0\0",
            b"\0\x01t\0\0",
        ),
        place("CONNACK", 0x20, Client, b"\0\0", b""),
        place("PUBLISH", 0x30, Client, b"\0\x01t", b"payload"),
        place("PUBACK", 0x40, Client, b"\0\x01\0", b""),
        place("PUBREC", 0x50, Client, b"\0\x01\0", b""),
        place("PUBREL", 0x62, Client, b"\0\x01\0", b""),
        place("PUBCOMP", 0x70, Client, b"\0\x01\0", b""),
        place("SUBSCRIBE", 0x82, Server, b"\0\x01", b"\0\x01a\0"),
        place("SUBACK", 0x90, Client, b"\0\x01", b"\0"),
        place("UNSUBSCRIBE", 0xA2, Server, b"\0\x01", b"\0\x01a"),
        place("UNSUBACK", 0xB0, Client, b"\0\x01", b"\0"),
        place("DISCONNECT", 0xE0, Server, b"\0", b""),
        place("AUTH", 0xF0, Server, b"\0", b""),
    ]
};

impl Place {
    /// Returns `None` if the packet is valid.
    fn fault(&self, properties: &[u8]) -> Option<(Fault, DisconnectReason, &'static str)> {
        self.read_by(self.reader, properties)
    }

    fn read_by(
        &self,
        reader: Role,
        properties: &[u8],
    ) -> Option<(Fault, DisconnectReason, &'static str)> {
        let length = [properties.len() as u8];
        let body = [self.before, &length, properties, self.behind].concat();
        let packet = [&[self.first, body.len() as u8], &body[..]].concat();
        let mut decoder = match self.first {
            0x10 => Decoder::before_connect(Limits::DEFAULT),
            _ => Decoder::new(reader, Version::V5_0, Limits::DEFAULT),
        };
        match decoder.decode(&packet) {
            Ok(Some((_, taken))) => {
                assert_eq!(taken, packet.len());
                None
            }
            Ok(None) => panic!("{} is unfinished", self.name),
            Err(error) => Some((error.fault, error.disconnect_reason(), clause(&error))),
        }
    }
}

fn encoded(id: PropertyId, value: &[u8]) -> Vec<u8> {
    [&[id as u8], value].concat()
}

/// Encodes a property, with the method that authentication data and AUTH require.
fn complete(place: &Place, id: PropertyId, value: &[u8]) -> Vec<u8> {
    let needs_method = place.name == "AUTH" || id == PropertyId::AuthenticationData;
    let method = match needs_method && id != PropertyId::AuthenticationMethod {
        true => encoded(PropertyId::AuthenticationMethod, b"\0\x01m"),
        false => Vec::new(),
    };
    [encoded(id, value), method].concat()
}

#[test]
fn the_table_is_complete() {
    assert!(TABLE.map(|(id, ..)| id).iter().eq(PropertyId::ALL));
}

/// 2.2.2.2: "an Identifier which is not valid for its packet type [...] is a Malformed Packet".
#[test]
fn properties_are_accepted_only_in_the_packets_of_the_table() {
    for place in &PLACES {
        for (id, value, columns) in TABLE {
            let allowed = columns.split(' ').any(|column| column == place.name);
            let expected = match allowed {
                true => None,
                false => Some((
                    Fault::MisplacedProperty(id),
                    DisconnectReason::MalformedPacket,
                    "2.2.2.2",
                )),
            };
            let properties = complete(place, id, value);
            assert_eq!(place.fault(&properties), expected, "{id} in {}", place.name);
        }
    }
}

/// "It is a Protocol Error to include [it] more than once", each with its section.
#[test]
fn only_two_properties_may_be_repeated() {
    for place in &PLACES {
        for (id, value, columns) in TABLE {
            if !columns.split(' ').any(|column| column == place.name) {
                continue;
            }
            let twice = [encoded(id, value), complete(place, id, value)].concat();
            let found = place.fault(&twice);
            match (id, place.name) {
                (PropertyId::UserProperty, _) => assert_eq!(found, None),
                (PropertyId::SubscriptionIdentifier, "PUBLISH") => assert_eq!(found, None),
                _ => {
                    let (fault, reason, clause) = found.unwrap();
                    assert_eq!(fault, Fault::DuplicateProperty(id), "in {}", place.name);
                    assert_eq!(reason, DisconnectReason::ProtocolError);
                    assert!(clause.starts_with("3."), "{clause}");
                }
            }
        }
    }
}

#[test]
fn only_allowed_values_are_accepted() {
    use PropertyId::*;
    let booleans = [
        PayloadFormatIndicator,
        RequestProblemInformation,
        RequestResponseInformation,
        MaximumQos,
        RetainAvailable,
        WildcardSubscriptionAvailable,
        SubscriptionIdentifierAvailable,
        SharedSubscriptionAvailable,
    ];
    for (id, _, columns) in TABLE {
        let wrong: &[u8] = match id {
            ReceiveMaximum | TopicAlias => b"\0\0",
            MaximumPacketSize => b"\0\0\0\0",
            SubscriptionIdentifier => b"\0",
            id if booleans.contains(&id) => b"\x02",
            _ => continue,
        };
        let mut places = PLACES.iter();
        let place = places.find(|place| columns.split(' ').any(|column| column == place.name));
        let (fault, reason, clause) = place.unwrap().fault(&encoded(id, wrong)).unwrap();
        assert_eq!(fault, Fault::PropertyValue(id));
        match id {
            // 3.3.4: "the receiver uses DISCONNECT with Reason Code of 0x94 (Topic Alias invalid)".
            TopicAlias => {
                assert_eq!(reason, DisconnectReason::TopicAliasInvalid);
                assert_eq!(clause, "MQTT-3.3.2-8");
            }
            _ => assert_eq!(reason, DisconnectReason::ProtocolError),
        }
    }
}

#[test]
fn some_properties_are_allowed_in_one_direction() {
    let place = |name| PLACES.iter().find(|place| place.name == name).unwrap();
    let id = encoded(PropertyId::SubscriptionIdentifier, b"\x01");
    let expected = (
        Fault::SubscriptionIdOfClient,
        DisconnectReason::ProtocolError,
        "MQTT-3.3.4-6",
    );
    let publish = place("PUBLISH");
    assert_eq!(publish.read_by(Role::Server, &id), Some(expected));
    let expiry = encoded(PropertyId::SessionExpiryInterval, b"\0\0\0\0");
    let expected = (
        Fault::SessionExpiryOfServer,
        DisconnectReason::ProtocolError,
        "MQTT-3.14.2-2",
    );
    let disconnect = place("DISCONNECT");
    assert_eq!(disconnect.read_by(Role::Client, &expiry), Some(expected));
}

#[test]
fn malformed_properties() {
    let publish = PLACES.iter().find(|place| place.name == "PUBLISH").unwrap();
    let malformed = DisconnectReason::MalformedPacket;
    for (properties, fault, clause) in [
        (&b"\x04\x01"[..], Fault::UnknownProperty(4), "2.2.2.2"),
        (b"\x80\x01", Fault::UnknownProperty(128), "2.2.2.2"),
        (b"\x81\x00\x01", Fault::LengthNotMinimal, "MQTT-1.5.5-1"),
        (b"\x80\x80\x80\x80", Fault::LengthTooLong, "1.5.5"),
        (b"\x80", Fault::Truncated, "2.1.4"),
        (b"\x01", Fault::Truncated, "2.1.4"),
        (b"\x02\0\0\0", Fault::Truncated, "2.1.4"),
        (b"\x03\0\x02a", Fault::Truncated, "2.1.4"),
        (b"\x03\0\x01\xFF", Fault::NotUtf8, "MQTT-1.5.4-1"),
        (b"\x03\0\x01\0", Fault::Nul, "MQTT-1.5.4-2"),
        (b"\x26\0\x01a\0\x01\0", Fault::Nul, "MQTT-1.5.4-2"),
        (b"\x26\0\x01a", Fault::Truncated, "2.1.4"),
        (b"\x0B\x81\x00", Fault::LengthNotMinimal, "MQTT-1.5.5-1"),
    ] {
        let expected = Some((fault, malformed, clause));
        assert_eq!(publish.fault(properties), expected, "{properties:02x?}");
    }
    for (topic, clause) in [
        (&b"\x08\0\x01#"[..], "MQTT-3.3.2-14"),
        (b"\x08\0\0", "MQTT-4.7.3-1"),
    ] {
        let (_, reason, found) = publish.fault(topic).unwrap();
        assert_eq!((reason, found), (malformed, clause));
    }
    let connect = &PLACES[0];
    let data = encoded(PropertyId::AuthenticationData, b"\0\0");
    let expected = (
        Fault::NoAuthenticationMethod,
        DisconnectReason::ProtocolError,
        "3.1.2.11.10",
    );
    assert_eq!(connect.fault(&data), Some(expected));
}

/// A Property Length beyond the packet is an error before any of the properties have arrived.
#[test]
fn a_property_length_beyond_the_packet_is_an_error_at_once() {
    let mut decoder = Decoder::new(Role::Server, Version::V5_0, Limits::DEFAULT);
    let error = decoder.decode(b"\x30\x10\x00\x01t\x0D").unwrap_err();
    assert_eq!(error.fault, Fault::Truncated);
    assert_eq!(error.packet, Some(PacketType::Publish));
}
