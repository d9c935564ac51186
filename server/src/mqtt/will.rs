//! A will: what is published when a connection ends otherwise than it should (5.0, 3.1.2.5).

use std::sync::Arc;

use broker::{InvalidName, Kind, Outcome, Publication, TopicName};
use wire::mqtt::server;

use super::{names, properties};
use crate::{
    clock,
    connection::{Surroundings, carry_out},
};

#[derive(Debug)]
pub struct Will {
    kind: Kind,
    name: TopicName,
    client: Arc<str>,
    will: server::Will,
}

impl Will {
    /// # Errors
    /// The topic has no name here.
    pub fn new(will: server::Will, client: &Arc<str>) -> Result<Self, InvalidName> {
        let (kind, name) = names::published_to(&will.topic)?;
        let will = Self {
            kind,
            name,
            client: Arc::clone(client),
            will,
        };
        // Whatever could be wrong with it is said while there is somebody to hear it.
        will.message(0)?;
        Ok(will)
    }

    /// Seconds between the end of the connection and the message.
    pub fn delay_s(&self) -> u32 {
        self.will.delay_s
    }

    pub fn publish(self, surroundings: &Surroundings) {
        let Ok(message) = self.message(clock::unix_ms()) else {
            return;
        };
        let mut outcome = Outcome::default();
        surroundings
            .broker
            .publish(&mut vec![message], &mut outcome);
        if let Some(Err(error)) = outcome.results.first() {
            tracing::info!(client = %self.client, %error, "a will was refused");
        }
        carry_out(&mut outcome, &surroundings.advisories, None);
    }

    fn message(&self, now_ms: u64) -> Result<Publication, InvalidName> {
        let Self {
            kind,
            name,
            client,
            will,
        } = self;
        let body = will.payload.to_vec().into();
        let (name, client) = (name.clone(), Arc::clone(client));
        let message = match kind {
            Kind::Topic => Publication::new(name, client, now_ms, body),
            Kind::Queue => Publication::to_queue(name, client, now_ms, body),
        };
        let message = match will.retain && *kind == Kind::Topic {
            true => message.retained(),
            false => message,
        };
        properties::apply(message, &will.properties(), (will.qos, now_ms))
    }
}
