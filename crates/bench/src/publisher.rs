//! One producer: its frame, its messages in flight, and its schedule.

use std::collections::VecDeque;

use super::{dialect::Publication, stamp::Stamp};

pub struct Publisher {
    /// Number of its connection.
    pub link: usize,
    id: ProducerId,
    frame: Publication,
    schedule: Schedule,
    /// Number of messages written, which is the sequence of the last one.
    pub sent: u64,
    /// Number of publications that the server confirmed.
    pub confirmed: u64,
    /// The times at which the unconfirmed messages were sent, oldest first; None if the latency of
    /// confirmations is not measured.
    unconfirmed: Option<VecDeque<u64>>,
    /// Number of deliveries of its messages, over all its subscribers. A missed message counts as
    /// well when the loss is known, because it is no longer in flight.
    pub progress: u64,
    /// Number of its subscribers.
    pub audience: u64,
    /// The state at the last check for a stall.
    last_progress: Progress,
    /// Number of messages in flight that were abandoned because of no progress for
    /// [`STALL_TIMEOUT_NS`].
    abandoned: u64,
    pub is_lost: bool,
}

/// The producer that the stamps of a publisher name.
#[derive(Debug, Clone, Copy)]
pub struct ProducerId {
    pub run: u32,
    pub number: u32,
}

/// The number of acknowledged messages, and the time since which it has not changed.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    acknowledged: u64,
    since_ns: u64,
}

/// The rule for sending messages.
#[derive(Debug, Clone, Copy)]
pub enum Schedule {
    /// Sends while fewer than `messages` are in flight.
    Window { messages: u64, by: Acknowledgement },
    /// Sends one message per interval, without waiting for acknowledgements.
    Rate { interval_ns: u64, next_ns: u64 },
}

/// The event that ends the flight of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// The server's confirmation.
    Answer,
    /// Both the confirmation and the deliveries, so that a server that confirms before it delivers
    /// is not overrun.
    AnswerAndDelivery,
    /// The deliveries, on average over the subscribers, which are all in this process.
    Delivery,
    /// The write to the socket. Used if there are neither confirmations nor subscribers.
    Written,
}

impl Publisher {
    pub fn new(link: usize, id: ProducerId, frame: Publication, schedule: Schedule) -> Self {
        Self {
            link,
            id,
            frame,
            schedule,
            sent: 0,
            confirmed: 0,
            unconfirmed: None,
            progress: 0,
            audience: 0,
            last_progress: Progress::default(),
            abandoned: 0,
            is_lost: false,
        }
    }

    /// Starts to measure the latency of confirmations.
    pub fn measure_confirmations(&mut self) {
        self.unconfirmed = Some(VecDeque::new());
    }

    /// Counts a confirmation. Returns the time at which its message was sent, if that is measured.
    pub fn confirm(&mut self) -> Option<u64> {
        self.confirmed += 1;
        self.unconfirmed.as_mut()?.pop_front()
    }

    /// Returns the number of messages whose confirmation is measured and has not arrived.
    pub fn unconfirmed(&self) -> u64 {
        self.unconfirmed.as_ref().map_or(0, VecDeque::len) as u64
    }

    /// Returns the number of messages to write now.
    pub fn due(&self, now_ns: u64, unsent_bytes: usize) -> u64 {
        match self.schedule {
            Schedule::Rate { next_ns, .. } if now_ns < next_ns => 0,
            Schedule::Rate {
                interval_ns,
                next_ns,
            } => (now_ns - next_ns) / interval_ns + 1,
            Schedule::Window { messages, by } => {
                let room = match by {
                    Acknowledgement::Written if unsent_bytes > 0 => 0,
                    _ => messages.saturating_sub(self.in_flight()),
                };
                // At least half a window at a time, as a client that writes accumulated messages.
                // One write for each acknowledged message would measure the cost of system calls.
                if room >= messages.div_ceil(2) {
                    room
                } else {
                    0
                }
            }
        }
    }

