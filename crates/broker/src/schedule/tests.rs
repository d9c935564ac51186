use proptest::prelude::*;

use super::*;

fn repeating(delay_ms: u64, period_ms: u64, repeats: Option<u32>) -> Schedule {
    Schedule {
        period_ms,
        repeats,
        ..Schedule::after(1_000, delay_ms)
    }
}

fn minutes(entry: &str) -> Schedule {
    Schedule {
        cron: Some(entry.parse().expect("an entry")),
        ..Schedule::after(0, 0)
    }
}

/// Makes each delivery at its planned time, or at `late_ms` if that is later. Returns the times.
fn deliveries(schedule: &Schedule, late_ms: u64, most: usize) -> Vec<u64> {
    let mut made = Vec::new();
    let mut next = schedule.due_ms(0).map(|due_ms| NextDelivery {
        progress: 0,
        due_ms,
    });
    while let Some(NextDelivery { progress, due_ms }) = next
        && made.len() < most
    {
        let now_ms = due_ms.max(late_ms);
        made.push(now_ms);
        next = schedule.next(progress, due_ms, now_ms);
    }
    made
}

#[test]
fn a_message_is_delivered_after_its_delay_and_then_repeated() {
    let table = [
        (repeating(500, 0, Some(0)), vec![1_500]),
        (repeating(500, 2_000, Some(2)), vec![1_500, 3_500, 5_500]),
        // Without a delay the first delivery waits for a period, as in ActiveMQ.
        (repeating(0, 2_000, Some(1)), vec![3_000, 5_000]),
        (repeating(0, 2_000, Some(0)), vec![3_000]),
        (repeating(0, 2_000, None), vec![3_000, 5_000, 7_000, 9_000]),
    ];
    for (schedule, expected) in table {
        assert_eq!(deliveries(&schedule, 0, 4), expected, "{schedule:?}");
    }
}

#[test]
fn late_deliveries_are_not_made_up_for_at_once() {
    let schedule = repeating(1_000, 2_000, Some(3));
    assert_eq!(
        deliveries(&schedule, 100_000, 9),
        [100_000, 102_000, 104_000, 106_000]
    );
    let every_minute = minutes("* * * * *");
    assert_eq!(
        deliveries(&every_minute, 600_500, 3),
        [600_500, 660_000, 720_000]
    );
}

#[test]
fn the_progress_that_was_recorded_gives_the_same_time_again() {
    let schedule = repeating(500, 2_000, Some(5));
    let next = schedule.next(1, 3_500, 3_501).expect("a delivery");
    assert_eq!((next.progress, next.due_ms), (2, 5_500));
    assert_eq!(schedule.due_ms(next.progress), Some(5_500));
    let hourly = minutes("0 * * * *");
    let next = hourly.next(0, 3_600_000, 3_600_100).expect("a delivery");
    assert_eq!((next.progress, next.due_ms), (60, 7_200_000));
    assert_eq!(hourly.due_ms(next.progress), Some(7_200_000));
}

#[test]
fn a_clock_that_goes_back_does_not_repeat_a_delivery() {
    let hourly = minutes("0 * * * *");
    let next = hourly.next(0, 3_600_000, 1_000).expect("a delivery");
    assert_eq!(next.due_ms, 7_200_000);
}

#[test]
fn a_minute_of_a_cron_entry_begins_the_repetition_anew() {
    let hourly = minutes("0 * * * *");
    assert_eq!(hourly.at_minute(3_600_000), None);
    let series = Schedule {
        delay_ms: 1_000,
        period_ms: 1_000,
        repeats: Some(9),
        ..hourly
    };
    let begun = series.at_minute(3_600_000).expect("a repetition");
    assert_eq!(deliveries(&begun, 0, 99).len(), 10);
    assert_eq!(deliveries(&begun, 0, 1), [3_601_000]);
    assert_eq!(begun.at_minute(0), None);
}

/// Returns a repetition that begins at each minute.
fn each_minute(period_s: u64, repeats: Option<u32>) -> Schedule {
    Schedule {
        period_ms: period_s * 1_000,
        repeats,
        ..minutes("* * * * *")
    }
}

#[test]
fn bounds_are_checked() {
    let limit_ms = 10_000;
    let too_long = |what, ms| Err(InvalidSchedule::TooLong { what, ms, limit_ms });
    let table = [
        (repeating(10_000, 0, Some(0)), Ok(())),
        (repeating(10_001, 0, Some(0)), too_long("delay", 10_001)),
        (repeating(0, 10_001, Some(1)), too_long("period", 10_001)),
        (
            repeating(1, 999, Some(1)),
            Err(InvalidSchedule::PeriodTooShort { ms: 999 }),
        ),
        (
            repeating(1, 0, None),
            Err(InvalidSchedule::PeriodTooShort { ms: 0 }),
        ),
        // Without a repetition the period is a delay.
        (repeating(0, 1, Some(0)), Ok(())),
        (minutes("0 0 29 2 *"), Ok(())),
        (each_minute(9, Some(400)), Ok(())),
        (
            each_minute(9, Some(401)),
            Err(InvalidSchedule::RepetitionTooLong),
        ),
        (
            each_minute(9, Some(u32::MAX)),
            Err(InvalidSchedule::RepetitionTooLong),
        ),
        (
            each_minute(9, None),
            Err(InvalidSchedule::RepetitionTooLong),
        ),
    ];
    for (schedule, expected) in table {
        assert_eq!(schedule.check(limit_ms), expected, "{schedule:?}");
    }
    let at_the_end = Schedule {
        begin_ms: u64::MAX - 1,
        ..minutes("* * * * *")
    };
    assert_eq!(at_the_end.check(limit_ms), Err(InvalidSchedule::Never));
}

#[test]
fn the_remaining_deliveries_are_counted() {
    assert_eq!(repeating(1, 1_000, Some(3)).remaining(1), Some(3));
    assert_eq!(repeating(1, 1_000, None).remaining(1), None);
    assert_eq!(
        repeating(1, 1_000, Some(u32::MAX)).remaining(0),
        Some(u32::MAX)
    );
    assert_eq!(minutes("* * * * *").remaining(7), None);
}

proptest! {
    /// However late the deliveries are, their number is the requested one, and no two are made at once.
    #[test]
    fn a_repetition_makes_its_number_of_deliveries(
        delay_ms in 0_u64..5_000, period_ms in 1_000_u64..5_000, repeats in 0_u32..20,
        waits in proptest::collection::vec(0_u64..20_000, 30),
    ) {
        let schedule = repeating(delay_ms, period_ms, Some(repeats));
        let (mut now_ms, mut progress) = (0, 0);
        let mut due = schedule.due_ms(0);
        let mut made: Vec<u64> = Vec::new();
        for wait in waits {
            let Some(due_ms) = due else { break };
            now_ms = due_ms.max(now_ms + wait);
            made.push(now_ms);
            let next = schedule.next(progress, due_ms, now_ms);
            due = next.map(|next| next.due_ms);
            progress = next.map_or(progress, |next| next.progress);
        }
        prop_assert_eq!(made.len(), repeats as usize + 1);
        prop_assert!(made[0] >= 1_000 + delay_ms);
        prop_assert!(made.windows(2).all(|two| two[1] > two[0]));
    }
}
