//! The broker's figures for people and pages, with rates over the last second.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use app::{Figures, TopicFigures};
use broker::{TopicFilter, TopicName};

use crate::server::Server;

/// The figures of the last tick, for the rates.
#[derive(Default)]
pub struct FiguresBoard {
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

impl FiguresBoard {
    /// Returns the current figures, with the rates of the last tick.
    pub fn current(&self, server: &Server) -> Figures {
        self.with_rates(server, server.broker.figures(), listed_topics(server))
    }

    fn with_rates(
        &self,
        server: &Server,
        figures: broker::Figures,
        listed: Vec<broker::TopicFigures>,
    ) -> Figures {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let topic_list = listed.into_iter().map(|topic| TopicFigures {
            per_second: last.rates.topics.get(&topic.name).copied().unwrap_or(0.0),
            name: topic.name.to_string(),
            sequence: topic.sequence,
            subscriptions: topic.subscriptions as u64,
        });
        Figures {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: server.clock.uptime().as_secs(),
            // The broker also counts detached sessions.
            connections: figures.sessions.saturating_sub(server.mqtt.sessions.away()) as u64,
            subscriptions: figures.subscriptions as u64,
            topics: figures.topics as u64,
            published: figures.published,
            delivered: figures.delivered,
            dropped: figures.dropped,
            refused: figures.refused,
            published_per_second: last.rates.published,
            delivered_per_second: last.rates.delivered,
            bytes_held: figures.held_bytes,
            topic_list: topic_list.collect(),
        }
    }

    /// Computes the rates. Returns the current figures.
    pub fn tick(&self, server: &Server) -> Figures {
        let figures = server.broker.figures();
        let listed = listed_topics(server);
        let now_ms = server.clock.now_ms();
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
        self.with_rates(server, figures, listed)
    }
}

fn listed_topics(server: &Server) -> Vec<broker::TopicFigures> {
    match TopicFilter::new(">") {
        Ok(all) => server.broker.topics(&all, LISTED_TOPICS),
        Err(_) => Vec::new(),
    }
}

/// Maximum number of topics in the figures; their count includes all.
const LISTED_TOPICS: usize = 50;
