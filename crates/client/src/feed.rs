//! Prints the messages of a subscription line by line on standard output. Owns what all protocols
//! share.
//!
//! A feed outlives its connections. Each protocol's [`Subscription`] requests and receives
//! messages, and keeps what it needs when a connection is lost.

use super::{
    connect::ConnectError,
    connection::Connection,
    follow::{Failure, FollowEnd, SubscriptionState, Work},
    machine::Machine,
    note,
    output::Closed,
    printer::Printer,
    render::Format,
    stop::{Stop, StopCause},
};

/// A protocol's subscription, of which each connection has one.
pub(crate) trait Subscription {
    type Machine: Machine;
    /// Identifies a message in its acknowledgement.
    type Ticket;

    /// Opens a connection. `window` is the maximum number of unacknowledged messages.
    async fn open(&mut self, window: u64) -> Result<Connection<Self::Machine>, ConnectError>;

    /// Sends the subscription.
    fn subscribe(
        &mut self,
        connection: &mut Connection<Self::Machine>,
        intake: &mut Intake<Self::Ticket>,
    ) -> Result<(), Failure>;

    /// Handles the next event that has arrived.
    fn take_event(
        &mut self,
        connection: &mut Connection<Self::Machine>,
        intake: &mut Intake<Self::Ticket>,
    ) -> Result<Taken, Failure>;

    /// Acknowledges messages that were printed, in this order.
    fn acknowledge(
        &mut self,
        tickets: Vec<Self::Ticket>,
        connection: &mut Connection<Self::Machine>,
    );

    /// Unsubscribes. All acknowledgements have been written before.
    fn unsubscribe(&mut self, connection: &mut Connection<Self::Machine>);

    /// Closes the connection.
    async fn close(&mut self, connection: Connection<Self::Machine>);

    async fn lost(&mut self, _connection: Connection<Self::Machine>) {}
}

/// The result of taking an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    One,
    Nothing,
}

/// The way in which the server applies the requested window of unacknowledged messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// The server sends as many messages as the window allows, if it has them.
    Filled,
    /// The server may use a smaller window.
    AtMost,
}

/// The messages received over all connections, and their progress.
pub(crate) struct Intake<T> {
    pub printer: Printer<T>,
    pub state: SubscriptionState,
    options: IntakeOptions,
    received: u64,
    /// True if no more messages will arrive.
    is_at_end: bool,
    window: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct IntakeOptions {
    pub format: Format,
    /// Number of messages to receive, or None for all.
    pub count: Option<u64>,
    pub quiet: bool,
}

impl<T> Intake<T> {
    pub(crate) const fn format(&self) -> Format {
        self.options.format
    }

    /// Returns the maximum number of unacknowledged messages.
    pub(crate) const fn window(&self) -> u64 {
        self.window
    }

    /// Counts a message whose lines were added to the printer.
    pub(crate) fn message(&mut self, ticket: Option<T>, window: Window) {
        self.received += 1;
        let remaining = self.remaining();
        let acknowledgements = &mut self.printer.acknowledgements;
        match window {
            Window::Filled => acknowledgements.received_within(ticket, remaining),
            Window::AtMost => acknowledgements.received(ticket),
        }
    }

    pub(crate) const fn reach_end(&mut self) {
        self.is_at_end = true;
    }

    /// Records that the server has confirmed the subscription.
    pub(crate) fn confirmed(&mut self, source: &str) {
        self.state.confirm();
        if !self.options.quiet {
            note(&format!("subscribed to {source}"));
        }
    }

    /// Notes that messages may be missing: an earlier connection was lost, and the server does not
    /// report what was published before this one.
    pub(crate) fn note_gap(&self) {
        note("messages may have been missed while there was no connection");
    }

    /// Returns the number of messages still to receive, or None for all.
    fn remaining(&self) -> Option<u64> {
        let count = self.options.count?;
        Some(count.saturating_sub(self.received))
    }

