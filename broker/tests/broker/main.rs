//! The broker through its public functions.
#![cfg(not(loom))]

mod acknowledgement;
mod bounds;
mod browsing;
mod dead_letters;
mod delivery;
mod durable;
mod expiry;
mod groups;
mod harness;
mod matching;
mod notices;
mod queue_bounds;
mod queue_harness;
mod queues;
mod random;
mod selectors_on_delivery;
mod simulation;
mod temporaries;
mod threads;
mod transactions;
