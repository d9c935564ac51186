//! The command-line options.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Messages per second on each of the two topics.
    pub rate: u32,
    pub duration: Duration,
}

impl Options {
    /// # Errors
    ///
    /// An option is unknown, or has no valid value. The text is for the user.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            rate: 5_000,
            duration: Duration::from_secs(60),
        };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let number = arguments.next().and_then(|text| text.parse().ok());
                number.filter(|number| *number > 0)
            };
            let needs_number = || format!("{argument} needs a whole number above 0");
            match &*argument {
                "--rate" => options.rate = number().ok_or_else(needs_number)?,
                "--seconds" => {
                    let seconds: u32 = number().ok_or_else(needs_number)?;
                    options.duration = Duration::from_secs(seconds.into());
                }
                unknown => return Err(format!("unknown option {unknown}")),
            }
        }
        Ok(options)
    }
}
