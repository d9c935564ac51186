//! The records of a session in the log on disk.
//!
//! While a client is connected, its subscriptions and will are recorded when they change, received messages of QoS 2
//! together with their packet identifiers, and once a second the position below which everything is acknowledged. After a
//! crash, later messages are sent again as new ones.
//!
//! Deliveries of QoS 2 are recorded with their packet identifiers before they are sent, and PUBREC before PUBREL is sent. So
//! after a crash an identifier stands for the same message as before. The record has all deliveries in flight; this is so
//! until none is left, and after the client has disconnected.
//!
//! A subscription for which the broker has retained messages is recorded with the positions of these messages, before SUBACK.
//! They are owed until they are acknowledged, or recorded as deliveries in flight. After a crash, those that are owed are
//! sent.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use broker::{RetainedRange, RetainedRound, Session, TopicFilter, UnreadRetained};
use wire::mqtt::{Outgoing, PacketId, QoS, SubscriptionId};

use super::{
    MqttHandler, SharedState,
    options::Subscribed,
    saved_session::{Sent, Subscriptions},
    sessions::DetachedSession,
    subscribe::{SubscriptionKind, kind_of_filter},
    will::Will,
};
use crate::{
    access_control::SessionOwner,
    clock,
    context::ServerContext,
    storage::{
        InFlight, OwedRetained, SentMessage, SessionData, SessionLog, SubscriptionChange,
        SubscriptionData, WindowData,
    },
};

/// The progress of a connected session that survives a restart, shared by the connection's halves and the periodic work.
#[derive(Debug)]
pub struct Progress {
    log: SessionLog,
    session: Arc<Session>,
    /// The user to whom the session belongs.
    owner: SessionOwner,
    /// True if no delivery of QoS 1 or 2 is in flight.
    is_window_empty: AtomicBool,
    /// Everything up to this position is acknowledged.
    acknowledged: AtomicU64,
    /// The position that was recorded last.
    recorded: AtomicU64,
    /// Held while the window is recorded, so that an older one does not replace a newer one.
    window: Mutex<Window>,
    /// The number of recorded changes since the data were recorded, and the number from which on the data are recorded again.
    changes: AtomicU32,
    most_changes: AtomicU32,
}

/// The packet identifiers in use.
#[derive(Debug, Default)]
struct Window {
    /// Received messages of QoS 2 that are not released.
    incoming: Vec<u16>,
    /// The deliveries in flight, if they have to keep their identifiers.
    deliveries: Option<Deliveries>,
    /// The subscriptions whose retained messages are not all acknowledged or among `deliveries`.
    retained: Vec<OwedRetained>,
    /// The number of the newest round that `retained` takes into account.
    newest_round: u64,
    is_retained_recorded: bool,
    /// The connection has ended: the session is recorded with its whole window.
    is_ended: bool,
}

/// All deliveries in flight at one time.
#[derive(Debug)]
struct Deliveries {
    /// Messages up to this position are acknowledged or in flight; later ones are delivered again after a crash.
    position: u64,
    in_flight: Vec<InFlight>,
    is_recorded: bool,
}

impl Progress {
    /// Returns the progress of a session, which has acknowledged everything before its deliveries in flight.
    pub fn new(
        log: SessionLog,
        session: &Arc<Session>,
        owner: SessionOwner,
        outgoing: &Outgoing<Sent>,
        incoming: impl Iterator<Item = PacketId>,
    ) -> Arc<Self> {
        session.set_lasting(true);
        let unread = session.unread_retained();
        let progress = Self {
            log,
            session: Arc::clone(session),
            owner,
            is_window_empty: AtomicBool::new(true),
            acknowledged: AtomicU64::new(session.read_up_to()),
            recorded: AtomicU64::new(u64::MAX),
            window: Mutex::new(Window {
                incoming: incoming.map(PacketId::get).collect(),
                // Those of an earlier connection have their identifiers.
                deliveries: (!outgoing.is_empty()).then(|| Deliveries::of(session, outgoing)),
                newest_round: unread.newest,
                // By the end of the earlier connection.
                is_retained_recorded: true,
                retained: owed(unread),
                is_ended: false,
            }),
            changes: AtomicU32::new(0),
            most_changes: AtomicU32::new(0),
        };
        progress.update(outgoing);
        Arc::new(progress)
    }

