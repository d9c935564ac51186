//! The command-line options of `carillon config`.

use clap::{Args, Subcommand};

use super::ServeOptions;

/// The options of `carillon config`.
#[derive(Debug, Args)]
pub struct ConfigOptions {
    /// The command.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The commands of `carillon config`. Both take the options of `carillon serve`, because these win over the file.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report what is wrong in a configuration file, and where. The exit status is 0 if nothing is wrong, 1 if something
    /// is
    Check(Box<ServeOptions>),
    /// Print the options in force, with the source of each: default, file, environment variable or command line. The output
    /// can be used as a configuration file
    Show(Box<ServeOptions>),
}
