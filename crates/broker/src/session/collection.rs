//! The part of collecting the start of a subscription that a reader uses.

use std::{fmt, sync::Arc};

use crate::{session::subscription::Subscription, topic::cursor::Cursor};

/// The topics that have not been examined yet for the first messages of a subscription with wildcards.
pub(crate) trait Collect: fmt::Debug + Send + Sync {
    fn subscription(&self) -> &Arc<Subscription>;

    /// Examines the next topics. Adds the cursors with messages to read, claimed. Returns true after the last topic.
    fn step(&self, readable: &mut Vec<Arc<Cursor>>) -> bool;
}
