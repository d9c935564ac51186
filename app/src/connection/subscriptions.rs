//! The subscriptions of the pages: one for each topic and delivery mode, however many listeners it has, and the
//! position at which each resumes. Pure; `link` sends the frames.

use std::rc::Rc;

use broker::MessageId;

use super::Message;

/// Called with the messages that arrived since the last frame, in order.
pub type Listener = Rc<dyn Fn(&[Message])>;

/// The rule for a page that is slower than the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Every message; at the broker's bound the oldest are skipped.
    Every,
    /// Only the newest message: for figures and miniatures.
    Latest,
    /// Only the newest of the messages published from now on: for figures whose last image may be old, because it dates
    /// from the previous subscriber.
    Fresh,
    /// Every message published from now on, without the last image; at the broker's bound the oldest are skipped.
    New,
}

/// The messages that a listener wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub topic: String,
    /// The condition on messages; `None` for all messages. The server ends the connection if the selector is not valid.
    pub selector: Option<String>,
    pub delivery: Delivery,
}

impl Wanted {
    /// Returns all messages of a topic.
    pub fn new(topic: &str, delivery: Delivery) -> Self {
        Self {
            topic: topic.into(),
            selector: None,
            delivery,
        }
    }
}

#[derive(Default)]
pub struct Subscriptions {
    held: Vec<Held>,
    next_number: u64,
}

/// One subscription of the connection.
struct Held {
    number: u64,
    wanted: Wanted,
    listeners: Vec<(u64, Listener)>,
    /// The newest message received; the subscription resumes after it.
    seen: Option<MessageId>,
    /// True if the subscription was active on a connection that was lost. If it had received no message by then, the
    /// topic had none, and all messages now in the topic are new.
    was_live: bool,
}

/// The content of a SUBSCRIBE frame.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub id: String,
    pub destination: String,
    /// `None`: only new messages.
    pub since: Option<String>,
    pub overflow: Option<&'static str>,
    pub selector: Option<String>,
}

/// A listener's key, for its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    subscription: u64,
    listener: u64,
}

impl Subscriptions {
    /// Adds a listener. Returns a request if a new subscription is needed; the subscription starts after `seen`, or
    /// with the topic's last image if `seen` is `None`.
    pub fn add(
        &mut self,
        wanted: Wanted,
        seen: Option<MessageId>,
        listener: Listener,
    ) -> (Place, Option<Request>) {
        let number = self.next_number;
        self.next_number += 1;
        let shared = self.held.iter_mut().find(|held| held.wanted == wanted);
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
            wanted,
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

    /// Removes a listener. Returns the id to unsubscribe if the listener was the last one.
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

    /// Notes that the connection of all subscriptions has ended.
    pub fn lost(&mut self) {
        for held in &mut self.held {
            held.was_live = true;
        }
    }

    /// Returns the requests for a new connection; each subscription resumes where it stopped.
    pub fn requests(&self) -> Vec<Request> {
        self.held.iter().map(Held::request).collect()
    }

    /// Notes a message. Returns true if the message is new to the subscription with this id.
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
        let Wanted {
            topic,
            selector,
            delivery,
        } = &self.wanted;
        Request {
            id: self.id(),
            destination: format!("/topic/{topic}"),
            since: match delivery {
                Delivery::Every | Delivery::Latest => Some(self.since()),
                Delivery::Fresh => None,
                Delivery::New => self.seen.map(|id| id.to_string()),
            },
            overflow: match delivery {
                Delivery::Every | Delivery::New => None,
                Delivery::Latest | Delivery::Fresh => Some("latest"),
            },
            selector: selector.clone(),
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

    fn wanted(topic: &str, delivery: Delivery) -> Wanted {
        Wanted::new(topic, delivery)
    }

    fn id(position: u64) -> MessageId {
        MessageId {
            epoch: 0xa,
            position,
        }
    }

    #[test]
    fn two_listeners_share_a_subscription_until_the_last_is_removed() {
        let mut subscriptions = Subscriptions::default();
        let (first, request) = subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        let id = request.expect("a new subscription").id;
        let (second, request) = subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        assert_eq!(request, None);
        assert_eq!(subscriptions.listeners(&id).len(), 2);
        assert_eq!(subscriptions.remove(first), None);
        assert_eq!(subscriptions.remove(second), Some(id));
        assert_eq!(subscriptions.requests(), []);
    }

    #[test]
    fn another_delivery_mode_is_another_subscription() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        let (_, request) = subscriptions.add(wanted("rect", Delivery::Latest), None, nobody());
        assert_eq!(request.and_then(|request| request.overflow), Some("latest"));
    }

    #[test]
    fn another_selector_is_another_subscription() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        let selected = Wanted {
            selector: Some("x = 1".into()),
            ..wanted("rect", Delivery::Every)
        };
        let (_, request) = subscriptions.add(selected, None, nobody());
        let selector = request.and_then(|request| request.selector);
        assert_eq!(selector.as_deref(), Some("x = 1"));
    }

