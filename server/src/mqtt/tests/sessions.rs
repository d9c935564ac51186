//! Sessions that outlive a connection, and their takeover (5.0, 3.1.2.4 and 4.1).

use std::{
    num::NonZeroU16,
    task::{Context, Poll},
};

use broker::{Limits, TopicName};
use wire::mqtt::{QoS::*, TopicName as Name, Version, Will, client::Connect};

use super::{Peer, ReceivedMessage, TestServer};
use crate::connection::{CloseReason, Encoder as _, Protocol as _};

fn payloads(messages: &[ReceivedMessage]) -> Vec<&str> {
    messages.iter().map(|one| one.payload.as_str()).collect()
}

#[tokio::test]
async fn messages_published_without_a_connection_wait_for_the_client() {
    for version in Version::ALL {
        let test_server = TestServer::new();
        let mut reader = Peer::new("reader", version);
        let mut writer = Peer::new("writer", version);
        assert!(!reader.connect(&test_server).await);
        reader.subscribe("a/#", AtLeastOnce);
        reader.settle();
        reader.break_connection();
        writer.connect(&test_server).await;
        for (payload, qos) in [("1", AtLeastOnce), ("2", ExactlyOnce), ("3", AtMostOnce)] {
            writer.publish("a/b", payload, qos);
        }
        writer.settle();
        let reports_session = reader.connect(&test_server).await;
        assert_eq!(reports_session, version != Version::V3_1, "{version}");
        let found = reader.settle();
        assert_eq!(payloads(&found), ["1", "2", "3"], "{version}");
        assert!(found.iter().all(|one| !one.duplicate && !one.retain));
        assert_eq!(found[1].qos, AtLeastOnce, "at most the requested QoS");
    }
}

#[tokio::test]
async fn unacknowledged_messages_are_sent_again_in_order_with_dup_set() {
    let test_server = TestServer::new();
    let mut reader = Peer::new("reader", Version::V5_0);
    let mut writer = Peer::new("writer", Version::V5_0);
    reader.connect(&test_server).await;
    reader.subscribe("a", AtLeastOnce);
    reader.settle();
    writer.connect(&test_server).await;
    for payload in ["1", "2", "3"] {
        writer.publish("a", payload, AtLeastOnce);
    }
    writer.settle();
    // It was sent, and is lost with the connection.
    reader
        .connection
        .as_mut()
        .expect("connected")
        .deliver(&mut reader.incoming);
    assert!(!reader.incoming.is_empty());
    reader.break_connection();
    writer.publish("a", "4", AtLeastOnce);
    writer.settle();
    assert!(reader.connect(&test_server).await);
    let found = reader.settle();
    assert_eq!(payloads(&found), ["1", "2", "3", "4"]);
    let again: Vec<_> = found.iter().map(|one| one.duplicate).collect();
    assert_eq!(again, [true, true, true, false]);
}

#[tokio::test]
async fn retransmissions_come_in_rounds_before_new_messages() {
    let test_server = TestServer::new();
    let mut reader = Peer::new("reader", Version::V5_0);
    let mut writer = Peer::new("writer", Version::V5_0);
    reader.connect(&test_server).await;
    reader.subscribe("a", AtLeastOnce);
    reader.settle();
    writer.connect(&test_server).await;
    for _ in 0..3 {
        writer.publish("a", &"x".repeat(100), AtLeastOnce);
    }
    writer.settle();
    let connection = reader.connection.as_mut().expect("connected");
    connection.deliver(&mut reader.incoming);
    reader.break_connection();
    let again = Connect {
        client_id: "reader",
        clean_start: false,
        ..Connect::default()
    };
    let mut bytes = Vec::new();
    let result = reader.machine.connect(&again, 0, &mut bytes);
    result.expect("a valid request");
    let mut connection = test_server.serve(&bytes).await;
    let encoder = &mut connection.deliverer.as_mut().expect("it delivers").encoder;
    for packets in [2, 1] {
        assert!(!encoder.has_room());
        let mut piece = Vec::new();
        encoder.resend(150, &mut piece);
        assert_eq!(piece.len() / 100, packets);
    }
    assert!(encoder.has_room());
}

#[tokio::test]
async fn a_clean_start_discards_the_session() {
    let test_server = TestServer::new();
    let mut reader = Peer::new("reader", Version::V5_0);
    reader.connect(&test_server).await;
    reader.subscribe("a", AtLeastOnce);
    reader.settle();
    reader.break_connection();
    assert_eq!(test_server.shared_state.sessions.detached_count(), 1);
    let anew = Connect {
        client_id: "reader",
        ..Connect::default()
    };
    assert!(!reader.connect_as(&test_server, &anew).await);
    assert_eq!(test_server.shared_state.sessions.detached_count(), 0);
    let mut writer = Peer::new("writer", Version::V5_0);
    writer.connect(&test_server).await;
    writer.publish("a", "1", AtLeastOnce);
    writer.settle();
    assert_eq!(reader.settle(), []);
    assert_eq!(test_server.context.broker.figures().subscriptions, 0);
}

