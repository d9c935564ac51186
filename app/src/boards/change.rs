//! The changes that a person makes to a board. Pure: each returns the changed board, or `None` if it is not possible.

use super::{
    layout::{free_place, placed},
    model::{Board, MOST_TILES, Place, Tile},
};

/// The changes of a board.
pub trait Edits: Sized {
    /// Adds a tile with an id and a place of its own. Returns the id, too.
    fn with_new(&self, tile: Tile) -> Option<(Self, u32)>;
    /// Replaces the settings of the tile with the same id; its place stays.
    fn with_settings(&self, tile: Tile) -> Option<Self>;
    fn without(&self, id: u32) -> Option<Self>;
    /// Adds a tile that was removed, at its place.
    fn with_again(&self, tile: &Tile) -> Option<Self>;
    fn with_place(&self, id: u32, to: Place) -> Option<Self>;
}

impl Edits for Board {
    fn with_new(&self, tile: Tile) -> Option<(Self, u32)> {
        if self.tiles.len() >= MOST_TILES {
            return None;
        }
        let id = self.free_id();
        let place = free_place(&self.tiles, tile.kind.first_size())?;
        let mut board = self.clone();
        board.tiles.push(Tile { id, place, ..tile });
        Some((board, id))
    }

    fn with_settings(&self, tile: Tile) -> Option<Self> {
        let mut board = self.clone();
        let own = board.tiles.iter_mut().find(|own| own.id == tile.id)?;
        *own = Tile {
            place: own.place,
            ..tile
        };
        Some(board)
    }

    fn without(&self, id: u32) -> Option<Self> {
        self.tile(id)?;
        let mut board = self.clone();
        board.tiles.retain(|tile| tile.id != id);
        Some(board)
    }

    fn with_again(&self, tile: &Tile) -> Option<Self> {
        if self.tiles.len() >= MOST_TILES {
            return None;
        }
        // Another tile may have got the id meanwhile.
        let id = match self.tile(tile.id) {
            None => tile.id,
            Some(_) => self.free_id(),
        };
        let mut board = self.clone();
        board.tiles.push(Tile { id, ..tile.clone() });
        board.with_place(id, tile.place)
    }

    fn with_place(&self, id: u32, to: Place) -> Option<Self> {
        Some(Self {
            tiles: placed(&self.tiles, id, to)?,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::Kind;

    fn new(kind: Kind) -> Tile {
        Tile {
            kind,
            topic: "a".into(),
            ..Tile::default()
        }
    }

    #[test]
    fn tiles_are_added_changed_moved_and_removed() {
        let board = Board::default();
        let (board, first) = board.with_new(new(Kind::Number)).expect("room");
        let (board, second) = board.with_new(new(Kind::Line)).expect("room");
        assert_eq!((first, second), (1, 2));
        assert_eq!(
            board.tiles[1].place,
            Place {
                x: 3,
                y: 0,
                w: 6,
                h: 3
            }
        );
        let changed = Tile {
            id: 2,
            title: "temp".into(),
            ..new(Kind::Gauge)
        };
        let board = board.with_settings(changed).expect("the tile");
        assert_eq!(board.tiles[1].title, "temp");
        assert_eq!(board.tiles[1].place.w, 6);
        let to = Place {
            x: 0,
            y: 0,
            w: 6,
            h: 3,
        };
        let board = board.with_place(2, to).expect("room");
        assert_eq!(board.tiles[0].place.y, 3);
        let removed = board.tiles[0].clone();
        let board = board.without(1).expect("the tile");
        assert_eq!(board.tiles.len(), 1);
        let again = board.with_again(&removed).expect("room");
        assert_eq!(again.tiles[1], removed);
        let twice = again.with_again(&removed).expect("room");
        assert_eq!((twice.tiles[2].id, twice.tiles[2].place.y), (3, 3));
        assert_eq!(board.without(1), None);
        assert_eq!(Board::read(&board.write()), Ok(board));
    }

    #[test]
    fn a_full_board_takes_no_more() {
        let mut board = Board::default();
        while let Some((more, _)) = board.with_new(new(Kind::Log)) {
            board = more;
        }
        assert_eq!(board.tiles.len(), MOST_TILES);
    }
}
