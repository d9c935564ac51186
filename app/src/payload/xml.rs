//! XML 1.0 as a tree of its elements. Pure.
//!
//! Tags and texts are shown as they are written: no entity is expanded, nothing is fetched, and nothing is drawn or run, so
//! that a payload of SVG or HTML is text like any other. Checked are the tags (each has its end, attributes have quotes) and
//! that there is one outermost element; the names' characters and the content of a DTD are not.

use std::borrow::Cow;

use super::{
    binary::{DEEPEST, MOST_VALUES, Read},
    tree::{Fault, Kind, Tree, Value},
};
use crate::{language::Text, texts::payload as texts};

/// Reads a text that is one XML document. Offsets of faults are in bytes.
///
/// # Errors
///
/// The first fault, or that a bound is reached (see `binary`).
pub fn read(text: &str) -> Read<Tree<'_>> {
    let mut reader = Reader {
        text,
        at: 0,
        values: 0,
        open: Vec::new(),
        outermost: Vec::new(),
    };
    // The mark of the encoding, which editors add.
    reader.skips("\u{feff}");
    while reader.at < text.len() {
        reader.next()?;
    }
    reader.end()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
    /// The elements around the place, the outermost first.
    open: Vec<Open<'a>>,
    /// The outermost element, and what is beside it.
    outermost: Vec<Tree<'a>>,
}

