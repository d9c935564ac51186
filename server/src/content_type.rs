//! Media types of bodies.

use std::borrow::Cow;

/// Returns the same text, without an allocation for the most common types.
pub fn interned(text: &str) -> Cow<'static, str> {
    const COMMON: [&str; 4] = [
        "application/json",
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/octet-stream",
    ];
    match COMMON.into_iter().find(|common| *common == text) {
        Some(common) => Cow::Borrowed(common),
        None => Cow::Owned(text.to_owned()),
    }
}
