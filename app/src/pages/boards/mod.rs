//! `/boards`: the list of boards; `/boards/NAME`: one board.

mod arrange;
mod board;
mod controls;
mod draft;
mod pictures;
mod settings;
mod tile;

use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use crate::{
    api::{self, Request, carried},
    boards::{
        Board, Boards as List, EXAMPLE, LIST, Listed, address, example, is_of_name, link,
        name_fault,
    },
    change::Change,
    components::{Confirm, Trouble, words_of_problem},
    navigation::Navigation,
    poll::Poll,
    reactive::{plain_text, shown, text, text_of},
    stopped::has_stopped,
    texts::boards as texts,
    zone::Zone,
};
pub use board::OneBoard;

#[component]
pub fn Boards() -> impl IntoView {
    let first = carried(LIST);
    let document = first.as_ref().ok().and_then(Option::as_ref);
    let listed = RwSignal::new(document.and_then(|document| List::read(document)));
    let poll = Poll::every(
        PERIOD_MS,
        || LIST.to_owned(),
        move |document| {
            let list = List::read(document);
            if listed.with_untracked(|own| *own != list) {
                listed.set(list);
            }
        },
    );
    poll.begin(first.err());
    let report = RwSignal::new(String::new());
    let change = RwSignal::new(None);
    let zone = Zone::chosen();
    let is_empty =
        move || listed.with(|list| list.as_ref().is_some_and(|one| one.boards.is_empty()));
    let rows = move || {
        let boards = listed.with(|list| list.clone().unwrap_or_default().boards);
        let zone = zone.get();
        boards
            .into_iter()
            .map(|board| row(board, zone, change))
            .collect_view()
    };
    let has_rows = move || !is_empty() && listed.with(Option::is_some);
    view! {
        <div class="page-head">
            <h1>{texts::BOARDS.get()}</h1>
            <p>{texts::LEAD.get()}</p>
        </div>
        <Trouble problem=poll.problem.into() />
        <Tools report poll />
        <p class="report" role="status">
            {text_of(text(move || report.get()))}
        </p>
        <div class="panel first-board" style:display=shown(is_empty)>
            <h2>{texts::NO_BOARDS.get()}</h2>
            <p>{texts::FIRST_BOARD.get()}</p>
        </div>
        <div class="board-list" style:display=shown(has_rows)>
            <table>
                <thead>
                    <tr>
                        <th scope="col">{texts::NAME.get()}</th>
                        <th scope="col">{texts::TILES.get()}</th>
                        <th scope="col">{texts::CHANGED.get()}</th>
                        <td></td>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <Confirm
            change
            done=move |done| {
                report.set(done);
                poll.request();
            }
        />
    }
}

