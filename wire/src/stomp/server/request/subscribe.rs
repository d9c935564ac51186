//! SUBSCRIBE and UNSUBSCRIBE: STOMP 1.2, "SUBSCRIBE" and "UNSUBSCRIBE".

use std::borrow::Cow;

use super::super::super::{Frame, Headers, Version, header};
use super::super::fault::Cause;
use super::super::identity::Identity;
use super::fields::{required, set_first};
use super::options::{Overflow, Since, check_ack};

#[derive(Clone, Debug)]
pub struct Subscribe<'a> {
    pub identity: Identity<'a>,
    pub destination: Cow<'a, str>,
    /// `None`: only what is published from now on.
    pub since: Option<Since<'a>>,
    /// `None`: the server's rule.
    pub overflow: Option<Overflow>,
    pub receipt: Option<Cow<'a, str>>,
    pub headers: Headers<'a>,
}

#[derive(Clone, Debug)]
pub struct Unsubscribe<'a> {
    pub identity: Identity<'a>,
    pub receipt: Option<Cow<'a, str>>,
}

impl<'a> Subscribe<'a> {
    pub(in super::super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let mut id = None;
        let mut destination = None;
        let mut receipt = None;
        let mut ack = None;
        let mut since = None;
        let mut overflow = None;
        let mut delivery = None;
        for header in frame.headers {
            match header.raw_name {
                header::ID => set_first(&mut id, header),
                header::DESTINATION => set_first(&mut destination, header),
                header::RECEIPT => set_first(&mut receipt, header),
                header::ACK => set_first(&mut ack, header),
                header::SINCE => set_first(&mut since, header),
                header::OVERFLOW => set_first(&mut overflow, header),
                header::DELIVERY => set_first(&mut delivery, header),
                _ => {}
            }
        }
        check_ack(ack.as_deref())?;
        let destination = required(destination, frame, header::DESTINATION)?;
        Ok(Self {
            identity: match id {
                None if !version.needs_subscription_id() => {
                    Identity::Destination(destination.clone())
                }
                id => Identity::Id(required(id, frame, header::ID)?),
            },
            destination,
            since: since.map(Since::read).transpose()?,
            overflow: Overflow::read(overflow.as_deref(), delivery.as_deref())?,
            receipt,
            headers: frame.headers,
        })
    }
}

impl<'a> Unsubscribe<'a> {
    /// 1.0: "It requires either a destination header or an id header (if the previous SUBSCRIBE
    /// operation passed an id value)". From 1.1 on only the id will do.
    pub(in super::super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let id = frame.headers.get(header::ID);
        Ok(Self {
            identity: match id {
                None if !version.needs_subscription_id() => {
                    let destination = frame.headers.get(header::DESTINATION);
                    Identity::Destination(required(destination, frame, header::DESTINATION)?)
                }
                id => Identity::Id(required(id, frame, header::ID)?),
            },
            receipt: frame.headers.get(header::RECEIPT),
        })
    }
}
