//! A topic of Carillon's broker: every subscriber reads the same log.

use broker::{Outcome, Publication, Subscribe};

use super::{
    super::row::Row,
    clients::{Clients, name},
    plan::Arrival,
    timeline::Model,
};

pub struct Ordered(Clients);

impl Ordered {
    pub fn new(subscribers: usize) -> Self {
        let clients = Clients::new(subscribers);
        let filter = name(TOPIC).into();
        for reader in &clients.readers {
            let subscribe = Subscribe::to(&filter);
            clients
                .broker
                .subscribe(reader.session(), subscribe, &mut Outcome::default())
                .expect("the default limits allow a few subscriptions");
        }
        Self(clients)
    }
}

impl Model for Ordered {
    fn publish(&mut self, arrival: Arrival) {
        let to =
            |producer, at_ms, body: &[u8]| Publication::new(name(TOPIC), producer, at_ms, body);
        self.0.publish(arrival, to);
    }

    fn read(&mut self, subscriber: usize, now_ms: u64, take: &mut dyn FnMut(Row)) {
        self.0
            .read(subscriber, now_ms, usize::MAX, |row, _| take(row));
    }
}

const TOPIC: &str = "order";
