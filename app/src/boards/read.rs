//! Reads the JSON of a board, and checks it. A fault names its place. Pure.

use broker::{TopicFilter, TopicName};

use super::{
    kind::{Kind, Setting},
    layout::COLUMNS,
    model::{
        Board, GREATEST_ID, MOST_BOARD_BYTES, MOST_CHARS, MOST_SEND_CHARS, MOST_TILES, Place, ROWS,
        SECONDS, Tile, VERSION,
    },
};
use crate::json::{self, Json};

impl Board {
    /// Reads a board from its JSON.
    ///
    /// # Errors
    ///
    /// The first fault with its place, such as `tiles[2].w: must be a whole number from 1 to 12`.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > MOST_BOARD_BYTES {
            return Err(format!(
                "the board has {} bytes; at most {MOST_BOARD_BYTES} are allowed",
                text.len()
            ));
        }
        let json = json::read(text).map_err(|fault| {
            format!(
                "line {}, column {}: {}",
                fault.line,
                fault.column,
                fault.what.get()
            )
        })?;
        Self::from_json(&json)
    }

    /// Reads a board that is part of a document.
    ///
    /// # Errors
    ///
    /// The first fault with its place.
    pub fn from_json(json: &Json<'_>) -> Result<Self, String> {
        let mut title = String::new();
        let mut tiles = None;
        for (name, value) in members(json, "the board")? {
            match &**name {
                "version" => {
                    whole(value, "version", (VERSION, VERSION))?;
                }
                "title" => title = words(value, "title", MOST_CHARS)?,
                "tiles" => tiles = Some(all_tiles(value)?),
                other => return Err(format!("{other}: a board has no such member")),
            }
        }
        Ok(Self {
            title,
            tiles: tiles.ok_or("tiles: the list of tiles is missing")?,
        })
    }
}

fn all_tiles(json: &Json<'_>) -> Result<Vec<Tile>, String> {
    let Json::Array(elements) = json else {
        return Err("tiles: must be a list".into());
    };
    if elements.len() > MOST_TILES {
        return Err(format!(
            "tiles: has {} tiles; at most {MOST_TILES} are allowed",
            elements.len()
        ));
    }
    let mut tiles: Vec<Tile> = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let tile = tile(element, &format!("tiles[{index}]"))?;
        if tiles.iter().any(|other| other.id == tile.id) {
            return Err(format!(
                "tiles[{index}].id: another tile has the id {} too",
                tile.id
            ));
        }
        tiles.push(tile);
    }
    Ok(tiles)
}

fn tile(json: &Json<'_>, at: &str) -> Result<Tile, String> {
    let columns = u32::from(COLUMNS);
    let rows = u32::from(ROWS);
    let mut tile = Tile::default();
    let mut kind = None;
    for (name, value) in members(json, at)? {
        let place = format!("{at}.{name}");
        match &**name {
            "id" => tile.id = whole(value, &place, (1, GREATEST_ID))?,
            "kind" => {
                let known = value.text().and_then(Kind::of);
                kind = Some(known.ok_or_else(|| format!("{place}: must be one of {}", kinds()))?);
            }
            "x" => tile.place.x = whole(value, &place, (0, columns - 1))? as u16,
            "y" => tile.place.y = whole(value, &place, (0, rows - 1))? as u16,
            "w" => tile.place.w = whole(value, &place, (1, columns))? as u16,
            "h" => tile.place.h = whole(value, &place, (1, rows))? as u16,
            "title" => tile.title = words(value, &place, MOST_CHARS)?,
            "topic" => tile.topic = words(value, &place, TopicName::MAX_BYTES)?,
            "field" => tile.field = words(value, &place, MOST_CHARS)?,
            "fieldY" => tile.field_y = words(value, &place, MOST_CHARS)?,
            "unit" => tile.unit = words(value, &place, MOST_CHARS)?,
            "send" => tile.send = words(value, &place, MOST_SEND_CHARS)?,
            "min" => tile.min = Some(number(value, &place)?),
            "max" => tile.max = Some(number(value, &place)?),
            "step" => tile.step = Some(number(value, &place)?),
            "seconds" => tile.seconds = Some(number(value, &place)?),
            "retain" => {
                let Json::Bool(retain) = value else {
                    return Err(format!("{place}: must be true or false"));
                };
                tile.retain = *retain;
            }
            _ => return Err(format!("{place}: a tile has no such member")),
        }
    }
    tile.kind = kind.ok_or_else(|| format!("{at}.kind: is missing"))?;
    for (name, is_missing) in [
        ("id", tile.id == 0),
        ("w", tile.place.w == 0),
        ("h", tile.place.h == 0),
    ] {
        if is_missing {
            return Err(format!("{at}.{name}: is missing"));
        }
    }
    check(&tile).map_err(|fault| format!("{at}.{fault}"))?;
    Ok(tile)
}

