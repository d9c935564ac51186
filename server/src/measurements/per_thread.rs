//! A counter that many threads add to without waiting for each other's cache lines.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// A number that only grows. Each thread adds to a place of its own, as long as there are at most `PLACES` threads.
#[derive(Debug, Default)]
pub struct PerThreadCount {
    places: [Place; PLACES],
}

/// Two cache lines, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

impl PerThreadCount {
    /// Adds an amount.
    pub fn add(&self, amount: u64) {
        self.places[place_of_thread()]
            .0
            .fetch_add(amount, Ordering::Relaxed);
    }

    /// Returns the sum of all threads.
    pub fn total(&self) -> u64 {
        let amounts = self.places.iter();
        amounts.map(|one| one.0.load(Ordering::Relaxed)).sum()
    }
}

/// Returns the place of this thread, which is given at its first use.
fn place_of_thread() -> usize {
    PLACE.with(|place| match place.get() {
        Some(place) => place,
        None => {
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES;
            place.set(Some(next));
            next
        }
    })
}

thread_local! {
    static PLACE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of threads that have a place.
static NEXT: AtomicUsize = AtomicUsize::new(0);
/// More threads than this share places.
const PLACES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_more_threads_than_places_are_added_up() {
        let count = PerThreadCount::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * PLACES {
                scope.spawn(|| (0..1_000).for_each(|_| count.add(3)));
            }
        });
        assert_eq!(count.total(), 2 * PLACES as u64 * 3_000);
    }
}