#[tokio::test]
async fn a_session_ends_when_it_expires() {
    let test_server = TestServer::new();
    let mut reader = Peer::new("reader", Version::V5_0);
    reader.connect(&test_server).await;
    reader.subscribe("a", AtLeastOnce);
    reader.settle();
    reader.break_connection();
    let sessions = &test_server.shared_state.sessions;
    let now_ms = test_server.context.clock.now_ms();
    assert!(sessions.take_due(now_ms + 999_000, 10).is_empty());
    let due = sessions.take_due(now_ms + 1_001_000, 10);
    assert_eq!((due.len(), sessions.detached_count()), (1, 0));
}

#[tokio::test]
async fn a_takeover_ends_the_old_connection_and_continues_the_session() {
    let test_server = TestServer::new();
    let mut old = Peer::new("one", Version::V5_0);
    old.connect(&test_server).await;
    old.subscribe("a", ExactlyOnce);
    old.settle();
    let mut new = Peer::new("one", Version::V5_0);
    let mut connecting = Box::pin(new.connect(&test_server));
    let waker = futures_util::task::noop_waker();
    let mut context = Context::from_waker(&waker);
    assert!(connecting.as_mut().poll(&mut context).is_pending());
    let connection = old.connection.as_mut().expect("connected");
    let Poll::Ready(close_reason) = connection.mqtt.poll_evicted(&mut context) else {
        panic!("the old connection ends");
    };
    assert_eq!(close_reason, CloseReason::TakenOver);
    old.connection
        .take()
        .expect("connected")
        .on_close(&close_reason);
    assert!(connecting.await, "the session continues");
    let mut writer = Peer::new("writer", Version::V5_0);
    writer.connect(&test_server).await;
    writer.publish("a", "1", ExactlyOnce);
    writer.settle();
    assert_eq!(payloads(&new.settle()), ["1"]);
}

fn with_will<'a>(name: &'a str, properties: wire::mqtt::Properties<'a>) -> Connect<'a> {
    Connect {
        client_id: name,
        clean_start: false,
        session_expiry_s: 1_000,
        will: Some(Will {
            qos: AtLeastOnce,
            retain: true,
            properties,
            topic: Name::parse("wills").expect("a name"),
            payload: b"gone",
        }),
        ..Connect::default()
    }
}

fn last_will(test_server: &TestServer) -> Option<String> {
    let topic = TopicName::new("wills").expect("a name");
    let retained = test_server.context.broker.retained(&topic)?;
    Some(String::from_utf8_lossy(retained.body()).into_owned())
}

#[tokio::test]
async fn a_will_is_published_after_a_break_and_not_after_disconnect() {
    let test_server = TestServer::new();
    let mut client = Peer::new("one", Version::V5_0);
    let connect = with_will("one", wire::mqtt::Properties::EMPTY);
    client.connect_as(&test_server, &connect).await;
    client.machine.disconnect(None, &mut client.outgoing);
    let bytes = std::mem::take(&mut client.outgoing);
    let mut connection = client.connection.take().expect("connected");
    let left = connection.cycle(&bytes);
    assert_eq!(left, Err(CloseReason::ByPeer));
    connection.on_close(&CloseReason::ByPeer);
    assert_eq!(last_will(&test_server), None);
    client.connect_as(&test_server, &connect).await;
    client.break_connection();
    assert_eq!(last_will(&test_server).as_deref(), Some("gone"));
}

#[tokio::test]
async fn a_delayed_will_is_dropped_when_the_client_reconnects() {
    let test_server = TestServer::new();
    let mut client = Peer::new("one", Version::V5_0);
    let mut scratch = Vec::new();
    let delay = [wire::mqtt::Property::WillDelayInterval(100)];
    let delay = wire::mqtt::Properties::encode(delay, &mut scratch).expect("short");
    let connect = with_will("one", delay);
    client.connect_as(&test_server, &connect).await;
    client.break_connection();
    let sessions = &test_server.shared_state.sessions;
    let now_ms = test_server.context.clock.now_ms();
    assert!(sessions.take_due(now_ms + 99_000, 10).is_empty());
    assert!(client.connect_as(&test_server, &connect).await);
    client.break_connection();
    let due = sessions.take_due(now_ms + 101_000, 10);
    assert_eq!(due.len(), 1, "it is due once, for the last connection");
    assert_eq!(sessions.detached_count(), 1, "the session continues");
    assert_eq!(last_will(&test_server), None, "the caller publishes it");
}

