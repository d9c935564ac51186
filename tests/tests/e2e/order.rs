//! Many producers and many subscribers over real sockets: all see one order, and no message is
//! lost.

use harness::Carillon;
use harness::http::post;
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use tokio::task::JoinSet;

const PRODUCERS: usize = 6;
const PER_PRODUCER: usize = 500;
const TOPICS: [&str; 3] = ["order.a", "order.b", "order.c"];
const SEED: u64 = 0x0CA5_1110;

/// A pseudo-random number generator (xorshift) with a fixed seed: each run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}

/// A received message: topic, sequence, and `PRODUCER:NUMBER`.
type Seen = (String, u64, String);

async fn produce(mut client: StompClient, producer: usize) {
    let mut random = Random(SEED + producer as u64);
    for number in 0..PER_PRODUCER {
        let topic = TOPICS[random.below(TOPICS.len())];
        client.publish(topic, &format!("{producer}:{number}")).await;
        if random.below(20) == 0 {
            tokio::task::yield_now().await;
        }
    }
    // The connection stays open until the server has received everything.
    client.request(Frame::publication("done", "")).await;
}

async fn listen(mut client: StompClient) -> Vec<Seen> {
    let mut seen = Vec::new();
    while seen.len() < PRODUCERS * PER_PRODUCER {
        let message = client.message().await;
        assert_eq!(message.find("missed"), None, "{message:?}");
        seen.push((
            message.header("destination").to_owned(),
            message.header("sequence").parse().expect("a sequence"),
            message.text(),
        ));
    }
    seen
}

fn in_topic(seen: &[Seen], topic: &str) -> Vec<Seen> {
    let ours = seen
        .iter()
        .filter(|(destination, ..)| destination.ends_with(topic));
    ours.cloned().collect()
}

fn assert_producers_in_order(seen: &[Seen]) {
    let mut next = [0; PRODUCERS];
    for (_, _, body) in seen {
        let (producer, number) = body.split_once(':').expect("producer and number");
        let producer: usize = producer.parse().expect("a producer");
        let number: usize = number.parse().expect("a number");
        assert_eq!(
            number, next[producer],
            "of producer {producer}, over all topics"
        );
        next[producer] += 1;
    }
    assert_eq!(next, [PER_PRODUCER; PRODUCERS], "nothing is lost");
}

#[tokio::test]
async fn all_subscribers_see_one_order_that_preserves_each_producers_order() {
    let server = Carillon::start().await;
    let (mut wild, mut single) = (JoinSet::new(), JoinSet::new());
    for _ in 0..3 {
        let mut client = StompClient::connect(&server).await;
        client.subscribe("0", "order.*", &[]).await;
        wild.spawn(listen(client));

        let mut client = StompClient::connect(&server).await;
        for topic in TOPICS {
            client.subscribe(topic, topic, &[]).await;
        }
        single.spawn(listen(client));
    }
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let client = StompClient::connect(&server).await;
        producers.spawn(produce(client, producer));
    }
    producers.join_all().await;

    let wild = wild.join_all().await;
    for seen in &wild {
        assert_producers_in_order(seen);
    }
    let all = [wild, single.join_all().await].concat();
    for topic in TOPICS {
        assert_one_order(topic, &all);
    }
}

fn assert_one_order(topic: &str, all: &[Vec<Seen>]) {
    let first = in_topic(&all[0], topic);
    let sequences: Vec<u64> = first.iter().map(|(_, sequence, _)| *sequence).collect();
    let whole: Vec<u64> = (1..=first.len() as u64).collect();
    assert_eq!(sequences, whole, "{topic} has no gap");
    for other in all {
        assert!(in_topic(other, topic) == first, "{topic} has one order");
    }
}

#[tokio::test]
async fn messages_of_http_and_stomp_have_one_order() {
    const EACH: usize = 100;
    let server = Carillon::start().await;
    let mut frames = StompClient::connect(&server).await;
    frames.subscribe("0", "mixed", &[]).await;
    let mut events = EventStream::open(server.url("/api/topics/mixed/events")).await;
    let mut producer = StompClient::connect(&server).await;

    let over_stomp = async {
        for number in 0..EACH {
            producer.publish("mixed", &format!("stomp {number}")).await;
        }
    };
    let over_http = async {
        for number in 0..EACH {
            let body = format!("http {number}");
            post(server.url("/api/topics/mixed"), "text/plain", body).await;
        }
    };
    tokio::join!(over_stomp, over_http);
    let seen = frames.bodies(2 * EACH).await;
    assert_eq!(events.bodies(2 * EACH).await, seen);
    for door in ["stomp", "http"] {
        let ours: Vec<_> = seen.iter().filter(|body| body.starts_with(door)).collect();
        let expected: Vec<_> = (0..EACH).map(|number| format!("{door} {number}")).collect();
        assert_eq!(ours, expected.iter().collect::<Vec<_>>());
    }
}
