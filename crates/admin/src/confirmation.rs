//! The question before a change that cannot be undone.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use anyhow::bail;
use printable::printable;

/// The option that leaves the question out.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Confirmation {
    /// Do not ask; needed if standard input is not a terminal
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Asks once whether to go on. `effect` is a sentence that says what will happen.
    ///
    /// # Errors
    /// The answer is not yes, or standard input is not a terminal.
    pub(crate) fn ask(&self, effect: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let input = io::stdin();
        match input.is_terminal() {
            true => ask(effect, &mut input.lock()),
            false => bail!("{effect} Nothing was changed: add --yes to go on without a question"),
        }
    }
}

fn ask(effect: &str, input: &mut dyn BufRead) -> anyhow::Result<()> {
    let mut out = io::stderr();
    write!(out, "{} Go on? [y/N] ", printable(effect))?;
    out.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

/// Returns a number with its noun.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_goes_on() {
        for (answer, goes_on) in [
            ("y\n", true),
            ("Yes\n", true),
            ("n\n", false),
            ("\n", false),
            ("", false),
            ("yess\n", false),
        ] {
            let answered = ask("All is deleted.", &mut answer.as_bytes());
            assert_eq!(answered.is_ok(), goes_on, "{answer:?}");
        }
    }

    #[test]
    fn yes_leaves_the_question_out() {
        assert!(Confirmation { yes: true }.ask("All is deleted.").is_ok());
    }

    #[test]
    fn nouns_have_their_number() {
        let texts = [0, 1, 2].map(|number| counted(number, "message"));
        assert_eq!(texts, ["0 messages", "1 message", "2 messages"]);
    }
}
