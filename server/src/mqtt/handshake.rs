//! From the first byte to CONNACK (5.0, 3.1.4): who is there, whose session it is, and what goes on in it.

use std::sync::Arc;

use broker::{Client, Pool, Reader};
use tokio::time::{Instant, timeout_at};
use wire::mqtt::{
    ConnectReason, Outgoing,
    server::{self, Greeting, Handshake, Opened},
};

use super::{
    Beginning, Mqtt, Reception,
    encoder::{MqttEncoder, Wishes},
    kept::{Kept, Sent, Subscriptions},
    sessions::Occupant,
    will::{self, Unwilling, Will},
};
use crate::{
    connection::{self, Ending, Framing, Kind, Opening, Prelude, Surroundings, Transport, Voice},
    listener::stopped,
    server::Server,
};

/// Serves a peer until one side ends it.
pub async fn serve<T: Transport, F: Framing>(
    server: &Arc<Server>,
    socket: T,
    mut prelude: Prelude<F>,
) {
    let surroundings = server.surroundings(server.client_of(socket.tcp()));
    let mut stopping = server.stopping.clone();
    let begun = tokio::select! {
        // In a box, which is gone when the connection begins.
        begun = Box::pin(begin(&server.mqtt, &surroundings, &socket, &mut prelude)) => begun,
        () = stopped(&mut stopping) => Err(Ending::Stopping.into()),
    };
    let Begun {
        beginning,
        wishes,
        outgoing,
        greeting,
    } = match begun {
        Ok(begun) => begun,
        Err(Turned { ending, connack }) => {
            tracing::debug!(%ending, "an MQTT connection does not begin");
            connection::turn_away::<T, F>(&socket, &connack, &ending).await;
            return;
        }
    };
    let encoder = MqttEncoder::new(&wishes, outgoing);
    let (protocol, reader) = Mqtt::new(&surroundings, beginning);
    let opening = Opening {
        socket,
        framing: prelude.framing,
        protocol,
        voice: Voice { reader, encoder },
        received: prelude.received,
        greeting,
    };
    connection::serve(surroundings, opening).await;
}

/// Somebody who is not let in.
#[derive(Debug)]
pub(super) struct Turned {
    ending: Ending,
    /// What they are told, if anything.
    pub connack: Vec<u8>,
}

impl From<Ending> for Turned {
    fn from(ending: Ending) -> Self {
        Self {
            ending,
            connack: Vec::new(),
        }
    }
}

/// A client that is let in.
pub(super) struct Begun {
    pub beginning: Beginning,
    pub wishes: Wishes,
    pub outgoing: Outgoing<Sent>,
    /// CONNACK.
    pub greeting: Vec<u8>,
}

async fn begin<F: Framing>(
    reception: &Reception,
    surroundings: &Surroundings,
    socket: &impl Transport,
    prelude: &mut Prelude<F>,
) -> Result<Begun, Turned> {
    let config = &reception.options.machine;
    let until = Instant::now() + std::time::Duration::from_millis(config.handshake_ms.into());
    let now_ms = surroundings.clock.now_ms();
    let handshake = Handshake::new(config, now_ms);
    let opened = timeout_at(until, connect(handshake, socket, prelude)).await;
    let opened = opened.map_err(|_| Ending::NoHandshake)??;
    let guest = Guest::new(reception, &surroundings.client, opened)?;
    // Whoever has the client id is asked to leave, and does so at once.
    let arrival = reception.sessions.arrive(&guest.client);
    let Ok(seated) = timeout_at(until, arrival.sit()).await else {
        return Err(guest.refused(
            ConnectReason::ServerBusy,
            "the client id is in use by another connection",
        ));
    };
    let occupant = Occupant::new(&reception.sessions, &guest.client, seated);
    guest.begin(reception, surroundings, occupant)
}

/// Reads CONNECT.
async fn connect<F: Framing>(
    mut handshake: Handshake,
    socket: &impl Transport,
    prelude: &mut Prelude<F>,
) -> Result<Opened, Turned> {
    let found = prelude.until(socket, |received| {
        if received.kind == Some(Kind::Text) {
            return Some(Err(Ending::Text.into()));
        }
        match handshake.connect(&received.unread) {
            Ok(found) => found.map(Ok),
            Err(refusal) => Some(Err(Turned {
                ending: Ending::Fault(refusal.fault.to_string()),
                connack: refusal.connack,
            })),
        }
    });
    let (opened, taken) = found.await??;
    prelude.received.unread.drain(..taken);
    Ok(opened)
}

/// A client that is known, and not let in yet.
pub(super) struct Guest {
    opened: Opened,
    pub client: Arc<str>,
    /// Whether the server gave it its client id.
    is_assigned: bool,
    will: Option<Will>,
}

