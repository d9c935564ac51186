//! The reader's settings of the Console, stored in this browser.

use leptos::prelude::*;

use super::{Kind, Mode, draft, period};
use crate::{
    browser,
    reactive::{effect, once_live},
};

#[derive(Clone, Copy)]
pub struct Settings {
    pub mode: RwSignal<Mode>,
    pub period_ms: RwSignal<u32>,
    pub running: RwSignal<bool>,
    /// Kind and name of the destination of a custom message.
    pub kind: RwSignal<Kind>,
    pub name: RwSignal<String>,
    pub body: RwSignal<String>,
    /// True after the stored settings have been restored: from then on the page may publish.
    pub ready: RwSignal<bool>,
    edited_ms: StoredValue<f64>,
}

impl Settings {
    /// Returns the default settings, as the server renders them; the browser then restores the stored ones.
    pub fn new() -> Self {
        let settings = Self {
            mode: RwSignal::new(Mode::Rect),
            period_ms: RwSignal::new(period::FIRST_MS),
            running: RwSignal::new(true),
            kind: RwSignal::new(Kind::Topic),
            name: RwSignal::new(draft::FIRST_NAME.into()),
            body: RwSignal::new(draft::FIRST_BODY.into()),
            ready: RwSignal::new(false),
            edited_ms: StoredValue::new(f64::NEG_INFINITY),
        };
        once_live(move || settings.recall());
        effect(move |_| settings.keep());
        settings
    }

    fn recall(self) {
        if let Some(mode) = browser::kept(MODE).and_then(|name| Mode::named(&name)) {
            self.mode.set(mode);
        }
        if let Some(period_ms) = browser::kept(PERIOD).and_then(|text| period::parse(&text).ok()) {
            self.period_ms.set(period_ms);
        }
        if let Some(running) = browser::kept(RUNNING) {
            self.running.set(running != NO);
        }
        if let Some(kind) = browser::kept(KIND).and_then(|name| Kind::named(&name)) {
            self.kind.set(kind);
        }
        if let Some(name) = browser::kept(NAME) {
            self.name.set(name);
        }
        if let Some(body) = browser::kept(BODY) {
            self.body.set(body);
        }
        self.ready.set(true);
    }

    /// Stores the settings at every change, but not before the stored settings have been restored.
    fn keep(self) {
        if !self.ready.get() {
            return;
        }
        browser::keep(MODE, self.mode.get().name());
        browser::keep(PERIOD, &self.period_ms.get().to_string());
        browser::keep(RUNNING, if self.running.get() { YES } else { NO });
        browser::keep(KIND, self.kind.get().name());
        self.name.with(|name| browser::keep(NAME, name));
        self.body.with(|body| browser::keep(BODY, body));
    }

    /// Notes the time of an edit of the custom message.
    pub fn edited(self) {
        self.edited_ms.set_value(browser::now_ms());
    }

    /// Returns true if publishing must wait until the custom message is valid.
    pub fn is_held(self) -> bool {
        self.mode.get() == Mode::Custom
            && (self.name.with(|name| draft::name_fault(name).is_some())
                || self.body.with(|body| draft::body_fault(body).is_some()))
    }

    pub fn is_draft_right(self) -> bool {
        untrack(|| !self.is_held())
    }

    /// Returns true if the custom message is valid and the reader has stopped typing: half a number is valid JSON too,
    /// but not the intended value.
    pub fn is_draft_at_rest(self) -> bool {
        browser::now_ms() - self.edited_ms.get_value() > REST_MS && self.is_draft_right()
    }
}

impl Mode {
    /// Returns the name that is used in storage and in the form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rect => "rect",
            Self::Chart => "chart",
            Self::Custom => "custom",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Rect, Self::Chart, Self::Custom]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

const REST_MS: f64 = 1_000.0;

const MODE: &str = "carillon.console.mode";
const PERIOD: &str = "carillon.console.period";
const RUNNING: &str = "carillon.console.running";
const KIND: &str = "carillon.console.kind";
// These names date from versions that had topics only, so that stored settings are still found.
const NAME: &str = "carillon.console.topic";
const BODY: &str = "carillon.console.body";
const YES: &str = "yes";
const NO: &str = "no";