    #[test]
    fn a_subscription_starts_with_the_last_image_or_after_the_message_seen() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        subscriptions.add(wanted("chart", Delivery::Every), Some(id(7)), nobody());
        let requests = subscriptions.requests();
        assert_eq!(
            (requests[0].since.as_deref(), requests[1].since.as_deref()),
            (Some("last"), Some("a-7"))
        );
        assert_eq!(requests[1].destination, "/topic/chart");
    }

    #[test]
    fn a_subscription_without_messages_before_the_loss_gets_all_messages_since() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        subscriptions.lost();
        subscriptions.add(wanted("chart", Delivery::Every), None, nobody());
        let requests = subscriptions.requests();
        assert_eq!(
            (requests[0].since.as_deref(), requests[1].since.as_deref()),
            (Some("0"), Some("last"))
        );
    }

    #[test]
    fn a_subscription_resumes_after_the_newest_message_noted() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) = subscriptions.add(wanted("rect", Delivery::Every), None, nobody());
        let subscription = request.expect("a new subscription").id;
        assert!(subscriptions.note(&subscription, id(3)));
        assert!(subscriptions.note(&subscription, id(9)));
        assert_eq!(subscriptions.requests()[0].since.as_deref(), Some("a-9"));
    }

    #[test]
    fn a_fresh_subscription_never_starts_in_the_past() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) = subscriptions.add(wanted("figures", Delivery::Fresh), None, nobody());
        let request = request.expect("a new subscription");
        assert_eq!((request.since, request.overflow), (None, Some("latest")));
        assert!(subscriptions.note(&request.id, id(3)));
        subscriptions.lost();
        assert_eq!(subscriptions.requests()[0].since, None);
    }

    #[test]
    fn a_subscription_to_new_messages_has_no_last_image_and_resumes() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) = subscriptions.add(wanted("order", Delivery::New), None, nobody());
        let request = request.expect("a new subscription");
        assert_eq!((request.since, request.overflow), (None, None));
        subscriptions.lost();
        assert_eq!(subscriptions.requests()[0].since, None);
        assert!(subscriptions.note(&request.id, id(3)));
        subscriptions.lost();
        assert_eq!(subscriptions.requests()[0].since.as_deref(), Some("a-3"));
    }

    #[test]
    fn a_duplicate_is_detected_and_a_restarted_broker_counts_anew() {
        let mut subscriptions = Subscriptions::default();
        let (_, request) =
            subscriptions.add(wanted("rect", Delivery::Every), Some(id(9)), nobody());
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
    fn messages_of_an_ended_subscription_are_ignored() {
        let mut subscriptions = Subscriptions::default();
        assert!(!subscriptions.note("page-5", id(1)));
        assert!(!subscriptions.note("another", id(1)));
        assert!(subscriptions.listeners("page-5").is_empty());
    }
}
