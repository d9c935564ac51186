//! MQTT's data types (5.0, 1.5).

use super::property::{Form, Properties, Value};

/// The unread part of a packet.
pub(super) struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(count).expect("a whole field");
        self.0 = rest;
        taken
    }

    pub fn rest(&mut self) -> &'a [u8] {
        self.take(self.0.len())
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    /// Reads a big-endian number.
    fn number(&mut self, bytes: usize) -> u32 {
        let bytes = self.take(bytes).iter();
        bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
    }

    pub fn two_bytes(&mut self) -> u16 {
        self.number(2).try_into().expect("two bytes")
    }

    pub fn variable(&mut self) -> u32 {
        let (value, bytes) = variable(self.0).expect("a whole integer");
        self.take(bytes);
        value
    }

    pub fn binary(&mut self) -> &'a [u8] {
        let length = self.two_bytes();
        self.take(length.into())
    }

    pub fn text(&mut self) -> String {
        let text = str::from_utf8(self.binary()).expect("a string in UTF-8");
        text.to_owned()
    }

    pub fn properties(&mut self) -> Properties {
        let length = self.variable();
        let mut part = Self(self.take(length as usize));
        let mut properties = Vec::new();
        while !part.0.is_empty() {
            let id = part.byte();
            properties.push((id, part.value(id)));
        }
        properties
    }

    fn value(&mut self, id: u8) -> Value {
        match Form::of(id) {
            Form::Byte => Value::Number(self.number(1)),
            Form::TwoBytes => Value::Number(self.number(2)),
            Form::FourBytes => Value::Number(self.number(4)),
            Form::Variable => Value::Number(self.variable()),
            Form::Text => Value::Text(self.text()),
            Form::Binary => Value::Bytes(self.binary().to_owned()),
            Form::Pair => Value::Pair(self.text(), self.text()),
        }
    }
}

/// Returns a variable byte integer and its length; `None` if it is incomplete.
pub(super) fn variable(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    assert!(bytes.len() < 4, "a length has four bytes at most");
    None
}

pub(super) fn put_variable(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7F {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_binary(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).expect("it is short enough");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(super) fn put_properties(properties: &Properties, out: &mut Vec<u8>) {
    let mut part = Vec::new();
    for (id, value) in properties {
        part.push(*id);
        put_value(*id, value, &mut part);
    }
    put_variable(part.len(), out);
    out.append(&mut part);
}

fn put_value(id: u8, value: &Value, out: &mut Vec<u8>) {
    match (Form::of(id), value) {
        (Form::Byte, Value::Number(number)) => out.push(*number as u8),
        (Form::TwoBytes, Value::Number(number)) => {
            out.extend_from_slice(&(*number as u16).to_be_bytes());
        }
        (Form::FourBytes, Value::Number(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (Form::Variable, Value::Number(number)) => put_variable(*number as usize, out),
        (Form::Text, Value::Text(text)) => put_binary(text.as_bytes(), out),
        (Form::Binary, Value::Bytes(bytes)) => put_binary(bytes, out),
        (Form::Pair, Value::Pair(name, value)) => {
            put_binary(name.as_bytes(), out);
            put_binary(value.as_bytes(), out);
        }
        _ => panic!("{value:?} is no value of {id:#04x}"),
    }
}
