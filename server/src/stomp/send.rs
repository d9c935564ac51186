//! SEND (STOMP 1.2, "SEND"): collected for the read cycle, or for a transaction.

use std::{borrow::Cow, sync::Arc};

use access::Right;
use broker::{Header, Provenance, Publication, PublishError};
use destination::stomp::{Destination, Place, Target, sent_to};
use wire::stomp::{
    header,
    server::{Fault, Send},
};

use super::{Stomp, misspelled};
use crate::{
    connection::ReadCycle,
    content_type,
    scheduling::{InvalidRequest, ScheduleRequest},
    shared_headers,
};

/// The state for converting SEND frames to messages.
pub(super) struct SendState {
    /// The name under which this connection publishes.
    pub(super) producer: Arc<str>,
    /// The last header `destination`: most connections use one destination.
    last: Option<LastDestination>,
    /// Receipts requested with the publications of this read cycle.
    receipts: Vec<Receipt>,
}

/// A header `destination` with its meaning.
struct LastDestination {
    text: Box<str>,
    targets: Box<[Target]>,
    /// The version of the rights with which the right to send to the targets was checked.
    rights: u32,
}

/// A receipt that is due when the publications of a SEND, from the first to the last index of the batch, are in the
/// broker.
struct Receipt {
    first: usize,
    last: usize,
    id: Box<str>,
}

impl SendState {
    /// Creates the state of a connection that publishes under this name.
    pub(super) fn new(producer: &Arc<str>) -> Self {
        Self {
            producer: Arc::clone(producer),
            last: None,
            receipts: Vec::new(),
        }
    }
}

impl Stomp {
    /// Processes SEND: adds its messages to the batch or to its transaction.
    ///
    /// # Errors
    ///
    /// The destination or a header is not valid, or the transaction does not exist or has no room.
    pub(super) fn send(&mut self, send: &Send<'_>, cycle: &mut ReadCycle) -> Result<(), Fault> {
        if cycle.is_intake_closed() {
            return Ok(());
        }
        match send.transaction.as_deref() {
            None => self.add_to_batch(send, cycle),
            Some(transaction) => self.add_to_transaction(send, transaction, cycle),
        }
    }

    /// Collects a SEND; the messages of a read cycle are published together.
    fn add_to_batch(&mut self, send: &Send<'_>, cycle: &mut ReadCycle) -> Result<(), Fault> {
        let first = cycle.batch.len();
        self.append_publications(send, cycle.unix_ms, &mut cycle.batch)?;
        note_published(cycle, send, cycle.batch.len() - first);
        if let Some(receipt) = send.receipt.as_deref() {
            self.send_state.receipts.push(Receipt {
                first,
                last: cycle.batch.len() - 1,
                id: receipt.into(),
            });
        }
        Ok(())
    }

    /// Keeps a SEND until COMMIT.
    fn add_to_transaction(
        &mut self,
        send: &Send<'_>,
        transaction: &str,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        // Receipts are sent in the order of the frames.
        self.publish(cycle)?;
        let receipt = send.receipt.as_deref();
        let mut publications = Vec::new();
        self.append_publications(send, cycle.unix_ms, &mut publications)?;
        note_published(cycle, send, publications.len());
        let bytes = transaction_bytes(send, publications.len());
        self.transactions
            .admit(transaction, bytes, receipt)?
            .publications
            .append(&mut publications);
        self.receipt(receipt, cycle);
        Ok(())
    }

    /// Publishes the collected messages, and sends their receipts.
    pub(super) fn publish(&mut self, cycle: &mut ReadCycle) -> Result<(), Fault> {
        if cycle.batch.is_empty() {
            return Ok(());
        }
        cycle.publish(&self.broker, &self.advisories, &self.session);
        // Messages after a refused one are discarded, because the ERROR for it ends the connection.
        cycle.batch.clear();
        let mut receipts = self.send_state.receipts.drain(..).peekable();
        for (index, result) in cycle.outcome.results.iter().enumerate() {
            match result {
                Ok(_) => {
                    if let Some(receipt) = receipts.next_if(|one| one.last == index) {
                        self.machine.receipt(&receipt.id, &mut cycle.replies);
                    }
                }
                Err(error) => {
                    let receipt = receipts.next_if(|one| one.first <= index);
                    return Err(refused(error, receipt.as_ref().map(|one| &*one.id)));
                }
            }
        }
        Ok(())
    }

    /// Appends a publication for each destination.
    fn append_publications(
        &mut self,
        send: &Send<'_>,
        timestamp_ms: u64,
        publications: &mut Vec<Publication>,
    ) -> Result<(), Fault> {
        let receipt = send.receipt.as_deref();
        self.find_destinations(&send.destination, receipt)?;
        self.admit(send)?;
        let mut headers = self.headers(send)?;
        let invalid =
            |error: InvalidRequest| Fault::refused("invalid schedule", error.to_string(), receipt);
        let schedule = ScheduleRequest::take(&mut headers).map_err(invalid)?;
        let content = Content {
            producer: Arc::clone(&self.send_state.producer),
            timestamp_ms,
            expires_ms: send.expires,
            retain: send.retain,
            persistent: send.persistent,
            content_type: send.content_type.as_deref().map(content_type::interned),
            headers: headers.into(),
            schedule,
            body: send.body,
        };
        if let Some(LastDestination { targets, .. }) = &self.send_state.last
            && let Some((last, others)) = targets.split_last()
        {
            for other in others {
                publications.push(content.clone().to(other).map_err(invalid)?);
            }
            publications.push(content.to(last).map_err(invalid)?);
        }
        Ok(())
    }

