//! Answers the requests of a subscription, one after another.

use std::pin::pin;

use wire::stomp::{
    client::{Event, Message, Send, Subscribe},
    header,
};

use super::{
    Answer, ReplyOptions,
    command::CommandError,
    request::{Request, Unanswerable},
};
use crate::{
    connect::ConnectError,
    follow::{Failure, FollowEnd, SubscriptionState, Work},
    note,
    stomp::{
        Connection,
        connection::{Stomp, error_text},
        destination::{display_name, normalized},
        render::missed_note,
    },
    stop::{Stop, StopCause},
};

pub(super) struct Replier<'o> {
    options: &'o ReplyOptions,
    /// Number of answers over all connections.
    answered: u64,
    state: SubscriptionState,
    /// True if the server has confirmed the last answer.
    is_complete: bool,
}

/// The reason why a request was not answered.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Unanswerable(#[from] Unanswerable),
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// The result of waiting for an answer.
enum Wait {
    Answered(Result<Vec<u8>, CommandError>),
    /// The connection was lost, so the answer cannot be sent.
    Lost,
    Stopped(StopCause),
}

impl Work for Replier<'_> {
    type Machine = Stomp;

    async fn open(&mut self) -> Result<Connection, ConnectError> {
        Connection::open(&self.options.connection).await
    }

    async fn close(&mut self, connection: Connection) {
        connection.close().await;
    }

    async fn run(
        &mut self,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<FollowEnd, Failure> {
        self.subscribe(connection);
        loop {
            while has_room(connection)
                && let Some(request) = self.next_request(connection)?
            {
                if let Some(cause) = self.serve(&request, connection, stop).await? {
                    return Ok(FollowEnd::Stopped(cause));
                }
            }
            if self.is_complete {
                return Ok(FollowEnd::Complete);
            }
            tokio::select! {
                () = progress(connection) => {}
                cause = stop.wait() => return Ok(FollowEnd::Stopped(cause)),
            }
        }
    }

    fn state(&self) -> &SubscriptionState {
        &self.state
    }
}

impl<'o> Replier<'o> {
    pub(super) fn new(options: &'o ReplyOptions) -> Self {
        Self {
            options,
            answered: 0,
            state: SubscriptionState::default(),
            is_complete: false,
        }
    }

    fn subscribe(&mut self, connection: &mut Connection) {
        if self.is_last() {
            // The connection was lost before the server had confirmed the last answer: answer once
            // more.
            self.answered -= 1;
        }
        self.state.start_attempt();
        let selector = self.options.whole_selector();
        connection.subscribe(&Subscribe {
            id: REQUESTS,
            destination: self.options.source.as_stomp(),
            ack: self.options.ack(),
            receipt: Some(REQUESTS),
            headers: &self.options.headers(selector.as_deref()),
            ..Subscribe::default()
        });
    }

    /// Returns the next request that has arrived. Returns None after the last answer.
    fn next_request(&mut self, connection: &mut Connection) -> Result<Option<Request>, Failure> {
        // On a lost connection no answer can be sent.
        let are_wanted = !self.is_last() && !connection.is_lost();
        loop {
            match connection.next_event()? {
                None => return Ok(None),
                Some(Event::Message(message)) if are_wanted => {
                    note_missed(&message);
                    return Ok(Some(Request::of(&message)));
                }
                Some(Event::Receipt(receipt)) if receipt == LAST => self.is_complete = true,
                Some(Event::Receipt(_)) => self.confirmed(),
                Some(Event::Error(error)) => {
                    let source = &self.options.source;
                    return Err(self.state.refusal(source, error_text(&error)));
                }
                Some(_) => {}
            }
        }
    }

    /// Answers a request, or reports why it is not answered.
    async fn serve(
        &mut self,
        request: &Request,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<Option<StopCause>, Failure> {
        let target = match request.target() {
            Ok(target) => target,
            Err(error) => {
                refuse(request, &error.into(), connection);
                return Ok(None);
            }
        };
        match self.answer(request, connection, stop).await {
            Wait::Answered(Ok(body)) => self.send(target.as_stomp(), request, &body, connection),
            Wait::Answered(Err(error @ CommandError::NotStarted { is_final: true, .. })) => {
                return Err(Failure::Local(error.to_string()));
            }
            Wait::Answered(Err(error)) => refuse(request, &error.into(), connection),
            Wait::Lost => {}
            Wait::Stopped(cause) => return Ok(Some(cause)),
        }
        Ok(None)
    }

    /// Waits for the answer, and keeps the connection alive in that time.
    async fn answer(
        &self,
        request: &Request,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Wait {
        let program = match self.options.answer() {
            Answer::Fixed(body) => return Wait::Answered(Ok(body.to_vec())),
            Answer::Program(program) => program,
        };
        let mut answer = pin!(program.answer(request));
        while !connection.is_lost() {
            tokio::select! {
                answer = &mut answer => return Wait::Answered(answer),
                () = connection.receive() => {}
                cause = stop.wait() => return Wait::Stopped(cause),
            }
        }
        Wait::Lost
    }

    /// Sends the answer, then the acknowledgement: if the server refuses the answer, the request is
    /// not lost.
    fn send(&mut self, target: &str, request: &Request, body: &[u8], connection: &mut Connection) {
        connection.send(&Send {
            destination: target,
            content_type: self.options.content_type.as_deref(),
            receipt: None,
            headers: &[(header::CORRELATION_ID, request.correlation())],
            body,
        });
        if let Some(ack) = &request.ack {
            connection.ack(ack);
        }
        self.answered += 1;
        if self.is_last() {
            // Sent together with the acknowledgement, so that the server delivers no further
            // request.
            connection.unsubscribe(REQUESTS, Some(LAST));
        }
    }

    fn is_last(&self) -> bool {
        Some(self.answered) == self.options.count
    }

    fn confirmed(&mut self) {
        self.state.confirm();
        let source = &self.options.source;
        if !self.options.quiet {
            note(&format!("answering requests to {source}"));
        }
        if self.state.was_lost() && !source.is_queue() {
            note("requests may have been missed while there was no connection");
        }
    }
}

/// Returns true if another request may be answered. On a lost connection nothing is sent any more,
/// and the events that are left are only read.
const fn has_room(connection: &Connection) -> bool {
    connection.unsent_bytes() < UNSENT_BYTES || connection.is_lost()
}

/// Waits for more requests, or, if too many bytes are unsent, until they are sent.
async fn progress(connection: &mut Connection) {
    match has_room(connection) {
        true => connection.receive().await,
        false => connection.flush().await,
    }
}

/// Reports a request as unanswered. With a NACK, the server delivers a queue's request to another
/// consumer.
fn refuse(request: &Request, error: &Unanswered, connection: &mut Connection) {
    note(&format!("{} was not answered: {error}", request.name()));
    if let Some(ack) = &request.ack {
        connection.nack(ack);
    }
}

fn note_missed(message: &Message<'_>) {
    if let Some(missed) = message.missed {
        let destination = normalized(&message.destination);
        note(&missed_note(display_name(&destination), missed));
    }
}

/// The id of a connection's only subscription, and its receipt.
const REQUESTS: &str = "requests";
/// The receipt of the UNSUBSCRIBE. It confirms all frames before, too.
const LAST: &str = "last";
/// Number of unsent bytes from which on no more requests are answered. The answer that reaches it
/// is still sent.
const UNSENT_BYTES: usize = 64 << 10;
