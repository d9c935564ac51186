//! The options that `--help` of `carillon` and of its commands lists.

use std::collections::BTreeMap;

use harness::carillon::run;

/// The text of `--help` by the words of the command, such as `user add`.
pub struct Help(BTreeMap<String, String>);

impl Help {
    /// Reads the help of all commands.
    pub async fn read() -> Self {
        let mut texts = BTreeMap::new();
        let mut waiting = vec![Vec::new()];
        while let Some(words) = waiting.pop() {
            let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = run(&[&arguments[..], &["--help"]].concat()).await;
            assert!(output.status.success(), "{words:?}: {output:?}");
            let text = String::from_utf8(output.stdout).expect("text");
            for name in commands(&text) {
                waiting.push([&words[..], &[name.to_owned()]].concat());
            }
            texts.insert(words.join(" "), text);
        }
        Self(texts)
    }

    /// Returns true if a command has an option. Without words, one of the commands must have it.
    pub fn has(&self, words: Option<&[String]>, option: &str) -> bool {
        let Some(words) = words else {
            return self.0.values().any(|text| names(text, option));
        };
        let help = |count: usize| self.0.get(&words.get(..count)?.join(" "));
        let mut texts = [2, 1].into_iter().filter_map(help).peekable();
        match texts.peek() {
            Some(_) => texts.any(|text| names(text, option)),
            // An option of the server, without `serve`.
            None => help(0).is_some_and(|text| names(text, option)),
        }
    }

    /// Returns the options of the server.
    pub fn of_server(&self) -> Vec<&str> {
        let lines = self
            .0
            .get("serve")
            .into_iter()
            .flat_map(|text| text.lines());
        let options = lines.filter_map(|line| {
            let words = line.trim_start();
            let is_option = line.len() - words.len() <= 6 && words.starts_with('-');
            let mut words = words.split([' ', ',']);
            is_option.then(|| words.find(|word| word.starts_with("--")))?
        });
        options.filter(|option| !CLAP.contains(option)).collect()
    }

    /// Returns true if a command reads an environment variable.
    pub fn has_variable(&self, name: &str) -> bool {
        // A help text may break the line after `[env:`. A secret is shown without `=`.
        let mut texts = self.0.values().map(|text| text.split_whitespace());
        texts.any(|mut words| words.any(|word| word.trim_end_matches([']', '=']) == name))
    }
}

/// The options that every program has.
const CLAP: [&str; 2] = ["--help", "--version"];

/// Returns the names in the section "Commands" of a help text, without `help`.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let section = lines.take_while(|line| !line.is_empty());
    // The explanation of a command may continue on the next line, which has a deeper indentation.
    let names = section.filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

fn names(help: &str, option: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    let mut found = help.match_indices(option);
    found.any(|(at, _)| is_end(&help[at + option.len()..]))
}