fn row(board: Listed, zone: Zone, change: RwSignal<Option<Change>>) -> impl IntoView {
    let name = board.name;
    let delete = {
        let name = name.clone();
        move |_| {
            change.set(Some(Change {
                title: texts::DELETE_TITLE.get().into(),
                question: texts::DELETE_QUESTION.with(&[&name]),
                button: texts::DELETE.get(),
                method: "DELETE",
                address: address(&name),
                report: texts::DELETED_NAMED.with(&[&name]),
            }));
        }
    };
    let button = board.may_write.then(|| {
        view! {
            <button type="button" class="quiet" aria-label=texts::DELETE_NAMED.with(&[&name]) on:click=delete>
                {texts::DELETE.get()}
            </button>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <a href=link(&name) translate="no">
                    {plain_text(name.clone())}
                </a>
                <small>{plain_text(board.title)}</small>
            </th>
            <td translate="no">{plain_text(board.tiles.to_string())}</td>
            <td translate="no">{plain_text(without_millis(zone.date_and_time(board.changed_ms)))}</td>
            <td class="row-actions">
                <a
                    href=address(&name)
                    download=format!("{name}.json")
                    aria-label=texts::EXPORT_NAMED.with(&[&name])
                >
                    {texts::EXPORT.get()}
                </a>
                {button}
            </td>
        </tr>
    }
}

/// Returns a time without its milliseconds, which do not matter for a board.
fn without_millis(time: String) -> String {
    match time.rsplit_once('.') {
        Some((seconds, rest)) => {
            let zone = rest.split_once(' ').map_or("", |(_, zone)| zone);
            format!("{seconds} {zone}").trim_end().to_owned()
        }
        None => time,
    }
}

/// The example, a new board, and the import of a file.
#[component]
fn Tools(report: RwSignal<String>, poll: Poll) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let fault = RwSignal::new(String::new());
    let name = RwSignal::new(String::new());
    let file = NodeRef::<html::Input>::new();
    // An example that exists is opened as it is.
    let open_example = move |_| {
        let body = example().write();
        spawn_local(async move {
            let made = put(EXAMPLE, &body).await;
            if has_stopped() || fault.is_disposed() {
                return;
            }
            match made {
                Ok(()) => navigation.go(&link(EXAMPLE)),
                Err(problem) if problem.status == PRECONDITION_FAILED => {
                    navigation.go(&link(EXAMPLE));
                }
                Err(problem) => fault.set(words_of_problem(&problem)),
            }
        });
    };
    let create = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_owned();
        if name_fault(&name).is_some() {
            return fault.set(texts::NAME_FAULT.get().into());
        }
        spawn_local(async move {
            let made = put(&name, &Board::default().write()).await;
            if has_stopped() || fault.is_disposed() {
                return;
            }
            match made {
                Ok(()) => navigation.go(&format!("{}?edit", link(&name))),
                Err(problem) if problem.status == PRECONDITION_FAILED => {
                    fault.set(texts::EXISTS.with(&[&name]));
                }
                Err(problem) => fault.set(words_of_problem(&problem)),
            }
        });
    };
    let import = move |_| {
        let Some(input) = file.get_untracked() else {
            return;
        };
        let chosen = input.files().and_then(|files| files.get(0));
        input.set_value("");
        let Some(chosen) = chosen else { return };
        let stem = chosen.name();
        let stem = stem.strip_suffix(".json").unwrap_or(&stem);
        let name = name_of_file(stem);
        spawn_local(async move {
            let text = JsFuture::from(chosen.text()).await;
            let body = text
                .ok()
                .and_then(|text| text.as_string())
                .unwrap_or_default();
            let made = put(&name, &body).await;
            if has_stopped() || fault.is_disposed() {
                return;
            }
            match made {
                Ok(()) => {
                    fault.set(String::new());
                    report.set(texts::IMPORTED.with(&[&name]));
                    poll.request();
                }
                Err(problem) if problem.status == PRECONDITION_FAILED => {
                    fault.set(texts::EXISTS.with(&[&name]));
                }
                Err(problem) => fault.set(words_of_problem(&problem)),
            }
        });
    };
    let choose = move |_| {
        if let Some(input) = file.get_untracked() {
            input.unchecked_ref::<web_sys::HtmlElement>().click();
        }
    };
    view! {
        <form class="board-tools" on:submit=create>
            <div class="field">
                <label for="board-name">{texts::NAME.get()}</label>
                <input
                    id="board-name"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-describedby="board-name-hint board-name-fault"
                    aria-invalid=text(move || fault.with(|fault| !fault.is_empty()).to_string())
                    on:input=move |event| {
                        fault.set(String::new());
                        name.set(event_target_value(&event));
                    }
                />
                <p class="hint" id="board-name-hint">
                    {texts::NAME_HINT.get()}
                </p>
                <p class="fault" id="board-name-fault" role="status">
                    {text_of(text(move || fault.get()))}
                </p>
            </div>
            <div class="buttons">
                <button type="submit">{texts::CREATE.get()}</button>
                <button type="button" class="primary" on:click=open_example>
                    {texts::OPEN_EXAMPLE.get()}
                </button>
                <button type="button" on:click=choose>
                    {texts::IMPORT.get()}
                </button>
                <input
                    node_ref=file
                    type="file"
                    accept=".json,application/json"
                    hidden
                    aria-hidden="true"
                    on:change=import
                />
            </div>
        </form>
    }
}

/// Returns a name for a board from the name of a file.
fn name_of_file(stem: &str) -> String {
    let fitting = stem.chars().map(|c| if is_of_name(c) { c } else { '-' });
    let name: String = fitting.take(40).collect();
    match name_fault(&name) {
        None => name,
        Some(_) => "board".into(),
    }
}

/// Saves a new board. A board that exists is not replaced.
async fn put(name: &str, body: &str) -> Result<(), api::Problem> {
    let address = address(name);
    let sent = api::send(Request {
        method: "PUT",
        address: &address,
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("if-none-match".into(), "*".into()),
        ],
        body: body.as_bytes(),
    });
    sent.await.map(drop)
}

const PERIOD_MS: u32 = 3_000;
const PRECONDITION_FAILED: u16 = 412;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_board_a_name() {
        for (stem, name) in [
            ("hall", "hall"),
            ("hall (1)", "hall--1-"),
            ("작업장", "작업장"),
            ("..", "board"),
            ("", "board"),
        ] {
            assert_eq!(name_of_file(stem), name);
        }
    }

    #[test]
    fn times_are_shown_to_the_second() {
        let time = |text: &str| without_millis(text.to_owned());
        assert_eq!(
            time("2026-11-22 22:47:03.045 UTC"),
            "2026-11-22 22:47:03 UTC"
        );
        assert_eq!(time("2026-11-22 22:47:03.045"), "2026-11-22 22:47:03");
    }
}
