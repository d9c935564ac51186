//! The broker through its public functions.
#![cfg(not(loom))]

mod bounds;
mod delivery;
mod harness;
mod matching;
mod queue_harness;
mod random;
mod simulation;
mod threads;
mod transactions;
