//! One producer: its frame, how many messages it may have in flight, and when the next one is due.

use super::{dialect::Publication, stamp::Stamp};

pub struct Publisher {
    /// Its connection.
    pub link: usize,
    id: ProducerId,
    frame: Publication,
    schedule: Schedule,
    /// Messages written so far; the last one has this sequence.
    pub sent: u64,
    /// Answers to its publications.
    pub confirmed: u64,
    /// Deliveries of its messages, at all its subscribers. What one of them missed counts once it is known:
    /// it is not in flight.
    pub progress: u64,
    /// Subscribers that it has.
    pub audience: u64,
    /// What was acknowledged at the last look at whether it stalls, and since when it was no more.
    last_progress: Progress,
    /// Messages in flight that were given up because nothing came for [`STALL_TIMEOUT_NS`].
    abandoned: u64,
    pub is_lost: bool,
}

/// The producer that the stamps of a publisher name.
#[derive(Debug, Clone, Copy)]
pub struct ProducerId {
    pub run: u32,
    pub number: u32,
}

/// A number of acknowledged messages, and the time from which on it did not change.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    acknowledged: u64,
    since_ns: u64,
}

/// When messages are sent.
#[derive(Debug, Clone, Copy)]
pub enum Schedule {
    /// As soon as fewer than so many are in flight.
    Window { messages: u64, by: Acknowledgement },
    /// One per interval, come what may.
    Rate { interval_ns: u64, next_ns: u64 },
}

/// By what a message in flight is known to have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// The server's answer to it.
    Answer,
    /// Both its answer and its deliveries: a server that answers sooner than it delivers is not overrun.
    AnswerAndDelivery,
    /// Its deliveries: on average over the subscribers, which are all here.
    Delivery,
    /// There are neither answers nor subscribers: once the socket has taken it.
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
            progress: 0,
            audience: 0,
            last_progress: Progress::default(),
            abandoned: 0,
            is_lost: false,
        }
    }

    /// How many messages are to be written now.
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
                // Half a window at a time, as a client does that writes what has gathered: a write for
                // each message that comes back would measure system calls.
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

    /// Adds one message to what is written. It is stamped with the time it was due at, late or not.
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
        let stamp = Stamp {
            run: self.id.run,
            producer: self.id.number,
            sequence: self.sent,
            sent_ns,
        };
        stamp.write(&mut self.frame.frame[self.frame.payload_at..][..Stamp::BYTES]);
        if let Some(at) = self.frame.packet_id_at {
            // Never 0 [MQTT-2.3.1-1]; the window is far smaller than what there is of others.
            let id = (self.sent % 0xffff) as u16 + 1;
            self.frame.frame[at..at + 2].copy_from_slice(&id.to_be_bytes());
        }
        output.extend_from_slice(&self.frame.frame);
    }

    /// Nothing is due before this time; `None` where time does not matter.
    pub const fn next_ns(&self) -> Option<u64> {
        match self.schedule {
            Schedule::Rate { next_ns, .. } => Some(next_ns),
            Schedule::Window { .. } => None,
        }
    }

    /// The schedule begins now, again if need be; what was due in the past is not.
    pub const fn start_schedule(&mut self, now_ns: u64) {
        if let Schedule::Rate {
            interval_ns,
            next_ns,
        } = &mut self.schedule
        {
            *next_ns = now_ns + *next_ns % *interval_ns;
        }
    }

    /// Gives up what is in flight when nothing has come for too long: it was lost, or is on its way to a
    /// subscriber who is. Answers whether it did.
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

/// How long nothing may come before what is in flight is given up.
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
    fn a_window_is_refilled_by_halves_as_deliveries_come() {
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
    fn an_answer_alone_does_not_end_the_flight() {
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
    fn what_nobody_answers_is_acknowledged_by_the_socket() {
        let mut publisher = publisher(Schedule::Window {
            messages: 4,
            by: Acknowledgement::Written,
        });
        write(&mut publisher, 4, 0);
        assert_eq!((publisher.due(0, 1), publisher.due(0, 0)), (0, 4));
    }

    #[test]
    fn late_messages_carry_the_time_they_were_due_at() {
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
    fn messages_are_numbered_one_by_one() {
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
    fn a_stall_is_forgiven_once_it_has_lasted() {
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
