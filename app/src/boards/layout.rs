//! The places of tiles on the grid of a board. Tiles do not overlap: a tile that is moved pushes others down. Pure.

use super::model::{Place, ROWS, Tile};

/// Columns of a board.
pub const COLUMNS: u16 = 12;

/// Returns the tiles with one of them at another place; others are pushed down where it now is. Tiles that overlap for
/// another reason are separated too. Returns `None` if the place is outside of the board, or a tile would leave it.
pub fn placed(tiles: &[Tile], id: u32, to: Place) -> Option<Vec<Tile>> {
    let is_inside = to.w > 0 && to.h > 0 && to.x + to.w <= COLUMNS && to.y + to.h <= ROWS;
    let moved = tiles.iter().position(|tile| tile.id == id)?;
    if !is_inside {
        return None;
    }
    let mut tiles = tiles.to_vec();
    tiles[moved].place = to;
    let mut order: Vec<usize> = (0..tiles.len()).filter(|index| *index != moved).collect();
    order.sort_by_key(|index| key(&tiles[*index]));
    let mut fixed = vec![to];
    for index in order {
        let place = &mut tiles[index].place;
        // Ends, because the row only grows, and each fixed tile is passed once.
        while let Some(other) = fixed.iter().find(|other| overlap(**other, *place)) {
            place.y = other.y + other.h;
        }
        if place.y + place.h > ROWS {
            return None;
        }
        fixed.push(*place);
    }
    Some(tiles)
}

/// Returns the place of a tile after a step with an arrow key; with `resizes` the step changes its size. `None` for other
/// keys, and at the edge of the board.
pub fn stepped(place: Place, key: &str, resizes: bool) -> Option<Place> {
    let (x, y) = match key {
        "ArrowLeft" => (-1, 0),
        "ArrowRight" => (1, 0),
        "ArrowUp" => (0, -1),
        "ArrowDown" => (0, 1),
        _ => return None,
    };
    let place = match resizes {
        true => Place {
            w: place.w.checked_add_signed(x)?,
            h: place.h.checked_add_signed(y)?,
            ..place
        },
        false => Place {
            x: place.x.checked_add_signed(x)?,
            y: place.y.checked_add_signed(y)?,
            ..place
        },
    };
    let is_inside =
        place.w > 0 && place.h > 0 && place.x + place.w <= COLUMNS && place.y + place.h <= ROWS;
    is_inside.then_some(place)
}

/// Returns the first free place of this size, from the top; `None` on a full board.
pub fn free_place(tiles: &[Tile], (w, h): (u16, u16)) -> Option<Place> {
    let rows = 0..=ROWS.checked_sub(h)?;
    let places =
        rows.flat_map(|y| (0..=COLUMNS - w.min(COLUMNS)).map(move |x| Place { x, y, w, h }));
    let is_free = |place: &Place| !tiles.iter().any(|tile| overlap(tile.place, *place));
    places.into_iter().find(is_free)
}

/// Returns the tiles from top to bottom, and in a row from left to right: the order of the document, and of one column.
pub fn in_reading_order(tiles: &[Tile]) -> Vec<Tile> {
    let mut tiles = tiles.to_vec();
    tiles.sort_by_key(key);
    tiles
}

fn key(tile: &Tile) -> (u16, u16, u32) {
    (tile.place.y, tile.place.x, tile.id)
}

