//! The commands of `carillon` in a document, with their options: in code blocks and in code in a line of prose.

use super::chapter::{Part, parts};

/// A call of `carillon`, or an option that prose names alone.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// The line in the document, from 1.
    pub line: usize,
    /// The words after `carillon` that are not options; `None` for an option alone.
    pub words: Option<Vec<String>>,
    pub options: Vec<String>,
}

/// Returns all commands of a document that have options.
pub fn of(text: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    for part in parts(text) {
        let Part::Fence { line, lines, .. } = part else {
            continue;
        };
        for (index, joined) in join_continued(&lines) {
            commands.extend(calls(&joined, line + 1 + index));
        }
    }
    for (line, code) in inline_code(text) {
        commands.extend(calls(code, line));
        let word = code.split([' ', '=']).next().unwrap_or_default();
        if word.starts_with("--") && !OF_OTHER_PROGRAMS.contains(&word) {
            commands.push(Command {
                line,
                words: None,
                options: vec![word.to_owned()],
            });
        }
    }
    commands.retain(|command| !command.options.is_empty());
    commands
}

/// Joins lines that end with a backslash with the next one. Each line has its index.
fn join_continued(lines: &[&str]) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in lines.iter().enumerate() {
        let text = line.trim_end();
        let part = text.strip_suffix('\\').unwrap_or(text);
        match joined.last_mut() {
            Some((_, last)) if continues => *last += part.trim_start_matches("> "),
            _ => joined.push((index, part.to_owned())),
        }
        continues = text.ends_with('\\');
    }
    joined
}

/// Returns the calls of `carillon` in a line of a shell.
fn calls(line: &str, number: usize) -> Vec<Command> {
    let code = line.split(" #").next().unwrap_or_default();
    let mut commands = Vec::new();
    let mut rest = code.split_whitespace();
    let mut before = None;
    while let Some(word) = rest.next() {
        let is_command = before.is_none_or(starts_command);
        before = Some(word);
        if !is_command || !PROGRAMS.contains(&word.trim_start_matches("$(")) {
            continue;
        }
        let mut command = Command {
            line: number,
            words: Some(Vec::new()),
            options: Vec::new(),
        };
        for word in rest.by_ref() {
            if word == "--" || SEPARATORS.contains(&word) {
                before = Some(word);
                break;
            }
            match word.starts_with("--") {
                true => {
                    let name = word.split(['=', ')', '`', ';']).next().unwrap_or_default();
                    command.options.push(name.to_owned());
                }
                false => command.words.get_or_insert_default().push(word.to_owned()),
            }
            if word.ends_with(';') {
                before = Some(word);
                break;
            }
        }
        commands.push(command);
    }
    commands
}

/// Returns true if the next word of a line is a command, and not an argument of one.
fn starts_command(word: &str) -> bool {
    SEPARATORS.contains(&word) || word.ends_with(';') || word == "$" || word.contains('=')
}

/// Returns the code in the lines of prose, with the number of each line.
fn inline_code(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            let code = line.split('`').skip(1).step_by(2);
            found.extend(code.map(|code| (index + 1, code)));
        }
    }
    found
}

const PROGRAMS: [&str; 3] = [
    "carillon",
    "/usr/local/bin/carillon",
    "target/release/carillon",
];
/// Options of other programs that prose names alone.
const OF_OTHER_PROGRAMS: [&str; 2] = ["--cfg", "--remap-path-prefix"];

const SEPARATORS: [&str; 4] = ["|", "&&", "||", "&"];

#[test]
fn calls_are_found_with_their_options() {
    let text = "\
Use `--data DIR`, or `carillon pub --qos 1 a`.

```sh
seq 3 | carillon pub numbers --quiet && curl --data x http://h   # --comment
carillon serve --users u \\
  --listen 0.0.0.0:80
carillon reply /queue/a --count=1 -- wc --words
docker run --name carillon --read-only carillon --rm
$ PASSWORD=x carillon sub a --json; carillon health --live
```
";
    let found: Vec<_> = of(text)
        .into_iter()
        .map(|one| (one.line, one.options))
        .collect();
    let options = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let expected = [
        (4, options(&["--quiet"])),
        (5, options(&["--users", "--listen"])),
        (7, options(&["--count"])),
        (9, options(&["--json"])),
        (9, options(&["--live"])),
        (1, options(&["--data"])),
        (1, options(&["--qos"])),
    ];
    assert_eq!(found, expected);
}
