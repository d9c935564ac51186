//! Moving tiles and changing their size, by dragging and by keyboard. While a tile is dragged the board shows where the tiles
//! would be; the change is made when it is dropped.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, PointerEvent};

use super::{board::GRID_ID, settings::Edited};
use crate::{
    boards::{COLUMNS, Desk, Edits, Place, Tile, placed, stepped},
    browser,
    texts::boards as texts,
    zone::Zone,
};

#[derive(Clone, Copy)]
pub struct Arranger {
    pub desk: Desk,
    pub zone: RwSignal<Zone>,
    /// A sentence about the last step, for screen readers too.
    report: RwSignal<String>,
    pub edited: RwSignal<Edited>,
    /// The tile that was removed last, until the next change.
    pub removed: RwSignal<Option<Tile>>,
    /// The tiles as they would be after the drag that is under way.
    preview: RwSignal<Option<Vec<Tile>>>,
    drag: StoredValue<Option<Drag>>,
}

/// The change that a drag makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    Move,
    Size,
}

/// A drag that is under way.
#[derive(Clone, Copy)]
struct Drag {
    id: u32,
    grip: Grip,
    /// The place on the page at which the drag began.
    start_px: (f64, f64),
    from: Place,
    to: Place,
    /// The size of a column and of a row with their gap.
    cell_px: (f64, f64),
}

impl Arranger {
    pub fn new(desk: Desk, report: RwSignal<String>, edited: RwSignal<Edited>) -> Self {
        Self {
            desk,
            zone: Zone::chosen(),
            report,
            edited,
            removed: RwSignal::new(None),
            preview: RwSignal::new(None),
            drag: StoredValue::new(None),
        }
    }

    /// Returns the place at which a tile is drawn.
    pub fn place_of(self, id: u32) -> Place {
        let of = |tiles: &[Tile]| {
            tiles
                .iter()
                .find(|tile| tile.id == id)
                .map(|tile| tile.place)
        };
        let preview = self.preview.with(|tiles| tiles.as_deref().and_then(of));
        let place = preview.or_else(|| self.desk.board.with(|board| of(&board.tiles)));
        place.unwrap_or_default()
    }

    /// Begins a drag with the main button of a mouse, a pen or a finger.
    pub fn grip(self, event: &PointerEvent, id: u32, grip: Grip) {
        if event.button() != 0 {
            return;
        }
        let handle = event
            .current_target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let Some(handle) = handle else { return };
        let from = untrack(|| self.place_of(id));
        let Some(cell_px) = cell_px(&handle, from) else {
            return;
        };
        // Without the capture the drag ends when the pointer leaves the handle.
        let _ = handle.set_pointer_capture(event.pointer_id());
        event.prevent_default();
        self.drag.set_value(Some(Drag {
            id,
            grip,
            start_px: position(event),
            from,
            to: from,
            cell_px,
        }));
    }

    pub fn drag(self, event: &PointerEvent) {
        let Some(drag) = self.drag.get_value() else {
            return;
        };
        let to = drag.place_at(position(event));
        if to == drag.to {
            return;
        }
        let tiles = self
            .desk
            .board
            .with_untracked(|board| placed(&board.tiles, drag.id, to));
        if let Some(tiles) = tiles {
            self.drag.set_value(Some(Drag { to, ..drag }));
            self.preview.set(Some(tiles));
        }
    }

    /// Ends a drag at the place that is shown.
    pub fn drop_tile(self) {
        let Some(drag) = self.drag.try_update_value(Option::take).flatten() else {
            return;
        };
        self.desk.edit(|board| board.with_place(drag.id, drag.to));
        self.preview.set(None);
        self.tell_place(drag.id);
        browser::focus(&handle_id(drag.id));
    }

    /// Ends a drag without a change.
    pub fn cancel(self) {
        self.drag.set_value(None);
        self.preview.set(None);
    }

