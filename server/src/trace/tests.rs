//! Taps of connections without sockets, and the traces that watch them.

use std::{sync::Arc, time::Duration};

use access::Users;
use broker::{DestinationKind, TopicFilter, TopicName};
use serde_json::Value;

use super::decoding::Decoding;
use super::*;
use crate::{
    access_control::{AccessControl, SessionOwner},
    audit::AuditLog,
    connection_control::ClientProtocol,
};

fn open_principal() -> Arc<Principal> {
    let access = AccessControl::new(None, AuditLog::none());
    Arc::clone(access.open_principal())
}

fn start(traces: &Arc<Traces>, selector: TraceSelector) -> RunningTrace {
    traces
        .start(selector, open_principal(), None)
        .expect("there is room")
}

fn of_client(client: &str) -> TraceSelector {
    TraceSelector {
        client: Some(client.to_owned()),
        ..TraceSelector::default()
    }
}

fn of_topic(filter: &str) -> TraceSelector {
    TraceSelector {
        topic: Some(TopicFilter::new(filter).expect("a filter")),
        ..TraceSelector::default()
    }
}

/// Takes all frames, each as its direction and type.
fn taken(trace: &RunningTrace) -> Vec<String> {
    let mut found = Vec::new();
    while let Taken::Frame(json) = trace.trace().take(0) {
        let frame: Value = serde_json::from_str(&json).expect("JSON");
        let text = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
        found.push(format!("{} {}", text("direction"), text("type")));
    }
    found
}

const CONNECT: &[u8] = b"CONNECT\naccept-version:1.1\nclient-id:sensor-1\npasscode:hunter2\n\n\0";
const SEND: &[u8] = b"SEND\ndestination:/topic/a.b\n\nx\0";

/// Returns the rules of users, and the user `reader`.
fn reader_of(rules: &str) -> (AccessControl, Arc<Principal>) {
    let users = Users::parse(rules).expect("rules");
    let access = AccessControl::new(Some(users), AuditLog::none());
    let owner = SessionOwner {
        user: Some("reader".into()),
        groups: None,
    };
    let reader = access.principal_of_earlier_run(owner, "c".into());
    (access, reader)
}

#[test]
fn a_stomp_client_is_known_from_its_connect() {
    let traces = Arc::<Traces>::default();
    let tap = Tap::of_test(&traces, ClientProtocol::Stomp, None);
    assert!(!tap.is_active());
    let own = start(&traces, of_client("sensor-1"));
    let other = start(&traces, of_client("sensor-2"));
    assert!(tap.is_active());
    tap.incoming(CONNECT);
    tap.processed(CONNECT.len());
    tap.set_version(ProtocolVersion::Stomp(wire::stomp::Version::V1_1));
    tap.outgoing(b"CONNECTED\nversion:1.1\n\n\0", None);
    tap.incoming(SEND);
    tap.ended("the peer ended it");
    assert_eq!(
        taken(&own),
        ["in CONNECT", "out CONNECTED", "in SEND", "out end"]
    );
    assert!(taken(&other).is_empty());
    drop((own, other));
    assert!(!tap.is_active());
}

#[test]
fn input_is_shown_once_however_often_it_is_offered() {
    let traces = Arc::<Traces>::default();
    let version = Some(ProtocolVersion::Stomp(wire::stomp::Version::V1_2));
    let tap = Tap::of_test(&traces, ClientProtocol::Stomp, version);
    let trace = start(&traces, of_topic("a.*"));
    let input = [SEND, SEND, b"SEND\ndestination:/topic/b\n\nx\0", &SEND[..9]].concat();
    // The first cycle had time for one frame, the second for none.
    tap.incoming(&input);
    tap.processed(SEND.len());
    let rest = &input[SEND.len()..];
    tap.incoming(rest);
    tap.processed(0);
    assert_eq!(taken(&trace), ["in SEND", "in SEND"]);
    let complete = [rest, &SEND[9..]].concat();
    tap.incoming(&complete);
    assert_eq!(taken(&trace), ["in SEND"]);
}

