//! Messages that leave memory because the journal has them, and come back when they are needed.

use std::sync::Arc;

use broker::{
    Acknowledgement, Broker, Consume, Limits, Missed, Notice, Outcome, Publication, PublishError,
    Subscribe, Verdict,
};

use crate::{
    harness::{Client, as_filter, as_name},
    journal_harness::MemoryJournal,
    queue_harness::{
        Taken, bodies, brief, browser, counts, durable, event, expire, figures, message,
        publish_one, queue, selector,
    },
};

/// A broker that keeps hardly any waiting message in memory, and its journal.
fn small() -> (Arc<MemoryJournal>, Broker) {
    with(|limits| limits.page_out_bytes = Some(1))
}

fn with(change: impl FnOnce(&mut Limits)) -> (Arc<MemoryJournal>, Broker) {
    let journal = Arc::<MemoryJournal>::default();
    let mut limits = Limits::default();
    change(&mut limits);
    let broker = journal.broker(limits);
    (journal, broker)
}

fn try_send(
    journal: &MemoryJournal,
    broker: &Broker,
    publication: Publication,
) -> Result<Outcome, PublishError> {
    journal.complete(broker);
    publish_one(broker, publication)
}

/// Sends persistent messages with the numbers of a range. All but the last one are on disk when this returns.
fn send(journal: &MemoryJournal, broker: &Broker, name: &str, count: u64) {
    for number in 1..=count {
        let publication = message(name, &number.to_string(), &[]).persistent();
        try_send(journal, broker, publication).expect("there is room");
    }
    // So that the last one can leave memory too.
    try_send(journal, broker, message("other", "", &[])).expect("there is room");
}

/// Reads messages while the journal answers all requests.
fn take_all(journal: &MemoryJournal, broker: &Broker, client: &mut Client) -> Vec<Taken> {
    let mut taken = Vec::new();
    loop {
        let more = client.take();
        if more.is_empty() && journal.open_requests() == 0 {
            return taken;
        }
        taken.extend(more);
        journal.answer_all(broker, 0);
    }
}

#[test]
fn paged_messages_that_are_dropped_are_reported() {
    let (journal, broker) = with(|limits| {
        limits.page_out_bytes = Some(1);
        limits.queue_entries = 2;
    });
    let watcher = Client::attach(&broker, "watcher");
    let advisories = as_filter("ActiveMQ.Advisory.>");
    let mut outcome = Outcome::default();
    let session = watcher.reader.session();
    let watch = Subscribe::to(&advisories);
    broker
        .subscribe(session, watch, &mut outcome)
        .expect("room");
    let reader = Client::attach(&broker, "reader");
    reader.consume(&broker, durable("mine", "t"));
    reader.detach(&broker);
    let mut told = Vec::new();
    for number in 1..=4 {
        let publication = event("t", &number.to_string(), &[]).persistent();
        let outcome = try_send(&journal, &broker, publication).expect("there is room");
        let discarded = outcome.notices.iter().filter_map(|notice| match notice {
            Notice::Discarded(lost) => Some((brief(notice), lost.id.position)),
            _ => None,
        });
        told.extend(discarded);
    }
    let expected = [1, 2].map(|position| ("discarded topic t full".to_owned(), position));
    assert_eq!(told, expected);
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn paged_messages_are_delivered_in_order_and_keep_their_counts() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 2_000);
    assert_eq!(figures(&broker, "q").paged, 2_000);
    assert_eq!(counts(&broker, "q"), (2_000, 0));
    assert!(broker.figures().held_bytes < 2_000);
    let mut client = Client::attach(&broker, "c");
    let auto = Acknowledgement::Auto;
    let consume = Consume {
        acknowledgement: auto,
        ..queue("q")
    };
    client.consume(&broker, consume);
    assert_eq!(client.take(), [], "nothing is in memory");
    let taken = take_all(&journal, &broker, &mut client);
    assert_eq!(bodies(&taken), numbers(1..=2_000));
    assert!(
        taken
            .iter()
            .all(|one| one.count == 1 && one.missed.is_none())
    );
    assert_eq!(counts(&broker, "q"), (0, 0));
    assert_eq!(figures(&broker, "q").bytes, 0);
}

#[test]
fn a_returned_message_keeps_its_number_of_deliveries_on_disk() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 3);
    let mut first = Client::attach(&broker, "first");
    first.consume(&broker, queue("q"));
    assert_eq!(take_all(&journal, &broker, &mut first).len(), 3);
    first.detach(&broker);
    // Paging out pauses after an attempt that found nothing.
    for _ in 0..20 {
        try_send(&journal, &broker, message("other", "", &[])).expect("there is room");
    }
    assert_eq!(figures(&broker, "q").paged, 3);
    let mut second = Client::attach(&broker, "second");
    second.consume(&broker, queue("q"));
    let taken = take_all(&journal, &broker, &mut second);
    assert_eq!(bodies(&taken), numbers(1..=3));
    assert!(taken.iter().all(|one| one.count == 2));
}

