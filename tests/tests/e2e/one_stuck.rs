//! One subscriber that reads nothing beside 99 that read: its rule bounds it, and the others are not affected.

use std::cell::Cell;

use harness::Carillon;
use harness::deadline::eventually;
use harness::http::get;
use harness::mqtt::{Kind, MqttClient, Packet, Version};
use harness::stomp::{INDIVIDUAL, StompClient};
use harness::topic::lags_more_than;

const FAST: usize = 99;
/// The messages of the flood, to which all subscribe, and the number published at once.
const FLOOD: usize = 400;
const ROUND: usize = 50;
/// More than a round, and less than the flood.
const LAG: u64 = 100;
/// The ballast, to which only the stuck client subscribes: more than the socket buffers hold.
const BALLAST: usize = 200;
const BALLAST_BYTES: usize = 100_000;

/// The protocol and the QoS with which the clients of a test subscribe and publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Stomp,
    StompAcknowledged,
    Mqtt { qos: u8 },
}

const WAYS: [Way; 4] = [
    Way::Stomp,
    Way::StompAcknowledged,
    Way::Mqtt { qos: 0 },
    Way::Mqtt { qos: 1 },
];

enum Client {
    Stomp(StompClient),
    Mqtt(MqttClient),
}

/// A delivery: its topic, its number, and the missed messages before it.
struct Message {
    topic: String,
    number: usize,
    missed: Option<String>,
}

impl Client {
    async fn connect(server: &Carillon, way: Way) -> Self {
        match way {
            Way::Stomp | Way::StompAcknowledged => Self::Stomp(StompClient::connect(server).await),
            Way::Mqtt { .. } => Self::Mqtt(MqttClient::anyone(server, Version::V5).await),
        }
    }

    async fn subscriber(server: &Carillon, way: Way, topics: &[&str]) -> Self {
        let mut client = Self::connect(server, way).await;
        for topic in topics {
            match (&mut client, way) {
                (Self::Stomp(client), Way::StompAcknowledged) => {
                    // A small prefetch, so that most unread messages wait in the queue, where the oldest are dropped.
                    let headers = [INDIVIDUAL, ("prefetch-count", "10")];
                    client.subscribe(topic, topic, &headers).await;
                }
                (Self::Stomp(client), _) => client.subscribe(topic, topic, &[]).await,
                (Self::Mqtt(client), Way::Mqtt { qos }) => client.subscribe(topic, qos).await,
                (Self::Mqtt(_), _) => unreachable!("a client of this protocol"),
            }
        }
        client
    }

    /// Publishes these bodies as fast as possible, and waits until the server has them.
    async fn publish(&mut self, way: Way, topic: &str, bodies: &[String]) {
        match self {
            Self::Stomp(client) => {
                client.send_all(&format!("/topic/{topic}"), bodies).await;
            }
            Self::Mqtt(client) => {
                let qos = if let Way::Mqtt { qos } = way { qos } else { 0 };
                let mut last = 0;
                for body in bodies {
                    last = client.fresh_id();
                    let publish = Packet::publication(topic, body.as_str(), qos);
                    client.send(&publish.numbered(last)).await;
                }
                match qos {
                    0 => client.ping().await,
                    _ => drop(client.answer(Kind::Puback, last).await),
                }
            }
        }
    }

    /// Returns the next message, acknowledged if the client acknowledges.
    async fn message(&mut self) -> Message {
        match self {
            Self::Stomp(client) => {
                let frame = client.message().await;
                if frame.find("ack").is_some() {
                    client.send(&client.settlement("ACK", &frame)).await;
                }
                Message {
                    topic: frame.header("subscription").to_owned(),
                    number: number(&frame.text()),
                    missed: frame.find("missed").map(str::to_owned),
                }
            }
            Self::Mqtt(client) => {
                let publish = client.message().await;
                let pairs = publish.pairs();
                let missed = pairs.iter().find(|(name, _)| *name == "missed");
                Message {
                    topic: publish.topic.clone(),
                    number: number(&publish.text()),
                    missed: missed.map(|(_, range)| (*range).to_owned()),
                }
            }
        }
    }

    /// Reads the flood from one number to another, without gaps.
    async fn read_flood(&mut self, from: usize, to: usize) {
        for expected in from..=to {
            let message = self.message().await;
            assert_eq!((message.number, message.missed), (expected, None));
        }
    }

    /// Reads to the end of the flood. Returns the number of missed messages of each topic; the server reports all of
    /// them.
    async fn read_with_gaps(&mut self) -> [usize; 2] {
        let mut missed = [0; 2];
        let mut next = [1; 2];
        while next[0] <= FLOOD {
            let message = self.message().await;
            let topic = usize::from(message.topic == "ballast");
            if let Some(range) = message.missed {
                let to = match range.split_once('-') {
                    Some((from, to)) => {
                        assert_eq!(number(from), next[topic], "{range} of {}", message.topic);
                        number(to)
                    }
                    // The gap of a queue has a count only, without the numbers of the dropped messages.
                    None => message.number - 1,
                };
                assert!(to >= next[topic], "{range} of {}", message.topic);
                missed[topic] += to + 1 - next[topic];
                next[topic] = to + 1;
            }
            assert_eq!(message.number, next[topic], "of {}", message.topic);
            next[topic] += 1;
        }
        missed
    }

