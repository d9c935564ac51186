//! One connection after the other: what `--reconnect` means.

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

/// What is done on a connection, and goes on on the next one.
pub trait Work {
    type Machine: Machine;

    /// Another connection.
    async fn open(&mut self) -> Result<Connection<Self::Machine>, ConnectError>;

    /// Does it for as long as the connection lasts.
    async fn run(
        &mut self,
        connection: &mut Connection<Self::Machine>,
        stop: &mut Stop,
    ) -> Result<Ending, Failure>;

    /// Takes leave of the server.
    async fn close(&mut self, connection: Connection<Self::Machine>);

    /// The connection does not serve any more; there may be another one.
    async fn lost(&mut self, _connection: Connection<Self::Machine>) {}

    /// What became of its subscriptions.
    fn state(&self) -> &SubscriptionState;
}

/// Whether the subscription stands, of which each connection has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct SubscriptionState {
    /// That of the latest connection stood.
    is_confirmed: bool,
    /// That of an earlier connection stood.
    was_lost: bool,
}

impl SubscriptionState {
    /// Another connection subscribes.
    pub fn start_attempt(&mut self) {
        self.was_lost |= std::mem::replace(&mut self.is_confirmed, false);
    }

    /// The server has confirmed the subscription.
    pub const fn confirm(&mut self) {
        self.is_confirmed = true;
    }

    pub const fn was_lost(&self) -> bool {
        self.was_lost
    }

    /// What an ERROR of the server's means. What stood once was refused for the moment, such as when the lost
    /// connection still has it.
    pub fn refusal(&self, source: &impl fmt::Display, reason: String) -> Failure {
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

/// What happens when a connection is lost.
#[derive(Clone, Copy, Debug)]
pub struct ReconnectOptions {
    pub reconnect: bool,
    pub quiet: bool,
}

/// Why work ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything asked for was done.
    Complete,
    /// Standard output is closed.
    OutputClosed,
    Stopped(StopCause),
}

/// Why a connection does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the subscription to {destination} was refused: {reason}")]
    Refused { destination: String, reason: String },
    #[error("the server ended the connection: {reason}")]
    Ended { reason: String },
    /// It would do so again.
    #[error("the server ended the connection: {reason}")]
    EndedPermanently { reason: String },
    #[error("the connection was lost: {0}")]
    Lost(#[from] Lost),
    /// It is not the connection that fails.
    #[error("{0}")]
    Local(String),
}

impl Failure {
    /// Whether another connection may do better.
    pub fn is_transient(&self) -> bool {
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

/// Does the work, on as many connections as it takes.
pub async fn follow(
    options: ReconnectOptions,
    work: &mut impl Work,
    stop: &mut Stop,
) -> Result<Ending, Failure> {
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
            cause = stop.wait() => return Ok(Ending::Stopped(cause)),
        }
    }
}

/// One connection from its beginning to its end.
async fn run_once(work: &mut impl Work, stop: &mut Stop) -> Result<Ending, Failure> {
    let attempt = tokio::select! {
        attempt = work.open() => attempt,
        cause = stop.wait() => return Ok(Ending::Stopped(cause)),
    };
    let mut connection = attempt?;
    let outcome = work.run(&mut connection, stop).await;
    match outcome {
        Ok(_) => work.close(connection).await,
        Err(_) => work.lost(connection).await,
    }
    outcome
}
