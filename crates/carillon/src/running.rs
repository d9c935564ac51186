//! The running server as all handles of this crate share it, and publications within the process.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use broker::{DestinationKind, Header, Outcome, Session, TopicFilter, TopicName};
use carillon_server::embedding::{
    ConnectionLimit, HttpService, ListenerName, MAX_BLOCKED_TIME, ScheduleRequest, Server,
    ServerContext, durable, interned_content_type, set_headers, unblocked, unix_ms,
};
use tokio::{runtime::Handle, sync::watch, time::Instant};

use crate::{
    error::Error,
    publication::{Publication, Receipt},
};

/// A running server.
pub(crate) struct Core {
    pub(crate) server: Arc<Server>,
    pub(crate) http: HttpService,
    pub(crate) connection_limit: ConnectionLimit,
    /// The runtime of the server. Calls from other threads enter it, because they may start tasks and timers.
    pub(crate) runtime: Handle,
    pub(crate) addresses: Vec<(ListenerName, SocketAddr)>,
    /// The path of the pages: empty, or such as `/carillon`.
    pub(crate) path: String,
    /// The sessions of subscriptions and consumers, by their addresses; `None` after the server began to stop. The program
    /// holds each of them, so it bounds their number.
    pub(crate) sessions: Mutex<Option<HashMap<usize, Arc<Session>>>>,
    /// The sender is dropped when the server has stopped.
    pub(crate) stopped: watch::Receiver<()>,
}

impl Core {
    /// Publishes a message, and waits until it is on disk if it must survive a restart.
    pub(crate) async fn publish(
        &self,
        kind: DestinationKind,
        name: &str,
        publication: Publication,
    ) -> Result<Receipt, Error> {
        let max = self.server.options.max_body_bytes;
        if publication.body.len() > max {
            let bytes = publication.body.len();
            let text = format!("the body has {bytes} bytes; the limit is {max} (--max-body)");
            return Err(Error::Refused(text));
        }
        let publication = self.encoded(kind, topic_name(name)?, publication)?;
        let mut outcome = self.publish_now(publication)?;
        let broker = &self.server.broker;
        self.unless_stopped(durable(broker, outcome.owed)).await?;
        let caught_up = {
            let _runtime = self.runtime.enter();
            let until = Instant::now() + MAX_BLOCKED_TIME;
            unblocked(broker, &mut outcome.blocked, until)
        };
        // The message is accepted in any case.
        let _ = self.unless_stopped(caught_up).await;
        match outcome.results.pop() {
            Some(Ok(published)) => Ok(Receipt {
                id: published.id.to_string(),
                position: published.id.position,
                sequence: published.sequence,
                subscriptions: published.subscriptions,
            }),
            Some(Err(error)) => Err(Error::Refused(error.to_string())),
            None => Err(Error::Refused("the broker returned no result".to_owned())),
        }
    }

    fn publish_now(&self, publication: broker::Publication) -> Result<Outcome, Error> {
        let _runtime = self.runtime.enter();
        let server = &self.server;
        let mut outcome = Outcome::default();
        let _open = server.gate.pass().ok_or(Error::Stopped)?;
        let client = server.broker.pools().own_client();
        let mut batch = vec![publication];
        server.broker.publish_for(&client, &mut batch, &mut outcome);
        server.carry_out(&mut outcome);
        Ok(outcome)
    }

    /// Returns the broker's form of a message.
    fn encoded(
        &self,
        kind: DestinationKind,
        name: TopicName,
        publication: Publication,
    ) -> Result<broker::Publication, Error> {
        let now_ms = unix_ms();
        let create = match kind {
            DestinationKind::Topic => broker::Publication::new,
            DestinationKind::Queue => broker::Publication::to_queue,
        };
        let headers = publication.headers.into_iter();
        let mut headers = headers
            .map(|(name, value)| Header {
                name: name.into(),
                value: value.into(),
            })
            .collect();
        let refused =
            |error: carillon_server::embedding::InvalidRequest| Error::Refused(error.to_string());
        let schedule = ScheduleRequest::take(&mut headers).map_err(refused)?;
        let content_type = publication.content_type.as_deref();
        let mut message = set_headers(
            create(name, PRODUCER.into(), now_ms, &publication.body),
            content_type.map(interned_content_type),
            headers.into(),
        );
        if let Some(time) = publication.time_to_live {
            let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            message = message.expiring(now_ms.saturating_add(time_ms));
        }
        if publication.is_retained {
            message = message.retained();
        }
        let is_to_queue = kind == DestinationKind::Queue;
        if publication.is_persistent.unwrap_or(is_to_queue) {
            message = message.persistent();
        }
        schedule.apply(message, now_ms).map_err(refused)
    }

    /// Returns the context of work of this process, which may do everything.
    pub(crate) fn context(&self) -> ServerContext {
        self.server.background_context()
    }

    /// Waits for a future, unless the server stops before.
    pub(crate) async fn unless_stopped<T>(
        &self,
        waited: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            biased;
            done = waited => Ok(done),
            _ = stopped.changed() => Err(Error::Stopped),
        }
    }

    /// Adds a session to those that end when the server stops.
    pub(crate) fn add_session(&self, session: &Arc<Session>) -> Result<(), Error> {
        let mut sessions = self.sessions();
        let sessions = sessions.as_mut().ok_or(Error::Stopped)?;
        sessions.insert(Arc::as_ptr(session).addr(), Arc::clone(session));
        Ok(())
    }

    /// Ends a session. Its unsettled messages go to other consumers.
    pub(crate) fn end_session(&self, session: &Arc<Session>) {
        let address = Arc::as_ptr(session).addr();
        let removed = self
            .sessions()
            .as_mut()
            .and_then(|sessions| sessions.remove(&address));
        if removed.is_some() {
            let _runtime = self.runtime.enter();
            self.context().end_session(session);
        }
    }

    /// Ends all subscriptions and consumers, and accepts no more.
    pub(crate) fn end_sessions(&self) {
        let sessions = self.sessions().take();
        for session in sessions.into_iter().flatten().map(|(_, session)| session) {
            self.context().end_session(&session);
            session.wake();
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Option<HashMap<usize, Arc<Session>>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses the name of a topic or queue.
pub(crate) fn topic_name(text: &str) -> Result<TopicName, Error> {
    TopicName::new(text).map_err(|error| Error::InvalidName(error.to_string()))
}

/// Parses a filter.
pub(crate) fn topic_filter(text: &str) -> Result<TopicFilter, Error> {
    TopicFilter::new(text).map_err(|error| Error::InvalidName(error.to_string()))
}

/// The producer of messages that this process publishes.
const PRODUCER: &str = "local";
