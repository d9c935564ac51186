//! The values of options, and their sources.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgMatches, parser::ValueSource};

use super::{
    ConfigFile,
    definitions::{Definitions, ValueType, takes_several, value_type},
};

/// The value of an option in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionValue {
    /// The name of the option.
    pub(super) name: String,
    pub(super) value_type: ValueType,
    /// True if the option may have several values.
    pub(super) is_list: bool,
    /// As on the command line; `true` or `false` for a flag. Empty if the option is not given and has no fixed default.
    pub(super) values: Vec<OsString>,
    pub(super) source: Source,
    /// The part of the help that describes a default that is not fixed.
    pub(super) default: Option<String>,
}

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    /// The file, with the line.
    File(usize),
    /// The environment variable with this name.
    Environment(String),
    CommandLine,
}

/// Returns the values of all options that a configuration file may have, in the order of the help.
pub(super) fn in_force(
    definitions: &Definitions,
    serve: &ArgMatches,
    file: Option<&ConfigFile>,
) -> Vec<OptionValue> {
    let value = |option: &Arg| {
        let name = option.get_long()?.to_owned();
        let id = option.get_id().as_str();
        let value_type = value_type(option);
        let values = match value_type {
            ValueType::Flag => vec![serve.get_flag(id).to_string().into()],
            _ => serve
                .get_raw(id)
                .map_or_else(Vec::new, |values| values.map(OsStr::to_owned).collect()),
        };
        let setting = file.and_then(|file| file.setting(&name));
        let source = match (setting, serve.value_source(id)) {
            (Some(setting), _) => Source::File(setting.place.line),
            (None, Some(ValueSource::EnvVariable)) => {
                let variable = option.get_env().unwrap_or_default();
                Source::Environment(variable.to_string_lossy().into_owned())
            }
            (None, Some(ValueSource::CommandLine)) => Source::CommandLine,
            (None, _) => Source::Default,
        };
        Some(OptionValue {
            name,
            value_type,
            is_list: takes_several(option),
            values,
            source,
            default: option
                .get_help()
                .and_then(|help| default_in(&help.to_string())),
        })
    };
    definitions.all().filter_map(value).collect()
}

/// Returns the text in `[default: …]` at the end of a help.
fn default_in(help: &str) -> Option<String> {
    let (_, default) = help.rsplit_once("[default: ")?;
    let (default, _) = default.split_once(']')?;
    Some(default.to_owned())
}
