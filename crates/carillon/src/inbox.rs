//! A session of the broker that is read by polling: the part that subscriptions and consumers share.

use std::{
    ops::ControlFlow,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use broker::{Outcome, Peer, Reader, Session, SubscribeError};
use carillon_server::embedding::unix_ms;
use futures_util::task::AtomicWaker;

use crate::{error::Error, running::Core};

/// The reading side of a session within this process. Dropping it ends the session.
pub(crate) struct Inbox {
    pub(crate) core: Arc<Core>,
    reader: Reader,
    waker: Arc<InboxWaker>,
}

/// The broker's callback.
#[derive(Default)]
struct InboxWaker(AtomicWaker);

impl Peer for InboxWaker {
    fn deliver(&self) {
        self.0.wake();
    }

    fn wake(&self) {
        self.0.wake();
    }
}

impl Inbox {
    /// Creates a session, and subscribes it with `subscribe`.
    pub(crate) fn new<T>(
        core: &Arc<Core>,
        subscribe: impl FnOnce(&Arc<Session>, &mut Outcome) -> Result<T, SubscribeError>,
    ) -> Result<Self, Error> {
        let _runtime = core.runtime.enter();
        let server = &core.server;
        let waker = Arc::<InboxWaker>::default();
        let peer: Weak<InboxWaker> = Arc::downgrade(&waker);
        let client = server.broker.pools().own_client();
        let name = server.session_name("local");
        let reader = server.broker.attach_for(&client, name, peer);
        let inbox = Self {
            core: Arc::clone(core),
            reader,
            waker,
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

    /// Returns the next delivery in the form that `take` gives it; `None` when the session has ended.
    pub(crate) fn poll_next<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl Fn(&Core, &broker::Delivery<'_>) -> T,
    ) -> Poll<Option<T>> {
        // Registered before the check: an event in between wakes the task.
        self.waker.0.register(context.waker());
        if self.session().is_ended() {
            return Poll::Ready(None);
        }
        let _runtime = self.core.runtime.enter();
        let mut taken = None;
        self.reader.session().begin_drain();
        let has_no_more = self.reader.drain(unix_ms(), |delivery| {
            taken = Some(take(&self.core, &delivery));
            ControlFlow::Break(())
        });
        if taken.is_none() && !has_no_more {
            // The search for the next message continues after other tasks have run.
            self.waker.0.wake();
        }
        match taken {
            Some(taken) => Poll::Ready(Some(taken)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.core.end_session(self.reader.session());
    }
}
