//! Reads the paths of a Rust source file: those of `use` declarations, and those inside the code.
//! Comments, strings and items under `#[cfg(test)]` are skipped.

mod token;

use token::{Token, tokens};

/// A path as written, for example `super::state::BrokerState`.
#[derive(Debug, PartialEq)]
pub struct Path {
    pub segments: Vec<String>,
    pub line: usize,
    /// The names of the inline modules around the path.
    pub inside: Vec<String>,
    /// The name under which `pub use` exports the path, or None.
    pub exported_as: Option<String>,
}

#[derive(Debug, Default)]
pub struct Source {
    pub paths: Vec<Path>,
    /// The names of modules that are declared under `#[cfg(test)]` and have files of their own.
    pub test_modules: Vec<String>,
}

impl Source {
    pub fn parse(text: &str) -> Self {
        let mut parser = Parser {
            tokens: tokens(text),
            next: 0,
            depth: 0,
            inline_modules: Vec::new(),
            source: Self::default(),
        };
        parser.parse();
        parser.source
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    /// The number of braces that are open.
    depth: usize,
    /// Inline modules that are open, with the depth outside them.
    inline_modules: Vec<InlineModule>,
    source: Source,
}

struct InlineModule {
    name: String,
    depth: usize,
}

impl Parser {
    fn parse(&mut self) {
        while self.next < self.tokens.len() {
            match self.text(0) {
                "#" if self.is_test_attribute() => self.skip_item(),
                // `use<'a>` is a bound of a type, not a declaration.
                "use" if self.text(1) != "<" => self.use_declaration(),
                "mod" if self.text(2) == "{" => {
                    let (name, depth) = (self.text(1).to_owned(), self.depth);
                    self.inline_modules.push(InlineModule { name, depth });
                    self.next += 2;
                }
                "{" => {
                    self.depth += 1;
                    self.next += 1;
                }
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    let depth = self.depth;
                    self.inline_modules.pop_if(|module| module.depth == depth);
                    self.next += 1;
                }
                "::" => self.next += 2,
                _ if self.text(1) == "::" => self.path_in_code(),
                _ => self.next += 1,
            }
        }
    }

    /// Returns the text of the token that is `ahead` of the next one, or an empty text at the end.
    fn text(&self, ahead: usize) -> &str {
        let token = self.tokens.get(self.next + ahead);
        token.map_or("", |token| token.text.as_str())
    }

    fn is_test_attribute(&self) -> bool {
        let start: Vec<_> = (1..=5).map(|ahead| self.text(ahead)).collect();
        matches!(start[..], ["[", "cfg", "(", "test", ")"])
            || matches!(start[..], ["[", "cfg", "(", "all", "("]) && self.text(6) == "test"
    }

    /// Skips an item with its attributes, and notes the name of a module that has a file.
    fn skip_item(&mut self) {
        while self.text(0) == "#" {
            self.next += 1;
            self.skip_group("[", "]");
        }
        let mut is_use = false;
        while !matches!(self.text(0), ";" | "") {
            is_use |= self.text(0) == "use";
            if self.text(0) == "mod" && self.text(2) == ";" {
                let name = self.text(1).to_owned();
                self.source.test_modules.push(name);
            }
            if self.text(0) == "{" && !is_use {
                return self.skip_group("{", "}");
            }
            self.next += 1;
        }
    }

