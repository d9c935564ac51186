//! The tap of one connection: gives its input and output to the traces that concern it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::Ordering};

use broker::{DestinationKind, TopicName};

use super::{
    Trace, Traces,
    decoding::{CLIENT_ID_FIELDS, Decoding, HEART_BEAT, ProtocolVersion, claim, end},
    frame::{Direction, Frame, Identity, Named},
    show_to,
};
use crate::{clock, connection_control::OpenConnection};

/// Both halves of a connection have a copy of its tap.
#[derive(Clone)]
pub struct Tap {
    traces: Arc<Traces>,
    state: Arc<TapState>,
}

/// The part that the copies share.
pub(super) struct TapState {
    listed: Arc<OpenConnection>,
    version: OnceLock<ProtocolVersion>,
    slot: Mutex<Slot>,
}

/// The finding of the tap at a generation of the traces.
#[derive(Default)]
struct Slot {
    generation: u64,
    /// `None` if no trace concerns the connection.
    watched: Option<Box<Watched>>,
}

/// A connection that a trace concerns, or whose client id is not known yet.
struct Watched {
    epoch: u64,
    identity: Identity,
    traces: Vec<Arc<Trace>>,
    incoming: Decoding,
    outgoing: Decoding,
    /// True after CONNECT: who the client is does not change any more.
    is_connected: bool,
    /// Number of bytes at the beginning of the unprocessed input that are shown already.
    shown: usize,
}

/// The source of a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// The kind of the destination to which the message was published or sent.
    pub kind: DestinationKind,
    /// Its name.
    pub name: &'a TopicName,
    /// The queue that it is delivered from, if any.
    pub queue: Option<&'a TopicName>,
}

impl Tap {
    /// Creates the tap of a connection. `version` is `None` if the client has not connected yet.
    pub fn new(
        traces: &Arc<Traces>,
        listed: &Arc<OpenConnection>,
        version: Option<ProtocolVersion>,
    ) -> Self {
        Self {
            traces: Arc::clone(traces),
            state: Arc::new(TapState {
                listed: Arc::clone(listed),
                version: version.map_or_else(OnceLock::new, Into::into),
                slot: Mutex::default(),
            }),
        }
    }

    /// Returns true while a trace runs, whichever connections it concerns. The other methods need not be called otherwise.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.traces.is_active()
    }

    /// Sets the version that the client and the server have negotiated.
    pub fn set_version(&self, version: ProtocolVersion) {
        self.state.version.get_or_init(|| version);
    }

    /// Shows the whole frames at the beginning of the unprocessed input that are not shown yet.
    #[cold]
    pub fn incoming(&self, input: &[u8]) {
        let mut slot = self.refresh();
        let Some(watched) = &mut slot.watched else {
            return;
        };
        let session = self.state.listed.session().name();
        let mut at = watched.shown.min(input.len());
        let mut follows_frame = false;
        while let Some(step) = watched.incoming.next(&input[at..], None, session) {
            at += step.used;
            let Some(frame) = step.frame else {
                continue;
            };
            // A line end directly after a frame is not a heart-beat but part of it.
            let is_heart_beat = frame.frame_type == HEART_BEAT;
            if !is_heart_beat || !follows_frame {
                watched.connect(&frame, &self.traces);
                watched.show(Direction::In, &frame);
            }
            follows_frame = !is_heart_beat;
        }
        watched.shown = at;
        if watched.is_connected && watched.traces.is_empty() {
            slot.watched = None;
        }
    }

    /// Notes that the connection has processed this number of bytes of its input.
    #[cold]
    pub fn processed(&self, bytes: usize) {
        if let Some(watched) = &mut self.state.slot().watched {
            watched.shown = watched.shown.saturating_sub(bytes);
        }
    }

    /// Shows whole frames for the client.
    #[cold]
    pub fn outgoing(&self, frames: &[u8], delivered: Option<Delivered<'_>>) {
        let mut slot = self.refresh();
        let Some(watched) = &mut slot.watched else {
            return;
        };
        let session = self.state.listed.session().name();
        let topic = delivered.map(|from| destination::mqtt::written(from.kind, from.name.as_str()));
        let mut at = 0;
        while let Some(step) = watched
            .outgoing
            .next(&frames[at..], topic.as_deref(), session)
        {
            at += step.used;
            if let Some(mut frame) = step.frame {
                if let Some(from) = delivered {
                    frame.names = from.names();
                }
                watched.show(Direction::Out, &frame);
            }
        }
    }

    /// Shows that the connection ends, and why.
    #[cold]
    pub fn ended(&self, reason: &str) {
        let mut slot = self.refresh();
        if let Some(watched) = &mut slot.watched {
            watched.show(Direction::Out, &end(self.state.listed.protocol(), reason));
        }
    }

    /// Finds out which traces concern the connection, if traces have started or ended.
    fn refresh(&self) -> MutexGuard<'_, Slot> {
        let mut slot = self.state.slot();
        let generation = self.traces.generation.load(Ordering::SeqCst);
        if slot.generation == generation {
            return slot;
        }
        slot.generation = generation;
        let epoch = self.traces.running().epoch;
        // A connection that was watched goes on at the same place, unless nothing was watched in between.
        let earlier = slot.watched.take().filter(|watched| watched.epoch == epoch);
        let identity = match &earlier {
            Some(earlier) => earlier.identity.clone(),
            None => Identity::from(&*self.state.listed),
        };
        let traces = self.traces.matching(&identity);
        let version = self.state.version.get().copied();
        if traces.is_empty() && version.is_some() {
            return slot;
        }
        slot.watched = Some(match earlier {
            Some(mut earlier) => {
                earlier.traces = traces;
                earlier
            }
            None => {
                self.traces.engage(Arc::downgrade(&self.state));
                let protocol = self.state.listed.protocol();
                Box::new(Watched {
                    epoch,
                    identity,
                    traces,
                    incoming: Decoding::new(protocol, version, Direction::In),
                    outgoing: Decoding::new(protocol, version, Direction::Out),
                    is_connected: version.is_some(),
                    shown: 0,
                })
            }
        });
        slot
    }
}

