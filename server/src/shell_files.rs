//! The files that a shell needs to help with `carillon`: completions, and manual pages. Both are made from the definitions of
//! the command line, so they always fit the program.

use std::{fs, io, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

/// The arguments of `carillon completions`.
#[derive(Debug, Args)]
pub struct CompletionsOptions {
    /// The shell. For bash: `carillon completions bash > ~/.local/share/bash-completion/completions/carillon`
    shell: Shell,
}

/// The arguments of `carillon manual`.
#[derive(Debug, Args)]
pub struct ManualOptions {
    /// The directory, created if it is missing; afterwards `man -l DIRECTORY/carillon.1` shows the page of the program
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Prints the completions of a shell for a program.
///
/// # Errors
///
/// Standard output is closed.
pub fn print_completions(options: &CompletionsOptions, mut program: Command) -> anyhow::Result<()> {
    // Into memory first, because the library panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut program, NAME, &mut script);
    io::copy(&mut script.as_slice(), &mut io::stdout().lock()).context("standard output")?;
    Ok(())
}

/// Writes a manual page for a program and one for each of its commands.
///
/// # Errors
///
/// The directory is not writable.
pub fn write_manual(options: &ManualOptions, program: Command) -> anyhow::Result<()> {
    let directory = &options.directory;
    let written =
        fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(program, directory));
    written.with_context(|| directory.display().to_string())
}

const NAME: &str = "carillon";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_completions_of_each_shell_know_commands_and_options() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
            let script = String::from_utf8(script).expect("a text");
            for word in ["serve", "completions", "durable-topics"] {
                assert!(script.contains(word), "{word} in {shell}");
            }
        }
    }

    #[test]
    fn each_command_has_a_manual_page() {
        let directory =
            std::env::temp_dir().join(format!("carillon-manual-{}", std::process::id()));
        let options = ManualOptions { directory };
        write_manual(&options, Cli::command()).expect("a writable directory");
        let pages = fs::read_dir(&options.directory).expect("the directory");
        let pages: BTreeSet<_> = pages
            .map(|page| {
                page.expect("a page")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        fs::remove_dir_all(&options.directory).expect("the directory");
        for command in Cli::command().get_subcommands() {
            let page = format!("carillon-{}.1", command.get_name());
            assert!(pages.contains(&page), "{page} in {pages:?}");
        }
        assert!(pages.contains("carillon.1"));
    }
}
