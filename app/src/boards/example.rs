//! A board for a first look: the topics of the demonstration, and figures of the broker, which change every second. Pure.

use super::{
    kind::Kind,
    model::{Board, Place, Tile},
};
use crate::{language::Text, texts::boards as texts};

/// The name of the example.
pub const EXAMPLE: &str = "example";

/// Returns the example in the language of the page.
pub fn example() -> Board {
    let mut tiles = vec![
        tile(
            Kind::Shape,
            "rect",
            "data",
            texts::EXAMPLE_ANGLE,
            (0, 0, 3, 4),
        ),
        Tile {
            min: Some(0.0),
            max: Some(360.0),
            unit: "°".into(),
            ..tile(
                Kind::Gauge,
                "rect",
                "data",
                texts::EXAMPLE_DEGREES,
                (3, 0, 3, 2),
            )
        },
        Tile {
            min: Some(0.0),
            max: Some(360.0),
            step: Some(5.0),
            unit: "°".into(),
            ..tile(
                Kind::Slider,
                "rect",
                "data",
                texts::EXAMPLE_TURN,
                (3, 2, 3, 2),
            )
        },
        tile(
            Kind::Bars,
            "chart",
            "data",
            texts::EXAMPLE_BARS,
            (6, 0, 6, 4),
        ),
        Tile {
            unit: "/s".into(),
            ..tile(
                Kind::Number,
                "$SYS.figures",
                "deliveredPerSecond",
                texts::EXAMPLE_DELIVERED,
                (0, 4, 3, 2),
            )
        },
        Tile {
            seconds: Some(120.0),
            unit: "/s".into(),
            ..tile(
                Kind::Line,
                "$SYS.figures",
                "deliveredPerSecond",
                texts::EXAMPLE_RATE,
                (3, 4, 6, 3),
            )
        },
        Tile {
            field_y: "data.1".into(),
            min: Some(0.0),
            max: Some(100.0),
            ..tile(
                Kind::Plane,
                "chart",
                "data.0",
                texts::EXAMPLE_PLANE,
                (9, 4, 3, 3),
            )
        },
        Tile {
            send: r#"{"producerId":"board","data":[12,48,73,25,91,60,34]}"#.into(),
            ..tile(Kind::Button, "chart", "", texts::EXAMPLE_SEND, (0, 6, 3, 1))
        },
        tile(Kind::Log, "*", "data", texts::EXAMPLE_LOG, (0, 7, 12, 3)),
    ];
    for (index, tile) in tiles.iter_mut().enumerate() {
        tile.id = index as u32 + 1;
    }
    Board {
        title: texts::EXAMPLE_TITLE.get().into(),
        tiles,
    }
}

fn tile(
    kind: Kind,
    topic: &str,
    field: &str,
    title: Text,
    (x, y, w, h): (u16, u16, u16, u16),
) -> Tile {
    Tile {
        kind,
        topic: topic.into(),
        field: field.into(),
        title: title.get().into(),
        place: Place { x, y, w, h },
        ..Tile::default()
    }
}

#[cfg(test)]
mod tests {
    use super::example;
    use crate::boards::{in_reading_order, placed};

    #[test]
    fn no_tiles_of_the_example_overlap() {
        let tiles = in_reading_order(&example().tiles);
        let first = &tiles[0];
        assert_eq!(placed(&tiles, first.id, first.place), Some(tiles.clone()));
    }
}