    /// Handles a key on the handle of a tile.
    pub fn pressed(self, event: &KeyboardEvent, id: u32) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match &*event.key() {
            "Escape" => self.cancel(),
            "Enter" => self.edited.set(Edited::Tile(id)),
            "Delete" | "Backspace" => self.remove(id),
            key if key.starts_with("Arrow") => self.step(id, key, event.shift_key()),
            _ => return,
        }
        event.prevent_default();
    }

    fn step(self, id: u32, key: &str, resizes: bool) {
        let has_moved = self.desk.edit(|board| {
            let to = stepped(board.tile(id)?.place, key, resizes)?;
            board.with_place(id, to)
        });
        match has_moved {
            true => self.tell_place(id),
            false => self.report.set(texts::NO_ROOM.get().into()),
        }
        // The tiles may be drawn in another order.
        browser::focus(&handle_id(id));
    }

    pub fn remove(self, id: u32) {
        let tile = self
            .desk
            .board
            .with_untracked(|board| board.tile(id).cloned());
        let Some(tile) = tile else { return };
        if self.desk.edit(|board| board.without(id)) {
            self.report.set(texts::REMOVED.with(&[tile.name()]));
            self.removed.set(Some(tile));
            browser::focus(UNDO_ID);
        }
    }

    /// Puts the removed tile back.
    pub fn undo(self) {
        let Some(tile) = self.removed.get_untracked() else {
            return;
        };
        self.removed.set(None);
        if self.desk.edit(|board| board.with_again(&tile)) {
            self.tell_place(tile.id);
            browser::focus(&handle_id(tile.id));
        }
    }

    fn tell_place(self, id: u32) {
        self.removed.set(None);
        let Place { x, y, w, h } = untrack(|| self.place_of(id));
        let numbers = [x + 1, y + 1, w, h].map(|number| number.to_string());
        let [x, y, w, h] = &numbers;
        self.report
            .set(texts::PLACE.with(&[&self.title(id), x, y, w, h]));
    }

    fn title(self, id: u32) -> String {
        self.desk
            .board
            .with_untracked(|board| board.tile(id).map(|tile| tile.name().to_owned()))
            .unwrap_or_default()
    }
}

impl Drag {
    fn place_at(self, (x, y): (f64, f64)) -> Place {
        let cells = |from: f64, to: f64, cell: f64| ((to - from) / cell).round() as i32;
        let columns = cells(self.start_px.0, x, self.cell_px.0);
        let rows = cells(self.start_px.1, y, self.cell_px.1);
        let Place { x, y, w, h } = self.from;
        // Not `clamp`, which panics if there is no room.
        let moved = |from: u16, by: i32, least: u16, most: u16| {
            (i32::from(from) + by)
                .min(i32::from(most))
                .max(i32::from(least)) as u16
        };
        match self.grip {
            Grip::Move => Place {
                x: moved(x, columns, 0, COLUMNS - w),
                y: moved(y, rows, 0, u16::MAX / 2),
                ..self.from
            },
            Grip::Size => Place {
                w: moved(w, columns, 1, COLUMNS - x),
                h: moved(h, rows, 1, u16::MAX / 2),
                ..self.from
            },
        }
    }
}

/// Returns the size of a column and of a row with their gap, from the size of the tile that has the handle.
fn cell_px(handle: &Element, place: Place) -> Option<(f64, f64)> {
    let tile: HtmlElement = handle.closest(".tile").ok()??.dyn_into().ok()?;
    let grid: HtmlElement = document().get_element_by_id(GRID_ID)?.dyn_into().ok()?;
    let (wide, high) = (
        f64::from(tile.offset_width()),
        f64::from(tile.offset_height()),
    );
    let grid_px = f64::from(grid.offset_width());
    let columns = f64::from(COLUMNS);
    let column_px = match place.w < COLUMNS {
        true => (grid_px - wide) / f64::from(COLUMNS - place.w),
        false => (grid_px + GAP_PX) / columns,
    };
    let gap_px = columns * column_px - grid_px;
    let row_px = (high + gap_px) / f64::from(place.h.max(1));
    (column_px > 1.0 && row_px > 1.0).then_some((column_px, row_px))
}

fn position(event: &PointerEvent) -> (f64, f64) {
    (f64::from(event.page_x()), f64::from(event.page_y()))
}

/// Returns the `id` of the handle of a tile.
pub fn handle_id(id: u32) -> String {
    format!("tile-handle-{id}")
}

/// The `id` of the button that puts a removed tile back.
pub const UNDO_ID: &str = "tile-undo";
/// The gap of the grid in the style sheet.
const GAP_PX: f64 = 12.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn drag(grip: Grip) -> Drag {
        let from = Place {
            x: 4,
            y: 2,
            w: 3,
            h: 2,
        };
        Drag {
            id: 1,
            grip,
            start_px: (100.0, 100.0),
            from,
            to: from,
            cell_px: (80.0, 50.0),
        }
    }

    #[test]
    fn a_drag_moves_by_whole_cells_within_the_board() {
        let at = |x: f64, y: f64| {
            let place = drag(Grip::Move).place_at((x, y));
            (place.x, place.y, place.w, place.h)
        };
        assert_eq!(at(139.0, 124.0), (4, 2, 3, 2));
        assert_eq!(at(141.0, 126.0), (5, 3, 3, 2));
        assert_eq!(at(-900.0, -900.0), (0, 0, 3, 2));
        assert_eq!(at(2_000.0, 100.0), (9, 2, 3, 2));
    }

    #[test]
    fn a_drag_of_the_corner_changes_the_size() {
        let at = |x: f64, y: f64| {
            let place = drag(Grip::Size).place_at((x, y));
            (place.x, place.y, place.w, place.h)
        };
        assert_eq!(at(260.0, 150.0), (4, 2, 5, 3));
        assert_eq!(at(-900.0, -900.0), (4, 2, 1, 1));
        assert_eq!(at(2_000.0, 100.0), (4, 2, 8, 2));
    }
}
