//! The commands in README, in the book and in the examples: they run, and their options exist.
//!
//! The links of these documents are checked by the tests of xtask.

mod chapter;
mod commands;
mod help;
mod output;
mod terminal;

use std::path::{Path, PathBuf};

use chapter::{Chapter, Step};
use help::Help;
use terminal::Terminal;

/// A document, by its path in the repository.
struct Document {
    name: String,
    text: String,
}

#[tokio::test]
async fn commands_marked_as_run_print_what_the_documents_show() {
    let mut faults = Vec::new();
    let mut runs = 0;
    for document in documents() {
        let chapter = Chapter::parse(&document.text);
        let blocks = chapter.steps.iter().filter(|step| step.is_run()).count();
        if blocks == 0 {
            continue;
        }
        runs += blocks;
        if let Err(fault) = play(&chapter).await {
            faults.push(format!("{}: {fault}", document.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(runs > 20, "only {runs} blocks are marked");
}

/// Runs the blocks of a chapter, in their order and in one folder.
async fn play(chapter: &Chapter) -> Result<(), String> {
    let mut terminal = Terminal::new();
    if !chapter.begins_with_server() {
        terminal.start_server(&[]).await;
    }
    for step in &chapter.steps {
        match step {
            Step::Server(options) => {
                terminal.close_all().await;
                terminal.start_server(options).await;
            }
            Step::Run(block) => terminal.run(block).await?,
            Step::Open(block) => terminal.open(block).await?,
        }
    }
    terminal.close_all().await;
    Ok(())
}

#[tokio::test]
async fn every_option_named_in_the_documents_exists() {
    let help = Help::read().await;
    let mut faults = Vec::new();
    let mut found = 0;
    for document in documents() {
        for command in commands::of(&document.text) {
            found += command.options.len();
            for option in &command.options {
                if !help.has(command.words.as_deref(), option) {
                    let line = command.line;
                    faults.push(format!("{}:{line}: no option {option}", document.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found > 100, "only {found} options were found");
}

#[tokio::test]
async fn every_option_of_the_server_is_in_the_reference() {
    let help = Help::read().await;
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let text = std::fs::read_to_string(book.join("reference/options.md")).expect("a chapter");
    let is_listed = |option: &&&str| {
        let ends = [" ", "`"].map(|end| format!("`{option}{end}"));
        ends.iter().any(|start| text.contains(start))
    };
    let options = help.of_server();
    let missing: Vec<_> = options.iter().filter(|one| !is_listed(one)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(options.len() > 40, "{options:?}");
}

#[tokio::test]
async fn every_variable_of_the_image_exists() {
    let help = Help::read().await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/Dockerfile");
    let text = std::fs::read_to_string(file).expect("the file of the image");
    let is_end = |c: char| !c.is_ascii_uppercase() && c != '_';
    let names = text.match_indices("CARILLON_");
    let names = names.filter_map(|(at, _)| text[at..].split(is_end).next());
    let names: Vec<_> = names.collect();
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| !help.has_variable(name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(names.len() > 3, "{names:?}");
}

/// Returns the documents for users: README in both languages, the book, and the texts beside examples and deployment.
fn documents() -> Vec<Document> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![root.join("README.md"), root.join("README.ko.md")];
    for folder in ["docs", "examples", "deploy"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let read = |file: PathBuf| Document {
        name: file
            .strip_prefix(&root)
            .unwrap_or(&file)
            .display()
            .to_string(),
        text: std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display())),
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder of the repository");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}
