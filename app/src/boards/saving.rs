//! Saving the changes of this reader: soon after each change, one request at a time, and never over a change of another person
//! that this reader has not seen.

use leptos::{prelude::*, task::spawn_local};

use super::{
    address,
    change::Edits,
    desk::{Desk, Phase, Saving},
    model::{Board, Tile},
};
use crate::{
    api::{self, Request},
    browser::Appointment,
    components::words_of_problem,
    host::text,
    json,
    stopped::has_stopped,
};

impl Desk {
    /// Changes the board and saves it. Returns false if the change is not possible.
    pub fn edit(self, change: impl FnOnce(&Board) -> Option<Board>) -> bool {
        let Some(board) = self.board.with_untracked(change) else {
            return false;
        };
        if self.board.with_untracked(|own| *own == board) {
            return true;
        }
        self.show(board);
        self.note_unsaved();
        // Several steps with an arrow key are one change.
        let save = move || self.save();
        self.pause.set(Appointment::after(PAUSE_MS, save));
        true
    }

    /// Adds a tile. Returns its id, or `None` if the board is full.
    pub fn add(self, tile: Tile) -> Option<u32> {
        let mut added = None;
        self.edit(|board| {
            let (board, id) = board.with_new(tile)?;
            added = Some(id);
            Some(board)
        });
        added
    }

    /// Saves the shown board: for the first time, again after a failure, or after it was deleted.
    pub fn save(self) {
        if self.is_sending.get_value() {
            // Saved after the answer.
            return;
        }
        self.is_sending.set_value(true);
        self.is_unsaved.set_value(false);
        self.saving.set(Saving::Pending);
        let board = self.board.get_untracked();
        let address = address(&self.name());
        let condition = match self.tag.get_value() {
            tag if tag.is_empty() => ("if-none-match".to_owned(), "*".to_owned()),
            tag => ("if-match".to_owned(), format!("\"{tag}\"")),
        };
        spawn_local(async move {
            let body = board.write();
            let answer = api::send(Request {
                method: "PUT",
                address: &address,
                headers: vec![
                    ("content-type".into(), "application/json".into()),
                    condition,
                ],
                body: body.as_bytes(),
            })
            .await;
            if has_stopped() || self.board.is_disposed() {
                return;
            }
            self.is_sending.set_value(false);
            match answer {
                Ok(answer) => self.saved(&answer),
                Err(problem) if problem.status == PRECONDITION_FAILED => self.collide(),
                Err(problem) => {
                    self.is_unsaved.set_value(true);
                    self.saving.set(Saving::Failed(words_of_problem(&problem)));
                }
            }
        });
    }

    /// Saves a change that still waits for its pause, because the page is left.
    pub(super) fn save_at_end(self) {
        if self.is_unsaved.try_get_value() == Some(true) && !self.board.is_disposed() {
            self.save();
        }
    }

    fn saved(self, answer: &str) {
        let json = json::read(answer).ok();
        let tag = json.and_then(|json| text(&json, "tag"));
        self.tag.set_value(tag.unwrap_or_default());
        self.phase.set(Phase::Here);
        if self.is_unsaved.get_value() {
            return self.save();
        }
        self.saving.set(Saving::Saved);
        self.complete();
    }

    /// Shows the board of the other person, and keeps this reader's for a decision.
    fn collide(self) {
        self.mine.set_value(Some(self.board.get_untracked()));
        self.is_unsaved.set_value(false);
        self.saving.set(Saving::Conflict);
        self.request();
    }

    /// Ends a conflict: the shown board stays.
    pub fn keep_theirs(self) {
        self.mine.set_value(None);
        self.saving.set(Saving::Saved);
    }

    /// Ends a conflict: this reader's board replaces the shown one.
    pub fn keep_mine(self) {
        if let Some(mine) = self.mine.get_value() {
            self.mine.set_value(None);
            self.show(mine);
            self.save();
        }
    }

    fn note_unsaved(self) {
        self.is_unsaved.set_value(true);
        self.saving.set(Saving::Pending);
    }

    pub(super) fn has_changes(self) -> bool {
        self.is_unsaved.get_value() || self.is_sending.get_value()
    }
}

/// Time after the last change until the board is saved.
const PAUSE_MS: u32 = 400;
const PRECONDITION_FAILED: u16 = 412;
