//! JSON documents that contain messages, encoded as the client reads them: an unread response uses only the memory of
//! one piece.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use tokio_stream::iter;

use crate::message::{Encoded, Message};

/// A document that is being encoded: the text before the messages, the messages separated by commas, and the text after
/// them.
pub struct Document<M> {
    before: Vec<u8>,
    messages: M,
    message: Option<Message>,
    limits: DocumentLimits,
    started_messages: usize,
    encoded_bytes: usize,
    /// `None` when everything is encoded.
    write_end: Option<WriteEnd>,
}

/// Maximum number and size of the messages. One message is always allowed.
#[derive(Debug, Clone, Copy)]
pub struct DocumentLimits {
    /// Maximum number of messages.
    pub messages: usize,
    /// Encoded bytes after which no further message starts.
    pub bytes: usize,
}

impl DocumentLimits {
    /// Exactly one message, of any size.
    pub const ONE: Self = Self {
        messages: 1,
        bytes: usize::MAX,
    };
}

/// The existence of further messages beyond the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// There are further messages.
    More,
    /// There are no further messages.
    Nothing,
}

type WriteEnd = Box<dyn FnOnce(Following) -> Vec<u8> + Send>;

impl<M: Iterator<Item = Message> + Send + 'static> Document<M> {
    /// Creates a document. `write_end` returns the text after the messages.
    pub fn new(
        before: Vec<u8>,
        messages: M,
        limits: DocumentLimits,
        write_end: impl FnOnce(Following) -> Vec<u8> + Send + 'static,
    ) -> Self {
        Self {
            before,
            messages,
            message: None,
            limits,
            started_messages: 0,
            encoded_bytes: 0,
            write_end: Some(Box::new(write_end)),
        }
    }
}

impl<M: Iterator<Item = Message>> Document<M> {
    /// Starts the next message, or ends the document.
    fn start_next_message(&mut self, piece: &mut Vec<u8>) {
        let is_first = self.started_messages == 0;
        let is_full = self.started_messages >= self.limits.messages
            || (!is_first && self.encoded_bytes >= self.limits.bytes);
        let next = self.messages.next();
        match next {
            Some(message) if !is_full => {
                piece.extend((!is_first).then_some(b','));
                self.started_messages += 1;
                self.message = Some(message);
            }
            next_message => {
                let following = match next_message {
                    Some(_) => Following::More,
                    None => Following::Nothing,
                };
                if let Some(write_end) = self.write_end.take() {
                    piece.extend(write_end(following));
                }
            }
        }
    }
}

impl<M: Iterator<Item = Message>> Iterator for Document<M> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = std::mem::take(&mut self.before);
        while piece.len() < PIECE_BYTES && (self.message.is_some() || self.write_end.is_some()) {
            let before = piece.len();
            match &mut self.message {
                Some(message) => {
                    if message.encode(&mut piece) == Encoded::Complete {
                        self.message = None;
                    }
                }
                None => self.start_next_message(&mut piece),
            }
            self.encoded_bytes += piece.len() - before;
        }
        (!piece.is_empty()).then(|| piece.into())
    }
}

impl<M: Iterator<Item = Message> + Send + 'static> IntoResponse for Document<M> {
    fn into_response(self) -> Response {
        let pieces = self.map(Ok::<_, Infallible>);
        let mut response = Body::from_stream(iter(pieces)).into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// Approximate number of bytes encoded at once.
const PIECE_BYTES: usize = 16 << 10;
