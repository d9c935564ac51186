//! A row of a table of figures: a name and its figures. Pure; `components::figure_rows` draws it.

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub name: String,
    /// The address of the page of what the row shows; `None` if there is none.
    pub href: Option<String>,
    /// The row's special state as text, and the CSS class of its style; usually empty.
    pub badge: &'static str,
    pub class: &'static str,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The name of the column, shown beside the figure in layouts without a table head.
    pub column: &'static str,
    pub figure: String,
    /// Additional text beside the figure; usually empty.
    pub note: String,
    /// True if the figure needs attention.
    pub is_amiss: bool,
}
