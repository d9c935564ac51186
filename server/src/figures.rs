//! The broker's figures for people and pages, with rates over the last second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use app::{Figures, TopicFigures};
use broker::{Broker, Pool, TopicFilter, TopicName};

use crate::{clock::Clock, storage::DiskStatus};

/// The broker's figures, with rates from the last tick, which happens once a second.
pub struct FiguresWithRates {
    broker: Arc<Broker>,
    disk: Option<DiskStatus>,
    clock: Clock,
    last: Mutex<Tick>,
}

#[derive(Default)]
struct Tick {
    at_ms: u64,
    published: u64,
    delivered: u64,
    sequences: HashMap<TopicName, u64>,
    rates: Rates,
}

/// Per second, over the last complete tick.
#[derive(Default)]
struct Rates {
    published: f64,
    delivered: f64,
    topics: HashMap<TopicName, f64>,
}

impl FiguresWithRates {
    /// Creates the figures of a broker, with rates of 0.
    pub fn new(broker: &Arc<Broker>, disk: Option<DiskStatus>, clock: Clock) -> Self {
        Self {
            broker: Arc::clone(broker),
            disk,
            clock,
            last: Mutex::default(),
        }
    }

    /// Returns the figures now, with the rates of the last tick.
    pub fn current(&self) -> Figures {
        self.with_rates(self.broker.figures(), self.listed_topics())
    }

    fn with_rates(&self, figures: broker::Figures, listed: Vec<broker::TopicFigures>) -> Figures {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let topic_list = listed.into_iter().map(|topic| TopicFigures {
            per_second: last.rates.topics.get(&topic.name).copied().unwrap_or(0.0),
            name: topic.name.to_string(),
            sequence: topic.sequence,
            subscriptions: topic.subscriptions as u64,
        });
        Figures {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.clock.uptime().as_secs(),
            connections: (figures.sessions as u64).saturating_sub(self.detached_sessions()),
            subscriptions: figures.subscriptions as u64,
            topics: figures.topics as u64,
            published: figures.published,
            delivered: figures.delivered,
            dropped: figures.dropped,
            refused: figures.refused,
            published_per_second: last.rates.published,
            delivered_per_second: last.rates.delivered,
            bytes_held: figures.held_bytes,
            disk: self.disk.as_ref().map(DiskStatus::figures),
            topic_list: topic_list.collect(),
        }
    }

    /// Computes the rates since the last tick, and returns the figures now.
    pub fn tick(&self) -> Figures {
        let figures = self.broker.figures();
        let listed = self.listed_topics();
        let now_ms = self.clock.now_ms();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = now_ms.saturating_sub(last.at_ms).max(1) as f64 / 1_000.0;
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let topics = listed.iter().map(|topic| {
            // A topic that was not listed before has no rate yet.
            let before = last.sequences.get(&topic.name).copied();
            let before = before.unwrap_or(topic.sequence);
            (topic.name.clone(), rate(topic.sequence, before))
        });
        let rates = Rates {
            published: rate(figures.published, last.published),
            delivered: rate(figures.delivered, last.delivered),
            topics: topics.collect(),
        };
        *last = Tick {
            at_ms: now_ms,
            published: figures.published,
            delivered: figures.delivered,
            sequences: listed
                .iter()
                .map(|topic| (topic.name.clone(), topic.sequence))
                .collect(),
            rates,
        };
        drop(last);
        self.with_rates(figures, listed)
    }

    fn listed_topics(&self) -> Vec<broker::TopicFigures> {
        match TopicFilter::new(">") {
            Ok(all) => self.broker.topics(&all, MAX_LISTED_TOPICS),
            Err(_) => Vec::new(),
        }
    }

    /// Returns the number of sessions without a connection. Each is charged to the pool.
    pub fn detached_sessions(&self) -> u64 {
        self.broker.pools().taken(Pool::Sessions)
    }
}

/// Maximum number of topics in the figures; their count includes all.
/// The topic of the figures.
pub const TOPIC: &str = "$SYS.figures";
const MAX_LISTED_TOPICS: usize = 50;
