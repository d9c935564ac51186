//! The brokers that store messages, their runs, and the count of their syncs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{Figures, Plan, Shape};
use crate::bench::folder::Folder;
use crate::bench::load::report;
use crate::bench::servers::{Broker, Server, Storage};
use crate::process::find;

/// A broker with a way to store messages.
pub struct Peer {
    /// Name as an option.
    pub key: &'static str,
    /// Name in the tables.
    pub name: &'static str,
    pub broker: Broker,
    storage: Storage,
}

/// Carillon is the first one.
pub const PEERS: [Peer; 6] = [
    Peer {
        key: "carillon",
        name: "Carillon",
        broker: Broker::Carillon,
        storage: Storage::SyncedDisk,
    },
    Peer {
        key: "activemq",
        name: "ActiveMQ, KahaDB",
        broker: Broker::ActiveMq,
        storage: Storage::Disk,
    },
    Peer {
        key: "rabbitmq",
        name: "RabbitMQ",
        broker: Broker::RabbitMq,
        storage: Storage::Disk,
    },
    Peer {
        key: "mosquitto",
        name: "mosquitto",
        broker: Broker::Mosquitto,
        storage: Storage::Disk,
    },
    Peer {
        key: "jetstream-always",
        name: "JetStream, `sync_interval: always`",
        broker: Broker::Nats,
        storage: Storage::SyncedDisk,
    },
    Peer {
        key: "jetstream",
        name: "JetStream, default",
        broker: Broker::Nats,
        storage: Storage::Disk,
    },
];

pub struct RunningPeer {
    pub peer: &'static Peer,
    pub server: Server,
}

/// A peer under strace.
pub struct TracedPeer {
    running: RunningPeer,
    trace: PathBuf,
    /// Contains the trace.
    _folder: Folder,
}

impl RunningPeer {
    pub fn start(peer: &'static Peer, plan: &Plan) -> Result<Self> {
        let server = peer.broker.start_with(&plan.binary, peer.storage, None)?;
        Ok(Self { peer, server })
    }

    /// Starts the server again without messages, unless that needs seconds. A server that keeps the
    /// messages of all measurements would need much memory.
    pub fn renew(&mut self, plan: &Plan) -> Result<()> {
        if !matches!(self.peer.broker, Broker::RabbitMq | Broker::ActiveMq) {
            *self = Self::start(self.peer, plan)?;
        }
        Ok(())
    }

    pub fn version(&self, plan: &Plan) -> Option<String> {
        self.peer.broker.version(&plan.binary)
    }

    /// Starts another server of this peer under strace.
    pub fn traced(&self, plan: &Plan) -> Result<TracedPeer> {
        find("strace").context("strace is not installed")?;
        let folder = Folder::new("trace")?;
        let trace = folder.path().join("syncs");
        let peer = self.peer;
        let server = peer
            .broker
            .start_with(&plan.binary, peer.storage, Some(&trace))?;
        Ok(TracedPeer {
            running: Self { peer, server },
            trace,
            _folder: folder,
        })
    }

    /// Publishes for some time.
    pub fn publish(
        &self,
        plan: &Plan,
        shape: &Shape,
        endpoint: usize,
        seconds: f64,
    ) -> Result<Figures> {
        let report = self.report(plan, shape, endpoint, [&seconds.to_string(), "0.5"])?;
        Figures::of(&report["traffic"])
    }

    fn report(
        &self,
        plan: &Plan,
        shape: &Shape,
        endpoint: usize,
        [seconds, warm_up]: [&str; 2],
    ) -> Result<serde_json::Value> {
        let endpoint = &self.server.endpoints[endpoint];
        let arguments = [
            "--shape",
            "persistent",
            "--publishers",
            &shape.publishers.to_string(),
            "--window",
            &shape.window.to_string(),
            "--seconds",
            seconds,
            "--warm-up",
            warm_up,
            "--drain",
            "20",
        ];
        report(&plan.binary, &self.server, endpoint, &arguments)
    }
}

impl TracedPeer {
    /// Publishes for a short time, and returns the number of syncs for each confirmed message.
    pub fn syncs_per_message(&self, plan: &Plan, shape: &Shape, endpoint: usize) -> Result<f64> {
        let before = self.syncs()?;
        let report = self.running.report(plan, shape, endpoint, ["1", "0"])?;
        let confirmed = report.pointer("/traffic/check/confirmed");
        let confirmed = confirmed.and_then(serde_json::Value::as_u64);
        match confirmed {
            None | Some(0) => bail!("nothing was confirmed"),
            Some(confirmed) => Ok((self.syncs()? - before) as f64 / confirmed as f64),
        }
    }

    fn syncs(&self) -> Result<usize> {
        Ok(count(&fs::read_to_string(&self.trace)?))
    }
}

/// Counts the system calls in the output of strace. A call that another thread interrupted has a
/// second line, in which it resumes.
fn count(trace: &str) -> usize {
    let calls = trace.lines().filter(|line| line.contains("sync("));
    calls.filter(|line| !line.contains("resumed>")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sync_counts_once() {
        let trace = "12 fdatasync(3) = 0\n12 fsync(3 <unfinished ...>\n13 msync(0x1, 2, MS_SYNC) = 0\n\
                     12 <... fsync resumed>) = 0\n12 +++ exited with 0 +++\n";
        assert_eq!(count(trace), 3);
    }
}
