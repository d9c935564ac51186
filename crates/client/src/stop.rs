//! The events that stop a client: a signal or its timeout.

use std::{future::pending, io, time::Duration};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

pub(crate) struct Stop {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopCause {
    /// Ctrl-C or SIGTERM.
    Signal,
    Timeout,
}

impl Stop {
    /// Starts to listen for signals, which from then on no longer end the program by themselves.
    pub(crate) fn listen(timeout: Option<Duration>) -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            // A deadline too far away to be represented is never reached.
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
        })
    }

    /// Waits for the next cause to stop. Returns each signal, and the timeout once. Cancel-safe.
    pub(crate) async fn wait(&mut self) -> StopCause {
        let deadline = self.deadline;
        tokio::select! {
            () = self.signal() => StopCause::Signal,
            () = reached(deadline) => {
                self.deadline = None;
                StopCause::Timeout
            }
        }
    }

    #[cfg(unix)]
    async fn signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn signal(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => pending().await,
    }
}
