//! The part of collecting the beginning of a subscription that a reader knows.

use std::{fmt, sync::Arc};

use crate::{session::subscription::Subscription, topic::cursor::Cursor};

/// The topics that have not been examined yet for what a subscription with wildcards begins with.
pub(crate) trait Collect: fmt::Debug + Send + Sync {
    fn subscription(&self) -> &Arc<Subscription>;

    /// Examines the next topics. Adds the cursors with something to read, claimed. Returns true after the last topic.
    fn step(&self, readable: &mut Vec<Arc<Cursor>>) -> bool;
}
