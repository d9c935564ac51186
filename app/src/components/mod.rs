//! The components that several pages use.

mod bar_chart;
mod confirm;
mod connection_notice;
mod dialog;
mod example_note;
mod figure_rows;
mod header;
mod message_list;
mod message_rows;
mod messages;
mod miniature;
mod publish_form;
mod resize;
mod scroller;
mod square;
mod switch;
mod tallies;
mod trouble;
mod turns;

pub use bar_chart::BarChart;
pub use confirm::Confirm;
pub use connection_notice::ConnectionNotice;
pub use dialog::Dialog;
pub use example_note::ExampleNote;
pub use figure_rows::FigureRows;
pub use header::Header;
pub use message_list::{Lines, MessageList};
pub use messages::Messages;
pub use miniature::{MiniatureBars, MiniatureSquare};
pub use publish_form::PublishForm;
pub use scroller::{Anchor, Scroller};
pub use square::Square;
pub use switch::Switch;
pub use tallies::{Count, Tallies};
pub use trouble::{Trouble, words as words_of_problem};
pub use turns::Turns;
