//! A change that the reader is asked about before it is made. Pure; `components::confirm` asks.

/// A change with its request, and its description before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub title: String,
    /// What the change will touch.
    pub question: String,
    /// The label of the button that makes the change.
    pub button: &'static str,
    pub method: &'static str,
    pub address: String,
    /// What was done.
    pub report: String,
}
