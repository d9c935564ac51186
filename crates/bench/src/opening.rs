//! Opens connections and their subscriptions, a limited number at a time.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{
    dialect::{Arrival, Credentials, Protocol, Quality},
    link::{LinkError, Route},
    net::{Handler, Net},
};

/// The settings for opening connections.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    pub route: Route,
    pub credentials: Credentials,
    pub quality: Quality,
    /// Prefix of the client identifiers.
    pub name: String,
}

/// The number of opened connections, and the time it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    pub connections: usize,
    pub subscriptions: usize,
    pub seconds: f64,
    pub connections_per_second: f64,
}

struct Opening<'a> {
    settings: &'a ConnectionSettings,
    /// Number of the first connection.
    first: usize,
    /// The filters that each connection subscribes to.
    filters: &'a [Vec<String>],
    stages: Vec<Stage>,
    /// Index of the connection whose arrivals are being handled.
    current: usize,
    /// Number of connections that are ready.
    ready: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits until the server confirms the connection.
    Connecting,
    /// Waits until the server confirms this number of subscriptions.
    Subscribing(usize),
    Ready,
}

/// Changes with each step of an opening connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    started: usize,
    ready: usize,
    /// Subscriptions that the server has not confirmed yet.
    awaited: usize,
}

/// Opens a connection for each list of filters, and returns when all filters are subscribed.
///
/// # Errors
///
/// A connection was refused or lost, or no connection made progress for [`STALL_TIMEOUT`].
pub fn open(
    net: &mut Net,
    settings: &ConnectionSettings,
    filters: &[Vec<String>],
) -> anyhow::Result<Opened> {
    let mut opening = Opening {
        settings,
        first: net.next_link(),
        filters,
        stages: Vec::new(),
        current: 0,
        ready: 0,
    };
    let start_ns = net.now_ns();
    let mut progress = Progress::default();
    let mut progress_ns = start_ns;
    while opening.ready < filters.len() {
        while opening.stages.len() < filters.len() && opening.in_flight() < MAX_OPENING {
            opening.stages.push(Stage::Connecting);
            net.connect(&settings.route, &mut opening)?;
        }
        net.poll_once(Duration::from_millis(100), &mut opening)?;
        let now_ns = net.now_ns();
        if opening.progress() != progress {
            progress = opening.progress();
            progress_ns = now_ns;
        } else if now_ns - progress_ns > STALL_TIMEOUT.as_nanos() as u64 {
            bail!("the server does not respond: {}", opening.progress_text());
        }
    }
    let seconds = (net.now_ns() - start_ns) as f64 / 1e9;
    Ok(Opened {
        connections: filters.len(),
        subscriptions: filters.iter().map(Vec::len).sum(),
        seconds,
        connections_per_second: filters.len() as f64 / seconds,
    })
}

impl Opening<'_> {
    const fn in_flight(&self) -> usize {
        self.stages.len() - self.ready
    }

    /// Returns the progress of the opening connections.
    fn progress(&self) -> Progress {
        let awaited = |stage: &Stage| match stage {
            Stage::Subscribing(awaited) => *awaited,
            Stage::Connecting | Stage::Ready => 0,
        };
        // Connections become ready mostly in order, so only the last ones are examined.
        let recent = self.stages.iter().rev().take(2 * MAX_OPENING);
        let awaited = recent.map(awaited).sum();
        Progress {
            started: self.stages.len(),
            ready: self.ready,
            awaited,
        }
    }

    fn progress_text(&self) -> String {
        format!(
            "{} of {} connections are open",
            self.ready,
            self.filters.len()
        )
    }

    fn subscriptions(&self, index: usize, replies: &mut Vec<u8>) {
        let protocol = self.settings.route.protocol;
        for (number, filter) in (1..).zip(&self.filters[index]) {
            let filter = protocol.encode_name(filter);
            replies.extend(protocol.subscription(&filter, number, self.settings.quality));
        }
    }

    fn confirmed(&mut self, replies: &mut Vec<u8>) {
        let index = self.current;
        let next = match self.stages[index] {
            Stage::Connecting if !self.filters[index].is_empty() => {
                self.subscriptions(index, replies);
                Stage::Subscribing(self.filters[index].len())
            }
            Stage::Subscribing(awaited) if awaited > 1 => Stage::Subscribing(awaited - 1),
            Stage::Ready => return,
            Stage::Connecting | Stage::Subscribing(_) => {
                self.ready += 1;
                Stage::Ready
            }
        };
        self.stages[index] = next;
    }
}

impl Handler for Opening<'_> {
    fn opened(&mut self, link: usize) -> Vec<u8> {
        let client_id = format!("{}-{link}", self.settings.name);
        let protocol = self.settings.route.protocol;
        protocol.opening(&client_id, &self.settings.credentials)
    }

    fn reading(&mut self, link: usize, _now_ns: u64) {
        self.current = link.wrapping_sub(self.first);
    }

    fn arrived(&mut self, arrival: Arrival<'_>, replies: &mut Vec<u8>) {
        match arrival {
            Arrival::Confirmed if self.current < self.stages.len() => self.confirmed(replies),
            Arrival::Ping => replies.extend_from_slice(Protocol::pong()),
            // Connections opened earlier may still receive messages.
            Arrival::Message { packet_id, .. } if packet_id != 0 => {
                replies.extend_from_slice(&Protocol::acknowledgement(packet_id));
            }
            Arrival::Confirmed | Arrival::Message { .. } | Arrival::Nothing => {}
        }
    }

    fn lost(&mut self, link: usize, error: LinkError) -> anyhow::Result<()> {
        let context = || format!("connection {}, {}", link + 1, self.progress_text());
        Err(error).with_context(context)
    }
}

/// Maximum number of connections that open at the same time. More would overflow the listen queue
/// of some servers.
const MAX_OPENING: usize = 64;
/// Maximum time without progress.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);
