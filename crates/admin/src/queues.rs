//! `carillon queues`.

mod command;
mod figures;

pub(crate) use command::{QueuesOptions, run};
