//! SUBSCRIBE and UNSUBSCRIBE (5.0, 3.8 and 3.10).
//!
//! A subscription to topics gets a cursor on each, whatever the QoS. A shared subscription and a subscription to a
//! queue consume messages, and the broker waits for their settlement.

use std::collections::HashMap;

use access::Right;
use broker::{
    Acknowledgement, Consume, DestinationKind, OwnMessages, Retained, SharedName, Source,
    SubscribeError, SubscriptionId, TEMPORARY, TopicFilter,
};
use destination::mqtt as names;
use wire::mqtt::{
    self, QoS, RetainHandling, Subscribe, SubscribeReason, Subscription, Unsubscribe,
    UnsubscribeReason, server::Fault,
};

use super::{
    Mqtt,
    options::{DeliveryOptions, Subscribed},
};
use crate::{
    access_control::{Forbidden, Principal},
    clock,
    connection::ReadCycle,
    storage::SubscriptionChange,
};

/// The way in which a subscription gets its messages.
pub(super) enum SubscriptionKind {
    Follow(TopicFilter),
    Consume(Source),
}

/// The reason why a subscription is refused.
pub(super) struct RefusedSubscription {
    reason: SubscribeReason,
    pub(super) text: String,
}

impl Mqtt {
    /// Processes SUBSCRIBE. Each filter is granted or refused individually.
    ///
    /// # Errors
    ///
    /// The response cannot be encoded.
    pub(super) fn subscribe(
        &mut self,
        packet: &Subscribe<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let identifier = packet.properties.subscription_identifier();
        let mut reasons = Vec::new();
        let mut texts = Vec::new();
        let last = last_indexes(packet);
        for (index, subscription) in packet.subscriptions.into_iter().enumerate() {
            if last.get(subscription.filter.as_str()) != Some(&index) {
                reasons.push(SubscribeReason::granted(subscription.options.maximum_qos));
                continue;
            }
            match self.subscribe_to(&subscription, identifier, cycle) {
                Ok(granted) => {
                    reasons.push(SubscribeReason::granted(granted));
                    let added = self.added(subscription.filter.as_str());
                    self.changes.extend(added);
                }
                Err(refused) => {
                    reasons.push(refused.reason);
                    texts.push(format!("{}: {}", subscription.filter, refused.text));
                }
            }
        }
        self.carry_out(cycle);
        // Available messages are drained at the end of this read cycle, after the response.
        let text = texts.join("; ");
        self.machine
            .suback(packet.packet_id, &reasons, &text, &mut cycle.replies)
    }

    /// Returns the granted QoS.
    fn subscribe_to(
        &mut self,
        subscription: &Subscription<'_>,
        identifier: Option<mqtt::SubscriptionId>,
        cycle: &mut ReadCycle,
    ) -> Result<QoS, RefusedSubscription> {
        let text = subscription.filter.as_str();
        let options = DeliveryOptions {
            maximum_qos: subscription.options.maximum_qos,
            retain_as_published: subscription.options.retain_as_published || self.is_bridge,
            subscription: identifier,
        };
        let old = self.subscriptions.get(text).map(|old| old.id);
        let subscription_kind = kind_of_filter(subscription.filter)?;
        if let Err(forbidden) = subscription_kind.check_rights(&self.principal) {
            self.access.note_forbidden(&self.principal, &forbidden);
            return Err(RefusedSubscription {
                reason: SubscribeReason::NotAuthorized,
                text: forbidden.to_string(),
            });
        }
        if self.progress.is_some() && old.is_none() {
            let recorded = self.broker.check_new().map_err(SubscribeError::from);
            recorded.map_err(|error| RefusedSubscription::from_error(&error))?;
        }
        let id = match subscription_kind {
            SubscriptionKind::Follow(filter) => {
                self.follow(&filter, subscription, options, old, cycle)
            }
            SubscriptionKind::Consume(source) => self.consume(source, options, old, cycle),
        };
        let id = id.map_err(|error| RefusedSubscription::from_error(&error))?;
        let skips_own = self.skips_own(subscription);
        let subscribed = Subscribed {
            id,
            options,
            skips_own,
        };
        self.subscriptions.insert(text.into(), subscribed);
        Ok(options.maximum_qos)
    }

