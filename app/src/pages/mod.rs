//! The pages. Each draws itself from what it is given; what it computes is elsewhere.

mod chart;
mod console;
mod image_note;
mod not_found;
mod overview;
mod rect;

pub use chart::Chart;
pub use console::Console;
pub use not_found::NotFound;
pub use overview::Overview;
pub use rect::Rect;
