//! `carillon config check` and `carillon config show`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use super::{Configuration, fault::print_faults, show};
use crate::{
    cli::{ConfigCommand, ConfigOptions, ServeOptions},
    log,
};

/// Runs `carillon config`.
///
/// # Errors
/// There is no file to check, or standard output is closed.
pub fn run(options: &ConfigOptions, configuration: &Configuration) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match &options.command {
        ConfigCommand::Show(_) => out.write_all(show::show(configuration).as_bytes())?,
        ConfigCommand::Check(serve) => {
            let Some(file) = &configuration.file else {
                anyhow::bail!("name the file with --config, or in CARILLON_CONFIG");
            };
            let faults = configuration.faults(serve);
            if !faults.is_empty() {
                let faults = faults.iter().map(|fault| format!("{fault:#}"));
                return Ok(print_faults(faults));
            }
            writeln!(out, "{} has no faults", file.path.display())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

impl Configuration {
    /// Returns the reasons why a server does not start with options that are valid one by one.
    pub(super) fn faults(&self, serve: &ServeOptions) -> Vec<anyhow::Error> {
        let mut faults = Vec::new();
        faults.extend(log::parse_filter(&serve.log).err());
        match serve.server_options() {
            Ok(options) => faults.extend(options.faults()),
            Err(fault) => faults.push(fault),
        }
        faults.into_iter().map(|fault| self.locate(fault)).collect()
    }
}
