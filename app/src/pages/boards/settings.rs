//! The dialog with the settings of a tile.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{arrange::handle_id, draft::Draft};
use crate::{
    address::encoded,
    api,
    boards::{Desk, Edits, Kind, Setting, Tile},
    browser,
    components::Dialog,
    json::{self, Json},
    language::Text,
    reactive::{effect, plain_text, shown, text, text_of},
    stopped::has_stopped,
    texts::boards as texts,
    topic::{Entry, series},
};

/// The tile whose settings are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edited {
    #[default]
    Nothing,
    New,
    Tile(u32),
}

#[component]
pub fn Settings(desk: Desk, edited: RwSignal<Edited>, report: RwSignal<String>) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let draft = RwSignal::new(Draft::default());
    let fault = RwSignal::new(String::new());
    let offered = Offered::default();
    effect(move |_| {
        let tile = match edited.get() {
            Edited::Nothing => return,
            Edited::New => Some(Tile::default()),
            Edited::Tile(id) => desk.board.with_untracked(|board| board.tile(id).cloned()),
        };
        let Some(tile) = tile else {
            return edited.set(Edited::Nothing);
        };
        offered.load_topics();
        offered.load_fields(&tile.topic);
        draft.set(Draft::of(tile));
        fault.set(String::new());
        is_open.set(true);
    });
    effect(move |before| {
        if !is_open.get() && before.is_some() {
            edited.set(Edited::Nothing);
        }
    });
    let is_new = move || edited.get() == Edited::New;
    let title = text(move || {
        if is_new() {
            texts::NEW_TILE
        } else {
            texts::TILE_SETTINGS
        }
        .get()
    });
    let apply = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        match draft.with_untracked(Draft::finished) {
            Err(words) => fault.set(words),
            Ok(tile) => match put(desk, tile, edited.get_untracked()) {
                Some(id) => {
                    is_open.set(false);
                    browser::focus(&handle_id(id));
                }
                None => {
                    is_open.set(false);
                    report.set(texts::BOARD_FULL.get().into());
                }
            },
        }
    };
    view! {
        <Dialog is_open title class="tile-settings">
            <form on:submit=apply>
                <Fields draft fault offered />
                <p class="fault" id=FAULT_ID role="status">
                    {text_of(text(move || fault.get()))}
                </p>
                <div class="buttons">
                    <button type="button" on:click=move |_| is_open.set(false)>
                        {texts::CANCEL.get()}
                    </button>
                    <button type="submit" class="primary">
                        {text_of(
                            text(move || if is_new() { texts::ADD } else { texts::APPLY }.get()),
                        )}
                    </button>
                </div>
            </form>
        </Dialog>
    }
}

/// Puts a tile with new settings on the board. Returns its id; `None` if the board is full, or the tile was removed.
fn put(desk: Desk, tile: Tile, edited: Edited) -> Option<u32> {
    match edited {
        Edited::Tile(id) => desk.edit(|board| board.with_settings(tile)).then_some(id),
        Edited::New | Edited::Nothing => desk.add(tile),
    }
}

