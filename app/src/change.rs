//! A change that the reader is asked about before it is made. Pure; `components::confirm` asks.

/// A change with its request, and its description before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub title: String,
    /// The question that names the number of messages, or the thing, that the change affects.
    pub question: String,
    /// The label of the button that makes the change.
    pub button: &'static str,
    pub method: &'static str,
    pub address: String,
    /// The text after the change was made.
    pub report: String,
}
