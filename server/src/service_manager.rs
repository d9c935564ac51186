//! Messages to the service manager that has started the server, if there is one (sd_notify(3)).

use std::{sync::Arc, time::Duration};

use broker::TopicName;
use sd_notify::NotifyState;
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::server::Server;

/// The server accepts connections, or has read its configuration again.
pub fn report_ready() {
    report(&[NotifyState::Ready]);
}

/// The server reads its configuration again, or is about to be replaced by another program. [`report_ready`] must follow.
pub fn report_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => report(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager was not notified"),
    }
}

/// The server stops.
pub fn report_stopping() {
    report(&[NotifyState::Stopping]);
}

fn report(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager was not notified");
    }
}

/// Reports at intervals that the server works, if the service manager wants it (`WatchdogSec=`): that tasks run, and that
/// the broker can be locked. The task ends when the result is dropped.
pub fn spawn_watchdog(server: &Arc<Server>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tasks.spawn(report_alive(Arc::clone(server), limit / REPORTS_PER_LIMIT));
    }
    tasks
}

async fn report_alive(server: Arc<Server>, period: Duration) {
    let Ok(topic) = TopicName::new("$SYS.figures") else {
        return;
    };
    let mut interval = tokio::time::interval(period.max(SHORTEST_PERIOD));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        // Blocks if the broker is locked for ever; then no report follows.
        let _ = server.broker.has_subscribers(&topic);
        report(&[NotifyState::Watchdog]);
    }
}

/// Reports within the time after which the service manager ends the server: sd_watchdog_enabled(3) recommends two.
const REPORTS_PER_LIMIT: u32 = 2;
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);
