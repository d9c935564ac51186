//! Deliveries that wait until the log has recorded that they are on their way: after a crash, the server must know which of
//! them the peer may have.

use std::collections::VecDeque;

use broker::Completion;

/// The held deliveries of one connection, in their order. Empty unless the protocol's encoder gives out tickets.
#[derive(Default)]
pub struct HeldDeliveries {
    groups: VecDeque<Group>,
    bytes: usize,
}

/// The deliveries that are due when one ticket is complete.
struct Group {
    ticket: u64,
    framed: Vec<u8>,
}

impl HeldDeliveries {
    /// Returns true if no more is encoded until some deliveries are due.
    pub const fn is_full(&self) -> bool {
        self.bytes >= MAX_HELD_BYTES
    }

    /// Returns the ticket of the oldest deliveries; `None` if nothing is held.
    pub fn ticket(&self) -> Option<u64> {
        self.groups.front().map(|group| group.ticket)
    }

    /// Returns whether deliveries with this ticket must be pushed: they, or earlier ones, have to wait.
    pub fn must_hold(&self, ticket: Option<u64>, completion: &Completion) -> bool {
        !self.groups.is_empty() || ticket.is_some_and(|ticket| !completion.is_complete(ticket))
    }

    /// Takes deliveries; without a ticket of their own they follow the last ones.
    pub fn push(&mut self, ticket: Option<u64>, framed: &[u8]) {
        self.bytes += framed.len();
        match self.groups.back_mut() {
            Some(last) if ticket.is_none_or(|ticket| ticket <= last.ticket) => {
                last.framed.extend_from_slice(framed);
            }
            _ => self.groups.push_back(Group {
                ticket: ticket.unwrap_or(0),
                framed: framed.to_vec(),
            }),
        }
    }

    /// Moves the deliveries that are due to `out`.
    pub fn take_due(&mut self, completion: &Completion, out: &mut Vec<u8>) {
        while let Some(group) = self.groups.front()
            && completion.is_complete(group.ticket)
        {
            self.bytes -= group.framed.len();
            out.extend_from_slice(&group.framed);
            self.groups.pop_front();
        }
        if self.groups.is_empty() {
            self.groups.shrink_to(0);
        }
    }
}

/// Bytes of held deliveries after which no more is encoded.
const MAX_HELD_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_keep_their_order_and_wait_for_their_tickets() {
        let completion = Completion::pending();
        let (mut held, mut due) = (HeldDeliveries::default(), Vec::new());
        assert!(!held.must_hold(None, &completion));
        assert!(held.must_hold(Some(3), &completion));
        held.push(Some(3), b"a");
        assert!(held.must_hold(None, &completion), "it must not overtake");
        held.push(None, b"b");
        held.push(Some(5), b"c");
        assert_eq!(held.ticket(), Some(3));
        completion.complete(4);
        held.take_due(&completion, &mut due);
        assert_eq!((&*due, held.ticket()), (&b"ab"[..], Some(5)));
        completion.complete(5);
        held.take_due(&completion, &mut due);
        assert_eq!((&*due, held.ticket()), (&b"abc"[..], None));
        assert!(!held.must_hold(Some(5), &completion));
    }

    #[test]
    fn the_held_bytes_are_bounded() {
        let completion = Completion::pending();
        let mut held = HeldDeliveries::default();
        held.push(Some(1), &[0; MAX_HELD_BYTES]);
        assert!(held.is_full());
        completion.complete(1);
        held.take_due(&completion, &mut Vec::new());
        assert!(!held.is_full());
    }
}