#[test]
fn a_consumer_without_room_loads_nothing() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 100);
    let mut client = Client::attach(&broker, "c");
    let consume = Consume {
        prefetch: 1,
        ..queue("q")
    };
    client.consume(&broker, consume);
    let mut taken = take_all(&journal, &broker, &mut client);
    for number in 1..=100 {
        let [one] = &taken[..] else {
            panic!("{taken:?}")
        };
        assert_eq!(one.body, number.to_string());
        assert_eq!(journal.open_requests(), 0);
        client.accept(&broker, one);
        taken = take_all(&journal, &broker, &mut client);
    }
    assert_eq!(taken, []);
}

#[test]
fn a_selector_finds_the_only_match_among_many_paged_messages() {
    let (journal, broker) = small();
    for number in 1..=3_000_u64 {
        let wanted = format!("wanted:{}", number == 2_500);
        let publication = message("q", &number.to_string(), &[&wanted]).persistent();
        try_send(&journal, &broker, publication).expect("there is room");
    }
    let mut client = Client::attach(&broker, "c");
    let consume = Consume {
        selector: selector("wanted = true"),
        ..queue("q")
    };
    client.consume(&broker, consume);
    assert_eq!(bodies(&take_all(&journal, &broker, &mut client)), ["2500"]);
    // The messages that the scan has loaded have left memory again.
    assert!(broker.figures().held_bytes < 400_000);
    assert_eq!(counts(&broker, "q"), (2_999, 1));
}

#[test]
fn messages_that_leave_while_they_are_on_their_way_do_not_come_back() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 10);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    assert_eq!(client.take(), []);
    assert_eq!(journal.open_requests(), 1);
    assert_eq!(broker.purge(&as_name("q")), Some(10));
    let publication = message("q", "after", &[]).persistent();
    publish_one(&broker, publication).expect("there is room");
    journal.answer_all(&broker, 0);
    assert_eq!(bodies(&take_all(&journal, &broker, &mut client)), ["after"]);
    assert_eq!(counts(&broker, "q"), (0, 1));
    assert_eq!(journal.recorded().waiting(), 1);
}

#[test]
fn a_removed_queue_ignores_what_arrives() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 10);
    let mut browsed = broker.browse(&as_name("q"), 0, 5).expect("the queue");
    assert_eq!(broker.remove_queue(&as_name("q")), Some(10));
    journal.answer_all(&broker, 0);
    let paged = browsed.paged.as_mut().expect("all are on disk");
    let arrived = paged.poll(std::task::Waker::noop());
    assert!(matches!(arrived, std::task::Poll::Ready(entries) if entries.is_empty()));
    assert!(broker.queue(&as_name("q")).is_none());
    assert_eq!(journal.recorded().waiting(), 0);
}

#[test]
fn an_expired_message_on_disk_becomes_a_dead_letter() {
    let (journal, broker) = small();
    for number in 1..=1_500 {
        let publication = message("q", &number.to_string(), &[]).persistent();
        let publication = publication.expiring(50);
        try_send(&journal, &broker, publication).expect("there is room");
    }
    try_send(&journal, &broker, message("q", "last", &[]).persistent()).expect("there is room");
    expire(&broker, 49);
    assert_eq!(journal.open_requests(), 0);
    expire(&broker, 50);
    // While it is read, a consumer does not get it.
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let mut taken = Vec::new();
    while taken.is_empty() || journal.open_requests() > 0 {
        journal.answer_all(&broker, 50);
        taken.extend(client.take_at(50, 9));
        expire(&broker, 50);
    }
    assert_eq!(bodies(&taken), ["last"]);
    assert_eq!(figures(&broker, "q").expired, 1_500);
    let letters = journal.browse(&broker, "ActiveMQ.DLQ", 50).expect("it");
    assert_eq!(letters.len(), 1_500);
}

#[test]
fn a_browser_shows_messages_in_memory_and_on_disk() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 300);
    for body in ["301", "302"] {
        publish_one(&broker, message("q", body, &[])).expect("there is room");
    }
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, browser("q"));
    let mut shown = bodies(&take_all(&journal, &broker, &mut client));
    assert_eq!(shown.pop().as_deref(), Some(""), "the end mark");
    assert_eq!(shown, numbers(1..=302));
    assert_eq!(figures(&broker, "q").paged, 300, "they stay on disk");
    let seen = journal.browse(&broker, "q", 0).expect("the queue");
    assert_eq!(seen.len(), 302);
}

#[test]
fn at_a_bound_the_oldest_messages_on_disk_are_dropped() {
    let (journal, broker) = with(|limits| {
        limits.page_out_bytes = Some(1);
        limits.queue_entries = 5;
    });
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    client.unsubscribe(&broker, id);
    for number in 1..=9 {
        let publication = event("t", &number.to_string(), &[]).persistent();
        try_send(&journal, &broker, publication).expect("topics do not wait");
    }
    try_send(&journal, &broker, message("other", "", &[])).expect("there is room");
    assert_eq!(journal.recorded().waiting(), 5);
    client.consume(&broker, durable("d", "t"));
    let taken = take_all(&journal, &broker, &mut client);
    assert_eq!(bodies(&taken), numbers(5..=9));
    assert_eq!(taken[0].missed, Some(Missed::Unknown));
    assert!(taken[1..].iter().all(|one| one.missed.is_none()));
}

