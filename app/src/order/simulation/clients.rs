//! Sessions of Carillon's broker without connections: the simulation reads them.

use std::{
    ops::ControlFlow,
    sync::{Arc, Weak},
};

use broker::{Broker, Delivery, DeliveryId, Limits, Outcome, Peer, Publication, Reader, TopicName};

use super::{
    super::{
        row::{Row, letter},
        settings::MOST,
    },
    plan::Arrival,
};

/// A broker and the sessions of its subscribers.
pub struct Clients {
    pub broker: Broker,
    pub readers: Vec<Reader>,
    /// The names of the producers.
    producers: Vec<Arc<str>>,
    // The broker refers to it weakly.
    _peer: Arc<dyn Peer>,
}

/// A peer that is not notified: it reads when its time comes.
struct Patient;

impl Peer for Patient {
    fn deliver(&self) {}

    fn wake(&self) {}
}

impl Clients {
    pub fn new(count: usize) -> Self {
        let broker = Broker::new(EPOCH, Limits::default());
        let peer: Arc<dyn Peer> = Arc::new(Patient);
        let weak: Weak<dyn Peer> = Arc::downgrade(&peer);
        let attach = |number| broker.attach(format!("subscriber-{number}").into(), weak.clone());
        let readers = (1..=count).map(attach).collect();
        let producers = 0..MOST as u8;
        Self {
            readers,
            producers: producers
                .map(|producer| letter(producer).to_string().into())
                .collect(),
            broker,
            _peer: peer,
        }
    }

    /// Publishes a message to a topic or a queue.
    pub fn publish(&self, arrival: Arrival, to: impl FnOnce(Arc<str>, u64, &[u8]) -> Publication) {
        let producer = Arc::clone(&self.producers[usize::from(arrival.producer)]);
        let body = arrival.number.to_string();
        let publication = to(producer, arrival.at_ms, body.as_bytes());
        self.broker
            .publish(&mut vec![publication], &mut Outcome::default());
    }

    /// Reads at most `most` messages of a session, and passes them on with the ids for their acknowledgement.
    pub fn read(
        &mut self,
        session: usize,
        now_ms: u64,
        most: usize,
        mut take: impl FnMut(Row, Option<DeliveryId>),
    ) {
        let reader = &mut self.readers[session];
        reader.session().begin_drain();
        let mut read = 0;
        // Interrupted only by `most`: there are fewer messages than one call examines.
        reader.drain(now_ms, |delivery| {
            if let Some(row) = row(&delivery) {
                take(row, delivery.id);
            }
            read += 1;
            match read < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
    }
}

/// Returns a delivery as a row; `None` for a message of another form, which no simulation publishes.
fn row(delivery: &Delivery<'_>) -> Option<Row> {
    let entry = delivery.entry;
    let producer = entry.producer().bytes().next()?;
    Some(Row {
        position: entry.position(),
        producer: producer.checked_sub(b'A')?,
        number: std::str::from_utf8(entry.body()).ok()?.parse().ok()?,
    })
}

/// Returns the name of a topic or queue, which is a constant of the simulation.
pub fn name(text: &str) -> TopicName {
    TopicName::new(text).expect("a constant that a test uses")
}

const EPOCH: u64 = 1;