#[component]
fn Fields(draft: RwSignal<Draft>, fault: RwSignal<String>, offered: Offered) -> impl IntoView {
    let has = move |setting| move || draft.with(|draft| draft.tile.kind.has(setting));
    let kinds = Kind::ALL.map(|kind| {
        let is_chosen = draft.with_untracked(|draft| draft.tile.kind == kind);
        view! {
            <option value=kind.name() selected=is_chosen>
                {name_of(kind).get()}
            </option>
        }
    });
    let choose = move |event| {
        if let Some(kind) = Kind::of(&event_target_value(&event)) {
            draft.update(|draft| draft.tile.kind = kind);
        }
    };
    let topic_typed = move |event| {
        let topic = event_target_value(&event).trim().to_owned();
        offered.load_fields(&topic);
        draft.update(|draft| draft.tile.topic = topic);
    };
    let input = move |id: &'static str, label: Text, of: fn(&mut Draft) -> &mut String| Input {
        id,
        label,
        hint: None,
        list: "",
        draft,
        fault,
        of,
    };
    let field_label = move || {
        let is_plane = draft.with(|draft| draft.tile.kind == Kind::Plane);
        if is_plane {
            texts::FIELD_X
        } else {
            texts::FIELD
        }
        .get()
    };
    view! {
        <div class="field">
            <label for="tile-kind">{texts::KIND.get()}</label>
            <select id="tile-kind" autofocus on:change=choose>
                {kinds.collect_view()}
            </select>
        </div>
        <div class="field">
            <label for="tile-topic">{texts::TOPIC_OR_FILTER.get()}</label>
            <input
                id="tile-topic"
                type="text"
                list="tile-topics"
                autocomplete="off"
                spellcheck="false"
                aria-describedby=format!("tile-topic-hint {FAULT_ID}")
                value=draft.with_untracked(|draft| draft.tile.topic.clone())
                on:change=topic_typed
                on:input=move |event| {
                    fault.set(String::new());
                    let topic = event_target_value(&event).trim().to_owned();
                    draft.update(|draft| draft.tile.topic = topic);
                }
            />
            <datalist id="tile-topics">{options(offered.topics)}</datalist>
            <p class="hint" id="tile-topic-hint">
                {texts::TOPIC_HINT.get()}
            </p>
        </div>
        {input("tile-title", texts::TITLE, |draft| &mut draft.tile.title)
            .with_hint(texts::TITLE_HINT)
            .draw(|| true)}
        <div class="field" style:display=shown(has(Setting::Field))>
            <label for="tile-field">{text_of(text(field_label))}</label>
            <input
                id="tile-field"
                type="text"
                list="tile-fields"
                autocomplete="off"
                spellcheck="false"
                aria-describedby="tile-field-hint"
                value=draft.with_untracked(|draft| draft.tile.field.clone())
                on:input=move |event| {
                    fault.set(String::new());
                    let field = event_target_value(&event).trim().to_owned();
                    draft.update(|draft| draft.tile.field = field);
                }
            />
            <datalist id="tile-fields">{options(offered.fields)}</datalist>
            <p class="hint" id="tile-field-hint">
                {texts::FIELD_HINT.get()}
            </p>
        </div>
        {input("tile-field-y", texts::FIELD_Y, |draft| &mut draft.tile.field_y)
            .with_list("tile-fields")
            .draw(has(Setting::FieldY))}
        <div class="settings-row">
            {input("tile-unit", texts::UNIT, |draft| &mut draft.tile.unit).draw(has(Setting::Unit))}
            {input("tile-min", texts::LEAST, |draft| &mut draft.min).draw(has(Setting::Range))}
            {input("tile-max", texts::GREATEST, |draft| &mut draft.max).draw(has(Setting::Range))}
            {input("tile-step", texts::STEP, |draft| &mut draft.step).draw(has(Setting::Step))}
            {input("tile-seconds", texts::SECONDS, |draft| &mut draft.seconds)
                .draw(has(Setting::Seconds))}
        </div>
        <div class="field" style:display=shown(has(Setting::Send))>
            <label for="tile-send">{texts::BODY.get()}</label>
            <textarea
                id="tile-send"
                rows="3"
                spellcheck="false"
                prop:value=draft.with_untracked(|draft| draft.tile.send.clone())
                on:input=move |event| {
                    let body = event_target_value(&event);
                    draft.update(|draft| draft.tile.send = body);
                }
            ></textarea>
        </div>
        <label class="check" style:display=shown(has(Setting::Retain))>
            <input
                type="checkbox"
                prop:checked=draft.with_untracked(|draft| draft.tile.retain)
                on:change=move |event| {
                    let retain = event_target_checked(&event);
                    draft.update(|draft| draft.tile.retain = retain);
                }
            />
            <span>{texts::RETAIN.get()}</span>
        </label>
    }
}

