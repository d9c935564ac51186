//! Splits Rust source text into words and signs, without comments and literals of text.

pub struct Token {
    pub text: String,
    pub line: usize,
}

/// Returns the tokens of a text. A word is a token, `::` is one, every other sign is one.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut scanner = Scanner {
        rest: text,
        line: 1,
        tokens: Vec::new(),
    };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.tokens
}

/// Returns true if a token is a word: an identifier, a keyword or a number.
pub fn is_word(token: &str) -> bool {
    token.starts_with(is_word_character)
}

fn is_word_character(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Scanner<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(block_comment_length(self.rest));
        } else if let Some(length) = text_literal_length(self.rest) {
            self.skip(length);
        } else if self.rest.starts_with('\'') {
            self.skip(quote_length(self.rest));
        } else if self.rest.starts_with(is_word_character) {
            let end = self.rest.find(|c| !is_word_character(c));
            self.take(end.unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("::") {
            self.take(2);
        } else {
            let first = self.rest.chars().next().map_or(0, char::len_utf8);
            match self.rest.starts_with(char::is_whitespace) {
                true => self.skip(first),
                false => self.take(first),
            }
        }
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    fn take(&mut self, length: usize) {
        let text = self.rest[..length].to_owned();
        let line = self.line;
        self.tokens.push(Token { text, line });
        self.skip(length);
    }
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Returns the length of the string literal at the start of a text, or None if there is none.
fn text_literal_length(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|prefix| is_literal_start(text, prefix))?;
    let after = &text[prefix.len()..];
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    let start = prefix.len() + hashes + 1;
    let length = match prefix.ends_with('r') {
        true => {
            let end = format!("\"{}", "#".repeat(hashes));
            text[start..].find(&end).map(|at| start + at + end.len())
        }
        false => escaped_end(&text[start..], '"').map(|at| start + at),
    };
    Some(length.unwrap_or(text.len()))
}

fn is_literal_start(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|after| {
        let after = match prefix.ends_with('r') {
            true => after.trim_start_matches('#'),
            false => after,
        };
        after.starts_with('"')
    })
}

/// Returns the position after the quote that ends a literal with escapes.
fn escaped_end(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            _ if character == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Returns the length of a character literal, or of the quote of a lifetime.
fn quote_length(text: &str) -> usize {
    let mut characters = text[1..].chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) => escaped_end(&text[1..], '\'').map_or(text.len(), |end| 1 + end),
        (Some(character), Some('\'')) => 2 + character.len_utf8(),
        _ => 1,
    }
}
