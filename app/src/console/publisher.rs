//! Publishes for the Console, one message per period or one at a time, and counts the results.

use std::sync::Arc;

use leptos::prelude::*;

use super::{Kind, Settings, sample};
use crate::{
    browser::{self, Appointment},
    connection::{Connection, Outcome},
    line::{Line, shortened},
    rate::Rate,
    reactive::{effect, hold, once_live},
    reading::{Data, written},
    texts,
};

/// The published messages: their number by result, and a list of the newest.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub sent: u64,
    pub accepted: u64,
    /// Refused by the broker, or lost with the connection before the broker answered.
    pub failed: u64,
    /// Not sent, because there was no connection.
    pub skipped: u64,
    pub list: Vec<Arc<Line>>,
    rate: Rate,
}

impl Tally {
    pub fn per_second(&self, now_ms: f64) -> f64 {
        self.rate.per_second(now_ms)
    }

    fn take(&mut self, line: Line) {
        self.sent += 1;
        self.rate.count(1, browser::now_ms());
        self.list.push(Arc::new(line));
        let surplus = self.list.len().saturating_sub(MOST_LISTED);
        self.list.drain(..surplus);
    }

    /// Notes the result of the message with this number.
    fn answer(&mut self, number: u64, note: &'static str) {
        let line = self.list.iter_mut().find(|line| line.key == number);
        if let Some(line) = line {
            *line = Arc::new(Line {
                note,
                ..Line::clone(line)
            });
        }
    }
}

#[derive(Clone, Copy)]
pub struct Publisher {
    connection: Connection,
    settings: Settings,
    pub producer: RwSignal<String>,
    pub tally: RwSignal<Tally>,
    angle: StoredValue<f64>,
}

/// The way in which the Console publishes: automatically or by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Rect,
    Chart,
    Custom,
}

impl Publisher {
    /// Starts in the browser, after the settings have been restored: `settings.ready`.
    pub fn new(settings: Settings) -> Self {
        let publisher = Self {
            connection: expect_context(),
            settings,
            producer: RwSignal::default(),
            tally: RwSignal::default(),
            angle: StoredValue::new(0.0),
        };
        once_live(move || publisher.producer.set(browser::producer_id()));
        effect(move |_| {
            if settings.ready.get() && settings.running.get() {
                let period_ms = settings.period_ms.get();
                hold(Appointment::every(period_ms, move || publisher.beat()));
            }
        });
        publisher
    }

    /// Publishes the message of this period. A custom message waits until it is valid and the reader has stopped
    /// typing.
    fn beat(self) {
        if self.settings.mode.get_untracked() != Mode::Custom || self.settings.is_draft_at_rest() {
            self.publish_one();
        }
    }

    pub fn publish_one(self) {
        match self.settings.mode.get_untracked() {
            Mode::Rect => {
                let angle = sample::next_angle(self.angle.get_value());
                if self.publish(Kind::Topic, "rect", self.payload(Data::Number(angle))) {
                    self.angle.set_value(angle);
                }
            }
            Mode::Chart => {
                let bars = sample::next_bars(browser::chance);
                self.publish(Kind::Topic, "chart", self.payload(Data::Numbers(bars)));
            }
            Mode::Custom if self.settings.is_draft_right() => {
                let (kind, name) = (self.settings.kind, self.settings.name);
                let body = self.settings.body.get_untracked();
                self.publish(kind.get_untracked(), &name.get_untracked(), body);
            }
            Mode::Custom => {}
        }
    }

    fn payload(self, data: Data) -> String {
        written(&self.producer.get_untracked(), &data, &browser::iso_now())
    }

    fn publish(self, kind: Kind, name: &str, body: String) -> bool {
        let number = self.tally.with_untracked(|tally| tally.sent);
        let told = move |outcome: Outcome| self.told(number, &outcome);
        let destination = kind.destination(name);
        if self.connection.publish(&destination, &body, told).is_err() {
            self.tally.update(|tally| tally.skipped += 1);
            return false;
        }
        let line = Line {
            key: number,
            who: match kind {
                Kind::Topic => name.into(),
                Kind::Queue => texts::console::TO_QUEUE.with(&[name]),
            },
            what: shortened(body),
            note: texts::console::SENT.get(),
            unix_ms: browser::unix_ms(),
            ..Line::default()
        };
        self.tally.update(|tally| tally.take(line));
        true
    }

    /// The page may have been closed when the broker answers.
    fn told(self, number: u64, outcome: &Outcome) {
        let accepted = *outcome == Outcome::Accepted;
        let note = match outcome {
            Outcome::Accepted => texts::console::ACCEPTED.get(),
            Outcome::Refused(_) => texts::console::REFUSED.get(),
            Outcome::Unknown => texts::console::UNANSWERED.get(),
        };
        self.tally.try_update(|tally| {
            tally.accepted += u64::from(accepted);
            tally.failed += u64::from(!accepted);
            tally.answer(number, note);
        });
    }
}

const MOST_LISTED: usize = 50;
