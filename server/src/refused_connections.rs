//! Connections beyond `--max-connections`, or beyond the share of their address in it: a few at a time are answered, and logged at a limited rate.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{task::AbortHandle, time::timeout};

use crate::{fairness, log_rate::LogRate, net::SocketPeer};

/// The reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionRefusal {
    /// All connections are taken.
    Limit,
    /// The address of the peer has its share of them.
    Share,
}

/// Shared by all ports.
#[derive(Default)]
pub struct RefusedConnections {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The oldest first.
    running: VecDeque<AbortHandle>,
    log: RefusalLog,
}

impl RefusedConnections {
    /// Runs `refusal`, which answers the peer. At the limit the oldest refusal is aborted, so that a new connection,
    /// such as a health check, is answered even if others stay open.
    pub fn start(
        &self,
        peer: SocketPeer,
        reason: ConnectionRefusal,
        refusal: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = fairness::spawn(async {
            // The connection is closed in either case.
            let _ = timeout(MAX_REFUSAL_TIME, refusal).await;
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running.retain(|task| !task.is_finished());
        if state.running.len() >= MAX_RUNNING
            && let Some(oldest) = state.running.pop_front()
        {
            oldest.abort();
        }
        state.running.push_back(task.abort_handle());
        let count_to_log = state.log.count_refusal(Instant::now());
        drop(state);
        if let Some(count) = count_to_log {
            let reason = match reason {
                ConnectionRefusal::Limit => "the limit --max-connections is reached",
                ConnectionRefusal::Share => "this address has its share of --max-connections",
            };
            tracing::warn!(%peer, count, "connections refused: {reason}");
        }
    }
}

/// The number of refusals since the last line.
struct RefusalLog(LogRate);

impl Default for RefusalLog {
    fn default() -> Self {
        Self(LogRate::new(LOG_INTERVAL, 1))
    }
}

impl RefusalLog {
    /// Counts one refusal. Returns the number to log if a line is due.
    fn count_refusal(&mut self, now: Instant) -> Option<u64> {
        let unlogged = self.0.count(now)?;
        Some(unlogged + 1)
    }
}

/// Refused connections that are open at a time.
const MAX_RUNNING: usize = 64;
/// Maximum duration of one refusal.
const MAX_REFUSAL_TIME: Duration = Duration::from_secs(2);
const LOG_INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_logged_at_once_and_then_at_intervals_with_their_number() {
        let now = Instant::now();
        let mut log = RefusalLog::default();
        assert_eq!(log.count_refusal(now), Some(1));
        let soon = now + LOG_INTERVAL / 2;
        assert_eq!(
            [log.count_refusal(soon), log.count_refusal(soon)],
            [None, None]
        );
        assert_eq!(log.count_refusal(now + LOG_INTERVAL), Some(3));
    }

    #[tokio::test]
    async fn the_oldest_of_many_open_refusals_are_aborted() {
        let refusals = RefusedConnections::default();
        let peer = SocketPeer::Unix { uid: 0, pid: None };
        let mut receivers = Vec::new();
        for _ in 0..=MAX_RUNNING {
            let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
            refusals.start(peer, ConnectionRefusal::Limit, async move {
                let _sender = sender;
                std::future::pending::<()>().await;
            });
            receivers.push(receiver);
        }
        // The first has been aborted, so its sender is dropped; the others still run.
        assert!(receivers.remove(0).await.is_err());
        assert!(
            receivers
                .iter_mut()
                .all(|one| one.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty))
        );
    }
}
