//! The options that change when the file is read again, at SIGHUP.

use std::ffi::OsString;

use super::{Configuration, values::OptionValue};
use crate::{cli::Command, log::LogFilter, serve};

/// Reads the configuration file of a running server again.
pub struct Reloader {
    /// With the values in force.
    configuration: Configuration,
    log: LogFilter,
}

/// The names of options whose values differ.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// The new values are in force.
    applied: Vec<String>,
    /// The old values are in force until the server is started again.
    deferred: Vec<String>,
}

impl Reloader {
    /// `configuration` has the values in force.
    pub fn new(configuration: Configuration, log: LogFilter) -> Self {
        Self { configuration, log }
    }

    /// Reads the file again. Returns the new options, some of which need a restart. Returns `None` if there is no file or if
    /// it has a fault, which is logged: then nothing changes.
    pub fn reload(&mut self) -> Option<serve::Options> {
        let path = self.configuration.file.as_ref()?.path.clone();
        let path = path.display();
        match self.read_again() {
            Ok((options, changes)) => {
                let (applied, deferred) = (changes.applied.join(" "), changes.deferred.join(" "));
                tracing::info!(%path, changed = applied, "the configuration file was read again");
                if !deferred.is_empty() {
                    tracing::warn!(%path, options = deferred, "these options changed, and need a restart");
                }
                Some(options)
            }
            Err(faults) => {
                for fault in faults {
                    tracing::error!(
                        %fault,
                        "the configuration file is not used; the old values stay in force"
                    );
                }
                None
            }
        }
    }

    fn read_again(&mut self) -> Result<(serve::Options, Changes), Vec<String>> {
        let arguments = self.configuration.arguments.clone();
        let (cli, new) = Configuration::parse(arguments).map_err(|refusal| refusal.lines())?;
        let serve = match cli.command {
            Some(Command::Serve(options)) => options,
            _ => Box::new(cli.serve),
        };
        let lines =
            |faults: Vec<anyhow::Error>| faults.iter().map(|one| format!("{one:#}")).collect();
        let faults = new.faults(&serve);
        if !faults.is_empty() {
            return Err(lines(faults));
        }
        let options = serve.server_options().map_err(|fault| lines(vec![fault]))?;
        self.log
            .replace(&serve.log)
            .map_err(|fault| lines(vec![fault]))?;
        let changes = apply(&mut self.configuration.values, new.values);
        self.configuration.file = new.file;
        Ok((options, changes))
    }
}

/// Takes over the new values that need no restart.
fn apply(in_force: &mut [OptionValue], new: Vec<OptionValue>) -> Changes {
    let mut changes = Changes::default();
    for (old, new) in in_force.iter_mut().zip(new) {
        if old.values == new.values {
            continue;
        }
        if is_reloadable(&old.name, &old.values, &new.values) {
            changes.applied.push(new.name.clone());
            *old = new;
        } else {
            changes.deferred.push(new.name);
        }
    }
    changes
}

fn is_reloadable(name: &str, old: &[OsString], new: &[OsString]) -> bool {
    let is_file = REPLACEABLE_FILES.contains(&name) && !old.is_empty() && !new.is_empty();
    is_file || RELOADABLE.contains(&name)
}

/// The options whose new values are in force at once: see [`serve::Options`] and [`LogFilter`].
const RELOADABLE: [&str; 5] = ["allow-host", "allow-origin", "grace", "log", "policy"];
/// Files that another file can replace. To have one at all, or none any more, needs a restart.
const REPLACEABLE_FILES: [&str; 5] = [
    "tls-cert",
    "tls-client-ca",
    "tls-client-crl",
    "tls-key",
    "users",
];

#[cfg(test)]
mod tests {
    use super::{super::definitions::Definitions, *};

    #[test]
    fn options_that_are_reloaded_exist() {
        let definitions = Definitions::new();
        for name in RELOADABLE.iter().chain(&REPLACEABLE_FILES) {
            assert!(definitions.find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_file_is_replaced_by_another_file_only() {
        let one = [OsString::from("one")];
        let table = [
            ("users", &one[..], &one[..], true),
            ("users", &[], &one, false),
            ("users", &one, &[], false),
            ("log", &one, &[], true),
            ("listen", &one, &one, false),
        ];
        for (name, old, new, expected) in table {
            assert_eq!(
                is_reloadable(name, old, new),
                expected,
                "{name} {old:?} {new:?}"
            );
        }
    }
}
