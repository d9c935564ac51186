//! Memory for messages that have not arrived whole yet: one budget for all connections, whatever they speak.
//!
//! Such memory is outside the broker's. A peer that begins a message and does not finish it costs as much as the
//! message, so two rules bound it: a message must arrive at a certain rate, and when the budget is used up the message
//! that was begun first gives way, since it has had the most time.

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

/// How much is in use, and how many messages gave way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfinishedFigures {
    pub bytes: usize,
    pub given_up: u64,
}

#[derive(Default)]
struct Claims {
    /// By the order in which the messages were begun.
    by_age: BTreeMap<u64, Held>,
    bytes: usize,
    next: u64,
    given_up: u64,
}

/// What one message holds.
struct Held {
    bytes: usize,
    loss: Arc<Loss>,
}

/// Tells a message's connection that it has to give way.
#[derive(Default)]
struct Loss {
    is_lost: AtomicBool,
    waker: AtomicWaker,
}

impl Unfinished {
    pub fn new(most_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            most_bytes,
            claims: Mutex::default(),
        })
    }

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

    /// One that gave way holds nothing any more.
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

/// One connection's part of the budget: for the message that it is sending.
pub struct Share {
    budget: Arc<Unfinished>,
    /// None while so little is held that it is not counted.
    claim: Option<Box<Claim>>,
}

struct Claim {
    ticket: u64,
    loss: Arc<Loss>,
}

impl Share {
    pub const fn new(budget: Arc<Unfinished>) -> Self {
        Self {
            budget,
            claim: None,
        }
    }

    /// The message holds as many bytes now. Others may have to give way for that.
    pub fn hold(&mut self, bytes: usize) {
        if bytes <= UNCOUNTED_BYTES {
            return self.release();
        }
        let mut claims = self.budget.lock();
        let claim = self.claim.get_or_insert_with(|| Box::new(claims.begin()));
        claims.set(claim.ticket, bytes);
        claims.make_room(self.budget.most_bytes);
    }

    /// The message is whole, or given up: the next one begins anew.
    pub fn release(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.budget.lock().end(claim.ticket);
        }
    }

    /// Ready when the message has to give way: its connection or its request is to be ended.
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

    /// Waits until the message has to give way.
    pub async fn lost(&self) {
        poll_fn(|context| self.poll_lost(context)).await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

/// How long a message may take of which so many bytes have arrived.
pub const fn time_for(bytes: usize) -> Duration {
    FIRST_TIME.saturating_add(Duration::from_millis(bytes as u64 / BYTES_A_MS))
}

/// What a peer is told whose message gave way.
pub const GAVE_WAY: &str =
    "too many messages are arriving at this server, and yours was begun first";
/// What a peer is told whose message takes too long.
pub const TOO_SLOW: &str = "your message arrives too slowly";

/// As much of a message is not counted: that is less than a connection costs anyway.
const UNCOUNTED_BYTES: usize = 4 << 10;
/// How long a message may take in any case.
const FIRST_TIME: Duration = Duration::from_secs(30);
/// The rate that it must reach after that, on average: 1,000 bytes a second.
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
    fn the_message_that_was_begun_first_gives_way() {
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
        // What it still receives until it ends is not counted again.
        shares[0].hold(90 * KIB);
        assert_eq!(budget.figures(), figures(90 * KIB, 1));
        drop(shares);
        assert_eq!(budget.figures(), figures(0, 1));
    }

    #[test]
    fn a_connection_that_finishes_its_messages_is_young_again() {
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
    fn little_is_not_counted() {
        let budget = Unfinished::new(0);
        let mut share = Share::new(Arc::clone(&budget));
        share.hold(UNCOUNTED_BYTES);
        assert!(!is_lost(&share) && budget.figures().bytes == 0);
        share.hold(UNCOUNTED_BYTES + 1);
        assert!(is_lost(&share));
    }

    #[test]
    fn time_grows_with_what_has_arrived() {
        assert_eq!(time_for(0), FIRST_TIME);
        assert_eq!(time_for(60_000), FIRST_TIME + Duration::from_secs(60));
    }
}