    fn acknowledged(&self) -> u64 {
        let by = match self.schedule {
            Schedule::Window { by, .. } => by,
            Schedule::Rate { .. } => Acknowledgement::Written,
        };
        let delivered = || {
            self.progress
                .checked_div(self.audience)
                .unwrap_or(self.sent)
        };
        let acknowledged = match by {
            Acknowledgement::Answer => self.confirmed,
            Acknowledgement::Delivery => delivered(),
            Acknowledgement::AnswerAndDelivery => self.confirmed.min(delivered()),
            Acknowledgement::Written => self.sent,
        };
        acknowledged + self.abandoned
    }

    fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.acknowledged())
    }

    /// Appends one message to `output`. At a fixed rate its stamp has the time at which it was due,
    /// even if it is late.
    pub fn write(&mut self, now_ns: u64, output: &mut Vec<u8>) {
        let sent_ns = match &mut self.schedule {
            Schedule::Window { .. } => now_ns,
            Schedule::Rate {
                interval_ns,
                next_ns,
            } => {
                let due_ns = *next_ns;
                *next_ns += *interval_ns;
                due_ns
            }
        };
        self.sent += 1;
        if let Some(unconfirmed) = &mut self.unconfirmed {
            unconfirmed.push_back(sent_ns);
        }
        let stamp = Stamp {
            run: self.id.run,
            producer: self.id.number,
            sequence: self.sent,
            sent_ns,
        };
        stamp.write(&mut self.frame.frame[self.frame.payload_at..][..Stamp::BYTES]);
        if let Some(at) = self.frame.packet_id_at {
            // Never 0 [MQTT-2.3.1-1]. The window is smaller than the number of identifiers, so none
            // is in use twice.
            let id = (self.sent % 0xffff) as u16 + 1;
            self.frame.frame[at..at + 2].copy_from_slice(&id.to_be_bytes());
        }
        output.extend_from_slice(&self.frame.frame);
    }

    /// Returns the time before which no message is due, or None with a window.
    pub const fn next_ns(&self) -> Option<u64> {
        match self.schedule {
            Schedule::Rate { next_ns, .. } => Some(next_ns),
            Schedule::Window { .. } => None,
        }
    }

    /// Starts or restarts the schedule now. Messages due in the past are skipped.
    pub const fn start_schedule(&mut self, now_ns: u64) {
        if let Schedule::Rate {
            interval_ns,
            next_ns,
        } = &mut self.schedule
        {
            *next_ns = now_ns + *next_ns % *interval_ns;
        }
    }

    /// Abandons the messages in flight after too long a time without progress: they, or their
    /// subscriber, were lost. Returns true if it did so.
    pub fn abandon_stalled(&mut self, now_ns: u64) -> bool {
        let acknowledged = self.acknowledged();
        if acknowledged != self.last_progress.acknowledged || self.in_flight() == 0 {
            self.last_progress = Progress {
                acknowledged,
                since_ns: now_ns,
            };
            return false;
        }
        let is_stalled = now_ns.saturating_sub(self.last_progress.since_ns) >= STALL_TIMEOUT_NS;
        if is_stalled {
            self.abandoned += self.in_flight();
        }
        is_stalled
    }
}

