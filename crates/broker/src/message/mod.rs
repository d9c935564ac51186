//! A message: the entry of a log or queue, its id, and its stored encodings.

pub(crate) mod delivery;
pub(crate) mod encodings;
pub(crate) mod entry;
pub(crate) mod entry_pool;
pub(crate) mod id;
pub(crate) mod reading;
pub(crate) mod scan_budget;