/// Checks what the members of a tile must have in common.
///
/// # Errors
///
/// The member and its fault.
pub fn check(tile: &Tile) -> Result<(), String> {
    let Place { x, y, w, h } = tile.place;
    if x + w > COLUMNS {
        return Err(format!(
            "w: a tile at column {x} is at most {} wide",
            COLUMNS - x
        ));
    }
    if y + h > ROWS {
        return Err(format!("h: a tile at row {y} is at most {} high", ROWS - y));
    }
    let topic = match tile.kind.publishes() {
        true => TopicName::new(&tile.topic).map(drop),
        false => TopicFilter::new(&tile.topic).map(drop),
    };
    topic.map_err(|fault| format!("topic: {fault}"))?;
    if tile.kind.has(Setting::FieldY) && (tile.field.is_empty() || tile.field_y.is_empty()) {
        return Err("field: a plane needs a field for each axis, field and fieldY".into());
    }
    if let (Some(min), Some(max)) = (tile.min, tile.max)
        && min >= max
    {
        return Err("max: must be greater than min".into());
    }
    if tile.step.is_some_and(|step| step <= 0.0) {
        return Err("step: must be greater than 0".into());
    }
    if tile
        .seconds
        .is_some_and(|seconds| seconds < SECONDS.0 || seconds > SECONDS.1)
    {
        return Err("seconds: must be from 1 to 86400".into());
    }
    Ok(())
}

type Member<'a> = (std::borrow::Cow<'a, str>, Json<'a>);

fn members<'j, 'a>(json: &'j Json<'a>, at: &str) -> Result<&'j [Member<'a>], String> {
    match json {
        Json::Object(members) => Ok(members),
        _ => Err(format!("{at}: must be an object")),
    }
}

fn words(json: &Json<'_>, at: &str, most: usize) -> Result<String, String> {
    let text = json
        .text()
        .ok_or_else(|| format!("{at}: must be a text in quotes"))?;
    match text.chars().nth(most) {
        Some(_) => Err(format!("{at}: has more than {most} characters")),
        None => Ok(text.to_owned()),
    }
}

fn number(json: &Json<'_>, at: &str) -> Result<f64, String> {
    json.number()
        .ok_or_else(|| format!("{at}: must be a number"))
}

fn whole(json: &Json<'_>, at: &str, (least, most): (u32, u32)) -> Result<u32, String> {
    let found = json.number().filter(|number| {
        number.floor() == *number && *number >= f64::from(least) && *number <= f64::from(most)
    });
    match found {
        Some(number) => Ok(number as u32),
        None if least == most => Err(format!("{at}: must be {least}")),
        None => Err(format!(
            "{at}: must be a whole number from {least} to {most}"
        )),
    }
}

