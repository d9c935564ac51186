//! The interface through which a reader runs a collection (`state/collection.rs`).

use std::{fmt, sync::Arc};

use crate::{session::subscription::Subscription, topic::cursor::Cursor};

/// The topics that have not been examined yet for the first messages of a subscription with wildcards.
pub(crate) trait Collect: fmt::Debug + Send + Sync {
    fn subscription(&self) -> &Arc<Subscription>;

    /// Examines the next topics. Claims the cursors that have messages to read, and adds them to `readable`. Returns
    /// true after the last topic.
    fn step(&self, readable: &mut Vec<Arc<Cursor>>) -> bool;
}
