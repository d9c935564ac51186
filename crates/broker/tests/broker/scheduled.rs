//! Scheduled messages: their times, their bounds, their list and their end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Wake, Waker},
};

use broker::{
    Broker, Cron, DueWork, Header, Limits, MessageId, Outcome, Overflow, Pool, PoolError,
    Publication, PublishError, Published, Schedule, ScheduledPlace, Start, Verdict,
};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{counts, event, message, publish_one, queue, send},
};

/// Publishes a message. Returns its id.
pub fn publish(broker: &Broker, publication: Publication) -> Result<MessageId, PublishError> {
    let mut outcome = Outcome::default();
    broker.publish(&mut vec![publication], &mut outcome);
    outcome.results.remove(0).map(|Published { id, .. }| id)
}

/// Delivers everything that is due.
pub fn deliver_due(broker: &Broker, now_ms: u64) {
    while broker.deliver_due(now_ms, &mut Outcome::default()) == DueWork::More {}
}

pub fn after(delay_ms: u64) -> Schedule {
    Schedule::after(0, delay_ms)
}

fn repeated(delay_ms: u64, period_ms: u64, repeats: u32) -> Schedule {
    Schedule {
        period_ms,
        repeats: Some(repeats),
        ..after(delay_ms)
    }
}

fn listed(broker: &Broker) -> Vec<(u64, String)> {
    let found = broker.scheduled(ScheduledPlace::default(), 100, |_, _| true);
    let body = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    found
        .messages
        .iter()
        .map(|one| (one.next_ms, body(one.entry.body())))
        .collect()
}

#[test]
fn a_message_reaches_its_queue_when_its_time_comes() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    publish(&broker, message("q", "late", &[]).scheduled(after(500))).expect("room");
    send(&broker, "q", &["early"]);
    assert_eq!(client.take_bodies(), ["early"]);
    deliver_due(&broker, 499);
    assert_eq!(client.take_bodies(), [""; 0]);
    deliver_due(&broker, 500);
    assert_eq!(client.take_bodies(), ["late"]);
    deliver_due(&broker, u64::MAX);
    assert_eq!(client.take_bodies(), [""; 0]);
}

#[test]
fn messages_to_one_destination_come_in_the_order_of_their_times() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    for (body, delay_ms) in [("3", 300), ("1", 100), ("2", 200), ("3b", 300)] {
        publish(&broker, message("q", body, &[]).scheduled(after(delay_ms))).expect("room");
    }
    deliver_due(&broker, 1_000);
    assert_eq!(client.take_bodies(), ["1", "2", "3", "3b"]);
}

#[test]
fn a_batch_may_have_scheduled_messages_between_others() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let mut batch = vec![
        message("q", "1", &[]),
        message("q", "2", &[]).scheduled(after(10)),
        message("q", "3", &[]),
        event("t", "4", &[]).scheduled(after(10)),
    ];
    let mut outcome = Outcome::default();
    broker.publish(&mut batch, &mut outcome);
    assert_eq!(outcome.results.len(), 4);
    assert!(outcome.results.iter().all(Result::is_ok));
    assert_eq!(client.take_bodies(), ["1", "3"]);
    assert!(
        broker.topic(&as_name("t")).is_none(),
        "it is not created yet"
    );
    deliver_due(&broker, 10);
    assert_eq!(client.take_bodies(), ["2"]);
    assert!(broker.topic(&as_name("t")).is_some());
}

#[test]
fn a_delivery_has_the_publisher_the_headers_and_the_id_of_the_scheduled_message() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let headers = ["colour:red", "JMSXGroupID:g"];
    let id = publish(&broker, message("q", "m", &headers).scheduled(after(5))).expect("room");
    deliver_due(&broker, 7);
    let taken = client.take();
    assert_eq!(taken[0].header("colour"), Some("red"));
    assert_eq!(taken[0].header("scheduledJobId"), Some(&*id.to_string()));
    assert!(taken[0].position > id.position);
    let mut subscriber = Client::attach(&broker, "s");
    subscriber.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, event("t", "m", &[]).scheduled(after(5))).expect("room");
    deliver_due(&broker, 9);
    let entry = broker.last_image(&as_name("t")).expect("a message");
    assert_eq!((entry.producer(), entry.timestamp_ms()), ("p", 9));
    assert_eq!(subscriber.read(9).0.len(), 1);
}

#[test]
fn the_time_to_live_begins_with_the_delivery() {
    let broker = broker(|_| {});
    let expiring = event("t", "m", &["expires:100"]).expiring(100);
    publish(&broker, expiring.retained().scheduled(after(1_000))).expect("room");
    deliver_due(&broker, 1_000);
    let entry = broker.retained(&as_name("t")).expect("a message");
    assert_eq!(entry.expires_ms(), Some(1_100));
    let expires = |header: &&Header| &*header.name == "expires";
    let header = entry.headers().iter().find(expires).expect("a header");
    assert_eq!(&*header.value, "1100");
}

