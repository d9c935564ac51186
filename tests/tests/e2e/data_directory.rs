//! `--data`: what a restart keeps, after a kill and after a clean stop.

use harness::data::DataDirectory;
use harness::deadline::eventually;
use harness::http::{Answer, get, post, request, send};
use harness::mqtt::property::WILL_DELAY;
use harness::mqtt::{Connect, DUP, Kind, MqttClient, Packet, RETAIN, Version, Will};
use harness::sse::EventStream;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, carillon, queue};
use http::{Method, StatusCode};

async fn send_persistent(server: &Carillon, destination: &str, bodies: &[&str]) {
    let mut producer = StompClient::connect(server).await;
    for body in bodies {
        let send = Frame::message_to(destination, *body).with("persistent", "true");
        // Waits for the receipt.
        producer.request(send).await;
    }
    producer.leave().await;
}

async fn retain(server: &Carillon, topic: &str, body: &str) {
    let mut producer = MqttClient::anyone(server, Version::V5).await;
    let publish = Packet::publication(topic, body, 1).flagged(RETAIN);
    producer.publish_packet(publish).await;
    producer.leave().await;
}

#[tokio::test]
async fn acknowledged_messages_of_a_queue_survive_a_kill_in_order() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    send_persistent(&server, "/queue/jobs", &["1", "2", "3", "4"]).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    let first = consumer.message().await;
    let second = consumer.message().await;
    consumer.ack(&first).await;
    consumer.nack(&second).await;
    // The receipt of another frame comes after both.
    consumer.subscribe_to("end", "/queue/end", &[]).await;

    let server = directory.after_kill(server).await;
    assert_eq!(queue::depth(&server, "jobs").await, (3, 0));
    let answer = post(server.url("/api/queues/jobs"), "text/plain", "5").await;
    assert_eq!(answer.status, StatusCode::OK);

    let server = directory.after_kill(server).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[]).await;
    let returned = consumer.message().await;
    assert_eq!(
        (returned.text(), returned.header("redelivered")),
        ("2".to_owned(), "true")
    );
    assert_eq!(consumer.bodies(3).await, ["3", "4", "5"]);
}

#[tokio::test]
async fn a_durable_subscription_keeps_what_it_had_not_acknowledged() {
    let directory = DataDirectory::fresh();
    let durable = [("activemq.subscriptionName", "audit"), INDIVIDUAL];
    let connect = || Frame::connect().with("client-id", "ringer");
    let server = directory.server().await;
    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(connect()).await;
    client.subscribe("0", "news.*", &durable).await;
    send_persistent(&server, "/topic/news.a", &["1", "2"]).await;
    let first = client.message().await;
    client.ack(&first).await;
    client.subscribe("end", "end", &[]).await;

    let server = directory.after_kill(server).await;
    send_persistent(&server, "/topic/news.b", &["3"]).await;
    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(connect()).await;
    client.subscribe("0", "news.*", &durable).await;
    assert_eq!(client.bodies(2).await, ["2", "3"]);
}

#[tokio::test]
async fn retained_messages_survive_a_kill_until_they_are_removed() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    retain(&server, "state/door", "open").await;
    retain(&server, "state/door", "closed").await;
    retain(&server, "state/lamp", "on").await;
    let server = directory.after_kill(server).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "state/#", 1).await;
    let mut bodies = client.bodies(2).await;
    bodies.sort();
    assert_eq!(bodies, ["closed", "on"]);
    retain(&server, "state/door", "").await;
    let server = directory.after_kill(server).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "state/#", 1).await;
    client.subscribe("end", 1).await;
    client.publish("end", "end", 1).await;
    assert_eq!(client.bodies_before("end").await, ["on"]);
}

#[tokio::test]
async fn a_clean_stop_keeps_the_history_of_every_topic_and_resumes_without_a_gap() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    for body in ["1", "2", "3"] {
        let answer = post(server.url("/api/topics/board"), "text/plain", body).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let mut events = EventStream::open(server.url("/api/topics/board/events?since=0")).await;
    let seen = events.message().await.id;
    drop(events);
    let server = directory.after_stop(server).await;
    let last = get(server.url("/api/topics/board")).await;
    assert_eq!(last.json()["last"]["body"], "3");
    let url = server.url("/api/topics/board/events");
    let mut events = EventStream::resume(url, Some(&seen)).await;
    assert_eq!(events.bodies(2).await, ["2", "3"]);
    post(server.url("/api/topics/board"), "text/plain", "4").await;
    assert_eq!(events.bodies(1).await, ["4"]);
}

