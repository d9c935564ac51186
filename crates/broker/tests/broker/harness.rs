//! A session that the test drains.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use broker::{
    Blocked, Broker, Limits, Missed, Outcome, Overflow, Peer, Publication, PublishError, Published,
    Reader, Ready, Start, Subscribe, SubscribeError, SubscriptionId, TopicFilter, TopicName,
};

pub const EPOCH: u64 = 7;

/// A delivery to a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub tag: u8,
    pub topic: String,
    pub position: u64,
    pub sequence: u64,
    pub missed: Option<Missed>,
    pub is_retained: bool,
}

/// A session and its reader.
pub struct Client {
    pub reader: Reader,
    peer: Arc<Idle>,
}

/// A peer that counts wake-ups and leaves draining to the test.
#[derive(Default)]
struct Idle(AtomicUsize);

impl Peer for Idle {
    fn deliver(&self) {}

    fn wake(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Client {
    pub fn attach(broker: &Broker, name: &str) -> Self {
        Self::attach_with(|peer| broker.attach(name.into(), peer))
    }

    /// Attaches a session of a connection of its own, to which shares apply.
    pub fn connect(broker: &Broker, name: &str) -> Self {
        let account = broker
            .pools()
            .client(std::net::IpAddr::from([127, 0, 0, 1]));
        Self::attach_with(|peer| broker.attach_for(&account, name.into(), peer))
    }

    fn attach_with(attach: impl FnOnce(Weak<dyn Peer>) -> Reader) -> Self {
        let peer = Arc::<Idle>::default();
        let weak: Weak<dyn Peer> = Arc::downgrade(&(Arc::clone(&peer) as Arc<dyn Peer>));
        Self {
            reader: attach(weak),
            peer,
        }
    }

    /// Returns the number of wake-ups.
    pub fn woken(&self) -> usize {
        self.peer.0.load(Ordering::SeqCst)
    }

    pub fn try_subscribe(
        &self,
        broker: &Broker,
        filter: &str,
        (start, overflow, tag): (Start, Overflow, u8),
    ) -> Result<(SubscriptionId, Ready), SubscribeError> {
        let filter = as_filter(filter);
        let subscribe = Subscribe {
            start,
            overflow,
            tag: &[tag],
            ..Subscribe::to(&filter)
        };
        let mut outcome = Outcome::default();
        let id = broker.subscribe(self.reader.session(), subscribe, &mut outcome)?;
        Ok((id, outcome.ready))
    }

    pub fn subscribe(
        &self,
        broker: &Broker,
        filter: &str,
        start: Start,
        overflow: Overflow,
    ) -> SubscriptionId {
        self.try_subscribe(broker, filter, (start, overflow, 0))
            .expect("within the limits")
            .0
    }

    pub fn unsubscribe(&self, broker: &Broker, id: SubscriptionId) {
        broker.unsubscribe(self.reader.session(), id, 0, &mut Outcome::default());
    }

    pub fn detach(&self, broker: &Broker) {
        broker.detach(self.reader.session(), 0, &mut Outcome::default());
    }

    /// Reads at most `most` entries; returns true if the broker has no more.
    pub fn read(&mut self, most: usize) -> (Vec<Got>, bool) {
        let mut got = Vec::new();
        self.reader.session().begin_drain();
        let done = self.reader.drain(0, |delivery| {
            got.push(Got {
                tag: delivery.tag[0],
                topic: delivery.entry.topic().to_string(),
                position: delivery.entry.position(),
                sequence: delivery.entry.sequence(),
                missed: delivery.missed,
                is_retained: delivery.is_retained,
            });
            if got.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        (got, done)
    }

    pub fn read_all(&mut self) -> Vec<Got> {
        let (got, done) = self.read(usize::MAX);
        assert!(done);
        got
    }

    pub fn read_sequences(&mut self) -> Vec<u64> {
        self.read_all().iter().map(|got| got.sequence).collect()
    }

    pub fn read_positions(&mut self) -> Vec<u64> {
        self.read_all().iter().map(|got| got.position).collect()
    }
}

pub fn as_name(text: &str) -> TopicName {
    TopicName::new(text).expect("a name")
}

pub fn as_filter(text: &str) -> TopicFilter {
    TopicFilter::new(text).expect("a filter")
}

pub fn broker(change: impl FnOnce(&mut Limits)) -> Broker {
    let mut limits = Limits::default();
    change(&mut limits);
    Broker::new(EPOCH, limits)
}

pub fn publication(topic: &str, body: usize) -> Publication {
    Publication::new(as_name(topic), "p".into(), 0, &vec![0; body])
}

pub fn publish_all(broker: &Broker, topics: &[&str]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut batch = topics.iter().map(|topic| publication(topic, 0)).collect();
    broker.publish(&mut batch, &mut outcome);
    outcome
}

pub fn try_publish(broker: &Broker, topic: &str, body: usize) -> Result<Published, PublishError> {
    let mut outcome = Outcome::default();
    broker.publish(&mut vec![publication(topic, body)], &mut outcome);
    outcome.results.remove(0)
}

pub fn publish(broker: &Broker, topic: &str, times: usize) -> Blocked {
    let mut outcome = Outcome::default();
    for _ in 0..times {
        let mut single = Outcome::default();
        broker.publish(&mut vec![publication(topic, 0)], &mut single);
        assert!(single.results.iter().all(Result::is_ok));
        outcome.blocked.extend(single.blocked);
    }
    outcome.blocked
}

/// A waker that counts its wake-ups.
#[derive(Default)]
pub struct Bell(AtomicUsize);

impl Bell {
    pub fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    pub fn rings(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
