//! The waiting functions of all tests.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// The deadline is generous: it only determines how long a failing test takes.
pub const DEADLINE: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(20);

/// The deadline of this process in seconds, if it has its own; 0 otherwise.
static OWN_DEADLINE_S: AtomicU64 = AtomicU64::new(0);

/// Sets another deadline, for a program that runs beside others for a long time.
pub fn set_deadline_s(seconds: u64) {
    OWN_DEADLINE_S.store(seconds, Ordering::Relaxed);
}

fn deadline() -> Duration {
    match OWN_DEADLINE_S.load(Ordering::Relaxed) {
        0 => DEADLINE,
        seconds => Duration::from_secs(seconds),
    }
}

/// Waits for a future that must finish.
///
/// # Panics
///
/// If the future has not finished by the deadline.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let deadline = deadline();
    match timeout(deadline, future).await {
        Ok(value) => value,
        Err(_) => panic!("still waiting for {what} after {deadline:?}"),
    }
}

/// Evaluates `ask` repeatedly until its result satisfies the condition, and returns the result.
///
/// # Panics
///
/// If no result satisfies the condition by the deadline; the message contains the last result.
pub async fn eventually<T, Fut>(
    what: &str,
    mut ask: impl FnMut() -> Fut,
    is_met: impl Fn(&T) -> bool,
) -> T
where
    T: Debug,
    Fut: Future<Output = T>,
{
    let start = Instant::now();
    let deadline = deadline();
    loop {
        let answer = ask().await;
        if is_met(&answer) {
            return answer;
        }
        assert!(
            start.elapsed() < deadline,
            "still waiting for {what} after {deadline:?}; last seen: {answer:?}"
        );
        sleep(POLL).await;
    }
}
