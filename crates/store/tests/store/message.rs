//! Messages of the tests: each has a number from which its content follows.

use std::borrow::Cow;

use store::{Content, Header};

/// A message with this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub number: u64,
    attributes: [u8; 2],
    body: Vec<u8>,
}

impl Message {
    pub fn new(number: u64) -> Self {
        let length = [8, 8, 30, 120, 400][(number % 5) as usize];
        let mut body = number.to_le_bytes().to_vec();
        body.resize(length, number as u8);
        Self {
            number,
            attributes: [number as u8, 1],
            body,
        }
    }

    /// Returns the message if the content is exactly the content of a message of the tests.
    pub fn recognize(content: &impl Content) -> Option<Self> {
        let number = u64::from_le_bytes(*content.body().first_chunk()?);
        let message = Self::new(number);
        let is_same = content.body() == message.body
            && content.attributes() == message.attributes()
            && content.headers().eq(message.headers());
        is_same.then_some(message)
    }
}

impl Content for Message {
    fn attributes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.attributes)
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        let count = (self.number % 3) as usize;
        [("name", "value"), ("", "empty name")][..count]
            .iter()
            .map(|(name, value)| Header {
                name: name.as_bytes(),
                value: value.as_bytes(),
            })
    }

    fn body(&self) -> &[u8] {
        &self.body
    }
}
