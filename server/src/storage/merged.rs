//! The messages of several queues in the order of the log.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use store::Location;

/// Merges messages of several queues, so that a reader of the log goes through it once and not once for each queue. The
/// messages of one queue stay in their order; `location` returns the place of a message in the log.
pub fn merged<Q, M, I>(
    queues: impl IntoIterator<Item = (Q, I)>,
    location: impl Fn(&M) -> Location,
) -> impl Iterator<Item = (Q, M)>
where
    Q: Copy,
    I: Iterator<Item = M>,
{
    let mut queues: Vec<_> = queues
        .into_iter()
        .map(|(queue, messages)| (queue, messages.peekable()))
        .collect();
    let mut next = BinaryHeap::with_capacity(queues.len());
    for (number, (_, messages)) in queues.iter_mut().enumerate() {
        next.extend(
            messages
                .peek()
                .map(|first| Reverse((location(first), number))),
        );
    }
    std::iter::from_fn(move || {
        let mut first = next.peek_mut()?;
        let Reverse((_, number)) = *first;
        let (queue, messages) = &mut queues[number];
        let message = messages.next()?;
        match messages.peek() {
            Some(following) => *first = Reverse((location(following), number)),
            None => {
                PeekMut::pop(first);
            }
        }
        Some((*queue, message))
    })
}

#[cfg(test)]
mod tests {
    use store::Generation;

    use super::*;

    fn location(message: &(u32, u32)) -> Location {
        Location {
            generation: Generation(message.0),
            offset: message.1,
            length: 1,
        }
    }

    #[test]
    fn messages_of_several_queues_are_in_the_order_of_the_log() {
        let queues = [
            ('a', vec![(1, 10), (1, 40), (2, 5)]),
            ('b', vec![(1, 20), (1, 30), (2, 1)]),
            ('c', vec![]),
        ];
        let queues = queues.map(|(name, messages)| (name, messages.into_iter()));
        let found: Vec<_> = merged(queues, location).collect();
        assert_eq!(
            found,
            [
                ('a', (1, 10)),
                ('b', (1, 20)),
                ('b', (1, 30)),
                ('a', (1, 40)),
                ('b', (2, 1)),
                ('a', (2, 5)),
            ]
        );
    }

    #[test]
    fn a_queue_keeps_its_order_after_compaction_has_moved_a_message() {
        let queues = [('a', vec![(9, 0), (1, 10)]), ('b', vec![(1, 20)])];
        let queues = queues.map(|(name, messages)| (name, messages.into_iter()));
        let found: Vec<_> = merged(queues, location).collect();
        assert_eq!(found, [('b', (1, 20)), ('a', (9, 0)), ('a', (1, 10))]);
    }
}
