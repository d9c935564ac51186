//! The question before an action: the broker counts what the action will touch, the reader is asked once, and the action is
//! carried out in parts. `pages::queue::actions` draws it.

use leptos::{prelude::*, task::spawn_local};

use super::{Action, Answer, Counted, Desk, Order};
use crate::{
    api::{self, Problem, Request},
    components::words_of_problem,
    console::{Kind, draft},
    figures::grouped,
    reactive::effect,
    stopped::has_stopped,
    texts,
};

#[derive(Clone, Copy)]
pub struct Question {
    desk: Desk,
    pub stage: RwSignal<Stage>,
    pub is_open: RwSignal<bool>,
    /// The destination of a move or copy; the next question begins with it.
    pub kind: RwSignal<Kind>,
    pub name: RwSignal<String>,
    /// The number of questions so far: an answer to an earlier one is ignored.
    round: StoredValue<u32>,
}

/// The progress of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// The reader chooses the destination.
    Choosing,
    /// The broker counts the messages; some are counted.
    Counting(u64),
    /// The reader is asked; with the number of messages, if the action is for messages.
    Asking(Option<Counted>),
    /// The action is carried out; some messages are done.
    Working {
        done: u64,
        of: u64,
    },
    Failed(Problem),
}

impl Question {
    /// Asks whenever the desk has something to ask.
    pub fn new(desk: Desk) -> Self {
        let question = Self {
            desk,
            stage: RwSignal::new(Stage::Counting(0)),
            is_open: RwSignal::new(false),
            kind: RwSignal::new(Kind::Queue),
            name: RwSignal::new(String::new()),
            round: StoredValue::new(0),
        };
        effect(move |_| {
            if let Some(action) = desk
                .asked
                .with(|asked| asked.as_ref().map(|(action, _)| *action))
            {
                untrack(|| question.begin(action));
            }
        });
        question
    }

