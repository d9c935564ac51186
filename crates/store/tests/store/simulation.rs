//! Faults at every operation of seeded runs.
//!
//! The crate `simulation` selects the seeds; `CARILLON_OPERATION` is the only operation at which a fault happens.

use std::{env, panic, panic::AssertUnwindSafe};

use simulation::Seeds;
use store::disk::simulated::Fault;

use crate::schedule::{Plan, run};

#[test]
fn acknowledged_records_survive_a_power_failure_at_any_operation() {
    at_every_operation(Fault::PowerFailure);
}

#[test]
fn acknowledged_records_survive_an_error_at_any_operation() {
    at_every_operation(Fault::Io);
}

#[test]
fn acknowledged_records_survive_a_full_disk_at_any_operation() {
    at_every_operation(Fault::NoSpace);
}

fn at_every_operation(fault: Fault) {
    let mut schedules = 0;
    for seed in seeds() {
        let plan = Plan { seed, fault: None };
        let operations = repeatable(plan).expect("a run without fault");
        schedules += 1;
        for at in 0..operations {
            if number("CARILLON_OPERATION").is_some_and(|only| only != at) {
                continue;
            }
            repeatable(Plan {
                seed,
                fault: Some((at, fault)),
            });
            schedules += 1;
        }
    }
    println!("{schedules} schedules with {fault:?}");
}

/// Runs a schedule; a failure prints the command that repeats it.
fn repeatable(plan: Plan) -> Option<u64> {
    match panic::catch_unwind(AssertUnwindSafe(|| run(plan))) {
        Ok(operations) => operations,
        Err(cause) => {
            eprintln!(
                "{plan:?} failed; repeat it with: CARILLON_SEED={} CARILLON_OPERATION={} cargo test -p carillon-store --test store any_operation",
                plan.seed,
                plan.fault.map_or(0, |(at, _)| at),
            );
            panic::resume_unwind(cause)
        }
    }
}

/// Returns the seeds of a run.
pub fn seeds() -> Seeds {
    simulation::seeds(SEEDS)
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Seeds of a normal test run.
const SEEDS: u64 = 3;