    fn is_complete(&self) -> bool {
        self.is_at_end || self.remaining() == Some(0)
    }
}

pub(crate) struct Feed<S: Subscription> {
    subscription: S,
    intake: Intake<S::Ticket>,
}

/// The reason why a wait ended.
enum Wake<T> {
    Arrived,
    /// Lines were printed. Holds the messages to acknowledge.
    Printed(Result<Vec<T>, Closed>),
    Stopped(StopCause),
}

impl<S: Subscription> Feed<S> {
    pub(crate) fn new(subscription: S, options: IntakeOptions) -> Self {
        Self {
            subscription,
            intake: Intake {
                printer: Printer::to_standard_output(),
                state: SubscriptionState::default(),
                options,
                received: 0,
                is_at_end: false,
                window: 0,
            },
        }
    }

    /// Returns the number of messages received over all connections.
    pub(crate) const fn received(&self) -> u64 {
        self.intake.received
    }

    /// Prints the lines that are left.
    pub(crate) async fn finish(self) -> std::io::Result<()> {
        self.intake.printer.finish().await
    }
}

impl<S: Subscription> Work for Feed<S> {
    type Machine = S::Machine;

    async fn open(&mut self) -> Result<Connection<S::Machine>, ConnectError> {
        let Self {
            subscription,
            intake,
        } = self;
        intake.state.start_attempt();
        let remaining = intake.remaining();
        intake.window = intake.printer.acknowledgements.start(remaining);
        subscription.open(intake.window).await
    }

    /// Subscribes, and prints the messages.
    async fn run(
        &mut self,
        connection: &mut Connection<S::Machine>,
        stop: &mut Stop,
    ) -> Result<FollowEnd, Failure> {
        self.subscription.subscribe(connection, &mut self.intake)?;
        let ending = self.follow(connection, stop).await?;
        self.settle(connection, stop).await;
        Ok(ending)
    }

    async fn close(&mut self, connection: Connection<S::Machine>) {
        self.subscription.close(connection).await;
    }

    async fn lost(&mut self, connection: Connection<S::Machine>) {
        self.subscription.lost(connection).await;
    }

    fn state(&self) -> &SubscriptionState {
        &self.intake.state
    }
}

impl<S: Subscription> Feed<S> {
    async fn follow(
        &mut self,
        connection: &mut Connection<S::Machine>,
        stop: &mut Stop,
    ) -> Result<FollowEnd, Failure> {
        loop {
            self.take_events(connection)?;
            if self.intake.is_complete() {
                return Ok(FollowEnd::Complete);
            }
            match self.wait(connection, stop).await {
                Wake::Arrived => {}
                Wake::Printed(Ok(tickets)) => self.subscription.acknowledge(tickets, connection),
                Wake::Printed(Err(Closed)) => return Ok(FollowEnd::OutputClosed),
                Wake::Stopped(cause) => return Ok(FollowEnd::Stopped(cause)),
            }
        }
    }

    /// Prints and acknowledges the received messages. The server would otherwise deliver them
    /// again.
    async fn settle(&mut self, connection: &mut Connection<S::Machine>, stop: &mut Stop) {
        while !self.intake.printer.acknowledgements.all_acknowledged() && !connection.is_lost() {
            match self.wait(connection, stop).await {
                Wake::Arrived => {}
                Wake::Printed(Ok(tickets)) => self.subscription.acknowledge(tickets, connection),
                Wake::Printed(Err(Closed)) | Wake::Stopped(_) => break,
            }
        }
        // Sent together with the last acknowledgement, so that the server does not send more
        // messages after it.
        self.subscription.unsubscribe(connection);
    }

    /// Takes the events that have arrived, until the printer is full.
    fn take_events(&mut self, connection: &mut Connection<S::Machine>) -> Result<(), Failure> {
        let Self {
            subscription,
            intake,
        } = self;
        while !intake.printer.is_full() && !intake.is_complete() {
            if subscription.take_event(connection, intake)? == Taken::Nothing {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the next step. While lines wait to be printed, the connection is kept alive and
    /// reads ahead up to its own bound.
    async fn wait(
        &mut self,
        connection: &mut Connection<S::Machine>,
        stop: &mut Stop,
    ) -> Wake<S::Ticket> {
        let printer = &mut self.intake.printer;
        let may_arrive = printer.lines.is_empty() || !connection.is_lost();
        tokio::select! {
            printed = printer.progress() => Wake::Printed(printed),
            () = connection.receive(), if may_arrive => Wake::Arrived,
            cause = stop.wait() => Wake::Stopped(cause),
        }
    }
}
