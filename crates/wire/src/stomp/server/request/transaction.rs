//! BEGIN, COMMIT and ABORT: STOMP 1.2, "BEGIN", "COMMIT" and "ABORT".

use std::borrow::Cow;

use super::super::super::{Frame, header};
use super::super::fault::Cause;
use super::fields::required;

/// A BEGIN, COMMIT or ABORT. The caller keeps the open transactions and answers with
/// [`Fault::transaction_in_use`](super::super::Fault::transaction_in_use) or
/// [`Fault::unknown_transaction`](super::super::Fault::unknown_transaction).
#[derive(Clone, Debug)]
pub struct Transaction<'a> {
    /// The name that the client chose, valid on this connection only.
    pub id: Cow<'a, str>,
    /// The requested receipt.
    pub receipt: Option<Cow<'a, str>>,
}

impl<'a> Transaction<'a> {
    /// "The `transaction` header is REQUIRED" for all three frames.
    pub(in super::super) fn read(frame: &Frame<'a>) -> Result<Self, Cause> {
        let id = frame.headers.get(header::TRANSACTION);
        Ok(Self {
            id: required(id, frame, header::TRANSACTION)?,
            receipt: frame.headers.get(header::RECEIPT),
        })
    }
}
