//! Publishers of numbered persistent messages that go on until the server refuses one or the connection ends, and a reader
//! of what a queue has.

use http::{Method, StatusCode};

use crate::Carillon;
use crate::http::{Answer, request, try_send};
use crate::mqtt::{Kind, MqttClient, Packet};
use crate::queue;
use crate::stomp::{Frame, StompClient};

/// The messages of a publisher: the bodies are the numbers from 0 on.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    /// The name of the queue.
    pub queue: &'a str,
    /// Messages on the way at the same time.
    pub in_flight: usize,
    /// The least length of a body, which begins with zeros.
    pub body_bytes: usize,
    /// Called after each acknowledgement.
    pub acknowledged: &'a dyn Fn(),
}

/// The end of a publisher.
#[derive(Debug)]
pub struct Stopped<A> {
    pub sent: usize,
    /// The numbers of the acknowledged messages.
    pub acknowledged: Vec<usize>,
    /// The answer that refused a message; `None` if the connection ended.
    pub refusal: Option<A>,
}

impl<A> Stopped<A> {
    const fn new() -> Self {
        Self {
            sent: 0,
            acknowledged: Vec::new(),
            refusal: None,
        }
    }

    /// Asserts that the messages of a queue are the sent ones in their order, with all that were acknowledged.
    pub fn is_kept_by(&self, found: &[usize]) {
        let in_order: Vec<_> = (0..found.len()).collect();
        assert_eq!(found, in_order, "nothing is lost or invented");
        let expected = self.acknowledged.last().map_or(0, |last| last + 1);
        assert!(
            found.len() >= expected,
            "{expected} acknowledged, {} found",
            found.len()
        );
        assert!(found.len() <= self.sent, "{} sent", self.sent);
    }
}

impl Load<'_> {
    fn body(&self, number: usize) -> String {
        format!("{number:0width$}", width = self.body_bytes)
    }

    /// Sends over STOMP with receipts.
    pub async fn stomp(self, mut client: StompClient) -> Stopped<Frame> {
        let destination = format!("/queue/{}", self.queue);
        let mut stopped = Stopped::new();
        loop {
            while stopped.sent < stopped.acknowledged.len() + self.in_flight {
                let send = Frame::message_to(&destination, self.body(stopped.sent))
                    .with("persistent", "true")
                    .with("receipt", &stopped.sent.to_string());
                // The answers are read, also if the server reads no more.
                if client.try_send_bytes(send.encode()).await.is_err() {
                    break;
                }
                stopped.sent += 1;
            }
            match client.next().await {
                Some(frame) if frame.command == "RECEIPT" => {
                    let number = frame.header("receipt-id").parse();
                    stopped.acknowledged.push(number.expect("a number"));
                    (self.acknowledged)();
                }
                refusal => return Stopped { refusal, ..stopped },
            }
        }
    }

    /// Publishes with QoS 1.
    pub async fn mqtt(self, mut client: MqttClient) -> Stopped<Packet> {
        let topic = format!("$queue/{}", self.queue);
        let mut stopped = Stopped::new();
        loop {
            while stopped.sent < stopped.acknowledged.len() + self.in_flight {
                let id = u16::try_from(stopped.sent + 1).expect("few messages");
                let publish = Packet::publication(&topic, self.body(stopped.sent), 1).numbered(id);
                let bytes = publish.encode(client.version);
                if client.try_send_bytes(bytes).await.is_err() {
                    break;
                }
                stopped.sent += 1;
            }
            match client.next().await {
                Some(packet) if packet.kind == Kind::Puback && packet.reason() < 0x80 => {
                    stopped.acknowledged.push(usize::from(packet.id) - 1);
                    (self.acknowledged)();
                }
                refusal => return Stopped { refusal, ..stopped },
            }
        }
    }

    /// Posts over HTTP, one request after the other.
    pub async fn http(self, server: &Carillon) -> Stopped<Answer> {
        let mut stopped = Stopped::new();
        loop {
            let url = server.url(&format!("/api/queues/{}", self.queue));
            let post = request(Method::POST, url, self.body(stopped.sent));
            stopped.sent += 1;
            match try_send(post).await {
                Some(answer) if answer.status == StatusCode::OK => {
                    stopped.acknowledged.push(stopped.sent - 1);
                    (self.acknowledged)();
                }
                refusal => return Stopped { refusal, ..stopped },
            }
        }
    }
}

/// Reads everything that a queue has, and returns the numbers of the messages. All messages are acknowledged.
pub async fn read_all(server: &Carillon, queue: &str) -> Vec<usize> {
    let count = match queue::figures(server, queue).await["waiting"].as_u64() {
        Some(count) => count as usize,
        None => return Vec::new(),
    };
    let destination = format!("/queue/{queue}");
    let mut consumer = StompClient::consumer(server, &destination, &[]).await;
    let bodies = consumer.bodies(count).await;
    bodies
        .iter()
        .map(|body| body.parse().expect("a number"))
        .collect()
}