#[test]
fn a_message_is_repeated() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    publish(
        &broker,
        message("q", "m", &[]).scheduled(repeated(500, 1_000, 2)),
    )
    .expect("room");
    let mut times = Vec::new();
    for now_ms in (0..10_000).step_by(250) {
        deliver_due(&broker, now_ms);
        times.extend(client.take().iter().map(|_| now_ms));
    }
    assert_eq!(times, [500, 1_500, 2_500]);
    assert_eq!(listed(&broker), []);
}

#[test]
fn a_minute_of_a_cron_entry_begins_a_repetition() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let cron: Cron = "* * * * *".parse().expect("an entry");
    let schedule = Schedule {
        cron: Some(cron),
        ..repeated(0, 2_000, 1)
    };
    publish(&broker, message("q", "m", &[]).scheduled(schedule)).expect("room");
    let mut times = Vec::new();
    for now_ms in (0..150_000).step_by(1_000) {
        deliver_due(&broker, now_ms);
        times.extend(client.take().iter().map(|_| now_ms));
    }
    assert_eq!(times, [62_000, 64_000, 122_000, 124_000]);
    assert_eq!(listed(&broker), [(180_000, "m".to_owned())]);
}

#[test]
fn the_list_is_in_the_order_of_the_times_and_goes_on_after_a_place() {
    let broker = broker(|_| {});
    for (body, delay_ms) in [("b", 200), ("a", 100), ("c", 300)] {
        publish(&broker, event("t", body, &[]).scheduled(after(delay_ms))).expect("room");
    }
    let expected = [(100, "a"), (200, "b"), (300, "c")].map(|(at, body)| (at, body.to_owned()));
    assert_eq!(listed(&broker), expected);
    let first = broker.scheduled(ScheduledPlace::default(), 1, |_, _| true);
    assert_eq!((first.messages.len(), first.total), (1, 3));
    let rest = broker.scheduled(first.next.expect("there are more"), 9, |_, _| true);
    let times: Vec<_> = rest.messages.iter().map(|one| one.next_ms).collect();
    assert_eq!((times, rest.next), (vec![200, 300], None));
    let none = broker.scheduled(ScheduledPlace::default(), 9, |_, _| false);
    assert!(none.messages.is_empty() && none.next.is_none());
}

#[test]
fn a_cancelled_message_is_not_delivered_and_gives_its_room_back() {
    let broker = broker(|_| {});
    let empty = broker.figures().held_bytes;
    let id = publish(&broker, message("q", "m", &[]).scheduled(after(5))).expect("room");
    assert!(broker.figures().held_bytes > empty);
    assert_eq!(taken(&broker, Pool::Scheduled), 1);
    assert!(taken(&broker, Pool::QueueBytes) > 0);
    assert!(broker.scheduled_message(id).is_some());
    assert!(broker.cancel_scheduled(id));
    assert!(!broker.cancel_scheduled(id));
    deliver_due(&broker, 1_000);
    assert!(broker.queue(&as_name("q")).is_none());
    assert_eq!(broker.figures().held_bytes, empty);
    assert_eq!(taken(&broker, Pool::Scheduled), 0);
    assert_eq!(taken(&broker, Pool::QueueBytes), 0);
}

fn taken(broker: &Broker, pool: Pool) -> u64 {
    let figures = broker.pool_figures();
    let found = figures.iter().find(|one| one.pool == pool);
    found.expect("every pool").taken
}

#[test]
fn a_delivered_message_gives_its_room_back() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    publish(&broker, message("q", "m", &[]).scheduled(after(5))).expect("room");
    deliver_due(&broker, 5);
    let taken_message = client.take();
    client.settle(&broker, &taken_message[0], Verdict::Accept);
    assert_eq!(taken(&broker, Pool::Scheduled), 0);
    assert_eq!(taken(&broker, Pool::QueueBytes), 0);
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn bounds_refuse_a_message_with_the_bound() {
    let refused = |change: fn(&mut Limits), publication: Publication| {
        let broker = broker(change);
        let first = message("q", "first", &[]).scheduled(after(5));
        publish(&broker, first).expect("room");
        publish(&broker, publication).expect_err("it is refused")
    };
    let second = || message("q", "second", &[]).scheduled(after(5));
    assert!(matches!(
        refused(|limits| limits.scheduled = 1, second()),
        PublishError::Pool(PoolError::Full {
            pool: Pool::Scheduled,
            limit: 1
        })
    ));
    assert!(matches!(
        refused(
            |limits| limits.max_delay_ms = 5,
            message("q", "", &[]).scheduled(after(6))
        ),
        PublishError::Schedule(_)
    ));
    let large = "x".repeat(6_000);
    assert!(matches!(
        refused(
            |limits| limits.memory_bytes = 10_000,
            message("q", &large, &[]).scheduled(after(5))
        ),
        PublishError::Pool(PoolError::Full {
            pool: Pool::QueueBytes,
            ..
        })
    ));
    assert!(matches!(
        refused(
            |limits| limits.memory_bytes = 5_000,
            message("q", &large, &[]).scheduled(after(5))
        ),
        PublishError::MemoryFull { .. }
    ));
    let reserved = event("$SYS.figures", "m", &[]).scheduled(after(5));
    assert!(matches!(
        refused(|_| {}, reserved),
        PublishError::Reserved(_)
    ));
}

