//! The policies of topics and queues, which can be replaced while the broker is used.

use std::sync::Arc;

use crate::{
    broker::Broker,
    broker::listing::step_after,
    memory::limits::ITEMS,
    message::entry::DestinationKind,
    name::TopicName,
    policy::{Policies, QueueRules},
    queue::{Identity, Queue},
    session::Session,
    state::BrokerState,
    sync::lock_state,
};

impl Broker {
    /// Replaces the policies. They hold for all topics and queues when this returns. Messages that are in a queue stay, whatever
    /// its new bounds; a topic with a smaller bound loses messages with its next publication.
    pub fn set_policies(&self, policies: Policies) {
        let policies = Arc::new(policies);
        let mut state = lock_state(&self.state);
        self.store.set_policies(Arc::clone(&policies));
        state.policies = policies;
        drop(state);
        let mut after = None;
        self.in_steps(|state| {
            let mut last = None;
            let BrokerState {
                names,
                topics,
                policies,
                ..
            } = state;
            for name in names.after(after.as_ref()).take(ITEMS) {
                if let Some(topic) = topics.find_mut(name.as_str()) {
                    topic.policy = policies.of(DestinationKind::Topic, name).cloned();
                }
                last = Some(name.clone());
            }
            step_after(last, &mut after)
        });
        let mut queues = Vec::new();
        self.for_each_named_queue(|queue| queues.push(Arc::clone(queue)));
        let state = lock_state(&self.state);
        queues.extend(state.queues.durables.values().cloned());
        queues.extend(
            state
                .queues
                .shared
                .values()
                .map(|one| Arc::clone(&one.queue)),
        );
        drop(state);
        self.for_each_session(|one| queues.extend(private_queues(&one.session)));
        queues.iter().for_each(|queue| queue.follow_policies());
    }

    /// Returns the policies.
    #[must_use]
    pub fn policies(&self) -> Arc<Policies> {
        self.store.policies()
    }

    /// Returns the rules of a queue.
    #[must_use]
    pub fn queue_rules(&self, name: &TopicName) -> Option<Arc<QueueRules>> {
        let state = lock_state(&self.state);
        Some(state.queues.named.find(name.as_str())?.rules())
    }
}

/// Returns the queues of the subscriptions of a session to topics.
fn private_queues(session: &Session) -> Vec<Arc<Queue>> {
    let consumers = session.consumers();
    let queues = consumers.iter().flat_map(|one| one.queues().to_vec());
    let private = queues.filter(|queue| matches!(queue.identity, Identity::Private));
    private.collect()
}
