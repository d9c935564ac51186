//! The subscriptions of a session as an operator sees them: how far each lags, and what it has skipped.

use std::sync::Arc;

use crate::{
    broker::Broker,
    memory::limits::NAMES,
    message::entry::DestinationKind,
    name::TopicFilter,
    queue::{Consumer, ConsumerFigures},
    session::Session,
    session::subscription::{Skipped, Subscription, SubscriptionId},
    sync::lock_state,
    topic::cursor::Overflow,
};

/// A subscription with its figures.
#[derive(Debug, Clone)]
pub struct SubscriptionFigures {
    /// Its id.
    pub id: SubscriptionId,
    /// The kind of its destinations.
    pub kind: DestinationKind,
    /// Its destinations.
    pub filter: TopicFilter,
    /// The condition on messages.
    pub selector: Option<String>,
    /// Messages that it has not got; `None` if it shares them with others.
    pub lag: Option<u64>,
    /// True if it reads so many topics that some are not included in the lag.
    pub is_lag_cut: bool,
    /// Messages that it has skipped.
    pub skipped: Skipped,
    /// The reading of messages: with or without acknowledgements.
    pub reading: SubscriptionReading,
}

/// The way in which a subscription reads messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionReading {
    /// From the logs of topics, with this rule for too much lag.
    Logs(Overflow),
    /// From queues, with acknowledgements or not.
    Queues {
        /// Maximum number of messages that it may have.
        prefetch: usize,
        /// Messages that it has and has not settled.
        held: u64,
        /// The time at which the oldest of them was delivered, in Unix milliseconds; `None` if none was.
        oldest_held_ms: Option<u64>,
    },
}

/// The lag of a subscription.
#[derive(Debug, Clone, Copy, Default)]
struct SummedLag {
    entries: u64,
    is_cut: bool,
}

/// A subscription of a session.
enum Listed {
    ToTopics(Arc<Subscription>),
    Consumer(Arc<Consumer>),
}

impl Broker {
    /// Returns the subscriptions of a session with greater numbers than `after`, in their order; at most `most`. Each is
    /// examined alone, so the list is not a snapshot.
    #[must_use]
    pub fn session_subscriptions(
        &self,
        session: &Session,
        after: u64,
        most: usize,
    ) -> Vec<SubscriptionFigures> {
        let mut listed: Vec<Listed> = match lock_state(&self.state).sessions.get(&session.id) {
            Some(attached) => attached
                .subscriptions
                .iter()
                .map(|one| Listed::ToTopics(Arc::clone(one)))
                .collect(),
            None => return Vec::new(),
        };
        listed.extend(session.consumers().into_iter().map(Listed::Consumer));
        listed.retain(|one| one.id().number() > after);
        listed.sort_unstable_by_key(Listed::id);
        listed.truncate(most);
        let figures = listed.iter().map(|one| match one {
            Listed::ToTopics(subscription) => self.subscription_figures(subscription),
            Listed::Consumer(consumer) => consumer_figures(consumer),
        });
        figures.collect()
    }

    /// Returns the messages that the first subscriptions of a session to topics have not read, at most `most` subscriptions.
    #[must_use]
    pub fn session_lag(&self, session: &Session, most: usize) -> u64 {
        let state = lock_state(&self.state);
        let Some(attached) = state.sessions.get(&session.id) else {
            return 0;
        };
        let subscriptions: Vec<_> = attached.subscriptions.iter().take(most).cloned().collect();
        drop(state);
        let lags = subscriptions.iter().map(|one| self.lag_of(one).entries);
        lags.sum()
    }

    fn subscription_figures(&self, subscription: &Arc<Subscription>) -> SubscriptionFigures {
        let lag = self.lag_of(subscription);
        SubscriptionFigures {
            id: subscription.id,
            kind: DestinationKind::Topic,
            filter: subscription.filter.clone(),
            selector: subscription.selector.as_ref().map(ToString::to_string),
            lag: Some(lag.entries),
            is_lag_cut: lag.is_cut,
            skipped: subscription.skipped(),
            reading: SubscriptionReading::Logs(subscription.overflow),
        }
    }

    fn lag_of(&self, subscription: &Subscription) -> SummedLag {
        if let Some(name) = subscription.filter.exact() {
            let state = lock_state(&self.state);
            let topic = state.topics.find(name.as_str());
            let cursor = topic.and_then(|topic| topic.cursor(subscription.id));
            return SummedLag {
                entries: cursor.map_or(0, |cursor| cursor.lag_entries()),
                is_cut: false,
            };
        }
        let mut lag = SummedLag::default();
        for step in 0..CURSOR_STEPS {
            let cursors = subscription.cursors_from(step * NAMES, NAMES);
            let there = cursors.iter().filter_map(std::sync::Weak::upgrade);
            lag.entries += there.map(|cursor| cursor.lag_entries()).sum::<u64>();
            if cursors.len() < NAMES {
                return lag;
            }
        }
        lag.is_cut = true;
        lag
    }
}

impl Listed {
    fn id(&self) -> SubscriptionId {
        match self {
            Self::ToTopics(subscription) => subscription.id,
            Self::Consumer(consumer) => consumer.id,
        }
    }
}

fn consumer_figures(consumer: &Consumer) -> SubscriptionFigures {
    let ConsumerFigures {
        id,
        filter,
        selector,
        prefetch,
        held,
        oldest_held_ms,
        ..
    } = consumer.figures();
    let own = consumer.own_queue();
    SubscriptionFigures {
        id,
        kind: consumer.kind,
        filter,
        selector,
        lag: own.as_ref().map(|queue| queue.waiting()),
        is_lag_cut: false,
        skipped: Skipped {
            queue_full: own.map_or(0, |queue| queue.discarded()),
            ..Skipped::default()
        },
        reading: SubscriptionReading::Queues {
            prefetch,
            held,
            oldest_held_ms,
        },
    }
}

/// Cursors of one subscription that are examined, in steps of [`NAMES`].
const CURSOR_STEPS: usize = 10;
