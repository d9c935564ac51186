//! Connections are opened, with their subscriptions confirmed, so many at a time.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{
    dialect::{Arrival, Credentials, Protocol, Quality},
    link::{LinkError, Route},
    net::{Net, User},
};

/// How connections open.
#[derive(Debug, Clone)]
pub struct Greeter {
    pub route: Route,
    pub credentials: Credentials,
    pub quality: Quality,
    /// Begins the client identifiers.
    pub name: String,
}

/// How fast connections came.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    pub connections: usize,
    pub subscriptions: usize,
    pub seconds: f64,
    pub connections_per_second: f64,
}

struct Opening<'a> {
    greeter: &'a Greeter,
    /// The number of the first connection.
    first: usize,
    /// The filters that each connection subscribes to.
    filters: &'a [Vec<String>],
    stages: Vec<Stage>,
    current: usize,
    ready: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Until the server confirms the connection.
    Greeting,
    /// Until it confirms so many subscriptions.
    Subscribing(usize),
    Ready,
}

/// Opens a connection for each list of filters, and returns when all of them are subscribed.
///
/// # Errors
///
/// A connection was refused or lost, or none of them got on for [`PATIENCE`].
pub fn open(net: &mut Net, greeter: &Greeter, filters: &[Vec<String>]) -> anyhow::Result<Opened> {
    let mut opening = Opening {
        greeter,
        first: net.next_link(),
        filters,
        stages: Vec::new(),
        current: 0,
        ready: 0,
    };
    let start_ns = net.now_ns();
    let mut progress = ((0, 0, 0), start_ns);
    while opening.ready < filters.len() {
        while opening.stages.len() < filters.len() && opening.in_flight() < AT_ONCE {
            opening.stages.push(Stage::Greeting);
            net.connect(&greeter.route, &mut opening)?;
        }
        net.turn(Duration::from_millis(100), &mut opening)?;
        let now_ns = net.now_ns();
        if opening.steps() != progress.0 {
            progress = (opening.steps(), now_ns);
        } else if now_ns - progress.1 > PATIENCE.as_nanos() as u64 {
            bail!("the server does not answer: {}", opening.so_far());
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

    /// Changes with everything that happens to those on their way.
    fn steps(&self) -> (usize, usize, usize) {
        let awaited = |stage: &Stage| match stage {
            Stage::Subscribing(awaited) => *awaited,
            Stage::Greeting | Stage::Ready => 0,
        };
        // Those that are ready lie mostly in front.
        let on_their_way = self.stages.iter().rev().take(2 * AT_ONCE);
        let awaited = on_their_way.map(awaited).sum();
        (self.stages.len(), self.ready, awaited)
    }

    fn so_far(&self) -> String {
        format!(
            "{} of {} connections are open",
            self.ready,
            self.filters.len()
        )
    }

    fn subscriptions(&self, index: usize, replies: &mut Vec<u8>) {
        let protocol = self.greeter.route.protocol;
        for (number, filter) in (1..).zip(&self.filters[index]) {
            let filter = protocol.spell(filter);
            replies.extend(protocol.subscription(&filter, number, self.greeter.quality));
        }
    }

    fn confirmed(&mut self, replies: &mut Vec<u8>) {
        let index = self.current;
        let next = match self.stages[index] {
            Stage::Greeting if !self.filters[index].is_empty() => {
                self.subscriptions(index, replies);
                Stage::Subscribing(self.filters[index].len())
            }
            Stage::Subscribing(awaited) if awaited > 1 => Stage::Subscribing(awaited - 1),
            Stage::Ready => return,
            Stage::Greeting | Stage::Subscribing(_) => {
                self.ready += 1;
                Stage::Ready
            }
        };
        self.stages[index] = next;
    }
}

impl User for Opening<'_> {
    fn opened(&mut self, link: usize) -> Vec<u8> {
        let client_id = format!("{}-{link}", self.greeter.name);
        let protocol = self.greeter.route.protocol;
        protocol.opening(&client_id, &self.greeter.credentials)
    }

    fn reading(&mut self, link: usize, _now_ns: u64) {
        self.current = link.wrapping_sub(self.first);
    }

    fn arrived(&mut self, arrival: Arrival<'_>, replies: &mut Vec<u8>) {
        match arrival {
            Arrival::Confirmed if self.current < self.stages.len() => self.confirmed(replies),
            Arrival::Ping => replies.extend_from_slice(Protocol::pong()),
            // Those opened before may still get something.
            Arrival::Message { packet_id, .. } if packet_id != 0 => {
                replies.extend_from_slice(&Protocol::acknowledgement(packet_id));
            }
            Arrival::Confirmed | Arrival::Message { .. } | Arrival::Nothing => {}
        }
    }

    fn lost(&mut self, link: usize, error: LinkError) -> anyhow::Result<()> {
        let told = || format!("connection {}, {}", link + 1, self.so_far());
        Err(error).with_context(told)
    }
}

/// Connections on their way at one time: more would overflow the queue of some servers' listeners.
const AT_ONCE: usize = 64;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(20);
