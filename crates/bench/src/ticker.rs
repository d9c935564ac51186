//! Wakes the generator when messages are due: what waits for sockets can only wait for whole milliseconds.

use std::{
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use mio::Waker;

/// Ticks until it is dropped.
pub struct Ticker {
    _stop: SyncSender<()>,
}

impl Ticker {
    /// # Errors
    ///
    /// The system has no thread left.
    pub fn start(period: Duration, waker: Arc<Waker>) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let period = period.max(MIN_PERIOD);
        let tick = move || {
            let mut next = Instant::now();
            while let Err(RecvTimeoutError::Timeout) =
                stopped.recv_timeout(next.saturating_duration_since(Instant::now()))
            {
                // Without it the generator comes back by itself, a little later.
                let _ = waker.wake();
                next = (next + period).max(Instant::now());
            }
        };
        thread::Builder::new().name("ticker".into()).spawn(tick)?;
        Ok(Self { _stop: stop })
    }
}

/// Below it messages are sent in twos and threes, and a wake-up costs more than they do.
const MIN_PERIOD: Duration = Duration::from_micros(250);
