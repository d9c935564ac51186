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

/// The budget.
pub struct Unfinished {
    most_bytes: usize,
    claims: Mutex<Claims>,
}

/// The bytes in use, and the number of dropped messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfinishedFigures {
    /// Bytes of incomplete messages.
    pub bytes: usize,
    /// Number of incomplete messages that were dropped in favour of others.
    pub given_up: u64,
}

#[derive(Default)]
struct Claims {
    /// By the order in which the messages started.
    by_age: BTreeMap<u64, Held>,
    bytes: usize,
    next: u64,
    given_up: u64,
}

/// The memory of one message.
struct Held {
    bytes: usize,
    loss: Arc<Loss>,
}

/// Notifies a connection that its message is dropped.
#[derive(Default)]
struct Loss {
    is_lost: AtomicBool,
    waker: AtomicWaker,
}

impl Unfinished {
    /// Creates a budget.
    pub fn new(most_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            most_bytes,
            claims: Mutex::default(),
        })
    }

    /// Returns the figures.
    pub fn figures(&self) -> UnfinishedFigures {
        let claims = self.lock();
        UnfinishedFigures {
            bytes: claims.bytes,
            given_up: claims.given_up,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claims {
    fn begin(&mut self) -> Claim {
        let ticket = self.next;
        self.next += 1;
        let loss = Arc::<Loss>::default();
        let held = Held {
            bytes: 0,
            loss: Arc::clone(&loss),
        };
        self.by_age.insert(ticket, held);
        Claim { ticket, loss }
    }

    /// Does nothing for a message that was dropped.
    fn set(&mut self, ticket: u64, bytes: usize) {
        if let Some(held) = self.by_age.get_mut(&ticket) {
            self.bytes = self.bytes - held.bytes + bytes;
            held.bytes = bytes;
        }
    }

    fn end(&mut self, ticket: u64) {
        self.set(ticket, 0);
        self.by_age.remove(&ticket);
    }

    fn make_room(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes
            && let Some((_, held)) = self.by_age.pop_first()
        {
            self.bytes -= held.bytes;
            self.given_up += 1;
            held.loss.is_lost.store(true, Ordering::Release);
            held.loss.waker.wake();
        }
    }
}

/// A connection's use of the budget, for the message that it is receiving.
pub struct Share {
    budget: Arc<Unfinished>,
    /// `None` while the message is too small to be counted.
    claim: Option<Box<Claim>>,
}

struct Claim {
    ticket: u64,
    loss: Arc<Loss>,
}

impl Share {
    /// Creates an empty share.
    pub const fn new(budget: Arc<Unfinished>) -> Self {
        Self {
            budget,
            claim: None,
        }
    }

    /// Notes the number of bytes that the message holds now. Other messages may be dropped for it.
    pub fn hold(&mut self, bytes: usize) {
        if bytes <= UNCOUNTED_BYTES {
            return self.release();
        }
        let mut claims = self.budget.lock();
        let claim = self.claim.get_or_insert_with(|| Box::new(claims.begin()));
        claims.set(claim.ticket, bytes);
        claims.make_room(self.budget.most_bytes);
    }

    /// Removes the message from the budget, because it is complete or was dropped. The age of the next message starts
    /// when that message does.
    pub fn release(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.budget.lock().end(claim.ticket);
        }
    }

    /// Ready when the message is dropped: its connection or request must end.
    pub fn poll_lost(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(claim) = &self.claim else {
            return Poll::Pending;
        };
        claim.loss.waker.register(context.waker());
        match claim.loss.is_lost.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Waits until the message is dropped.
    pub async fn lost(&self) {
        poll_fn(|context| self.poll_lost(context)).await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

/// Returns the maximum time for a message of which this number of bytes has arrived.
pub const fn time_for(bytes: usize) -> Duration {
    FIRST_TIME.saturating_add(Duration::from_millis(bytes as u64 / BYTES_A_MS))
}

/// The text sent to a peer whose message was dropped.
pub const GAVE_WAY: &str = "too many messages are arriving at this server, and yours started first";
/// The text sent to a peer whose message takes too long.
pub const TOO_SLOW: &str = "your message arrives too slowly";

/// A message of up to this size is not counted, because the connection itself takes more memory.
const UNCOUNTED_BYTES: usize = 4 << 10;
/// The time that every message may take, whatever its size.
const FIRST_TIME: Duration = Duration::from_secs(30);
/// The minimum average rate after that: 1,000 bytes per second.
const BYTES_A_MS: u64 = 1;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const KIB: usize = 1 << 10;

    fn is_lost(share: &Share) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        share.poll_lost(&mut context).is_ready()
    }

    #[test]
    fn the_message_that_started_first_is_dropped() {
        let budget = Unfinished::new(100 * KIB);
        let mut shares: Vec<_> = (0..3).map(|_| Share::new(Arc::clone(&budget))).collect();
        for share in &mut shares {
            share.hold(30 * KIB);
        }
        assert!(!shares.iter().any(is_lost));
        shares[2].hold(60 * KIB);
        assert_eq!(
            shares.iter().map(is_lost).collect::<Vec<_>>(),
            [true, false, false]
        );
        let figures = |bytes, given_up| UnfinishedFigures { bytes, given_up };
        assert_eq!(budget.figures(), figures(90 * KIB, 1));
        // Bytes that arrive before its connection ends are not counted again.
        shares[0].hold(90 * KIB);
        assert_eq!(budget.figures(), figures(90 * KIB, 1));
        drop(shares);
        assert_eq!(budget.figures(), figures(0, 1));
    }

    #[test]
    fn a_completed_message_resets_the_age_of_its_connection() {
        let budget = Unfinished::new(100 * KIB);
        let [mut busy, mut slow, mut third] = [(); 3].map(|()| Share::new(Arc::clone(&budget)));
        busy.hold(40 * KIB);
        slow.hold(40 * KIB);
        busy.release();
        busy.hold(40 * KIB);
        third.hold(40 * KIB);
        assert!(is_lost(&slow) && !is_lost(&busy) && !is_lost(&third));
    }

    #[test]
    fn small_messages_are_not_counted() {
        let budget = Unfinished::new(0);
        let mut share = Share::new(Arc::clone(&budget));
        share.hold(UNCOUNTED_BYTES);
        assert!(!is_lost(&share) && budget.figures().bytes == 0);
        share.hold(UNCOUNTED_BYTES + 1);
        assert!(is_lost(&share));
    }

    #[test]
    fn the_time_grows_with_the_arrived_bytes() {
        assert_eq!(time_for(0), FIRST_TIME);
        assert_eq!(time_for(60_000), FIRST_TIME + Duration::from_secs(60));
    }
}