    /// Returns the record of a new subscription, if the session survives a restart.
    fn added(&self, filter: &str) -> Option<SubscriptionChange> {
        self.progress.as_ref()?;
        let subscribed = self.subscriptions.get(filter)?;
        Some(SubscriptionChange::Added(subscribed.data(filter)))
    }

    /// Returns true if the subscription gets no messages of its own client.
    fn skips_own(&self, subscription: &Subscription<'_>) -> bool {
        subscription.options.no_local || self.is_bridge
    }

    fn follow(
        &self,
        filter: &TopicFilter,
        subscription: &Subscription<'_>,
        options: DeliveryOptions,
        old: Option<SubscriptionId>,
        cycle: &mut ReadCycle,
    ) -> Result<SubscriptionId, SubscribeError> {
        let requested = subscription.options;
        let follow = broker::Subscribe {
            overflow: self.overflow,
            retained: match (requested.retain_handling, old) {
                (RetainHandling::Send, _) | (RetainHandling::SendIfNew, None) => Retained::First,
                (RetainHandling::SendIfNew, Some(_)) | (RetainHandling::DoNotSend, _) => {
                    Retained::Omitted
                }
            },
            own_messages: own_messages(self.skips_own(subscription)),
            tag: &options.tag(),
            ..broker::Subscribe::to(filter)
        };
        let outcome = &mut cycle.outcome;
        let id = match old {
            // [MQTT-3.8.4-3], [MQTT-3.8.4-4].
            Some(old) => self.broker.resubscribe(&self.session, old, follow, outcome),
            None => self.broker.subscribe(&self.session, follow, outcome),
        }?;
        let progress = self.progress.iter();
        progress.for_each(|one| one.note_subscribed(filter));
        Ok(id)
    }

    fn consume(
        &self,
        source: Source,
        options: DeliveryOptions,
        old: Option<SubscriptionId>,
        cycle: &mut ReadCycle,
    ) -> Result<SubscriptionId, SubscribeError> {
        let consume = Consume {
            source,
            acknowledgement: acknowledgement_of(options.maximum_qos),
            prefetch: self.prefetch,
            exclusive: false,
            selector: None,
            tag: &options.tag(),
        };
        let outcome = &mut cycle.outcome;
        let id = self.broker.consume(&self.session, consume, outcome)?;
        if let Some(old) = old {
            let now_ms = clock::unix_ms();
            self.broker
                .unsubscribe_when_settled(&self.session, old, now_ms, outcome);
        }
        Ok(id)
    }

    /// Processes UNSUBSCRIBE.
    ///
    /// # Errors
    ///
    /// The response cannot be encoded.
    pub(super) fn unsubscribe(
        &mut self,
        packet: &Unsubscribe<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let now_ms = clock::unix_ms();
        let mut reasons = Vec::new();
        for filter in packet.filters {
            let found = self.subscriptions.remove(filter.as_str());
            reasons.push(match &found {
                Some(_) => UnsubscribeReason::Success,
                None => UnsubscribeReason::NoSubscriptionExisted,
            });
            if let Some(Subscribed { id, .. }) = found {
                self.broker
                    .unsubscribe_when_settled(&self.session, id, now_ms, &mut cycle.outcome);
                self.note_removed(filter);
            }
        }
        self.carry_out(cycle);
        self.machine
            .unsuback(packet.packet_id, &reasons, "", &mut cycle.replies)
    }
}

impl Mqtt {
    /// Notes that a subscription has ended, if the session survives a restart.
    fn note_removed(&mut self, filter: mqtt::TopicFilter<'_>) {
        let Some(progress) = &self.progress else {
            return;
        };
        if let Ok(SubscriptionKind::Follow(filter)) = kind_of_filter(filter) {
            progress.note_unsubscribed(&filter);
        }
        let filter = filter.as_str().to_owned();
        self.changes.push(SubscriptionChange::Removed(filter));
    }
}

