//! The fields of JSON bodies that a selector or an export reads.
//!
//! A body is read as a stream, in one pass for all fields: what leads to no field is skipped, and no tree of values is
//! built. Only a field that contains another field of the same selector needs a pass of its own.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{FieldPath, SelectorFault, Value, number::Number};

/// A set of fields, to be read from bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonFields {
    /// The fields of each pass over a body. No field of a pass contains another.
    passes: Vec<Level>,
    count: usize,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue<'b> {
    /// A string.
    Text(Cow<'b, str>),
    /// True or false.
    Boolean(bool),
    /// A number, as it is written.
    Number(&'b str),
    /// An object or an array, as it is written.
    Structure(&'b str),
}

/// The members of an object, or the elements of an array, that are fields or contain some.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Level {
    /// In the order of the names.
    members: Vec<(Box<str>, Node)>,
    /// The members whose names are indices of an array's elements: the element and the place in `members`, ascending.
    elements: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// A field, with its index.
    Field(usize),
    Level(Level),
}

impl JsonFields {
    /// Maximum number of fields of which each contains the next. Each needs a pass over the body.
    pub const MAX_PASSES: usize = 4;

    /// Adds a field. Returns its index; a field that is already there keeps its index.
    ///
    /// # Errors
    /// Too many fields contain each other.
    pub fn add(&mut self, path: &FieldPath) -> Result<usize, SelectorFault> {
        let levels = path.levels();
        if let Some(known) = self.passes.iter().find_map(|pass| pass.index_of(levels)) {
            return Ok(known);
        }
        let at = self.passes.iter().position(|pass| pass.has_room(levels));
        let at = at.unwrap_or(self.passes.len());
        if at == Self::MAX_PASSES {
            return Err(SelectorFault::TooManyNestedFields);
        }
        if at == self.passes.len() {
            self.passes.push(Level::default());
        }
        let index = self.count;
        self.passes[at].insert(levels, index);
        self.count += 1;
        Ok(index)
    }

    /// Returns the number of passes over a body.
    pub(super) fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Returns the values of the fields by their indices. A field that is absent or null has none, and neither has any
    /// field of a body that is not JSON. If a name is repeated in an object, the last value that has the field counts: to
    /// forget what an earlier one had would cost as much as all fields for each repetition.
    #[must_use]
    pub fn read<'b>(&self, body: &'b str) -> Box<[Option<FieldValue<'b>>]> {
        let mut found = vec![None; self.count];
        let is_json = self.passes.iter().all(|pass| pass.read(body, &mut found));
        if !is_json {
            found.fill(None);
        }
        let values = found.into_iter();
        values.map(|json| FieldValue::new(json?)).collect()
    }
}

impl<'b> FieldValue<'b> {
    /// Returns the value with this JSON; None for `null`, and for a string that stands for no text.
    fn new(json: &'b str) -> Option<Self> {
        match json.as_bytes().first()? {
            b'"' => text_of(json).map(Self::Text),
            b't' => Some(Self::Boolean(true)),
            b'f' => Some(Self::Boolean(false)),
            b'n' => None,
            b'{' | b'[' => Some(Self::Structure(json)),
            _ => Some(Self::Number(json)),
        }
    }

    /// Returns the value for a selector. Objects and arrays have none, and neither have numbers out of range.
    pub(super) fn value(&self) -> Option<Value<'_>> {
        match self {
            Self::Text(text) => Some(Value::Text(text)),
            Self::Boolean(value) => Some(Value::Boolean(*value)),
            Self::Number(text) => Number::read(text).map(Value::from),
            Self::Structure(_) => None,
        }
    }
}

/// Returns the content of a JSON string. It is copied only if it has escapes.
fn text_of(json: &str) -> Option<Cow<'_, str>> {
    if json.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(text))
}

impl Level {
    fn find(&self, name: &str) -> Option<&Node> {
        let at = self.place_of(name).ok()?;
        Some(&self.members[at].1)
    }

    fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(own, _)| (**own).cmp(name))
    }

    fn index_of(&self, path: &[Box<str>]) -> Option<usize> {
        let (name, rest) = path.split_first()?;
        match self.find(name)? {
            Node::Field(index) => rest.is_empty().then_some(*index),
            Node::Level(level) => level.index_of(rest),
        }
    }

    /// Returns whether the field neither contains a field of this level nor is contained in one.
    fn has_room(&self, path: &[Box<str>]) -> bool {
        let Some((name, rest)) = path.split_first() else {
            return false;
        };
        match self.find(name) {
            None => true,
            Some(Node::Field(_)) => false,
            Some(Node::Level(level)) => level.has_room(rest),
        }
    }

    /// Adds a field, for which there is room.
    fn insert(&mut self, path: &[Box<str>], index: usize) {
        let Some((name, rest)) = path.split_first() else {
            return;
        };
        let at = match self.place_of(name) {
            Ok(at) => at,
            Err(at) => {
                let node = match rest.is_empty() {
                    true => Node::Field(index),
                    false => Node::Level(Self::default()),
                };
                self.add_member(at, name, node);
                at
            }
        };
        if let Node::Level(level) = &mut self.members[at].1 {
            level.insert(rest, index);
        }
    }

    fn add_member(&mut self, at: usize, name: &str, node: Node) {
        self.members.insert(at, (name.into(), node));
        for (_, place) in &mut self.elements {
            *place += usize::from(*place >= at);
        }
        if let Some(element) = element_of(name) {
            let before = self.elements.partition_point(|(own, _)| *own < element);
            self.elements.insert(before, (element, at));
        }
    }

    /// Reads the fields of a body. Returns false if the body is not JSON.
    fn read<'b>(&self, body: &'b str, found: &mut [Option<&'b str>]) -> bool {
        let mut json = serde_json::Deserializer::from_str(body);
        let reading = LevelReading { level: self, found };
        reading.deserialize(&mut json).is_ok() && json.end().is_ok()
    }
}

/// Returns the index that a name stands for in an array, as in RFC 6901: decimal digits without leading zeros.
fn element_of(name: &str) -> Option<usize> {
    let is_canonical = name == "0" || !name.starts_with('0');
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    (is_canonical && is_number).then(|| name.parse().ok())?
}

/// The reading of a value that contains fields, if it is an object or an array.
struct LevelReading<'l, 'f, 'b> {
    level: &'l Level,
    found: &'f mut [Option<&'b str>],
}

impl<'b> LevelReading<'_, '_, 'b> {
    fn member<'f>(&'f mut self, node: &'f Node) -> NodeReading<'f, 'f, 'b> {
        NodeReading {
            node,
            found: self.found,
        }
    }
}

impl<'b> DeserializeSeed<'b> for LevelReading<'_, '_, 'b> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for LevelReading<'_, '_, 'b> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'b>>(mut self, mut map: A) -> Result<(), A::Error> {
        let level = self.level;
        while let Some(node) = map.next_key_seed(Member(level))? {
            match node {
                Some(node) => map.next_value_seed(self.member(node))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'b>>(mut self, mut array: A) -> Result<(), A::Error> {
        let level = self.level;
        let mut wanted = level.elements.iter().peekable();
        for index in 0.. {
            let goes_on = match wanted.next_if(|(element, _)| *element == index) {
                Some((_, at)) => array.next_element_seed(self.member(&level.members[*at].1))?,
                None => array.next_element::<IgnoredAny>()?.map(drop),
            };
            if goes_on.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The reading of a value that is a field or contains some.
struct NodeReading<'l, 'f, 'b> {
    node: &'l Node,
    found: &'f mut [Option<&'b str>],
}

impl<'b> DeserializeSeed<'b> for NodeReading<'_, '_, 'b> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, json: D) -> Result<(), D::Error> {
        let found = self.found;
        match self.node {
            Node::Field(index) => {
                found[*index] = Some(<&RawValue>::deserialize(json)?.get());
                Ok(())
            }
            Node::Level(level) => LevelReading { level, found }.deserialize(json),
        }
    }
}

/// The search for a member by its name.
struct Member<'l>(&'l Level);

impl<'l, 'b> DeserializeSeed<'b> for Member<'l> {
    type Value = Option<&'l Node>;

    fn deserialize<D: Deserializer<'b>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'l> Visitor<'_> for Member<'l> {
    type Value = Option<&'l Node>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.find(name))
    }
}
