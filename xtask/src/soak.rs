//! `cargo xtask soak`: runs the simulated tests with new seeds for the given time.
//!
//! A test that takes its seeds from `simulation::seeds` belongs to it if the path of the test contains
//! one of [`NAMES`].

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::packages;
use crate::process::{cargo, run};

/// Runs for the minutes in `arguments`, or [`MINUTES`].
pub fn run_for(arguments: &[String]) -> Result<()> {
    let minutes = match arguments {
        [] => MINUTES,
        [minutes] => minutes
            .parse()
            .with_context(|| format!("`{minutes}` is not a number of minutes"))?,
        _ => bail!("usage: cargo xtask soak [MINUTES]"),
    };
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    // Seeds of different days do not overlap.
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() << 20;
    let mut simulated = packages::libraries()?;
    simulated.extend(packages::LEPTOS.map(str::to_owned));
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        let mut test = cargo(&["test", "--quiet", "--release"]);
        packages::select(&mut test, &simulated)
            .arg("--")
            .args(NAMES);
        test.env(simulation::FIRST_SEED, seed.to_string())
            .env(simulation::SEEDS, SEEDS_OF_A_ROUND.to_string());
        run(&mut test).with_context(|| format!("the seeds from {seed} on"))?;
        seed += SEEDS_OF_A_ROUND;
        rounds += 1;
    }
    println!("xtask: {rounds} rounds of {SEEDS_OF_A_ROUND} seeds for each simulation: no failure");
    Ok(())
}

const MINUTES: u64 = 10;
const SEEDS_OF_A_ROUND: u64 = 1_000;
const NAMES: [&str; 2] = ["simulation", "mutations"];