    pub fn title(self) -> &'static str {
        let asked = self.desk.asked.read();
        asked.as_ref().map_or("", |(action, _)| action.title())
    }

    /// Returns the question, or the progress, in sentences.
    pub fn words(self) -> String {
        match self.stage.get() {
            Stage::Choosing => String::new(),
            Stage::Counting(0) => texts::queue::COUNTING.get().into(),
            Stage::Counting(so_far) => texts::queue::COUNTED.with(&[&grouped(so_far)]),
            Stage::Asking(Some(counted)) => self.with_order(|order| order.question(counted)),
            Stage::Asking(None) => {
                let queue = self.desk.queue.get().unwrap_or_default();
                self.with_order(|order| order.question_about(&queue))
            }
            Stage::Working { done, of: 0 } => texts::queue::DONE.with(&[&grouped(done)]),
            Stage::Working { done, of } => {
                texts::queue::DONE_OF.with(&[&grouped(done), &grouped(of)])
            }
            Stage::Failed(problem) => words_of_problem(&problem),
        }
    }

    /// Returns the reason why the destination cannot be used; empty while nothing is typed.
    pub fn name_fault(self) -> String {
        let fault = self.name.with(|name| match name.is_empty() {
            true => None,
            false => draft::name_fault(name),
        });
        fault.unwrap_or_default()
    }

    /// Returns the label of the button that goes on; empty if there is none.
    pub fn next_label(self) -> String {
        match self.stage.get() {
            Stage::Choosing => texts::queue::COUNT_THEM.get().into(),
            Stage::Working { .. } | Stage::Failed(_) => String::new(),
            Stage::Asking(Some(Counted { matched: 0, .. })) => String::new(),
            Stage::Counting(_) => self.with_order(|order| order.button(None)),
            Stage::Asking(counted) => {
                let matched = counted.map(|counted| counted.matched);
                self.with_order(|order| order.button(matched))
            }
        }
    }

    pub fn close_label(self) -> &'static str {
        match self.stage.get() {
            Stage::Asking(Some(Counted { matched: 0, .. })) | Stage::Failed(_) => {
                texts::dialog::CLOSE.get()
            }
            Stage::Choosing | Stage::Counting(_) | Stage::Asking(_) => texts::dialog::CANCEL.get(),
            Stage::Working { .. } => texts::queue::STOP.get(),
        }
    }

    pub fn may_go_on(self) -> bool {
        match self.stage.get() {
            Stage::Choosing => self.name.with(|name| draft::name_fault(name).is_none()),
            Stage::Asking(counted) => counted.is_none_or(|counted| counted.matched > 0),
            Stage::Counting(_) | Stage::Working { .. } | Stage::Failed(_) => false,
        }
    }

    /// Counts the messages, or carries the action out.
    pub fn go_on(self) {
        if !untrack(|| self.may_go_on()) {
            return;
        }
        match self.stage.get_untracked() {
            Stage::Choosing => self.count(),
            Stage::Asking(counted) => self.carry_out(counted.unwrap_or_default().matched),
            Stage::Counting(_) | Stage::Working { .. } | Stage::Failed(_) => {}
        }
    }

    fn begin(self, action: Action) {
        self.round.update_value(|round| *round += 1);
        self.is_open.set(true);
        match (action.has_destination(), action.is_for_messages()) {
            (true, _) => self.stage.set(Stage::Choosing),
            (false, true) => self.count(),
            (false, false) => self.stage.set(Stage::Asking(None)),
        }
    }

    /// Counts the messages. The broker examines a part of a long queue for each request.
    fn count(self) {
        let Some(order) = self.order() else { return };
        let round = self.round.get_value();
        self.stage.set(Stage::Counting(0));
        spawn_local(async move {
            let (mut matched, mut after) = (0, String::new());
            loop {
                let answer = send(&order, &order.counting_address(), &after).await;
                if !self.is_current(round) {
                    return;
                }
                let answer = match answer {
                    Ok(answer) => answer,
                    Err(problem) => return self.stage.set(Stage::Failed(problem)),
                };
                matched += answer.matched;
                after = answer.next;
                if after.is_empty() {
                    let held = answer.held;
                    return self
                        .stage
                        .set(Stage::Asking(Some(Counted { matched, held })));
                }
                self.stage.set(Stage::Counting(matched));
            }
        });
    }

    /// Sends the order until the broker has no more messages to do. It does a part for each request.
    fn carry_out(self, matched: u64) {
        let Some(order) = self.order() else { return };
        let round = self.round.get_value();
        self.stage.set(Stage::Working {
            done: 0,
            of: matched,
        });
        spawn_local(async move {
            let (mut done, mut after) = (0, String::new());
            loop {
                let answer = send(&order, &order.address(), &after).await;
                if has_stopped() || self.stage.is_disposed() {
                    return;
                }
                let is_current = self.is_current(round);
                let answer = match answer {
                    Ok(answer) => answer,
                    Err(problem) => {
                        if is_current {
                            self.stage.set(Stage::Failed(problem));
                        }
                        if done > 0 {
                            self.report(&order, done, matched, "");
                        }
                        return;
                    }
                };
                done += answer.done;
                let next = answer.continuation(order.action, matched.saturating_sub(done));
                match next.filter(|_| is_current) {
                    Some(next) => after = next,
                    None => {
                        if is_current {
                            self.is_open.set(false);
                        }
                        return self.report(&order, done, matched, &answer.stopped);
                    }
                }
                self.stage.set(Stage::Working { done, of: matched });
            }
        });
    }

    fn report(self, order: &Order, done: u64, matched: u64, reason: &str) {
        let left = matched.saturating_sub(done);
        self.desk.done(order.report(done, left, reason));
    }

    /// Returns true if the question with this number is still open.
    fn is_current(self, round: u32) -> bool {
        !self.stage.is_disposed() && self.round.get_value() == round && self.is_open.get_untracked()
    }

    fn with_order(self, words: impl FnOnce(&Order) -> String) -> String {
        self.order().as_ref().map_or_else(String::new, words)
    }

    fn order(self) -> Option<Order> {
        let (action, target) = self.desk.asked.get()?;
        Some(Order {
            queue: self.desk.name(),
            action,
            target,
            to: (self.kind.get(), self.name.get()),
        })
    }
}

async fn send(order: &Order, address: &str, after: &str) -> Result<Answer, Problem> {
    let body = order.body(after);
    let answer = api::send(Request {
        method: order.method(),
        address,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.as_bytes(),
    });
    answer.await.map(|text| Answer::read(&text))
}