/// A text field of the dialog.
struct Input {
    id: &'static str,
    label: Text,
    hint: Option<Text>,
    /// The `id` of the list of suggestions; empty without one.
    list: &'static str,
    draft: RwSignal<Draft>,
    fault: RwSignal<String>,
    of: fn(&mut Draft) -> &mut String,
}

impl Input {
    fn with_hint(self, hint: Text) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    fn with_list(self, list: &'static str) -> Self {
        Self { list, ..self }
    }

    fn draw(self, is_shown: impl Fn() -> bool + Send + Sync + 'static) -> impl IntoView {
        let Self {
            id,
            label,
            hint,
            list,
            draft,
            fault,
            of,
        } = self;
        let mut first = draft.get_untracked();
        let hint_id = format!("{id}-hint");
        let described = hint.map(|_| hint_id.clone());
        let hint = hint.map(|hint| {
            view! {
                <p class="hint" id=hint_id>
                    {plain_text(hint.get())}
                </p>
            }
        });
        view! {
            <div class="field" style:display=shown(is_shown)>
                <label for=id>{label.get()}</label>
                <input
                    id=id
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    list=(!list.is_empty()).then_some(list)
                    aria-describedby=described
                    value=std::mem::take(of(&mut first))
                    on:input=move |event| {
                        fault.set(String::new());
                        let value = event_target_value(&event);
                        draft.update(|draft| *of(draft) = value);
                    }
                />
                {hint}
            </div>
        }
    }
}

/// The names that the dialog suggests.
#[derive(Clone, Copy, Default)]
struct Offered {
    topics: RwSignal<Vec<String>>,
    /// The numeric fields of the newest message of the topic.
    fields: RwSignal<Vec<String>>,
}

impl Offered {
    fn load_topics(self) {
        spawn_local(async move {
            let Ok(document) = api::get(TOPICS).await else {
                return;
            };
            if has_stopped() || self.topics.is_disposed() {
                return;
            }
            if let Ok(json) = json::read(&document) {
                let topics = json.member("topics").map_or(&[][..], Json::elements).iter();
                let names = topics.filter_map(|topic| topic.member("name")?.text());
                self.topics.set(names.map(str::to_owned).collect());
            }
        });
    }

    fn load_fields(self, topic: &str) {
        if topic.is_empty() || topic.contains(['*', '>']) {
            return self.fields.set(Vec::new());
        }
        let address = format!("api/topics/{}", encoded(topic));
        spawn_local(async move {
            let document = api::get(&address).await.unwrap_or_default();
            if has_stopped() || self.fields.is_disposed() {
                return;
            }
            let json = json::read(&document).ok();
            let last = json.as_ref().and_then(|json| json.member("last"));
            let newest = last.and_then(Entry::from_json).map(Arc::new);
            let mut fields = series::fields(newest.iter());
            fields.retain(|field| field != series::BODY);
            self.fields.set(fields);
        });
    }
}

fn options(names: RwSignal<Vec<String>>) -> impl IntoView {
    move || {
        let names = names.get().into_iter();
        names
            .map(|name| view! { <option value=name></option> })
            .collect_view()
    }
}

fn name_of(kind: Kind) -> Text {
    match kind {
        Kind::Number => texts::KIND_NUMBER,
        Kind::Gauge => texts::KIND_GAUGE,
        Kind::Line => texts::KIND_LINE,
        Kind::Bars => texts::KIND_BARS,
        Kind::Shape => texts::KIND_SHAPE,
        Kind::Plane => texts::KIND_PLANE,
        Kind::Text => texts::KIND_TEXT,
        Kind::Table => texts::KIND_TABLE,
        Kind::Last => texts::KIND_LAST,
        Kind::Lights => texts::KIND_LIGHTS,
        Kind::Log => texts::KIND_LOG,
        Kind::Button => texts::KIND_BUTTON,
        Kind::Slider => texts::KIND_SLIDER,
        Kind::Switch => texts::KIND_SWITCH,
    }
}

const FAULT_ID: &str = "tile-fault";
const TOPICS: &str = "api/topics?limit=200";
