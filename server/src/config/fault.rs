//! The faults of a configuration, each with its place in the file.

use std::{fmt, io, path::PathBuf, process::ExitCode};

use access::Place;

/// A fault, and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

/// The reason why the command line and the configuration file give no options.
#[derive(Debug)]
pub enum Refusal {
    /// The command line or the environment has a fault, or asks for help.
    CommandLine(clap::Error),
    /// The configuration file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: io::Error,
    },
    /// The configuration file has faults.
    Faulty(FaultyFile),
}

/// A configuration file with its faults.
#[derive(Debug)]
pub struct FaultyFile {
    pub(super) path: PathBuf,
    pub(super) faults: Vec<Fault>,
}

impl Refusal {
    /// Returns a line for each fault.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::CommandLine(error) => vec![error.to_string()],
            Self::Unreadable { path, reason } => {
                let path = path.display();
                vec![format!(
                    "cannot read the configuration file {path}: {reason}"
                )]
            }
            Self::Faulty(FaultyFile { path, faults }) => {
                let path = path.display();
                faults
                    .iter()
                    .map(|fault| format!("{path}, {fault}"))
                    .collect()
            }
        }
    }

    /// Prints the faults or the help, and returns the exit status.
    pub fn report(&self) -> ExitCode {
        if let Self::CommandLine(error) = self {
            // Fails only if there is no output.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX));
        }
        print_faults(self.lines())
    }
}

/// Prints faults, one on each line. Returns the exit status.
pub(super) fn print_faults(faults: impl IntoIterator<Item = String>) -> ExitCode {
    for fault in faults {
        printable::note(&format!("carillon: {fault}"));
    }
    ExitCode::FAILURE
}