/// Maximum time without progress before the messages in flight are abandoned.
const STALL_TIMEOUT_NS: u64 = 2_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Protocol, Quality};

    const WINDOW: Schedule = Schedule::Window {
        messages: 4,
        by: Acknowledgement::Delivery,
    };

    fn publisher(schedule: Schedule) -> Publisher {
        let payload = [b'.'; Stamp::BYTES];
        let frame = Protocol::Mqtt.publication("t", &payload, Quality::AtLeastOnce);
        Publisher::new(0, ProducerId { run: 7, number: 3 }, frame, schedule)
    }

    fn write(publisher: &mut Publisher, count: u64, now_ns: u64) -> Vec<Stamp> {
        let mut output = Vec::new();
        (0..count).for_each(|_| publisher.write(now_ns, &mut output));
        let frames = output.chunks_exact(publisher.frame.frame.len());
        let stamp = |frame: &[u8]| Stamp::read(&frame[publisher.frame.payload_at..]);
        frames.map(|frame| stamp(frame).unwrap()).collect()
    }

    #[test]
    fn a_window_is_refilled_when_half_of_it_is_delivered() {
        let mut publisher = publisher(WINDOW);
        publisher.audience = 2;
        assert_eq!(publisher.due(0, 0), 4);
        write(&mut publisher, 4, 0);
        for (progress, due) in [(0, 0), (3, 0), (4, 2), (7, 3), (8, 4)] {
            publisher.progress = progress;
            assert_eq!(publisher.due(0, 0), due, "{progress}");
        }
    }

    #[test]
    fn a_confirmation_without_deliveries_does_not_end_the_flight() {
        let mut publisher = publisher(Schedule::Window {
            messages: 4,
            by: Acknowledgement::AnswerAndDelivery,
        });
        publisher.audience = 1;
        write(&mut publisher, 4, 0);
        for (confirmed, progress, due) in [(4, 0, 0), (0, 4, 0), (4, 2, 2), (3, 4, 3)] {
            (publisher.confirmed, publisher.progress) = (confirmed, progress);
            assert_eq!(publisher.due(0, 0), due);
        }
    }

    #[test]
    fn a_confirmation_returns_the_time_of_its_message() {
        let mut publisher = publisher(WINDOW);
        assert_eq!(publisher.confirm(), None);
        publisher.measure_confirmations();
        write(&mut publisher, 2, 5);
        write(&mut publisher, 1, 7);
        assert_eq!(publisher.unconfirmed(), 3);
        let times = [(); 4].map(|()| publisher.confirm());
        assert_eq!(times, [Some(5), Some(5), Some(7), None]);
        assert_eq!((publisher.unconfirmed(), publisher.confirmed), (0, 5));
    }

    #[test]
    fn without_answers_and_subscribers_a_write_ends_the_flight() {
        let mut publisher = publisher(Schedule::Window {
            messages: 4,
            by: Acknowledgement::Written,
        });
        write(&mut publisher, 4, 0);
        assert_eq!((publisher.due(0, 1), publisher.due(0, 0)), (0, 4));
    }

    #[test]
    fn late_messages_carry_the_time_at_which_they_were_due() {
        let mut publisher = publisher(Schedule::Rate {
            interval_ns: 10,
            next_ns: 5,
        });
        publisher.start_schedule(100);
        assert_eq!(publisher.due(104, 0), 0);
        assert_eq!(publisher.due(105, 0), 1);
        assert_eq!(publisher.due(130, 0), 3);
        let stamps = write(&mut publisher, 3, 130);
        let times: Vec<_> = stamps.iter().map(|stamp| stamp.sent_ns).collect();
        assert_eq!(times, [105, 115, 125]);
        assert_eq!(publisher.due(130, 0), 0);
        assert_eq!(publisher.next_ns(), Some(135));
        publisher.start_schedule(1000);
        assert_eq!(publisher.next_ns(), Some(1005));
    }

    #[test]
    fn messages_are_numbered_without_gaps() {
        let mut publisher = publisher(WINDOW);
        let stamps = write(&mut publisher, 3, 42);
        let sequences: Vec<_> = stamps.iter().map(|stamp| stamp.sequence).collect();
        assert_eq!(sequences, [1, 2, 3]);
        assert!(
            stamps
                .iter()
                .all(|stamp| { (stamp.run, stamp.producer, stamp.sent_ns) == (7, 3, 42) })
        );
    }

    #[test]
    fn messages_in_flight_are_abandoned_after_the_stall_timeout() {
        let mut publisher = publisher(WINDOW);
        publisher.audience = 1;
        write(&mut publisher, 4, 0);
        publisher.progress = 1;
        assert!(!publisher.abandon_stalled(10));
        assert!(!publisher.abandon_stalled(10 + STALL_TIMEOUT_NS - 1));
        assert_eq!(publisher.due(0, 0), 0);
        assert!(publisher.abandon_stalled(10 + STALL_TIMEOUT_NS));
        assert_eq!(publisher.due(0, 0), 4);
    }
}
