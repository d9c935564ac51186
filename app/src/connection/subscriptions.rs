//! What the pages listen to: one subscription per topic and manner of delivery, however many
//! listeners it has, and where each resumes. Pure; `link` puts it on the wire.

use std::rc::Rc;

use broker::MessageId;

use super::Message;

/// Called with what arrived since the last frame, in order.
pub type Listener = Rc<dyn Fn(&[Message])>;

/// How a subscription treats a page that is slower than the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Every message, the oldest skipped at the broker's bound.
    Every,
    /// Only ever the newest: for figures and miniatures.
    Latest,
    /// Only ever the newest of what is published from now on: for figures whose last image may be of
    /// long ago, when somebody listened last.
    Fresh,
}

#[derive(Default)]
pub struct Subscriptions {
    held: Vec<Held>,
    next_number: u64,
}

/// One subscription of the connection.
struct Held {
    number: u64,
    topic: &'static str,
    delivery: Delivery,
    listeners: Vec<(u64, Listener)>,
    /// The newest message seen; the next one wanted is after it.
    seen: Option<MessageId>,
    /// Whether a connection was lost that it was on: without anything seen there was nothing then, and all
    /// there is now came since.
    was_live: bool,
}

/// What SUBSCRIBE says.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub id: String,
    pub destination: String,
    /// Nothing: from now on.
    pub since: Option<String>,
    pub overflow: Option<&'static str>,
}

/// A listener's place, to take it away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    subscription: u64,
    listener: u64,
}

impl Subscriptions {
    /// Adds a listener. Gives a request if it needs a new subscription, which starts after `seen`
    /// or else with the topic's last image.
    pub fn add(
        &mut self,
        topic: &'static str,
        delivery: Delivery,
        seen: Option<MessageId>,
        listener: Listener,
    ) -> (Place, Option<Request>) {
        let number = self.next_number;
        self.next_number += 1;
        let shared = self
            .held
            .iter_mut()
            .find(|held| held.topic == topic && held.delivery == delivery);
        if let Some(held) = shared {
            held.listeners.push((number, listener));
            return (
                Place {
                    subscription: held.number,
                    listener: number,
                },
                None,
            );
        }
        let listeners = vec![(number, listener)];
        let held = Held {
            number,
            topic,
            delivery,
            listeners,
            seen,
            was_live: false,
        };
        let request = held.request();
        self.held.push(held);
        (
            Place {
                subscription: number,
                listener: number,
            },
            Some(request),
        )
    }

    /// Takes a listener away. Gives the id to unsubscribe if it was the last one.
    pub fn remove(&mut self, place: Place) -> Option<String> {
        let index = self
            .held
            .iter()
            .position(|held| held.number == place.subscription)?;
        let listeners = &mut self.held[index].listeners;
        listeners.retain(|(number, _)| *number != place.listener);
        listeners
            .is_empty()
            .then(|| self.held.swap_remove(index).id())
    }

    /// Notes that the connection all are on has ended.
    pub fn lost(&mut self) {
        for held in &mut self.held {
            held.was_live = true;
        }
    }

    /// What a new connection has to ask for, each subscription from where it stopped.
    pub fn requests(&self) -> Vec<Request> {
        self.held.iter().map(Held::request).collect()
    }

    /// Notes a message; true when it is new to the subscription of this id.
    pub fn note(&mut self, id: &str, message: MessageId) -> bool {
        let Some(held) = self.held.iter_mut().find(|held| held.has_id(id)) else {
            return false;
        };
        let double = held
            .seen
            .is_some_and(|seen| seen.epoch == message.epoch && seen.position >= message.position);
        if !double {
            held.seen = Some(message);
        }
        !double
    }

    pub fn listeners(&self, id: &str) -> Vec<Listener> {
        let held = self.held.iter().find(|held| held.has_id(id));
        held.map_or_else(Vec::new, |held| {
            held.listeners
                .iter()
                .map(|(_, listener)| listener.clone())
                .collect()
        })
    }
}

impl Held {
    fn id(&self) -> String {
        format!("{ID_PREFIX}{}", self.number)
    }

    fn has_id(&self, id: &str) -> bool {
        let number = id
            .strip_prefix(ID_PREFIX)
            .and_then(|number| number.parse().ok());
        number == Some(self.number)
    }

