//! Users, their credentials, their rights and their limits.
//!
//! This crate reads and edits the users file, verifies credentials, and decides whether an identity may do something. It is
//! pure: no I/O, no clock, no randomness; the caller reads the file and passes random bytes.
//!
//! The way of a decision:
//!
//! 1. [`Users::parse`] reads the file.
//! 2. [`Users::password_hash`], [`Users::token`], [`Users::user_of_certificate`] or [`Jwt::verify`] finds the user of a client;
//!    the caller verifies passwords with [`PasswordHash::verify`], outside of threads that must not block.
//! 3. [`Users::grants`] returns the [`Grants`] of this [`Identity`].
//! 4. [`Grants::decide`] answers for each topic or queue, with the rule that decided.

#![warn(missing_docs, unreachable_pub)]

mod certificate;
mod changes;
mod document;
mod edit;
mod file;
mod grants;
mod jwt;
mod limits;
mod password;
mod pattern;
mod place;
mod right;
mod rules;
mod sha256;
mod token;

pub use certificate::{Certificate, CertificateName, CertificateNameError, UnreadableCertificate};
pub use changes::UsersChanges;
pub use edit::{EditError, UsersEditor};
pub use file::{FileError, Users};
pub use grants::{Cause, Decision, Grants, Identity, Source};
pub use jwt::{
    Jwt, JwtError, JwtRules, KeySet, KeySetError, KeyThumbprint, LEEWAY_S,
    MAX_BYTES as MAX_JWT_BYTES, VerifiedJwt, is_jwt,
};
pub use limits::{Excess, UserLimits};
pub use password::{PasswordHash, PasswordHashError, SALT_BYTES, hash_password};
pub use pattern::{Pattern, PatternError, split_kind};
pub use place::Place;
pub use right::Right;
pub use rules::Effect;
pub use token::{TOKEN_BYTES, TokenHash, TokenHashError, write_token};
