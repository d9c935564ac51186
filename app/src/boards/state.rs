//! The state of a tile: computed from the messages of its topic, with bounded memory. Pure; `pages::boards` draws it.

use std::collections::VecDeque;

use super::{
    field,
    kind::Kind,
    model::Tile,
    reading::{Batch, Reading},
    spans::Spans,
};
use crate::{
    connection::Message,
    json::{self, Json},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub shown: Shown,
    /// Messages that have arrived since the board was opened; all are counted, whatever is drawn.
    pub received: u64,
    /// Messages that the broker has skipped because the page was too slow.
    pub missed: u64,
    /// True if the newest message has no value that the tile can show.
    pub lacks_field: bool,
    /// The time of the newest message.
    pub unix_ms: f64,
    next_key: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shown {
    #[default]
    Nothing,
    /// Of a number, gauge, shape or slider.
    Number(f64),
    Line(Spans),
    Bars(Vec<Row>),
    Plane(Vec<Mark>),
    Text(String),
    Table(Vec<Row>),
    Last(Line),
    Lights(Vec<Row>),
    Log(VecDeque<Line>),
    Switch(bool),
}

/// A value with a name: the topic, the member or the element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub text: String,
    pub is_on: bool,
    pub unix_ms: f64,
}

/// The point of a producer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mark {
    pub producer: String,
    pub x: f64,
    pub y: f64,
    pub unix_ms: f64,
}

/// A message as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Unique in the tile.
    pub key: u64,
    pub topic: String,
    pub producer: String,
    pub sequence: u64,
    pub text: String,
    pub unix_ms: f64,
}

impl State {
    /// Takes the messages that a page has received with its first paint; they are not counted.
    pub fn begin(tile: &Tile, messages: &[Message]) -> Self {
        let mut state = Self::default();
        state.take(tile, &Batch::new(messages));
        state.received = 0;
        state.missed = 0;
        state
    }

    /// Takes the messages of one frame.
    pub fn take(&mut self, tile: &Tile, batch: &Batch<'_>) {
        self.received += batch.count;
        self.missed += batch.missed;
        let Some(newest) = batch.readings.last() else {
            return;
        };
        self.unix_ms = newest.message.timestamp_ms;
        if tile.kind.reads_all() {
            for reading in &batch.readings {
                self.lacks_field = self.take_one(tile, reading).is_none();
            }
            return;
        }
        // Only the newest value is drawn.
        let mut readings = batch.readings.iter().rev();
        self.lacks_field = match readings.next() {
            Some(newest) => self.take_one(tile, newest).is_none(),
            None => false,
        };
        if self.lacks_field {
            readings
                .take(MOST_SEARCHED)
                .find_map(|reading| self.take_one(tile, reading));
        }
    }

    /// Takes a message. Returns `None` if it has no value for the tile.
    fn take_one(&mut self, tile: &Tile, reading: &Reading<'_>) -> Option<()> {
        let message = reading.message;
        if let Kind::Last = tile.kind {
            self.shown = Shown::Last(self.line(message, &message.replaced_text(), MOST_BODY_CHARS));
            return Some(());
        }
        if let Kind::Text | Kind::Log = tile.kind {
            let text = text_of(tile, reading)?;
            match tile.kind {
                Kind::Text => self.shown = Shown::Text(shortened(&text, MOST_BODY_CHARS)),
                _ => self.log(message, &text),
            }
            return Some(());
        }
        // A body that is not JSON is a text.
        let plain = Json::Text(message.replaced_text());
        let json = match (&reading.json, tile.field.trim()) {
            (Some(json), _) => json,
            (None, "") => &plain,
            (None, _) => return None,
        };
        let value = field::at(json, &tile.field)?;
        match tile.kind {
            Kind::Number | Kind::Gauge | Kind::Shape | Kind::Slider => {
                self.shown = Shown::Number(field::number_of(value)?);
            }
            Kind::Line => self.extend_line(tile, message, field::number_of(value)?),
            Kind::Bars => self.set_bars(tile, message, value)?,
            Kind::Plane => {
                let y = field::number_of(field::at(json, &tile.field_y)?)?;
                self.mark(message, json, field::number_of(value)?, y);
            }
            Kind::Table => self.set_rows(tile, message, value),
            Kind::Lights => {
                let row = row(&message.topic, value, message.timestamp_ms);
                let rows = match &mut self.shown {
                    Shown::Lights(rows) => rows,
                    shown => emptied(shown, Shown::Lights(Vec::new())).rows()?,
                };
                put(rows, row);
            }
            Kind::Switch => self.shown = Shown::Switch(field::is_on(value)),
            Kind::Text | Kind::Last | Kind::Log | Kind::Button => {}
        }
        Some(())
    }

