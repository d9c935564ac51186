//! The client's state machine against a server's bytes: written packets, events and timers.

use std::num::NonZeroU16;

use wire::mqtt::client::{
    Client, Config, Connect, Event, ProtocolError, Publication, RequestError, Ticket, Topics,
};
use wire::mqtt::*;

/// A client and the bytes it has written.
pub struct TestClient {
    pub client: Client,
    pub out: Vec<u8>,
    tickets: Vec<Ticket>,
}

pub const CONNECT: Connect<'_> = Connect {
    client_id: "me",
    clean_start: true,
    keep_alive_s: 60,
    session_expiry_s: 0,
    receive_maximum: NonZeroU16::MAX,
    will: None,
    user_name: None,
    password: None,
};

/// The parameters of a session that outlives its connections.
const KEPT: Connect<'_> = Connect {
    clean_start: false,
    session_expiry_s: 100,
    ..CONNECT
};

impl TestClient {
    pub fn new(version: Version) -> Self {
        Self {
            client: Client::new(&Config::of(version)),
            out: Vec::new(),
            tickets: Vec::new(),
        }
    }

    /// Connects with a CONNACK that has these properties.
    fn connected(connect: &Connect<'_>, properties: &[Property<'_>]) -> Self {
        let mut test = Self::new(Version::V5_0);
        test.connect(connect, false, properties);
        test
    }

    fn connect(&mut self, connect: &Connect<'_>, present: bool, properties: &[Property<'_>]) {
        let written = self.client.connect(connect, 0, &mut self.out);
        written.expect("CONNECT can be encoded");
        self.out.clear();
        let shown = self.receive(&connack(present, properties));
        assert!(shown[0].starts_with("connected"), "{shown:?}");
    }

    /// Returns the events of these packets.
    pub fn try_receive(&mut self, mut bytes: &[u8]) -> Result<Vec<String>, ProtocolError> {
        let mut shown = Vec::new();
        while let Some((event, taken)) = self.client.event(0, bytes, &mut self.out)? {
            if let Event::Message(message) = &event {
                self.tickets.extend(message.ticket);
            }
            shown.push(show(&event));
            bytes = &bytes[taken..];
        }
        Ok(shown)
    }

    pub fn receive(&mut self, bytes: &[u8]) -> Vec<String> {
        self.try_receive(bytes).expect("valid")
    }

    /// Returns the bytes written since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub fn publish(&mut self, qos: QoS, tag: u64) -> Result<(), RequestError> {
        self.publish_bytes(qos, tag, b"hi")
    }

    fn publish_bytes(&mut self, qos: QoS, tag: u64, payload: &[u8]) -> Result<(), RequestError> {
        let publication = Publication {
            topic: TopicName::parse("a").expect("valid"),
            qos,
            retain: false,
            properties: Properties::EMPTY,
            payload,
            tag,
        };
        self.client.publish(&publication, &mut self.out)
    }

    /// Acknowledges the oldest message.
    pub fn acknowledge(&mut self) {
        let ticket = self.tickets.remove(0);
        self.client.acknowledge(ticket, &mut self.out);
    }
}

pub fn show(event: &Event<'_>) -> String {
    match event {
        Event::Connected(connected) => format!(
            "connected present {} given up {} id {:?} keep alive {}",
            connected.session_present,
            connected.given_up,
            connected.assigned_client_id,
            connected.keep_alive_s
        ),
        Event::Refused(refused) => format!("refused {:?}", refused.reason),
        Event::Message(message) => format!(
            "message {} {} dup {} {}",
            message.topic.as_str(),
            message.payload.escape_ascii(),
            message.is_duplicate(),
            match message.ticket {
                Some(_) => "to acknowledge",
                None => "done",
            }
        ),
        Event::Published(published) => {
            format!("published {} {:?}", published.tag, published.reason)
        }
        Event::Subscribed(suback) => format!("subscribed {:?}", suback.reasons),
        Event::Unsubscribed(unsuback) => format!("unsubscribed {:?}", unsuback.reasons),
        Event::Disconnected(disconnected) => format!("disconnected {:?}", disconnected.reason),
        Event::Answered => "answered".to_owned(),
    }
}

