//! A board and its tiles, their bounds, and their JSON. Pure; `read` reads the JSON.

use super::kind::Kind;
use crate::{number, quoted::quoted};

/// A board. Its name is that of its topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// Empty: the name is shown.
    pub title: String,
    pub tiles: Vec<Tile>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tile {
    /// Unique on the board, from 1 to [`GREATEST_ID`].
    pub id: u32,
    pub kind: Kind,
    pub place: Place,
    /// Empty: the topic is shown.
    pub title: String,
    /// The name of a topic, or a filter.
    pub topic: String,
    /// A path in a JSON body such as `data.temp`; empty for the whole body.
    pub field: String,
    /// The same for the vertical axis of a plane.
    pub field_y: String,
    pub unit: String,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// The smallest change of a slider.
    pub step: Option<f64>,
    /// The time that a line shows, in seconds.
    pub seconds: Option<f64>,
    /// The body that a button publishes.
    pub send: String,
    /// True if the broker retains what the tile publishes.
    pub retain: bool,
}

/// The place of a tile, in columns and rows from the left and from the top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub x: u16,
    pub y: u16,
    pub w: u16,
    pub h: u16,
}

impl Board {
    /// Returns the JSON of the board. Members without a value are left out.
    pub fn write(&self) -> String {
        let tiles: Vec<_> = self.tiles.iter().map(Tile::write).collect();
        format!(
            "{{\"version\":{VERSION},\"title\":{},\"tiles\":[{}]}}",
            quoted(&self.title),
            tiles.join(",")
        )
    }

    /// Returns the topics and filters of the tiles, each once.
    #[cfg(feature = "ssr")]
    pub fn topics(&self) -> Vec<&str> {
        topics(&self.tiles)
    }

    /// Returns the number of messages that the tiles of a topic can show at first.
    #[cfg(feature = "ssr")]
    pub fn wanted_messages(&self, topic: &str) -> usize {
        let of_topic = self.tiles.iter().filter(|tile| tile.topic == topic);
        let wanted = of_topic.map(|tile| match tile.kind {
            Kind::Button => 0,
            kind if kind.reads_all() => MOST_FIRST_MESSAGES,
            // The newest may lack the field.
            _ => 5,
        });
        wanted.max().unwrap_or(0)
    }

    pub fn tile(&self, id: u32) -> Option<&Tile> {
        self.tiles.iter().find(|tile| tile.id == id)
    }

    /// Returns an id for a new tile.
    pub fn free_id(&self) -> u32 {
        let greatest = self.tiles.iter().map(|tile| tile.id).max().unwrap_or(0);
        if greatest < GREATEST_ID {
            return greatest + 1;
        }
        let is_free = |id: &u32| self.tile(*id).is_none();
        // There are more ids than tiles.
        (1..=GREATEST_ID).find(is_free).unwrap_or(GREATEST_ID)
    }
}

impl Tile {
    fn write(&self) -> String {
        let Place { x, y, w, h } = self.place;
        let mut json = format!(
            "{{\"id\":{},\"kind\":\"{}\",\"x\":{x},\"y\":{y},\"w\":{w},\"h\":{h}",
            self.id,
            self.kind.name()
        );
        for (name, text) in [
            ("title", &self.title),
            ("topic", &self.topic),
            ("field", &self.field),
            ("fieldY", &self.field_y),
            ("unit", &self.unit),
            ("send", &self.send),
        ] {
            if !text.is_empty() {
                json.push_str(&format!(",\"{name}\":{}", quoted(text)));
            }
        }
        for (name, value) in [
            ("min", self.min),
            ("max", self.max),
            ("step", self.step),
            ("seconds", self.seconds),
        ] {
            if let Some(value) = value {
                json.push_str(&format!(",\"{name}\":{}", number::plain(value)));
            }
        }
        if self.retain {
            json.push_str(",\"retain\":true");
        }
        json.push('}');
        json
    }

    /// Returns the name of the tile for people: the title, or else the topic.
    pub fn name(&self) -> &str {
        match self.title.is_empty() {
            true => &self.topic,
            false => &self.title,
        }
    }

    /// Returns true if the tile shows the same values as another one, so that its values can be kept.
    pub fn shows_same(&self, other: &Self) -> bool {
        let of = |tile: &Self| {
            (
                tile.id,
                tile.kind,
                tile.topic.clone(),
                tile.field.clone(),
                tile.field_y.clone(),
                tile.seconds,
            )
        };
        of(self) == of(other)
    }
}

/// Returns the topics and filters of tiles, each once.
pub fn topics(tiles: &[Tile]) -> Vec<&str> {
    let mut topics: Vec<&str> = Vec::new();
    for tile in tiles {
        if !topics.contains(&&*tile.topic) {
            topics.push(&tile.topic);
        }
    }
    topics
}

/// Returns the tag of a board's JSON: the same for the same text only. FNV-1a with 64 bits. It need not resist an attacker,
/// because a user who may write the board may also replace it.
pub fn tag(json: &str) -> String {
    let hash = json.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// The version of the JSON.
pub const VERSION: u32 = 1;
/// Maximum number of tiles of a board.
pub const MOST_TILES: usize = 40;
/// Maximum length of a board's JSON.
pub const MOST_BOARD_BYTES: usize = 64 << 10;
/// Messages of a topic, or topics of a filter, in the document of an open board.
#[cfg(feature = "ssr")]
const MOST_FIRST_MESSAGES: usize = 100;
/// Rows of a board.
pub const ROWS: u16 = 400;
/// Maximum length of a title, a field or a unit, in characters.
pub const MOST_CHARS: usize = 200;
/// Maximum length of the body that a button publishes, in characters.
pub const MOST_SEND_CHARS: usize = 4_000;
/// Bounds of the time that a line shows.
pub const SECONDS: (f64, f64) = (1.0, 86_400.0);
pub const GREATEST_ID: u32 = 9_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_id_is_not_used() {
        let with = |ids: &[u32]| Board {
            tiles: ids
                .iter()
                .map(|id| Tile {
                    id: *id,
                    ..Tile::default()
                })
                .collect(),
            ..Board::default()
        };
        assert_eq!(with(&[]).free_id(), 1);
        assert_eq!(with(&[3, 1]).free_id(), 4);
        assert_eq!(with(&[1, GREATEST_ID]).free_id(), 2);
    }

    #[test]
    fn the_tag_is_that_of_the_text() {
        // The test vectors of FNV-1a.
        assert_eq!(tag(""), "cbf29ce484222325");
        assert_eq!(tag("a"), "af63dc4c8601ec8c");
        assert_ne!(tag("ab"), tag("ba"));
    }
}
