//! PUBLISH (5.0, 3.3): collected during the read cycle, and answered once the broker has the message.

use std::sync::Arc;

use access::Right;
use broker::{DestinationKind, InvalidName, Publication, PublishError, TopicName};
use destination::mqtt as names;
use wire::mqtt::{
    Arrival, DisconnectReason, PublishReason, QoS, QosDelivery,
    server::{self, Fault},
};

use super::{
    Mqtt,
    properties::{self, InvalidProperties},
};
use crate::{access_control::RateExceeded, connection::ReadCycle};

/// The state for converting PUBLISH packets to messages.
#[derive(Default)]
pub(super) struct PublishState {
    /// The last topic name with its translation: most connections use one topic.
    last: Option<Target>,
    /// Acknowledgements due after the publications of this read cycle.
    due: Vec<DueAcknowledgement>,
}

struct Target {
    text: Box<str>,
    kind: DestinationKind,
    name: TopicName,
    /// The version of the rights with which the right to publish was checked.
    rights: u32,
}

/// An acknowledgement that is due when the publication with this index in the batch is in the broker.
struct DueAcknowledgement {
    index: usize,
    delivery: QosDelivery,
}

/// The reason why a message is not accepted.
struct RefusedPublication {
    reason: PublishReason,
    text: String,
}

impl Mqtt {
    /// Processes PUBLISH: adds the message to the batch, or acknowledges a duplicate or a refused message.
    ///
    /// # Errors
    ///
    /// The message is refused, and its QoS has no acknowledgement that could report this.
    pub(super) fn publish(
        &mut self,
        publish: &server::Publish<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        if publish.arrival == Arrival::Duplicate {
            // It was published when it first came; responses are in the order of the packets ([MQTT-4.6.0-2]).
            self.flush(cycle)?;
            if let Some(progress) = &self.progress {
                // It may have come on an earlier connection, which got no reply because the message is not recorded yet.
                cycle.owed = cycle.owed.max(Some(progress.ticket()));
            }
            return self.acknowledge(publish.delivery, Ok(()), cycle);
        }
        if cycle.is_intake_closed() {
            self.machine.disregard(publish.delivery);
            return Ok(());
        }
        let created = match self.admit(publish) {
            Ok(()) => self.create_publication(publish, cycle.unix_ms),
            // A message without an acknowledgement is dropped; the user's figures count it.
            Err(_) if publish.delivery == QosDelivery::AtMostOnce => return Ok(()),
            Err(exceeded) => Err(exceeded.into()),
        };
        match created {
            Ok(message) => {
                cycle.note_published(1, publish.payload.len());
                if publish.delivery != QosDelivery::AtMostOnce {
                    let index = cycle.batch.len();
                    let delivery = publish.delivery;
                    self.publish_state
                        .due
                        .push(DueAcknowledgement { index, delivery });
                }
                cycle.batch.push(message);
                Ok(())
            }
            // A message without an acknowledgement is dropped; the missing right was logged and counted.
            Err(refused)
                if publish.delivery == QosDelivery::AtMostOnce
                    && refused.reason == PublishReason::NotAuthorized =>
            {
                Ok(())
            }
            Err(refused) if publish.delivery == QosDelivery::AtMostOnce => {
                let reason = DisconnectReason::from_code(refused.reason.code());
                let reason = reason.unwrap_or(DisconnectReason::ImplementationSpecificError);
                Err(Fault::refused(reason, refused.text))
            }
            Err(refused) => {
                self.flush(cycle)?;
                self.acknowledge(publish.delivery, Err(refused), cycle)
            }
        }
    }

    /// Returns whether the next packet is a publication that waits for the rate of its user.
    #[inline]
    pub(super) fn must_wait(&self, input: &[u8], cycle: &mut ReadCycle) -> bool {
        match self.principal.account() {
            Some(account) => input.first().is_some_and(is_publish) && cycle.must_wait(account),
            None => false,
        }
    }

    /// Takes a publication from the rate of its user, if there is one.
    fn admit(&self, publish: &server::Publish<'_>) -> Result<(), RateExceeded> {
        match self.principal.account() {
            Some(account) => account.admit(1, publish.payload.len()),
            None => Ok(()),
        }
    }

