//! The store's directory on a disk.

pub mod directory_lock;
pub mod disk;
#[cfg(test)]
pub mod test_store;
