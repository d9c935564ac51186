//! Clients that send without pause, each in its own thread.

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

/// The target of a flood.
#[derive(Clone)]
pub struct Target {
    /// The address of the HTTP port, which accepts all protocols.
    pub address: SocketAddr,
    /// `Some` if the port uses TLS.
    pub trust: Option<Trust>,
}

/// Starts a flood and returns once the server has read more than the socket buffers hold. The client discards the
/// server's responses, and reconnects when the server closes the connection. The flood ends when the value is dropped.
pub async fn flood(flood: Flood, target: &Target) -> Background {
    let target = target.clone();
    let flooding = Background::repeat(move |progress| flood_once(flood, target.clone(), progress));
    let bytes = || async { flooding.done() };
    let what = format!("the flood of {}", flood.name);
    eventually(&what, bytes, |bytes| *bytes >= STARTED_BYTES).await;
    flooding
}

/// Runs one connection to its end. A server may refuse or close it to protect itself.
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
            // The server may stop reading; that must not block the test.
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

/// More than the socket buffers hold.
const STARTED_BYTES: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(10);
