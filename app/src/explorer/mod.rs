//! The explorer of topics: the loaded part of the tree, searches, and the requests that keep the visible rows up to date.
//! `pages::topics` draws it.

mod activity;
pub mod keys;
mod level;
mod row;
mod source;
mod tree;

use std::ops::Range;

use leptos::{prelude::*, task::spawn_local};

pub use activity::{Activity, HEIGHT, SECONDS};
pub use level::flag;
pub use row::{RowText, element_id, topic_link};
pub use source::Source;
pub use tree::{NodeId, Order, Row, Tree};

use crate::{
    api,
    browser::{self, Appointment},
    reactive::{hold, once_live},
    texts,
    topic::sentence,
};
use tree::Request;

/// The state of the page.
#[derive(Clone, Copy)]
pub struct Explorer {
    /// The tree of all topics, or the list of topics that a search found.
    pub tree: RwSignal<Tree>,
    pub source: RwSignal<Source>,
    /// The reason why nothing can be loaded; usually empty.
    pub problem: RwSignal<String>,
    /// The tree while a search is shown.
    kept: StoredValue<Option<Tree>>,
    /// Counts changes of the source: answers for an earlier source are ignored.
    generation: StoredValue<u64>,
    /// Number of requests for fresh figures whose answer has not arrived.
    refreshing: StoredValue<usize>,
    ticks: StoredValue<u64>,
}

impl Explorer {
    /// Starts with the rows that came with the page, for this search.
    pub fn new(search: &str) -> Self {
        let source = Source::of_search(search, Order::Name);
        let mut tree = Tree::new(Order::Name);
        let first = tree.first();
        let document = api::carried(&source.address(&first));
        let refused = document
            .as_ref()
            .err()
            .map(|problem| sentence(&problem.detail));
        let document = document.ok().flatten();
        let level = document.and_then(|document| source.read(&document));
        if let Some(level) = level {
            tree.take(&first, level, now_ms());
        }
        Self {
            tree: RwSignal::new(tree),
            source: RwSignal::new(source),
            problem: RwSignal::new(refused.unwrap_or_default()),
            kept: StoredValue::new(None),
            generation: StoredValue::new(0),
            refreshing: StoredValue::new(0),
            ticks: StoredValue::new(0),
        }
    }

    /// Keeps the rows that `visible` returns up to date while the page is visible.
    pub fn keep_fresh(self, visible: impl Fn() -> Range<usize> + Copy + 'static) {
        once_live(move || {
            self.refresh(visible());
            hold(Appointment::every(1_000, move || {
                if !document().hidden() {
                    self.load_missing(visible());
                    self.refresh_when_due(visible());
                }
            }));
        });
    }

    /// Shows the topics of a search, or the tree if it is empty.
    pub fn search(self, search: &str) {
        let order = self.tree.with_untracked(Tree::order);
        self.show(Source::of_search(search, order));
    }

    /// Sorts the tree.
    pub fn sort(self, order: Order) {
        self.kept.set_value(None);
        self.show(Source::Tree(order));
    }

    fn show(self, source: Source) {
        let before = self.source.get_untracked();
        if before == source {
            return;
        }
        self.generation.update_value(|generation| *generation += 1);
        let order = match source {
            Source::Tree(order) => order,
            _ => Order::Name,
        };
        if !before.is_search() && source.is_search() {
            self.kept.set_value(Some(self.tree.get_untracked()));
        }
        let kept = match source.is_search() {
            true => None,
            false => self.kept.try_update_value(Option::take).flatten(),
        };
        self.source.set(source);
        let tree = kept.filter(|tree| tree.order() == order);
        let is_loaded = tree.is_some();
        let tree = tree.unwrap_or_else(|| Tree::new(order));
        let first = tree.first();
        self.tree.set(tree);
        if !is_loaded {
            self.ask(first);
        }
    }

    /// Requests what is missing among the visible rows.
    pub fn load_missing(self, visible: Range<usize>) {
        let missing = |tree: &mut Tree| tree.missing(visible);
        for request in self.tree.try_update_untracked(missing).unwrap_or_default() {
            self.ask(request);
        }
    }

    /// A search by text examines many names for few rows, so its rows are brought up to date more rarely.
    fn refresh_when_due(self, visible: Range<usize>) {
        let tick = self.ticks.try_update_value(|ticks| {
            *ticks += 1;
            *ticks
        });
        let is_costly = self
            .source
            .with_untracked(|source| matches!(source, Source::Containing(_)));
        if !is_costly || tick.is_some_and(|tick| tick.is_multiple_of(5)) {
            self.refresh(visible);
        }
    }

    fn refresh(self, visible: Range<usize>) {
        if self.refreshing.get_value() > 0 {
            return;
        }
        let turn = self.ticks.get_value() as usize;
        let requests = self
            .tree
            .with_untracked(|tree| tree.refreshing(visible, turn));
        self.refreshing.set_value(requests.len());
        for request in requests {
            self.ask_then(request, move || {
                self.refreshing.try_update_value(|count| *count -= 1);
            });
        }
    }

    fn ask(self, request: Request) {
        self.ask_then(request, || {});
    }

    fn ask_then(self, request: Request, done: impl FnOnce() + 'static) {
        let generation = self.generation.get_value();
        let source = self.source.get_untracked();
        spawn_local(async move {
            let answer = api::get(&source.address(&request)).await;
            done();
            // The page may have been left, or may show something else.
            if self.generation.try_get_value() != Some(generation) {
                return;
            }
            let level = answer.map(|document| source.read(&document));
            match level {
                Ok(Some(level)) => {
                    self.tree
                        .try_update(|tree| tree.take(&request, level, now_ms()));
                    self.problem.try_set(String::new());
                }
                Ok(None) => self.failed(&request, texts::problem::NOT_UNDERSTOOD.get()),
                Err(problem) => self.failed(&request, &problem.detail),
            }
        });
    }

    /// Without a notification, because the request is repeated after a second and not at once.
    fn failed(self, request: &Request, reason: &str) {
        self.tree.try_update_untracked(|tree| tree.failed(request));
        self.problem.try_set(texts::topics::PROBLEM.with(&[reason]));
    }
}

/// Returns the address of the document that the page shows at first.
#[cfg(feature = "ssr")]
pub fn first_document(search: &str) -> String {
    Source::of_search(search, Order::Name).address(&Tree::new(Order::Name).first())
}

/// The server's rows are not compared with later ones.
fn now_ms() -> f64 {
    match is_browser() {
        true => browser::now_ms(),
        false => 0.0,
    }
}