    /// Returns whether the next frame is a SEND that waits for the rate of its user.
    #[inline]
    pub(super) fn must_wait(&self, input: &[u8], cycle: &mut ReadCycle) -> bool {
        match self.listed.principal().account() {
            Some(account) => is_send(input) && cycle.must_wait(account),
            None => false,
        }
    }

    /// Takes the publications of a SEND from the rate of its user, if there is one.
    fn admit(&self, send: &Send<'_>) -> Result<(), Fault> {
        let Some(account) = self.listed.principal().account() else {
            return Ok(());
        };
        let last = self.send_state.last.as_ref();
        let messages = last.map_or(1, |last| last.targets.len());
        let admitted = account.admit(messages, messages * send.body.len());
        admitted.map_err(|exceeded| {
            let receipt = send.receipt.as_deref();
            Fault::refused("quota exceeded", exceeded.to_string(), receipt)
        })
    }

    /// Makes `text` the last header `destination`, and creates the destinations if necessary.
    fn find_destinations(&mut self, text: &str, receipt: Option<&str>) -> Result<(), Fault> {
        let rights = self.listed.principal().version();
        if let Some(last) = &self.send_state.last
            && *last.text == *text
            && last.rights == rights
        {
            return Ok(());
        }
        let targets =
            sent_to(text, self.session.name()).map_err(|error| misspelled(error, text, receipt))?;
        for Target { destination, .. } in &targets {
            let Destination { kind, name, .. } = destination;
            self.listed
                .principal()
                .check(Right::to_publish(*kind), *kind, name)
                .map_err(|forbidden| self.forbidden(&forbidden, receipt))?;
        }
        for Target { destination, .. } in &targets {
            self.create_if_own(destination, receipt)?;
            if destination.place == Place::Common {
                self.connection_advisories
                    .report_destination(destination.kind, &destination.name);
            }
        }
        self.send_state.last = Some(LastDestination {
            text: text.into(),
            targets,
            rights,
        });
        Ok(())
    }

    fn headers(&mut self, send: &Send<'_>) -> Result<Vec<Header>, Fault> {
        send.user_headers()
            .map(|header| {
                let value = match header.raw_name {
                    header::REPLY_TO => self.reply_to(header.value(), send.receipt.as_deref())?,
                    _ => header.value(),
                };
                Ok(Header {
                    name: header.name().into(),
                    value: value.into(),
                })
            })
            .collect()
    }
}

/// The content of a SEND, the same for each of its destinations.
#[derive(Clone)]
struct Content<'a> {
    producer: Arc<str>,
    timestamp_ms: u64,
    expires_ms: Option<u64>,
    retain: bool,
    persistent: bool,
    content_type: Option<Cow<'static, str>>,
    headers: Box<[Header]>,
    schedule: ScheduleRequest,
    body: &'a [u8],
}

impl Content<'_> {
    fn to(self, target: &Target) -> Result<Publication, InvalidRequest> {
        let name = target.destination.name.clone();
        let kind = target.destination.kind;
        let source = Provenance::of(self.producer, self.timestamp_ms);
        let publication = Publication::to(kind, name, source, self.body);
        let publication = shared_headers::set(publication, self.content_type, self.headers);
        let mut publication = publication.spelled(target.spelling.clone());
        if self.retain {
            publication = publication.retained();
        }
        if self.persistent {
            publication = publication.persistent();
        }
        if let Some(at_ms) = self.expires_ms {
            publication = publication.expiring(at_ms);
        }
        // In a transaction too, the delay begins with the SEND (JMS 2.0, 7.9).
        self.schedule.apply(publication, self.timestamp_ms)
    }
}

/// Returns whether the next frame is a SEND; line ends before it are heart-beats.
fn is_send(input: &[u8]) -> bool {
    let frame = input.trim_ascii_start();
    frame.starts_with(b"SEND")
}

fn note_published(cycle: &mut ReadCycle, send: &Send<'_>, messages: usize) {
    cycle.note_published(messages, messages * send.body.len());
}

/// Returns the bytes that a SEND counts for in a transaction: one message for each destination.
fn transaction_bytes(send: &Send<'_>, destinations: usize) -> usize {
    let headers = send.user_headers();
    let headers: usize = headers
        .map(|header| size_of::<Header>() + header.raw_name.len() + header.raw_value.len())
        .sum();
    destinations * (size_of::<Publication>() + PUBLICATION_BYTES + headers + send.body.len())
}

fn refused(error: &PublishError, receipt: Option<&str>) -> Fault {
    Fault::refused("cannot publish", error.to_string(), receipt)
}

/// Approximate size of the broker's structure for a message.
const PUBLICATION_BYTES: usize = 256;
