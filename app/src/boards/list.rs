//! The list of boards. Pure.

use crate::{
    host::{number, text, whole},
    json::{self, Json},
};

/// The address of the list.
pub const LIST: &str = "api/boards";

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Boards {
    pub boards: Vec<Listed>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    pub name: String,
    pub title: String,
    pub tiles: u64,
    pub changed_ms: f64,
    pub may_write: bool,
}

impl Boards {
    pub fn read(document: &str) -> Option<Self> {
        let json = json::read(document).ok()?;
        let boards = json.member("boards")?.elements().iter();
        Some(Self {
            boards: boards.filter_map(listed).collect(),
        })
    }
}

fn listed(json: &Json<'_>) -> Option<Listed> {
    Some(Listed {
        name: text(json, "name")?,
        title: text(json, "title").unwrap_or_default(),
        tiles: whole(json, "tiles"),
        changed_ms: number(json, "changed"),
        may_write: json.member("mayWrite") == Some(&Json::Bool(true)),
    })
}

#[cfg(test)]
mod tests {
    use super::Boards;

    #[test]
    fn the_list_is_read() {
        let document = r#"{"boards":[{"name":"hall","title":"","tiles":3,"bytes":9,"changed":5,"mayWrite":true}]}"#;
        let boards = Boards::read(document).expect("a list").boards;
        assert_eq!((&*boards[0].name, boards[0].tiles), ("hall", 3));
        assert!(boards[0].may_write);
        assert_eq!(Boards::read("[]"), None);
    }
}
