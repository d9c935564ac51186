//! One board: its head, its tools, and its tiles on a grid.

use leptos::prelude::*;

use super::{
    arrange::{Arranger, UNDO_ID},
    settings::{Edited, Settings},
    tile::tile_view,
};
use crate::{
    boards::{Desk, Phase, Saving, address, in_reading_order},
    reactive::{effect, live_text, once_live, shown, text, text_of},
    site::{has_parameter, show_parameters},
    texts::boards as texts,
};

#[component]
pub fn OneBoard(name: String) -> impl IntoView {
    let desk = Desk::new(&name);
    let is_view = RwSignal::new(has_parameter("view"));
    let is_editing = RwSignal::new(false);
    let report = RwSignal::new(String::new());
    let edited = RwSignal::new(Edited::Nothing);
    once_live(move || {
        if has_parameter("edit") {
            is_editing.set(true);
            show_parameters(&[]);
        }
    });
    // A visitor who loses the right stops editing.
    effect(move |_| {
        let may_edit = desk.may_write.get() && !is_view.get();
        if !may_edit && is_editing.get_untracked() && desk.phase.get() == Phase::Here {
            is_editing.set(false);
        }
    });
    let title = {
        let name = name.clone();
        move || {
            let title = desk.board.with(|board| board.title.clone());
            if title.is_empty() {
                name.clone()
            } else {
                title
            }
        }
    };
    let class = text(move || match (is_view.get(), is_editing.get()) {
        (true, _) => "board-page board-view",
        (false, true) => "board-page editing",
        (false, false) => "board-page",
    });
    let arranger = Arranger::new(desk, report, edited);
    view! {
        <div class=class id=BOARD_ID>
            <div class="page-head board-head">
                <p class="way">
                    <a href="boards">{texts::BOARDS.get()}</a>
                </p>
                <h1 translate="no">{live_text(title)}</h1>
                <Tools desk name is_view is_editing edited />
            </div>
            <Notices desk />
            <div class="board-report">
                <p class="report" role="status">{text_of(text(move || report.get()))}</p>
                <button
                    type="button"
                    class="quiet"
                    id=UNDO_ID
                    style:display=shown(move || arranger.removed.with(Option::is_some))
                    on:click=move |_| arranger.undo()
                >
                    {texts::UNDO.get()}
                </button>
            </div>
            <BoardTitle desk is_editing />
            <Grid arranger is_editing />
            <Settings desk edited report />
        </div>
    }
}

#[component]
fn Tools(
    desk: Desk,
    name: String,
    is_view: RwSignal<bool>,
    is_editing: RwSignal<bool>,
    edited: RwSignal<Edited>,
) -> impl IntoView {
    let is_here = move || desk.phase.with(|phase| matches!(phase, Phase::Here));
    let may_edit = move || desk.may_write.get() && is_here();
    let edit = live_text(move || {
        if is_editing.get() {
            texts::DONE
        } else {
            texts::EDIT
        }
        .get()
    });
    let saved = live_text(move || match (is_editing.get(), desk.saving.get()) {
        (true, Saving::Saved) => texts::SAVED.get(),
        (_, Saving::Pending) => texts::SAVING.get(),
        _ => "",
    });
    let set_view = move |on: bool| {
        is_view.set(on);
        is_editing.set(false);
        let parameters: &[_] = if on { &[("view", "1")] } else { &[] };
        show_parameters(parameters);
    };
    view! {
        <div class="board-buttons">
            <button
                type="button"
                class="edit-board"
                style:display=shown(may_edit)
                aria-pressed=text(move || is_editing.get().to_string())
                on:click=move |_| is_editing.update(|is| *is = !*is)
            >
                {edit}
            </button>
            <button
                type="button"
                class="primary"
                style:display=shown(move || is_editing.get())
                on:click=move |_| edited.set(Edited::New)
            >
                {texts::ADD_TILE.get()}
            </button>
            <button type="button" class="to-view" on:click=move |_| set_view(true)>
                {texts::WALL_VIEW.get()}
            </button>
            <button type="button" class="from-view" on:click=move |_| set_view(false)>
                {texts::LEAVE_VIEW.get()}
            </button>
            <button type="button" on:click=move |_| full_screen()>
                {texts::FULL_SCREEN.get()}
            </button>
            <a class="export" href=address(&name) download=format!("{name}.json")>
                {texts::EXPORT.get()}
            </a>
            <span class="aside" role="status">{saved}</span>
        </div>
    }
}

/// Shows the board alone on the screen. A browser that refuses shows the page as before.
fn full_screen() {
    if document().fullscreen_element().is_some() {
        document().exit_fullscreen();
    } else if let Some(board) = document().get_element_by_id(BOARD_ID) {
        let _ = board.request_fullscreen();
    }
}

