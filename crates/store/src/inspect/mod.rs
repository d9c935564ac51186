//! Functions for an operator, over a store that no process uses: check, description, export, repair.

pub(crate) mod check;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod repair;
mod trial;
