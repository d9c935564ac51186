//! The configuration file of `carillon serve`, and the command `carillon config`.
//!
//! A file has options by the names that they have on the command line. clap stays the only place of names, types, ranges and
//! relations ([`definitions`]): the settings of the file become command-line arguments, unless the command line or the
//! environment has the option, and clap parses all together. So a new option needs no second declaration. This module owns
//! the parts that clap does not know: the places in the file, the sources of values, and what can change while the server runs.

mod command;
mod definitions;
mod fault;
mod merge;
mod policy_table;
mod reload;
mod setting;
mod show;
#[cfg(test)]
mod tests;
mod values;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use access::Place;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

pub use command::run;
pub use fault::Refusal;
pub use reload::Reloader;

use crate::cli::Cli;
use definitions::Definitions;
use fault::{Fault, FaultyFile};
use setting::Setting;
use values::OptionValue;

/// The options in force, with their sources.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The command line.
    arguments: Vec<OsString>,
    file: Option<ConfigFile>,
    /// Empty for commands without the options of `carillon serve`.
    values: Vec<OptionValue>,
}

/// A configuration file.
#[derive(Debug, Clone)]
struct ConfigFile {
    path: PathBuf,
    /// The settings that neither the command line nor the environment overrides.
    settings: Vec<Setting>,
}

impl Configuration {
    /// Parses the command line, with the environment and the configuration file that it names.
    ///
    /// # Errors
    /// One of them has a fault, or the command line asks for help.
    pub fn parse(arguments: Vec<OsString>) -> Result<(Cli, Self), Refusal> {
        let alone = merge::parse_alone(&arguments)?;
        let serve = alone.serve();
        let path = serve.and_then(|serve| serve.get_one::<PathBuf>("config"));
        let file = match path {
            Some(path) => Some(ConfigFile::read(path, &alone)?),
            None => None,
        };
        let matches = match &file {
            Some(file) => merge::parse_with(file, &arguments, &alone)?,
            None => parse_strictly(&arguments)?,
        };
        let cli = Cli::from_arg_matches(&matches).map_err(Refusal::CommandLine)?;
        let values = match merge::serve_matches(&matches) {
            Some((serve, _)) => values::in_force(&Definitions::new(), serve, file.as_ref()),
            None => Vec::new(),
        };
        let configuration = Self {
            arguments,
            file,
            values,
        };
        Ok((cli, configuration))
    }

    /// Adds the place in the file to an error that names an option of the file, as in `--listen`, or its path or address.
    pub fn locate(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("{error:#}");
        let place = self.file.as_ref().and_then(|file| {
            let place = file.place_of(&text)?;
            Some(format!("{}, {place}", file.path.display()))
        });
        match place {
            Some(place) => error.context(place),
            None => error,
        }
    }
}

impl ConfigFile {
    fn read(path: &Path, alone: &merge::CommandLine) -> Result<Self, Refusal> {
        let text = fs::read_to_string(path).map_err(|reason| Refusal::Unreadable {
            path: path.to_owned(),
            reason,
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut settings = setting::parse(&text, directory).map_err(|faults| {
            Refusal::Faulty(FaultyFile {
                path: path.to_owned(),
                faults,
            })
        })?;
        settings.retain(|setting| !alone.overrides(&setting.name));
        Ok(Self {
            path: path.to_owned(),
            settings,
        })
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    fn refusal(&self, place: Place, message: String) -> Refusal {
        Refusal::Faulty(FaultyFile {
            path: self.path.clone(),
            faults: vec![Fault { place, message }],
        })
    }

    /// Returns the place of the first setting that a text names as an option, or whose path or address it contains.
    fn place_of(&self, text: &str) -> Option<Place> {
        let words = text.split(|end: char| !end.is_alphanumeric() && end != '-');
        let mut names = words.filter_map(|word| word.strip_prefix("--"));
        let named = names.find_map(|name| self.setting(name));
        let is_meant = |setting: &&Setting| {
            let mut values = setting.paths_and_addresses();
            values.any(|value| text.contains(value))
        };
        let setting = named.or_else(|| self.settings.iter().find(is_meant));
        setting.map(|setting| setting.place)
    }
}

fn parse_strictly(arguments: &[OsString]) -> Result<ArgMatches, Refusal> {
    let matches = Cli::command().try_get_matches_from(arguments);
    matches.map_err(Refusal::CommandLine)
}
