//! Subscriptions to topics.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use broker::{MessageId, Retained, Subscribe};
use futures_util::{Stream, StreamExt};

use crate::{
    error::Error,
    inbox::Inbox,
    message::Message,
    running::{Core, topic_filter},
};

/// The place at which a subscription starts in each topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// With messages published from now on.
    #[default]
    New,
    /// With the retained message, as in MQTT, and then as [`New`](Self::New).
    Retained,
    /// With the last message, retained or not.
    Last,
    /// With all messages that the topic keeps.
    History,
    /// After the message with this id: [`Receipt::id`](crate::Receipt::id), [`Message::id`], or an id from another protocol.
    After(String),
}

/// A subscription to the topics of a filter: a stream of their messages, in the one order of the server.
///
/// A subscription that is not read lags. Beyond the limits of the server (`--lag`, `--lag-bytes`) the oldest messages are
/// skipped, and [`Message::missed`] reports them; policies of topics can choose another rule. The stream ends when the server
/// stops. Dropping the subscription ends it.
///
/// It is a [`Stream`], and [`next`](Self::next) reads it without a crate for streams.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    inbox: Inbox,
}

impl Subscription {
    pub(crate) fn new(core: &Arc<Core>, filter: &str, start: &Start) -> Result<Self, Error> {
        let filter = topic_filter(filter)?;
        let retained = match start {
            Start::Retained => Retained::First,
            _ => Retained::Omitted,
        };
        let start = match start {
            Start::New | Start::Retained => broker::Start::New,
            Start::Last => broker::Start::Last,
            Start::History => broker::Start::AfterPosition(0),
            Start::After(id) => {
                let id: MessageId = id
                    .parse()
                    .map_err(|error| Error::InvalidName(format!("{id:?} is {error}")))?;
                core.server.broker.start_after(id)
            }
        };
        let inbox = Inbox::new(core, |session, outcome| {
            let subscribe = Subscribe {
                start,
                retained,
                overflow: core.server.options.overflow,
                ..Subscribe::to(&filter)
            };
            core.server.broker.subscribe(session, subscribe, outcome)
        })?;
        Ok(Self { inbox })
    }

    /// Waits for the next message. Returns `None` when the server stops. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Message> {
        StreamExt::next(self).await
    }
}

impl Stream for Subscription {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let inbox = &mut self.get_mut().inbox;
        inbox.poll_next(context, |message, _| message)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Subscription");
        debug
            .field("session", self.inbox.session().name())
            .finish_non_exhaustive()
    }
}
