//! The command-line options.

use std::time::Duration;

/// The pages that are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pages {
    /// Rectangle, chart and console.
    Demo,
    /// The live tail of a topic, and a board.
    Tools,
    /// The tree of topics.
    Tree,
}

impl Pages {
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Tools => "tools",
            Self::Tree => "tree",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub pages: Pages,
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
            pages: Pages::Demo,
            rate: 5_000,
            duration: Duration::from_secs(60),
        };
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--pages" => {
                    let name = arguments.next();
                    options.pages = [Pages::Demo, Pages::Tools, Pages::Tree]
                        .into_iter()
                        .find(|pages| Some(pages.name()) == name.as_deref())
                        .ok_or("--pages needs demo, tools or tree")?;
                }
                "--rate" => options.rate = number(&argument, arguments.next())?,
                "--seconds" => {
                    let seconds = number(&argument, arguments.next())?;
                    options.duration = Duration::from_secs(seconds.into());
                }
                unknown => return Err(format!("unknown option {unknown}")),
            }
        }
        Ok(options)
    }
}

fn number(option: &str, text: Option<String>) -> Result<u32, String> {
    let number = text.and_then(|text| text.parse().ok());
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| format!("{option} needs a whole number above 0"))
}
