//! The broker through its public functions.
#![cfg(not(loom))]

mod acknowledgement;
mod administration;
mod bounds;
mod browsing;
mod budget;
mod budget_threads;
mod dead_letters;
mod delivery;
mod durable;
mod expiry;
mod groups;
mod harness;
mod matching;
mod notices;
mod parked;
mod queue_bounds;
mod queue_checks;
mod queue_harness;
mod queue_model;
mod queue_simulation;
mod queue_threads;
mod queues;
mod random;
mod refused_transactions;
mod resubscribe;
mod retained;
mod selectors_on_delivery;
mod shared_bounds;
mod shared_subscriptions;
mod simulation;
mod temporaries;
mod threads;
mod topic_model;
mod topic_queues;
mod transactions;