#[test]
fn a_trace_that_starts_later_shows_the_next_frames() {
    let traces = Arc::<Traces>::default();
    let version = Some(ProtocolVersion::Mqtt(wire::mqtt::Version::V3_1_1));
    let tap = Tap::of_test(&traces, ClientProtocol::Mqtt, version);
    let first = start(&traces, of_client("c"));
    tap.incoming(b"\xc0\x00");
    let second = start(&traces, of_client("c"));
    // The first PINGREQ is not processed yet, and the second one is new.
    tap.incoming(b"\xc0\x00\xc0\x00");
    assert_eq!(taken(&first), ["in PINGREQ", "in PINGREQ"]);
    assert_eq!(taken(&second), ["in PINGREQ"]);
    drop(first);
    tap.outgoing(b"\xd0\x00", None);
    assert_eq!(taken(&second), ["out PINGRESP"]);
    drop(second);
    let third = start(&traces, of_client("c"));
    tap.incoming(b"\xc0\x00");
    assert_eq!(taken(&third), ["in PINGREQ"], "nothing is remembered");
}

#[test]
fn malformed_input_is_shown_without_its_bytes() {
    let traces = Arc::<Traces>::default();
    let tap = Tap::of_test(&traces, ClientProtocol::Stomp, None);
    let selector = TraceSelector {
        address: Some("127.0.0.1:5".parse().expect("an address")),
        ..TraceSelector::default()
    };
    let trace = start(&traces, selector);
    tap.incoming(b"CONNECT\npasscode=hunter2\n\n\0");
    let Taken::Frame(json) = trace.trace().take(0) else {
        panic!("no frame");
    };
    assert!(json.contains(r#""type":"malformed""#), "{json}");
    assert!(json.contains("has no colon"), "{json}");
    assert!(!json.contains("hunter2"), "{json}");
}

#[test]
fn a_delivery_belongs_to_the_topic_that_it_comes_from() {
    let traces = Arc::<Traces>::default();
    let version = Some(ProtocolVersion::Mqtt(wire::mqtt::Version::V5_0));
    let tap = Tap::of_test(&traces, ClientProtocol::Mqtt, version);
    let trace = start(&traces, of_topic("a.b"));
    let name = TopicName::new("a.b").expect("a name");
    let from = Delivered {
        kind: DestinationKind::Topic,
        name: &name,
        queue: None,
    };
    // A PUBLISH without a topic, with the alias 1, that was set before the trace.
    tap.outgoing(b"\x30\x07\x00\x00\x03\x23\x00\x01x", Some(from));
    tap.outgoing(b"\x30\x07\x00\x00\x03\x23\x00\x02x", None);
    let Taken::Frame(json) = trace.trace().take(0) else {
        panic!("no frame");
    };
    assert!(json.contains("a/b (by its alias)"), "{json}");
    assert!(taken(&trace).is_empty());
}

#[test]
fn a_refused_client_is_known_by_what_it_claims() {
    let traces = Arc::<Traces>::default();
    let selector = TraceSelector {
        client: Some("sensor-1".to_owned()),
        user: Some("anna".to_owned()),
        ..TraceSelector::default()
    };
    let trace = start(&traces, selector);
    let identity = Identity::unknown(std::net::Ipv4Addr::LOCALHOST.into(), None);
    let refused = |login: &str| {
        let connect = format!("CONNECT\nlogin:{login}\nclient-id:sensor-1\npasscode:x\n\n\0");
        let first = FirstMessage {
            at_ms: 0,
            bytes: connect.as_bytes(),
        };
        let answer = b"ERROR\nmessage:no\n\n\0";
        show_refused(
            &traces,
            ClientProtocol::Stomp,
            &identity,
            first,
            answer,
            "no",
        );
    };
    refused("anna");
    refused("ben");
    assert_eq!(taken(&trace), ["in CONNECT", "out ERROR", "out end"]);
}

#[test]
fn the_refusal_of_a_client_before_mqtt_5_is_decoded() {
    let traces = Arc::<Traces>::default();
    let selector = TraceSelector {
        address: Some("127.0.0.1".parse().expect("an address")),
        ..TraceSelector::default()
    };
    let trace = start(&traces, selector);
    let identity = Identity::unknown(std::net::Ipv4Addr::LOCALHOST.into(), None);
    let connects: [(&[u8], &str); 3] = [
        (
            b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01c",
            "in CONNECT",
        ),
        (
            b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c",
            "in CONNECT",
        ),
        // The flags are not valid.
        (
            b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01c",
            "in malformed",
        ),
    ];
    for (connect, expected) in connects {
        let first = FirstMessage {
            at_ms: 0,
            bytes: connect,
        };
        let connack = b"\x20\x02\x00\x05";
        show_refused(
            &traces,
            ClientProtocol::Mqtt,
            &identity,
            first,
            connack,
            "no",
        );
        assert_eq!(taken(&trace), [expected, "out CONNACK", "out end"]);
    }
}

/// Returns a PUBLISH of MQTT 5.0 with a topic alias.
fn aliased(topic: &str, alias: u16) -> Vec<u8> {
    let topic_length = u8::try_from(topic.len()).expect("a short topic");
    let [high, low] = alias.to_be_bytes();
    let head = [0x30, topic_length + 7, 0, topic_length];
    [&head, topic.as_bytes(), &[3, 0x23, high, low, b'x']].concat()
}

#[test]
fn a_topic_alias_is_replaced_and_beyond_the_bound_unknown() {
    let version = Some(ProtocolVersion::Mqtt(wire::mqtt::Version::V5_0));
    let mut decoding = Decoding::new(ClientProtocol::Mqtt, version, Direction::In);
    let mut names = |bytes: &[u8]| {
        let step = decoding.next(bytes, None, "").expect("a packet");
        step.frame.expect("a frame").names
    };
    for alias in 1..=2_000 {
        names(&aliased("open/a", alias));
    }
    names(&aliased("closed/z", 1));
    let topic = |text| {
        let name = TopicName::new(text).expect("a name");
        vec![Named::Name(DestinationKind::Topic, name)]
    };
    assert_eq!(names(&aliased("", 1)), topic("closed.z"));
    assert_eq!(names(&aliased("", 2)), topic("open.a"));
    assert!(names(&aliased("", 2_000)).is_empty());
}

#[test]
fn a_frame_without_a_known_topic_is_for_readers_of_everything() {
    let identity = Identity::unknown(std::net::Ipv4Addr::LOCALHOST.into(), None);
    let shown_to = |rights: &str| {
        let (_access, reader) = reader_of(&format!("[users.reader]\n{rights}"));
        let mut frame = Frame {
            payload: Some(b"hunter2"),
            ..Frame::default()
        };
        frame.header("hunter2", "hunter2");
        let json = frame.to_json(0, Direction::In, &identity, &reader);
        json.matches("hunter2").count()
    };
    assert_eq!(shown_to("manage = [\">\"]"), 0);
    assert_eq!(shown_to("subscribe = [\">\"]"), 0, "it may be a queue");
    assert_eq!(shown_to("subscribe = [\">\"]\nbrowse = [\">\"]"), 3);
}

#[test]
fn an_unread_trace_ends_after_its_time() {
    let traces = Arc::<Traces>::default();
    let running = start(&traces, of_client("c"));
    traces.remove_ended(Instant::now());
    assert!(traces.is_active());
    let later = Instant::now() + MAX_DURATION + Duration::from_secs(1);
    traces.remove_ended(later);
    assert!(!traces.is_active());
    assert!(matches!(running.trace().take(0), Taken::Finished(_)));
}

#[test]
fn an_unread_trace_ends_with_the_rights_of_its_reader() {
    let rules = "[users.reader]\nmanage = [\">\"]";
    let (access, reader) = reader_of(rules);
    let traces = Arc::<Traces>::default();
    let version = Some(ProtocolVersion::Mqtt(wire::mqtt::Version::V5_0));
    let tap = Tap::of_test(&traces, ClientProtocol::Mqtt, version);
    let running = traces.start(of_client("c"), reader, None);
    let running = running.expect("there is room");
    tap.incoming(b"\xc0\x00\xc0\x00");
    assert!(matches!(running.trace().take(0), Taken::Frame(_)));
    access.replace(Users::default());
    let end = running.trace().take(0);
    assert!(
        matches!(end, Taken::Finished(_)),
        "no further frame: {end:?}"
    );
    traces.remove_ended(Instant::now());
    assert!(!traces.is_active());
}

#[test]
fn the_number_of_traces_is_bounded() {
    let traces = Arc::<Traces>::default();
    let running: Vec<_> = (0..MAX_TRACES)
        .map(|_| start(&traces, of_client("c")))
        .collect();
    let one_more = traces.start(of_client("c"), open_principal(), None);
    assert_eq!(one_more.err(), Some(TooManyTraces));
    drop(running);
    start(&traces, of_client("c"));
}

#[test]
fn taps_of_ended_connections_are_forgotten() {
    let traces = Arc::<Traces>::default();
    let _trace = start(&traces, of_client("c"));
    let version = Some(ProtocolVersion::Mqtt(wire::mqtt::Version::V5_0));
    for _ in 0..2 * MIN_SWEPT_TAPS {
        let tap = Tap::of_test(&traces, ClientProtocol::Mqtt, version);
        tap.incoming(b"\xc0\x00");
    }
    assert!(traces.engaged().taps.len() <= MIN_SWEPT_TAPS);
}