    fn extend_line(&mut self, tile: &Tile, message: &Message, value: f64) {
        if !matches!(self.shown, Shown::Line(_)) {
            self.shown = Shown::Line(Spans::new(tile.seconds.unwrap_or(LINE_SECONDS)));
        }
        if let Shown::Line(spans) = &mut self.shown {
            spans.push(message.timestamp_ms, value);
        }
    }

    /// A list is drawn as its elements, an object as its members, and a number as a bar for its topic.
    fn set_bars(&mut self, tile: &Tile, message: &Message, value: &Json<'_>) -> Option<()> {
        let unix_ms = message.timestamp_ms;
        if field::number_of(value).is_none() || !is_filter(tile) {
            let rows: Vec<_> = parts(value)
                .into_iter()
                .filter(|(_, part)| field::number_of(part).is_some())
                .map(|(name, part)| row(&name, part, unix_ms))
                .take(MOST_BARS)
                .collect();
            if rows.is_empty() {
                let number = row(&message.topic, value, unix_ms);
                field::number_of(value)?;
                self.shown = Shown::Bars(vec![number]);
            } else {
                self.shown = Shown::Bars(rows);
            }
            return Some(());
        }
        let rows = match &mut self.shown {
            Shown::Bars(rows) => rows,
            shown => emptied(shown, Shown::Bars(Vec::new())).rows()?,
        };
        put(rows, row(&message.topic, value, unix_ms));
        Some(())
    }

    /// Of one topic, the members of the value are listed; of several, their newest values.
    fn set_rows(&mut self, tile: &Tile, message: &Message, value: &Json<'_>) {
        let unix_ms = message.timestamp_ms;
        let parts = parts(value);
        if !is_filter(tile) && !parts.is_empty() {
            let rows = parts.into_iter().take(MOST_ROWS);
            let rows = rows.map(|(name, part)| row(&name, part, unix_ms));
            self.shown = Shown::Table(rows.collect());
            return;
        }
        let row = row(&message.topic, value, unix_ms);
        match &mut self.shown {
            Shown::Table(rows) if is_filter(tile) => put(rows, row),
            shown => *shown = Shown::Table(vec![row]),
        }
    }

    fn mark(&mut self, message: &Message, json: &Json<'_>, x: f64, y: f64) {
        let own = json.member("producerId").and_then(Json::text);
        let producer = own.filter(|own| !own.is_empty());
        let mark = Mark {
            producer: shortened(producer.unwrap_or(&message.producer), MOST_NAME_CHARS),
            x,
            y,
            unix_ms: message.timestamp_ms,
        };
        let marks = match &mut self.shown {
            Shown::Plane(marks) => marks,
            shown => {
                *shown = Shown::Plane(vec![mark]);
                return;
            }
        };
        if let Some(known) = marks.iter_mut().find(|one| one.producer == mark.producer) {
            *known = mark;
            return;
        }
        if marks.len() >= MOST_MARKS {
            remove_oldest(marks, |mark| mark.unix_ms);
        }
        marks.push(mark);
    }

