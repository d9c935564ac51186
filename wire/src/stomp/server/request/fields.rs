//! Reading headers: the first of a name, and those that must be there.

use std::borrow::Cow;

use super::super::super::{Frame, Header};
use super::super::fault::{Cause, shown};

/// "Only the first header entry SHOULD be used" (STOMP 1.2, "Repeated Header Entries").
#[inline]
pub(super) fn set_first<'a>(slot: &mut Option<Cow<'a, str>>, header: Header<'a>) {
    if slot.is_none() {
        *slot = Some(header.value());
    }
}

#[inline]
pub(super) fn required<'a>(
    value: Option<Cow<'a, str>>,
    frame: &Frame<'_>,
    name: &'static str,
) -> Result<Cow<'a, str>, Cause> {
    let command = frame.command;
    value.ok_or(Cause::MissingHeader { command, name })
}

pub(super) fn invalid(name: &'static str, value: &str, expected: &'static str) -> Cause {
    let value = shown(value);
    Cause::InvalidHeader {
        name,
        value,
        expected,
    }
}
