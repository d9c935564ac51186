//! MQTT: filters, identifiers and options of subscriptions, and their end.

use harness::Carillon;
use harness::mqtt::property::SUBSCRIPTION_ID;
use harness::mqtt::{Connect, DUP, Kind, MqttClient, Packet, RETAIN, Version, forget};

const NO_LOCAL: u8 = 4;

#[tokio::test]
async fn filters_match_the_topics_of_the_specification() {
    let server = Carillon::with_mqtt(&[]).await;
    // 5.0, 4.7.1 and 4.7.2; empty levels are levels (4.7.3).
    for (filter, covered, others) in [
        (
            "sport/+",
            vec!["sport/a", "sport/"],
            vec!["sport", "sport/a/b"],
        ),
        (
            "sport/#",
            vec!["sport", "sport/a", "sport/a/b"],
            vec!["sports"],
        ),
        ("+/+", vec!["a/b", "/a", "a/"], vec!["a", "a/b/c"]),
        ("/+", vec!["/a", "/"], vec!["a", "/a/b"]),
        (
            "+",
            vec!["a", "a b", "a.b", "*", ">", "%2F"],
            vec!["/a", "a/"],
        ),
        ("a//b", vec!["a//b"], vec!["a/b", "a///b"]),
        ("a.b/#", vec!["a.b", "a.b/c"], vec!["a/b", "a/b/c"]),
        ("A", vec!["A"], vec!["a"]),
    ] {
        for version in Version::ALL {
            let mut client = MqttClient::subscriber(&server, version, filter, 1).await;
            client.subscribe("end", 1).await;
            for topic in covered.iter().chain(&others) {
                client.publish(topic, topic, 1).await;
            }
            client.publish("end", "end of them", 1).await;
            let mut seen = client.bodies_before("end of them").await;
            seen.retain(|body| body != "end");
            assert_eq!(seen, covered, "{filter}");
            client.leave().await;
        }
    }
}

#[tokio::test]
async fn names_arrive_as_they_were_sent() {
    let server = Carillon::with_mqtt(&[]).await;
    let names = [
        "a", "/", "//", "a/", "/a", "a//b", "a.b", "a.b/c.d", ".", "..", "a*b/>", "%", "%2E/%25",
        "a b", " ", "鐘/🔔", "a:b\\c", "a\nb", "~", "a$b/$c",
    ];
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        for name in names {
            // As one level, and as several levels.
            let levels = format!("names/{name}");
            client.subscribe(&levels, 1).await;
            client.publish(&levels, "x", 1).await;
            assert_eq!(client.message().await.topic, levels);
            client.unsubscribe(&levels).await;
            client.subscribe("names/#", 1).await;
            client.publish(&levels, "x", 1).await;
            assert_eq!(client.message().await.topic, levels);
            client.unsubscribe("names/#").await;
            client.subscribe(name, 1).await;
            client.publish(name, "x", 1).await;
            assert_eq!(client.message().await.topic, name);
            client.unsubscribe(name).await;
        }
        client.leave().await;
    }
}

#[tokio::test]
async fn leading_wildcards_do_not_match_names_with_a_dollar() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    client.subscribe("#", 0).await;
    client.subscribe("+/broker/version", 0).await;
    let mut asking = MqttClient::subscriber(&server, Version::V5, "$SYS/broker/version", 0).await;
    assert_eq!(asking.message().await.topic, "$SYS/broker/version");
    client.publish("end", "end", 1).await;
    loop {
        let message = client.message().await;
        assert!(
            !message.topic.starts_with('$'),
            "[MQTT-4.7.2-1]: {message:?}"
        );
        if message.topic == "end" {
            break;
        }
    }
}

#[tokio::test]
async fn a_subscriber_to_everything_gets_only_publications() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        client.subscribe("#", 1).await;
        client.subscribe("+/+/+", 1).await;
        // Clients that connect, subscribe and disconnect.
        MqttClient::subscriber(&server, version, "elsewhere", 1)
            .await
            .leave()
            .await;
        client.publish("a", "x", 1).await;
        client.publish("a", "end", 1).await;
        assert_eq!(client.bodies_before("end").await, ["x"]);
    }
}

#[tokio::test]
async fn each_message_has_the_identifiers_of_its_subscriptions() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    for (filter, id) in [("a/b", 1), ("a/#", 268_435_455)] {
        let subscribe = Packet::subscription(&[(filter, 1)]).with(SUBSCRIPTION_ID, id);
        client.request(subscribe, Kind::Suback).await;
    }
    client.subscribe("c", 1).await;
    for (topic, expected) in [("a/b", vec![1, 268_435_455]), ("a", vec![268_435_455])] {
        client.publish(topic, "x", 1).await;
        let mut ids = Vec::new();
        // One message with all identifiers, or one message for each: 3.3.4.
        while ids.len() < expected.len() {
            ids.extend(client.message().await.numbers(SUBSCRIPTION_ID));
        }
        ids.sort_unstable();
        assert_eq!(ids, expected, "[MQTT-3.3.4-3]");
    }
    client.publish("c", "x", 1).await;
    let message = client.message().await;
    assert_eq!(
        (message.topic.as_str(), message.numbers(SUBSCRIPTION_ID)),
        ("c", vec![])
    );
}

