//! The content of a message as the store sees it: opaque attributes, headers and a body.

use std::borrow::Cow;

use crate::format::bytes::{DecodeError, Input, put_string, put_varint};

/// A header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// The content of a message. The writer encodes it when the message's group is written, so a caller pushes only a
/// pointer to its message.
pub trait Content {
    /// Returns what the caller keeps of a message besides headers and body, in the caller's own encoding.
    fn attributes(&self) -> Cow<'_, [u8]>;

    /// Returns the headers in order.
    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>>;

    /// Returns the body.
    fn body(&self) -> &[u8];

    /// Returns an upper bound of the encoded size in bytes: the sum of all lengths, and 10 bytes for each of them.
    ///
    /// A caller that knows a bound overrides this method, because it is called at each push.
    fn size(&self) -> usize {
        let headers: usize = self
            .headers()
            .map(|header| header.name.len() + header.value.len() + 2 * LENGTH)
            .sum();
        self.attributes().len() + headers + self.body().len() + 3 * LENGTH
    }
}

/// The greatest number of bytes of an encoded length.
pub(crate) const LENGTH: usize = 10;

/// The content of a message that was read from the log.
#[derive(Debug, Clone, Copy)]
pub struct StoredContent<'a> {
    attributes: &'a [u8],
    header_count: usize,
    /// Complete headers; checked by [`decode`].
    headers: &'a [u8],
    body: &'a [u8],
}

impl Content for StoredContent<'_> {
    fn attributes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.attributes)
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        Headers {
            count: self.header_count,
            rest: Input::new(self.headers),
        }
    }

    fn body(&self) -> &[u8] {
        self.body
    }
}

/// Iterates over encoded headers.
struct Headers<'a> {
    count: usize,
    rest: Input<'a>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.count = self.count.checked_sub(1)?;
        Some(Header {
            name: self.rest.string().ok()?,
            value: self.rest.string().ok()?,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Headers<'_> {}

pub(crate) fn encode(content: &impl Content, out: &mut Vec<u8>) {
    put_string(out, &content.attributes());
    let headers = content.headers();
    put_varint(out, headers.len() as u64);
    for header in headers {
        put_string(out, header.name);
        put_string(out, header.value);
    }
    put_string(out, content.body());
}

pub(crate) fn decode<'a>(input: &mut Input<'a>) -> Result<StoredContent<'a>, DecodeError> {
    let attributes = input.string()?;
    let header_count = input.count(2)?;
    let start = input.rest();
    for _ in 0..header_count {
        input.string()?;
        input.string()?;
    }
    let headers = &start[..start.len() - input.rest().len()];
    Ok(StoredContent {
        attributes,
        header_count,
        headers,
        body: input.string()?,
    })
}
