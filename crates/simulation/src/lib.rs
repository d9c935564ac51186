//! The seeds of simulated tests: how many a test runs, and how a failing one is repeated.
//!
//! Environment variables select the seeds: [`SEEDS`], [`FIRST_SEED`] and [`SEED`]. The seed determines the whole run;
//! [`Random`] makes its numbers.

#![warn(missing_docs, unreachable_pub)]

mod random;

use std::env;
use std::ops::Range;
use std::thread;

pub use random::Random;

/// The variable with the number of seeds that each simulation runs.
pub const SEEDS: &str = "CARILLON_SEEDS";
/// The variable with the first seed. 0 if it is not set.
pub const FIRST_SEED: &str = "CARILLON_FIRST_SEED";
/// The variable with the only seed to run.
pub const SEED: &str = "CARILLON_SEED";

/// The number of seeds from which a test can assert that its runs covered all cases.
pub const ENOUGH: u64 = 20;

/// Returns the seeds of a test: `usual` of them, if the environment does not say otherwise.
///
/// # Panics
///
/// If a variable is set to something else than a number.
pub fn seeds(usual: u64) -> Seeds {
    Seeds::from(Selection {
        only: number(SEED),
        first: number(FIRST_SEED),
        count: number(SEEDS),
        usual,
    })
}

/// The seeds of one test. If the test panics before it takes the next seed, the command that
/// repeats the failing seed is printed.
#[derive(Debug)]
pub struct Seeds {
    rest: Range<u64>,
    running: Option<u64>,
}

impl Seeds {
    /// Returns the number of seeds that were not taken yet.
    pub fn count_left(&self) -> u64 {
        self.rest.end - self.rest.start
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.running = self.rest.next();
        self.running
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        if let Some(seed) = self.running
            && thread::panicking()
        {
            eprintln!("seed {seed} failed; to repeat it: {}", replay(seed));
        }
    }
}

struct Selection {
    only: Option<u64>,
    first: Option<u64>,
    count: Option<u64>,
    usual: u64,
}

impl From<Selection> for Seeds {
    fn from(selection: Selection) -> Self {
        let first = selection.only.or(selection.first).unwrap_or(0);
        let count = match selection.only {
            Some(_) => 1,
            None => selection.count.unwrap_or(selection.usual),
        };
        Self {
            rest: first..first.saturating_add(count),
            running: None,
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{variable}={text}: {error}"),
    }
}

/// Returns the command that repeats a seed of the running test. libtest names threads after tests,
/// and cargo names the package in the environment.
fn replay(seed: u64) -> String {
    let package = env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "PACKAGE".to_owned());
    let thread = thread::current();
    let test = thread.name().unwrap_or("TEST");
    format!("{SEED}={seed} cargo test -p {package} -- --exact {test}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Selection = Selection {
        only: None,
        first: None,
        count: None,
        usual: 3,
    };

    fn taken(selection: Selection) -> Vec<u64> {
        Seeds::from(selection).collect()
    }

    #[test]
    fn the_environment_selects_the_seeds() {
        assert_eq!(taken(USUAL), [0, 1, 2]);
        let first = Some(7);
        assert_eq!(taken(Selection { first, ..USUAL }), [7, 8, 9]);
        let count = Some(2);
        assert_eq!(taken(Selection { count, ..USUAL }), [0, 1]);
        let count_from_first = Selection {
            first,
            count,
            ..USUAL
        };
        assert_eq!(taken(count_from_first), [7, 8]);
        let only = Some(42);
        let selection = Selection {
            only,
            first,
            count,
            ..USUAL
        };
        assert_eq!(taken(selection), [42]);
    }

    #[test]
    fn the_command_that_repeats_a_seed_names_package_and_test() {
        assert_eq!(
            replay(5),
            "CARILLON_SEED=5 cargo test -p carillon-simulation -- --exact \
             tests::the_command_that_repeats_a_seed_names_package_and_test"
        );
    }

    #[test]
    fn the_number_of_seeds_is_known_before_they_are_taken() {
        let mut seeds = Seeds::from(USUAL);
        assert_eq!(seeds.count_left(), 3);
        seeds.next();
        assert_eq!(seeds.count_left(), 2);
    }
}
