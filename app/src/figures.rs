//! The broker's figures as text.

use crate::{
    address::encoded,
    host::{Figures, TopicFigures},
    json, number,
    rate::rounded,
    row::{Cell, Row},
    texts,
};

/// The topic of the broker's figures; published once a second while it has a subscriber.
pub const TOPIC: &str = "$SYS.figures";

pub fn read(body: &str) -> Option<Figures> {
    json::read(body)
        .ok()
        .map(|figures| Figures::from_json(&figures))
}

/// Returns a whole number in groups of three digits. English and Korean separate them by a comma (CLDR).
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn bytes(number: u64) -> String {
    let mut amount = number as f64;
    for unit in ["B", "KiB", "MiB"] {
        if amount < 1024.0 {
            let decimals = u8::from(unit != "B" && amount < 100.0);
            return format!("{} {unit}", number::fixed(amount, decimals));
        }
        amount /= 1024.0;
    }
    format!("{} GiB", number::fixed(amount, 1))
}

pub fn version_and_age(figures: &Figures) -> String {
    texts::figures::VERSION.with(&[&figures.version, &duration(figures.uptime_seconds)])
}

/// Returns the row of a topic.
pub fn topic_row(topic: &TopicFigures) -> Row {
    let cell = |column, figure| Cell {
        column,
        figure,
        ..Cell::default()
    };
    Row {
        name: topic.name.clone(),
        href: Some(format!("topics/{}", encoded(&topic.name))),
        cells: vec![
            cell(texts::shared::MESSAGES.get(), grouped(topic.sequence)),
            cell(texts::shared::RATE.get(), rounded(topic.per_second)),
            cell(texts::shared::LISTENERS.get(), grouped(topic.subscriptions)),
        ],
        ..Row::default()
    }
}

/// Returns the two largest units of a duration.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let (text, values) = match (days, hours, minutes) {
        (0, 0, 0) => (texts::figures::SECONDS, [seconds, 0]),
        (0, 0, _) => (texts::figures::MINUTES, [minutes, seconds % 60]),
        (0, ..) => (texts::figures::HOURS, [hours, minutes]),
        _ => (texts::figures::DAYS, [days, hours]),
    };
    let [larger, smaller] = values.map(|value| value.to_string());
    text.with(&[&larger, &smaller])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn sizes_have_their_unit() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (200 << 10, "200 KiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn times_have_two_units() {
        for (seconds, text) in [
            (7, "7 s"),
            (61, "1 min 1 s"),
            (3720, "1 h 2 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn unknown_and_missing_members_of_figures_are_accepted() {
        let figures =
            read(r#"{"version":"0.1.0","published":7,"new":[],"topicList":[{"name":"rect"}]}"#);
        let figures = figures.expect("figures");
        assert_eq!(
            (figures.published, figures.topic_list[0].name.as_str()),
            (7, "rect")
        );
    }
}
