//! A session of the broker that is read by polling: the part that subscriptions and consumers share.

use std::{
    ops::ControlFlow,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use broker::{Outcome, Reader, Session, SubscribeError};
use carillon_server::embedding::{PolledPeer, unix_ms};

use crate::{error::Error, message::Message, running::Core};

/// The reading side of a session within this process. Dropping it ends the session.
pub(crate) struct Inbox {
    pub(crate) core: Arc<Core>,
    reader: Reader,
    peer: Arc<PolledPeer>,
}

impl Inbox {
    /// Creates a session, and subscribes it with `subscribe`.
    pub(crate) fn new<T>(
        core: &Arc<Core>,
        subscribe: impl FnOnce(&Arc<Session>, &mut Outcome) -> Result<T, SubscribeError>,
    ) -> Result<Self, Error> {
        let _runtime = core.runtime.enter();
        let server = &core.server;
        let peer = Arc::<PolledPeer>::default();
        let callback: Weak<PolledPeer> = Arc::downgrade(&peer);
        let client = server.broker.pools().own_client();
        let name = server.session_name("local");
        let reader = server.broker.attach_for(&client, name, callback);
        let inbox = Self {
            core: Arc::clone(core),
            reader,
            peer,
        };
        let session = inbox.reader.session();
        if let Err(stopped) = core.add_session(session) {
            core.context().end_session(session);
            return Err(stopped);
        }
        let mut outcome = Outcome::default();
        subscribe(session, &mut outcome).map_err(|error| Error::Refused(error.to_string()))?;
        server.advisories.carry_out(&mut outcome, Some(session));
        Ok(inbox)
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        self.reader.session()
    }

    /// Returns the next delivery in the form that `take` gives it, with its message; `None` when the session has ended.
    pub(crate) fn poll_next<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl Fn(Message, &broker::Delivery<'_>) -> T,
    ) -> Poll<Option<T>> {
        // A reader with many waiting messages lets other tasks run.
        let budget = ready!(tokio::task::coop::poll_proceed(context));
        // Registered before the check: an event in between wakes the task.
        self.peer.register(context.waker());
        if self.session().is_ended() {
            return Poll::Ready(None);
        }
        let _runtime = self.core.runtime.enter();
        let mut taken = None;
        self.reader.session().begin_drain();
        let has_no_more = self.reader.drain(unix_ms(), |delivery| {
            let id = self.core.server.broker.id_of(delivery.entry);
            taken = Some(take(Message::new(id, &delivery), &delivery));
            ControlFlow::Break(())
        });
        if taken.is_none() && !has_no_more {
            // The search for the next message continues after other tasks have run.
            self.peer.wake();
        }
        match taken {
            Some(taken) => {
                budget.made_progress();
                Poll::Ready(Some(taken))
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.core.end_session(self.reader.session());
    }
}