    /// Publishes the collected messages, and answers them. Each is refused individually.
    ///
    /// If one cannot be answered, the connection ends and the later ones are not published: their client has no
    /// acknowledgement, and will send them again as new messages.
    pub(super) fn flush(&mut self, cycle: &mut ReadCycle) -> Result<(), Fault> {
        if cycle.batch.is_empty() {
            return Ok(());
        }
        let mut due = std::mem::take(&mut self.publish_state.due);
        let has_qos_2 = due.iter().any(|due| due.delivery.qos() == QoS::ExactlyOnce);
        let mut is_refused = false;
        let mut acknowledgements = due.drain(..).peekable();
        let mut published = 0;
        let mut done = Ok(());
        while done.is_ok() && !cycle.batch.is_empty() {
            self.publish_batch(cycle, has_qos_2);
            let results = std::mem::take(&mut cycle.outcome.results);
            for (index, result) in (published..).zip(&results) {
                let result = result
                    .as_ref()
                    .map(|_| ())
                    .map_err(RefusedPublication::from_error);
                is_refused |= result.is_err();
                match acknowledgements.next_if(|due| due.index == index) {
                    Some(due) if done.is_ok() => {
                        done = self.acknowledge(due.delivery, result, cycle)
                    }
                    Some(_) => {}
                    // With QoS 0 there is no response; the broker counts the refusal.
                    None => result.unwrap_or_else(|refused| self.log_refused(&refused)),
                }
            }
            published += results.len();
            cycle.outcome.results = results;
        }
        cycle.batch.clear();
        acknowledgements.for_each(|due| self.machine.disregard(due.delivery));
        due.shrink_to(MAX_DUE_CAPACITY);
        self.publish_state.due = due;
        if has_qos_2 && (is_refused || done.is_err()) {
            // The identifiers of refused messages are free again.
            self.record_incoming(cycle);
        }
        done
    }

    /// Publishes the batch. A message of QoS 2 of a session that survives a restart is recorded together with its packet
    /// identifier: otherwise it could be published again after a crash.
    fn publish_batch(&self, cycle: &mut ReadCycle, has_qos_2: bool) {
        match self.progress.as_ref().filter(|_| has_qos_2) {
            Some(progress) => {
                let record = || progress.record_incoming(self.machine.unreleased());
                cycle.publish_and_record(&self.broker, &self.advisories, &self.session, record);
            }
            None => cycle.publish(&self.broker, &self.advisories, &self.session),
        }
    }

    fn acknowledge(
        &mut self,
        delivery: QosDelivery,
        result: Result<(), RefusedPublication>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let (reason, text) = match &result {
            Ok(()) => (PublishReason::Success, ""),
            Err(refused) => {
                self.log_refused(refused);
                (self.reason_for_client(refused.reason), &*refused.text)
            }
        };
        match delivery {
            QosDelivery::AtMostOnce => Ok(()),
            QosDelivery::AtLeastOnce(id, _) => {
                self.machine.puback(id, reason, text, &mut cycle.replies)
            }
            QosDelivery::ExactlyOnce(id, _) => {
                self.machine.pubrec(id, reason, text, &mut cycle.replies)
            }
        }
    }

    /// Returns the reason code for the client.
    ///
    /// Before 5.0 an acknowledgement cannot refuse: the server "MUST either make a positive acknowledgement, according
    /// to the normal QoS rules, or close the Network Connection" ([MQTT-3.3.5-2] of 3.1.1). A message that the client
    /// may never send is acknowledged and dropped, as mosquitto does: bridges publish their state below `$SYS`. All
    /// other refused messages might be accepted later, so the client must keep them, and the connection ends.
    fn reason_for_client(&self, reason: PublishReason) -> PublishReason {
        let is_5 = self.machine.peer().version.is_5();
        match reason == PublishReason::NotAuthorized && !is_5 {
            true => PublishReason::Success,
            false => reason,
        }
    }