impl Guest {
    pub fn new(
        reception: &Reception,
        maker: &Arc<Client>,
        mut opened: Opened,
    ) -> Result<Self, Turned> {
        let is_assigned = opened.client_id.is_empty();
        let client: Arc<str> = match is_assigned {
            true => reception.client_id(),
            false => opened.client_id.clone().into(),
        };
        let will = opened.will.take();
        let bounds = will::Bounds {
            maker,
            body_bytes: reception.options.body_bytes,
        };
        let will = will.map(|will| Will::new(will, &client, &bounds));
        match will.transpose() {
            Ok(will) => Ok(Self {
                opened,
                client,
                is_assigned,
                will,
            }),
            Err(error) => {
                let reason = match error {
                    Unwilling::Name(_) => ConnectReason::TopicNameInvalid,
                    Unwilling::Reserved(_) | Unwilling::Temporary(_) => {
                        ConnectReason::NotAuthorized
                    }
                    Unwilling::TooLarge { .. } | Unwilling::Pool(_) => ConnectReason::QuotaExceeded,
                };
                Err(refused(&opened, reason, &error.to_string()))
            }
        }
    }

    fn refused(&self, reason: ConnectReason, text: &str) -> Turned {
        refused(&self.opened, reason, text)
    }

    /// Takes up the session, or makes one.
    pub fn begin(
        self,
        reception: &Reception,
        surroundings: &Surroundings,
        occupant: Occupant,
    ) -> Result<Begun, Turned> {
        let opened = &self.opened;
        let options = &reception.options;
        let own_maximum = options.inflight;
        let now_ms = surroundings.clock.now_ms();
        let kept = take_up(surroundings, &occupant, opened);
        let keeps = opened.session_expiry_s > 0;
        if kept.is_none()
            && keeps
            && let Err(error) = surroundings.client.check_share(Pool::Sessions)
        {
            return Err(self.refused(ConnectReason::QuotaExceeded, &error.to_string()));
        }
        let mut greeting = Vec::new();
        let told = (now_ms, kept.is_some());
        let machine = match self.accept(reception, told, &mut greeting) {
            Ok(machine) => machine,
            Err(turned) => {
                kept.iter().for_each(|kept| kept.end(surroundings));
                return Err(turned);
            }
        };
        let Session {
            reader,
            subscriptions,
            mut outgoing,
            machine,
        } = match kept {
            Some(kept) => Session::resumed(kept, machine, surroundings),
            None => Session::new(&self.client, machine, surroundings),
        };
        outgoing.resume(opened.receive_maximum, own_maximum);
        let wishes = Wishes {
            peer: opened.peer,
            topic_alias_maximum: opened.topic_alias_maximum,
            keeps,
        };
        let beginning = Beginning {
            reader,
            occupant,
            machine,
            subscriptions,
            will: self.will,
            session_expiry_s: opened.session_expiry_s,
            is_bridge: opened.is_bridge,
            max_body_bytes: options.body_bytes,
            overflow: options.overflow,
            prefetch: usize::from(opened.receive_maximum.min(own_maximum)),
        };
        Ok(Begun {
            beginning,
            wishes,
            outgoing,
            greeting,
        })
    }

    fn accept(
        &self,
        reception: &Reception,
        (now_ms, session_present): (u64, bool),
        out: &mut Vec<u8>,
    ) -> Result<server::Session, Turned> {
        let opened = &self.opened;
        let response_information = opened
            .response_information
            .then(|| reception.response_information());
        let greeting = Greeting {
            session_present,
            assigned_client_id: self.is_assigned.then_some(&*self.client),
            response_information: response_information.as_deref(),
        };
        let config = &reception.options.machine;
        opened
            .accept(config, now_ms, &greeting, out)
            .map_err(|fault| Ending::Fault(fault.to_string()).into())
    }
}

fn refused(opened: &Opened, reason: ConnectReason, text: &str) -> Turned {
    let mut connack = Vec::new();
    opened.refuse(reason, text, &mut connack);
    Turned {
        ending: Ending::Fault(text.to_owned()),
        connack,
    }
}

/// What was kept, if the client goes on with it; otherwise it ends here ([MQTT-3.1.2-4]).
fn take_up(surroundings: &Surroundings, occupant: &Occupant, opened: &Opened) -> Option<Kept> {
    let away = *occupant.take()?;
    if !opened.clean_start && !away.kept.reader.session().is_ended() {
        // Its will is not published ([MQTT-3.1.3-9]).
        return Some(away.kept);
    }
    away.kept.end(surroundings);
    if let Some((_, will)) = away.will {
        will.publish(surroundings);
    }
    None
}

/// A session with what belongs to it.
struct Session {
    reader: Reader,
    subscriptions: Subscriptions,
    outgoing: Outgoing<Sent>,
    machine: server::Session,
}

impl Session {
    fn new(client: &Arc<str>, machine: server::Session, surroundings: &Surroundings) -> Self {
        Self {
            reader: surroundings.attach(Arc::clone(client)),
            subscriptions: Subscriptions::new(),
            outgoing: Outgoing::new(1, 1),
            machine,
        }
    }

    fn resumed(mut kept: Kept, mut machine: server::Session, surroundings: &Surroundings) -> Self {
        kept.resume(surroundings);
        machine.resume(kept.incoming);
        Self {
            reader: kept.reader,
            subscriptions: kept.subscriptions,
            outgoing: kept.outgoing,
            machine,
        }
    }
}
