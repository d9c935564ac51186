//! Documents of the API that a page requests again and again, while it is visible.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::{self, Problem},
    browser::Appointment,
    reactive::{hold, once_live},
    stopped::has_stopped,
};

/// A document that is requested repeatedly. There is one request at a time.
#[derive(Clone, Copy)]
pub struct Poll {
    /// The reason why the newest request failed.
    pub problem: RwSignal<Option<Problem>>,
    /// `None` on the server, which requests nothing.
    work: Option<StoredValue<Rc<Work>, LocalStorage>>,
}

struct Work {
    address: Box<dyn Fn() -> String>,
    take: Box<dyn Fn(&str)>,
    is_busy: Cell<bool>,
    /// True if a request was asked for during another one.
    is_due: Cell<bool>,
}

impl Poll {
    /// Returns a document that is only requested by [`Poll::request`]. `take` gets its text, unless `address` returns another
    /// address by then: the reader has gone on.
    pub fn on_demand(
        address: impl Fn() -> String + 'static,
        take: impl Fn(&str) + 'static,
    ) -> Self {
        let work = move || Work {
            address: Box::new(address),
            take: Box::new(take),
            is_busy: Cell::new(false),
            is_due: Cell::new(false),
        };
        Self {
            problem: RwSignal::new(None),
            work: is_browser().then(|| StoredValue::new_local(Rc::new(work()))),
        }
    }

    /// Returns a document that is requested when the page is live and then once per period, while the page is visible.
    pub fn every(
        period_ms: u32,
        address: impl Fn() -> String + 'static,
        take: impl Fn(&str) + 'static,
    ) -> Self {
        let poll = Self::on_demand(address, take);
        once_live(move || {
            poll.request();
            hold(Appointment::every(period_ms, move || {
                if !document().hidden() {
                    poll.request();
                }
            }));
        });
        poll
    }

    /// Shows the problem with which the page came, until the first answer.
    pub fn begin(self, problem: Option<Problem>) {
        if problem.is_some() {
            self.problem.set(problem);
        }
    }

    /// Requests the document now, or after the request that is under way.
    pub fn request(self) {
        let Some(work) = self.work.and_then(|work| work.try_get_value()) else {
            return;
        };
        if work.is_busy.replace(true) {
            work.is_due.set(true);
            return;
        }
        spawn_local(async move {
            loop {
                work.is_due.set(false);
                let address = (work.address)();
                let answer = api::get(&address).await;
                // The page may have been left.
                if has_stopped() || self.problem.is_disposed() {
                    return;
                }
                if (work.address)() == address {
                    self.take(&work, answer);
                } else {
                    work.is_due.set(true);
                }
                if !work.is_due.get() {
                    break;
                }
            }
            work.is_busy.set(false);
        });
    }

    fn take(self, work: &Work, answer: Result<String, Problem>) {
        let problem = match answer {
            Ok(text) => {
                (work.take)(&text);
                None
            }
            Err(problem) => Some(problem),
        };
        if self.problem.with_untracked(|own| *own != problem) {
            self.problem.set(problem);
        }
    }
}
