//! Compares the output of a command with the output that a document shows.

/// Returns true if the printed lines are the expected ones. In the expected lines, `…` stands for any text in a line, and
/// a line `...` for any number of lines. The number of spaces between words does not matter.
pub fn matches(expected: &[String], printed: &[&str]) -> bool {
    let Some((first, rest)) = expected.split_first() else {
        return printed.is_empty();
    };
    if first.trim() == "..." {
        return (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]));
    }
    let Some((line, others)) = printed.split_first() else {
        return false;
    };
    line_matches(&words(first), &words(line)) && matches(rest, others)
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line_matches(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let mut is_open = false;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        is_open = part.is_empty();
    }
    // A part may occur more than once: then the last one counts.
    is_open || rest.is_empty() || expected.contains('…') && ends_with_last(expected, printed)
}

fn ends_with_last(expected: &str, printed: &str) -> bool {
    let last = expected.rsplit('…').next();
    last.is_some_and(|last| printed.ends_with(last))
}

#[test]
fn gaps_stand_for_any_text() {
    let matches = |expected: &str, printed: &str| {
        let expected: Vec<_> = expected.lines().map(str::to_owned).collect();
        matches(&expected, &printed.lines().collect::<Vec<_>>())
    };
    assert!(matches("a  b", "a b"));
    assert!(!matches("a", "a\nb"));
    assert!(!matches("a\nb", "a"));
    assert!(matches("a\n...\nd", "a\nb\nc\nd"));
    assert!(matches("a\n...", "a"));
    assert!(matches(
        "{\"id\":\"…\",\"n\":1}",
        "{\"id\":\"7-1\",\"n\":1}"
    ));
    assert!(!matches(
        "{\"id\":\"…\",\"n\":1}",
        "{\"id\":\"7-1\",\"n\":2}"
    ));
    assert!(matches(
        "message … failed",
        "message 1 of failed things failed"
    ));
    assert!(matches("at …", "at 10:00"));
}
