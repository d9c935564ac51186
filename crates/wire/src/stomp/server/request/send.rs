//! SEND: STOMP 1.2, "SEND".

use std::borrow::Cow;

use super::super::super::{Frame, Header, HeaderIter, Headers, header};
use super::super::fault::Cause;
use super::fields::{decimal, invalid, required, set_first, truth};

/// A SEND.
#[derive(Clone, Debug)]
pub struct Send<'a> {
    /// The destination.
    pub destination: Cow<'a, str>,
    /// The media type of the body.
    pub content_type: Option<Cow<'a, str>>,
    /// The requested receipt.
    pub receipt: Option<Cow<'a, str>>,
    /// "`SEND` supports a `transaction` header which allows for transactional sends."
    pub transaction: Option<Cow<'a, str>>,
    /// The expiry time of the message, in milliseconds of Unix time; `None` if it does not expire.
    pub expires: Option<u64>,
    /// True if the topic retains the message.
    pub retain: bool,
    /// True if the message must survive a restart, as in ActiveMQ. Any other value than `true` means false.
    pub persistent: bool,
    /// The body.
    pub body: &'a [u8],
    /// All headers of the frame.
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
        let mut persistent = None;
        for header in frame.headers {
            match header.raw_name {
                header::DESTINATION => set_first(&mut destination, header),
                header::CONTENT_TYPE => set_first(&mut content_type, header),
                header::RECEIPT => set_first(&mut receipt, header),
                header::TRANSACTION => set_first(&mut transaction, header),
                header::EXPIRES if expires.is_none() => expires = Some(expiry(&header)?),
                header::RETAIN if retain.is_none() => retain = Some(is_true(&header)?),
                header::PERSISTENT if persistent.is_none() => {
                    persistent = Some(header.value().eq_ignore_ascii_case("true"));
                }
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
            persistent: persistent.unwrap_or(false),
            body: frame.body,
            headers: frame.headers,
        })
    }

    /// Returns the headers that are forwarded to subscribers, in order.
    pub const fn user_headers(&self) -> UserHeaders<'a> {
        UserHeaders(self.headers.iter())
    }
}

/// Iterator over user defined headers: see [`header::is_user_defined`].
#[derive(Clone, Debug)]
pub struct UserHeaders<'a>(HeaderIter<'a>);

impl<'a> Iterator for UserHeaders<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        // No escape sequence encodes a letter or a hyphen, so the raw name can be compared.
        self.0
            .find(|header| header::is_user_defined(header.raw_name))
    }
}

/// The value of `expires` for a message that does not expire, as in JMS.
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

/// Parses one of the ten priorities of JMS. They have no effect here, but are forwarded and usable
/// in selectors.
#[cold]
fn level(header: &Header<'_>) -> Result<u8, Cause> {
    let text = header.value();
    match text.as_bytes() {
        [level @ b'0'..=b'9'] => Ok(level - b'0'),
        _ => Err(invalid(header::PRIORITY, &text, "a digit")),
    }
}