    fn log(&mut self, message: &Message, text: &str) {
        let line = self.line(message, text, MOST_LINE_CHARS);
        match &mut self.shown {
            Shown::Log(lines) => {
                if lines.len() >= MOST_LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
            shown => *shown = Shown::Log(VecDeque::from([line])),
        }
    }

    fn line(&mut self, message: &Message, text: &str, most: usize) -> Line {
        self.next_key += 1;
        Line {
            key: self.next_key,
            topic: message.topic.clone(),
            producer: message.producer.clone(),
            sequence: message.sequence,
            text: shortened(text, most),
            unix_ms: message.timestamp_ms,
        }
    }
}

impl Shown {
    fn rows(&mut self) -> Option<&mut Vec<Row>> {
        match self {
            Self::Bars(rows) | Self::Table(rows) | Self::Lights(rows) => Some(rows),
            _ => None,
        }
    }
}

fn emptied(shown: &mut Shown, empty: Shown) -> &mut Shown {
    *shown = empty;
    shown
}

fn is_filter(tile: &Tile) -> bool {
    tile.topic.contains(['*', '>'])
}

/// Returns the text of the field; of a body that is not JSON the whole body.
fn text_of(tile: &Tile, reading: &Reading<'_>) -> Option<String> {
    match (&reading.json, tile.field.trim()) {
        (None, "") => Some(reading.message.replaced_text().into_owned()),
        (None, _) => None,
        (Some(json), field) => Some(field::text(field::at(json, field)?).into_owned()),
    }
}

/// Returns the first members or elements of a value with their names, at most [`MOST_PARTS`].
fn parts<'j, 'a>(value: &'j Json<'a>) -> Vec<(String, &'j Json<'a>)> {
    match value {
        Json::Array(elements) => {
            let numbered = elements.iter().enumerate();
            numbered
                .take(MOST_PARTS)
                .map(|(index, element)| ((index + 1).to_string(), element))
                .collect()
        }
        Json::Object(members) => members
            .iter()
            .take(MOST_PARTS)
            .map(|(name, value)| (name.to_string(), value))
            .collect(),
        _ => Vec::new(),
    }
}

fn row(name: &str, value: &Json<'_>, unix_ms: f64) -> Row {
    Row {
        name: shortened(name, MOST_NAME_CHARS),
        value: field::number_of(value).unwrap_or(f64::NAN),
        text: shortened(&field::text(value), MOST_LINE_CHARS),
        is_on: field::is_on(value),
        unix_ms,
    }
}

/// Replaces the row of the same name, or adds it in the order of the names. A full list loses the row without a message for
/// the longest time.
fn put(rows: &mut Vec<Row>, row: Row) {
    match rows.binary_search_by(|one| one.name.cmp(&row.name)) {
        Ok(known) => rows[known] = row,
        Err(_) => {
            if rows.len() >= MOST_ROWS {
                remove_oldest(rows, |row| row.unix_ms);
            }
            let place = rows.partition_point(|one| one.name < row.name);
            rows.insert(place, row);
        }
    }
}

fn remove_oldest<T>(items: &mut Vec<T>, time: fn(&T) -> f64) {
    let oldest = items
        .iter()
        .enumerate()
        .min_by(|(_, one), (_, other)| time(one).total_cmp(&time(other)));
    if let Some((index, _)) = oldest {
        items.remove(index);
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns the body of the newest message in a form that is easy to read: JSON with line breaks.
pub fn unfolded(body: &str) -> String {
    let Ok(json) = json::read(body) else {
        return body.to_owned();
    };
    match &json {
        Json::Object(_) | Json::Array(_) => {
            let lines = parts(&json)
                .into_iter()
                .map(|(name, part)| format!("{name}: {}", field::text(part)));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => field::text(other).into_owned(),
    }
}

/// Members or elements of a value of which a tile takes those that it shows.
const MOST_PARTS: usize = 1_000;
/// Messages in which a tile searches for its field if the newest has none.
const MOST_SEARCHED: usize = 16;
/// Rows of a table, and lights.
const MOST_ROWS: usize = 100;
/// Bars of one message.
const MOST_BARS: usize = 60;
/// Producers of a plane.
const MOST_MARKS: usize = 100;
/// Lines of a log.
const MOST_LINES: usize = 100;
const MOST_LINE_CHARS: usize = 300;
const MOST_NAME_CHARS: usize = 100;
const MOST_BODY_CHARS: usize = 10_000;
/// The time that a line shows by default.
const LINE_SECONDS: f64 = 60.0;

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
