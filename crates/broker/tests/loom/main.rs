//! The broker's synchronisation, in every order that threads and memory allow.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p carillon-broker --release --test loom`
#![cfg(loom)]

mod connection;
mod queues;
mod topics;
