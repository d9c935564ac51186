//! `/topics`: the tree of all topics, and the search for topics.

use std::ops::Range;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, MouseEvent};

use crate::{
    browser::Appointment,
    components::{Anchor, Scroller},
    explorer::{
        Explorer, HEIGHT, NodeId, Order, Row, RowText, SECONDS, Tree, element_id,
        keys::{self, Action},
        topic_link,
    },
    navigation::Navigation,
    reactive::{GuardSlot, effect, live_text, plain_text, shown, text, text_of},
    site::{parameter, show_parameters},
    texts,
    window::{ROW_PX, top_px},
};

#[component]
pub fn Topics() -> impl IntoView {
    let search = parameter("search").unwrap_or_default();
    let explorer = Explorer::new(&search);
    let is_empty = move || explorer.tree.with(Tree::is_empty);
    let nothing = move || match explorer.source.with(|source| source.is_search()) {
        true => texts::topics::NOT_FOUND.get(),
        false => texts::overview::NO_TOPICS.get(),
    };
    view! {
        <div class="page-head">
            <h1>{texts::shared::TOPICS.get()}</h1>
            <p>{texts::topics::INTRO.get()}</p>
        </div>
        <Controls explorer search />
        <p class="fault" role="status">{text_of(text(move || explorer.problem.get()))}</p>
        <Grid explorer />
        <p class="none" style:display=shown(is_empty)>
            {live_text(nothing)}
        </p>
    }
}

/// The search and the order of the tree.
#[component]
fn Controls(explorer: Explorer, search: String) -> impl IntoView {
    let pause = GuardSlot::new();
    let typed = move |event| {
        let search = event_target_value(&event);
        let apply = move || {
            explorer.search(&search);
            show_parameters(&[("search", search.trim())]);
        };
        pause.set(Appointment::after(TYPING_MS, apply));
    };
    let sorted = move |event| explorer.sort(Order::named(&event_target_value(&event)));
    let is_search = move || explorer.source.with(|source| source.is_search());
    view! {
        <div class="tool-row">
            <div class="field grows">
                <label for="topic-search">{texts::topics::SEARCH.get()}</label>
                <input
                    id="topic-search"
                    type="search"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder=texts::topics::SEARCH_HINT.get()
                    value=search
                    on:input=typed
                />
            </div>
            <div class="field">
                <label for="topic-order">{texts::topics::ORDER.get()}</label>
                <select id="topic-order" on:change=sorted disabled=is_search>
                    <option value="name">{texts::shared::NAME.get()}</option>
                    <option value="rate">{texts::topics::RATE.get()}</option>
                    <option value="time">{texts::topics::NEWEST.get()}</option>
                </select>
            </div>
        </div>
    }
}

#[component]
fn Grid(explorer: Explorer) -> impl IntoView {
    let scroller = Scroller::new(Anchor::Start);
    let navigation = expect_context::<Navigation>();
    let active = RwSignal::new(None::<NodeId>);
    let tree = explorer.tree;
    let count = move || tree.with(|tree| tree.rows().len());
    let visible = move || {
        let count = untrack(count);
        scroller.view_untracked(count).rows(count)
    };
    explorer.keep_fresh(visible);
    effect(move |_| {
        explorer.load_missing(scroller.view(count()).rows(count()));
    });
    let reader = Reader {
        explorer,
        scroller,
        navigation,
        active,
    };
    let range = move || scroller.view(count()).rows(count());
    let rows = move || {
        let range = range();
        tree.with(|tree| texts(tree, range))
            .into_iter()
            .map(|(index, row)| draw(index, row, active))
            .collect_view()
    };
    let described = move || {
        active
            .get()
            .filter(|id| tree.with(|tree| tree.row_of(*id).is_some()))
            .map(element_id)
    };
    view! {
        <div
            class="grid explorer"
            role="treegrid"
            aria-label=texts::shared::TOPICS.get()
            aria-rowcount=text(move || (count() + 1).to_string())
            aria-activedescendant=described
            tabindex="0"
            node_ref=scroller.element
            on:scroll=move |_| scroller.measure()
            on:click=move |click| reader.clicked(&click)
            on:keydown=move |event| reader.pressed(&event)
        >
            <div class="grid-head" role="row" aria-rowindex="1">
                <span role="columnheader">{texts::shared::TOPIC.get()}</span>
                <span role="columnheader" class="wide">{texts::topics::MINUTE.get()}</span>
                <span role="columnheader" class="end">{texts::topics::RATE.get()}</span>
                <span role="columnheader" class="wide">{texts::topics::NEWEST.get()}</span>
                <span role="columnheader" class="wide end">{texts::shared::LISTENERS.get()}</span>
            </div>
            <div
                role="rowgroup"
                style:height=text(move || format!("{}px", top_px(count())))
                class="grid-space"
            >
                <div
                    class="grid-rows"
                    style:transform=text(move || format!("translateY({}px)", top_px(range().start)))
                >
                    {rows}
                </div>
            </div>
        </div>
    }
}

