//! What is asked for on the command line.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Messages a second, on each of the two topics.
    pub rate: u32,
    pub duration: Duration,
}

impl Options {
    /// # Errors
    ///
    /// What cannot be understood, in words for whoever typed it.
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
            let wants = || format!("{argument} wants a whole number above 0");
            match &*argument {
                "--rate" => options.rate = number().ok_or_else(wants)?,
                "--seconds" => {
                    let seconds: u32 = number().ok_or_else(wants)?;
                    options.duration = Duration::from_secs(seconds.into());
                }
                unknown => return Err(format!("there is no option {unknown}")),
            }
        }
        Ok(options)
    }
}
