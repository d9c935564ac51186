//! Wakes the generator when messages are due. A wait for sockets alone has a resolution of only one
//! millisecond.

use std::{
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use mio::Waker;

/// A thread that wakes the generator periodically, until the value is dropped.
pub struct Ticker {
    _stop: SyncSender<()>,
}

impl Ticker {
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub fn start(period: Duration, waker: Arc<Waker>) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let period = period.max(MIN_PERIOD);
        let tick = move || {
            let mut next = Instant::now();
            while let Err(RecvTimeoutError::Timeout) =
                stopped.recv_timeout(next.saturating_duration_since(Instant::now()))
            {
                // If a wake-up fails, the generator continues after its time-out, a little later.
                let _ = waker.wake();
                next = (next + period).max(Instant::now());
            }
        };
        thread::Builder::new().name("ticker".into()).spawn(tick)?;
        Ok(Self { _stop: stop })
    }
}

/// Minimum period. At shorter periods a wake-up would cost more than the messages; several are sent
/// per tick instead.
const MIN_PERIOD: Duration = Duration::from_micros(250);