    /// Skips the tokens from an opening to its closing one.
    fn skip_group(&mut self, open: &str, close: &str) {
        let mut depth = 0_usize;
        while self.next < self.tokens.len() {
            let text = self.text(0);
            if text == open {
                depth += 1;
            } else if text == close {
                depth -= 1;
            }
            self.next += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn use_declaration(&mut self) {
        let is_public = self.next > 0 && matches!(self.tokens[self.next - 1].text.as_str(), "pub");
        self.next += 1;
        self.use_tree(&[], is_public.into());
    }

    /// Reads a tree of `use`: `a::b`, `a::{b, c as d}`, `a::*`.
    fn use_tree(&mut self, prefix: &[String], visibility: Visibility) {
        let mut segments = prefix.to_vec();
        loop {
            match self.text(0) {
                "{" => {
                    self.next += 1;
                    while !matches!(self.text(0), "}" | ";" | "") {
                        self.use_tree(&segments, visibility);
                        if self.text(0) == "," {
                            self.next += 1;
                        }
                    }
                    self.next += 1;
                    return;
                }
                "::" => self.next += 1,
                "," | "}" | ";" | "as" | "" => break,
                _ => {
                    segments.push(self.text(0).to_owned());
                    self.next += 1;
                }
            }
        }
        let line = self.tokens[self.next - 1].line;
        let mut name = segments.last().cloned();
        if self.text(0) == "as" {
            name = Some(self.text(1).to_owned());
            self.next += 2;
        }
        let exported_as = match visibility {
            Visibility::Public => name,
            Visibility::Private => None,
        };
        self.note(segments, line, exported_as);
    }

    /// Reads a path such as `crate::clock::now_ms` or `Vec::new`.
    fn path_in_code(&mut self) {
        let line = self.tokens[self.next].line;
        let mut segments = vec![self.text(0).to_owned()];
        self.next += 1;
        while self.text(0) == "::" && token::is_word(self.text(1)) {
            segments.push(self.text(1).to_owned());
            self.next += 2;
        }
        self.note(segments, line, None);
    }

    fn note(&mut self, segments: Vec<String>, line: usize, exported_as: Option<String>) {
        let inside = self.inline_modules.iter();
        let inside = inside.map(|module| module.name.clone()).collect();
        self.source.paths.push(Path {
            segments,
            line,
            inside,
            exported_as,
        });
    }
}

#[derive(Clone, Copy)]
enum Visibility {
    Public,
    Private,
}

impl From<bool> for Visibility {
    fn from(is_public: bool) -> Self {
        match is_public {
            true => Self::Public,
            false => Self::Private,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let paths = Source::parse(text).paths;
        let written = paths.iter().map(|path| path.segments.join("::"));
        written.collect()
    }

    #[test]
    fn trees_of_use_are_written_out() {
        assert_eq!(
            paths("use crate::{a, b::{C, self}, d as e};\npub(crate) use super::f::*;"),
            [
                "crate::a",
                "crate::b::C",
                "crate::b::self",
                "crate::d",
                "super::f::*"
            ]
        );
    }

    #[test]
    fn paths_in_code_count_and_those_in_comments_and_strings_do_not() {
        let text = "
            // crate::a::b
            /* crate::c /* nested é */ crate::d */
            fn f<'a>(x: &'a str) -> char { crate::g::h(\"crate::i\", r#\"\" crate::j\"#); '\"' }
            fn k(v: Vec<crate::l::M>) { v.iter::<u8>() }
        ";
        assert_eq!(paths(text), ["crate::g::h", "crate::l::M", "iter"]);
    }

    #[test]
    fn code_for_tests_is_skipped() {
        let source = Source::parse(
            "#[cfg(test)] #[rustfmt::skip] mod allocations;
            #[cfg(test)] use crate::{a, b};
            #[cfg(all(test, not(loom)))] mod tests { use super::*; fn f() { crate::c::d() } }
            use crate::e;",
        );
        assert_eq!(source.test_modules, ["allocations"]);
        assert_eq!(source.paths.len(), 1);
        assert_eq!(source.paths[0].segments, ["crate", "e"]);
    }

    #[test]
    fn a_path_has_its_line_its_inline_modules_and_its_exported_name() {
        let source = Source::parse("pub use a::B as C;\nmod d {\n    use super::E;\n}\nuse f::G;");
        let seen: Vec<_> = source
            .paths
            .iter()
            .map(|path| (path.line, path.inside.concat(), path.exported_as.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                (1, String::new(), Some("C")),
                (3, "d".to_owned(), None),
                (5, String::new(), None),
            ]
        );
    }
}
