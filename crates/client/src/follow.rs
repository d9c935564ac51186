//! The reconnect loop: runs work on one connection after another.

use std::fmt;

use tokio::time::{Instant, sleep_until};

use super::{
    backoff::Backoff,
    connect::ConnectError,
    connection::Connection,
    lost::Lost,
    machine::Machine,
    note,
    stop::{Stop, StopCause},
};

/// Work that runs on a connection and continues on the next one if the connection is lost.
pub(crate) trait Work {
    type Machine: Machine;

    /// Opens a new connection.
    async fn open(&mut self) -> Result<Connection<Self::Machine>, ConnectError>;

    /// Runs the work until it ends or the connection fails.
    async fn run(
        &mut self,
        connection: &mut Connection<Self::Machine>,
        stop: &mut Stop,
    ) -> Result<FollowEnd, Failure>;

    /// Closes the connection after the work has ended.
    async fn close(&mut self, connection: Connection<Self::Machine>);

    /// Gives up a failed connection. A new connection may follow.
    async fn lost(&mut self, _connection: Connection<Self::Machine>) {}

    /// Returns the state of the subscription.
    fn state(&self) -> &SubscriptionState;
}

/// The state of the subscription, of which each connection has one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SubscriptionState {
    /// True if the server confirmed the subscription on the current connection.
    is_confirmed: bool,
    /// True if the server confirmed the subscription on an earlier connection.
    was_lost: bool,
}

impl SubscriptionState {
    /// Records that a new connection subscribes.
    pub(crate) fn start_attempt(&mut self) {
        self.was_lost |= std::mem::replace(&mut self.is_confirmed, false);
    }

    /// Records that the server has confirmed the subscription.
    pub(crate) const fn confirm(&mut self) {
        self.is_confirmed = true;
    }

    pub(crate) const fn was_lost(&self) -> bool {
        self.was_lost
    }

    /// Returns the failure that an ERROR frame stands for. It is transient if the subscription was
    /// confirmed before: for example, the server may still hold the subscription of the lost
    /// connection.
    pub(crate) fn refusal(&self, source: &impl fmt::Display, reason: String) -> Failure {
        let destination = source.to_string();
        match self.is_confirmed || self.was_lost {
            true => Failure::Ended { reason },
            false => Failure::Refused {
                destination,
                reason,
            },
        }
    }
}

/// The options for a lost connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReconnectOptions {
    pub reconnect: bool,
    pub quiet: bool,
}

/// The reason why work ended without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowEnd {
    /// The work is done.
    Complete,
    /// Standard output is closed.
    OutputClosed,
    Stopped(StopCause),
}

/// The reason why a connection could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the subscription to {destination} was refused: {reason}")]
    Refused { destination: String, reason: String },
    #[error("the server ended the connection: {reason}")]
    Ended { reason: String },
    /// The server would end the next connection for the same reason.
    #[error("the server ended the connection: {reason}")]
    EndedPermanently { reason: String },
    #[error("the connection was lost: {0}")]
    Lost(#[from] Lost),
    /// A failure of this program, independent of the connection.
    #[error("{0}")]
    Local(String),
}

impl Failure {
    /// Returns true if another connection may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Refused { .. }
            | Self::EndedPermanently { .. }
            | Self::Lost(Lost::Protocol { .. })
            | Self::Local(_) => false,
            Self::Ended { .. } | Self::Lost(_) => true,
        }
    }
}

/// Runs the work until it ends, on a new connection after each transient failure if `reconnect` is
/// set.
pub(crate) async fn follow(
    options: ReconnectOptions,
    work: &mut impl Work,
    stop: &mut Stop,
) -> Result<FollowEnd, Failure> {
    let mut backoff = Backoff::default();
    loop {
        let failure = match run_once(work, stop).await {
            Ok(ending) => return Ok(ending),
            Err(failure) => failure,
        };
        if !options.reconnect || !failure.is_transient() {
            return Err(failure);
        }
        if work.state().is_confirmed {
            backoff.reset();
        }
        let pause = backoff.pause();
        if !options.quiet {
            note(&format!(
                "{failure}; trying again in {:.1} s",
                pause.as_secs_f64()
            ));
        }
        let next_attempt = Instant::now() + pause;
        tokio::select! {
            () = sleep_until(next_attempt) => {}
            cause = stop.wait() => return Ok(FollowEnd::Stopped(cause)),
        }
    }
}

/// Runs the work on one connection, from opening to closing it.
async fn run_once(work: &mut impl Work, stop: &mut Stop) -> Result<FollowEnd, Failure> {
    let attempt = tokio::select! {
        attempt = work.open() => attempt,
        cause = stop.wait() => return Ok(FollowEnd::Stopped(cause)),
    };
    let mut connection = attempt?;
    let outcome = work.run(&mut connection, stop).await;
    match outcome {
        Ok(_) => work.close(connection).await,
        Err(_) => work.lost(connection).await,
    }
    outcome
}
