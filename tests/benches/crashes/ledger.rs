//! What the clients of one flow have sent, got acknowledged and received, and the check of the flow's promise.

use std::collections::{HashMap, HashSet};

/// The promise of a flow for messages whose publisher has an acknowledgement. Messages without one may be there or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Received at least once. A message may come again after a crash.
    AtLeastOnce,
    /// Received exactly once.
    ExactlyOnce,
}

/// The numbers of one flow. The body of a message is its publisher and its number: `0 17`.
pub struct Ledger {
    pub name: &'static str,
    promise: Promise,
    publishers: Vec<Numbers>,
    /// The messages received since the last check, with the number of times.
    received: HashMap<(usize, u64), u32>,
    pub figures: Figures,
}

/// The messages of one publisher. Acknowledgements come in the order of the messages.
#[derive(Default, Clone)]
struct Numbers {
    /// Everything before it has been checked.
    first: u64,
    /// Everything before it is acknowledged, except [`Numbers::uncertain`].
    acknowledged: u64,
    next: u64,
    /// Messages without an acknowledgement before a crash.
    uncertain: HashSet<u64>,
}

/// Totals for the report.
#[derive(Default, Clone, Copy)]
pub struct Figures {
    pub acknowledged: u64,
    pub received: u64,
    /// Received more than once.
    pub again: u64,
    /// Not acknowledged before a crash, and there after it.
    pub survived_unacknowledged: u64,
}

/// The messages of one connection, which must be in order.
#[derive(Default)]
pub struct Order {
    last: HashMap<usize, u64>,
}

impl Ledger {
    pub fn new(name: &'static str, promise: Promise, publishers: usize) -> Self {
        Self {
            name,
            promise,
            publishers: vec![Numbers::default(); publishers],
            received: HashMap::new(),
            figures: Figures::default(),
        }
    }

    /// Returns the body of the next message of a publisher.
    pub fn next_body(&mut self, publisher: usize) -> String {
        let numbers = &mut self.publishers[publisher];
        numbers.next += 1;
        body(publisher, numbers.next - 1)
    }

    /// Notes that the oldest message without an acknowledgement got one.
    pub fn acknowledge(&mut self, publisher: usize) {
        let numbers = &mut self.publishers[publisher];
        assert!(numbers.acknowledged < numbers.next, "nothing is in flight");
        numbers.acknowledged += 1;
        self.figures.acknowledged += 1;
    }

    /// Notes a received message.
    pub fn receive(&mut self, text: &str, order: &mut Order) -> Result<(), String> {
        if text.starts_with(MARKER) {
            // One of an earlier check whose acknowledgement was not recorded before the kill.
            return Ok(());
        }
        let (publisher, number) =
            parse(text).ok_or_else(|| format!("{}: an unknown message {text:?}", self.name))?;
        if let Some(last) = order.last.insert(publisher, number)
            && last >= number
        {
            return Err(format!(
                "{}: publisher {publisher}: {number} came after {last} on one connection",
                self.name
            ));
        }
        self.figures.received += 1;
        let count = self.received.entry((publisher, number)).or_default();
        *count += 1;
        if *count > 1 {
            self.again(publisher, number)?;
        }
        Ok(())
    }

    fn again(&mut self, publisher: usize, number: u64) -> Result<(), String> {
        self.figures.again += 1;
        match self.promise {
            Promise::AtLeastOnce => Ok(()),
            Promise::ExactlyOnce => Err(format!(
                "{}: publisher {publisher}: {number} came twice",
                self.name
            )),
        }
    }

    /// Notes that the server was killed: messages in flight may be there or not.
    pub fn crash(&mut self) {
        for numbers in &mut self.publishers {
            numbers.uncertain.extend(numbers.acknowledged..numbers.next);
            numbers.acknowledged = numbers.next;
        }
    }

    /// Checks all messages since the last check, when everything that is left has been received.
    pub fn check(&mut self) -> Result<(), String> {
        let received = std::mem::take(&mut self.received);
        for (publisher, number) in received.keys().copied() {
            let numbers = &self.publishers[publisher];
            if number >= numbers.next {
                return Err(format!(
                    "{}: publisher {publisher}: {number} was never sent",
                    self.name
                ));
            }
            if number < numbers.first {
                self.again(publisher, number)?;
            } else if numbers.uncertain.contains(&number) {
                self.figures.survived_unacknowledged += 1;
            }
        }
        for (publisher, numbers) in self.publishers.iter_mut().enumerate() {
            let expected = (numbers.first..numbers.acknowledged)
                .filter(|number| !numbers.uncertain.contains(number));
            let lost: Vec<u64> = expected
                .filter(|number| !received.contains_key(&(publisher, *number)))
                .collect();
            if !lost.is_empty() {
                return Err(format!(
                    "{}: publisher {publisher}: acknowledged and lost: {lost:?}",
                    self.name
                ));
            }
            numbers.first = numbers.next;
            numbers.uncertain.clear();
        }
        Ok(())
    }

    /// Checks that only the last message is there: the last acknowledged one of the only publisher, or a later one.
    pub fn check_last(&mut self, found: &[String]) -> Result<(), String> {
        let numbers = &self.publishers[0];
        let number = match found {
            [] => None,
            [text] => parse(text).map(|(_, number)| number),
            _ => return Err(format!("{}: several: {found:?}", self.name)),
        };
        let is_expected = match number {
            None => numbers.acknowledged == 0,
            Some(number) => number + 1 >= numbers.acknowledged && number < numbers.next,
        };
        if !is_expected {
            let acknowledged = numbers.acknowledged;
            return Err(format!(
                "{}: found {found:?} after {acknowledged} acknowledged messages",
                self.name
            ));
        }
        self.figures.received += 1;
        Ok(())
    }

    /// Returns the least and the greatest number of messages that may be there, if nothing was received.
    pub fn bounds(&self) -> (u64, u64) {
        let sent: u64 = self.publishers.iter().map(|one| one.next).sum();
        let uncertain: u64 = self
            .publishers
            .iter()
            .map(|one| one.uncertain.len() as u64 + one.next - one.acknowledged)
            .sum();
        (sent - uncertain, sent)
    }
}

/// The beginning of the messages that end a check.
const MARKER: &str = "end";

fn body(publisher: usize, number: u64) -> String {
    format!("{publisher} {number}")
}

fn parse(text: &str) -> Option<(usize, u64)> {
    let (publisher, number) = text.split_once(' ')?;
    Some((publisher.parse().ok()?, number.parse().ok()?))
}
