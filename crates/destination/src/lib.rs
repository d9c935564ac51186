//! Destinations: the names of topics and queues as the protocols write them.
//!
//! The broker has one form for a name: levels joined by `.`, apart for topics and queues. This crate translates between
//! that form and the texts of [`stomp`], which the HTTP API and the command line use too, and of [`mqtt`].
//!
//! Rights, aliases and the broker's own names are left to the callers. The crate has no I/O.

#![warn(missing_docs, unreachable_pub)]

pub mod mqtt;
pub mod stomp;
