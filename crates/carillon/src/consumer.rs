//! Consumers of queues.

use std::{
    fmt,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use broker::{Acknowledgement, Consume, DeliveryId, Outcome, Session, Settlement, Source, Verdict};
use carillon_server::embedding::{durable, unix_ms};
use futures_util::{Stream, StreamExt};

use crate::{
    error::Error,
    inbox::Inbox,
    message::Message,
    running::{Core, topic_filter},
};

/// A consumer of queues: a stream of deliveries, each of which waits for a decision.
///
/// At most [`MAX_IN_FLIGHT`](Self::MAX_IN_FLIGHT) deliveries wait for a decision; until then the consumer gets no more. The
/// stream ends when the server stops. When the consumer is dropped, its undecided messages go to other consumers.
#[must_use = "dropping a consumer ends it"]
pub struct Consumer {
    inbox: Inbox,
}

/// A message of a queue that waits for the consumer's decision. It gives access to its [`Message`].
///
/// A delivery that is dropped without a decision, for example by an error, returns to its queue, and is delivered again. After
/// too many deliveries (`--max-redeliveries`) the message goes to the dead letter queue.
#[must_use = "dropping a delivery returns its message to the queue"]
pub struct Delivery {
    message: Message,
    count: u32,
    id: DeliveryId,
    session: Arc<Session>,
    core: Arc<Core>,
    is_decided: bool,
}

impl Consumer {
    /// Maximum number of deliveries to one consumer that wait for a decision.
    pub const MAX_IN_FLIGHT: usize = 100;

    pub(crate) fn new(core: &Arc<Core>, queues: &str) -> Result<Self, Error> {
        let filter = topic_filter(queues)?;
        let inbox = Inbox::new(core, |session, outcome| {
            let consume = Consume {
                source: Source::Queues(filter),
                acknowledgement: Acknowledgement::Individual,
                prefetch: Self::MAX_IN_FLIGHT,
                exclusive: false,
                selector: None,
                tag: &[],
            };
            core.server.broker.consume(session, consume, outcome)
        })?;
        Ok(Self { inbox })
    }

    /// Waits for the next delivery. Returns `None` when the server stops. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Delivery> {
        StreamExt::next(self).await
    }
}

impl Stream for Consumer {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let inbox = &mut self.get_mut().inbox;
        let taken = inbox.poll_next(context, |message, delivery| {
            (message, delivery.count, delivery.id)
        });
        taken.map(|taken| {
            let (message, count, id) = taken?;
            Some(Delivery {
                message,
                count,
                // A consumer with acknowledgements gives each delivery an id.
                id: id?,
                session: Arc::clone(inbox.session()),
                core: Arc::clone(&inbox.core),
                is_decided: false,
            })
        })
    }
}

impl Delivery {
    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Returns how often the queue has delivered the message, including this delivery: 1 for the first.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Acknowledges the message: the queue removes it. With a data directory, this waits until the removal is on disk.
    ///
    /// # Errors
    ///
    /// [`Error::NotInFlight`] if the consumer has ended, [`Error::Stopped`] if the server has.
    pub async fn acknowledge(self) -> Result<(), Error> {
        self.settle(Verdict::Accept).await
    }

    /// Rejects the message: it goes to the dead letter queue.
    ///
    /// # Errors
    ///
    /// As for [`acknowledge`](Self::acknowledge).
    pub async fn reject(self) -> Result<(), Error> {
        self.settle(Verdict::Reject).await
    }

    async fn settle(mut self, verdict: Verdict) -> Result<(), Error> {
        self.decide(verdict)?;
        let broker = &self.core.server.broker;
        let recorded = durable(broker, broker.newest_ticket());
        self.core.unless_stopped(recorded).await
    }

    fn decide(&mut self, verdict: Verdict) -> Result<(), Error> {
        self.is_decided = true;
        let _runtime = self.core.runtime.enter();
        let server = &self.core.server;
        let settlement = Settlement {
            delivery: self.id,
            verdict,
        };
        let mut outcome = Outcome::default();
        let settled = server
            .broker
            .settle(&self.session, settlement, unix_ms(), &mut outcome);
        server.carry_out(&mut outcome);
        settled.map_err(|_| match server.is_stopping() {
            true => Error::Stopped,
            false => Error::NotInFlight,
        })
    }
}

impl Deref for Delivery {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.is_decided {
            // If the consumer has ended, the message has returned already.
            let _ = self.decide(Verdict::Return);
        }
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Consumer");
        debug
            .field("session", self.inbox.session().name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Delivery");
        debug
            .field("message", &self.message)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
