//! The flows of messages: their clients under load, and the check after a kill.

use std::cell::RefCell;

use futures_util::future::{LocalBoxFuture, try_join_all};
use harness::mqtt::{MqttClient, Version};
use harness::stomp::{Frame, StompClient};
use harness::{Carillon, queue};

use crate::consume::{self, Subscriber, Until, session};
use crate::exactly_once::{Receiver, Sender};
use crate::ledger::{Ledger, Promise};
use crate::publish::Publisher;

pub struct Flows {
    rate: u32,
    /// The number of the check.
    check: usize,
    queue: RefCell<Ledger>,
    queue_of_mqtt: RefCell<Ledger>,
    queue_of_http: RefCell<Ledger>,
    moved: RefCell<Ledger>,
    durable: RefCell<Ledger>,
    session: RefCell<Ledger>,
    shared: RefCell<Ledger>,
    exact: RefCell<Ledger>,
    retained: RefCell<Ledger>,
    backlog: RefCell<Ledger>,
    sender: Sender,
    receiver: Receiver,
}

type Client<'a> = LocalBoxFuture<'a, Result<(), String>>;

impl Flows {
    pub fn new(rate: u32) -> Self {
        let flow = |name, promise, publishers| RefCell::new(Ledger::new(name, promise, publishers));
        let (least, exactly) = (Promise::AtLeastOnce, Promise::ExactlyOnce);
        Self {
            rate,
            check: 0,
            queue: flow("queue, STOMP to two STOMP consumers", least, 2),
            queue_of_mqtt: flow("queue, MQTT to STOMP", least, 2),
            queue_of_http: flow("queue, HTTP to MQTT", least, 1),
            moved: flow("moved between queues in transactions", exactly, 1),
            durable: flow("durable subscription, MQTT to STOMP", least, 1),
            session: flow("session of MQTT, STOMP to QoS 1", least, 1),
            shared: flow("shared subscription, two sessions of QoS 1", least, 2),
            exact: flow("QoS 2 to a session of QoS 2", exactly, 1),
            retained: flow("retained message", least, 1),
            backlog: flow("queue without consumer", least, 1),
            sender: Sender::new("soak-sender", TOPICS.exact),
            receiver: Receiver::default(),
        }
    }

    pub fn ledgers(&self) -> [&RefCell<Ledger>; 10] {
        [
            &self.queue,
            &self.queue_of_mqtt,
            &self.queue_of_http,
            &self.moved,
            &self.durable,
            &self.session,
            &self.shared,
            &self.exact,
            &self.retained,
            &self.backlog,
        ]
    }

    /// Creates the subscriptions that outlive their connections, in the first round.
    pub async fn prepare(&self, server: &Carillon) -> Result<(), String> {
        if self.check > 0 {
            return Ok(());
        }
        let durable = consume::durable(server, DURABLE, TOPICS.durable).await;
        durable.leave().await;
        for subscriber in [SESSION, SHARED[0], SHARED[1], EXACT] {
            let new = Subscriber {
                is_new: true,
                ..subscriber
            };
            session(server, new).await?.leave().await;
        }
        Ok(())
    }

