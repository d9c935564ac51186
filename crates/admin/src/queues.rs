//! `carillon queues`.

mod actions;
mod command;
mod consumers;
mod figures;

pub(crate) use command::{QueuesOptions, run};