    fn log_refused(&self, refused: &RefusedPublication) {
        let client = self.session.name();
        tracing::debug!(%client, text = refused.text, "a publication was refused");
    }

    fn create_publication(
        &mut self,
        publish: &server::Publish<'_>,
        now_ms: u64,
    ) -> Result<Publication, RefusedPublication> {
        if let Some(reason) = publish.refused {
            let text = "the payload is marked as UTF-8 and is not UTF-8".to_owned();
            return Err(RefusedPublication { reason, text });
        }
        if publish.payload.len() > self.max_body_bytes {
            return Err(RefusedPublication::too_large(self.max_body_bytes));
        }
        let (kind, name) = self.target(publish.topic.as_str())?;
        let producer = Arc::clone(self.session.name());
        let provenance = properties::provenance(producer, now_ms, publish.delivery.qos());
        let message = Publication::to(kind, name, provenance, publish.payload);
        let message = match publish.retain {
            true => message.retained(),
            false => message,
        };
        let message = match publish.delivery {
            QosDelivery::AtMostOnce => message,
            QosDelivery::AtLeastOnce(..) | QosDelivery::ExactlyOnce(..) => message.persistent(),
        };
        Ok(properties::add_properties(
            message,
            &publish.properties,
            now_ms,
        )?)
    }

    fn target(&mut self, text: &str) -> Result<(DestinationKind, TopicName), RefusedPublication> {
        let rights = self.principal.version();
        match &self.publish_state.last {
            Some(last) if *last.text == *text && last.rights == rights => {
                Ok((last.kind, last.name.clone()))
            }
            _ => {
                let (kind, name) = names::published_to(text)?;
                let right = Right::to_publish(kind);
                if let Err(forbidden) = self.principal.check(right, kind, &name) {
                    self.access.note_forbidden(&self.principal, &forbidden);
                    return Err(RefusedPublication {
                        reason: PublishReason::NotAuthorized,
                        text: forbidden.to_string(),
                    });
                }
                self.connection_advisories.report_destination(kind, &name);
                self.publish_state.last = Some(Target {
                    text: text.into(),
                    kind,
                    name: name.clone(),
                    rights,
                });
                Ok((kind, name))
            }
        }
    }
}

impl RefusedPublication {
    fn from_error(error: &PublishError) -> Self {
        let reason = match error {
            PublishError::Reserved(_) => PublishReason::NotAuthorized,
            PublishError::TooManyTopics { .. }
            | PublishError::TooManyCursors { .. }
            | PublishError::TooManyQueues { .. }
            | PublishError::QueueFull { .. }
            | PublishError::Pool(_)
            | PublishError::MemoryFull { .. }
            | PublishError::Journal(_) => PublishReason::QuotaExceeded,
            PublishError::Schedule(_) => PublishReason::ImplementationSpecificError,
        };
        let text = error.to_string();
        Self { reason, text }
    }

    fn too_large(limit: usize) -> Self {
        Self {
            reason: PublishReason::QuotaExceeded,
            text: format!("the payload is larger than the limit of {limit} bytes"),
        }
    }
}

impl From<RateExceeded> for RefusedPublication {
    fn from(exceeded: RateExceeded) -> Self {
        Self {
            reason: PublishReason::QuotaExceeded,
            text: exceeded.to_string(),
        }
    }
}

impl From<InvalidProperties> for RefusedPublication {
    fn from(error: InvalidProperties) -> Self {
        match error {
            InvalidProperties::ResponseTopic(name) => name.into(),
            InvalidProperties::Schedule(error) => Self {
                reason: PublishReason::ImplementationSpecificError,
                text: error.to_string(),
            },
        }
    }
}

impl From<InvalidName> for RefusedPublication {
    fn from(error: InvalidName) -> Self {
        Self {
            reason: PublishReason::TopicNameInvalid,
            text: error.to_string(),
        }
    }
}

/// Returns whether a packet with this first byte is a PUBLISH (5.0, 2.1.2).
fn is_publish(first: &u8) -> bool {
    first >> 4 == 3
}

/// Capacity that is always kept, so that steady publishing allocates nothing.
const MAX_DUE_CAPACITY: usize = 64;
