//! The body of a message in its forms: folded JSON, bytes, and its difference to another body. Pure.

pub mod base64;
pub mod difference;
pub mod fold;
pub mod hex;