fn kinds() -> String {
    let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::example;

    fn board(tile: &str) -> String {
        format!(r#"{{"tiles":[{tile}]}}"#)
    }

    #[test]
    fn a_board_survives_a_round_trip() {
        let all = Kind::ALL.iter().enumerate().map(|(index, kind)| Tile {
            id: index as u32 + 1,
            kind: *kind,
            place: Place {
                x: 3,
                y: index as u16 * 4,
                w: 9,
                h: 4,
            },
            title: "Löss \"1\"\n".into(),
            topic: "hall.temp".into(),
            field: "data.temp".into(),
            field_y: "data.y".into(),
            unit: "°C".into(),
            min: Some(-0.5),
            max: Some(1e9),
            step: Some(0.1),
            seconds: Some(30.0),
            send: r#"{"on":true}"#.into(),
            retain: index % 2 == 0,
        });
        let board = Board {
            title: "작업장".into(),
            tiles: all.collect(),
        };
        assert_eq!(Board::read(&board.write()), Ok(board));
        let empty = Board::default();
        assert_eq!(Board::read(&empty.write()), Ok(empty));
    }

    #[test]
    fn the_example_is_a_board() {
        let board = example();
        assert_eq!(Board::read(&board.write()), Ok(board));
    }

    #[test]
    fn a_fault_has_its_place() {
        let good = r#""id":1,"kind":"number","x":0,"y":0,"w":3,"h":2,"topic":"a""#;
        for (json, fault) in [
            ("{".to_owned(), "line 1, column 2: the text ends too early"),
            ("[]".into(), "the board: must be an object"),
            ("{}".into(), "tiles: the list of tiles is missing"),
            (r#"{"tiles":{}}"#.into(), "tiles: must be a list"),
            (r#"{"version":2,"tiles":[]}"#.into(), "version: must be 1"),
            (
                r#"{"tiles":[],"owner":1}"#.into(),
                "owner: a board has no such member",
            ),
            (board("1"), "tiles[0]: must be an object"),
            (board("{}"), "tiles[0].kind: is missing"),
            (
                board(r#"{"kind":"number","x":0,"y":0,"w":3,"h":2,"topic":"a"}"#),
                "tiles[0].id: is missing",
            ),
            (
                board(&format!("{{{good}}},{{{good}}}")),
                "tiles[1].id: another tile has the id 1 too",
            ),
            (
                board(&format!("{{{good},\"colour\":1}}")),
                "tiles[0].colour: a tile has no such member",
            ),
            (
                board(r#"{"id":1,"kind":"number","x":10,"y":0,"w":3,"h":2,"topic":"a"}"#),
                "tiles[0].w: a tile at column 10 is at most 2 wide",
            ),
            (
                board(r#"{"id":1,"kind":"number","x":0,"y":0,"w":13,"h":2,"topic":"a"}"#),
                "tiles[0].w: must be a whole number from 1 to 12",
            ),
            (
                board(r#"{"id":1,"kind":"number","x":0.5,"y":0,"w":1,"h":2,"topic":"a"}"#),
                "tiles[0].x: must be a whole number from 0 to 11",
            ),
            (
                board(&format!("{{{good},\"min\":1,\"max\":1}}")),
                "tiles[0].max: must be greater than min",
            ),
            (
                board(&format!("{{{good},\"seconds\":0}}")),
                "tiles[0].seconds: must be from 1 to 86400",
            ),
            (
                board(&format!("{{{good},\"title\":\"{}\"}}", "x".repeat(201))),
                "tiles[0].title: has more than 200 characters",
            ),
        ] {
            assert_eq!(Board::read(&json), Err(fault.to_owned()), "{json}");
        }
    }

    #[test]
    fn a_tile_that_publishes_has_no_filter() {
        let of = |kind: &str, topic: &str| {
            Board::read(&board(&format!(
                r#"{{"id":1,"kind":"{kind}","x":0,"y":0,"w":3,"h":2,"topic":"{topic}"}}"#
            )))
        };
        assert!(of("table", "a.>").is_ok());
        assert!(of("slider", "a").is_ok());
        for (kind, topic) in [("slider", "a.>"), ("table", "a..b"), ("log", "")] {
            let fault = of(kind, topic).expect_err(topic);
            assert!(fault.starts_with("tiles[0].topic: "), "{fault}");
        }
    }

    #[test]
    fn tiles_and_bytes_are_bounded() {
        let tile = |id: usize| {
            format!(r#"{{"id":{id},"kind":"log","x":0,"y":0,"w":1,"h":1,"topic":"a"}}"#)
        };
        let of = |count: usize| {
            let tiles: Vec<_> = (1..=count).map(tile).collect();
            Board::read(&board(&tiles.join(",")))
        };
        assert!(of(MOST_TILES).is_ok());
        assert_eq!(
            of(MOST_TILES + 1),
            Err("tiles: has 41 tiles; at most 40 are allowed".into())
        );
        let long = format!(
            "{}{}",
            of(1).expect("a board").write(),
            " ".repeat(MOST_BOARD_BYTES)
        );
        let fault = Board::read(&long).expect_err("too long");
        assert!(fault.contains("at most 65536"), "{fault}");
    }
}
