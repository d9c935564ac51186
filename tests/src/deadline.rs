//! The waiting functions of all tests.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// The deadline is generous: it only determines how long a failing test takes.
pub const DEADLINE: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(20);

/// Waits for a future that must finish.
///
/// # Panics
///
/// If the future has not finished by the deadline.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("still waiting for {what} after {DEADLINE:?}"),
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
    loop {
        let answer = ask().await;
        if is_met(&answer) {
            return answer;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "still waiting for {what} after {DEADLINE:?}; last seen: {answer:?}"
        );
        sleep(POLL).await;
    }
}
