//! The blocks of a document that the test runs.
//!
//! | in the document | meaning |
//! |---|---|
//! | a fence `sh,run` | the lines are a script, which must succeed |
//! | a fence `console,run` | each line after `$ ` is a command; the lines after it are its output |
//! | a fence `console,open` | the same with one command that keeps running, in a terminal of its own |
//! | `<!-- server OPTIONS -->` | the open terminals are closed, and the server starts again with these options |
//!
//! A document that does not begin with such a comment begins with a server with default options.

/// The parts of a document to run, in order.
pub struct Chapter {
    pub steps: Vec<Step>,
}

#[derive(Debug, PartialEq)]
pub enum Step {
    Server(Vec<String>),
    Run(Block),
    Open(Block),
}

impl Step {
    /// Returns true for a block of commands.
    pub fn is_run(&self) -> bool {
        !matches!(self, Self::Server(_))
    }
}

/// A block of commands.
#[derive(Debug, PartialEq)]
pub struct Block {
    /// The line of the fence in the document, from 1.
    pub line: usize,
    pub commands: Vec<Command>,
}

#[derive(Debug, PartialEq)]
pub struct Command {
    pub text: String,
    /// The expected lines of output, or `None` if the document does not show the output.
    pub output: Option<Vec<String>>,
}

impl Chapter {
    pub fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        for part in parts(text) {
            match part {
                Part::Comment(comment) => {
                    if let Some(options) = comment.strip_prefix("server") {
                        let options = options.split_whitespace().map(str::to_owned);
                        steps.push(Step::Server(options.collect()));
                    }
                }
                Part::Fence { line, info, lines } => match info {
                    "sh,run" => steps.push(Step::Run(script(line, &lines))),
                    "console,run" => steps.push(Step::Run(session(line, &lines))),
                    "console,open" => steps.push(Step::Open(session(line, &lines))),
                    _ => {}
                },
            }
        }
        Self { steps }
    }

    /// Returns true if the document starts its first server itself.
    pub fn begins_with_server(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Server(_)))
    }
}

/// A part of a document that is not prose.
pub enum Part<'a> {
    Comment(&'a str),
    Fence {
        line: usize,
        info: &'a str,
        /// The lines without the indentation of the fence.
        lines: Vec<&'a str>,
    },
}

/// Returns the comments on a line of their own, and the fenced blocks.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some(info) = trimmed.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line);
            let inside = inside.take_while(|line| line.trim() != "```");
            let unindented = inside.map(|line| line.get(indent..).unwrap_or_default());
            parts.push(Part::Fence {
                line: index + 1,
                info: info.trim(),
                lines: unindented.collect(),
            });
        } else if let Some(comment) = comment(trimmed) {
            parts.push(Part::Comment(comment));
        }
    }
    parts
}

fn comment(line: &str) -> Option<&str> {
    let inside = line.strip_prefix("<!--")?.trim_end().strip_suffix("-->")?;
    Some(inside.trim())
}

fn script(line: usize, lines: &[&str]) -> Block {
    let command = Command {
        text: lines.join("\n"),
        output: None,
    };
    Block {
        line,
        commands: vec![command],
    }
}

fn session(line: usize, lines: &[&str]) -> Block {
    let mut commands: Vec<Command> = Vec::new();
    for line in lines {
        if let Some(text) = line.strip_prefix("$ ") {
            commands.push(Command {
                text: text.to_owned(),
                output: Some(Vec::new()),
            });
            continue;
        }
        let Some(command) = commands.last_mut() else {
            continue;
        };
        let output = command.output.get_or_insert_default();
        match line.strip_prefix("> ") {
            // The continuation of a command.
            Some(more) if output.is_empty() => command.text += &format!("\n{more}"),
            _ => output.push((*line).to_owned()),
        }
    }
    Block { line, commands }
}

#[test]
fn blocks_and_servers_are_found_in_order() {
    let text = "\
Text.

<!-- server --users ./users.toml -->

1. A list:

   ```console,run
   $ carillon pub a \\
   >   b
   published 1 message to a
   $ carillon health
   ok
   ```

```sh
not run
```

```sh,run
one
two
```
";
    let command = |text: &str, output: &[&str]| Command {
        text: text.to_owned(),
        output: Some(output.iter().map(|&line| line.to_owned()).collect()),
    };
    let steps = Chapter::parse(text).steps;
    let expected = [
        Step::Server(vec!["--users".to_owned(), "./users.toml".to_owned()]),
        Step::Run(Block {
            line: 7,
            commands: vec![
                command("carillon pub a \\\n  b", &["published 1 message to a"]),
                command("carillon health", &["ok"]),
            ],
        }),
        Step::Run(script(19, &["one", "two"])),
    ];
    assert_eq!(steps, expected);
}
