//! The arrival of messages that the journal has read.

use crate::{
    broker::Broker,
    journal::{LoadedMessage, PageRequest},
    outcome::Outcome,
};

/// The journal has not returned messages that a queue has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal has lost messages of queue {queue}: {positions:?}")]
pub struct MissingMessages {
    /// The id of the queue in the journal.
    pub queue: u32,
    /// The positions.
    pub positions: Vec<u64>,
}

impl Broker {
    /// Takes messages that the journal has read for a request, in ascending order. Messages that have left their queue in
    /// the meantime may be missing, and are ignored. `outcome` is extended.
    ///
    /// # Errors
    /// [`MissingMessages`]: consumers wait for them for ever.
    pub fn page_in(
        &self,
        request: &PageRequest,
        messages: Vec<LoadedMessage>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<(), MissingMessages> {
        let Some((queue, load)) = self.store.end_load(request.number) else {
            return Ok(());
        };
        let positions = queue.page_in(load, request, messages, now_ms, &mut outcome.ready);
        self.dead_letter(now_ms, outcome);
        if self.store.must_page_out() {
            self.store.page_out();
        }
        match positions.is_empty() {
            true => Ok(()),
            false => Err(MissingMessages {
                queue: request.queue,
                positions,
            }),
        }
    }
}
