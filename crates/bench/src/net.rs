//! All connections of a run on one thread. Each ready connection is read once in turn, into one
//! shared buffer.
//!
//! One thread is enough because the work per message is small, and it leaves the other cores to the
//! server.

use std::{
    io::{self, ErrorKind},
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use mio::{Events, Interest, Poll, Token, Waker};

use super::{
    dialect::Arrival,
    link::{BUFFER, Link, LinkError, ReadOutcome, Route},
};

pub struct Net {
    poll: Poll,
    events: Events,
    links: Vec<Option<Link>>,
    /// Numbers of the links that may have bytes to read. No link is in it twice.
    ready: Vec<usize>,
    /// For each link: true if it is in `ready`.
    is_ready: Vec<bool>,
    /// Open connections that are no longer read.
    unread: Vec<Link>,
    buffer: Vec<u8>,
    replies: Vec<u8>,
    /// A poll can have only one waker.
    waker: Arc<Waker>,
    start: Instant,
}

/// Handles the events of the connections.
pub trait Handler {
    /// Called when a connection is open. Returns the first frames to send.
    fn opened(&mut self, link: usize) -> Vec<u8>;
    /// Called before the arrivals of a read. They were read on this connection at this time.
    fn reading(&mut self, link: usize, now_ns: u64);
    /// Called for each arrival. Adds the frames of the answer to `replies`.
    fn arrived(&mut self, arrival: Arrival<'_>, replies: &mut Vec<u8>);
    /// Called when a connection is lost.
    ///
    /// # Errors
    ///
    /// The run cannot go on without it.
    fn lost(&mut self, link: usize, error: LinkError) -> anyhow::Result<()>;
}

impl Net {
    /// # Errors
    ///
    /// The system cannot create a poll.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Self {
            waker: Arc::new(Waker::new(poll.registry(), WAKE)?),
            poll,
            events: Events::with_capacity(1024),
            links: Vec::new(),
            ready: Vec::new(),
            is_ready: Vec::new(),
            unread: Vec::new(),
            buffer: vec![0; BUFFER],
            replies: Vec::new(),
            start: Instant::now(),
        })
    }

    /// Returns the nanoseconds since the start of the run.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the waker that ends a wait from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Returns the number of the next connection.
    pub const fn next_link(&self) -> usize {
        self.links.len()
    }

    /// Starts to connect. [`Handler::opened`] is called when the connection is open.
    ///
    /// # Errors
    ///
    /// The system has no socket or port left.
    pub fn connect(&mut self, route: &Route, handler: &mut impl Handler) -> anyhow::Result<()> {
        let number = self.links.len();
        let context = || format!("connection {} cannot be opened", number + 1);
        let mut link = Link::connect(route).with_context(context)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut link.socket, Token(number), interest)?;
        if link.is_open() {
            // Written when the socket becomes writable.
            link.queue_frames(&handler.opened(number));
        }
        self.links.push(Some(link));
        self.is_ready.push(false);
        Ok(())
    }

    pub fn link(&mut self, number: usize) -> Option<&mut Link> {
        self.links.get_mut(number)?.as_mut()
    }

    /// Keeps these connections open without reading from them. The handler is not called if they
    /// are lost.
    ///
    /// # Errors
    ///
    /// A socket cannot be deregistered.
    pub fn stop_reading(&mut self, numbers: Range<usize>) -> io::Result<()> {
        for mut link in self.links[numbers].iter_mut().filter_map(Option::take) {
            self.poll.registry().deregister(&mut link.socket)?;
            self.unread.push(link);
        }
        Ok(())
    }

    /// Writes the output of a link as far as the socket accepts it.
    pub fn flush(&mut self, number: usize, handler: &mut impl Handler) -> anyhow::Result<()> {
        let Some(link) = self.link(number) else {
            return Ok(());
        };
        match link.flush() {
            Ok(()) => Ok(()),
            Err(error) => self.lose(number, error.into(), handler),
        }
    }

    /// Waits until a socket is readable or writable, at most for `timeout`, then reads and writes.
    ///
    /// # Errors
    ///
    /// Polling failed, or [`Handler::lost`] returned an error.
    pub fn poll_once(
        &mut self,
        timeout: Duration,
        handler: &mut impl Handler,
    ) -> anyhow::Result<()> {
        let timeout = match self.ready.is_empty() {
            true => timeout,
            false => Duration::ZERO,
        };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for number in self.note_events() {
            self.flush(number, handler)?;
        }
        // Links that have more to read are read again in the next call, after all other ready
        // links.
        for number in std::mem::take(&mut self.ready) {
            self.is_ready[number] = false;
            if let Err(error) = self.receive(number, handler) {
                self.lose(number, error, handler)?;
            }
        }
        Ok(())
    }

    /// Records the readable links. Returns the links that are writable and have output.
    fn note_events(&mut self) -> Vec<usize> {
        let mut writable = Vec::new();
        for event in &self.events {
            let number = event.token().0;
            let Some(Some(link)) = self.links.get_mut(number) else {
                continue;
            };
            link.is_ending |= event.is_read_closed() || event.is_error();
            if event.is_writable() && link.unsent() > 0 {
                writable.push(number);
            }
            if (event.is_readable() || link.is_ending) && !self.is_ready[number] {
                self.is_ready[number] = true;
                self.ready.push(number);
            }
        }
        writable
    }

    fn receive(&mut self, number: usize, handler: &mut impl Handler) -> Result<(), LinkError> {
        let now_ns = self.now_ns();
        let Some(Some(link)) = self.links.get_mut(number) else {
            return Ok(());
        };
        let was_open = link.is_open();
        let outcome = link.read(&mut self.buffer)?;
        let count = match outcome {
            ReadOutcome::Partial(count) | ReadOutcome::Full(count) => count,
            ReadOutcome::WouldBlock => return Ok(()),
            ReadOutcome::End => return Err(LinkError::Closed),
        };
        handler.reading(number, now_ns);
        let replies = &mut self.replies;
        link.scan(&self.buffer[..count], &mut |arrival| {
            handler.arrived(arrival, replies);
        })?;
        if !was_open && link.is_open() {
            replies.extend_from_slice(&handler.opened(number));
        }
        if !replies.is_empty() {
            link.queue_frames(replies);
            replies.clear();
        }
        link.flush()?;
        let has_more = matches!(outcome, ReadOutcome::Full(_)) || link.is_ending;
        if has_more && !std::mem::replace(&mut self.is_ready[number], true) {
            self.ready.push(number);
        }
        Ok(())
    }

    fn lose(
        &mut self,
        number: usize,
        error: LinkError,
        handler: &mut impl Handler,
    ) -> anyhow::Result<()> {
        self.links[number] = None;
        self.replies.clear();
        handler.lost(number, error)
    }
}

/// The token of the waker. No connection has this number.
const WAKE: Token = Token(usize::MAX >> 1);
