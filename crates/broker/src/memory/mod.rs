//! The memory of messages and the resources of clients: the bounds, the accounts of held messages, and each client's
//! share.

pub(crate) mod account;
pub(crate) mod limits;
pub(crate) mod redelivery;
pub(crate) mod share;
