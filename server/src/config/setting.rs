//! The settings of a configuration file: options of `carillon serve` by their names, in TOML.

use std::{ffi::OsString, ops::Range, path::Path};

use access::Place;
use clap::Arg;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    definitions::{Definitions, ValueType, takes_several, value_type},
    fault::Fault,
    policy_table,
};

/// An option with its value in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The name of the option.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) value_type: ValueType,
    /// The same on the command line, such as `--max-topics=1000`; empty for `false` and an empty list.
    pub(super) arguments: Vec<OsString>,
}

impl Setting {
    /// Returns the paths and addresses in the value, by which an error that names no option can be recognised.
    pub(super) fn paths_and_addresses(&self) -> impl Iterator<Item = &str> {
        let arguments = self.arguments.iter().filter_map(|one| one.to_str());
        let values = arguments.filter_map(|argument| Some(argument.split_once('=')?.1));
        values.filter(|value| self.value_type == ValueType::Path || value.contains(':'))
    }
}

/// Reads the settings in the text of a file. Relative paths begin at `directory`.
///
/// # Errors
/// All faults, in their order.
pub(super) fn parse(text: &str, directory: &Path) -> Result<Vec<Setting>, Vec<Fault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let faults = errors.iter().map(|error| Fault {
            place: Place::of(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        });
        return Err(faults.collect());
    }
    let mut parser = Parser {
        text,
        directory,
        definitions: Definitions::new(),
        faults: Vec::new(),
    };
    let entries = table.get_ref().iter();
    let settings = entries.filter_map(|(name, value)| parser.setting(name, value));
    let mut settings: Vec<_> = settings.collect();
    let mut faults = parser.faults;
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.place);
        return Err(faults);
    }
    settings.sort_by_key(|setting| setting.place);
    Ok(settings)
}

struct Parser<'a> {
    text: &'a str,
    directory: &'a Path,
    definitions: Definitions,
    faults: Vec<Fault>,
}

impl Parser<'_> {
    fn setting<T: AsRef<str>>(
        &mut self,
        name: &Spanned<T>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Setting> {
        let place = Place::of(self.text, name.span().start);
        let name = name.get_ref().as_ref();
        let Some(option) = self.definitions.find(name).cloned() else {
            let message = self.unknown(name);
            self.faults.push(Fault { place, message });
            return None;
        };
        let values = match value.get_ref() {
            DeValue::Array(values) if takes_several(&option) => &values[..],
            _ => std::slice::from_ref(value),
        };
        let mut arguments = Vec::new();
        for value in values {
            if let (POLICY, DeValue::Table(table)) = (name, value.get_ref()) {
                arguments.extend(self.policy(table, value.span()));
                continue;
            }
            match self.argument(&option, name, value.get_ref()) {
                Ok(argument) => arguments.extend(argument),
                Err(reason) => {
                    let written = self.text.get(value.span()).unwrap_or_default();
                    self.faults.push(Fault {
                        place: Place::of(self.text, value.span().start),
                        message: format!("{name} cannot be {written}: {reason}"),
                    });
                }
            }
        }
        Some(Setting {
            name: name.to_owned(),
            place,
            value_type: value_type(&option),
            arguments,
        })
    }

    /// Returns the command-line argument for a policy that is written as a table.
    fn policy(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<OsString> {
        match policy_table::text(table, span) {
            Ok(text) => Some(format!("--{POLICY}={text}").into()),
            Err(faults) => {
                let faults = faults.into_iter().map(|fault| Fault {
                    place: Place::of(self.text, fault.span.start),
                    message: fault.message,
                });
                self.faults.extend(faults);
                None
            }
        }
    }

    fn unknown(&mut self, name: &str) -> String {
        match self.definitions.nearest(name) {
            Some(nearest) => {
                format!("there is no option {name:?}; the most similar one is {nearest}")
            }
            None => format!("there is no option {name:?}; `carillon serve --help` lists them"),
        }
    }

    /// Returns the command-line argument for a value; `None` for `false`.
    fn argument(
        &mut self,
        option: &Arg,
        name: &str,
        value: &DeValue<'_>,
    ) -> Result<Option<OsString>, String> {
        let value_type = value_type(option);
        let text = match (value_type, value) {
            (ValueType::Flag, DeValue::Boolean(true)) => {
                return Ok(Some(format!("--{name}").into()));
            }
            (ValueType::Flag, DeValue::Boolean(false)) => return Ok(None),
            (ValueType::Number, DeValue::Integer(number)) => {
                let value = i128::from_str_radix(number.as_str(), number.radix());
                value.map_or_else(|_| number.to_string(), |value| value.to_string())
            }
            (ValueType::Number, DeValue::Float(number)) => number.as_str().to_owned(),
            // A number may have a form of its own, such as one with a unit.
            (ValueType::Number, DeValue::String(text))
                if text.parse::<i128>().is_err() && self.accepts(name, text) =>
            {
                text.to_string()
            }
            (ValueType::Text | ValueType::Path, DeValue::String(text)) => text.to_string(),
            _ => return Err(format!("expected {}", expected(option))),
        };
        let mut argument = OsString::from(format!("--{name}="));
        match value_type {
            ValueType::Path if !text.is_empty() => argument.push(self.directory.join(text)),
            _ => argument.push(text),
        }
        match self.definitions.fault_of_value(&argument) {
            Some(reason) => Err(reason),
            None => Ok(Some(argument)),
        }
    }

    fn accepts(&mut self, name: &str, text: &str) -> bool {
        let argument = OsString::from(format!("--{name}={text}"));
        self.definitions.fault_of_value(&argument).is_none()
    }
}

/// The option whose values may be tables.
const POLICY: &str = "policy";

/// Describes the values of an option.
pub(super) fn expected(option: &Arg) -> &'static str {
    match (value_type(option), takes_several(option)) {
        (ValueType::Flag, _) => "true or false",
        (ValueType::Number, false) => "a number",
        (ValueType::Number, true) => "a number or a list of numbers",
        (ValueType::Text | ValueType::Path, false) => "a text in quotation marks",
        (ValueType::Text | ValueType::Path, true) => {
            "a text in quotation marks or a list of such texts"
        }
    }
}
