//! The body of one message during one evaluation: decoded at most once, and only if the selector needs it.

use std::cell::OnceCell;

use super::{
    Selector, Value,
    fields::{FieldValue, JsonFields},
};

/// The parts of a body that a selector reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct BodyUse {
    pub(super) fields: JsonFields,
    /// True if the selector refers to the body or a field.
    pub(super) is_read: bool,
    /// The number of searches in the text of the body or of its fields.
    pub(super) searches: usize,
}

impl BodyUse {
    /// Returns the number of times that an evaluation may read the whole body.
    pub(super) fn passes(&self) -> usize {
        match self.is_read {
            // The first pass checks that the body is text.
            true => 1 + self.fields.passes() + self.searches,
            false => 0,
        }
    }
}

/// The body of a message, and the fields that the selector reads from it.
pub(super) struct Body<'a> {
    bytes: &'a [u8],
    fields: &'a JsonFields,
    text: OnceCell<Option<&'a str>>,
    values: OnceCell<Box<[Option<FieldValue<'a>>]>>,
}

impl<'a> Body<'a> {
    pub(super) fn new(bytes: &'a [u8], fields: &'a JsonFields) -> Self {
        Self {
            bytes,
            fields,
            text: OnceCell::new(),
            values: OnceCell::new(),
        }
    }

    /// Returns the text; None if the body is not UTF-8, or longer than [`Selector::MAX_BODY_BYTES`].
    pub(super) fn text(&self) -> Option<&'a str> {
        *self.text.get_or_init(|| {
            let is_read = self.bytes.len() <= Selector::MAX_BODY_BYTES;
            is_read.then(|| str::from_utf8(self.bytes).ok())?
        })
    }

    /// Returns the value of the field with this index.
    pub(super) fn field(&self, index: usize) -> Option<Value<'_>> {
        let values = self.values.get_or_init(|| {
            let text = self.text();
            text.map_or_else(Box::default, |text| self.fields.read(text))
        });
        values.get(index)?.as_ref()?.value()
    }
}
