//! STOMP joined to the broker: what its destinations, headers and errors mean here.

mod destination;
mod door;
mod encoder;
mod port;

use std::{collections::HashMap, sync::Arc};

use broker::{
    Broker, Header, Overflow, Publication, PublishError, Session, Start, Subscribe, SubscriptionId,
    TopicName,
};
use bytes::Bytes;
use wire::stomp::{
    self, Due, Limits,
    server::{self, Fault, Greeting, Identity, Request, Since, UserHeaders},
};

use crate::{
    clock,
    connection::{Ending, Protocol, Turn},
    content_type,
};
pub use door::StompDoor;
use encoder::StompEncoder;
pub use port::StompPort;

/// The receiving half of a connection.
pub struct Stomp {
    broker: Arc<Broker>,
    session: Arc<Session>,
    machine: server::Session,
    decoder: stomp::Decoder,
    overflow: Overflow,
    /// The name this connection publishes under.
    producer: Arc<str>,
    subscriptions: HashMap<Identity<'static>, SubscriptionId>,
    /// The last destination published to: most connections have one.
    destination: Option<(Box<str>, TopicName)>,
    /// Receipts asked for with the publications of this turn, by their place in the batch.
    receipts: Vec<(usize, Box<str>)>,
}

/// What the server's options say about STOMP.
#[derive(Debug, Clone, Copy)]
pub struct StompOptions {
    pub limits: Limits,
    pub session: server::Config,
    /// The rule for subscriptions that do not name one.
    pub overflow: Overflow,
}

impl Stomp {
    pub fn new(
        broker: &Arc<Broker>,
        session: &Arc<Session>,
        options: &StompOptions,
        now_ms: u64,
    ) -> (Self, StompEncoder) {
        let stomp = Self {
            broker: Arc::clone(broker),
            session: Arc::clone(session),
            machine: server::Session::new(&options.session, now_ms),
            decoder: stomp::Decoder::new(options.limits),
            overflow: options.overflow,
            producer: Arc::clone(session.name()),
            subscriptions: HashMap::new(),
            destination: None,
            receipts: Vec::new(),
        };
        (stomp, StompEncoder::new(broker))
    }

    fn request(&mut self, request: Request<'_>, turn: &mut Turn) -> Result<(), Refusal> {
        match request {
            Request::Send(send) => return Ok(self.send(&send, turn)?),
            Request::HeartBeat => return Ok(()),
            _ => self.publish(turn)?,
        }
        match request {
            Request::Connect(connect) => self.connect(&connect, turn),
            Request::Subscribe(subscribe) => self.subscribe(&subscribe, turn)?,
            Request::Unsubscribe(unsubscribe) => self.unsubscribe(&unsubscribe, turn)?,
            Request::Disconnect(disconnect) => {
                self.receipt(disconnect.receipt.as_deref(), turn);
                return Err(Refusal::Disconnected);
            }
            Request::Send(_) | Request::HeartBeat => {}
        }
        Ok(())
    }

    fn connect(&mut self, connect: &server::Connect<'_>, turn: &mut Turn) {
        if let Some(client_id) = connect.client_id.as_deref().filter(|id| !id.is_empty()) {
            self.producer = client_id.into();
        }
        let greeting = Greeting {
            server: SERVER,
            session: self.session.name(),
        };
        self.machine
            .connected(turn.now_ms, &greeting, &mut turn.replies);
        self.decoder.set_version(self.machine.version());
    }

    fn send(&mut self, send: &server::Send<'_>, turn: &mut Turn) -> Result<(), Fault> {
        let receipt = send.receipt.as_deref();
        let topic = self.topic(&send.destination, receipt)?;
        if let Some(receipt) = receipt {
            self.receipts.push((turn.batch.len(), receipt.into()));
        }
        let publication = Publication::new(
            topic,
            Arc::clone(&self.producer),
            clock::unix_ms(),
            Bytes::copy_from_slice(send.body),
        );
        let content_type = send.content_type.as_deref().map(content_type::interned);
        turn.batch
            .push(publication.with_headers(content_type, headers(send.user_headers())));
        Ok(())
    }

    /// Hands over what SEND frames gathered, and answers their receipts.
    fn publish(&mut self, turn: &mut Turn) -> Result<(), Fault> {
        if turn.batch.is_empty() {
            return Ok(());
        }
        turn.publish(&self.broker, &self.session);
        let mut receipts = self.receipts.drain(..).peekable();
        for (index, result) in turn.outcome.results.iter().enumerate() {
            let receipt = receipts
                .next_if(|(place, _)| *place == index)
                .map(|(_, receipt)| receipt);
            match result {
                Ok(_) => {
                    if let Some(receipt) = receipt {
                        self.machine.receipt(&receipt, &mut turn.replies);
                    }
                }
                Err(error) => return Err(refused(error, receipt.as_deref())),
            }
        }
        Ok(())
    }

    fn subscribe(
        &mut self,
        subscribe: &server::Subscribe<'_>,
        turn: &mut Turn,
    ) -> Result<(), Fault> {
        let receipt = subscribe.receipt.as_deref();
        if self.subscriptions.contains_key(&subscribe.identity) {
            return Err(Fault::subscription_in_use(&subscribe.identity, receipt));
        }
        let filter = destination::filter(&subscribe.destination, receipt)?;
        let start = start(&self.broker, subscribe.since.as_ref(), receipt)?;
        let overflow = subscribe.overflow.map_or(self.overflow, overflow);
        let tag = encoder::tag(self.machine.version(), &subscribe.identity);
        let wanted = Subscribe {
            start,
            overflow,
            tag: &tag,
            ..Subscribe::to(&filter)
        };
        let id = self
            .broker
            .subscribe(&self.session, wanted, &mut turn.outcome)
            .map_err(|error| Fault::refused("cannot subscribe", error.to_string(), receipt))?;
        // What there is to read at once is drained at the end of this turn.
        let identity = subscribe.identity.clone().into_owned();
        self.subscriptions.insert(identity, id);
        self.receipt(receipt, turn);
        Ok(())
    }

