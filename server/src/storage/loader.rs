//! The thread that reads messages for the broker, which keeps only the places of many waiting messages in memory.
//!
//! The way of a request: the broker pushes it to the journal; the writer, which owns the state of the store, finds the
//! places of the messages in the log; this thread reads them and passes them to the broker. It wakes the sessions that can go
//! on, and does not write to their connections itself.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

use anyhow::{Context as _, anyhow};
use broker::{Broker, LoadedMessage, Outcome, PageRequest, TopicName};
use store::{
    Disk, Held, Holder, Location, QueueId, ReadError, State, StoreId, StoredMessage, read_messages,
};
use tokio::runtime::Handle;

use super::{
    codec::{self, Producers},
    journal::LogJournal,
};
use crate::{advisory::Advisories, clock};

/// A request, and the places of its messages in the log.
#[derive(Debug)]
pub struct PlacedRequest {
    request: PageRequest,
    /// By position. A message that has left its queue is missing.
    places: Vec<(u64, Location)>,
}

/// Finds the places of messages, and passes the requests on to the loader.
#[derive(Debug)]
pub struct Placer {
    placed: Sender<PlacedRequest>,
}

/// Reads the messages of requests.
pub struct Loader<D> {
    disk: D,
    store: StoreId,
    placed: Receiver<PlacedRequest>,
    journal: Arc<LogJournal>,
    /// Decoded messages need a name; the broker replaces it.
    name: TopicName,
    producers: Producers,
}

/// Returns a loader, and the placer that passes requests to it.
///
/// # Errors
/// Never; see [`TopicName::new`].
pub fn create<D: Disk>(
    disk: D,
    store: StoreId,
    journal: &Arc<LogJournal>,
) -> anyhow::Result<(Placer, Loader<D>)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the broker has a few requests for each queue and one for each browser; the writer must not wait here"
    )]
    let (sender, placed) = channel();
    let loader = Loader {
        disk,
        store,
        placed,
        journal: Arc::clone(journal),
        name: TopicName::new("paged")?,
        producers: Producers::default(),
    };
    Ok((Placer { placed: sender }, loader))
}

impl Placer {
    /// Passes on the requests whose messages are all in the state. Returns the others: their messages may be in the group
    /// that is written next.
    pub fn pass_complete(&self, state: &State, requests: Vec<PageRequest>) -> Vec<PageRequest> {
        let mut left = Vec::new();
        for request in requests {
            let places = places(state, &request);
            match places.len() == request.positions().len() {
                true => self.pass_on(PlacedRequest { request, places }),
                false => left.push(request),
            }
        }
        left
    }

    /// Passes on requests. Messages that are not in the state have left their queue.
    pub fn pass(&self, state: &State, requests: Vec<PageRequest>) {
        for request in requests {
            let places = places(state, &request);
            self.pass_on(PlacedRequest { request, places });
        }
    }

    fn pass_on(&self, placed: PlacedRequest) {
        // It fails only if the server stops.
        let _ = self.placed.send(placed);
    }
}

fn places(state: &State, request: &PageRequest) -> Vec<(u64, Location)> {
    let holder = Holder::Queue(QueueId(request.queue()));
    let positions = request.positions().iter();
    let found = positions.filter_map(|&position| {
        let location = state.location(Held { holder, position })?;
        Some((position, location))
    });
    found.collect()
}

impl<D: Disk + Send + 'static> Loader<D> {
    /// Starts the thread. It ends with the placer.
    ///
    /// # Errors
    /// The thread cannot be created.
    pub fn start(
        mut self,
        broker: Arc<Broker>,
        advisories: Arc<Advisories>,
        runtime: Handle,
    ) -> io::Result<JoinHandle<()>> {
        Builder::new()
            .name("carillon-load".to_owned())
            .spawn(move || {
                let _entered = runtime.enter();
                while let Ok(placed) = self.placed.recv() {
                    if let Err(error) = self.load(placed, &broker, &advisories) {
                        tracing::error!(
                            error = format!("{error:#}"),
                            "a message cannot be read; stop the server and run `carillon store check`"
                        );
                        self.journal.fail_reading();
                        return;
                    }
                }
            })
    }

    fn load(
        &mut self,
        placed: PlacedRequest,
        broker: &Broker,
        advisories: &Advisories,
    ) -> anyhow::Result<()> {
        let PlacedRequest { request, places } = placed;
        let messages = match self.read(&places) {
            Ok(stored) => self.decode(&places, &stored)?,
            Err(ReadError::Moved) => {
                // The writer finds the new places.
                self.journal.request(request);
                return Ok(());
            }
            Err(error) => {
                let (queue, positions) = (request.queue(), request.positions());
                let (first, last) = (positions.first(), positions.last());
                return Err(error).with_context(|| {
                    format!(
                        "the messages at positions {first:?} to {last:?} of queue {queue} in the store"
                    )
                });
            }
        };
        let mut outcome = Outcome::default();
        broker.page_in(&request, messages, clock::unix_ms(), &mut outcome)?;
        for session in outcome.ready.drain() {
            session.wake();
        }
        advisories.carry_out(&mut outcome, None);
        Ok(())
    }

    fn read(&self, places: &[(u64, Location)]) -> Result<Vec<StoredMessage>, ReadError> {
        let locations: Vec<_> = places.iter().map(|(_, location)| *location).collect();
        read_messages(&self.disk, self.store, &locations)
    }

    fn decode(
        &mut self,
        places: &[(u64, Location)],
        stored: &[StoredMessage],
    ) -> anyhow::Result<Vec<LoadedMessage>> {
        self.producers.forget_above(PRODUCERS);
        let mut messages = Vec::with_capacity(stored.len());
        for ((position, _), stored) in places.iter().zip(stored) {
            let stored = stored.message();
            let stored = stored.ok_or_else(|| anyhow!("the message at {position} is damaged"))?;
            let decoded = codec::message(&stored, &self.name, &mut self.producers)?;
            messages.push(LoadedMessage {
                position: *position,
                sequence: decoded.sequence,
                publication: decoded.publication,
            });
        }
        Ok(messages)
    }
}

/// Names of publishing sessions that are kept, so that many messages share one.
const PRODUCERS: usize = 1_000;
