//! New messages with the content of others: dead letters, and messages that an operator moves or copies.

use crate::{
    message::entry::{DestinationKind, Entry, Header, Provenance, Publication},
    name::TopicName,
};

/// A message with the content of an entry, for another destination.
pub(crate) struct Republication<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) kind: DestinationKind,
    pub(crate) name: TopicName,
    pub(crate) timestamp_ms: u64,
}

impl Republication<'_> {
    /// Returns the message with the headers that `is_kept` selects, followed by `added`. It does not expire, is not retained,
    /// and is not marked as a dead letter.
    pub(crate) fn publication(
        self,
        is_kept: impl Fn(&Header) -> bool,
        added: impl IntoIterator<Item = Header>,
    ) -> Publication {
        let entry = self.entry;
        let fields = entry
            .fields()
            .for_kept(|index| entry.headers().get(index).is_some_and(&is_kept));
        let kept = entry.headers().iter().filter(|one| is_kept(one));
        let headers: Box<[Header]> = kept.cloned().chain(added).collect();
        let provenance = Provenance {
            producer: entry.shared_producer(),
            timestamp_ms: self.timestamp_ms,
            marks: entry.marks(),
        };
        let publication = Publication::to(self.kind, self.name, provenance, entry.body())
            .with_headers(entry.shared_content_type(), headers)
            .with_fields(fields);
        let publication = match entry.closes_group() {
            true => publication.closing_group(),
            false => publication,
        };
        match entry.is_persistent() {
            true => publication.persistent(),
            false => publication,
        }
    }
}
