//! Messages between the socket and the screen: they wait for the next animation frame, all of them
//! for the same one.

use crate::browser::Appointment;

use super::Message;

/// Messages by subscription, in order of arrival, and the appointment to deliver them.
#[derive(Default)]
pub struct Inbox {
    waiting: Vec<(String, Vec<Message>)>,
    count: usize,
    appointment: Option<(Appointment, Appointment)>,
}

impl Inbox {
    /// Takes a message in. `deliver` is called once, before the next paint; a hidden page does not
    /// paint, so a timer makes sure.
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

    /// Too many wait: a hidden page's timers may be a minute apart.
    pub fn is_full(&self) -> bool {
        self.count >= MOST_WAITING
    }

    /// Everything that waits; the appointment is void.
    pub fn take(&mut self) -> Vec<(String, Vec<Message>)> {
        self.appointment = None;
        self.count = 0;
        std::mem::take(&mut self.waiting)
    }
}

const UNPAINTED_MS: u32 = 250;
/// At 20 µs a message they are 10 ms, a part of what there is for a frame.
const MOST_WAITING: usize = 500;
