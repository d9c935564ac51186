//! `cargo xtask soak`: runs the simulated tests with new seeds for the given time.
//!
//! A test that takes its seeds from `simulation::seeds` belongs to it if the path of the test contains
//! one of [`NAMES`].
//!
//! `cargo xtask soak crashes` kills the real binary again and again under load: `tests/benches/crashes`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run};
use crate::profile::Profile;
use crate::{packages, server};

/// Runs the simulated tests, or with the argument `crashes` the real binary.
pub fn run_all(arguments: &[String]) -> Result<()> {
    match arguments.first() {
        Some(first) if first == "crashes" => crashes(arguments),
        _ => simulations(arguments),
    }
}

fn crashes(arguments: &[String]) -> Result<()> {
    let binary = server::build(Profile::Release)?;
    let mut bench = cargo(&["bench", "--bench", "crashes", "-p", "carillon-tests", "--"]);
    run(bench.args(arguments).env("CARILLON_BIN", binary))
}

/// Runs for the minutes in `arguments`, or [`MINUTES`].
fn simulations(arguments: &[String]) -> Result<()> {
    let minutes = match arguments {
        [] => MINUTES,
        [minutes] => minutes
            .parse()
            .with_context(|| format!("`{minutes}` is not a number of minutes"))?,
        _ => bail!("usage: cargo xtask soak [MINUTES], or cargo xtask soak crashes [OPTIONS]"),
    };
    let time = Duration::from_secs(minutes.saturating_mul(60));
    let end = Instant::now()
        .checked_add(time)
        .context("too many minutes")?;
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