#[tokio::test]
async fn a_second_subscribe_replaces_the_subscription() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::subscriber(&server, version, "a", 0).await;
        client.subscribe("a", 2).await;
        client.subscribe("a", 1).await;
        client.publish("a", "x", 2).await;
        client.publish("a", "end", 2).await;
        let message = client.message().await;
        assert_eq!((message.text().as_str(), message.qos()), ("x", 1));
        assert_eq!(client.bodies_before("end").await, [""; 0], "[MQTT-3.8.4-3]");
    }
}

#[tokio::test]
async fn overlapping_subscriptions_deliver_with_the_highest_qos() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        for (filter, qos) in [("a/+", 0), ("a/b", 2), ("a/#", 1)] {
            client.subscribe(filter, qos).await;
        }
        client.subscribe("end", 2).await;
        client.publish("a/b", "x", 2).await;
        client.publish("end", "end", 2).await;
        // One message, or more for the other subscriptions: 5.0, 3.3.4.
        let mut highest = 0;
        loop {
            let message = client.message().await;
            if message.topic == "end" {
                break;
            }
            highest = highest.max(message.qos());
        }
        assert_eq!(highest, 2, "[MQTT-3.3.4-2], {version:?}");
    }
}

#[tokio::test]
async fn no_local_excludes_the_clients_own_messages() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "a", 1 | NO_LOCAL).await;
    let mut other = MqttClient::anyone(&server, Version::V5).await;
    client.publish("a", "own", 1).await;
    other.publish("a", "another's", 1).await;
    assert_eq!(client.bodies(1).await, ["another's"], "[MQTT-3.8.3-3]");
}

/// Not in the specifications: mosquitto's bridges request in CONNECT the behaviour of two subscription options of 5.0.
#[tokio::test]
async fn a_bridge_gets_no_local_and_retain_as_published() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1, Version::V3_1_1] {
        let connect = Connect {
            is_bridge: true,
            ..Connect::anyone(version)
        };
        let (mut bridge, _) = MqttClient::connect_with(&server, &connect).await;
        bridge.subscribe("a/#", 1).await;
        bridge.publish("a/own", "own", 1).await;
        let mut other = MqttClient::subscriber(&server, version, "a/#", 1).await;
        let retained = Packet::publication("a/x", "retained", 1).flagged(RETAIN);
        other.publish_packet(retained).await;
        other.publish("a/x", "live", 1).await;
        for (body, for_bridge) in [("retained", true), ("live", false)] {
            let message = bridge.message().await;
            assert_eq!(
                (&*message.text(), message.is_retained()),
                (body, for_bridge)
            );
            let message = other.message().await;
            assert_eq!((&*message.text(), message.is_retained()), (body, false));
        }
        other
            .publish_packet(Packet::publication("a/x", "", 1).flagged(RETAIN))
            .await;
    }
}

#[tokio::test]
async fn unsubscribe_ends_a_subscription_and_reports_if_it_existed() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        client.subscribe("a", 1).await;
        client.subscribe("b/+", 1).await;
        client.subscribe("end", 1).await;
        let unsubscribe = Packet::unsubscription(&["a", "b/c", "b/+", "never"]);
        let unsuback = client.request(unsubscribe, Kind::Unsuback).await;
        let expected: &[u8] = match version {
            // Success, and no subscription existed.
            Version::V5 => &[0, 0x11, 0, 0x11],
            _ => &[],
        };
        assert_eq!(unsuback.reasons, expected, "{version:?}");
        for topic in ["a", "b/c", "end"] {
            client.publish(topic, topic, 1).await;
        }
        assert_eq!(client.bodies(1).await, ["end"]);
    }
}

#[tokio::test]
async fn deliveries_in_flight_are_completed_after_unsubscribe() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1_1, Version::V5] {
        let connect = Connect::lasting(version, "c");
        let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
        client.subscribe("a", 2).await;
        client.publish("a", "1", 1).await;
        client.publish("a", "2", 2).await;
        let begun = [client.delivery().await, client.delivery().await];
        client.unsubscribe("a").await;
        drop(client);
        // [MQTT-3.10.4-3]: also over another connection.
        let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
        for message in &begun {
            let again = client.message().await;
            assert_eq!(again, message.clone().flagged(DUP), "{version:?}");
        }
        forget(&server, client, &connect).await;
    }
}