#[test]
fn a_queue_holds_more_than_memory_until_the_places_reach_the_bound() {
    let (journal, broker) = with(|limits| limits.memory_bytes = 1 << 20);
    let body = "x".repeat(4_000);
    let mut count = 0;
    let error = loop {
        let publication = message("q", &body, &[]).persistent();
        match try_send(&journal, &broker, publication) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        assert!(broker.figures().held_bytes < 300_000);
        assert!(count < 10_000, "the places are bounded");
    };
    assert!(count > 1_000, "{count}: {error}");
    assert!(matches!(
        error,
        PublishError::QueueFull { .. } | PublishError::Pool(_)
    ));
    // Consuming makes room again.
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let taken = take_all(&journal, &broker, &mut client);
    assert_eq!(taken.len(), 1_000, "the prefetch");
    for one in &taken {
        client.accept(&broker, one);
    }
    let publication = message("q", &body, &[]).persistent();
    try_send(&journal, &broker, publication).expect("there is room");
}

#[test]
fn publishers_wait_while_nothing_can_leave_memory() {
    let (journal, broker) = with(|limits| limits.memory_bytes = 1 << 20);
    let body = "x".repeat(4_000);
    let mut must_wait = false;
    while !must_wait {
        // Nothing is durable.
        let publication = message("q", &body, &[]).persistent();
        let outcome = publish_one(&broker, publication).expect("the publisher waits before that");
        must_wait = outcome.is_journal_full;
    }
    journal.complete(&broker);
    let publication = message("q", &body, &[]).persistent();
    let outcome = publish_one(&broker, publication).expect("there is room");
    assert!(!outcome.is_journal_full);
    assert!(figures(&broker, "q").paged > 0);
}

#[test]
fn messages_that_are_not_persistent_stay_in_memory_and_are_bounded() {
    let (journal, broker) = with(|limits| limits.memory_bytes = 1 << 20);
    let body = "x".repeat(4_000);
    let mut count = 0;
    while try_send(&journal, &broker, message("q", &body, &[])).is_ok() {
        count += 1;
        assert!(count < 1_000);
    }
    assert_eq!(figures(&broker, "q").paged, 0);
}

#[test]
fn a_message_that_the_journal_has_lost_is_an_error() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 3);
    let client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let error = journal
        .answer_without(&broker, 2)
        .expect_err("2 is missing");
    assert_eq!(error.positions, [2]);
}

#[test]
fn consumers_share_paged_messages() {
    let (journal, broker) = small();
    send(&journal, &broker, "q", 100);
    let mut clients: Vec<_> = (0..3).map(|_| Client::attach(&broker, "c")).collect();
    for client in &clients {
        let consume = Consume {
            prefetch: 10,
            ..queue("q")
        };
        client.consume(&broker, consume);
    }
    let mut all = Vec::new();
    while all.len() < 100 {
        journal.answer_all(&broker, 0);
        for client in &mut clients {
            let taken = client.take();
            assert!(taken.len() <= 10);
            for one in taken {
                client.settle(&broker, &one, Verdict::Accept);
                all.push(one.position);
            }
        }
    }
    all.sort_unstable();
    assert_eq!(all, (1..=100).collect::<Vec<_>>());
}

/// The messages of a group on disk are not counted for it: when its consumer leaves, others that have passed over them
/// must examine them again.
#[test]
fn messages_on_disk_of_a_group_go_to_another_consumer_when_its_own_leaves() {
    const LAST: u64 = 40;
    let (journal, broker) = small();
    let mut owner = Client::attach(&broker, "owner");
    let one_at_a_time = Consume {
        prefetch: 1,
        ..queue("q")
    };
    owner.consume(&broker, one_at_a_time);
    let grouped = |number: u64| message("q", &number.to_string(), &["JMSXGroupID:g"]).persistent();
    try_send(&journal, &broker, grouped(1)).expect("there is room");
    let first = owner.take();
    assert_eq!(bodies(&first), ["1"]);
    let mut other = Client::attach(&broker, "other");
    other.consume(&broker, queue("q"));
    for number in 2..=LAST {
        try_send(&journal, &broker, grouped(number)).expect("there is room");
    }
    send(&journal, &broker, "elsewhere", LAST);
    assert_eq!(figures(&broker, "q").paged, LAST - 1);
    assert_eq!(bodies(&other.take()), [""; 0]);
    // It leaves before the next message has arrived for it.
    owner.settle(&broker, &first[0], Verdict::Accept);
    assert_eq!(bodies(&owner.take()), [""; 0]);
    assert!(journal.open_requests() > 0);
    owner.detach(&broker);
    let taken = take_all(&journal, &broker, &mut other);
    assert_eq!(bodies(&taken), numbers(2..=LAST));
}
