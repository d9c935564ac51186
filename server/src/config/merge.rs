//! The settings of a file as a part of the command line.

use std::ffi::OsString;

use clap::{
    ArgMatches, CommandFactory as _,
    error::{ContextKind, ErrorKind},
    parser::ValueSource,
};

use super::{
    ConfigFile,
    definitions::{Definitions, names_in},
    fault::Refusal,
    parse_strictly,
};
use crate::cli::Cli;

/// The command line with the environment, without a configuration file.
pub(super) struct CommandLine {
    matches: ArgMatches,
    definitions: Definitions,
}

impl CommandLine {
    /// Returns the options of `carillon serve`, if the command has them.
    pub(super) fn serve(&self) -> Option<&ArgMatches> {
        serve_matches(&self.matches).map(|(serve, _)| serve)
    }

    /// Returns whether the command line or the environment has an option.
    pub(super) fn overrides(&self, name: &str) -> bool {
        self.source(name).is_some()
    }

    fn source(&self, name: &str) -> Option<ValueSource> {
        let option = self.definitions.find(name)?;
        let source = self.serve()?.value_source(option.get_id().as_str())?;
        (source != ValueSource::DefaultValue).then_some(source)
    }
}

/// Parses the command line without a configuration file, which may have options that others need.
pub(super) fn parse_alone(arguments: &[OsString]) -> Result<CommandLine, Refusal> {
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            let lenient = Cli::command().ignore_errors(true);
            lenient.try_get_matches_from(arguments)
        }
        matches => matches,
    };
    Ok(CommandLine {
        matches: matches.map_err(Refusal::CommandLine)?,
        definitions: Definitions::new(),
    })
}

/// Parses the command line together with the settings of a file.
pub(super) fn parse_with(
    file: &ConfigFile,
    arguments: &[OsString],
    alone: &CommandLine,
) -> Result<ArgMatches, Refusal> {
    // The settings follow the name of the program and those of the commands.
    let depth = serve_matches(&alone.matches).map_or(0, |(_, depth)| depth);
    let (names, options) = arguments.split_at((1 + depth).min(arguments.len()));
    let settings = file.settings.iter().flat_map(|setting| &setting.arguments);
    let all: Vec<_> = names
        .iter()
        .chain(settings)
        .chain(options)
        .cloned()
        .collect();
    parse_strictly(&all).map_err(|refusal| match refusal {
        Refusal::CommandLine(error) => explained(error, file, alone),
        other => other,
    })
}

/// Returns the options of `carillon serve` in a command line, and the number of names of commands before them.
pub(super) fn serve_matches(matches: &ArgMatches) -> Option<(&ArgMatches, usize)> {
    match matches.subcommand() {
        None => Some((matches, 0)),
        Some(("serve", serve)) => Some((serve, 1)),
        Some(("config", config)) => config.subcommand().map(|(_, serve)| (serve, 2)),
        Some(_) => None,
    }
}

/// Returns the place in the file of an error about options that conflict or need each other.
fn explained(error: clap::Error, file: &ConfigFile, alone: &CommandLine) -> Refusal {
    let names = names_in(&error, ContextKind::InvalidArg);
    let fault = match error.kind() {
        ErrorKind::ArgumentConflict => {
            let mut names = names;
            names.extend(names_in(&error, ContextKind::PriorArg));
            conflict(&names, file, alone)
        }
        ErrorKind::MissingRequiredArgument => missing(&names, file),
        _ => None,
    };
    fault.unwrap_or(Refusal::CommandLine(error))
}

fn conflict(names: &[String], file: &ConfigFile, alone: &CommandLine) -> Option<Refusal> {
    let setting = names.iter().find_map(|name| file.setting(name))?;
    let others = names.iter().filter(|name| **name != setting.name);
    let others: Vec<_> = others
        .map(|name| format!("{name} ({})", origin(name, file, alone)))
        .collect();
    let message = format!("{} cannot be used with {}", setting.name, others.join(", "));
    Some(file.refusal(setting.place, message))
}

/// Describes where an option comes from.
fn origin(name: &str, file: &ConfigFile, alone: &CommandLine) -> String {
    match (file.setting(name), alone.source(name)) {
        (Some(setting), _) => format!("line {}", setting.place.line),
        (None, Some(ValueSource::EnvVariable)) => "in the environment".to_owned(),
        (None, _) => "on the command line".to_owned(),
    }
}

fn missing(names: &[String], file: &ConfigFile) -> Option<Refusal> {
    let mut definitions = Definitions::new();
    file.settings.iter().find_map(|setting| {
        let needed = definitions.needed_by(setting.arguments.first()?);
        let missing: Vec<_> = needed
            .into_iter()
            .filter(|name| names.contains(name))
            .collect();
        let message = format!("{} needs {}", setting.name, missing.join(", "));
        (!missing.is_empty()).then(|| file.refusal(setting.place, message))
    })
}
