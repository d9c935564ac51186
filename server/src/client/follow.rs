//! One connection after the other: what `--reconnect` means.

use tokio::time::{Instant, sleep_until};

use super::{
    backoff::Backoff,
    connect::ConnectError,
    connection::{Connection, Lost},
    note,
    options::ConnectionOptions,
    stop::{Stop, StopCause},
};

/// What is done on a connection, and goes on on the next one.
pub trait Work {
    /// Does it for as long as the connection lasts.
    async fn run(
        &mut self,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<Ending, Failure>;

    /// Whether the latest connection had a subscription that stood.
    fn was_confirmed(&self) -> bool;
}

/// How to connect, and what happens when a connection is lost.
#[derive(Clone, Copy, Debug)]
pub struct Connections<'o> {
    pub options: &'o ConnectionOptions,
    pub reconnect: bool,
    pub quiet: bool,
}

/// Why work ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything asked for was done.
    Complete,
    /// Standard output is closed.
    NobodyReads,
    Stopped(StopCause),
}

/// Why a connection does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the subscription to {destination} was refused: {said}")]
    Refused { destination: String, said: String },
    #[error("the server ended the connection: {said}")]
    Ended { said: String },
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
            Self::Refused { .. } | Self::Lost(Lost::Protocol(_)) | Self::Local(_) => false,
            Self::Ended { .. } | Self::Lost(_) => true,
        }
    }
}

/// Does the work, on as many connections as it takes.
pub async fn follow(
    connections: Connections<'_>,
    work: &mut impl Work,
    stop: &mut Stop,
) -> Result<Ending, Failure> {
    let mut backoff = Backoff::default();
    loop {
        let failure = match connection(connections.options, work, stop).await {
            Ok(ending) => return Ok(ending),
            Err(failure) => failure,
        };
        if !connections.reconnect || !failure.is_transient() {
            return Err(failure);
        }
        if work.was_confirmed() {
            backoff.reset();
        }
        let pause = backoff.pause();
        if !connections.quiet {
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
async fn connection(
    options: &ConnectionOptions,
    work: &mut impl Work,
    stop: &mut Stop,
) -> Result<Ending, Failure> {
    let attempt: Result<Connection, ConnectError> = tokio::select! {
        attempt = Connection::open(options) => attempt,
        cause = stop.wait() => return Ok(Ending::Stopped(cause)),
    };
    let mut connection = attempt?;
    let ending = work.run(&mut connection, stop).await?;
    connection.close().await;
    Ok(ending)
}
