//! The rate at which a user may publish: a bucket of tokens for messages and one for bytes, each with the tokens of one second.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use access::{Excess, UserLimits};

/// The rate of one user, over all connections and requests. Threads that publish at the same moment may exceed it by one
/// message each; the next messages wait longer for it.
#[derive(Debug)]
pub(super) struct PublishRate {
    started: Instant,
    messages: Bucket,
    bytes: Bucket,
    refuses_excess: AtomicBool,
}

/// A bucket of tokens, stored as the time at which it is full again.
#[derive(Debug, Default)]
struct Bucket {
    /// The tokens for each second; 0 means unlimited.
    per_second: AtomicU64,
    /// Nanoseconds since the start of the rate.
    full_at_ns: AtomicU64,
}

impl PublishRate {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            messages: Bucket::default(),
            bytes: Bucket::default(),
            refuses_excess: AtomicBool::new(false),
        }
    }

    pub(super) fn set(&self, limits: &UserLimits) {
        self.messages.set(limits.messages_per_second);
        self.bytes.set(limits.bytes_per_second);
        let refuses = limits.excess == Excess::Refuse;
        self.refuses_excess.store(refuses, Ordering::Relaxed);
    }

    pub(super) fn is_limited(&self) -> bool {
        self.messages.is_limited() || self.bytes.is_limited()
    }

    /// Returns true if excess publications are refused, and false if they wait.
    pub(super) fn refuses_excess(&self) -> bool {
        self.refuses_excess.load(Ordering::Relaxed)
    }

    /// Returns the time until a publication is allowed; `None` if one is allowed now.
    pub(super) fn wait_time(&self) -> Option<Duration> {
        if !self.is_limited() {
            return None;
        }
        let now_ns = self.now_ns();
        let wait_ns = self
            .messages
            .wait_ns(now_ns)
            .max(self.bytes.wait_ns(now_ns));
        (wait_ns > 0).then(|| Duration::from_nanos(wait_ns))
    }

    /// Takes the tokens of publications. A publication that needs more than there are takes them in advance, so that one
    /// larger than the bucket passes, too.
    pub(super) fn take(&self, messages: u64, bytes: u64) {
        if self.is_limited() {
            let now_ns = self.now_ns();
            self.messages.take(messages, now_ns);
            self.bytes.take(bytes, now_ns);
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Bucket {
    fn set(&self, per_second: Option<u64>) {
        let per_second = per_second.unwrap_or(0);
        self.per_second.store(per_second, Ordering::Relaxed);
    }

    fn is_limited(&self) -> bool {
        self.per_second.load(Ordering::Relaxed) > 0
    }

    /// Returns the time until there is one token.
    fn wait_ns(&self, now_ns: u64) -> u64 {
        let Some(token_ns) = self.nanoseconds(1) else {
            return 0;
        };
        let full_at_ns = self.full_at_ns.load(Ordering::Relaxed).max(now_ns);
        let allowed_at_ns = full_at_ns.saturating_add(token_ns).saturating_sub(BURST_NS);
        allowed_at_ns.saturating_sub(now_ns)
    }

    fn take(&self, tokens: u64, now_ns: u64) {
        let Some(added_ns) = self.nanoseconds(tokens) else {
            return;
        };
        let add = |full_at_ns: u64| full_at_ns.max(now_ns).saturating_add(added_ns);
        self.full_at_ns
            .update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Returns the time in which these tokens come into the bucket; `None` if it is unlimited.
    fn nanoseconds(&self, tokens: u64) -> Option<u64> {
        let per_second = self.per_second.load(Ordering::Relaxed);
        let time = u128::from(tokens) * u128::from(SECOND_NS);
        let time = time.checked_div(per_second.into())?;
        Some(u64::try_from(time).unwrap_or(u64::MAX))
    }
}

const SECOND_NS: u64 = 1_000_000_000;
/// A bucket holds the tokens of this time.
const BURST_NS: u64 = SECOND_NS;

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(per_second: u64) -> Bucket {
        let bucket = Bucket::default();
        bucket.set(Some(per_second));
        bucket
    }

    /// Takes single tokens until one would have to wait. Returns their number.
    fn burst(bucket: &Bucket, now_ns: u64) -> u64 {
        let mut taken = 0;
        while bucket.wait_ns(now_ns) == 0 {
            bucket.take(1, now_ns);
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_burst_has_the_tokens_of_one_second() {
        for per_second in [1, 3, 10, 997] {
            let bucket = bucket(per_second);
            assert_eq!(burst(&bucket, 0), per_second);
            // A rest that is longer saves up no more.
            assert_eq!(burst(&bucket, 60 * SECOND_NS), per_second);
        }
    }

    #[test]
    fn over_a_long_time_the_rate_is_kept() {
        let bucket = bucket(100);
        let taken: u64 = (0..10_000)
            .map(|ms| burst(&bucket, ms * SECOND_NS / 1_000))
            .sum();
        // Ten seconds, and the first burst.
        assert!((1_090..=1_100).contains(&taken), "{taken}");
    }

    #[test]
    fn a_publication_larger_than_the_bucket_passes_and_the_next_one_waits_for_it() {
        let bucket = bucket(1_000);
        bucket.take(5_000, 0);
        let wait_ns = bucket.wait_ns(0);
        assert_eq!(wait_ns, 4 * SECOND_NS + SECOND_NS / 1_000);
        assert_eq!(bucket.wait_ns(wait_ns), 0);
        bucket.take(u64::MAX, 0);
        assert!(bucket.wait_ns(0) > wait_ns);
        bucket.set(None);
        assert_eq!(bucket.wait_ns(0), 0);
    }

    #[test]
    fn both_amounts_limit_the_rate() {
        let rate = PublishRate::new();
        assert_eq!((rate.is_limited(), rate.wait_time()), (false, None));
        rate.set(&UserLimits {
            messages_per_second: Some(2),
            bytes_per_second: Some(1_000),
            ..UserLimits::default()
        });
        assert!(!rate.refuses_excess());
        rate.take(1, 10);
        assert_eq!(rate.wait_time(), None);
        rate.take(1, 10);
        assert!(rate.wait_time() <= Some(Duration::from_millis(500)));
        rate.take(0, 100_000);
        assert!(rate.wait_time() > Some(Duration::from_secs(90)));
    }
}