    fn unsubscribe(
        &mut self,
        unsubscribe: &server::Unsubscribe<'_>,
        turn: &mut Turn,
    ) -> Result<(), Fault> {
        let receipt = unsubscribe.receipt.as_deref();
        let identity = unsubscribe.identity.clone().into_owned();
        let id = self
            .subscriptions
            .remove(&identity)
            .ok_or_else(|| Fault::unknown_subscription(&identity, receipt))?;
        self.broker
            .unsubscribe(&self.session, id, clock::unix_ms(), &mut turn.outcome);
        self.receipt(receipt, turn);
        Ok(())
    }

    fn receipt(&self, receipt: Option<&str>, turn: &mut Turn) {
        if let Some(receipt) = receipt {
            self.machine.receipt(receipt, &mut turn.replies);
        }
    }

    fn topic(&mut self, destination: &str, receipt: Option<&str>) -> Result<TopicName, Fault> {
        if let Some((last, topic)) = &self.destination
            && **last == *destination
        {
            return Ok(topic.clone());
        }
        let topic = destination::topic(destination, receipt)?;
        self.destination = Some((destination.into(), topic.clone()));
        Ok(topic)
    }

    /// Tells the peer its fault; the connection ends.
    fn refuse(&mut self, refusal: Refusal, turn: &mut Turn) -> Ending {
        match refusal {
            Refusal::Disconnected => Ending::ByPeer,
            Refusal::Fault(fault) => {
                self.machine.error(&fault, &mut turn.replies);
                Ending::Fault(fault.to_string())
            }
        }
    }

    fn receive_all(&mut self, input: &[u8], turn: &mut Turn) -> Result<usize, Refusal> {
        let mut at = 0;
        while let Some((item, used)) = self.decoder.decode(&input[at..]).map_err(Fault::from)? {
            at += used;
            let request = self.machine.request(item)?;
            self.request(request, turn)?;
        }
        Ok(at)
    }
}

/// Why a request is not followed by another.
enum Refusal {
    Disconnected,
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Protocol for Stomp {
    type Encoder = StompEncoder;

    fn receive(&mut self, input: &[u8], turn: &mut Turn) -> Result<usize, Ending> {
        self.machine.received(turn.now_ms);
        match self.receive_all(input, turn) {
            Ok(used) => Ok(used),
            Err(refusal) => {
                // What came before the fault counts, and its receipts come before the ERROR.
                let refusal = match self.publish(turn) {
                    Ok(()) => refusal,
                    Err(earlier) => Refusal::Fault(earlier),
                };
                Err(self.refuse(refusal, turn))
            }
        }
    }

    fn finish(&mut self, turn: &mut Turn) -> Result<(), Ending> {
        self.publish(turn)
            .map_err(|fault| self.refuse(fault.into(), turn))
    }

    fn deadline(&self) -> Option<u64> {
        self.machine.deadline()
    }

    fn on_deadline(
        &mut self,
        now_ms: u64,
        last_sent_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Ending> {
        self.machine.sent(last_sent_ms);
        match self.machine.on_deadline(now_ms) {
            Due::Nothing => Ok(()),
            Due::HeartBeat => {
                stomp::heart_beat(out);
                Ok(())
            }
            Due::PeerSilent { .. } => Err(Ending::Silent),
            Due::HandshakeOverdue => Err(Ending::NoHandshake),
        }
    }

    fn excuse(&mut self, now_ms: u64) {
        self.machine.received(now_ms);
    }

    fn dismiss(&mut self, ending: &Ending, replies: &mut Vec<u8>) {
        let message = match ending {
            Ending::Stopping => "the server is stopping",
            Ending::TooSlow => "too slow",
            Ending::NoHandshake => "no CONNECT in time",
            Ending::Silent => "no heart-beat",
            Ending::Unread => "replies unread",
            // Told already, or nobody to tell.
            Ending::ByPeer | Ending::Fault(_) | Ending::Framing(_) | Ending::Io(_) => return,
        };
        let fault = Fault::refused(message, ending.told(), None);
        self.machine.error(&fault, replies);
    }
}

fn headers(headers: UserHeaders<'_>) -> Box<[Header]> {
    headers
        .map(|header| Header {
            name: header.name().into(),
            value: header.value().into(),
        })
        .collect()
}

fn start(
    broker: &Broker,
    since: Option<&Since<'_>>,
    receipt: Option<&str>,
) -> Result<Start, Fault> {
    Ok(match since {
        None => Start::New,
        Some(Since::Last) => Start::Last,
        Some(Since::Sequence(sequence)) => Start::AfterSequence(*sequence),
        Some(Since::Message(id)) => {
            let id = id.parse().map_err(|_| {
                let expected = "last, a sequence or a message-id";
                Fault::invalid_header("since", id, expected, receipt)
            })?;
            broker.start_after(id)
        }
    })
}

fn overflow(overflow: server::Overflow) -> Overflow {
    match overflow {
        server::Overflow::DropOldest => Overflow::DropOldest,
        server::Overflow::Latest => Overflow::Latest,
        server::Overflow::Disconnect => Overflow::Disconnect,
    }
}

fn refused(error: &PublishError, receipt: Option<&str>) -> Fault {
    Fault::refused("cannot publish", error.to_string(), receipt)
}

const SERVER: &str = concat!("Carillon/", env!("CARGO_PKG_VERSION"));
