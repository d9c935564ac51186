//! The options of `carillon serve` as clap defines them: the only place of their names, types, ranges and relations.

use std::{
    any::TypeId,
    error::Error as _,
    ffi::OsStr,
    num::{NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use clap::{
    Arg, ArgAction, Args as _, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::cli::ServeOptions;

/// The definitions of the options.
pub(super) struct Definitions {
    command: Command,
}

/// The type of an option's value in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    /// The option has no value on the command line: `true` or `false`.
    Flag,
    Number,
    Path,
    Text,
}

impl Definitions {
    pub(super) fn new() -> Self {
        let command = Command::new("serve")
            .disable_help_flag(true)
            .no_binary_name(true);
        let mut command = ServeOptions::augment_args(command);
        command.build();
        Self { command }
    }

    /// Returns the options that a configuration file may have, in the order of the help.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arg> {
        self.command
            .get_arguments()
            .filter(|option| option.get_long().is_some_and(|name| name != CONFIG))
    }

    /// Returns the option with this name.
    pub(super) fn find(&self, name: &str) -> Option<&Arg> {
        self.all().find(|option| option.get_long() == Some(name))
    }

    /// Returns the name that is most similar to an unknown one, if one is similar.
    pub(super) fn nearest(&mut self, unknown: &str) -> Option<String> {
        let error = self.error(OsStr::new(&format!("--{unknown}")))?;
        match error.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(name)) => {
                let name = name.trim_start_matches('-');
                self.find(name).map(|_| name.to_owned())
            }
            _ => None,
        }
    }

    /// Returns why the value in a command-line argument cannot be used.
    pub(super) fn fault_of_value(&mut self, argument: &OsStr) -> Option<String> {
        let error = self.error(argument)?;
        // Options that others need, or that exclude others, are checked when all options are known.
        let concerns_others = matches!(
            error.kind(),
            ErrorKind::ArgumentConflict | ErrorKind::MissingRequiredArgument
        );
        (!concerns_others).then(|| reason(&error))
    }

    /// Returns the names of the options that an option needs, if the environment does not have them.
    pub(super) fn needed_by(&mut self, argument: &OsStr) -> Vec<String> {
        match self.error(argument) {
            Some(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
                names_in(&error, ContextKind::InvalidArg)
            }
            _ => Vec::new(),
        }
    }

    fn error(&mut self, argument: &OsStr) -> Option<clap::Error> {
        self.command.try_get_matches_from_mut([argument]).err()
    }
}

/// Returns the type of an option's value.
pub(super) fn value_type(option: &Arg) -> ValueType {
    if !option.get_action().takes_values() {
        return ValueType::Flag;
    }
    let id = option.get_value_parser().type_id();
    if id == TypeId::of::<PathBuf>() {
        ValueType::Path
    } else if numbers().into_iter().any(|number| id == number) {
        ValueType::Number
    } else {
        ValueType::Text
    }
}

/// Returns whether an option may be given more than once.
pub(super) fn takes_several(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Append)
}

/// Returns the names of the options that a part of an error lists, such as `--listen <ADDRESS:PORT>`.
pub(super) fn names_in(error: &clap::Error, part: ContextKind) -> Vec<String> {
    let name = |text: &String| {
        let name = text.trim_start_matches('-').split([' ', '=', '[']).next();
        name.unwrap_or_default().to_owned()
    };
    match error.get(part) {
        Some(ContextValue::String(text)) => vec![name(text)],
        Some(ContextValue::Strings(texts)) => texts.iter().map(name).collect(),
        _ => Vec::new(),
    }
}

/// Returns why a value is not accepted.
fn reason(error: &clap::Error) -> String {
    if let Some(reason) = error.source() {
        return reason.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("the possible values are {}", values.join(", "))
        }
        _ => "a value is required".to_owned(),
    }
}

fn numbers() -> [TypeId; 13] {
    [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<i32>(),
        TypeId::of::<i64>(),
        TypeId::of::<f64>(),
        TypeId::of::<NonZeroU8>(),
        TypeId::of::<NonZeroU16>(),
        TypeId::of::<NonZeroU32>(),
        TypeId::of::<NonZeroU64>(),
        TypeId::of::<NonZeroUsize>(),
    ]
}

/// The option that names the file; a file cannot name another one.
const CONFIG: &str = "config";