impl SubscriptionKind {
    /// Checks that the user may read what the subscription asks for. With wildcards, it gets the part that the user may read;
    /// the members of a shared subscription get the same messages, so each must have the right for all.
    pub(super) fn check_rights(&self, principal: &Principal) -> Result<(), Forbidden> {
        match self {
            Self::Follow(filter) | Self::Consume(Source::Topics { filter, .. }) => {
                principal.check_filter(Right::Subscribe, DestinationKind::Topic, filter)
            }
            Self::Consume(Source::Shared(SharedName { filter, .. })) => {
                principal.check_whole_filter(Right::Subscribe, DestinationKind::Topic, filter)
            }
            Self::Consume(Source::Durable { filter, .. }) => {
                principal.check_whole_filter(Right::Subscribe, DestinationKind::Topic, filter)
            }
            Self::Consume(Source::Queues(filter)) => {
                principal.check_filter(Right::Receive, DestinationKind::Queue, filter)
            }
            Self::Consume(Source::Browse(name)) => {
                principal.check(Right::Browse, DestinationKind::Queue, name)
            }
        }
    }
}

/// Returns the last index of each filter: it replaces earlier ones with the same filter, before any delivery.
fn last_indexes<'a>(packet: &Subscribe<'a>) -> HashMap<&'a str, usize> {
    let filters = packet.subscriptions.into_iter().enumerate();
    filters
        .map(|(index, subscription)| (subscription.filter.as_str(), index))
        .collect()
}

pub(super) fn kind_of_filter(
    topic_filter: mqtt::TopicFilter<'_>,
) -> Result<SubscriptionKind, RefusedSubscription> {
    let shared = topic_filter
        .check_shared()
        .map_err(|error| RefusedSubscription {
            reason: SubscribeReason::TopicFilterInvalid,
            text: error.to_string(),
        })?;
    let filter = shared.map_or(topic_filter, |shared| shared.filter);
    let (kind, filter) =
        names::subscribed_to(filter.as_str()).map_err(|error| RefusedSubscription {
            reason: SubscribeReason::TopicFilterInvalid,
            text: error.to_string(),
        })?;
    if filter.as_str().starts_with(TEMPORARY) {
        return Err(RefusedSubscription {
            reason: SubscribeReason::NotAuthorized,
            text: "only the owner of a temporary destination can subscribe to it".to_owned(),
        });
    }
    Ok(match (kind, shared) {
        // All consumers share a queue anyway.
        (DestinationKind::Queue, _) => SubscriptionKind::Consume(Source::Queues(filter)),
        (DestinationKind::Topic, Some(shared)) => {
            SubscriptionKind::Consume(Source::Shared(SharedName {
                group: shared.share_name.into(),
                filter,
            }))
        }
        (DestinationKind::Topic, None) => SubscriptionKind::Follow(filter),
    })
}

/// Returns whether the client's own messages are delivered.
pub(super) const fn own_messages(skips_own: bool) -> OwnMessages {
    match skips_own {
        true => OwnMessages::Skipped,
        false => OwnMessages::Delivered,
    }
}

/// Returns the acknowledgement mode of a consumer with this QoS.
pub(super) const fn acknowledgement_of(maximum_qos: QoS) -> Acknowledgement {
    match maximum_qos {
        QoS::AtMostOnce => Acknowledgement::Auto,
        QoS::AtLeastOnce | QoS::ExactlyOnce => Acknowledgement::Individual,
    }
}

impl RefusedSubscription {
    fn from_error(error: &SubscribeError) -> Self {
        let reason = match error {
            SubscribeError::Reserved(_) => SubscribeReason::NotAuthorized,
            SubscribeError::TooManySubscriptions { .. }
            | SubscribeError::TooManyTopics { .. }
            | SubscribeError::TooManyCursors { .. }
            | SubscribeError::TooManyQueues { .. }
            | SubscribeError::TooManyDurables { .. }
            | SubscribeError::Pool(_)
            | SubscribeError::Journal(_) => SubscribeReason::QuotaExceeded,
            SubscribeError::SessionEnded
            | SubscribeError::DurableInUse(_)
            | SubscribeError::NothingToReplace => SubscribeReason::UnspecifiedError,
        };
        let text = error.to_string();
        Self { reason, text }
    }
}
