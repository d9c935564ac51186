//! The seeded simulation beside the real run: the same publications through Carillon's own broker (the crate `broker`), and
//! through a broker that deliberately has no common order. Pure: the seed and the settings determine every column, on the
//! server and in the browser.

mod clients;
mod ordered;
mod plan;
mod queued;
mod timeline;
mod unordered;

use simulation::Random;

use super::{
    comparison::{Verdict, compare},
    row::Row,
    settings::Settings,
};
use ordered::Ordered;
use plan::plan;
use queued::Queued;
use timeline::{Model, run};
use unordered::Unordered;

/// The columns of all simulated brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// A topic of Carillon's broker: one column for each subscriber.
    pub ordered: Vec<Vec<Row>>,
    /// The same messages through a broker without a common order.
    pub unordered: Vec<Vec<Row>>,
    /// A queue of Carillon's broker: each message goes to one consumer.
    pub queue: Vec<Vec<Row>>,
    /// A virtual topic of Carillon's broker, which feeds the queues of two applications. Consumer `i` belongs to application
    /// `i % APPLICATIONS`.
    pub virtual_topic: Vec<Vec<Row>>,
}

impl Simulation {
    pub fn of(settings: &Settings) -> Self {
        let publications = plan(settings);
        let consumers = settings.subscribers;
        let columns = |model: &mut dyn Model, copies| run(settings, &publications, model, copies);
        Self {
            ordered: columns(&mut Ordered::new(consumers), consumers),
            unordered: columns(&mut Unordered::new(settings), consumers),
            queue: columns(&mut Queued::queue(consumers), 1),
            virtual_topic: columns(&mut Queued::virtual_topic(consumers), APPLICATIONS),
        }
    }
}

/// Compares columns; those of the broker without a common order have no positions.
pub fn verdict(columns: &[Vec<Row>]) -> Verdict {
    let columns: Vec<_> = columns.iter().map(Vec::as_slice).collect();
    compare(&columns)
}

/// Returns the random numbers of one part of the simulation, which do not depend on those of the other parts.
fn random(settings: &Settings, part: u64) -> Random {
    Random::new(u64::from(settings.seed) << 8 | part)
}

/// The number of messages of each producer.
pub const EACH: u32 = 6;
/// The number of applications with a queue of their own at the virtual topic.
pub const APPLICATIONS: usize = 2;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use simulation::{ENOUGH, seeds};

    use super::{super::comparison::keeps_producers_order, *};

    fn settings(seed: u64) -> Settings {
        let mut random = Random::new(seed);
        let mut count = || 2 + random.index(4);
        let (producers, subscribers) = (count(), count());
        let mut random = Random::new(!seed);
        Settings {
            seed: seed as u32,
            producers,
            subscribers,
            delays_ms: [(); 5].map(|()| random.below(200) as u32),
            slow: [(); 5].map(|()| random.once_in(3)),
            ..Settings::default()
        }
    }

    fn sorted(columns: &[Vec<Row>]) -> Vec<(u8, u32)> {
        let rows = columns.iter().flatten();
        let mut messages: Vec<_> = rows.map(|row| (row.producer, row.number)).collect();
        messages.sort_unstable();
        messages
    }

    fn all(settings: &Settings) -> Vec<(u8, u32)> {
        let producers = 0..settings.producers as u8;
        producers
            .flat_map(|producer| (1..=EACH).map(move |number| (producer, number)))
            .collect()
    }

    fn ascends(rows: &[Row]) -> bool {
        rows.windows(2)
            .all(|pair| pair[0].position < pair[1].position)
    }

    #[test]
    fn simulation_of_carillons_topic_gives_equal_columns() {
        for seed in seeds(60) {
            let settings = settings(seed);
            let Simulation { ordered, .. } = Simulation::of(&settings);
            assert_eq!(ordered.len(), settings.subscribers);
            for column in &ordered {
                assert_eq!(column, &ordered[0]);
                assert_eq!(sorted(std::slice::from_ref(column)), all(&settings));
                assert!(ascends(column) && keeps_producers_order(column));
            }
        }
    }

    #[test]
    fn simulation_without_a_common_order_keeps_each_producers_order_and_columns_differ() {
        let seeds = seeds(60);
        let (count, mut different) = (seeds.count_left(), 0);
        for seed in seeds {
            let settings = settings(seed);
            let Simulation { unordered, .. } = Simulation::of(&settings);
            assert_eq!(unordered.len(), settings.subscribers);
            for column in &unordered {
                assert!(keeps_producers_order(column), "{column:?}");
                assert_eq!(sorted(std::slice::from_ref(column)), all(&settings));
            }
            different += u64::from(matches!(verdict(&unordered), Verdict::Different(_)));
        }
        if count >= ENOUGH {
            assert!(different > count / 2, "{different} of {count} seeds");
        }
    }

    #[test]
    fn the_first_page_shows_columns_that_differ() {
        let simulation = Simulation::of(&Settings::default());
        assert!(matches!(
            verdict(&simulation.unordered),
            Verdict::Different(_)
        ));
        assert!(matches!(
            verdict(&simulation.ordered),
            Verdict::Equal { .. }
        ));
    }

    #[test]
    fn simulation_of_a_queue_gives_each_message_to_one_consumer() {
        for seed in seeds(60) {
            let settings = settings(seed);
            let Simulation {
                queue,
                virtual_topic,
                ..
            } = Simulation::of(&settings);
            assert_eq!(sorted(&queue), all(&settings));
            for application in 0..APPLICATIONS {
                let own = virtual_topic.iter().skip(application).step_by(APPLICATIONS);
                let own: Vec<_> = own.cloned().collect();
                assert_eq!(sorted(&own), all(&settings), "application {application}");
            }
            for column in queue.iter().chain(&virtual_topic) {
                assert!(ascends(column), "{column:?}");
            }
        }
    }

    #[test]
    fn simulation_is_the_same_for_the_same_seed_and_differs_for_others() {
        let mut orders = BTreeSet::new();
        for seed in seeds(40) {
            let settings = Settings {
                seed: seed as u32,
                ..Settings::default()
            };
            let simulation = Simulation::of(&settings);
            assert_eq!(simulation, Simulation::of(&settings));
            let rows = &simulation.ordered[0];
            orders.insert(rows.iter().map(|row| row.label()).collect::<String>());
        }
        if seeds(40).count_left() >= ENOUGH {
            assert!(orders.len() > 10, "{} orders", orders.len());
        }
    }

    #[test]
    fn a_slow_consumer_takes_fewer_messages() {
        let mut slow = [false; 5];
        slow[2] = true;
        let settings = Settings {
            slow,
            ..Settings::default()
        };
        let Simulation { queue, .. } = Simulation::of(&settings);
        assert!(queue[2].len() < queue[0].len(), "{queue:?}");
        assert!(queue[2].len() < queue[1].len(), "{queue:?}");
    }
}
