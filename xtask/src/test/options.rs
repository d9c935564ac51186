//! The options of `cargo xtask test`.

use anyhow::{Result, bail};

use crate::needs::MissingPrograms;

#[derive(Debug, PartialEq)]
pub struct Options {
    pub scope: Scope,
    pub missing_programs: MissingPrograms,
    /// Arguments of the end-to-end tests: parts of their names, and options of libtest.
    pub filters: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub enum Scope {
    All,
    /// The tests that need nothing but Rust, with few seeds.
    Quick,
    /// The end-to-end tests that the filters select.
    EndToEnd,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            scope: Scope::All,
            missing_programs: MissingPrograms::Install,
            filters: Vec::new(),
        };
        for argument in arguments {
            match argument.as_str() {
                "--quick" => options.scope = Scope::Quick,
                "--no-install" => options.missing_programs = MissingPrograms::Report,
                _ => options.filters.push(argument.clone()),
            }
        }
        if !options.filters.is_empty() {
            if options.scope == Scope::Quick {
                bail!("`--quick` takes no filter: {}", options.filters.join(" "));
            }
            options.scope = Scope::EndToEnd;
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        let arguments: Vec<_> = arguments.iter().map(|&one| one.to_owned()).collect();
        Options::parse(&arguments)
    }

    #[test]
    fn a_filter_selects_end_to_end_tests() -> Result<()> {
        let options = parse(&["--no-install", "mqtt_wills", "--nocapture"])?;
        assert_eq!(options.scope, Scope::EndToEnd);
        assert_eq!(options.missing_programs, MissingPrograms::Report);
        assert_eq!(options.filters, ["mqtt_wills", "--nocapture"]);
        assert_eq!(parse(&["--no-install"])?.scope, Scope::All);
        Ok(())
    }

    #[test]
    fn quick_tests_take_no_filter() -> Result<()> {
        assert_eq!(parse(&["--quick"])?.scope, Scope::Quick);
        assert!(parse(&["--quick", "mqtt_wills"]).is_err());
        Ok(())
    }
}