/// The fault of the board, or of the saving of changes, and its remedy.
#[component]
fn Notices(desk: Desk) -> impl IntoView {
    let is_phase = move |wanted: fn(&Phase) -> bool| shown(move || desk.phase.with(wanted));
    let is_saving = move |wanted: fn(&Saving) -> bool| shown(move || desk.saving.with(wanted));
    let refusal = live_text(move || match desk.phase.get() {
        Phase::Refused(words) => words,
        _ => String::new(),
    });
    let failure = live_text(move || match desk.saving.get() {
        Saving::Failed(words) => words,
        _ => String::new(),
    });
    let is_read_only = move || !desk.may_write.get() && desk.phase.get() == Phase::Here;
    let is_empty =
        move || desk.phase.get() == Phase::Here && desk.board.with(|board| board.tiles.is_empty());
    view! {
        <p class="none" style:display=is_phase(|phase| *phase == Phase::Loading)>
            {texts::LOADING.get()}
        </p>
        <div class="notice" role="status" style:display=is_phase(|phase| *phase == Phase::Missing)>
            <p>
                <strong>{texts::MISSING.get()}</strong>
                " "
                {texts::MISSING_HINT.get()}
            </p>
            <button type="button" on:click=move |_| desk.save()>
                {texts::MAKE_IT.get()}
            </button>
        </div>
        <div class="notice" role="status" style:display=is_phase(|phase| *phase == Phase::Deleted)>
            <p>{texts::WAS_DELETED.get()}</p>
            <button type="button" on:click=move |_| desk.save()>
                {texts::RESTORE.get()}
            </button>
        </div>
        <div
            class="notice"
            role="status"
            style:display=is_phase(|phase| matches!(phase, Phase::Refused(_)))
        >
            <p>{refusal}</p>
        </div>
        <div
            class="notice conflict"
            role="status"
            style:display=is_saving(|saving| *saving == Saving::Conflict)
        >
            <p>{texts::CONFLICT.get()}</p>
            <button type="button" on:click=move |_| desk.keep_theirs()>
                {texts::KEEP_THEIRS.get()}
            </button>
            <button type="button" on:click=move |_| desk.keep_mine()>
                {texts::KEEP_MINE.get()}
            </button>
        </div>
        <div
            class="notice"
            role="status"
            style:display=is_saving(|saving| matches!(saving, Saving::Failed(_)))
        >
            <p>{failure}</p>
            <button type="button" on:click=move |_| desk.save()>
                {texts::SAVE_AGAIN.get()}
            </button>
        </div>
        <p class="hint read-only" style:display=shown(is_read_only)>
            {texts::READ_ONLY.get()}
        </p>
        <p class="none" style:display=shown(is_empty)>
            {texts::EMPTY.get()}
        </p>
    }
}

#[component]
fn BoardTitle(desk: Desk, is_editing: RwSignal<bool>) -> impl IntoView {
    let title = text(move || desk.board.with(|board| board.title.clone()));
    let rename = move |event| {
        let title = event_target_value(&event);
        desk.edit(|board| {
            let mut board = board.clone();
            board.title = title.trim().into();
            Some(board)
        });
    };
    view! {
        <div class="edit-tools" style:display=shown(move || is_editing.get())>
            <div class="field">
                <label for="board-title">{texts::BOARD_TITLE.get()}</label>
                <input
                    id="board-title"
                    type="text"
                    autocomplete="off"
                    maxlength="200"
                    prop:value=title
                    on:change=rename
                />
            </div>
            <p class="hint" id="arrange-hint">
                {texts::ARRANGE_HINT.get()}
            </p>
        </div>
    }
}

/// The tiles, in the order in which they are read. They are drawn again when a tile or the order changes, not when tiles
/// only move: their places are styles.
#[component]
fn Grid(arranger: Arranger, is_editing: RwSignal<bool>) -> impl IntoView {
    let desk = arranger.desk;
    let tiles = Memo::new(move |_| {
        let mut tiles = desk.board.with(|board| in_reading_order(&board.tiles));
        for tile in &mut tiles {
            tile.place = Default::default();
        }
        tiles
    });
    let drawn = move || {
        let is_editing = is_editing.get();
        let tiles = tiles.get().into_iter();
        tiles
            .map(|tile| tile_view(tile, arranger, is_editing))
            .collect_view()
    };
    view! {
        <div class="board-grid" id=GRID_ID>
            {drawn}
        </div>
    }
}

/// The `id` of the element that has the whole board.
const BOARD_ID: &str = "board";
/// The `id` of the element that has the tiles.
pub const GRID_ID: &str = "board-grid";
