//! Dispatching messages to consumers concurrently with reading, settling and leaving.

use broker::{
    Acknowledgement, Broker, Consume, DeliveryId, Limits, Outcome, Settlement, Source, Verdict,
};
use loom::{sync::Arc, thread};

use crate::connection::{Connection, drain_ready, message, name, publish};

/// A delivery: the message's position, and the id for its settlement.
type Given = (u64, Option<DeliveryId>);

fn connect(broker: &Broker, acknowledgement: Acknowledgement) -> Connection<Given> {
    let connection =
        Connection::attach(broker, |delivery| (delivery.entry.position(), delivery.id));
    let consume = Consume {
        source: Source::Queues(name("q").into()),
        acknowledgement,
        // So that almost every message waits for room.
        prefetch: 1,
        exclusive: false,
        selector: None,
        tag: &[],
    };
    broker
        .consume(&connection.session, consume, &mut Outcome::default())
        .expect("within the limits");
    connection
}

fn send(broker: &Broker, connections: &[&Connection<Given>], count: usize) {
    publish(
        broker,
        connections,
        (0..count).map(|_| message("q")).collect(),
    );
}

/// Settles all deliveries of a connection until there are no more.
fn accept_all(broker: &Broker, connection: &Connection<Given>) -> Vec<u64> {
    let mut settled = Vec::new();
    loop {
        let given = connection.take();
        if given.is_empty() {
            return settled;
        }
        for (position, id) in given {
            let delivery = id.expect("it is to be acknowledged");
            let verdict = Verdict::Accept;
            let mut outcome = Outcome::default();
            broker
                .settle(
                    &connection.session,
                    Settlement { delivery, verdict },
                    0,
                    &mut outcome,
                )
                .expect("it is held");
            settled.push(position);
            drain_ready(&mut outcome, &[connection]);
        }
    }
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(run);
}

#[test]
fn two_publishers_to_one_consumer_lose_no_wake_up() {
    model(|| {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let connection = Arc::new(connect(&broker, Acknowledgement::Auto));
        let other = {
            let (broker, connection) = (Arc::clone(&broker), Arc::clone(&connection));
            thread::spawn(move || send(&broker, &[&connection], 1))
        };
        send(&broker, &[&connection], 2);
        other.join().expect("a publisher");
        let positions: Vec<_> = connection
            .take()
            .iter()
            .map(|(position, _)| *position)
            .collect();
        assert_eq!(positions, [1, 2, 3]);
        broker.detach(&connection.session, 0, &mut Outcome::default());
    });
}

#[test]
fn settling_makes_room_for_waiting_messages() {
    model(|| {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let connection = Arc::new(connect(&broker, Acknowledgement::Individual));
        send(&broker, &[&connection], 1);
        let publisher = {
            let (broker, connection) = (Arc::clone(&broker), Arc::clone(&connection));
            thread::spawn(move || send(&broker, &[&connection], 1))
        };
        let mut settled = accept_all(&broker, &connection);
        publisher.join().expect("a publisher");
        settled.extend(accept_all(&broker, &connection));
        assert_eq!(settled, [1, 2]);
        broker.detach(&connection.session, 0, &mut Outcome::default());
    });
}

#[test]
fn deliveries_of_a_leaving_consumer_go_to_another() {
    model(|| {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let leaving = Arc::new(connect(&broker, Acknowledgement::Individual));
        let staying = Arc::new(connect(&broker, Acknowledgement::Auto));
        let publisher = {
            let (broker, staying) = (Arc::clone(&broker), Arc::clone(&staying));
            thread::spawn(move || send(&broker, &[&staying], 1))
        };
        let mut outcome = Outcome::default();
        broker.detach(&leaving.session, 0, &mut outcome);
        drain_ready(&mut outcome, &[&staying]);
        publisher.join().expect("a publisher");
        let positions: Vec<_> = staying
            .take()
            .iter()
            .map(|(position, _)| *position)
            .collect();
        assert_eq!(positions, [1]);
        broker.detach(&staying.session, 0, &mut Outcome::default());
    });
}
