use broker::MessageId;

use super::*;

fn tile(kind: Kind, topic: &str, field: &str) -> Tile {
    Tile {
        id: 1,
        kind,
        topic: topic.into(),
        field: field.into(),
        ..Tile::default()
    }
}

fn message(position: u64, topic: &str, body: &str) -> Message {
    Message {
        id: MessageId { epoch: 1, position },
        topic: topic.into(),
        sequence: position,
        timestamp_ms: position as f64 * 1_000.0,
        producer: "session-1".into(),
        content_type: String::new(),
        body: body.into(),
        missed: None,
    }
}

/// Returns the state after messages of topic `a`, all in one frame.
fn after(tile: &Tile, bodies: &[&str]) -> State {
    let messages: Vec<_> = (1..)
        .zip(bodies)
        .map(|(position, body)| message(position, "a", body))
        .collect();
    let mut state = State::default();
    state.take(tile, &Batch::new(&messages));
    state
}

fn names(rows: &[Row]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (&*row.name, &*row.text)).collect()
}

#[test]
fn the_newest_value_is_shown_and_all_messages_are_counted() {
    let tile = tile(Kind::Number, "a", "data.temp");
    let state = after(&tile, &[r#"{"data":{"temp":1}}"#, r#"{"data":{"temp":2}}"#]);
    assert_eq!(state.shown, Shown::Number(2.0));
    assert_eq!((state.received, state.lacks_field), (2, false));
    assert_eq!(state.unix_ms, 2_000.0);
}

#[test]
fn a_message_without_the_field_is_reported_and_the_value_stays() {
    let tile = tile(Kind::Gauge, "a", "temp");
    for last in [r#"{"other":1}"#, "no JSON", r#"{"temp":"warm"}"#, ""] {
        let state = after(&tile, &[r#"{"temp":7}"#, last]);
        assert_eq!(state.shown, Shown::Number(7.0), "{last}");
        assert!(state.lacks_field, "{last}");
        assert_eq!(state.received, 2);
    }
}

#[test]
fn messages_of_the_first_paint_are_not_counted() {
    let tile = tile(Kind::Shape, "a", "");
    let state = State::begin(&tile, &[message(1, "a", "90")]);
    assert_eq!((state.received, &state.shown), (0, &Shown::Number(90.0)));
}

#[test]
fn a_line_has_every_value() {
    let tile = tile(Kind::Line, "a", "");
    let state = after(&tile, &["1", "3", "x", "2"]);
    let Shown::Line(spans) = &state.shown else {
        panic!("{state:?}");
    };
    assert_eq!(spans.newest(), Some(2.0));
    let path = spans.path(None, None).expect("a path");
    assert_eq!((path.low, path.high), (1.0, 3.0));
}

#[test]
fn bars_are_elements_members_or_topics() {
    let list = after(&tile(Kind::Bars, "a", "data"), &[r#"{"data":[3,-1,"x"]}"#]);
    let Shown::Bars(rows) = &list.shown else {
        panic!("{list:?}");
    };
    assert_eq!(names(rows), [("1", "3"), ("2", "-1")]);

    let members = after(&tile(Kind::Bars, "a", ""), &[r#"{"x":1,"y":2}"#]);
    let Shown::Bars(rows) = &members.shown else {
        panic!("{members:?}");
    };
    assert_eq!(names(rows), [("x", "1"), ("y", "2")]);

    let topics = tile(Kind::Bars, "hall.>", "");
    let mut state = State::default();
    let messages = [
        message(1, "hall.b", "5"),
        message(2, "hall.a", "6"),
        message(3, "hall.b", "7"),
    ];
    state.take(&topics, &Batch::new(&messages));
    let Shown::Bars(rows) = &state.shown else {
        panic!("{state:?}");
    };
    assert_eq!(names(rows), [("hall.a", "6"), ("hall.b", "7")]);
    assert!(after(&tile(Kind::Bars, "a", ""), &[r#""x""#]).lacks_field);
}

#[test]
fn each_producer_has_one_point() {
    let plane = Tile {
        field_y: "y".into(),
        ..tile(Kind::Plane, "a", "x")
    };
    let state = after(
        &plane,
        &[
            r#"{"producerId":"one","x":1,"y":2}"#,
            r#"{"x":5,"y":6}"#,
            r#"{"producerId":"one","x":3,"y":4}"#,
        ],
    );
    let Shown::Plane(marks) = &state.shown else {
        panic!("{state:?}");
    };
    let points: Vec<_> = marks
        .iter()
        .map(|mark| (&*mark.producer, mark.x, mark.y))
        .collect();
    assert_eq!(points, [("one", 3.0, 4.0), ("session-1", 5.0, 6.0)]);
}

#[test]
fn producers_and_rows_are_bounded_and_the_oldest_leaves() {
    let plane = Tile {
        field_y: "y".into(),
        ..tile(Kind::Plane, "a", "x")
    };
    let body = |index: usize| format!(r#"{{"producerId":"p{index}","x":1,"y":2}}"#);
    let mut state = State::default();
    let lights = tile(Kind::Lights, "a.>", "");
    let mut lit = State::default();
    for index in 0..250 {
        let position = index as u64 + 1;
        let one = [message(position, "a", &body(index))];
        state.take(&plane, &Batch::new(&one));
        let other = [message(position, &format!("a.{index}"), "on")];
        lit.take(&lights, &Batch::new(&other));
    }
    let Shown::Plane(marks) = &state.shown else {
        panic!("{state:?}");
    };
    assert_eq!(marks.len(), MOST_MARKS);
    assert!(marks.iter().all(|mark| mark.unix_ms > 150_000.0));
    let Shown::Lights(rows) = &lit.shown else {
        panic!("{lit:?}");
    };
    assert_eq!(rows.len(), MOST_ROWS);
    assert!(rows.iter().all(|row| row.unix_ms > 150_000.0));
    assert!(rows.is_sorted_by(|one, other| one.name < other.name));
}

#[test]
fn a_table_has_the_members_of_one_topic_or_a_row_for_each_topic() {
    let one = after(
        &tile(Kind::Table, "a", "data"),
        &[r#"{"data":{"t":1.50,"u":"x"}}"#],
    );
    let Shown::Table(rows) = &one.shown else {
        panic!("{one:?}");
    };
    assert_eq!(names(rows), [("t", "1.50"), ("u", "x")]);
    let all = tile(Kind::Table, "*", "");
    let mut state = State::default();
    let messages = [message(1, "b", "1"), message(2, "a", r#"{"x":2}"#)];
    state.take(&all, &Batch::new(&messages));
    let Shown::Table(rows) = &state.shown else {
        panic!("{state:?}");
    };
    assert_eq!(names(rows), [("a", r#"{"x":2}"#), ("b", "1")]);
}

#[test]
fn lights_and_switches_follow_words_and_numbers() {
    for (body, on) in [
        ("on", true),
        ("OFF", false),
        ("0", false),
        ("1", true),
        ("true", true),
    ] {
        let state = after(&tile(Kind::Switch, "a", ""), &[body]);
        assert_eq!(state.shown, Shown::Switch(on), "{body}");
    }
    let state = after(&tile(Kind::Lights, "a", "on"), &[r#"{"on":false}"#]);
    let Shown::Lights(rows) = &state.shown else {
        panic!("{state:?}");
    };
    assert!(!rows[0].is_on);
}

#[test]
fn a_text_is_the_field_or_the_whole_body() {
    let text = |field: &str, body: &str| after(&tile(Kind::Text, "a", field), &[body]).shown;
    assert_eq!(text("", "no JSON"), Shown::Text("no JSON".into()));
    assert_eq!(text("a", r#"{"a":"b"}"#), Shown::Text("b".into()));
    assert_eq!(text("a", "no JSON"), Shown::Nothing);
    assert_eq!(text("", r#"{"a" : 1}"#), Shown::Text(r#"{"a":1}"#.into()));
}

#[test]
fn a_log_is_bounded_and_no_key_is_used_twice() {
    let tile = tile(Kind::Log, "a", "");
    let mut state = State::default();
    for frame in 0..5_u64 {
        let messages: Vec<_> = (1..=80)
            .map(|index| message(frame * 80 + index, "a", "ding"))
            .collect();
        state.take(&tile, &Batch::new(&messages));
    }
    let Shown::Log(lines) = &state.shown else {
        panic!("{state:?}");
    };
    assert_eq!((lines.len(), state.received), (MOST_LINES, 400));
    assert!(lines.iter().is_sorted_by(|one, other| one.key < other.key));
    assert_eq!(lines.back().map(|line| line.sequence), Some(400));
}

#[test]
fn the_last_message_is_shown_as_a_whole() {
    let state = after(&tile(Kind::Last, "a", ""), &["1", r#"{"a":1}"#]);
    let Shown::Last(line) = &state.shown else {
        panic!("{state:?}");
    };
    assert_eq!((&*line.text, line.sequence), (r#"{"a":1}"#, 2));
    assert_eq!(unfolded(r#"{"a":1,"b":[2]}"#), "a: 1\nb: [2]");
    assert_eq!(unfolded("no JSON"), "no JSON");
}
