//! What the device and the system allow at most: the rate of writes with a sync, and the rate of
//! requests that are answered after one.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::bench::folder::Folder;

/// A loop of writes of equal size, each followed by `fdatasync`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SyncRate {
    /// Messages in each write.
    pub messages: usize,
    pub syncs_per_second: f64,
}

impl SyncRate {
    pub fn messages_per_second(self) -> f64 {
        self.syncs_per_second * self.messages as f64
    }
}

/// Writes groups of this number of messages for some time, each with a sync.
pub fn sync_rate(messages: usize, seconds: f64) -> Result<SyncRate> {
    let log = Log::new()?;
    let group = vec![b'x'; GROUP_HEADER + messages * MESSAGE_BYTES];
    let (start, duration) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut syncs = 0_u32;
    while start.elapsed() < duration {
        log.append(syncs as usize, &group)?;
        syncs += 1;
    }
    Ok(SyncRate {
        messages,
        syncs_per_second: f64::from(syncs) / start.elapsed().as_secs_f64(),
    })
}

/// Work of the answering side of [`round_trips`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// None.
    AtOnce,
    /// A write of one message, and a sync.
    AfterSync,
}

/// Returns the number of requests per second that a client gets answered over loopback, one at a
/// time, by a server without any protocol: one blocking thread.
pub fn round_trips(answer: Answer, seconds: f64) -> Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || serve(&listener, answer));
    let mut client = TcpStream::connect(address)?;
    client.set_nodelay(true)?;
    let request = [b'x'; MESSAGE_BYTES];
    let mut reply = [0; REPLY_BYTES];
    let (start, duration) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut count = 0_u32;
    while start.elapsed() < duration {
        client.write_all(&request)?;
        client.read_exact(&mut reply)?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    drop(client);
    let served = server.join();
    served.map_err(|_| anyhow!("the answering thread has panicked"))??;
    Ok(rate)
}

fn serve(listener: &TcpListener, answer: Answer) -> Result<()> {
    let log = Log::new()?;
    let (mut socket, _) = listener.accept()?;
    socket.set_nodelay(true)?;
    let mut request = [0; MESSAGE_BYTES];
    let group = [b'x'; GROUP_HEADER + MESSAGE_BYTES];
    for number in 0.. {
        if socket.read(&mut request)? == 0 {
            break;
        }
        if answer == Answer::AfterSync {
            log.append(number, &group)?;
        }
        socket.write_all(&[b'y'; REPLY_BYTES])?;
    }
    Ok(())
}

/// A file with reserved space, as Carillon's log.
struct Log {
    file: File,
    /// Removed with the file.
    _folder: Folder,
}

impl Log {
    fn new() -> Result<Self> {
        let folder = Folder::new("device")?;
        let file = File::create_new(folder.path().join("log"))?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, LOG_BYTES)?;
        file.sync_all()?;
        Ok(Self {
            file,
            _folder: folder,
        })
    }

    /// Writes a group after the earlier ones, and syncs. At the end of the file it continues at the
    /// start.
    fn append(&self, number: usize, group: &[u8]) -> Result<()> {
        let places = (LOG_BYTES as usize / group.len()).max(1);
        let offset = number % places * group.len();
        self.file.write_all_at(group, offset as u64)?;
        self.file.sync_data()?;
        Ok(())
    }
}

/// Bytes of a stored message with a payload of 100 bytes, and of the header of a group: those of
/// Carillon's log.
const MESSAGE_BYTES: usize = 150;
const GROUP_HEADER: usize = 56;
const REPLY_BYTES: usize = 4;
const LOG_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_measured() {
        let rate = sync_rate(16, 0.01).unwrap();
        assert!(rate.syncs_per_second > 0.0);
        assert_eq!(rate.messages_per_second(), 16.0 * rate.syncs_per_second);
        for answer in [Answer::AtOnce, Answer::AfterSync] {
            assert!(round_trips(answer, 0.01).unwrap() > 0.0);
        }
    }
}