fn connack(session_present: bool, properties: &[Property<'_>]) -> Vec<u8> {
    let mut scratch = Vec::new();
    let properties = Properties::encode(properties.iter().copied(), &mut scratch);
    let mut out = Vec::new();
    let connack = Packet::Connack(Connack {
        session_present,
        reason: ConnectReason::Success,
        properties: properties.expect("valid"),
    });
    connack.encode(Version::V5_0, &mut out).expect("valid");
    out
}

const fn number(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("it is not 0")
}

#[test]
fn connect_is_encoded_in_each_version() {
    let will = Will {
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: Properties::EMPTY,
        topic: TopicName::parse("w").expect("valid"),
        payload: b"gone",
    };
    let full = Connect {
        session_expiry_s: 100,
        receive_maximum: number(7),
        will: Some(will),
        user_name: Some("u"),
        password: Some(b"p"),
        ..CONNECT
    };
    let table: [(Version, &Connect<'_>, &[u8]); 4] = [
        (
            Version::V3_1_1,
            &CONNECT,
            b"\x10\x0E\0\x04MQTT\x04\x02\0\x3C\0\x02me",
        ),
        (
            Version::V3_1_1,
            &full,
            b"\x10\x1D\0\x04MQTT\x04\xEE\0\x3C\0\x02me\0\x01w\0\x04gone\0\x01u\0\x01p",
        ),
        // Maximum Packet Size 64 MiB, Topic Alias Maximum 32.
        (
            Version::V5_0,
            &CONNECT,
            b"\x10\x17\0\x04MQTT\x05\x02\0\x3C\x08\x27\x04\0\0\0\x22\0\x20\0\x02me",
        ),
        (
            Version::V5_0,
            &full,
            b"\x10\x2F\0\x04MQTT\x05\xEE\0\x3C\x10\x11\0\0\0\x64\x21\0\x07\x27\x04\0\0\0\x22\0\x20\
              \0\x02me\0\0\x01w\0\x04gone\0\x01u\0\x01p",
        ),
    ];
    for (version, connect, wanted) in table {
        let mut test = TestClient::new(version);
        test.client
            .connect(connect, 0, &mut test.out)
            .expect("it can be encoded");
        assert_eq!(
            test.out.escape_ascii().to_string(),
            wanted.escape_ascii().to_string(),
            "{version}"
        );
    }
}

#[test]
fn connack_becomes_connected_or_refused() {
    let table: [(&[u8], &str); 4] = [
        (
            b"\x20\x03\0\0\0",
            "connected present false given up 0 id None keep alive 60",
        ),
        (
            b"\x20\x0A\0\0\x07\x12\0\x01x\x13\0\x05",
            "connected present false given up 0 id Some(\"x\") keep alive 5",
        ),
        (b"\x20\x03\0\x87\0", "refused NotAuthorized"),
        (b"\x20\x03\0\x89\0", "refused ServerBusy"),
    ];
    for (bytes, wanted) in table {
        let mut test = TestClient::new(Version::V5_0);
        test.client
            .connect(&CONNECT, 0, &mut test.out)
            .expect("it can be encoded");
        assert_eq!(test.receive(bytes), [wanted]);
    }
    let mut test = TestClient::new(Version::V3_1_1);
    test.client
        .connect(&CONNECT, 0, &mut test.out)
        .expect("it can be encoded");
    assert_eq!(test.receive(b"\x20\x02\0\x05"), ["refused NotAuthorized"]);
    assert!(!test.client.is_connected());
    assert!(test.receive(b"\xD0\0").is_empty(), "it is over");
}

#[test]
fn violations_of_the_server_are_reported_with_their_reason() {
    let table: [(&[u8], &str, DisconnectReason); 9] = [
        (
            b"\x20\x03\0\0\0",
            "CONNACK, which is not expected",
            DisconnectReason::ProtocolError,
        ),
        (b"\xF0\0", "AUTH", DisconnectReason::ProtocolError),
        (
            b"\x40\x02\0\x05",
            "an unexpected PUBACK",
            DisconnectReason::ProtocolError,
        ),
        (
            b"\x70\x02\0\x05",
            "an unexpected PUBCOMP",
            DisconnectReason::ProtocolError,
        ),
        (
            b"\x90\x04\0\x05\0\0",
            "an unexpected SUBACK",
            DisconnectReason::ProtocolError,
        ),
        (
            b"\x30\x08\0\0\x03\x23\0\x01hi",
            "has no topic",
            DisconnectReason::ProtocolError,
        ),
        (
            b"\x30\x09\0\x01a\x03\x23\0\x21hi",
            "larger than the maximum",
            DisconnectReason::TopicAliasInvalid,
        ),
        (
            b"\x32\x06\0\x01a\0\x01\0\x32\x06\0\x01a\0\x02\0\x32\x06\0\x01a\0\x03\0",
            "exceeded the receive maximum",
            DisconnectReason::ReceiveMaximumExceeded,
        ),
        (
            b"\x36\x06\0\x01a\0\x01\0",
            "not valid MQTT",
            DisconnectReason::MalformedPacket,
        ),
    ];
    let connect = Connect {
        receive_maximum: number(2),
        ..CONNECT
    };
    for (bytes, wanted, reason) in table {
        let mut test = TestClient::connected(&connect, &[]);
        let error = test.try_receive(bytes).expect_err(wanted);
        assert!(error.to_string().contains(wanted), "{wanted}: {error}");
        test.client.fail(&error, &mut test.out);
        assert_eq!(test.take_output(), [0xE0, 1, reason.code()], "{wanted}");
    }
}

#[test]
fn a_packet_before_connack_is_an_error_without_answer() {
    for bytes in [&b"\xD0\0"[..], b"\x20\x03\x01\0\0"] {
        let mut test = TestClient::new(Version::V5_0);
        test.client
            .connect(&CONNECT, 0, &mut test.out)
            .expect("it can be encoded");
        test.take_output();
        let error = test.try_receive(bytes).expect_err("it is wrong");
        test.client.fail(&error, &mut test.out);
        assert!(test.take_output().is_empty(), "{error}");
    }
}

#[test]
fn publications_complete_when_they_are_acknowledged() {
    let mut test = TestClient::connected(&CONNECT, &[]);
    test.publish(QoS::AtMostOnce, 1).expect("there is room");
    assert_eq!(test.take_output(), b"\x30\x06\0\x01a\0hi");
    test.publish(QoS::AtLeastOnce, 2).expect("there is room");
    assert_eq!(test.take_output(), b"\x32\x08\0\x01a\0\x01\0hi");
    test.publish(QoS::ExactlyOnce, 3).expect("there is room");
    assert_eq!(test.take_output(), b"\x34\x08\0\x01a\0\x02\0hi");
    assert_eq!(test.receive(b"\x40\x02\0\x01"), ["published 2 Success"]);
    assert_eq!(test.receive(b"\x50\x02\0\x02"), ["answered"]);
    assert_eq!(test.take_output(), b"\x62\x02\0\x02");
    assert_eq!(test.receive(b"\x70\x02\0\x02"), ["published 3 Success"]);
    assert_eq!(test.client.in_flight(), 0);
}

#[test]
fn a_refused_publication_is_reported_with_its_tag() {
    let mut test = TestClient::connected(&CONNECT, &[]);
    test.publish(QoS::AtLeastOnce, 7).expect("there is room");
    test.publish(QoS::ExactlyOnce, 8).expect("there is room");
    let heard = test.receive(b"\x40\x03\0\x01\x97\x50\x03\0\x02\x87");
    assert_eq!(
        heard,
        ["published 7 QuotaExceeded", "published 8 NotAuthorized"]
    );
    test.take_output();
    assert_eq!(test.receive(b"\x50\x02\0\x09"), ["answered"]);
    assert_eq!(test.take_output(), b"\x62\x03\0\x09\x92", "it is not known");
}

#[test]
fn publications_beyond_the_servers_limits_are_not_sent() {
    let packet_size = std::num::NonZeroU32::new(12).expect("it is not 0");
    let limits = [
        Property::ReceiveMaximum(number(1)),
        Property::MaximumQos(MaximumQos::AtLeastOnce),
        Property::RetainAvailable(false),
        Property::MaximumPacketSize(packet_size),
    ];
    let mut test = TestClient::connected(&CONNECT, &limits);
    let refused = test.publish(QoS::ExactlyOnce, 1);
    let maximum = QoS::AtLeastOnce;
    assert_eq!(refused, Err(RequestError::Qos { maximum }));
    let refused = test.publish_bytes(QoS::AtLeastOnce, 1, b"12345");
    let (bytes, limit) = (13, 12);
    assert_eq!(refused, Err(RequestError::TooLarge { bytes, limit }));
    assert!(test.take_output().is_empty());
    test.publish_bytes(QoS::AtLeastOnce, 1, b"1234")
        .expect("a refused publication takes no room");
    assert!(!test.client.has_room());
    assert_eq!(test.publish(QoS::AtLeastOnce, 2), Err(RequestError::NoRoom));
    test.publish(QoS::AtMostOnce, 3)
        .expect("QoS 0 needs no room");
    test.receive(b"\x40\x02\0\x02");
    assert!(test.client.has_room());
}

#[test]
fn messages_are_acknowledged_when_the_caller_acknowledges_them() {
    let mut test = TestClient::connected(&CONNECT, &[]);
    let heard =
        test.receive(b"\x30\x06\0\x01a\0m0\x32\x08\0\x01a\0\x05\0m1\x34\x08\0\x01a\0\x06\0m2");
    assert_eq!(
        heard,
        [
            "message a m0 dup false done",
            "message a m1 dup false to acknowledge",
            "message a m2 dup false to acknowledge"
        ]
    );
    assert!(test.take_output().is_empty());
    test.acknowledge();
    assert_eq!(test.take_output(), b"\x40\x02\0\x05");
    test.acknowledge();
    assert_eq!(test.take_output(), b"\x50\x02\0\x06");
    assert_eq!(test.receive(b"\x62\x02\0\x06"), ["answered"]);
    assert_eq!(test.take_output(), b"\x70\x02\0\x06");
    assert_eq!(test.receive(b"\x62\x02\0\x06"), ["answered"]);
    assert_eq!(
        test.take_output(),
        b"\x70\x03\0\x06\x92",
        "it is not in use"
    );
}

#[test]
fn a_topic_alias_is_valid_only_on_its_connection() {
    let mut test = TestClient::connected(&CONNECT, &[]);
    let set = b"\x30\x0B\0\x03a/b\x03\x23\0\x01hi";
    let used = b"\x30\x08\0\0\x03\x23\0\x01hi";
    assert_eq!(test.receive(set), ["message a/b hi dup false done"]);
    assert_eq!(test.receive(used), ["message a/b hi dup false done"]);
    test.connect(&CONNECT, false, &[]);
    assert!(test.try_receive(used).is_err());
}

#[test]
fn a_continued_session_resends_unacknowledged_publications() {
    let mut test = TestClient::connected(&KEPT, &[]);
    for (qos, tag) in [
        (QoS::AtLeastOnce, 1),
        (QoS::ExactlyOnce, 2),
        (QoS::ExactlyOnce, 3),
    ] {
        test.publish(qos, tag).expect("there is room");
    }
    test.receive(b"\x50\x02\0\x02");
    let written = test.client.connect(&KEPT, 0, &mut test.out);
    written.expect("it can be encoded");
    test.take_output();
    let heard = test.receive(&connack(true, &[]));
    assert!(heard[0].contains("present true given up 0"), "{heard:?}");
    let again = [
        &b"\x3A\x08\0\x01a\0\x01\0hi"[..],
        b"\x62\x02\0\x02",
        b"\x3C\x08\0\x01a\0\x03\0hi",
    ];
    assert_eq!(test.take_output(), again.concat());
    let heard = test.receive(b"\x40\x02\0\x01\x70\x02\0\x02\x50\x02\0\x03\x70\x02\0\x03");
    assert_eq!(heard[..2], ["published 1 Success", "published 2 Success"]);
    assert_eq!(heard[3], "published 3 Success");
}

#[test]
fn resending_respects_the_receive_maximum() {
    let mut test = TestClient::connected(&KEPT, &[]);
    for tag in 1..=3 {
        test.publish(QoS::AtLeastOnce, tag).expect("there is room");
    }
    let one = [Property::ReceiveMaximum(number(1))];
    test.connect(&KEPT, true, &one);
    for id in 1..=3 {
        assert_eq!(
            test.take_output(),
            [b"\x3A\x08\0\x01a\0", &[id][..], b"\0hi"].concat()
        );
        assert!(!test.client.has_room());
        test.receive(&[0x40, 2, 0, id]);
    }
    assert!(test.client.has_room());
}

#[test]
fn publications_that_cannot_be_resent_are_reported_as_given_up() {
    let large = std::num::NonZeroU32::new(12).expect("it is not 0");
    let table = [
        (false, vec![], 2),
        (true, vec![Property::MaximumPacketSize(large)], 1),
    ];
    for (present, properties, given_up) in table {
        let mut test = TestClient::connected(&KEPT, &[]);
        test.publish(QoS::AtLeastOnce, 1).expect("there is room");
        test.publish_bytes(QoS::AtLeastOnce, 2, b"large")
            .expect("there is room");
        let written = test.client.connect(&KEPT, 0, &mut test.out);
        written.expect("it can be encoded");
        let heard = test.receive(&connack(present, &properties));
        let wanted = format!("given up {given_up}");
        assert!(heard[0].contains(&wanted), "{heard:?}");
        assert_eq!(test.client.in_flight(), 2 - given_up);
    }
}

#[test]
fn a_message_of_qos_2_is_reported_once_even_if_the_connection_is_lost() {
    let mut test = TestClient::connected(&KEPT, &[]);
    assert_eq!(test.receive(b"\x34\x08\0\x01a\0\x05\0hi").len(), 1);
    test.connect(&KEPT, true, &[]);
    test.acknowledge();
    assert!(
        test.take_output().is_empty(),
        "a ticket is of its connection"
    );
    assert_eq!(test.receive(b"\x3C\x08\0\x01a\0\x05\0hi"), ["answered"]);
    assert_eq!(test.take_output(), b"\x50\x02\0\x05");
    test.receive(b"\x62\x02\0\x05");
    let heard = test.receive(b"\x34\x08\0\x01a\0\x05\0hi");
    assert_eq!(heard, ["message a hi dup false to acknowledge"]);
}

#[test]
fn subscribe_and_unsubscribe_are_encoded_and_answered() {
    let mut test = TestClient::connected(&CONNECT, &[]);
    let subscription = Subscription {
        filter: TopicFilter::parse("a/#").expect("valid"),
        options: SubscriptionOptions {
            maximum_qos: QoS::AtLeastOnce,
            no_local: true,
            ..SubscriptionOptions::default()
        },
    };
    let topics = Topics::Subscribe(&[subscription], SubscriptionId::new(9));
    let id = test
        .client
        .request(&topics, &mut test.out)
        .expect("there is room");
    assert_eq!(id.get(), 1);
    assert_eq!(
        test.take_output(),
        b"\x82\x0B\0\x01\x02\x0B\x09\0\x03a/#\x05"
    );
    assert_eq!(
        test.receive(b"\x90\x04\0\x01\0\x01"),
        ["subscribed [GrantedQos1]"]
    );
    let filters = [subscription.filter];
    let topics = Topics::Unsubscribe(&filters);
    test.client
        .request(&topics, &mut test.out)
        .expect("there is room");
    assert_eq!(test.take_output(), b"\xA2\x08\0\x02\0\0\x03a/#");
    assert_eq!(
        test.receive(b"\xB0\x04\0\x02\0\x11"),
        ["unsubscribed [NoSubscriptionExisted]"]
    );
}

#[test]
fn pings_are_due_while_sending_and_silence_ends_the_connection() {
    let mut test = TestClient::connected(&CONNECT, &[Property::ServerKeepAlive(10)]);
    assert_eq!(test.client.deadline(), Some(7500));
    assert_eq!(test.client.on_deadline(7499), Due::Nothing);
    test.publish(QoS::AtMostOnce, 1).expect("there is room");
    assert_eq!(test.client.on_deadline(7500), Due::Ping);
    test.take_output();
    test.client.ping(&mut test.out);
    assert_eq!(test.take_output(), b"\xC0\0");
    test.client.received(7600);
    assert_eq!(test.receive(b"\xD0\0"), ["answered"]);
    assert_eq!(test.client.on_deadline(15_000), Due::Ping);
    let silent_ms = 15_000;
    assert_eq!(
        test.client.on_deadline(7600 + silent_ms),
        Due::PeerSilent { silent_ms }
    );
}

#[test]
fn a_server_that_does_not_answer_connect_in_time_is_overdue() {
    let mut test = TestClient::new(Version::V5_0);
    let written = test.client.connect(&CONNECT, 5, &mut test.out);
    written.expect("it can be encoded");
    let overdue_ms = 5 + u64::from(Config::HANDSHAKE_MS);
    assert_eq!(test.client.deadline(), Some(overdue_ms));
    assert_eq!(test.client.on_deadline(overdue_ms), Due::HandshakeOverdue);
}

#[test]
fn after_disconnect_nothing_is_written_but_events_are_still_returned() {
    let mut test = TestClient::connected(&KEPT, &[]);
    test.receive(b"\x32\x08\0\x01a\0\x05\0hi");
    test.client.disconnect(Some(0), &mut test.out);
    assert_eq!(test.take_output(), b"\xE0\x07\0\x05\x11\0\0\0\0");
    test.acknowledge();
    test.client.ping(&mut test.out);
    assert_eq!(
        test.publish(QoS::AtMostOnce, 1),
        Err(RequestError::NotConnected)
    );
    let heard = test.receive(b"\x34\x08\0\x01a\0\x06\0hi\xE0\x01\x97");
    assert_eq!(heard, ["answered", "disconnected QuotaExceeded"]);
    assert!(test.take_output().is_empty());
}

#[test]
fn disconnect_is_encoded_before_5() {
    let mut test = TestClient::new(Version::V3_1_1);
    let written = test.client.connect(&CONNECT, 0, &mut test.out);
    written.expect("it can be encoded");
    test.receive(b"\x20\x02\0\0");
    test.take_output();
    test.client.disconnect(Some(0), &mut test.out);
    assert_eq!(test.take_output(), b"\xE0\0");
}
