//! STOMP joined to the broker: what its destinations, headers and errors mean here.

mod acknowledge;
mod destination;
mod door;
mod encoder;
mod ended;
mod options;
mod send;
mod subscribe;
mod temporary;
#[cfg(test)]
mod tests;
mod transaction;
mod unsubscribe;

use std::{collections::HashMap, sync::Arc, time::Instant};

use broker::{Broker, Session};
use wire::stomp::{
    self, Due,
    server::{self, Fault, Greeting, Identity, Request},
};

use crate::{
    advisory::{Advisories, Presence},
    connection::{
        self, Ending, Framing, Opening, Prelude, Protocol, Surroundings, Transport, Turn, Voice,
    },
    server::Server,
};
pub use destination::{Destination, Misspelled, Place, sent_to, subscribed_to, written_by_others};
pub use door::StompDoor;
use encoder::StompEncoder;
use ended::Ended;
pub use options::StompOptions;
use send::Sending;
use subscribe::Subscribed;
use temporary::Temporaries;
use transaction::Transactions;

/// The receiving half of a connection.
pub struct Stomp {
    broker: Arc<Broker>,
    advisories: Arc<Advisories>,
    session: Arc<Session>,
    options: StompOptions,
    machine: server::Session,
    decoder: stomp::Decoder,
    /// The `client-id` of CONNECT, or nothing.
    client: Box<str>,
    presence: Presence,
    sending: Sending,
    subscriptions: HashMap<Identity<'static>, Subscribed>,
    ended: Ended,
    transactions: Transactions,
    temporaries: Temporaries,
}

impl Stomp {
    /// Serves a peer until one side ends it. `door` begins the session's name.
    pub async fn serve<T: Transport, F: Framing>(
        server: &Server,
        socket: T,
        prelude: Prelude<F>,
        door: &str,
    ) {
        let surroundings = server.surroundings(server.client_of(socket.tcp()));
        let reader = surroundings.attach(server.session_name(door));
        let (protocol, encoder) = Self::new(&surroundings, reader.session(), &server.options.stomp);
        let opening = Opening {
            socket,
            framing: prelude.framing,
            protocol,
            voice: Voice { reader, encoder },
            received: prelude.received,
            // CONNECTED answers CONNECT.
            greeting: Vec::new(),
        };
        connection::serve(surroundings, opening).await;
    }

    pub fn new(
        surroundings: &Surroundings,
        session: &Arc<Session>,
        options: &StompOptions,
    ) -> (Self, StompEncoder) {
        let Surroundings {
            broker,
            advisories,
            clock,
            ..
        } = surroundings;
        let stomp = Self {
            broker: Arc::clone(broker),
            advisories: Arc::clone(advisories),
            session: Arc::clone(session),
            options: *options,
            machine: server::Session::new(&options.session, clock.now_ms()),
            decoder: stomp::Decoder::new(options.limits),
            client: Box::default(),
            presence: Presence::new(advisories, session),
            sending: Sending::new(session.name()),
            subscriptions: HashMap::new(),
            ended: Ended::default(),
            transactions: Transactions::new(
                options.transaction_bytes,
                Arc::clone(session.client()),
            ),
            temporaries: Temporaries::default(),
        };
        (stomp, StompEncoder::new(broker))
    }

    /// A turn's messages are in the broker before anything else is done.
    fn request(&mut self, request: Request<'_>, turn: &mut Turn) -> Result<(), Refusal> {
        if !matches!(request, Request::Send(_) | Request::HeartBeat) {
            self.publish(turn)?;
        }
        match request {
            Request::HeartBeat => Ok(()),
            Request::Connect(connect) => self.connect(&connect, turn),
            Request::Send(send) => self.send(&send, turn),
            Request::Subscribe(subscribe) => {
                let begun = Instant::now();
                let done = self.subscribe(&subscribe, turn);
                turn.check_request(begun);
                done
            }
            Request::Unsubscribe(unsubscribe) => {
                let begun = Instant::now();
                let done = self.unsubscribe(&unsubscribe, turn);
                turn.check_request(begun);
                done
            }
            Request::Ack(ack) => self.ack(&ack, turn),
            Request::Nack(nack) => self.nack(&nack, turn),
            Request::Begin(begin) => self.begin(&begin, turn),
            Request::Commit(commit) => self.commit(&commit, turn),
            Request::Abort(abort) => self.abort(&abort, turn),
            Request::Disconnect(disconnect) => {
                self.receipt(disconnect.receipt.as_deref(), turn);
                return Err(Refusal::Disconnected);
            }
        }?;
        Ok(())
    }

    fn connect(&mut self, connect: &server::Connect<'_>, turn: &mut Turn) -> Result<(), Fault> {
        if let Some(client_id) = connect.client_id.as_deref().filter(|id| !id.is_empty()) {
            self.client = client_id.into();
            self.sending.producer = client_id.into();
        }
        let greeting = Greeting {
            server: SERVER,
            session: self.session.name(),
        };
        self.machine
            .connected(turn.now_ms, &greeting, &mut turn.replies);
        self.decoder.set_version(self.machine.version());
        self.presence.begins();
        Ok(())
    }

    /// Sees to what the broker left to be done for others.
    fn carry_out(&self, turn: &mut Turn) {
        turn.carry_out(&self.advisories, &self.session);
    }

    fn receipt(&self, receipt: Option<&str>, turn: &mut Turn) {
        if let Some(receipt) = receipt {
            self.machine.receipt(receipt, &mut turn.replies);
        }
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
        while turn.has_time()
            && let Some((item, used)) = self.decoder.decode(&input[at..]).map_err(Fault::from)?
        {
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
        self.presence.ends();
        let message = match ending {
            Ending::Stopping => "the server is stopping",
            Ending::TooSlow => "too slow",
            Ending::NoHandshake => "no CONNECT in time",
            Ending::Silent => "no heart-beat",
            Ending::Unread => "replies unread",
            Ending::Unfinished => "frame too slow",
            Ending::GaveWay => "too many frames are arriving",
            // Told already, or nobody to tell, or not of this protocol.
            Ending::ByPeer
            | Ending::Fault(_)
            | Ending::Framing(_)
            | Ending::Io(_)
            | Ending::Text
            | Ending::TakenOver => return,
        };
        let fault = Fault::refused(message, ending.told(), None);
        self.machine.error(&fault, replies);
    }
}

const SERVER: &str = concat!("Carillon/", env!("CARGO_PKG_VERSION"));
