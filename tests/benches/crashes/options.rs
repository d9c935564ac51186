//! The options of the soak: `--name value`, in any order.

use std::path::PathBuf;
use std::time::Duration;

pub struct Options {
    /// The time of all rounds.
    pub time: Duration,
    /// The time under load before each kill.
    pub every: Duration,
    /// Messages of each publisher in a second.
    pub rate: u32,
    /// The directory of the store.
    pub data: PathBuf,
    /// True if the directory is removed after a run without a failure.
    pub is_temporary: bool,
}

impl Options {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let name = format!("carillon-crashes-{}", std::process::id());
        let mut options = Self {
            time: Duration::from_secs(60 * 60),
            every: Duration::from_secs(60),
            rate: 100,
            data: std::env::temp_dir().join(name),
            is_temporary: true,
        };
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} has no value"))?;
            let number = || {
                let number = value.parse::<u32>().ok().filter(|number| *number > 0);
                number.ok_or_else(|| format!("{name}: `{value}` is not a number above 0"))
            };
            match name.as_str() {
                "--minutes" => options.time = Duration::from_secs(60 * u64::from(number()?)),
                "--every" => options.every = Duration::from_secs(number()?.into()),
                "--rate" => options.rate = number()?,
                "--data" => {
                    options.data = value.into();
                    options.is_temporary = false;
                }
                _ => return Err(format!("unknown option {name}: {USAGE}")),
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "--minutes N, --every SECONDS, --rate MESSAGES-A-SECOND, --data DIRECTORY";
