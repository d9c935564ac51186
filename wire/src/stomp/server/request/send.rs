//! SEND: STOMP 1.2, "SEND".

use std::borrow::Cow;

use super::super::super::{Frame, Header, HeaderIter, Headers, header};
use super::super::fault::Cause;
use super::fields::{decimal, invalid, required, set_first, truth};

#[derive(Clone, Debug)]
pub struct Send<'a> {
    pub destination: Cow<'a, str>,
    pub content_type: Option<Cow<'a, str>>,
    pub receipt: Option<Cow<'a, str>>,
    /// "`SEND` supports a `transaction` header which allows for transactional sends."
    pub transaction: Option<Cow<'a, str>>,
    /// When the message is worth nothing any more, in milliseconds of Unix time. `None`: never.
    pub expires: Option<u64>,
    /// Whether the topic is to retain it.
    pub retain: bool,
    pub body: &'a [u8],
    pub headers: Headers<'a>,
}

impl<'a> Send<'a> {
    #[inline]
    pub(in super::super) fn read(frame: &Frame<'a>) -> Result<Self, Cause> {
        let mut destination = None;
        let mut content_type = None;
        let mut receipt = None;
        let mut transaction = None;
        let mut expires = None;
        let mut priority = None;
        let mut retain = None;
        for header in frame.headers {
            match header.raw_name {
                header::DESTINATION => set_first(&mut destination, header),
                header::CONTENT_TYPE => set_first(&mut content_type, header),
                header::RECEIPT => set_first(&mut receipt, header),
                header::TRANSACTION => set_first(&mut transaction, header),
                header::EXPIRES if expires.is_none() => expires = Some(expiry(&header)?),
                header::RETAIN if retain.is_none() => retain = Some(is_true(&header)?),
                header::PRIORITY if priority.is_none() => priority = Some(level(&header)?),
                _ => {}
            }
        }
        Ok(Self {
            destination: required(destination, frame, header::DESTINATION)?,
            content_type,
            receipt,
            transaction,
            expires: expires.filter(|&at_ms| at_ms != NEVER),
            retain: retain.unwrap_or(false),
            body: frame.body,
            headers: frame.headers,
        })
    }

    /// What is passed on to subscribers, in the order sent.
    pub const fn user_headers(&self) -> UserHeaders<'a> {
        UserHeaders(self.headers.iter())
    }
}

/// See [`header::is_user_defined`].
#[derive(Clone, Debug)]
pub struct UserHeaders<'a>(HeaderIter<'a>);

impl<'a> Iterator for UserHeaders<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        // No escape sequence stands for a letter or a hyphen, so the raw name will do.
        self.0
            .find(|header| header::is_user_defined(header.raw_name))
    }
}

/// What `expires:0` says, as JMS has it.
const NEVER: u64 = 0;

#[cold]
fn expiry(header: &Header<'_>) -> Result<u64, Cause> {
    let text = header.value();
    let expected = "milliseconds of Unix time, or 0 for never";
    decimal(&text).ok_or_else(|| invalid(header::EXPIRES, &text, expected))
}

#[cold]
fn is_true(header: &Header<'_>) -> Result<bool, Cause> {
    truth(header::RETAIN, &header.value())
}

/// JMS has ten levels. They change nothing here, but subscribers see them and select by them.
#[cold]
fn level(header: &Header<'_>) -> Result<u8, Cause> {
    let text = header.value();
    match text.as_bytes() {
        [level @ b'0'..=b'9'] => Ok(level - b'0'),
        _ => Err(invalid(header::PRIORITY, &text, "a digit")),
    }
}
