//! The message that a reader has opened: the page requests what the list does not keep of it, and the message before it.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{
    entry::Entry,
    history::{self, Part, Place},
    log::Log,
};
use crate::{api, reactive::effect, texts};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    pub entry: Arc<Entry>,
    /// The message of the topic before it; `None` until the answer has arrived, and then for a message that is not kept.
    pub previous: Option<Option<Arc<Entry>>>,
    /// A sentence about what is missing; usually empty.
    pub note: &'static str,
}

/// Returns the opened message, which follows the selection of the list.
pub fn opened(log: Log) -> RwSignal<Option<Opened>> {
    let opened = RwSignal::new(log.selected.get_untracked().map(Opened::of));
    effect(move |_| {
        let selected = log.selected.get();
        let is_whole = selected.as_ref().is_none_or(|entry| entry.is_whole());
        opened.set(selected.clone().map(Opened::of));
        let Some(entry) = selected else { return };
        if !is_whole {
            complete(log, opened, entry.id.clone());
        }
        find_previous(log, opened, &entry);
    });
    opened
}

impl Opened {
    fn of(entry: Arc<Entry>) -> Self {
        Self {
            entry,
            ..Self::default()
        }
    }
}

/// Requests the whole message.
fn complete(log: Log, opened: RwSignal<Option<Opened>>, id: String) {
    let address = history::address(&log.topic(), &Place::Id(id.clone()), None, 1);
    spawn_local(async move {
        let entry = entry_at(&address, |entry| entry.id == id).await;
        change(opened, &id, |opened| match entry {
            Some(entry) => opened.entry = entry,
            None if opened.entry.is_cut() => opened.note = texts::topic::CUT.get(),
            None => opened.note = texts::topic::NO_HEADERS.get(),
        });
    });
}

fn find_previous(log: Log, opened: RwSignal<Option<Opened>>, entry: &Entry) {
    let (id, sequence) = (entry.id.clone(), entry.sequence);
    let address = history::address(&log.topic(), &Place::Before(sequence), None, 1);
    spawn_local(async move {
        let previous = entry_at(&address, |entry| entry.sequence + 1 == sequence).await;
        change(opened, &id, |opened| opened.previous = Some(previous));
    });
}

/// Requests a part of the history, and returns its message that is meant.
async fn entry_at(address: &str, is_meant: impl Fn(&Entry) -> bool) -> Option<Arc<Entry>> {
    let document = api::get(address).await.ok()?;
    let part = Part::read(&document)?;
    part.entries.into_iter().find(|entry| is_meant(entry))
}

/// Changes the opened message, unless another one was opened meanwhile.
fn change(opened: RwSignal<Option<Opened>>, id: &str, act: impl FnOnce(&mut Opened)) {
    let is_same = opened
        .try_with_untracked(|opened| opened.as_ref().is_some_and(|opened| opened.entry.id == id));
    if is_same == Some(true) {
        opened.update(|opened| {
            if let Some(opened) = opened {
                act(opened);
            }
        });
    }
}
