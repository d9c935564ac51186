//! Tests of the store on a simulated disk.

mod format;
mod message;
mod model;
mod records;
mod schedule;
mod simulation;
mod workload;
