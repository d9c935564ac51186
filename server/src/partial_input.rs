//! The memory of incomplete messages: one budget for all connections, over every protocol.
//!
//! This memory is outside the broker. A peer that starts a message and does not finish it costs as much as the message.
//! Two rules bound it: a message must arrive at a minimum rate, and when the budget is used up, the message that
//! started first is dropped, because it has had the most time.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;

/// The bytes that all incomplete messages may use together.
pub struct PartialInputBudget {
    max_bytes: usize,
    claims: Mutex<Claims>,
}

/// The bytes in use, and the number of dropped messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartialInputFigures {
    /// Bytes of incomplete messages.
    pub bytes: usize,
    /// Number of incomplete messages that were dropped in favour of others.
    pub dropped: u64,
}

#[derive(Default)]
struct Claims {
    /// By the order in which the messages started.
    by_age: BTreeMap<u64, HeldMessage>,
    bytes: usize,
    next_ticket: u64,
    dropped: u64,
}

/// The memory of one message.
struct HeldMessage {
    bytes: usize,
    drop_signal: Arc<DropSignal>,
}

/// Notifies a connection that its message is dropped.
#[derive(Default)]
struct DropSignal {
    is_dropped: AtomicBool,
    waker: AtomicWaker,
}

impl PartialInputBudget {
    /// Creates a budget of this number of bytes.
    pub fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            max_bytes,
            claims: Mutex::default(),
        })
    }

    /// Returns the figures.
    pub fn figures(&self) -> PartialInputFigures {
        let claims = self.lock();
        PartialInputFigures {
            bytes: claims.bytes,
            dropped: claims.dropped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claims {
    fn add(&mut self) -> Claim {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let drop_signal = Arc::<DropSignal>::default();
        let held = HeldMessage {
            bytes: 0,
            drop_signal: Arc::clone(&drop_signal),
        };
        self.by_age.insert(ticket, held);
        Claim {
            ticket,
            drop_signal,
        }
    }

    /// Does nothing for a message that was dropped.
    fn set(&mut self, ticket: u64, bytes: usize) {
        if let Some(held) = self.by_age.get_mut(&ticket) {
            self.bytes = self.bytes - held.bytes + bytes;
            held.bytes = bytes;
        }
    }

    fn remove(&mut self, ticket: u64) {
        self.set(ticket, 0);
        self.by_age.remove(&ticket);
    }

    fn make_room(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes
            && let Some((_, held)) = self.by_age.pop_first()
        {
            self.bytes -= held.bytes;
            self.dropped += 1;
            held.drop_signal.is_dropped.store(true, Ordering::Release);
            held.drop_signal.waker.wake();
        }
    }
}

/// The message that a connection or a request is receiving; its bytes are charged to the budget.
pub struct PartialMessage {
    budget: Arc<PartialInputBudget>,
    /// `None` while the message is too small to be counted.
    claim: Option<Box<Claim>>,
}

struct Claim {
    ticket: u64,
    drop_signal: Arc<DropSignal>,
}

impl PartialMessage {
    /// Creates a message without bytes.
    pub const fn new(budget: Arc<PartialInputBudget>) -> Self {
        Self {
            budget,
            claim: None,
        }
    }

    /// Sets the number of bytes that the message uses now. Other messages may be dropped for it.
    pub fn set_bytes(&mut self, bytes: usize) {
        if bytes <= UNCOUNTED_BYTES {
            return self.release();
        }
        let mut claims = self.budget.lock();
        let claim = self.claim.get_or_insert_with(|| Box::new(claims.add()));
        claims.set(claim.ticket, bytes);
        claims.make_room(self.budget.max_bytes);
    }

    /// Removes the message from the budget, because it is complete or was dropped. The age of the next message starts
    /// when that message does.
    pub fn release(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.budget.lock().remove(claim.ticket);
        }
    }

    /// Ready when the message is dropped: its connection or request must end.
    pub fn poll_dropped(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(claim) = &self.claim else {
            return Poll::Pending;
        };
        claim.drop_signal.waker.register(context.waker());
        match claim.drop_signal.is_dropped.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Waits until the message is dropped.
    pub async fn dropped(&self) {
        poll_fn(|context| self.poll_dropped(context)).await;
    }
}

impl Drop for PartialMessage {
    fn drop(&mut self) {
        self.release();
    }
}

/// Returns the maximum time for a message of which this number of bytes has arrived.
pub const fn time_limit(bytes: usize) -> Duration {
    BASE_TIME.saturating_add(Duration::from_millis(bytes as u64 / MIN_BYTES_PER_MS))
}

/// The text sent to a peer whose message was dropped.
pub const MESSAGE_DROPPED: &str =
    "too many messages are arriving at this server, and yours started first";
/// The text sent to a peer whose message takes too long.
pub const MESSAGE_TOO_SLOW: &str = "your message arrives too slowly";

/// A message of up to this size is not counted, because the connection itself takes more memory.
const UNCOUNTED_BYTES: usize = 4 << 10;
/// The time that every message may take, whatever its size.
const BASE_TIME: Duration = Duration::from_secs(30);
/// The minimum average rate after that: 1,000 bytes per second.
const MIN_BYTES_PER_MS: u64 = 1;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const KIB: usize = 1 << 10;

    fn is_dropped(partial_message: &PartialMessage) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        partial_message.poll_dropped(&mut context).is_ready()
    }

    #[test]
    fn the_message_that_started_first_is_dropped() {
        let budget = PartialInputBudget::new(100 * KIB);
        let mut messages: Vec<_> = (0..3)
            .map(|_| PartialMessage::new(Arc::clone(&budget)))
            .collect();
        for partial_message in &mut messages {
            partial_message.set_bytes(30 * KIB);
        }
        assert!(!messages.iter().any(is_dropped));
        messages[2].set_bytes(60 * KIB);
        assert_eq!(
            messages.iter().map(is_dropped).collect::<Vec<_>>(),
            [true, false, false]
        );
        let figures = |bytes, dropped| PartialInputFigures { bytes, dropped };
        assert_eq!(budget.figures(), figures(90 * KIB, 1));
        // Bytes that arrive before its connection ends are not counted again.
        messages[0].set_bytes(90 * KIB);
        assert_eq!(budget.figures(), figures(90 * KIB, 1));
        drop(messages);
        assert_eq!(budget.figures(), figures(0, 1));
    }

    #[test]
    fn a_completed_message_resets_the_age_of_its_connection() {
        let budget = PartialInputBudget::new(100 * KIB);
        let [mut busy, mut slow, mut third] =
            [(); 3].map(|()| PartialMessage::new(Arc::clone(&budget)));
        busy.set_bytes(40 * KIB);
        slow.set_bytes(40 * KIB);
        busy.release();
        busy.set_bytes(40 * KIB);
        third.set_bytes(40 * KIB);
        assert!(is_dropped(&slow) && !is_dropped(&busy) && !is_dropped(&third));
    }

    #[test]
    fn small_messages_are_not_counted() {
        let budget = PartialInputBudget::new(0);
        let mut partial_message = PartialMessage::new(Arc::clone(&budget));
        partial_message.set_bytes(UNCOUNTED_BYTES);
        assert!(!is_dropped(&partial_message) && budget.figures().bytes == 0);
        partial_message.set_bytes(UNCOUNTED_BYTES + 1);
        assert!(is_dropped(&partial_message));
    }

    #[test]
    fn the_time_grows_with_the_arrived_bytes() {
        assert_eq!(time_limit(0), BASE_TIME);
        assert_eq!(time_limit(60_000), BASE_TIME + Duration::from_secs(60));
    }
}
