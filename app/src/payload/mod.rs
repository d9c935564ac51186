//! The body of a message in its forms: a folded tree of values, an image, text, bytes, and its difference to another body.
//! Pure.

pub mod base64;
mod binary;
mod cbor;
pub mod difference;
pub mod fold;
pub mod form;
pub mod hex;
mod message_pack;
pub mod picture;
pub mod tree;
mod xml;