    fn request(&self) -> Request {
        Request {
            id: self.id(),
            destination: format!("/topic/{}", self.topic),
            since: (self.delivery != Delivery::Fresh).then(|| self.since()),
            overflow: (self.delivery != Delivery::Every).then_some("latest"),
        }
    }

    fn since(&self) -> String {
        match self.seen {
            Some(id) => id.to_string(),
            None if self.was_live => "0".into(),
            None => "last".into(),
        }
    }
}

const ID_PREFIX: &str = "page-";

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> Listener {
        Rc::new(|_| ())
    }

    fn id(position: u64) -> MessageId {
        MessageId {
            epoch: 0xa,
            position,
        }
    }

    #[test]
    fn two_listeners_share_a_subscription_until_the_last_has_gone() {
        let mut subscriptions = Subscriptions::default();
        let (first, request) = subscriptions.add("rect", Delivery::Every, None, nobody());
        let id = request.expect("a new subscription").id;
        let (second, request) = subscriptions.add("rect", Delivery::Every, None, nobody());
        assert_eq!(request, None);
        assert_eq!(subscriptions.listeners(&id).len(), 2);
        assert_eq!(subscriptions.remove(first), None);
        assert_eq!(subscriptions.remove(second), Some(id));
        assert_eq!(subscriptions.requests(), []);
    }

    #[test]
    fn another_manner_of_delivery_is_another_subscription() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add("rect", Delivery::Every, None, nobody());
        let (_, request) = subscriptions.add("rect", Delivery::Latest, None, nobody());
        assert_eq!(request.and_then(|request| request.overflow), Some("latest"));
    }

    #[test]
    fn a_subscription_starts_with_the_last_image_or_after_what_was_seen() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add("rect", Delivery::Every, None, nobody());
        subscriptions.add("chart", Delivery::Every, Some(id(7)), nobody());
        let requests = subscriptions.requests();
        assert_eq!(
            (requests[0].since.as_deref(), requests[1].since.as_deref()),
            (Some("last"), Some("a-7"))
        );
        assert_eq!(requests[1].destination, "/topic/chart");
    }

    #[test]
    fn who_saw_nothing_before_the_connection_was_lost_gets_all_that_came_since() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add("rect", Delivery::Every, None, nobody());
        subscriptions.lost();
        subscriptions.add("chart", Delivery::Every, None, nobody());
        let requests = subscriptions.requests();
        assert_eq!(
            (requests[0].since.as_deref(), requests[1].since.as_deref()),
            (Some("0"), Some("last"))
        );
    }

    #[test]
    fn it_resumes_after_the_newest_message_noted() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) = subscriptions.add("rect", Delivery::Every, None, nobody());
        let subscription = request.expect("a new subscription").id;
        assert!(subscriptions.note(&subscription, id(3)));
        assert!(subscriptions.note(&subscription, id(9)));
        assert_eq!(subscriptions.requests()[0].since.as_deref(), Some("a-9"));
    }

    #[test]
    fn what_is_wanted_fresh_never_begins_in_the_past() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) = subscriptions.add("figures", Delivery::Fresh, None, nobody());
        let request = request.expect("a new subscription");
        assert_eq!((request.since, request.overflow), (None, Some("latest")));
        assert!(subscriptions.note(&request.id, id(3)));
        subscriptions.lost();
        assert_eq!(subscriptions.requests()[0].since, None);
    }

    #[test]
    fn a_double_is_told_but_a_restarted_broker_counts_anew() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) = subscriptions.add("rect", Delivery::Every, Some(id(9)), nobody());
        let subscription = request.expect("a new subscription").id;
        assert!(!subscriptions.note(&subscription, id(9)));
        assert!(!subscriptions.note(&subscription, id(2)));
        assert!(subscriptions.note(
            &subscription,
            MessageId {
                epoch: 0xb,
                position: 1
            }
        ));
    }

    #[test]
    fn messages_of_a_subscription_that_ended_are_nobodys() {
        let mut subscriptions = Subscriptions::default();
        assert!(!subscriptions.note("page-5", id(1)));
        assert!(!subscriptions.note("another", id(1)));
        assert!(subscriptions.listeners("page-5").is_empty());
    }
}
