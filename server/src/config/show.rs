//! The output of `carillon config show`: the options in force as TOML, each with its source as a comment.

use std::{
    ffi::OsString,
    fmt::Write as _,
    path::{self, Path},
};

use super::{
    Configuration,
    definitions::ValueType,
    values::{OptionValue, Source},
};

/// Returns the options in force as the text of a configuration file.
pub(super) fn show(configuration: &Configuration) -> String {
    let mut text = String::new();
    if let Some(file) = &configuration.file {
        let path = file.path.display().to_string();
        let _ = writeln!(text, "# The file is {}.", printable::escaped(&path));
    }
    for option in &configuration.values {
        let _ = match line(option) {
            Some(setting) => writeln!(text, "{setting} # {}", source(&option.source)),
            None => writeln!(text, "# {} is not set{}", option.name, default(option)),
        };
    }
    text
}

/// Returns the setting of an option; `None` if it has no value.
fn line(option: &OptionValue) -> Option<String> {
    let name = &option.name;
    let values: Vec<_> = option
        .values
        .iter()
        .map(|value| written(option.value_type, value))
        .collect();
    if option.is_list {
        return Some(format!("{name} = [{}]", values.join(", ")));
    }
    values.first().map(|value| format!("{name} = {value}"))
}

fn written(value_type: ValueType, value: &OsString) -> String {
    let text = value.to_string_lossy();
    match value_type {
        ValueType::Flag => text.into_owned(),
        ValueType::Number if text.parse::<i64>().is_ok() => text.into_owned(),
        ValueType::Path => {
            // A path in the file begins at the file's directory, and one on the command line at the working directory.
            let absolute = path::absolute(Path::new(value));
            let path = absolute.map_or_else(
                |_| text.clone(),
                |path| path.to_string_lossy().into_owned().into(),
            );
            quoted(&path)
        }
        ValueType::Number | ValueType::Text => quoted(&text),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn source(source: &Source) -> String {
    match source {
        Source::Default => "default".to_owned(),
        Source::File(line) => format!("file, line {line}"),
        Source::Environment(variable) => format!("environment variable {variable}"),
        Source::CommandLine => "command line".to_owned(),
    }
}

fn default(option: &OptionValue) -> String {
    match &option.default {
        Some(default) => format!("; default: {default}"),
        None => String::new(),
    }
}
