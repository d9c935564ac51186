//! MQTT: producers of both protocols and subscribers of all kinds over real sockets. The messages of each producer stay
//! in order, and all subscribers see one order of a topic, also clients that disconnect and reconnect.

use harness::Carillon;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};
use tokio::task::JoinSet;

const PRODUCERS: usize = 4;
const PER_PRODUCER: usize = 150;
const ALL: usize = PRODUCERS * PER_PRODUCER;
const TOPICS: [&str; 2] = ["order/a", "order/b"];

/// The topic in the syntax of STOMP, and `PRODUCER:NUMBER`.
type Seen = (String, String);

/// Alternates between the topics, with more messages to one of them.
fn topic(number: usize) -> &'static str {
    TOPICS[usize::from(number.is_multiple_of(3))]
}

async fn produce_with_mqtt(mut client: MqttClient, producer: usize) {
    // Many at once, with alternating QoS: the order is that of the packets. QoS 0 is not used, because clients that
    // reconnect would miss such messages.
    for first in (0..PER_PRODUCER).step_by(10) {
        let mut bytes = Vec::new();
        let mut sent = Vec::new();
        for number in first..first + 10 {
            let qos = 1 + (number % 2) as u8;
            let publish = Packet::publication(topic(number), format!("{producer}:{number}"), qos);
            let id = client.fresh_id();
            bytes.extend_from_slice(&publish.numbered(id).encode(client.version));
            sent.push((qos, id));
        }
        client.send_bytes(bytes).await;
        for (qos, id) in sent {
            match qos {
                1 => assert!(client.answer(Kind::Puback, id).await.reason() < 0x80),
                _ => {
                    client.answer(Kind::Pubrec, id).await;
                    client.release(id).await;
                }
            }
        }
    }
    client.ping().await;
}

async fn produce_with_stomp(mut client: StompClient, producer: usize) {
    for number in 0..PER_PRODUCER {
        let topic = topic(number).replace('/', ".");
        client
            .publish(&topic, &format!("{producer}:{number}"))
            .await;
    }
    client.request(Frame::publication("done", "")).await;
}

async fn listen_with_mqtt(mut client: MqttClient) -> Vec<Seen> {
    let mut seen = Vec::new();
    while seen.len() < ALL {
        let message = client.message().await;
        seen.push((message.topic.replace('/', "."), message.text()));
    }
    seen
}

async fn listen_with_stomp(mut client: StompClient) -> Vec<Seen> {
    let mut seen = Vec::new();
    while seen.len() < ALL {
        let message = client.message().await;
        let destination = message.header("destination");
        let topic = destination.trim_start_matches("/topic/").to_owned();
        seen.push((topic, message.text()));
    }
    seen
}

/// Disconnects and reconnects at times: between deliveries, by a takeover or after a broken connection. A message that
/// is delivered again is unchanged, and is counted once.
async fn listen_in_and_out(server: &Carillon, connect: Connect, qos: u8) -> Vec<Seen> {
    let (mut client, _) = MqttClient::connect_with(server, &connect).await;
    client.subscribe("order/#", qos).await;
    let mut seen: Vec<Seen> = Vec::new();
    let mut rounds = 0;
    while seen.len() < ALL {
        let message = client.packet().await;
        if message.kind == Kind::Pubrel {
            // A packet of the previous connection.
            let pubcomp = Packet::acknowledgement(Kind::Pubcomp, message.id);
            client.send(&pubcomp).await;
            continue;
        }
        assert_eq!(message.kind, Kind::Publish, "{message:?}");
        let this = (message.topic.replace('/', "."), message.text());
        let is_known = message.is_duplicate() && seen.contains(&this);
        if !is_known {
            seen.push(this);
        }
        rounds += 1;
        if rounds % 41 == 0 {
            // Received, but not acknowledged.
            if rounds % 2 == 0 {
                drop(client);
                (client, _) = MqttClient::connect_with(server, &connect).await;
            } else {
                let (next, _) = MqttClient::connect_with(server, &connect).await;
                client = next;
            }
            continue;
        }
        client.acknowledge(&message).await;
    }
    seen
}

fn assert_producers_in_order(who: &str, seen: &[Seen]) {
    let mut next = [0; PRODUCERS];
    for (_, body) in seen {
        let (producer, number) = body.split_once(':').expect("producer and number");
        let producer: usize = producer.parse().expect("a producer");
        assert_eq!(number, next[producer].to_string(), "of {producer}, {who}");
        next[producer] += 1;
    }
    assert_eq!(next, [PER_PRODUCER; PRODUCERS], "nothing is lost, {who}");
}

fn in_topic<'a>(seen: &'a [Seen], topic: &str) -> Vec<&'a str> {
    let ours = seen.iter().filter(|(of, _)| of == topic);
    ours.map(|(_, body)| body.as_str()).collect()
}

async fn subscribers(server: &Carillon) -> JoinSet<(String, Vec<Seen>)> {
    let mut listening = JoinSet::new();
    for version in Version::ALL {
        for qos in 0..3 {
            let client = MqttClient::subscriber(server, version, "order/#", qos).await;
            let who = format!("MQTT {version:?}, QoS {qos}");
            listening.spawn(async { (who, listen_with_mqtt(client).await) });
        }
    }
    let mut client = StompClient::connect(server).await;
    client.subscribe("0", "order.>", &[]).await;
    listening.spawn(async { ("STOMP".to_owned(), listen_with_stomp(client).await) });
    listening
}

async fn produce(server: &Carillon) {
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        if producer == 0 {
            let client = StompClient::connect(server).await;
            producers.spawn(produce_with_stomp(client, producer));
        } else {
            let client = MqttClient::anyone(server, Version::ALL[producer - 1]).await;
            producers.spawn(produce_with_mqtt(client, producer));
        }
    }
    producers.join_all().await;
}

#[tokio::test]
async fn all_subscribers_see_one_order_at_each_qos() {
    let server = Carillon::with_mqtt(&[]).await;
    let listening = subscribers(&server).await;
    let lasting = Connect::lasting(Version::V5, "in and out, 1");
    let older = Connect::lasting(Version::V3_1_1, "in and out, 2");
    let (once, twice, ()) = tokio::join!(
        listen_in_and_out(&server, lasting, 1),
        listen_in_and_out(&server, older, 2),
        async {
            // Both clients are subscribed once their sessions exist.
            harness::deadline::eventually(
                "both subscribed",
                || subscriptions(&server),
                |count| *count >= 12,
            )
            .await;
            produce(&server).await;
        },
    );
    let mut all = listening.join_all().await;
    all.push(("in and out with QoS 1".to_owned(), once));
    all.push(("in and out with QoS 2".to_owned(), twice));
    for (who, seen) in &all {
        assert_producers_in_order(who, seen);
    }
    for topic in ["order.a", "order.b"] {
        let expected = in_topic(&all[0].1, topic);
        for (who, seen) in &all {
            assert!(
                in_topic(seen, topic) == expected,
                "{topic} has one order, {who}"
            );
        }
    }
}

async fn subscriptions(server: &Carillon) -> u64 {
    let figures = harness::http::get(server.url("/api/figures")).await.json();
    figures["subscriptions"].as_u64().expect("a number")
}
