//! The pages. A page only draws its input; other modules compute it.

mod chart;
mod console;
mod image_note;
mod not_found;
mod overview;
mod queues;
mod rect;

pub use chart::Chart;
pub use console::Console;
pub use not_found::NotFound;
pub use overview::Overview;
pub use queues::Queues;
pub use rect::Rect;