fn overlap(one: Place, other: Place) -> bool {
    one.x < other.x + other.w
        && other.x < one.x + one.w
        && one.y < other.y + other.h
        && other.y < one.y + one.h
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(id: u32, (x, y, w, h): (u16, u16, u16, u16)) -> Tile {
        Tile {
            id,
            place: Place { x, y, w, h },
            ..Tile::default()
        }
    }

    fn place(x: u16, y: u16, w: u16, h: u16) -> Place {
        Place { x, y, w, h }
    }

    fn places(tiles: &[Tile]) -> Vec<(u32, u16, u16)> {
        let of = |tile: &Tile| (tile.id, tile.place.x, tile.place.y);
        tiles.iter().map(of).collect()
    }

    #[test]
    fn a_moved_tile_pushes_others_down() {
        let tiles = [
            tile(1, (0, 0, 6, 2)),
            tile(2, (6, 0, 6, 2)),
            tile(3, (6, 2, 6, 2)),
        ];
        let moved = placed(&tiles, 1, place(4, 0, 6, 2)).expect("inside");
        assert_eq!(places(&moved), [(1, 4, 0), (2, 6, 2), (3, 6, 4)]);
        // Tiles beside it stay.
        let moved = placed(&tiles, 1, place(0, 2, 6, 2)).expect("inside");
        assert_eq!(places(&moved), [(1, 0, 2), (2, 6, 0), (3, 6, 2)]);
    }

    #[test]
    fn no_tile_leaves_the_board() {
        let tiles = [tile(1, (0, 0, 6, 2)), tile(2, (0, 2, 6, ROWS - 2))];
        for to in [
            place(7, 0, 6, 2),
            place(0, ROWS - 1, 6, 2),
            place(0, 0, 0, 1),
            // Would push the other one out.
            place(0, 1, 6, 2),
        ] {
            assert_eq!(placed(&tiles, 1, to), None, "{to:?}");
        }
        assert_eq!(placed(&tiles, 9, place(0, 0, 1, 1)), None);
    }

    #[test]
    fn after_any_moves_no_tiles_overlap() {
        let mut tiles: Vec<Tile> = (1..=12).map(|id| tile(id, (0, 0, 1, 1))).collect();
        let mut seed = 7_u32;
        let mut next = |bound: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) % bound) as u16
        };
        for _ in 0..300 {
            let (w, h) = (next(6) + 1, next(4) + 1);
            let to = place(next(u32::from(COLUMNS - w + 1)), next(20), w, h);
            let id = u32::from(next(12)) + 1;
            tiles = placed(&tiles, id, to).expect("there is room");
            for (index, one) in tiles.iter().enumerate() {
                for other in &tiles[index + 1..] {
                    assert!(!overlap(one.place, other.place), "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn arrows_move_and_resize_up_to_the_edge() {
        let at = place(0, 1, 2, 1);
        assert_eq!(stepped(at, "ArrowRight", false), Some(place(1, 1, 2, 1)));
        assert_eq!(stepped(at, "ArrowUp", false), Some(place(0, 0, 2, 1)));
        assert_eq!(stepped(at, "ArrowLeft", false), None);
        assert_eq!(stepped(at, "ArrowDown", true), Some(place(0, 1, 2, 2)));
        assert_eq!(stepped(at, "ArrowUp", true), None);
        assert_eq!(stepped(at, "Enter", false), None);
        assert_eq!(stepped(place(10, 0, 2, 1), "ArrowRight", true), None);
    }

    #[test]
    fn a_new_tile_gets_the_first_free_place() {
        let tiles = [tile(1, (0, 0, 3, 2)), tile(2, (6, 0, 6, 2))];
        assert_eq!(free_place(&tiles, (3, 2)), Some(place(3, 0, 3, 2)));
        assert_eq!(free_place(&tiles, (4, 2)), Some(place(0, 2, 4, 2)));
        let full = [tile(1, (0, 0, COLUMNS, ROWS))];
        assert_eq!(free_place(&full, (1, 1)), None);
    }

    #[test]
    fn the_reading_order_is_by_rows() {
        let tiles = [
            tile(1, (6, 0, 6, 1)),
            tile(2, (0, 1, 6, 1)),
            tile(3, (0, 0, 6, 1)),
        ];
        let ids: Vec<_> = in_reading_order(&tiles)
            .iter()
            .map(|tile| tile.id)
            .collect();
        assert_eq!(ids, [3, 1, 2]);
    }
}
