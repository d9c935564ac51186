//! The publications whose receipt has not arrived yet. Pure.

use std::collections::VecDeque;

/// The result of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The broker has accepted the publication.
    Accepted,
    /// Refused, with the broker's message.
    Refused(String),
    /// The connection was lost before the broker answered.
    Unknown,
}

/// A callback that is called once, with the result of a publication.
pub type Told = Box<dyn FnOnce(Outcome)>;

#[derive(Default)]
pub struct Receipts {
    /// In ascending order of numbers; the broker answers in this order.
    awaited: VecDeque<(u64, Told)>,
    next_number: u64,
}

impl Receipts {
    /// Returns the receipt id to request, or `None` if too many receipts are pending.
    pub fn await_one(&mut self, told: Told) -> Option<String> {
        if self.awaited.len() >= MOST_AWAITED {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.awaited.push_back((number, told));
        Some(number.to_string())
    }

    /// Returns the callback of this receipt.
    pub fn arrived(&mut self, receipt: &str) -> Option<Told> {
        let number: u64 = receipt.parse().ok()?;
        let index = self
            .awaited
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        self.awaited.remove(index).map(|(_, told)| told)
    }

    /// Returns the callbacks of all receipts that will not arrive any more.
    pub fn lost(&mut self) -> Vec<Told> {
        self.awaited.drain(..).map(|(_, told)| told).collect()
    }
}

const MOST_AWAITED: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    type Log = Rc<RefCell<Vec<(u32, Outcome)>>>;

    fn logging(log: &Log, name: u32) -> Told {
        let log = log.clone();
        Box::new(move |outcome| log.borrow_mut().push((name, outcome)))
    }

    #[test]
    fn each_callback_is_returned_once_in_any_order_of_receipts() {
        let (log, mut receipts) = (Log::default(), Receipts::default());
        let asked: Vec<_> = (0..3)
            .map(|name| receipts.await_one(logging(&log, name)).expect("room"))
            .collect();
        for receipt in [&asked[2], &asked[0], &asked[2], &"x".to_string()] {
            if let Some(told) = receipts.arrived(receipt) {
                told(Outcome::Accepted);
            }
        }
        for told in receipts.lost() {
            told(Outcome::Unknown);
        }
        let expected = [
            (2, Outcome::Accepted),
            (0, Outcome::Accepted),
            (1, Outcome::Unknown),
        ];
        assert_eq!(*log.borrow(), expected);
    }

    #[test]
    fn pending_receipts_are_bounded() {
        let mut receipts = Receipts::default();
        for _ in 0..MOST_AWAITED {
            assert!(receipts.await_one(Box::new(|_| ())).is_some());
        }
        assert_eq!(receipts.await_one(Box::new(|_| ())), None);
        assert_eq!(receipts.lost().len(), MOST_AWAITED);
    }
}