    /// Notes that a delivery of QoS 1 or 2 was sent.
    pub fn note_sent(&self) {
        self.is_window_empty.store(false, Ordering::Relaxed);
    }

    /// Notes the deliveries in flight after acknowledgements.
    pub fn update(&self, outgoing: &Outgoing<Sent>) {
        let read = self.session.read_up_to();
        let in_flight = outgoing.iter().filter(|(.., sent)| !sent.was_retained);
        let in_flight = in_flight.filter_map(|(.., sent)| sent.position());
        let oldest = in_flight.min();
        let acknowledged = oldest.map_or(read, |oldest| read.min(oldest.saturating_sub(1)));
        self.acknowledged.store(acknowledged, Ordering::Relaxed);
        self.is_window_empty
            .store(outgoing.is_empty(), Ordering::Relaxed);
        let mut window = self.window();
        if window.deliveries.is_some() || !window.retained.is_empty() {
            // Without a delivery in flight, the position says everything.
            window.deliveries =
                (!outgoing.is_empty()).then(|| Deliveries::of(&self.session, outgoing));
            window.set_retained(self.session.unread_retained());
        }
    }

    /// Notes that a subscription was created or replaced. If the broker has retained messages for it, they are owed.
    pub fn note_subscribed(&self, filter: &TopicFilter) {
        let Some(RetainedRound { number, range }) = self.session.newest_retained() else {
            return;
        };
        let mut window = self.window();
        // Otherwise they have been read, and what was read is recorded.
        if number > window.newest_round {
            window.newest_round = number;
            window.remove_retained(filter);
            window.retained.push(owed_in(filter, range));
            window.is_retained_recorded = false;
        }
    }

    /// Notes that a subscription has ended.
    pub fn note_unsubscribed(&self, filter: &TopicFilter) {
        self.window().remove_retained(filter);
    }

    /// Records which retained messages are owed, if this has changed.
    pub fn record_retained(&self) {
        let mut window = self.window();
        if !window.is_retained_recorded {
            self.record_window(&mut window);
        }
    }

    /// Records the deliveries in flight with their identifiers. Returns the ticket of the log.
    pub fn record_deliveries(&self, outgoing: &Outgoing<Sent>) -> u64 {
        let mut window = self.window();
        window.deliveries = Some(Deliveries::of(&self.session, outgoing));
        window.set_retained(self.session.unread_retained());
        self.record_window(&mut window);
        drop(window);
        self.ticket()
    }

    /// Notes the received messages of QoS 2 that are not released, and records them.
    pub fn record_incoming(&self, incoming: impl Iterator<Item = PacketId>) {
        let mut window = self.window();
        window.incoming = incoming.map(PacketId::get).collect();
        self.record_window(&mut window);
    }

    /// Records the position and the deliveries in flight, if they have changed.
    pub fn record_if_changed(&self) {
        let mut window = self.window();
        if !window.retained.is_empty() {
            // In this order: a delivery is in flight before its message counts as read.
            let unread = self.session.unread_retained();
            if self.is_window_empty.load(Ordering::Relaxed) {
                window.set_retained(unread);
            }
        }
        let is_recorded = match &window.deliveries {
            Some(deliveries) => deliveries.is_recorded,
            None => self.recorded.load(Ordering::Relaxed) == self.acknowledged(),
        };
        if !is_recorded || !window.is_retained_recorded {
            self.record_window(&mut window);
        }
    }

    /// Records nothing more.
    pub fn end(&self) {
        self.window().is_ended = true;
    }

