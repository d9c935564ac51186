//! UNSUBSCRIBE (STOMP 1.2, "UNSUBSCRIBE"), and the end of durable subscriptions.

use wire::stomp::server::{Fault, Identity, Unsubscribe};

use super::{Stomp, subscribe::Subscribed};
use crate::{clock, connection::ReadCycle};

impl Stomp {
    /// Ends the subscription; with the name of a durable one, deletes that as well.
    pub(super) fn unsubscribe(
        &mut self,
        unsubscribe: &Unsubscribe<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let receipt = unsubscribe.receipt.as_deref();
        let ended = self.end(unsubscribe, cycle);
        let is_plain = ended.as_ref().is_some_and(|one| one.durable.is_none());
        match (&unsubscribe.durable, &unsubscribe.identity) {
            // RabbitMQ's clients send durable:true for queues, too; the name is the id then.
            (Some(name), Some(identity)) if is_plain && identity.id() == Some(name) => {}
            (Some(name), _) => self.delete_durable(name, receipt)?,
            (None, Some(identity)) if ended.is_none() => {
                return Err(Fault::unknown_subscription(identity, receipt));
            }
            (None, _) => {}
        }
        self.receipt(receipt, cycle);
        Ok(())
    }

    /// Ends the named subscription, if it exists. Its deliveries from queues can still be acknowledged: the
    /// specification says about UNSUBSCRIBE only that no more is received, and otherwise a job in progress would be
    /// done twice. RabbitMQ does the same.
    fn end(&mut self, unsubscribe: &Unsubscribe<'_>, cycle: &mut ReadCycle) -> Option<Subscribed> {
        let identity = self.identity_of(unsubscribe)?;
        let ended = self.subscriptions.remove(&identity)?;
        self.broker.unsubscribe_when_settled(
            &self.session,
            ended.id,
            clock::unix_ms(),
            &mut cycle.outcome,
        );
        self.carry_out(cycle);
        self.ended.push(identity, ended.id);
        Some(ended)
    }

    /// Returns a subscription of this connection by its id, or else by its durable name.
    fn identity_of(&self, unsubscribe: &Unsubscribe<'_>) -> Option<Identity<'static>> {
        let by_id = unsubscribe.identity.as_ref();
        let by_id = by_id.filter(|identity| self.subscriptions.contains_key(identity));
        if let Some(identity) = by_id {
            return Some(identity.clone().into_owned());
        }
        let name = unsubscribe.durable.as_deref()?;
        let mut own = self.subscriptions.iter();
        let (identity, _) = own.find(|(_, one)| one.durable.as_deref() == Some(name))?;
        Some(identity.clone())
    }

    /// Deletes a durable subscription.
    fn delete_durable(&self, name: &str, receipt: Option<&str>) -> Result<(), Fault> {
        self.broker
            .delete_durable(&self.durable(name))
            .map_err(|error| {
                let detail = format!("{error}: \"{}\"", name.escape_debug());
                Fault::refused("cannot unsubscribe", detail, receipt)
            })
    }
}
