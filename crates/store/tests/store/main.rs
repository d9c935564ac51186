//! Tests of the store on a simulated disk.

mod damage;
mod format;
mod message;
mod model;
mod records;
mod schedule;
mod simulation;
mod space;
mod workload;