    async fn is_gone(&mut self) {
        match self {
            Self::Stomp(client) => while client.next().await.is_some() {},
            Self::Mqtt(client) => while client.next().await.is_some() {},
        }
    }
}

fn number(text: &str) -> usize {
    text.trim_start_matches('x').parse().expect("a number")
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..=to).map(|number| number.to_string()).collect()
}

fn ballast() -> Vec<String> {
    (1..=BALLAST)
        .map(|number| format!("{}{number}", "x".repeat(BALLAST_BYTES)))
        .collect()
}

/// A server and the clients connected to it.
struct House {
    server: Carillon,
    /// Subscribed to the ballast and to the flood.
    stuck: Client,
    /// Subscribed to the flood.
    fast: Vec<Client>,
    /// The publisher of the ballast.
    heavy: Client,
}

impl House {
    async fn new(way: Way, overflow: &str) -> Self {
        let lag = LAG.to_string();
        // A subscription that acknowledges has its own queue.
        let bounds = ["--lag", &lag, "--queue-length", &lag];
        let server = Carillon::with_mqtt(&[&["--overflow", overflow], &bounds[..]].concat()).await;
        Self {
            stuck: Client::subscriber(&server, way, &["ballast", "flood"]).await,
            fast: fast(&server, way).await,
            heavy: Client::connect(&server, way).await,
            server,
        }
    }

    /// Publishes the ballast, then the flood; the other clients read all of the flood.
    async fn load(&mut self, way: Way) {
        self.heavy.publish(way, "ballast", &ballast()).await;
        flood(&self.server, way, &mut self.fast).await;
    }
}

async fn fast(server: &Carillon, way: Way) -> Vec<Client> {
    let mut all = Vec::new();
    for _ in 0..FAST {
        all.push(Client::subscriber(server, way, &["flood"]).await);
    }
    all
}

/// Publishes the flood in rounds; all other clients read each round to its end.
async fn flood(server: &Carillon, way: Way, fast: &mut [Client]) {
    let mut producer = Client::connect(server, way).await;
    for first in (1..=FLOOD).step_by(ROUND) {
        let last = first + ROUND - 1;
        producer.publish(way, "flood", &numbers(first, last)).await;
        for client in &mut *fast {
            client.read_flood(first, last).await;
        }
    }
}

#[tokio::test]
async fn a_stuck_subscriber_is_skipped_and_the_others_get_everything() {
    for way in WAYS {
        let mut house = House::new(way, "drop-oldest").await;
        house.load(way).await;
        let [flood, ballast] = house.stuck.read_with_gaps().await;
        assert!(flood >= FLOOD - 2 * LAG as usize, "{way:?}: {flood} missed");
        assert!(ballast > 0, "{way:?}: the sockets hold all of it");
    }
}

#[tokio::test]
async fn a_stuck_subscriber_is_disconnected_and_the_others_get_everything() {
    // A subscription that acknowledges drops the oldest messages under every rule.
    for way in [Way::Stomp, Way::Mqtt { qos: 0 }, Way::Mqtt { qos: 1 }] {
        let mut house = House::new(way, "disconnect").await;
        house.load(way).await;
        let figures = || async { get(house.server.url("/api/figures")).await.json() };
        let is_gone = |figures: &serde_json::Value| figures["subscriptions"] == FAST;
        eventually("only the others", figures, is_gone).await;
        house.stuck.is_gone().await;
    }
}

#[tokio::test]
async fn publishers_wait_for_a_stuck_subscriber_and_continue_when_it_reads() {
    for way in [Way::Stomp, Way::Mqtt { qos: 0 }, Way::Mqtt { qos: 1 }] {
        let House {
            server,
            mut stuck,
            mut fast,
            mut heavy,
        } = House::new(way, "block").await;
        let mut producer = Client::connect(&server, way).await;
        let is_published = Cell::new(0);
        let load = async {
            heavy.publish(way, "ballast", &ballast()).await;
            is_published.set(is_published.get() + 1);
        };
        let rest = async {
            lags_more_than(&server, "ballast", LAG).await;
            producer.publish(way, "flood", &numbers(1, FLOOD)).await;
            is_published.set(is_published.get() + 1);
        };
        let reading = async {
            lags_more_than(&server, "flood", LAG).await;
            assert_eq!(is_published.get(), 0, "{way:?}: both wait");
            assert_eq!(stuck.read_with_gaps().await, [0, 0], "{way:?}");
        };
        let others = async {
            for client in &mut fast {
                client.read_flood(1, FLOOD).await;
            }
        };
        tokio::join!(load, rest, reading, others);
        assert_eq!(is_published.get(), 2);
    }
}
