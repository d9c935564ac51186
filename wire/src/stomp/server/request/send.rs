//! SEND: STOMP 1.2, "SEND".

use std::borrow::Cow;

use super::super::super::{Frame, Header, HeaderIter, Headers, header};
use super::super::fault::Cause;
use super::TRANSACTIONS;
use super::fields::{required, set_first};

#[derive(Clone, Debug)]
pub struct Send<'a> {
    pub destination: Cow<'a, str>,
    pub content_type: Option<Cow<'a, str>>,
    pub receipt: Option<Cow<'a, str>>,
    pub body: &'a [u8],
    pub headers: Headers<'a>,
}

impl<'a> Send<'a> {
    #[inline]
    pub(in super::super) fn read(frame: &Frame<'a>) -> Result<Self, Cause> {
        let mut destination = None;
        let mut content_type = None;
        let mut receipt = None;
        for header in frame.headers {
            match header.raw_name {
                header::DESTINATION => set_first(&mut destination, header),
                header::CONTENT_TYPE => set_first(&mut content_type, header),
                header::RECEIPT => set_first(&mut receipt, header),
                header::TRANSACTION => return Err(TRANSACTIONS),
                _ => {}
            }
        }
        Ok(Self {
            destination: required(destination, frame, header::DESTINATION)?,
            content_type,
            receipt,
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
