//! What a subscription brings, line by line on standard output: what is the same for all protocols.
//!
//! A feed outlives its connections. What is asked for, what arrives, and what becomes of it when a connection
//! is lost is each protocol's [`Subscription`].

use super::{
    connect::ConnectError,
    connection::Connection,
    follow::{Ending, Failure, SubscriptionState, Work},
    machine::Machine,
    note,
    output::Closed,
    printer::Printer,
    render::Format,
    stop::{Stop, StopCause},
};

/// The one subscription of each connection.
pub trait Subscription {
    type Machine: Machine;
    /// What a message is acknowledged by.
    type Ticket;

    /// Opens a connection. `window` is how many messages may wait to be acknowledged.
    async fn open(&mut self, window: u64) -> Result<Connection<Self::Machine>, ConnectError>;

    /// Subscribes.
    fn subscribe(
        &mut self,
        connection: &mut Connection<Self::Machine>,
        intake: &mut Intake<Self::Ticket>,
    ) -> Result<(), Failure>;

    /// Takes the next event that has arrived.
    fn take_event(
        &mut self,
        connection: &mut Connection<Self::Machine>,
        intake: &mut Intake<Self::Ticket>,
    ) -> Result<Taken, Failure>;

    /// These were printed, in this order.
    fn acknowledge(
        &mut self,
        tickets: Vec<Self::Ticket>,
        connection: &mut Connection<Self::Machine>,
    );

    /// Unsubscribes; everything that is to be acknowledged was.
    fn unsubscribe(&mut self, connection: &mut Connection<Self::Machine>);

    /// Takes leave of the server.
    async fn close(&mut self, connection: Connection<Self::Machine>);

    async fn lost(&mut self, _connection: Connection<Self::Machine>) {}
}

/// Whether there was an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    One,
    Nothing,
}

/// What the server makes of the number of messages that may wait to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// It sends that many, if it has them.
    Filled,
    /// It may have a smaller number of its own.
    AtMost,
}

/// What was received, over all connections, and what became of it.
pub struct Intake<T> {
    pub printer: Printer<T>,
    pub state: SubscriptionState,
    options: IntakeOptions,
    received: u64,
    /// Nothing more will come.
    is_at_end: bool,
    window: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct IntakeOptions {
    pub format: Format,
    /// How many messages are wanted, if not all.
    pub count: Option<u64>,
    pub quiet: bool,
}

impl<T> Intake<T> {
    pub const fn format(&self) -> Format {
        self.options.format
    }

    /// Messages that may wait to be acknowledged.
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// The lines of a message were added.
    pub fn message(&mut self, ticket: Option<T>, window: Window) {
        self.received += 1;
        let remaining = self.remaining();
        let acknowledgements = &mut self.printer.acknowledgements;
        match window {
            Window::Filled => acknowledgements.received_within(ticket, remaining),
            Window::AtMost => acknowledgements.received(ticket),
        }
    }

    pub const fn reach_end(&mut self) {
        self.is_at_end = true;
    }

    /// The server has confirmed the subscription.
    pub fn confirmed(&mut self, source: &str) {
        self.state.confirm();
        if !self.options.quiet {
            note(&format!("subscribed to {source}"));
        }
    }

    /// The connection before this one was lost, and what happened meanwhile is not told.
    pub fn note_gap(&self) {
        note("messages may have been missed while there was no connection");
    }

    /// How many more messages are, if not all.
    fn remaining(&self) -> Option<u64> {
        let count = self.options.count?;
        Some(count.saturating_sub(self.received))
    }

    fn is_complete(&self) -> bool {
        self.is_at_end || self.remaining() == Some(0)
    }
}

pub struct Feed<S: Subscription> {
    subscription: S,
    intake: Intake<S::Ticket>,
}

/// What a wait led to.
enum Wake<T> {
    Arrived,
    /// What to acknowledge.
    Printed(Result<Vec<T>, Closed>),
    Stopped(StopCause),
}

impl<S: Subscription> Feed<S> {
    pub fn new(subscription: S, options: IntakeOptions) -> Self {
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

    /// The messages received, over all connections.
    pub const fn received(&self) -> u64 {
        self.intake.received
    }

    /// Prints what is left.
    pub async fn finish(self) -> std::io::Result<()> {
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

    /// Subscribes, and prints what arrives.
    async fn run(
        &mut self,
        connection: &mut Connection<S::Machine>,
        stop: &mut Stop,
    ) -> Result<Ending, Failure> {
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
    ) -> Result<Ending, Failure> {
        loop {
            self.take_events(connection)?;
            if self.intake.is_complete() {
                return Ok(Ending::Complete);
            }
            match self.wait(connection, stop).await {
                Wake::Arrived => {}
                Wake::Printed(Ok(tickets)) => self.subscription.acknowledge(tickets, connection),
                Wake::Printed(Err(Closed)) => return Ok(Ending::OutputClosed),
                Wake::Stopped(cause) => return Ok(Ending::Stopped(cause)),
            }
        }
    }

    /// Prints and acknowledges what was received, for otherwise somebody would be given it again.
    async fn settle(&mut self, connection: &mut Connection<S::Machine>, stop: &mut Stop) {
        while !self.intake.printer.acknowledgements.all_acknowledged() && !connection.is_lost() {
            match self.wait(connection, stop).await {
                Wake::Arrived => {}
                Wake::Printed(Ok(tickets)) => self.subscription.acknowledge(tickets, connection),
                Wake::Printed(Err(Closed)) | Wake::Stopped(_) => break,
            }
        }
        // In one with the last acknowledgement, so that it is not answered with more messages.
        self.subscription.unsubscribe(connection);
    }

    /// Takes what has arrived, as far as there is place for its lines.
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

    /// Waits for whatever comes next. While lines wait to be printed the connection is kept alive, and reads
    /// ahead as far as its own bound.
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