/// An element whose last tag has not come yet.
struct Open<'a> {
    tag: &'a str,
    name: &'a str,
    at: usize,
    content: Vec<Tree<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads the next tag, text or other part.
    fn next(&mut self) -> Read<()> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(fault(texts::TOO_MANY, self.at));
        }
        let rest = &self.text[self.at..];
        let markup = |text| Tree::plain(Kind::Bracket, text);
        if rest.starts_with("<!--") {
            let comment = self.up_to("-->")?;
            self.add(markup(comment));
        } else if rest.starts_with("<![CDATA[") {
            let at = self.at;
            let section = self.up_to("]]>")?;
            self.add_text(section, at)?;
        } else if rest.starts_with("<?") {
            let instruction = self.up_to("?>")?;
            self.add(markup(instruction));
        } else if rest.starts_with("<!") {
            let declaration = self.declaration()?;
            self.add(markup(declaration));
        } else if rest.starts_with("</") {
            self.last_tag()?;
        } else if rest.starts_with('<') {
            self.first_tag()?;
        } else {
            let at = self.at;
            let end = rest.find('<').unwrap_or(rest.len());
            self.at += end;
            let text = rest[..end].trim();
            if !text.is_empty() {
                self.add_text(text, at)?;
            }
        }
        Ok(())
    }

    fn end(mut self) -> Read<Tree<'a>> {
        if let Some(open) = self.open.pop() {
            return Err(fault(texts::NOT_CLOSED, open.at));
        }
        let is_element = |tree: &&Tree<'_>| matches!(tree.value, Value::Element(..));
        match self.outermost.iter().filter(is_element).count() {
            0 => Err(fault(texts::ENDS_EARLY, self.at)),
            // A document without a declaration or comments is only its element.
            1 if self.outermost.len() == 1 => Ok(self.outermost.remove(0)),
            _ => Ok(Tree::of(Value::Element("", self.outermost, String::new()))),
        }
    }

    fn add(&mut self, tree: Tree<'a>) {
        match self.open.last_mut() {
            Some(open) => open.content.push(tree),
            None => self.outermost.push(tree),
        }
    }

    fn add_text(&mut self, text: &'a str, at: usize) -> Read<()> {
        if self.open.is_empty() {
            return Err(fault(texts::NO_ELEMENT, at));
        }
        self.add(Tree::of(Value::Content(Cow::Borrowed(text))));
        Ok(())
    }

    fn add_element(&mut self, element: Tree<'a>, at: usize) -> Read<()> {
        let is_element = |tree: &Tree<'_>| matches!(tree.value, Value::Element(..));
        if self.open.is_empty() && self.outermost.iter().any(is_element) {
            return Err(fault(texts::MORE_FOLLOWS, at));
        }
        self.add(element);
        Ok(())
    }

    fn first_tag(&mut self) -> Read<()> {
        let start = self.at;
        if !self.text[start + 1..].starts_with(is_first_of_name) {
            return Err(fault(texts::NO_NAME, start));
        }
        let end = self.tag_end(start + 1)?;
        let tag = &self.text[start..=end];
        self.at = end + 1;
        let inner = &tag[1..tag.len() - 1];
        let is_empty = inner.ends_with('/');
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let name = inner.split(char::is_whitespace).next().unwrap_or_default();
        if is_empty {
            let element = Tree::of(Value::Element(tag, Vec::new(), String::new()));
            return self.add_element(element, start);
        }
        if self.open.len() == DEEPEST {
            return Err(fault(texts::TOO_DEEP, start));
        }
        self.open.push(Open {
            tag,
            name,
            at: start,
            content: Vec::new(),
        });
        Ok(())
    }

    fn last_tag(&mut self) -> Read<()> {
        let start = self.at;
        let tag = self.up_to(">")?;
        let name = tag[2..tag.len() - 1].trim_end();
        match self.open.pop() {
            Some(open) if open.name == name => {
                let element = Value::Element(open.tag, open.content, tag.to_owned());
                self.add_element(Tree::of(element), open.at)
            }
            _ => Err(fault(texts::OTHER_END, start)),
        }
    }

    /// Returns the offset of the `>` that ends a first tag. Checks that attributes have a value in quotes.
    fn tag_end(&self, from: usize) -> Read<usize> {
        let mut quote = None;
        let mut is_after_equals = false;
        for (offset, byte) in self.text.as_bytes()[from..].iter().enumerate() {
            let at = from + offset;
            match (quote, *byte) {
                (Some(open), byte) if byte == open => quote = None,
                (_, b'<') => return Err(fault(texts::NOT_CLOSED, from - 1)),
                (Some(_), _) => {}
                (None, byte @ (b'"' | b'\'')) => {
                    if !is_after_equals {
                        return Err(fault(texts::NO_QUOTES, at));
                    }
                    quote = Some(byte);
                    is_after_equals = false;
                }
                (None, b'=') => is_after_equals = true,
                (None, b' ' | b'\n' | b'\t' | b'\r') => {}
                _ if is_after_equals => return Err(fault(texts::NO_QUOTES, at)),
                (None, b'>') => return Ok(at),
                (None, _) => {}
            }
        }
        Err(fault(texts::ENDS_EARLY, from - 1))
    }

    /// Reads `<!DOCTYPE …>` with its part in brackets.
    fn declaration(&mut self) -> Read<&'a str> {
        let start = self.at;
        let mut brackets = 0_u32;
        for (offset, byte) in self.text.as_bytes()[start..].iter().enumerate() {
            match byte {
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                b'>' if brackets == 0 => {
                    self.at = start + offset + 1;
                    return Ok(&self.text[start..self.at]);
                }
                _ => {}
            }
        }
        Err(fault(texts::ENDS_EARLY, start))
    }

    /// Reads up to a mark, and the mark.
    fn up_to(&mut self, mark: &str) -> Read<&'a str> {
        let start = self.at;
        let found = self.text[start..].find(mark);
        let length = found.ok_or_else(|| fault(texts::ENDS_EARLY, start))?;
        self.at = start + length + mark.len();
        Ok(&self.text[start..self.at])
    }

    fn skips(&mut self, text: &str) {
        if self.text[self.at..].starts_with(text) {
            self.at += text.len();
        }
    }
}

fn is_first_of_name(first: char) -> bool {
    first.is_alphabetic() || matches!(first, '_' | ':')
}

const fn fault(what: Text, at: usize) -> Fault {
    Fault { what, at }
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
