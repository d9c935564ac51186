//! Advisories, as received by STOMP clients.

use super::{Client, NO_FRAMES, TestServer};

fn watcher(test_server: &TestServer, topic: &str) -> Client {
    let mut watcher = test_server.client("watcher");
    let subscribe = format!("SUBSCRIBE; id:w; destination:/topic/ActiveMQ.Advisory.{topic}");
    assert_eq!(watcher.send(&subscribe), NO_FRAMES);
    watcher
}

fn message(topic: &str, count: &str, body: &str) -> String {
    format!(
        "MESSAGE; subscription:w; destination:/topic/ActiveMQ.Advisory.{topic}; \
         content-type:application/json{count} | {body}"
    )
}

#[test]
fn advisories_report_added_and_removed_consumers() {
    let test_server = TestServer::new();
    let mut watcher = watcher(&test_server, "Consumer.>");
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q");
    client.send("SUBSCRIBE; id:2; destination:/topic/a.>");
    client.send("UNSUBSCRIBE; id:1");
    let expected = [
        message(
            "Consumer.Queue.q",
            "; consumerCount:1",
            r#"{"event":"consumer-added","destination":"/queue/q","connection":"client","consumerCount":1}"#,
        ),
        message(
            "Consumer.Topic.a",
            "",
            r#"{"event":"consumer-added","destination":"/topic/a.>","connection":"client"}"#,
        ),
        message(
            "Consumer.Queue.q",
            "; consumerCount:0",
            r#"{"event":"consumer-removed","destination":"/queue/q","connection":"client","consumerCount":0}"#,
        ),
    ];
    assert_eq!(watcher.receive(), expected);
}

#[test]
fn advisories_have_the_full_name_of_a_temporary_destination() {
    let test_server = TestServer::new();
    let mut watcher = watcher(&test_server, "Consumer.>");
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/temp-queue/q");
    let expected = message(
        "Consumer.Queue.$TEMP.client.q",
        "; consumerCount:1",
        r#"{"event":"consumer-added","destination":"/remote-temp-queue/$TEMP.client.q","connection":"client","consumerCount":1}"#,
    );
    assert_eq!(watcher.receive(), [expected]);
}

#[test]
fn advisories_report_producers_at_the_first_message_and_at_the_end() {
    let test_server = TestServer::new();
    let mut watcher = watcher(&test_server, "Producer.Queue.q");
    let expected = |event: &str, count: usize| {
        let body = format!(
            r#"{{"event":"{event}","destination":"/queue/q","connection":"client","producerCount":{count}}}"#
        );
        message(
            "Producer.Queue.q",
            &format!("; producerCount:{count}"),
            &body,
        )
    };
    let mut client = test_server.client("client");
    client.send_all(&["SEND; destination:/queue/q", "SEND; destination:/queue/q"]);
    assert_eq!(watcher.receive(), [expected("producer-added", 1)]);
    drop(client);
    assert_eq!(watcher.receive(), [expected("producer-removed", 0)]);
}

#[test]
fn advisories_report_connections_after_connect() {
    let test_server = TestServer::new();
    let mut watcher = watcher(&test_server, "Connection");
    let expected = |event: &str| {
        let body = format!(r#"{{"event":"{event}","connection":"client"}}"#);
        message("Connection", "", &body)
    };
    drop(test_server.open("visitor"));
    drop(test_server.client("client"));
    assert_eq!(
        watcher.receive(),
        [
            expected("connection-started"),
            expected("connection-stopped")
        ]
    );
}

#[test]
fn an_advisory_reports_a_dead_letter() {
    let test_server = TestServer::new();
    let mut watcher = watcher(&test_server, "MessageDLQd.>");
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    client.send("SEND; destination:/queue/q | a");
    let id = client.message_id.clone();
    client.send(&format!("NACK; id:{}; requeue:false", client.ack.clone()));
    let body = format!(
        r#"{{"event":"message-dead-lettered","destination":"/queue/q","originalMessageId":"{id}","cause":"rejected by its consumer"}}"#
    );
    assert_eq!(
        watcher.receive(),
        [message("MessageDLQd.Queue.q", "", &body)]
    );
}

#[test]
fn only_the_server_sends_advisories() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    let received = client.send("SEND; destination:/topic/ActiveMQ.Advisory.Connection");
    assert!(received[0].contains("broker's own"), "{received:?}");
}