impl TapState {
    /// Frees the memory that only traces need, unless another trace has started.
    pub(super) fn release(&self, traces: &Traces) {
        let mut slot = self.slot();
        if !traces.is_active() {
            *slot = Slot::default();
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// Learns from a CONNECT of STOMP who the client is, and which version the frames after it have.
    fn connect(&mut self, frame: &Frame<'_>, traces: &Traces) {
        if !frame.is_connect() {
            return;
        }
        if let Some(ProtocolVersion::Stomp(version)) = self.incoming.version() {
            self.outgoing.set_stomp_version(version);
        }
        claim(&mut self.identity.client, frame, CLIENT_ID_FIELDS);
        self.is_connected = true;
        self.traces = traces.matching(&self.identity);
    }

    fn show(&self, direction: Direction, frame: &Frame<'_>) {
        show_to(
            &self.traces,
            direction,
            &self.identity,
            clock::unix_ms(),
            frame,
        );
    }
}

impl Delivered<'_> {
    fn names(self) -> Vec<Named> {
        let own = Named::Name(self.kind, self.name.clone());
        let queue = self
            .queue
            .map(|queue| Named::Name(DestinationKind::Queue, queue.clone()));
        let queue = queue.filter(|queue| *queue != own);
        std::iter::once(own).chain(queue).collect()
    }
}

impl From<&OpenConnection> for Identity {
    fn from(listed: &OpenConnection) -> Self {
        Self {
            connection: Some(listed.id()),
            address: listed.address(),
            port: listed.port(),
            user: listed.user().cloned(),
            client: listed.client().cloned(),
        }
    }
}

#[cfg(test)]
impl Tap {
    /// Returns the tap of a connection of the client `c` from 127.0.0.1:5, without a socket.
    pub fn of_test(
        traces: &Arc<Traces>,
        protocol: crate::connection_control::ClientProtocol,
        version: Option<ProtocolVersion>,
    ) -> Self {
        use crate::{
            access_control::AccessControl,
            audit::AuditLog,
            clock::Clock,
            connection_control::{ConnectionControl, NewConnection},
        };

        struct NoPeer;
        impl broker::Peer for NoPeer {
            fn deliver(&self) {}
            fn wake(&self) {}
        }
        let broker = broker::Broker::new(1, broker::Limits::default());
        let peer = std::sync::Weak::<NoPeer>::new();
        let reader = broker.attach("c".into(), peer);
        let listed = ConnectionControl::new(Clock::start()).open(NewConnection {
            session: reader.session(),
            principal: AccessControl::new(None, AuditLog::none()).open_principal(),
            protocol,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port: std::num::NonZeroU16::new(5),
            charge: None,
        });
        Self::new(traces, &listed, version)
    }
}
