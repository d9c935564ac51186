//! The delay of the runtime: a timer that fires late shows that tasks ran for long without a pause, or that the machine
//! had no processor free.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::Measurements;

/// Measures as long as the server runs.
pub async fn measure_event_loop(measurements: Arc<Measurements>) {
    loop {
        let due = Instant::now() + PERIOD;
        sleep_until(due).await;
        measurements
            .event_loop_delay
            .observe(Instant::now().saturating_duration_since(due));
    }
}

/// Four timers a second are not noticed on an idle machine.
const PERIOD: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_timer_that_fires_late_is_measured() {
        let measurements = Arc::<Measurements>::default();
        let measuring = tokio::spawn(measure_event_loop(Arc::clone(&measurements)));
        tokio::task::yield_now().await;
        // The test has one thread, so a task that does not return delays all timers.
        let started = Instant::now();
        while started.elapsed() < PERIOD + LATE {
            std::hint::spin_loop();
        }
        while measurements.event_loop_delay.figures().count == 0 {
            tokio::task::yield_now().await;
        }
        measuring.abort();
        let figures = measurements.event_loop_delay.figures();
        assert!(figures.sum_seconds >= LATE.as_secs_f64(), "{figures:?}");
    }

    const LATE: Duration = Duration::from_millis(50);
}
