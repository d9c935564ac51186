//! The restoration of sessions after a restart, from what [`persistence`](super::persistence) has recorded.

use std::{collections::HashMap, sync::Arc};

use broker::{
    Consume, Outcome, Overflow, Pool, Quota, Reader, Retained, RetainedRange, SharedEntry, Start,
};
use wire::mqtt::{Incoming, Outgoing, PacketId, QoS, SubscriptionId, server};

use super::{
    MqttHandler, SharedState,
    options::{DeliveryOptions, Subscribed},
    persistence::kind_of_text,
    saved_session::{SavedSession, Sent, Subscriptions},
    sessions::DetachedSession,
    subscribe::{SubscriptionKind, acknowledgement_of, own_messages},
    will::{self, Will},
};
use crate::{
    clock,
    context::ServerContext,
    storage::{InFlight, OwedRetained, RestoredSession, SubscriptionData, WillData, WindowData},
};

impl MqttHandler {
    /// Restores the sessions of an earlier run. Their clients are disconnected.
    pub fn restore_sessions(&self, sessions: Vec<RestoredSession>) {
        let context = self.server.background_context();
        self.shared_state.restore_sessions(sessions, &context);
    }
}

impl SharedState {
    /// Restores the sessions of an earlier run. Their clients are disconnected.
    pub fn restore_sessions(&self, sessions: Vec<RestoredSession>, context: &ServerContext) {
        for session in sessions {
            let client = Arc::clone(&session.client);
            let detached = self.restore_session(&client, session, context);
            self.sessions.restore(&client, detached);
        }
    }

    fn restore_session(
        &self,
        client: &Arc<str>,
        restored: RestoredSession,
        context: &ServerContext,
    ) -> DetachedSession {
        let RestoredSession {
            data,
            position,
            window,
            messages,
            ..
        } = restored;
        // With the rights that its user has now.
        let access = &context.access;
        let principal = access.principal_of_earlier_run(data.owner.clone(), Arc::clone(client));
        let account = principal.account();
        let charge = account.map(|account| account.holder().charge(Quota::Sessions));
        let mut context = context.clone();
        context.set_principal(principal);
        let context = &context;
        let mut reader = context.create_session(Arc::clone(client));
        reader.session().set_lasting(true);
        reader.session().set_read_up_to(position);
        let overflow = self.options.overflow;
        let prefetch = usize::from(self.options.inflight);
        let mut subscriptions = Subscriptions::new();
        let mut is_complete = true;
        for subscription in &data.subscriptions {
            let start = Start::AfterPosition(position);
            let options = RestoredSubscription {
                subscription,
                start,
                owed: &window.retained,
                overflow,
                prefetch,
            };
            match subscribe(context, &reader, options) {
                Ok(subscribed) => {
                    subscriptions.insert(subscription.filter.as_str().into(), subscribed);
                }
                Err(error) => {
                    let filter = &subscription.filter;
                    tracing::warn!(%client, filter, error, "a subscription is not restored");
                    is_complete = false;
                }
            }
        }
        reader.collect();
        let mut saved = SavedSession {
            reader,
            subscriptions,
            outgoing: outgoing(&window, messages),
            incoming: Incoming::restored(
                window.incoming.iter().filter_map(|id| PacketId::new(*id)),
            ),
            charge,
        };
        saved.pause(context);
        let ends_ms = match data.ends_ms {
            Some(unix_ms) => clock_of(context, unix_ms),
            None => context.clock.now_ms() + super::milliseconds(data.expiry_s),
        };
        let detached = DetachedSession {
            saved,
            owner: data.owner,
            will: data
                .will
                .and_then(|will| self.restore_will(client, will, context)),
            ends_ms,
            expiry_s: data.expiry_s,
            _charge: context.client.charge(Pool::Sessions, 1),
        };
        // Otherwise the next start may restore the rest.
        if is_complete {
            detached.record(context);
        }
        detached
    }

