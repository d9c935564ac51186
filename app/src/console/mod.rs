//! The Console's workings: what is set, what is published, and how it is counted. What it looks
//! like is `pages::console`.

mod destination;
pub mod draft;
pub mod period;
mod publisher;
mod sample;
mod settings;

pub use destination::Kind;
pub use publisher::{Mode, Publisher, Tally};
pub use settings::Settings;
