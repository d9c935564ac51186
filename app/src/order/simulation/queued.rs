//! Queues of Carillon's broker: a queue itself, and the queues that a virtual topic feeds. Each message of a queue goes to one
//! of its consumers.

use broker::{
    Acknowledgement, Consume, DeliveryId, Outcome, Publication, Settlement, Source, Verdict,
};

use super::{
    super::row::Row,
    APPLICATIONS,
    clients::{Clients, name},
    plan::Arrival,
    timeline::Model,
};

pub struct Queued {
    clients: Clients,
    /// The message that each consumer works on.
    held: Vec<Option<DeliveryId>>,
    is_virtual: bool,
}

impl Queued {
    /// Returns a queue with consumers that take one message at a time.
    pub fn queue(consumers: usize) -> Self {
        Self::new(consumers, false)
    }

    /// Returns a virtual topic with the queues of [`APPLICATIONS`], each with every second consumer.
    pub fn virtual_topic(consumers: usize) -> Self {
        Self::new(consumers, true)
    }

    fn new(consumers: usize, is_virtual: bool) -> Self {
        let clients = Clients::new(consumers);
        for (index, reader) in clients.readers.iter().enumerate() {
            let queue = match is_virtual {
                true => QUEUES[index % APPLICATIONS],
                false => QUEUE,
            };
            let consume = Consume {
                source: Source::Queues(name(queue).into()),
                acknowledgement: Acknowledgement::Individual,
                prefetch: 1,
                exclusive: false,
                selector: None,
                tag: &[],
            };
            clients
                .broker
                .consume(reader.session(), consume, &mut Outcome::default())
                .expect("the default limits allow a few consumers");
        }
        Self {
            clients,
            held: vec![None; consumers],
            is_virtual,
        }
    }
}

impl Model for Queued {
    fn publish(&mut self, arrival: Arrival) {
        match self.is_virtual {
            true => self.clients.publish(arrival, |producer, at_ms, body| {
                Publication::new(name(VIRTUAL_TOPIC), producer, at_ms, body)
            }),
            false => self.clients.publish(arrival, |producer, at_ms, body| {
                Publication::to_queue(name(QUEUE), producer, at_ms, body)
            }),
        }
    }

    /// Acknowledges the message that the consumer has worked on, and takes the next one.
    fn read(&mut self, subscriber: usize, now_ms: u64, take: &mut dyn FnMut(Row)) {
        if let Some(delivery) = self.held[subscriber].take() {
            let settlement = Settlement {
                delivery,
                verdict: Verdict::Accept,
            };
            let session = self.clients.readers[subscriber].session();
            self.clients
                .broker
                .settle(session, settlement, now_ms, &mut Outcome::default())
                .expect("the consumer holds the message");
        }
        let held = &mut self.held[subscriber];
        self.clients.read(subscriber, now_ms, 1, |row, id| {
            *held = id;
            take(row);
        });
    }
}

const QUEUE: &str = "order";
const VIRTUAL_TOPIC: &str = "VirtualTopic.order";
/// The queues of the applications, fed by [`VIRTUAL_TOPIC`].
pub const QUEUES: [&str; APPLICATIONS] = [
    "Consumer.billing.VirtualTopic.order",
    "Consumer.stock.VirtualTopic.order",
];