    /// Runs all clients until the server ends.
    pub async fn load(&mut self, server: &Carillon) -> Result<(), String> {
        let publisher = |ledger, number| Publisher {
            server,
            ledger,
            number,
            rate: self.rate,
        };
        let backlog = Publisher {
            rate: (self.rate / 4).max(1),
            ..publisher(&self.backlog, 0)
        };
        let consumer = |destination: &'static str, ledger| -> Client<'_> {
            Box::pin(async move {
                let client = consume::of_queue(server, destination).await;
                consume::stomp(client, ledger, Until::End).await
            })
        };
        let subscriber = |subscriber, ledger| -> Client<'_> {
            Box::pin(async move {
                let client = session(server, subscriber).await?;
                consume::mqtt(client, ledger, Until::End).await
            })
        };
        let durable = async {
            let client = consume::durable(server, DURABLE, TOPICS.durable).await;
            consume::stomp(client, &self.durable, Until::End).await
        };
        let of_http = async {
            let client = MqttClient::subscriber(server, Version::V5, "$queue/http", 1).await;
            consume::mqtt(client, &self.queue_of_http, Until::End).await
        };
        let received = self
            .receiver
            .consume(server, EXACT, &self.exact, Until::End);
        let clients: Vec<Client<'_>> = vec![
            Box::pin(publisher(&self.queue, 0).stomp("/queue/jobs")),
            Box::pin(publisher(&self.queue, 1).stomp("/queue/jobs")),
            consumer("/queue/jobs", &self.queue),
            consumer("/queue/jobs", &self.queue),
            Box::pin(publisher(&self.queue_of_mqtt, 0).mqtt("$queue/mqtt")),
            Box::pin(publisher(&self.queue_of_mqtt, 1).mqtt("$queue/mqtt")),
            consumer("/queue/mqtt", &self.queue_of_mqtt),
            Box::pin(publisher(&self.queue_of_http, 0).http("http")),
            Box::pin(of_http),
            Box::pin(publisher(&self.moved, 0).stomp("/queue/in")),
            Box::pin(consume::move_messages(
                server,
                &self.moved,
                "/queue/in",
                "/queue/out",
            )),
            Box::pin(publisher(&self.durable, 0).mqtt(TOPICS.durable)),
            Box::pin(durable),
            Box::pin(publisher(&self.session, 0).stomp("/topic/session")),
            subscriber(SESSION, &self.session),
            Box::pin(publisher(&self.shared, 0).mqtt(TOPICS.shared)),
            Box::pin(publisher(&self.shared, 1).mqtt(TOPICS.shared)),
            subscriber(SHARED[0], &self.shared),
            subscriber(SHARED[1], &self.shared),
            Box::pin(self.sender.publish(publisher(&self.exact, 0))),
            Box::pin(received),
            Box::pin(publisher(&self.retained, 0).retained(TOPICS.retained)),
            Box::pin(backlog.stomp("/queue/backlog")),
        ];
        try_join_all(clients).await.map(drop)
    }

    /// Reads everything that is left after a kill, except the backlog, and checks all promises.
    pub async fn verify(&mut self, server: &Carillon) -> Result<(), String> {
        self.check += 1;
        self.check_retained(server).await?;
        let exact = Publisher {
            server,
            ledger: &self.exact,
            number: 0,
            rate: self.rate,
        };
        // It completes what was in flight, so nothing is uncertain.
        self.sender.complete(exact).await?;
        for ledger in self.ledgers() {
            let is_exact = std::ptr::eq(ledger, &self.exact);
            if !is_exact {
                ledger.borrow_mut().crash();
            }
        }
        let marker = format!("end {}", self.check);
        let until = Until::Marker(&marker);
        let queues = [
            ("/queue/jobs", &self.queue),
            ("/queue/mqtt", &self.queue_of_mqtt),
            ("/queue/http", &self.queue_of_http),
            ("/queue/in", &self.moved),
            ("/queue/out", &self.moved),
        ];
        for (destination, ledger) in queues {
            mark(server, destination, &marker).await;
            let client = consume::of_queue(server, destination).await;
            consume::stomp(client, ledger, until).await?;
        }
        for topic in [TOPICS.durable, TOPICS.session, TOPICS.shared, TOPICS.exact] {
            let mut client = MqttClient::anyone(server, Version::V5).await;
            client.publish(topic, &marker, 2).await;
            client.leave().await;
        }
        let client = consume::durable(server, DURABLE, TOPICS.durable).await;
        consume::stomp(client, &self.durable, until).await?;
        for (subscriber, ledger) in [(SESSION, &self.session), (SHARED[0], &self.shared)] {
            let client = session(server, subscriber).await?;
            consume::mqtt(client, ledger, until).await?;
        }
        let rest = self.receiver.consume(server, EXACT, &self.exact, until);
        rest.await?;
        let is_checked_later =
            |ledger| std::ptr::eq(ledger, &self.backlog) || std::ptr::eq(ledger, &self.retained);
        for ledger in self.ledgers() {
            if !is_checked_later(ledger) {
                ledger.borrow_mut().check()?;
            }
        }
        let waiting = queue::figure(server, "backlog", "waiting").await;
        let (least, most) = self.backlog.borrow().bounds();
        match (least..=most).contains(&waiting) {
            true => Ok(()),
            false => Err(format!(
                "the backlog has {waiting} messages; {least} were acknowledged, {most} sent"
            )),
        }
    }

    /// Reads the queue that had no consumer, and checks it.
    pub async fn verify_backlog(&self, server: &Carillon) -> Result<(), String> {
        let marker = "end of the backlog";
        mark(server, "/queue/backlog", marker).await;
        let client = consume::of_queue(server, "/queue/backlog").await;
        consume::stomp(client, &self.backlog, Until::Marker(marker)).await?;
        self.backlog.borrow_mut().check()
    }

    async fn check_retained(&self, server: &Carillon) -> Result<(), String> {
        let mut client = MqttClient::anyone(server, Version::V5).await;
        client.subscribe(TOPICS.retained, 1).await;
        client.subscribe("end", 1).await;
        client.publish("end", "end", 1).await;
        let found = client.bodies_before("end").await;
        client.leave().await;
        self.retained.borrow_mut().check_last(&found)
    }
}

/// Sends a marker to a queue.
async fn mark(server: &Carillon, destination: &str, marker: &str) {
    let mut client = StompClient::connect(server).await;
    let send = Frame::message_to(destination, marker).with("persistent", "true");
    client.request(send).await;
    client.leave().await;
}

struct Topics {
    durable: &'static str,
    session: &'static str,
    shared: &'static str,
    exact: &'static str,
    retained: &'static str,
}

const TOPICS: Topics = Topics {
    durable: "durable",
    session: "session",
    shared: "shared",
    exact: "exact",
    retained: "state",
};

const DURABLE: &str = "soak-durable";
const SESSION: Subscriber<'static> = subscriber("soak-session", TOPICS.session, 1);
const SHARED: [Subscriber<'static>; 2] = [
    subscriber("soak-shared-1", "$share/soak/shared", 1),
    subscriber("soak-shared-2", "$share/soak/shared", 1),
];
const EXACT: Subscriber<'static> = subscriber("soak-receiver", TOPICS.exact, 2);

const fn subscriber(client_id: &'static str, filter: &'static str, qos: u8) -> Subscriber<'static> {
    Subscriber {
        client_id,
        filter,
        qos,
        is_new: false,
    }
}
