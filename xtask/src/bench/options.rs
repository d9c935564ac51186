//! The options of `bench peers` and `bench growth`: `--name value`, in any order.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// # Errors
    ///
    /// An option is unknown, or has no value.
    pub fn new(arguments: &[String], known: &[&str]) -> Result<Self> {
        let mut pairs = Vec::new();
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let plain = name.strip_prefix("--").unwrap_or_default();
            if !known.contains(&plain) {
                let known: Vec<_> = known.iter().map(|name| format!("--{name}")).collect();
                bail!(
                    "unknown option `{name}`; the options are {}",
                    known.join(", ")
                );
            }
            let value = arguments.next();
            let value = value.with_context(|| format!("{name} has no value"))?;
            pairs.push((plain.to_owned(), value.clone()));
        }
        Ok(Self { pairs })
    }

    fn value(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().rfind(|(one, _)| one == name);
        pair.map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str, default: f64) -> Result<f64> {
        let Some(value) = self.value(name) else {
            return Ok(default);
        };
        let number = value.parse().ok().filter(|number| *number >= 0.0);
        number.with_context(|| format!("--{name} {value} is not a number of at least 0"))
    }

    /// Returns the comma-separated names of an option, or None if it is not given.
    pub fn names(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.value(name)?.split(',').map(str::trim).collect())
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_parsed_and_invalid_ones_are_refused() {
        let owned = |arguments: &[&str]| -> Vec<String> {
            arguments.iter().map(|one| (*one).to_owned()).collect()
        };
        let known = ["rounds", "peers"];
        let options = Options::new(&owned(&["--rounds", "3", "--peers", "a, b"]), &known).unwrap();
        assert_eq!(options.number("rounds", 1.0).unwrap(), 3.0);
        assert_eq!(options.number("seconds", 2.0).unwrap(), 2.0);
        assert_eq!(options.names("peers").unwrap(), ["a", "b"]);
        assert!(options.names("shapes").is_none());
        for wrong in [&["--round", "3"][..], &["--rounds"], &["rounds", "3"]] {
            assert!(Options::new(&owned(wrong), &known).is_err(), "{wrong:?}");
        }
        let options = Options::new(&owned(&["--rounds", "-1"]), &known).unwrap();
        assert!(options.number("rounds", 1.0).is_err());
    }
}
