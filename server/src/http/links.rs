//! Links within the site, as relative references (RFC 3986, 4.2): they hold behind a proxy that serves the site below a
//! prefix, whether the proxy removes the prefix from its requests or not.

use axum::http::{Uri, uri::PathAndQuery};

/// Returns the reference from a page of the site to another; both paths begin with a slash.
pub fn relative(page: &str, target: &str) -> String {
    match depth(page) {
        0 => format!(".{target}"),
        depth => "../".repeat(depth) + target.trim_start_matches('/'),
    }
}

/// Returns the number of folders between a page and the root of the site.
fn depth(page: &str) -> usize {
    page.matches('/').count().saturating_sub(1)
}

/// The path of a request below a prefix.
#[derive(Debug, PartialEq, Eq)]
pub enum Stripped {
    /// The target without the prefix; the same target if it does not begin with the prefix.
    Target(Uri),
    /// The prefix without a slash after it: relative references do not lead to the site.
    NoSlash,
}

/// Removes the prefix of the public address, such as `/carillon` or nothing, from the target of a request. A proxy may have
/// removed it before.
pub fn strip(target: Uri, prefix: &str) -> Stripped {
    if prefix.is_empty() {
        return Stripped::Target(target);
    }
    let path_and_query = target.path_and_query().map(PathAndQuery::as_str);
    match path_and_query.and_then(|path| path.strip_prefix(prefix)) {
        Some(rest) if rest.is_empty() || rest.starts_with('?') => Stripped::NoSlash,
        Some(rest) if rest.starts_with('/') => match rest.parse() {
            Ok(rest) => {
                let mut parts = target.into_parts();
                parts.path_and_query = Some(rest);
                Stripped::Target(Uri::from_parts(parts).unwrap_or_default())
            }
            Err(_) => Stripped::Target(target),
        },
        _ => Stripped::Target(target),
    }
}

/// Returns a path, or a value for a query, with percent-encoding (RFC 3986, 2.1).
pub fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(byte.into());
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_relative_to_the_page() {
        let table = [
            ("/", "/", "./"),
            ("/", "/login", "./login"),
            ("/console", "/login?next=/rect", "./login?next=/rect"),
            ("/console/", "/login", "../login"),
            ("/a/b/c", "/", "../../"),
        ];
        for (page, target, expected) in table {
            assert_eq!(relative(page, target), expected, "{page} {target}");
        }
    }

    #[test]
    fn values_are_percent_encoded() {
        assert_eq!(encoded("/a?b=c&d"), "/a%3Fb%3Dc%26d");
    }

    #[test]
    fn the_prefix_is_removed_from_targets() {
        let table = [
            ("/carillon/", "/carillon", "/"),
            ("/carillon/console?a=/b", "/carillon", "/console?a=/b"),
            ("/console", "/carillon", "/console"),
            ("/carillons/x", "/carillon", "/carillons/x"),
            ("/a/b/c", "/a/b", "/c"),
            ("/console", "", "/console"),
            ("//", "/carillon", "//"),
            ("http://h/carillon/x", "/carillon", "http://h/x"),
            ("*", "/carillon", "*"),
        ];
        for (target, prefix, expected) in table {
            let uri = |text: &str| text.parse::<Uri>().expect("a target");
            let expected = Stripped::Target(uri(expected));
            assert_eq!(strip(uri(target), prefix), expected, "{target}");
        }
        let without_slash = strip(Uri::from_static("/carillon"), "/carillon");
        assert_eq!(without_slash, Stripped::NoSlash);
    }
}