    fn record_window(&self, window: &mut Window) {
        if window.is_ended {
            return;
        }
        let (position, outgoing) = match &mut window.deliveries {
            Some(deliveries) => {
                deliveries.is_recorded = true;
                // So the position is recorded again when no delivery is in flight.
                self.recorded.store(u64::MAX, Ordering::Relaxed);
                (deliveries.position, deliveries.in_flight.clone())
            }
            None => {
                let acknowledged = self.acknowledged();
                self.recorded.store(acknowledged, Ordering::Relaxed);
                (acknowledged, Vec::new())
            }
        };
        window.is_retained_recorded = true;
        let data = WindowData {
            incoming: window.incoming.clone(),
            outgoing,
            retained: window.retained.clone(),
        };
        self.log.save_window(self.session.name(), position, data);
    }

    /// Returns the position up to which everything is acknowledged.
    fn acknowledged(&self) -> u64 {
        // In this order: a delivery is in flight before the session has read up to its position.
        let read = self.session.read_up_to();
        match self.is_window_empty.load(Ordering::Relaxed) {
            true => read,
            false => self.acknowledged.load(Ordering::Relaxed),
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the data of the session of a connected client.
    pub fn record_data(&self, subscriptions: &Subscriptions, will: Option<&Will>, expiry_s: u32) {
        let data = SessionData {
            owner: self.owner.clone(),
            subscriptions: subscription_data(subscriptions),
            expiry_s,
            ends_ms: None,
            will: will.map(|will| will.data(None)),
        };
        self.log.save(self.session.name(), data);
        self.remove_changes();
        let most = u32::try_from(subscriptions.len()).unwrap_or(u32::MAX);
        self.most_changes
            .store(most.max(FEWEST_CHANGES), Ordering::Relaxed);
    }

    /// Records changes of the subscriptions, instead of all subscriptions. Returns false if there are too many recorded
    /// changes: as many as there were subscriptions when the data were recorded. So the bytes for each change do not grow
    /// with the number of subscriptions.
    #[must_use]
    pub fn record_changes(&self, changes: Vec<SubscriptionChange>) -> bool {
        let number = self.changes.load(Ordering::Relaxed);
        if number >= self.most_changes.load(Ordering::Relaxed) {
            return false;
        }
        self.log.save_changes(self.session.name(), number, changes);
        self.changes.store(number + 1, Ordering::Relaxed);
        true
    }

    /// Removes the records of changes, after the data were recorded or the session has ended.
    pub fn remove_changes(&self) {
        let count = self.changes.swap(0, Ordering::Relaxed);
        self.log.remove_changes(self.session.name(), count);
    }

    /// Returns the ticket of everything that was recorded.
    pub fn ticket(&self) -> u64 {
        self.log.ticket()
    }

    /// Records that the session ends.
    pub fn record_end(&self) {
        self.end();
        self.session.set_lasting(false);
        self.log.remove(self.session.name());
        self.remove_changes();
    }
}

/// A session with few subscriptions has at least this many recorded changes before its data are recorded again.
const FEWEST_CHANGES: u32 = 16;

impl Window {
    /// Sets the retained messages that are not read. Everything that was read is acknowledged or in `deliveries`.
    fn set_retained(&mut self, unread: UnreadRetained) {
        self.newest_round = unread.newest;
        let retained = owed(unread);
        if retained != self.retained {
            self.retained = retained;
            self.is_retained_recorded = false;
        }
    }

    /// Removes the retained messages that are owed to a subscription.
    fn remove_retained(&mut self, filter: &TopicFilter) {
        let before = self.retained.len();
        self.retained.retain(|owed| owed.filter != filter.as_str());
        self.is_retained_recorded &= self.retained.len() == before;
    }
}

impl Deliveries {
    fn of(session: &Session, outgoing: &Outgoing<Sent>) -> Self {
        Self {
            position: session.read_up_to(),
            in_flight: in_flight(outgoing),
            is_recorded: false,
        }
    }
}

impl DetachedSession {
    /// Records the session: its data, and its deliveries in flight.
    pub fn record(&self, context: &ServerContext) {
        let Some(log) = &context.session_log else {
            return;
        };
        let saved = &self.saved;
        let session = saved.reader.session();
        let data = SessionData {
            owner: self.owner.clone(),
            subscriptions: subscription_data(&saved.subscriptions),
            expiry_s: self.expiry_s,
            ends_ms: Some(unix_of(context, self.ends_ms)),
            will: self
                .will
                .as_ref()
                .map(|(due_ms, will)| will.data(Some(unix_of(context, *due_ms)))),
        };
        log.save(session.name(), data);
        let window = WindowData {
            incoming: saved.incoming.unreleased().map(PacketId::get).collect(),
            outgoing: in_flight(&saved.outgoing),
            retained: owed(session.unread_retained()),
        };
        log.save_window(session.name(), session.read_up_to(), window);
        // Nobody waits for it, but a crash should not lose it.
        log.ticket();
    }
}

/// Returns the deliveries in flight for the log.
///
/// One of a queue is recorded without its message, which its queue has. With QoS 1 nothing is left to record; with QoS 2 the
/// client has to forget the identifier, because the message will be delivered with another one.
fn in_flight(outgoing: &Outgoing<Sent>) -> Vec<InFlight> {
    let recorded = outgoing.unacknowledged().filter_map(|(id, slot)| {
        let message = slot.and_then(|(qos, sent)| sent_message(qos, sent));
        let is_forgotten = message.is_none() && slot.is_some_and(|(qos, _)| qos < QoS::ExactlyOnce);
        (!is_forgotten).then_some(InFlight {
            id: id.get(),
            message,
        })
    });
    recorded.collect()
}

fn sent_message(qos: QoS, sent: &Sent) -> Option<SentMessage> {
    Some(SentMessage {
        qos: qos.level(),
        position: sent.position()?,
        subscription: sent.subscription.map(SubscriptionId::get),
        retain: sent.retain,
        was_retained: sent.was_retained,
    })
}

/// Returns the retained messages that are not read for the log.
fn owed(unread: UnreadRetained) -> Vec<OwedRetained> {
    let subscriptions = unread.subscriptions.iter();
    subscriptions
        .map(|(filter, range)| owed_in(filter, *range))
        .collect()
}

fn owed_in(filter: &TopicFilter, range: RetainedRange) -> OwedRetained {
    OwedRetained {
        filter: filter.as_str().to_owned(),
        after: range.after,
        up_to: range.up_to,
    }
}

fn subscription_data(subscriptions: &Subscriptions) -> Vec<SubscriptionData> {
    let all = subscriptions.iter();
    all.map(|(filter, subscribed)| subscribed.data(filter))
        .collect()
}

impl Subscribed {
    /// Returns the subscription to this filter for the log.
    pub fn data(&self, filter: &str) -> SubscriptionData {
        SubscriptionData {
            filter: filter.to_owned(),
            tag: self.options.tag(),
            skips_own: self.skips_own,
        }
    }
}

/// Converts a time of the server's clock to Unix milliseconds.
fn unix_of(context: &ServerContext, clock_ms: u64) -> u64 {
    let left = clock_ms.saturating_sub(context.clock.now_ms());
    clock::unix_ms().saturating_add(left)
}

impl MqttHandler {
    /// Records the progress of the connected sessions.
    pub fn record_progress(&self) {
        self.shared_state.record_progress();
    }
}

impl SharedState {
    /// Records the progress of the connected sessions.
    pub fn record_progress(&self) {
        for progress in self.sessions.connected_progress() {
            progress.record_if_changed();
        }
    }
}

/// Parses the filter of a subscription.
pub(super) fn kind_of_text(filter: &str) -> Result<SubscriptionKind, String> {
    let filter = wire::mqtt::TopicFilter::parse(filter).map_err(|error| error.to_string())?;
    kind_of_filter(filter).map_err(|refused| refused.text)
}