#[test]
fn a_client_that_schedules_much_leaves_room_for_others() {
    let broker = broker(|limits| limits.scheduled = 10);
    let schedule = |client: &Client| {
        let mut outcome = Outcome::default();
        let account = client.reader.session().client();
        let mut batch = vec![message("q", "m", &[]).scheduled(after(5))];
        broker.publish_for(account, &mut batch, &mut outcome);
        outcome.results.remove(0).is_ok()
    };
    let (greedy, other) = (Client::connect(&broker, "a"), Client::connect(&broker, "b"));
    let count = (0..10).filter(|_| schedule(&greedy)).count();
    assert!((4..=6).contains(&count), "{count}");
    assert!(schedule(&other));
    // A delivery makes room.
    deliver_due(&broker, 5);
    assert!(schedule(&greedy));
}

#[test]
fn a_refused_delivery_is_tried_again_later_and_shows_its_reason() {
    let broker = broker(|limits| limits.queue_entries = 1);
    let mut client = Client::attach(&broker, "c");
    send(&broker, "q", &["first"]);
    publish(&broker, message("q", "late", &[]).scheduled(after(5))).expect("room");
    let mut expected_ms = 5;
    for wait_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        deliver_due(&broker, expected_ms);
        expected_ms += wait_ms;
        let found = broker.scheduled(ScheduledPlace::default(), 9, |_, _| true);
        assert_eq!(found.messages[0].next_ms, expected_ms);
        let refusal = found.messages[0].refusal.as_ref().expect("a reason");
        assert!(refusal.contains("queue q is full"), "{refusal}");
    }
    client.consume(&broker, queue("q"));
    let first = client.take();
    client.accept(&broker, &first[0]);
    deliver_due(&broker, expected_ms);
    assert_eq!(client.take_bodies(), ["late"]);
    assert_eq!(listed(&broker), []);
}

#[test]
fn a_message_to_a_temporary_queue_that_has_ended_is_discarded() {
    let broker = broker(|_| {});
    publish(&broker, message("$TEMP.x.q", "m", &[]).scheduled(after(5))).expect("room");
    deliver_due(&broker, 5);
    assert_eq!(broker.figures().undeliverable, 1);
    assert_eq!(listed(&broker), []);
}

#[test]
fn a_transaction_schedules_all_of_its_messages_or_none() {
    let broker = broker(|limits| limits.scheduled = 3);
    let client = Client::attach(&broker, "c");
    let two = || ["1", "2"].map(|body| message("q", body, &[]).scheduled(after(5)));
    let one_too_many = two().into_iter().chain(two()).collect();
    client
        .commit(&broker, one_too_many, &[])
        .expect_err("one more than the limit");
    assert_eq!(listed(&broker), []);
    assert_eq!(taken(&broker, Pool::Scheduled), 0);
    let mut batch = vec![message("q", "now", &[])];
    batch.extend(two());
    client.commit(&broker, batch, &[]).expect("room");
    assert_eq!(listed(&broker).len(), 2);
    assert_eq!(counts(&broker, "q"), (1, 0));
    let too_long = message("q", "m", &[]).scheduled(after(u64::MAX));
    client
        .commit(&broker, vec![message("r", "m", &[]), too_long], &[])
        .expect_err("a long delay");
    assert!(broker.queue(&as_name("r")).is_none());
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_alarm_wakes_for_an_earlier_time_only() {
    let broker = broker(|_| {});
    let woken = Arc::<Woken>::default();
    let waker = Waker::from(Arc::clone(&woken));
    let count = || woken.0.load(Ordering::SeqCst);
    assert_eq!(broker.poll_alarm(u64::MAX, &waker), Poll::Pending);
    let schedule = |delay_ms| {
        publish(&broker, event("t", "m", &[]).scheduled(after(delay_ms))).expect("room");
    };
    schedule(500);
    assert_eq!(count(), 1);
    assert_eq!(broker.poll_alarm(u64::MAX, &waker), Poll::Ready(500));
    assert_eq!(broker.poll_alarm(500, &waker), Poll::Pending);
    schedule(900);
    assert_eq!(count(), 1);
    schedule(100);
    assert_eq!(count(), 2);
    deliver_due(&broker, 100);
    assert_eq!(broker.poll_alarm(u64::MAX, &waker), Poll::Ready(500));
    deliver_due(&broker, 900);
    assert_eq!(broker.poll_alarm(u64::MAX, &waker), Poll::Pending);
}

#[test]
fn one_call_delivers_a_bounded_number() {
    let broker = broker(|_| {});
    for _ in 0..200 {
        publish_one(&broker, message("q", "m", &[]).scheduled(after(1))).expect("room");
    }
    assert_eq!(
        broker.deliver_due(1, &mut Outcome::default()),
        DueWork::More
    );
    assert_eq!(counts(&broker, "q"), (128, 0));
    assert_eq!(
        broker.deliver_due(1, &mut Outcome::default()),
        DueWork::Done
    );
    assert_eq!(counts(&broker, "q"), (200, 0));
}
