//! Publishes for the Console, one message per period or one at a time, and keeps count.

use std::{collections::VecDeque, sync::Arc};

use leptos::prelude::*;

use super::{Settings, sample};
use crate::{
    browser::{self, Interval},
    connection::{Connection, Outcome},
    rate::Rate,
    reactive::once_live,
    reading::{Data, written},
};

/// How many messages there were, by what became of them.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub sent: u64,
    pub accepted: u64,
    /// Refused by the broker, or lost with the connection before it answered.
    pub unanswered: u64,
    /// Not sent, because there was no connection to send on.
    pub skipped: u64,
    rate: Rate,
}

impl Tally {
    pub fn per_second(&self, now_ms: f64) -> f64 {
        self.rate.per_second(now_ms)
    }
}

/// A line of the list of what was sent.
pub struct Sent {
    pub key: u64,
    pub topic: String,
    pub body: String,
    pub unix_ms: f64,
    pub outcome: ArcRwSignal<Option<Outcome>>,
}

#[derive(Clone, Copy)]
pub struct Publisher {
    connection: Connection,
    settings: Settings,
    pub producer: RwSignal<String>,
    pub tally: RwSignal<Tally>,
    pub list: RwSignal<VecDeque<Arc<Sent>>>,
    angle: StoredValue<f64>,
}

/// What the Console publishes by itself or by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Rect,
    Chart,
    Custom,
}

impl Publisher {
    /// Begins in the browser, when the settings have been recalled: `settings.ready`.
    pub fn new(settings: Settings) -> Self {
        let publisher = Self {
            connection: expect_context(),
            settings,
            producer: RwSignal::default(),
            tally: RwSignal::default(),
            list: RwSignal::default(),
            angle: StoredValue::new(0.0),
        };
        once_live(move || publisher.producer.set(browser::producer_id()));
        Effect::new(move |_| {
            if settings.ready.get() && settings.running.get() {
                let period_ms = settings.period_ms.get();
                StoredValue::new_local(Interval::every(period_ms, move || publisher.beat()));
            }
        });
        publisher
    }

    /// One message of the period's. A message of one's own waits until it is right and typing rests.
    fn beat(self) {
        if self.settings.mode.get_untracked() != Mode::Custom || self.settings.is_draft_at_rest() {
            self.publish_one();
        }
    }

    pub fn publish_one(self) {
        match self.settings.mode.get_untracked() {
            Mode::Rect => {
                let angle = sample::next_angle(self.angle.get_value());
                if self.publish("rect", self.payload(Data::Number(angle))) {
                    self.angle.set_value(angle);
                }
            }
            Mode::Chart => {
                let bars = sample::next_bars(browser::chance);
                self.publish("chart", self.payload(Data::Numbers(bars)));
            }
            Mode::Custom if self.settings.is_draft_right() => {
                let topic = self.settings.topic.get_untracked();
                self.publish(&topic, self.settings.body.get_untracked());
            }
            Mode::Custom => {}
        }
    }

    fn payload(self, data: Data) -> String {
        written(&self.producer.get_untracked(), &data, &browser::iso_now())
    }

    fn publish(self, topic: &str, body: String) -> bool {
        let outcome = ArcRwSignal::new(None);
        let told = {
            let outcome = outcome.clone();
            move |what: Outcome| {
                self.count(&what);
                outcome.set(Some(what));
            }
        };
        if self.connection.publish(topic, &body, told).is_err() {
            self.tally.update(|tally| tally.skipped += 1);
            return false;
        }
        self.tally.update(|tally| {
            tally.sent += 1;
            tally.rate.count(1, browser::now_ms());
        });
        self.note(topic, body, outcome);
        true
    }

    /// The page may be gone when the broker answers.
    fn count(self, outcome: &Outcome) {
        let accepted = *outcome == Outcome::Accepted;
        self.tally.try_update(|tally| {
            tally.accepted += u64::from(accepted);
            tally.unanswered += u64::from(!accepted);
        });
    }

    fn note(self, topic: &str, body: String, outcome: ArcRwSignal<Option<Outcome>>) {
        let key = self.tally.with_untracked(|tally| tally.sent);
        let (topic, unix_ms) = (topic.into(), browser::unix_ms());
        self.list.update(|list| {
            list.push_front(Arc::new(Sent {
                key,
                topic,
                body,
                unix_ms,
                outcome,
            }));
            list.truncate(MOST_LISTED);
        });
    }
}

const MOST_LISTED: usize = 50;
