//! Messages between the socket and the screen: all messages wait for the same next animation frame.

use crate::browser::Appointment;

use super::Message;

/// Messages by subscription, in order of arrival, and the scheduled delivery.
#[derive(Default)]
pub struct Inbox {
    waiting: Vec<(String, Vec<Message>)>,
    count: usize,
    appointment: Option<(Appointment, Appointment)>,
}

impl Inbox {
    /// Adds a message. `deliver` is called once, before the next paint; a timer calls it on a
    /// hidden page, which does not paint.
    pub fn push(
        &mut self,
        subscription: &str,
        message: Message,
        deliver: impl Fn() + Clone + 'static,
    ) {
        match self.waiting.iter_mut().find(|(id, _)| id == subscription) {
            Some((_, messages)) => messages.push(message),
            None => self.waiting.push((subscription.into(), vec![message])),
        }
        self.count += 1;
        if self.appointment.is_none() {
            let frame = Appointment::next_frame(deliver.clone());
            self.appointment = Some((frame, Appointment::after(UNPAINTED_MS, deliver)));
        }
    }

    /// Returns true if the inbox must be delivered now: a hidden page's timers may be a minute
    /// apart.
    pub fn is_full(&self) -> bool {
        self.count >= MOST_WAITING
    }

    /// Takes all waiting messages and cancels the scheduled delivery.
    pub fn take(&mut self) -> Vec<(String, Vec<Message>)> {
        self.appointment = None;
        self.count = 0;
        std::mem::take(&mut self.waiting)
    }
}

const UNPAINTED_MS: u32 = 250;
/// Delivering them takes about 10 ms (20 µs per message), which is part of the time of one frame.
const MOST_WAITING: usize = 500;
