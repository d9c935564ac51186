//! The order of messages, made visible: the state and the logic of the page `/order`.
//!
//! `producers` and `live` run producers and subscribers over connections of their own to this server, and compare the columns
//! of this page and of all other open pages; `measurement` measures what one order costs; `simulation` runs Carillon's broker in
//! the page, and a broker without a common order. `pages::order` draws them.

mod board;
mod comparison;
mod cost;
mod digest;
mod live;
mod measurement;
mod message;
mod others;
mod producers;
mod rights;
mod row;
pub mod settings;
pub mod simulation;

pub use board::{DRAWN_ROWS, Glance};
pub use comparison::{Agreement, Difference, Verdict, keeps_producers_order};
pub use cost::{Cost, ROUNDS};
pub use digest::hex;
pub use live::{Live, Picture};
pub use measurement::{Failure, LONGEST_S, Measured, Measurement, ROUND_MESSAGES};
pub use producers::Progress;
pub use rights::{Denied, TOPICS};
pub use row::{Row, letter};
pub use settings::Settings;
