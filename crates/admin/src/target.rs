//! The path and the query of a request.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A path below the address of the server, with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    text: String,
    has_query: bool,
}

impl Target {
    /// Begins with a path that needs no encoding.
    pub(crate) fn new(path: &str) -> Self {
        Self {
            text: path.to_owned(),
            has_query: false,
        }
    }

    /// Adds a part of the path, such as the name of a topic.
    pub(crate) fn part(mut self, part: &str) -> Self {
        self.text.push('/');
        self.text.extend(utf8_percent_encode(part, ENCODED));
        self
    }

    /// Adds a parameter to the query, if it has a value.
    pub(crate) fn query(mut self, name: &str, value: Option<impl fmt::Display>) -> Self {
        if let Some(value) = value {
            self.text.push(if self.has_query { '&' } else { '?' });
            self.has_query = true;
            self.text.push_str(name);
            self.text.push('=');
            let value = value.to_string();
            self.text.extend(utf8_percent_encode(&value, ENCODED));
        }
        self
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The characters that are encoded: all but the unreserved ones (RFC 3986, 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        let target = Target::new("/api/topics").part("a.b/ä %");
        let target = target
            .query("filter", Some("a.>"))
            .query("after", None::<&str>)
            .query("limit", Some(7));
        assert_eq!(
            target.to_string(),
            "/api/topics/a.b%2F%C3%A4%20%25?filter=a.%3E&limit=7"
        );
    }
}
