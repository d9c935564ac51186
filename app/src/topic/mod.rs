//! One topic as its page shows it: the list of its messages, the filter, and the opened message. `pages::topic` draws it.

mod entry;
mod filter;
pub mod goal;
mod history;
mod log;
mod opened;
pub mod series;
mod tail;

pub use entry::{Body, Entry};
pub use history::{Figures, Place};
pub use log::{Log, Start, sentence};
pub use opened::{Opened, opened};
pub use tail::{Line, Tail};
