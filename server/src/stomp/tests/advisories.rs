//! Advisories, as received by STOMP clients.

use super::{Client, House, NOTHING};

fn watcher(house: &House, topic: &str) -> Client {
    let mut watcher = house.client("watcher");
    let subscribe = format!("SUBSCRIBE; id:w; destination:/topic/ActiveMQ.Advisory.{topic}");
    assert_eq!(watcher.says(&subscribe), NOTHING);
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
    let house = House::new();
    let mut watcher = watcher(&house, "Consumer.>");
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q");
    client.says("SUBSCRIBE; id:2; destination:/topic/a.>");
    client.says("UNSUBSCRIBE; id:1");
    let wanted = [
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
    assert_eq!(watcher.hears(), wanted);
}

#[test]
fn advisories_have_the_full_name_of_a_temporary_destination() {
    let house = House::new();
    let mut watcher = watcher(&house, "Consumer.>");
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/temp-queue/q");
    let wanted = message(
        "Consumer.Queue.$TEMP.client.q",
        "; consumerCount:1",
        r#"{"event":"consumer-added","destination":"/remote-temp-queue/$TEMP.client.q","connection":"client","consumerCount":1}"#,
    );
    assert_eq!(watcher.hears(), [wanted]);
}

#[test]
fn advisories_report_producers_at_the_first_message_and_at_the_end() {
    let house = House::new();
    let mut watcher = watcher(&house, "Producer.Queue.q");
    let told = |event: &str, count: usize| {
        let body = format!(
            r#"{{"event":"{event}","destination":"/queue/q","connection":"client","producerCount":{count}}}"#
        );
        message(
            "Producer.Queue.q",
            &format!("; producerCount:{count}"),
            &body,
        )
    };
    let mut client = house.client("client");
    client.says_all(&["SEND; destination:/queue/q", "SEND; destination:/queue/q"]);
    assert_eq!(watcher.hears(), [told("producer-added", 1)]);
    drop(client);
    assert_eq!(watcher.hears(), [told("producer-removed", 0)]);
}

#[test]
fn advisories_report_connections_after_connect() {
    let house = House::new();
    let mut watcher = watcher(&house, "Connection");
    let told = |event: &str| {
        let body = format!(r#"{{"event":"{event}","connection":"client"}}"#);
        message("Connection", "", &body)
    };
    drop(house.visitor("visitor"));
    drop(house.client("client"));
    assert_eq!(
        watcher.hears(),
        [told("connection-started"), told("connection-stopped")]
    );
}

#[test]
fn an_advisory_reports_a_dead_letter() {
    let house = House::new();
    let mut watcher = watcher(&house, "MessageDLQd.>");
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    client.says("SEND; destination:/queue/q | a");
    let id = client.message_id.clone();
    client.says(&format!("NACK; id:{}; requeue:false", client.ack.clone()));
    let body = format!(
        r#"{{"event":"message-dead-lettered","destination":"/queue/q","originalMessageId":"{id}","cause":"rejected by its consumer"}}"#
    );
    assert_eq!(watcher.hears(), [message("MessageDLQd.Queue.q", "", &body)]);
}

#[test]
fn only_the_server_sends_advisories() {
    let house = House::new();
    let mut client = house.client("client");
    let heard = client.says("SEND; destination:/topic/ActiveMQ.Advisory.Connection");
    assert!(heard[0].contains("broker's own"), "{heard:?}");
}
