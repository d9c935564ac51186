//! The task that delivers scheduled messages when their time comes.
//!
//! The times are those of the wall clock, in Unix milliseconds. The task waits on the monotonic clock, so it compares the two
//! at least once a second: after the wall clock was set forward, the messages that are due then are delivered within a second;
//! after it was set back, messages wait until it shows their time. Without scheduled messages the task never runs.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use broker::{DueWork, Outcome};
use tokio::{
    task::yield_now,
    time::{Instant, timeout},
};

use crate::{
    clock,
    context::{durable, unblocked},
    server::Server,
};

/// Runs as long as the server accepts publications.
pub async fn run_scheduler(server: Arc<Server>) {
    loop {
        if !deliver_all_due(&server).await {
            return;
        }
        let next_ms = next_due(&server).await;
        let wait = Duration::from_millis(next_ms.saturating_sub(clock::unix_ms()));
        let earlier = poll_fn(|context| server.broker.poll_alarm(next_ms, context.waker()));
        // Ends with the time, or when there is an earlier one.
        let _ = timeout(wait.min(LONGEST_WAIT), earlier).await;
    }
}

/// Delivers everything that is due. Returns false if the server stops.
async fn deliver_all_due(server: &Server) -> bool {
    // One wait for all steps: a subscriber that blocks must not delay the messages of others again and again.
    let until = Instant::now() + MAX_BLOCKED_TIME;
    loop {
        let mut outcome = Outcome::default();
        let work = {
            let permit = server.gate.pass();
            let Some(_open) = permit else {
                return false;
            };
            let work = server.broker.deliver_due(clock::unix_ms(), &mut outcome);
            server.carry_out(&mut outcome);
            work
        };
        if outcome.is_journal_full {
            durable(&server.broker, outcome.owed).await;
        }
        unblocked(&server.broker, &mut outcome.blocked, until).await;
        match work {
            DueWork::More => yield_now().await,
            DueWork::Done => return true,
        }
    }
}

/// Waits until something is scheduled. Returns its time.
async fn next_due(server: &Server) -> u64 {
    poll_fn(|context| -> Poll<u64> { server.broker.poll_alarm(u64::MAX, context.waker()) }).await
}

/// The longest time without a look at the wall clock.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Maximum time that other scheduled messages wait for subscribers that block.
const MAX_BLOCKED_TIME: Duration = Duration::from_secs(1);
