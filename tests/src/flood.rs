//! Clients that send without a pause, each in a thread of its own.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::background::{Background, Progress};
use crate::deadline::eventually;
use crate::tls::Trust;

mod plan;

pub use plan::{FLOODS, Flood};

/// Where a flood goes.
#[derive(Clone)]
pub struct Target {
    /// Of the HTTP port, which speaks everything.
    pub address: SocketAddr,
    /// There if the port speaks TLS.
    pub trust: Option<Trust>,
}

/// Starts a flood and returns once the server has taken more than sockets hold. The client reads and forgets what the
/// server answers, and connects again when the server closes. It ends when the value is dropped.
pub async fn flood(flood: Flood, target: &Target) -> Background {
    let target = target.clone();
    let flooding = Background::repeat(move |progress| flood_once(flood, target.clone(), progress));
    let bytes = || async { flooding.done() };
    let what = format!("the flood of {}", flood.name);
    eventually(&what, bytes, |bytes| *bytes >= STARTED_BYTES).await;
    flooding
}

/// One connection, to its end. A server that refuses or closes it is a server that defends itself.
async fn flood_once(flood: Flood, target: Target, progress: Progress) {
    let Ok(Ok(socket)) = timeout(PATIENCE, TcpStream::connect(target.address)).await else {
        return sleep(AGAIN).await;
    };
    match &target.trust {
        None => flood_over(socket, flood, &progress).await,
        Some(trust) => match trust.try_over(socket).await {
            Ok(stream) => flood_over(stream, flood, &progress).await,
            Err(_) => sleep(AGAIN).await,
        },
    }
}

async fn flood_over<S: AsyncRead + AsyncWrite>(stream: S, flood: Flood, progress: &Progress) {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let writes = async {
        if writing.write_all(&(flood.opening)()).await.is_err() {
            return;
        }
        let piece = (flood.repeated)();
        while !progress.is_over() {
            // The server may stop reading; that must not keep the test.
            match timeout(PATIENCE, writing.write_all(&piece)).await {
                Ok(Ok(())) => progress.add(piece.len() as u64),
                _ => return,
            }
        }
    };
    let reads = async {
        let mut unwanted = vec![0; 256 << 10];
        while matches!(reading.read(&mut unwanted).await, Ok(count) if count > 0) {}
    };
    tokio::select! {
        () = writes => {}
        () = reads => {}
    }
}

/// More than a server takes without reading.
const STARTED_BYTES: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(10);