#[tokio::test]
async fn a_second_server_on_the_directory_is_refused() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let options = directory.options();
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], &options[..]].concat();
    let second = carillon::run(&arguments).await;
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    let id = server.process_id();
    assert!(
        text.contains(&format!("is used by another process (pid {id})")),
        "{text}"
    );
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_persistent_messages_and_nothing_else() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    send_persistent(&server, "/queue/jobs", &["1"]).await;
    server.stop().await;
    let required = u64::MAX.to_string();
    let server = directory.server_with_free(&required).await;
    server.logged("the disk is nearly full").await;

    let refused = post(server.url("/api/queues/jobs"), "text/plain", "2").await;
    assert_eq!(refused.status, StatusCode::INSUFFICIENT_STORAGE);
    let detail = refused.problem()["detail"].to_string();
    assert!(detail.contains(&required), "{detail}");
    let volatile = post(server.url("/api/topics/t"), "text/plain", "3").await;
    assert_eq!(volatile.status, StatusCode::OK);

    let mut client = MqttClient::anyone(&server, Version::V5).await;
    let publish = Packet::publication("t", "4", 1).flagged(RETAIN).numbered(1);
    client.send(&publish).await;
    let answer = client.packet().await;
    assert_eq!(answer.reason(), 0x97);

    let mut producer = StompClient::connect(&server).await;
    let send = Frame::message_to("/queue/jobs", "5").with("persistent", "true");
    producer.send(&send).await;
    let error = producer.refusal().await;
    assert!(error.text().contains(&required), "{}", error.text());

    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    let message = consumer.message().await;
    consumer.ack(&message).await;
    queue::until(&server, "jobs", "acknowledged", 1).await;
}

/// Connects a client whose session outlives its connection.
async fn lasting(server: &Carillon, client_id: &str) -> (MqttClient, Packet) {
    MqttClient::connect_with(server, &Connect::lasting(Version::V5, client_id)).await
}

#[tokio::test]
async fn a_session_gets_the_messages_of_its_absence_after_a_kill() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut client, _) = lasting(&server, "meter").await;
    client.subscribe("orders/#", 1).await;
    client.publish("orders/a", "1", 1).await;
    let first = client.message().await;
    assert_eq!(first.text(), "1");
    client.leave().await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    for body in ["2", "3"] {
        producer.publish("orders/b", body, 1).await;
    }

    let server = directory.after_kill(server).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    producer.publish("orders/c", "4", 1).await;
    let (mut client, connack) = lasting(&server, "meter").await;
    assert!(connack.session_present);
    assert_eq!(client.bodies(3).await, ["2", "3", "4"]);
}

#[tokio::test]
async fn changes_of_many_subscriptions_survive_a_kill_of_a_connected_client() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut client, _) = lasting(&server, "meter").await;
    // Enough for records of all subscriptions in between.
    for number in 0..50 {
        client.subscribe(&format!("t/{number}"), 1).await;
    }
    client.unsubscribe("t/3").await;
    client.unsubscribe("t/49").await;
    client.subscribe("t/49", 1).await;
    client.subscribe("end", 1).await;
    let mut server = directory.after_kill(server).await;
    for (topic, expected) in [("t/20", vec!["0", "5", "49"]), ("t/0", vec!["5", "49"])] {
        let mut producer = MqttClient::anyone(&server, Version::V5).await;
        for number in ["0", "3", "5", "20", "49"] {
            producer.publish(&format!("t/{number}"), number, 1).await;
        }
        let (mut client, connack) = lasting(&server, "meter").await;
        assert!(connack.session_present);
        client.unsubscribe(topic).await;
        producer.publish("end", "end", 1).await;
        let mut bodies = client.bodies_before("end").await;
        bodies.retain(|body| *body != topic[2..]);
        assert_eq!(bodies, expected);
        server = directory.after_kill(server).await;
    }
}