#[tokio::test]
async fn a_job_in_flight_at_unsubscribe_goes_to_no_other_consumer() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut first = MqttClient::subscriber(&server, version, "$queue/jobs", 1).await;
        first.publish("$queue/jobs", "job", 1).await;
        let job = first.delivery().await;
        first.unsubscribe("$queue/jobs").await;
        let mut second = MqttClient::subscriber(&server, version, "$queue/jobs", 1).await;
        let puback = Packet::acknowledgement(Kind::Puback, job.id);
        first.send(&puback).await;
        first.ping().await;
        first.leave().await;
        // The next delivery is the next job.
        second.publish("$queue/jobs", "next", 1).await;
        let next = second.message().await;
        assert_eq!(next.text(), "next", "{version:?}");
        second.ping().await;
        second.leave().await;
    }
}

#[tokio::test]
async fn each_filter_has_a_reason_code() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        let subscribe = Packet::subscription(&[("a", 0), ("b/+", 1), ("#", 2), ("a", 1)]);
        let suback = client.request(subscribe, Kind::Suback).await;
        assert_eq!(suback.reasons, [0, 1, 2, 1], "[MQTT-3.8.4-6]");
    }
}

#[tokio::test]
async fn a_shared_subscription_gives_each_message_to_one_member() {
    const COUNT: usize = 30;
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1_1, Version::V5] {
        let mut members = Vec::new();
        for _ in 0..3 {
            let filter = "$share/workers/jobs/#";
            members.push(MqttClient::subscriber(&server, version, filter, 1).await);
        }
        let mut all = MqttClient::subscriber(&server, version, "jobs/#", 1).await;
        let mut producer = MqttClient::anyone(&server, version).await;
        for number in 0..COUNT {
            let topic = format!("jobs/{}", number % 4);
            producer.publish(&topic, &number.to_string(), 1).await;
        }
        let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
        assert_eq!(
            all.bodies(COUNT).await,
            expected,
            "a subscriber that does not share gets all"
        );

        let mut seen = Vec::new();
        for member in &mut members {
            // The member's messages arrive before the PINGRESP.
            member.ping().await;
            let count = member.waiting();
            assert!(count > 0, "each has its part");
            seen.extend(member.bodies(count).await);
        }
        seen.sort_by_key(|body| body.parse::<usize>().expect("a number"));
        assert_eq!(seen, expected, "{version:?}");
    }
}

#[tokio::test]
async fn a_member_gets_its_granted_qos() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    for granted in 0..3 {
        let mut member =
            MqttClient::subscriber(&server, Version::V5, "$share/g/jobs", granted).await;
        for published in 0..3 {
            producer.publish("jobs", "x", published).await;
            let message = member.message().await;
            assert_eq!(message.qos(), published.min(granted), "[MQTT-4.8.2-3]");
        }
        member.leave().await;
    }
}

#[tokio::test]
async fn unacknowledged_messages_of_a_member_go_to_another() {
    let server = Carillon::with_mqtt(&[]).await;
    let filter = "$share/g/jobs";
    let mut first = MqttClient::subscriber(&server, Version::V5, filter, 1).await;
    first.publish("jobs", "left behind", 1).await;
    assert_eq!(first.delivery().await.text(), "left behind");
    let mut second = MqttClient::subscriber(&server, Version::V5, filter, 1).await;
    drop(first);
    // 5.0, 4.8.2: its session has ended.
    assert_eq!(second.bodies(1).await, ["left behind"]);
}

#[tokio::test]
async fn a_qos_2_delivery_in_progress_goes_to_no_other_member() {
    let server = Carillon::with_mqtt(&[]).await;
    let filter = "$share/g/jobs";
    let mut first = MqttClient::subscriber(&server, Version::V5, filter, 2).await;
    first.publish("jobs", "begun", 2).await;
    assert_eq!(first.delivery().await.text(), "begun");
    let mut second = MqttClient::subscriber(&server, Version::V5, filter, 2).await;
    first.leave().await;
    second.publish("jobs", "end", 2).await;
    // [MQTT-4.8.2-5]: it might come twice.
    assert_eq!(second.bodies_before("end").await, [""; 0]);
}

#[tokio::test]
async fn shared_subscriptions_differ_by_group_and_filter() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut members = Vec::new();
    for filter in ["$share/one/a/#", "$share/two/a/#", "$share/one/a/+"] {
        members.push(MqttClient::subscriber(&server, Version::V5, filter, 1).await);
    }
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    producer.publish("a/b", "x", 1).await;
    for member in &mut members {
        assert_eq!(member.bodies(1).await, ["x"]);
    }
}

#[tokio::test]
async fn a_lasting_subscription_continues_after_a_reconnect() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::lasting(Version::V5, "c");
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    let subscribe = Packet::subscription(&[("a", 2 | NO_LOCAL)]).with(SUBSCRIPTION_ID, 7);
    client.request(subscribe, Kind::Suback).await;
    drop(client);
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    client.publish("a", "own", 2).await;
    let mut other = MqttClient::anyone(&server, Version::V5).await;
    other.publish("a", "another's", 2).await;
    let message = client.message().await;
    assert_eq!(message.text(), "another's");
    assert_eq!(
        (message.qos(), message.numbers(SUBSCRIPTION_ID)),
        (2, vec![7])
    );
}