/// Returns the rows with their indexes.
fn texts(tree: &Tree, range: Range<usize>) -> Vec<(usize, RowText)> {
    let rows = tree.rows().get(range.clone()).unwrap_or_default();
    let texts = rows.iter().map(|row| RowText::new(tree, *row));
    range.zip(texts).collect()
}

fn draw(index: usize, row: RowText, active: RwSignal<Option<NodeId>>) -> impl IntoView {
    let id = row.id.clone();
    let is_active = text(move || {
        let is_active = active.get().is_some_and(|active| element_id(active) == id);
        if is_active { "true" } else { "false" }
    });
    let expanded = row
        .is_open
        .map(|is_open| if is_open { "true" } else { "false" });
    let retained = if row.is_retained {
        texts::topics::RETAINED.get()
    } else {
        ""
    };
    view! {
        <div
            role="row"
            class="grid-row"
            id=row.id
            data-row=index.to_string()
            attr:aria-level=row.depth.to_string()
            aria-rowindex=(index + 2).to_string()
            aria-expanded=expanded
            aria-selected=is_active
        >
            <div role="gridcell" class="name" style=format!("--depth:{}", row.depth - 1)>
                <span class="twist" aria-hidden="true"></span>
                <a href=row.link tabindex="-1" translate="no">
                    {plain_text(row.name)}
                </a>
                <small>{plain_text(row.below)}</small>
                <span class="badge retained">{plain_text(retained)}</span>
            </div>
            <div role="gridcell" class="wide line">
                <svg viewBox=format!("0 0 {SECONDS} {HEIGHT}") aria-hidden="true">
                    <path d=row.line />
                </svg>
            </div>
            <div role="gridcell" class="end" translate="no">{plain_text(row.rate)}</div>
            <div role="gridcell" class="wide preview" translate="no">
                {plain_text(row.preview)}
            </div>
            <div role="gridcell" class="wide end" translate="no">{plain_text(row.listeners)}</div>
        </div>
    }
}

/// The reader's mouse and keys.
#[derive(Clone, Copy)]
struct Reader {
    explorer: Explorer,
    scroller: Scroller,
    navigation: Navigation,
    active: RwSignal<Option<NodeId>>,
}

impl Reader {
    /// A click on a link is left to the navigation.
    fn clicked(self, click: &MouseEvent) {
        let target = click
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let Some(target) = target else { return };
        let Ok(Some(row)) = target.closest("[data-row]") else {
            return;
        };
        let index = row.get_attribute("data-row");
        let index = index.and_then(|index| index.parse::<usize>().ok());
        let row = index.and_then(|index| {
            let tree = self.explorer.tree;
            tree.with_untracked(|tree| tree.rows().get(index).copied())
        });
        let Some(Row::Node(id)) = row else { return };
        self.active.set(Some(id));
        if matches!(target.closest("a[href]"), Ok(None)) {
            self.toggle(id);
        }
    }

    fn pressed(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let page = self.scroller.view_untracked(0).page();
        let action = self.explorer.tree.with_untracked(|tree| {
            let at = self.active.get_untracked().and_then(|id| tree.row_of(id));
            keys::action(tree, at, &event.key(), page)
        });
        let Some(action) = action else { return };
        event.prevent_default();
        match action {
            Action::Go(row) => self.go(row),
            Action::Open(id) => self.set_open(id, true),
            Action::Close(id) => self.set_open(id, false),
            Action::Enter(id) => self.enter(id),
        }
    }

    fn go(self, row: usize) {
        let found = self
            .explorer
            .tree
            .with_untracked(|tree| tree.rows().get(row).copied());
        if let Some(Row::Node(id)) = found {
            self.active.set(Some(id));
        }
        let count = self.explorer.tree.with_untracked(|tree| tree.rows().len());
        let view = self.scroller.view_untracked(count);
        if let Some(top_px) = view.top_to_show(row, ROW_PX) {
            self.scroller.scroll_to(top_px, count);
        }
    }

    fn enter(self, id: NodeId) {
        let name = self.explorer.tree.with_untracked(|tree| {
            let child = &tree.node(id)?.child;
            child.topic.is_some().then(|| child.name.clone())
        });
        match name {
            Some(name) => self.navigation.go(&topic_link(&name)),
            None => self.toggle(id),
        }
    }

    fn toggle(self, id: NodeId) {
        let is_open = self
            .explorer
            .tree
            .with_untracked(|tree| Some(tree.node(id)?.is_open));
        if let Some(is_open) = is_open {
            self.set_open(id, !is_open);
        }
    }

    fn set_open(self, id: NodeId, is_open: bool) {
        self.explorer.tree.update(|tree| tree.set_open(id, is_open));
    }
}

/// A pause in typing after which the search starts.
const TYPING_MS: u32 = 250;
