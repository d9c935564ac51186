//! Parses headers: first occurrences, required headers, flags and numbers.

use std::borrow::Cow;

use super::super::super::{Frame, Header, Headers};
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

/// Parses a flag; false if the header is missing.
pub(super) fn flag(headers: Headers<'_>, name: &'static str) -> Result<bool, Cause> {
    match headers.get(name).as_deref() {
        None => Ok(false),
        Some(value) => truth(name, value),
    }
}

/// Parses the value of a boolean header. All boolean headers are parsed here.
///
/// The case of the letters does not matter: clients in Python write `True` and `False`, which
/// RabbitMQ and ActiveMQ accept.
pub(super) fn truth(name: &'static str, value: &str) -> Result<bool, Cause> {
    if value.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(invalid(name, value, "\"true\" or \"false\""))
    }
}

/// Parses a decimal number. Numbers above `u64::MAX` become `u64::MAX`.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cold]
pub(super) fn invalid(name: &'static str, value: &str, expected: &'static str) -> Cause {
    let value = shown(value);
    Cause::InvalidHeader {
        name,
        value,
        expected,
    }
}
