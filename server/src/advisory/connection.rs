//! The advisories about one connection.

use std::{collections::HashSet, sync::Arc};

use broker::{DestinationKind, Session, TopicName};

use super::{Advisories, Advisory, AdvisoryBody, ProducerDestination};

/// Reports the events of one connection: its start and end, and the destinations that it sends to.
pub struct ConnectionAdvisories {
    advisories: Arc<Advisories>,
    session: Arc<Session>,
    is_started: bool,
    destinations: HashSet<ProducerDestination>,
}

impl ConnectionAdvisories {
    /// Creates the reports of a connection that has not completed its CONNECT.
    pub fn new(advisories: &Arc<Advisories>, session: &Arc<Session>) -> Self {
        Self {
            advisories: Arc::clone(advisories),
            session: Arc::clone(session),
            is_started: false,
            destinations: HashSet::new(),
        }
    }

    /// Reports that the connection has completed its CONNECT.
    pub fn report_start(&mut self) {
        self.is_started = true;
        self.publish_connection_event("connection-started");
    }

    /// Reports a destination that the connection sends to. Of many destinations only the first are reported.
    pub fn report_destination(&mut self, kind: DestinationKind, name: &TopicName) {
        if self.destinations.len() == MAX_REPORTED_DESTINATIONS {
            return;
        }
        let destination = ProducerDestination {
            kind,
            name: name.clone(),
        };
        if self.destinations.insert(destination.clone()) {
            let count = self.advisories.producer_added(&destination);
            self.publish_producer_event("producer-added", &destination, count);
        }
    }

    /// Reports the end of the connection. Further calls have no effect.
    pub fn report_end(&mut self) {
        for destination in std::mem::take(&mut self.destinations) {
            let count = self.advisories.producer_removed(&destination);
            self.publish_producer_event("producer-removed", &destination, count);
        }
        if std::mem::take(&mut self.is_started) {
            self.publish_connection_event("connection-stopped");
        }
    }

    fn publish_connection_event(&self, event: &'static str) {
        let advisory = Advisory {
            subject: "Connection",
            about: None,
            body: AdvisoryBody {
                event,
                connection: Some(self.session.name()),
                ..AdvisoryBody::default()
            },
        };
        self.advisories.publish_one(advisory, &self.session);
    }

    fn publish_producer_event(
        &self,
        event: &'static str,
        ProducerDestination { kind, name }: &ProducerDestination,
        count: usize,
    ) {
        let body = AdvisoryBody {
            event,
            connection: Some(self.session.name()),
            producer_count: Some(count),
            ..AdvisoryBody::default()
        };
        let advisory = Advisory::about("Producer", *kind, name.as_str(), body);
        self.advisories.publish_one(advisory, &self.session);
    }
}

impl Drop for ConnectionAdvisories {
    fn drop(&mut self) {
        self.report_end();
    }
}

/// Maximum number of destinations remembered for one connection.
const MAX_REPORTED_DESTINATIONS: usize = 100;