    /// Returns the will with its time of publication. The connection of a client that was connected ended with the server.
    fn restore_will(
        &self,
        client: &Arc<str>,
        data: WillData,
        context: &ServerContext,
    ) -> Option<(u64, Will)> {
        let due_ms = match data.due_ms {
            Some(unix_ms) => clock_of(context, unix_ms),
            None => context.clock.now_ms() + super::milliseconds(data.delay_s),
        };
        let will = server::Will::restored(server::WillParts {
            qos: QoS::from_level(data.qos).unwrap_or_default(),
            retain: data.retain,
            topic: data.topic.into(),
            payload: data.payload.into(),
            delay_s: data.delay_s,
            properties: data.properties.into(),
        });
        let limits = will::WillLimits {
            client: &context.client,
            principal: &context.principal,
            body_bytes: self.options.body_bytes,
        };
        match Will::new(will, client, &limits) {
            Ok(will) => Some((due_ms, will)),
            Err(error) => {
                tracing::warn!(%client, %error, "a will is not restored");
                None
            }
        }
    }
}

struct RestoredSubscription<'a> {
    subscription: &'a SubscriptionData,
    start: Start,
    /// The retained messages that the session has not got.
    owed: &'a [OwedRetained],
    overflow: Overflow,
    prefetch: usize,
}

fn subscribe(
    context: &ServerContext,
    reader: &Reader,
    restored: RestoredSubscription<'_>,
) -> Result<Subscribed, String> {
    let data = restored.subscription;
    let options = DeliveryOptions::from_tag(&data.tag);
    let session = reader.session();
    let mut outcome = Outcome::default();
    let id = match kind_of_text(&data.filter)? {
        SubscriptionKind::Follow(filter) => {
            let mut owed = restored.owed.iter();
            let owed = owed.find(|owed| owed.filter == filter.as_str());
            let subscribe = broker::Subscribe {
                start: restored.start,
                overflow: restored.overflow,
                retained: owed.map_or(Retained::Omitted, |owed| {
                    Retained::Rest(RetainedRange {
                        after: owed.after,
                        up_to: owed.up_to,
                    })
                }),
                own_messages: own_messages(data.skips_own),
                tag: &data.tag,
                ..broker::Subscribe::to(&filter)
            };
            context.broker.subscribe(session, subscribe, &mut outcome)
        }
        SubscriptionKind::Consume(source) => {
            let consume = Consume {
                source,
                acknowledgement: acknowledgement_of(options.maximum_qos),
                prefetch: restored.prefetch,
                exclusive: false,
                selector: None,
                tag: &data.tag,
            };
            context.broker.consume(session, consume, &mut outcome)
        }
    };
    context.advisories.carry_out(&mut outcome, None);
    let id = id.map_err(|error| error.to_string())?;
    Ok(Subscribed {
        id,
        options,
        skips_own: data.skips_own,
    })
}

/// Returns the deliveries in flight. A message that the store does not have any more was acknowledged or not persistent. With
/// QoS 2 its client may still remember the identifier, and forgets it at PUBREL.
fn outgoing(window: &WindowData, messages: Vec<SharedEntry>) -> Outgoing<Sent> {
    let by_position: HashMap<u64, SharedEntry> = messages
        .into_iter()
        .map(|entry| (entry.position(), entry))
        .collect();
    let mut outgoing = Outgoing::new(1, 1);
    for InFlight { id, message } in &window.outgoing {
        let Some(id) = PacketId::new(*id) else {
            continue;
        };
        let qos = message.as_ref().map_or(QoS::ExactlyOnce, |message| {
            QoS::from_level(message.qos).unwrap_or_default()
        });
        let found = message
            .as_ref()
            .and_then(|message| Some((message, by_position.get(&message.position)?)));
        let slot = found.map(|(message, entry)| {
            let sent = Sent {
                entry: Some(entry.clone()),
                queue_delivery: None,
                subscription: message.subscription.and_then(SubscriptionId::new),
                retain: message.retain,
                was_retained: message.was_retained,
            };
            (qos, sent)
        });
        if slot.is_none() && qos < QoS::ExactlyOnce {
            continue;
        }
        outgoing.restore(id, slot);
    }
    outgoing
}

/// Converts Unix milliseconds to a time of the server's clock. A time in the past is now.
fn clock_of(context: &ServerContext, unix_ms: u64) -> u64 {
    let left = unix_ms.saturating_sub(clock::unix_ms());
    context.clock.now_ms().saturating_add(left)
}
