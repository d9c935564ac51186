//! Periodic work, once a second: removes expired messages from the queues, idle topics and idle cursors, ends expired
//! sessions of MQTT, ends connections with expired credentials and traces whose time is over, and publishes figures that have
//! a subscriber. Once a minute it samples the queues for their history.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use app::Figures;
use broker::{Outcome, TopicFilter, TopicName};
use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tokio_stream::{StreamExt, wrappers::IntervalStream};

use crate::{
    clock, figures, mqtt::MqttHandler, queue_history, queues, server::Server, server_publication,
    system_topics,
};

/// Runs as long as the server.
pub async fn run_housekeeping(server: Arc<Server>, mqtt: MqttHandler) {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ticks = IntervalStream::new(interval);
    let started = Instant::now();
    while ticks.next().await.is_some() {
        expire(&server);
        let uptime_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        server.broker.tidy(uptime_ms);
        mqtt.run_due_work();
        server.access.end_expired();
        server.traces.remove_ended(Instant::now());
        server.access.tick();
        if server.queue_history.is_due(uptime_ms) {
            sample_queues(&server);
        }
        let current = server.figures.tick();
        publish_system_topics(&server, &current);
        publish_if_subscribed(&server, figures::TOPIC, || current);
        publish_if_subscribed(&server, QUEUES_TOPIC, || queues::all(&server.broker));
    }
}

fn expire(server: &Server) {
    let mut outcome = Outcome::default();
    server.broker.expire(clock::unix_ms(), &mut outcome);
    server.carry_out(&mut outcome);
}

/// Adds a point to the history of the queues.
fn sample_queues(server: &Server) {
    if let Ok(all) = TopicFilter::new(">") {
        let (queues, _) = server.broker.queues(&all, queue_history::MAX_QUEUES);
        server.queue_history.sample(&queues, clock::unix_ms());
    }
}

fn publish_system_topics(server: &Server, figures: &Figures) {
    let detached_sessions = server.figures.detached_sessions();
    let broker = &server.broker;
    let mut batch = system_topics::publications(figures, detached_sessions, |topic| {
        broker.has_subscribers(topic)
    });
    if batch.is_empty() {
        return;
    }
    let mut outcome = Outcome::default();
    broker.publish_reserved(&mut batch, &mut outcome);
    server.carry_out(&mut outcome);
}

fn publish_if_subscribed<T: Serialize>(server: &Server, topic: &str, body: impl FnOnce() -> T) {
    let Ok(topic) = TopicName::new(topic) else {
        return;
    };
    if !server.broker.has_subscribers(&topic) {
        return;
    }
    let publication = server_publication::publication(topic, &body(), Box::default());
    let mut outcome = Outcome::default();
    server
        .broker
        .publish_reserved(&mut vec![publication], &mut outcome);
    server.carry_out(&mut outcome);
}

const QUEUES_TOPIC: &str = "$SYS.queues";