#[tokio::test]
async fn retained_messages_for_a_new_subscription_are_sent_after_a_kill() {
    for qos in [1, 2] {
        let directory = DataDirectory::fresh();
        let server = directory.server().await;
        let mut producer = MqttClient::anyone(&server, Version::V5).await;
        for topic in ["state/a", "state/b"] {
            let retained = Packet::publication(topic, topic, 2).flagged(RETAIN | 4);
            producer.publish_packet(retained).await;
        }
        let (mut client, _) = lasting(&server, "meter").await;
        client.subscribe("state/#", qos).await;
        // The client acknowledges nothing, and may not even get them.
        let server = directory.after_kill(server).await;
        let (mut client, connack) = lasting(&server, "meter").await;
        assert!(connack.session_present);
        assert_eq!(client.bodies(2).await, ["state/a", "state/b"], "QoS {qos}");
        client.subscribe("end", 1).await;
        client.publish("end", "end", 1).await;
        assert_eq!(client.message().await.text(), "end", "each comes once");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_does_not_come_back_after_a_kill() {
    for is_deleted in [true, false] {
        let directory = DataDirectory::fresh();
        let server = directory.server().await;
        let (mut client, _) = lasting(&server, "meter").await;
        client.subscribe("orders/#", 1).await;
        client.leave().await;
        match is_deleted {
            true => {
                let delete = request(Method::DELETE, server.url("/api/sessions/meter"), "");
                assert_eq!(send(delete).await.status, StatusCode::NO_CONTENT);
            }
            // With a clean start.
            false => drop(MqttClient::connect(&server, Version::V5, "meter").await),
        }
        let server = directory.after_kill(server).await;
        let (_, connack) = lasting(&server, "meter").await;
        assert!(!connack.session_present, "deleted: {is_deleted}");
    }
}

#[tokio::test]
async fn a_retained_message_that_was_deleted_does_not_come_back_after_a_kill() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    retain(&server, "state", "open").await;
    let delete = request(Method::DELETE, server.url("/api/topics/state"), "");
    assert_eq!(send(delete).await.status, StatusCode::NO_CONTENT);
    let server = directory.after_kill(server).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "state", 1).await;
    client.publish("state", "end", 1).await;
    assert_eq!(client.bodies_before("end").await, [""; 0]);
}

#[tokio::test]
async fn unacknowledged_deliveries_come_again_with_their_identifiers() {
    for is_kill in [true, false] {
        let directory = DataDirectory::fresh();
        let server = directory.server().await;
        let (mut client, _) = lasting(&server, "meter").await;
        client.subscribe("orders", 2).await;
        client.publish("orders", "1", 2).await;
        let sent = client.delivery().await;
        drop(client);
        let sessions = server.url("/api/sessions");
        let is_detached = |answer: &Answer| answer.text().contains("\"connected\":false");
        eventually("the end of the connection", || get(&sessions), is_detached).await;
        // Its response comes when everything before it is on the disk.
        post(server.url("/api/queues/end"), "text/plain", "").await;
        let server = match is_kill {
            true => directory.after_kill(server).await,
            false => directory.after_stop(server).await,
        };
        let (mut client, _) = lasting(&server, "meter").await;
        let again = client.delivery().await;
        assert_eq!((again.id, again.text()), (sent.id, "1".to_owned()));
        assert!(again.is_duplicate());
    }
}

#[tokio::test]
async fn a_message_of_qos_2_is_published_once_although_the_server_is_killed() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut reader, _) = lasting(&server, "reader").await;
    reader.subscribe("orders", 1).await;
    reader.leave().await;
    let (mut client, _) = lasting(&server, "meter").await;
    let publish = Packet::publication("orders", "1", 2).numbered(7);
    client.send(&publish).await;
    client.answer(Kind::Pubrec, 7).await;

    let server = directory.after_kill(server).await;
    let (mut client, connack) = lasting(&server, "meter").await;
    assert!(connack.session_present);
    let again = Packet::publication("orders", "1", 2)
        .numbered(7)
        .flagged(DUP);
    client.send(&again).await;
    client.answer(Kind::Pubrec, 7).await;
    client.release(7).await;
    // The identifier is free again, also after another crash.
    let server = directory.after_kill(server).await;
    let (mut client, _) = lasting(&server, "meter").await;
    client
        .send(&Packet::publication("orders", "2", 2).numbered(7))
        .await;
    client.answer(Kind::Pubrec, 7).await;
    client.release(7).await;
    let (mut reader, _) = lasting(&server, "reader").await;
    reader.subscribe("end", 1).await;
    reader.publish("end", "end", 1).await;
    assert_eq!(reader.bodies_before("end").await, ["1", "2"]);
}

#[tokio::test]
async fn the_will_of_a_connected_client_is_published_after_a_kill() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut reader, _) = lasting(&server, "reader").await;
    reader.subscribe("wills", 1).await;
    let connect = Connect::lasting(Version::V5, "meter").willing(Will::new("wills", "gone"));
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    client.subscribe("other", 1).await;
    let server = directory.after_kill(server).await;
    let (mut reader, _) = lasting(&server, "reader").await;
    assert_eq!(reader.bodies(1).await, ["gone"]);
}