#[tokio::test]
async fn a_session_without_expiry_leaves_no_state() {
    let test_server = TestServer::new();
    let broker = &test_server.context.broker;
    let before = broker.figures();
    let mut client = Peer::new("one", Version::V5_0);
    let connect = Connect {
        client_id: "one",
        ..Connect::default()
    };
    client.connect_as(&test_server, &connect).await;
    client.subscribe("a/+", ExactlyOnce);
    client.subscribe("$share/g/b", AtLeastOnce);
    client.subscribe("$queue/q", AtLeastOnce);
    client.settle();
    assert_eq!(broker.figures().subscriptions, 3);
    client.break_connection();
    let after = broker.figures();
    assert_eq!(
        (after.sessions, after.subscriptions),
        (before.sessions, before.subscriptions)
    );
    assert_eq!(test_server.shared_state.sessions.detached_count(), 0);
}

#[tokio::test]
async fn messages_of_a_detached_consumer_go_to_the_others() {
    let test_server = TestServer::new();
    let mut one = Peer::new("one", Version::V5_0);
    let mut two = Peer::new("two", Version::V5_0);
    let mut writer = Peer::new("writer", Version::V5_0);
    for client in [&mut one, &mut two] {
        client.connect(&test_server).await;
        client.subscribe("$share/g/jobs", AtLeastOnce);
        client.settle();
    }
    writer.connect(&test_server).await;
    for number in 0..6 {
        writer.publish("jobs", &number.to_string(), AtLeastOnce);
    }
    writer.settle();
    // One gets its share, and loses the connection before it has acknowledged any message.
    one.connection
        .as_mut()
        .expect("connected")
        .deliver(&mut one.incoming);
    assert!(!one.incoming.is_empty());
    one.break_connection();
    let mut found = two.settle();
    found.sort_by(|a, b| a.payload.cmp(&b.payload));
    assert_eq!(payloads(&found), ["0", "1", "2", "3", "4", "5"]);
    assert!(one.connect(&test_server).await);
    assert_eq!(one.settle(), []);
}

/// [MQTT-3.3.5-2] of 3.1.1: a client whose version has no refusal is disconnected.
#[tokio::test]
async fn messages_after_a_refused_one_are_new_when_sent_again() {
    let test_server = TestServer::of(Limits {
        queue_entries: 1,
        ..Limits::default()
    });
    let mut reader = Peer::new("reader", Version::V5_0);
    reader.connect(&test_server).await;
    reader.subscribe("a", ExactlyOnce);
    reader.settle();
    let mut writer = Peer::new("writer", Version::V3_1_1);
    writer.connect(&test_server).await;
    writer.publish("$queue/q", "1", ExactlyOnce);
    writer.settle();
    writer.publish("$queue/q", "2", ExactlyOnce);
    writer.publish("a", "3", ExactlyOnce);
    let bytes = std::mem::take(&mut writer.outgoing);
    let mut connection = writer.connection.take().expect("connected");
    let close_reason = connection.cycle(&bytes).expect_err("the queue is full");
    assert!(
        matches!(close_reason, CloseReason::Fault(_)),
        "{close_reason}"
    );
    connection.on_close(&close_reason);
    assert_eq!(reader.settle(), []);
    reader.subscribe("$queue/q", AtLeastOnce);
    assert_eq!(payloads(&reader.settle()), ["1"]);
    assert!(writer.connect(&test_server).await, "the session continues");
    writer.settle();
    assert_eq!(payloads(&reader.settle()), ["2", "3"]);
}

/// [MQTT-3.1.2-25].
#[tokio::test]
async fn a_message_too_large_for_a_client_makes_room_for_the_next() {
    let test_server = TestServer {
        maximum_packet_size: 100,
        ..TestServer::new()
    };
    let mut reader = Peer::new("reader", Version::V5_0);
    let one_at_a_time = Connect {
        client_id: "reader",
        receive_maximum: NonZeroU16::MIN,
        ..Connect::default()
    };
    reader.connect_as(&test_server, &one_at_a_time).await;
    reader.subscribe("$queue/q", AtLeastOnce);
    reader.settle();
    let mut writer = Peer::new("writer", Version::V5_0);
    writer.connect(&test_server).await;
    for payload in [&*"x".repeat(200), "2"] {
        writer.publish("$queue/q", payload, AtLeastOnce);
    }
    writer.settle();
    assert_eq!(payloads(&reader.settle()), ["2"]);
}

#[tokio::test]
async fn messages_kept_for_retransmission_are_bounded_in_bytes() {
    let test_server = TestServer::new();
    let mut reader = Peer::new("reader", Version::V5_0);
    let mut writer = Peer::new("writer", Version::V5_0);
    reader.connect(&test_server).await;
    reader.subscribe("a", AtLeastOnce);
    reader.settle();
    writer.connect(&test_server).await;
    let large = "x".repeat(1 << 20);
    for _ in 0..8 {
        writer.publish("a", &large[..large.len() - 100], AtLeastOnce);
        writer.settle();
    }
    let mut unread = Vec::new();
    let connection = reader.connection.as_mut().expect("connected");
    connection.deliver(&mut unread);
    let sent = unread.len() / large.len();
    assert!((4..6).contains(&sent), "{sent} of 8 are under way");
    // Acknowledging them makes room for the others.
    reader.incoming = unread;
    assert_eq!(reader.settle().len(), 8);
}
