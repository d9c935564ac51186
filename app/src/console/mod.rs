//! The logic of the Console: settings, publishing and counts. `pages::console` draws it.

mod destination;
pub mod draft;
pub mod period;
mod publisher;
mod sample;
mod settings;

pub use destination::Kind;
pub use publisher::{Mode, Publisher, Tally};
pub use settings::Settings;