#[tokio::test]
async fn a_delayed_will_is_published_once_over_several_restarts() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut reader, _) = lasting(&server, "reader").await;
    reader.subscribe("wills", 1).await;
    let will = Will::new("wills", "gone").with(WILL_DELAY, 1_u32);
    let connect = Connect::lasting(Version::V5, "meter").willing(will);
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    drop(client);
    assert_eq!(reader.bodies(1).await, ["gone"]);
    let mut server = server;
    for _ in 0..2 {
        // Its response comes when everything before it is on the disk.
        post(server.url("/api/queues/end"), "text/plain", "").await;
        server = directory.after_kill(server).await;
    }
    let (mut reader, _) = lasting(&server, "reader").await;
    reader.subscribe("end", 1).await;
    reader.publish("end", "end", 1).await;
    let bodies = reader.bodies_before("end").await;
    // It may come again, because its acknowledgement was not recorded yet; but it was not published again.
    assert!(bodies.len() <= 1, "{bodies:?}");
}

#[tokio::test]
async fn a_shared_delivery_of_qos_2_in_flight_returns_to_its_group_after_a_stop() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut client, _) = lasting(&server, "meter").await;
    client.subscribe("$share/group/orders", 2).await;
    client.publish("orders", "1", 2).await;
    let sent = client.delivery().await;
    assert_eq!(sent.text(), "1");
    let server = directory.after_stop(server).await;
    let (mut client, _) = lasting(&server, "meter").await;
    // The client must forget the identifier, because another message may get it.
    let pubrel = client.packet().await;
    assert_eq!((pubrel.kind, pubrel.id), (Kind::Pubrel, sent.id));
    let again = client.delivery().await;
    assert_eq!(again.text(), "1");
    assert_ne!(again.id, sent.id);
}

#[tokio::test]
async fn a_connected_subscriber_of_qos_2_gets_each_message_once_after_a_kill() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let (mut client, _) = lasting(&server, "meter").await;
    client.subscribe("orders", 2).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    for body in ["1", "2", "3"] {
        producer.publish("orders", body, 2).await;
    }
    let first = client.message().await;
    let second = client.delivery().await;
    let third = client.delivery().await;
    let pubrec = Packet::acknowledgement(Kind::Pubrec, second.id);
    client.send(&pubrec).await;
    client.answer(Kind::Pubrel, second.id).await;

    let server = directory.after_kill(server).await;
    let (mut client, connack) = lasting(&server, "meter").await;
    assert!(connack.session_present);
    let mut released = Vec::new();
    let again = loop {
        let packet = client.packet().await;
        if packet.kind == Kind::Publish {
            break packet;
        }
        assert_eq!(packet.kind, Kind::Pubrel);
        released.push(packet.id);
        let pubcomp = Packet::acknowledgement(Kind::Pubcomp, packet.id);
        client.send(&pubcomp).await;
    };
    // The PUBCOMP of the first one may not be recorded.
    assert!(released.ends_with(&[second.id]), "{released:?}");
    assert!(released.iter().all(|id| [first.id, second.id].contains(id)));
    assert_eq!((again.id, again.text()), (third.id, "3".to_owned()));
    assert!(again.is_duplicate());
    client.acknowledge(&again).await;
    client.subscribe("end", 1).await;
    client.publish("end", "end", 1).await;
    assert_eq!(client.bodies_before("end").await, [""; 0]);
}

#[tokio::test]
async fn a_consumer_with_transactions_empties_a_queue_on_a_nearly_full_disk() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    send_persistent(&server, "/queue/jobs", &["1"]).await;
    server.stop().await;
    let server = directory.server_with_free(&u64::MAX.to_string()).await;
    server.logged("the disk is nearly full").await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    let message = consumer.message().await;
    consumer.request(Frame::transaction("BEGIN", "t")).await;
    let ack = Frame::new("ACK").with("id", message.header("ack"));
    consumer.request(ack.with("transaction", "t")).await;
    consumer.request(Frame::transaction("COMMIT", "t")).await;
    queue::until(&server, "jobs", "acknowledged", 1).await;
}

#[tokio::test]
async fn a_message_over_http_survives_a_kill_unless_its_sender_says_otherwise() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    for (query, body) in [
        ("?persistent=false", "1"),
        ("", "2"),
        ("?persistent=true", "3"),
    ] {
        let url = server.url(&format!("/api/queues/jobs{query}"));
        assert_eq!(post(url, "text/plain", body).await.status, StatusCode::OK);
    }
    assert_eq!(queue::depth(&server, "jobs").await, (3, 0));
    let server = directory.after_kill(server).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[]).await;
    assert_eq!(consumer.bodies(2).await, ["2", "3"]);
    consumer.is_quiet().await;
}
