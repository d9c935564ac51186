//! A test that finds English texts outside `texts`: every text that a reader sees must be one of the table.
//!
//! It reads the sources, without the tests in them, and examines each string literal. A literal is a text if it has the form
//! of words ("Jump to newest", "Pause"), or if it is content or a text attribute of an element in `view!`.

use std::{fs, path::Path};

#[test]
fn every_text_of_the_pages_is_in_the_table() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    examine_folder(&sources, &mut found);
    assert!(
        found.is_empty(),
        "move to app/src/texts, in both languages:\n{}",
        found.join("\n")
    );
}

#[test]
fn texts_are_told_from_other_literals() {
    let table = [
        (r#"view! { <p>"Hello"</p> }"#, true),
        (r#"view! { <p>{name} " of " {all}</p> }"#, true),
        (r#"view! { <dt>"per second"</dt> }"#, true),
        (r#"view! { <b title="of">{x}</b> }"#, true),
        (
            r#"view! { <section aria-label="messages" class="a b" /> }"#,
            true,
        ),
        (r#"live_text(move || "Pause")"#, true),
        (r#"tile("greatest lag", of)"#, true),
        (r#"format!("Deleted {messages}.")"#, true),
        (r#"format!("{count} messages")"#, true),
        (r##"Some(r#"Not "this"."#)"##, true),
        (
            r#"view! { <p class="a b" id="x-1">{texts::page::SKIP.get()}</p> }"#,
            false,
        ),
        (r#"view! { <span translate="no">"Carillon"</span> }"#, false),
        (r#"view! { <p>": " {"404"}</p> }"#, false),
        (r#"format!("translateY({}px)", top)"#, false),
        (
            r#"match name { "Delete" | "Undo" => "POST", _ => "Enter" }"#,
            false,
        ),
        (r#"// "A comment" and 'a', "another one""#, false),
        (
            "/// \"Words in documentation\"\nlet quote = '\"'; let a: &'static str = \"x\";",
            false,
        ),
        (r#"number.expect("a visible invariant")"#, false),
        (
            "#[cfg(test)]\nmod tests { fn f() { \"Words here\" } }",
            false,
        ),
    ];
    for (source, has_text) in table {
        let found = texts(source);
        assert_eq!(!found.is_empty(), has_text, "{source}: {found:?}");
    }
}

fn examine_folder(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.expect("a name in UTF-8");
        if path.is_dir() && name != "texts" {
            examine_folder(&path, found);
        } else if name.ends_with(".rs") && !is_test(name) && !is_of_api(&path) {
            let source = fs::read_to_string(&path).expect("a source");
            let texts = texts(&source).into_iter();
            found.extend(texts.map(|(line, text)| format!("{}:{line}: {text:?}", path.display())));
        }
    }
}

/// True for a file that is only a test.
fn is_test(name: &str) -> bool {
    name.ends_with("_tests.rs") || name == "untranslated.rs"
}

/// True for a file whose texts are problems of the API, which are English.
fn is_of_api(path: &Path) -> bool {
    OF_THE_API.iter().any(|file| path.ends_with(file))
}

/// Returns the texts of a source, with their lines.
fn texts(source: &str) -> Vec<(usize, String)> {
    let end = TEST_MODULES.iter().filter_map(|start| source.find(start));
    let source = &source[..end.min().unwrap_or(source.len())];
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    let literals = literals(source).into_iter();
    literals
        .filter(|literal| literal.is_text())
        .map(|literal| (line(literal.at), literal.text.to_owned()))
        .collect()
}

/// A string literal in a source.
#[derive(Debug)]
struct Literal<'a> {
    text: &'a str,
    at: usize,
    /// The source before the literal without the space at its end.
    before: &'a str,
    /// True for a pattern of `match`.
    is_pattern: bool,
    is_in_view: bool,
}

impl Literal<'_> {
    fn is_text(&self) -> bool {
        if !self.text.contains(|one: char| one.is_ascii_alphabetic())
            || NO_TEXTS.contains(&self.text)
            || self.is_pattern
            || NO_TEXT_AFTER.iter().any(|end| self.before.ends_with(end))
        {
            return false;
        }
        if let Some(attribute) = self.attribute() {
            return TEXT_ATTRIBUTES.contains(&attribute);
        }
        let is_content = self.is_in_view
            && (self.before.ends_with(['}', '"'])
                || (self.before.ends_with('>') && !self.before.ends_with("=>")));
        is_content || has_words(self.text)
    }

    /// Returns the name of the attribute of which this is the value.
    fn attribute(&self) -> Option<&str> {
        let before = self.before.strip_suffix('=').filter(|_| self.is_in_view)?;
        let start = before.rfind(|one: char| !(one.is_alphanumeric() || "-_:#".contains(one)));
        Some(&before[start.map_or(0, |start| start + 1)..])
    }
}

/// True for a literal with two words in a row, with a capitalised word at its start, or with a word after a placeholder.
fn has_words(text: &str) -> bool {
    let words: Vec<_> = text.split([' ', '\u{a0}']).map(bare).collect();
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|one| one.is_ascii_alphabetic());
    let is_lower = |word: &&str| is_word(word) && word.bytes().all(|one| one.is_ascii_lowercase());
    let two = words.windows(2).any(|pair| {
        let first = is_word(&pair[0]) || (pair[0].starts_with('{') && pair[0].ends_with('}'));
        first && is_lower(&pair[1])
    });
    let first = words.first().copied().unwrap_or_default();
    let is_capitalised = is_word(&first)
        && first.starts_with(|one: char| one.is_ascii_uppercase())
        && is_lower(&&first[1..]);
    two || is_capitalised
}

/// Returns a word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|one: char| ".,:;!?…“”’()".contains(one))
}

/// Returns the string literals of a source outside comments.
fn literals(source: &str) -> Vec<Literal<'_>> {
    let mut literals = Vec::new();
    let mut depth = 0;
    // The depths of the braces of `view!`.
    let mut views = Vec::new();
    let mut at = 0;
    while let Some(one) = source[at..].chars().next() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if let Some((text, length)) = string(rest) {
            literals.push(Literal {
                text,
                at,
                before: source[..at].trim_end(),
                is_pattern: rest[length..].trim_start().starts_with(['|', '=']),
                is_in_view: !views.is_empty(),
            });
            at += length;
        } else if let Some(length) = character(rest) {
            at += length;
        } else {
            if one == '{' {
                depth += 1;
                if source[..at].trim_end().ends_with("view!") {
                    views.push(depth);
                }
            } else if one == '}' {
                if views.last() == Some(&depth) {
                    views.pop();
                }
                depth -= 1;
            }
            at += one.len_utf8();
        }
    }
    literals
}

/// Returns the content of the string literal at the start of a text, and the length of the literal.
fn string(rest: &str) -> Option<(&str, usize)> {
    if let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[hashes..].strip_prefix('"')?;
        let end = content.find(&format!("\"{}", "#".repeat(hashes)))?;
        return Some((&content[..end], end + 2 * hashes + 3));
    }
    let content = rest.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = content.find(|one: char| {
        let is_end = one == '"' && !is_escaped;
        is_escaped = one == '\\' && !is_escaped;
        is_end
    })?;
    Some((&content[..end], end + 2))
}

/// Returns the length of the character literal at the start of a text; `None` also for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let content = rest.strip_prefix('\'')?;
    let mut characters = content.char_indices();
    let (_, first) = characters.next()?;
    if first == '\\' {
        return content[1..].find('\'').map(|end| end.max(1) + 3);
    }
    let (end, quote) = characters.next()?;
    (quote == '\'').then_some(end + 2)
}

/// Files whose texts are problems of the API as well; paths below `app/src`.
const OF_THE_API: &[&str] = &["boards/read.rs", "boards/mod.rs"];

const TEST_MODULES: [&str; 2] = ["#[cfg(test)]\nmod ", "#[cfg(all(test"];

/// The attributes, and the arguments of components, that a reader sees or hears.
const TEXT_ATTRIBUTES: [&str; 9] = [
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "title",
    "placeholder",
    "alt",
    "label",
    "none",
    "lacking",
];

/// Literals after these are no texts of a page.
const NO_TEXT_AFTER: [&str; 6] = [
    "expect(",
    "reason =",
    "feature =",
    "starts_with(",
    "ends_with(",
    "==",
];

/// Literals that are the same in all languages, or no texts although they look like words.
const NO_TEXTS: [&str; 15] = [
    // Names of tags in the registry of CBOR.
    "negative bignum",
    "decimal fraction",
    // Classes of the style sheet.
    "outcome refused",
    "picture scrolls",
    // Names.
    "Carillon",
    "Carillon ",
    "NDJSON",
    "CSV",
    "Ctrl K",
    // Keys (UI Events, "key").
    "End",
    "Enter",
    "Escape",
    "Home",
    // Classes of the style sheet.
    "chart drawn",
    "square smooth",
];
