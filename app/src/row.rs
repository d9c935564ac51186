//! A row of a table of figures: a name, and what there is to say about it. Pure;
//! `components::figure_rows` draws it.

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub name: String,
    /// What is special about it, in words and as the class of its look; often nothing.
    pub badge: &'static str,
    pub class: &'static str,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// What the figure is of, said beside it where there is no head above it.
    pub column: &'static str,
    pub figure: String,
    /// What there is to add to it; often nothing.
    pub note: String,
    /// Somebody should look into it.
    pub is_amiss: bool,
}
