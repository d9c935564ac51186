//! Topics and queues that end with their session.

use crate::{
    broker::Broker, message::entry::DestinationKind, name::TopicName, outcome::SubscribeError,
    session::Session, sync::lock_state,
};

impl Broker {
    /// Creates a topic or queue that ends with the session. Its name must begin with [`TEMPORARY`](crate::TEMPORARY).
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if a limit is reached.
    pub fn create_temporary(
        &self,
        session: &Session,
        kind: DestinationKind,
        name: &TopicName,
    ) -> Result<(), SubscribeError> {
        let mut state = lock_state(&self.state);
        if state.has(kind, name) {
            return Ok(());
        }
        state.check_session(session, &self.limits)?;
        state.check_temporaries(session, &self.limits)?;
        match kind {
            DestinationKind::Queue => {
                let others = state.check_queue(name, &self.limits, session.client())?;
                let filter = name.clone().into();
                state.check_cursors(session, &filter, 0, others, &self.limits)?;
                state.queue(name, &self.store, session.client());
            }
            DestinationKind::Topic => {
                state.check_topics(session, &name.clone().into(), &self.limits)?;
                state.open_topic(name, session.client());
            }
        }
        if let Some(attached) = state.sessions.get_mut(&session.id) {
            attached.note_temporary(kind, name);
        }
        Ok(())
    }
}
