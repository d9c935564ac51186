//! Messages that are settled in the group in which they are published: neither the message nor the settlement is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    format::ids::{PositionRange, QueueId},
    log::group::Unit,
    record::{Publish, Record},
};

/// Removes queues from the messages of a group that these queues settle later in the group. The settlements then find
/// nothing, so they are not written either.
pub(crate) fn leave_out<C>(units: &mut [Unit<C>]) {
    let mut settled = Settled::default();
    // Backwards, because only a later settlement counts.
    for unit in units.iter_mut().rev() {
        for record in unit.as_mut_slice().iter_mut().rev() {
            match record {
                Record::Settle(settle) => {
                    for range in &settle.ranges {
                        settled.add(settle.queue, *range);
                    }
                }
                Record::Moved(moved) => {
                    settled.moved.insert((moved.from, moved.position));
                }
                Record::Publish(publish) => settled.leave_out(publish),
                _ => {}
            }
        }
    }
}

/// The settlements in the part of a group that was visited.
#[derive(Debug, Default)]
struct Settled {
    /// By queue: ranges that do not overlap, each first position with its last one.
    ranges: HashMap<QueueId, BTreeMap<u64, u64>>,
    /// Messages that are moved; their first record is needed.
    moved: HashSet<(QueueId, u64)>,
}

impl Settled {
    fn add(&mut self, queue: QueueId, range: PositionRange) {
        if range.first > range.last {
            return;
        }
        let ranges = self.ranges.entry(queue).or_default();
        let (mut first, mut last) = (range.first, range.last);
        while let Some((&other_first, &other_last)) = ranges.range(..=last).next_back()
            && other_last >= first
        {
            ranges.remove(&other_first);
            first = first.min(other_first);
            last = last.max(other_last);
        }
        ranges.insert(first, last);
    }

    fn contains(&self, queue: QueueId, position: u64) -> bool {
        self.ranges.get(&queue).is_some_and(|ranges| {
            let before = ranges.range(..=position).next_back();
            before.is_some_and(|(_, &last)| last >= position)
        })
    }

    fn leave_out<C>(&self, publish: &mut Publish<C>) {
        if self.ranges.is_empty() {
            return;
        }
        let position = publish.position;
        publish.queues.retain(|queue| {
            !self.contains(queue, position) || self.moved.contains(&(queue, position))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_overlap_are_joined() {
        let mut settled = Settled::default();
        let queue = QueueId(1);
        for (first, last) in [(10, 20), (30, 40), (15, 32), (50, 50)] {
            settled.add(queue, PositionRange { first, last });
        }
        assert_eq!(settled.ranges[&queue], BTreeMap::from([(10, 40), (50, 50)]));
        for (position, expected) in [(9, false), (10, true), (25, true), (41, false), (50, true)] {
            assert_eq!(settled.contains(queue, position), expected, "{position}");
        }
    }
}
