use proptest::prelude::*;

use super::like::Pattern;

pub(super) fn compiled(text: &str, escape: Option<char>) -> Pattern {
    Pattern::new(text, escape).expect("a pattern")
}

#[test]
fn patterns_match_whole_strings() {
    let table = [
        ("", "", true),
        ("", "a", false),
        ("a", "a", true),
        ("a", "A", false),
        ("a", "ab", false),
        ("a", "ba", false),
        ("a", "", false),
        ("%", "", true),
        ("%", "a\nb", true),
        ("_", "a", true),
        ("_", "\n", true),
        ("_", "ä", true),
        ("_", "", false),
        ("_", "ab", false),
        ("a%", "a", true),
        ("a%", "abc", true),
        ("a%", "ba", false),
        ("%a", "a", true),
        ("%a", "ba", true),
        ("%a", "ab", false),
        ("%a", "abca", true),
        ("%a%", "bab", true),
        ("%a%", "b", false),
        ("a%b", "ab", true),
        ("a%b", "acb", true),
        ("a%b", "acbc", false),
        ("a%b%c", "a.b.b.c", true),
        ("a%b%c", "a.c.b", false),
        ("%ab_c%", "ababxc", true),
        ("_%_", "a", false),
        ("_%_", "ab", true),
        ("%_", "", false),
        ("12%3", "12993", true),
        ("12%3", "1234", false),
        ("l_se", "lose", true),
        ("l_se", "loose", false),
        ("größe%", "größer", true),
        // Characters matched at one end are not available to the other.
        ("ab%ba", "aba", false),
        ("ab%ba", "abba", true),
        ("%a_%_b%", "a.b", false),
        ("%a_%_b%", "a..b", true),
        ("%a%a%a%", "aa", false),
        ("%a_a%a_a%", "a.a.a", false),
        ("%a_a%a_a%", "a.aa.a", true),
        ("%%a%%", "a", true),
        // The leftmost match is one that leaves room for the next part.
        ("%a_c%a_c", "abcaxc", true),
        ("%aab%b_b%", "aaabbxb", true),
        // Different characters with the same lowest bits.
        ("%a_%", "šá", false),
        ("%š_%", "aš👡", true),
        ("%_👡%", "a\u{f461}", false),
        // Wildcards of other pattern languages are ordinary characters.
        ("a.c*[d]?\\", "a.c*[d]?\\", true),
        ("a.c", "abc", false),
    ];
    for (pattern, text, wanted) in table {
        let found = compiled(pattern, None).matches(text);
        assert_eq!(found, wanted, "{text:?} LIKE {pattern:?}");
    }
}

#[test]
fn an_escaped_wildcard_is_a_character() {
    let table = [
        ("\\_%", '\\', "_foo", true),
        ("\\_%", '\\', "bar", false),
        ("a!%", '!', "a%", true),
        ("a!%", '!', "ab", false),
        ("a!!", '!', "a!", true),
        ("a!!", '!', "a!!", false),
        ("a!!%", '!', "a!b", true),
        // Before an ordinary character, or last, the escape character is an ordinary character.
        ("a!b", '!', "a!b", true),
        ("a!", '!', "a!", true),
        // A wildcard can be the escape character.
        ("%%%", '%', "%b", false),
        ("%%%", '%', "%%", true),
        ("%__", '%', "_b", true),
        ("äöä_", 'ä', "äö_", true),
    ];
    for (pattern, escape, text, wanted) in table {
        let found = compiled(pattern, Some(escape)).matches(text);
        assert_eq!(found, wanted, "{text:?} LIKE {pattern:?} ESCAPE {escape:?}");
    }
}

/// Matches by the definition, in exponential time.
fn reference(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['%', rest @ ..], _) => (0..=text.len()).any(|taken| reference(rest, &text[taken..])),
        (['_', rest @ ..], [_, after @ ..]) => reference(rest, after),
        ([wanted, rest @ ..], [found, after @ ..]) => wanted == found && reference(rest, after),
        _ => false,
    }
}

/// Matches long patterns in quadratic time: computes the prefixes of the text that each piece can
/// end.
fn by_table(pattern: &[char], text: &[char]) -> bool {
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for piece in pattern {
        if *piece == '%' {
            let first = ends.iter().position(|end| *end).unwrap_or(ends.len());
            ends[first..].fill(true);
        } else {
            let fits = |found: &char| *piece == '_' || piece == found;
            for at in (0..text.len()).rev() {
                ends[at + 1] = ends[at] && fits(&text[at]);
            }
            ends[0] = false;
        }
    }
    ends[text.len()]
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Worst cases for simple matchers: almost every piece matches at almost every position.
#[test]
fn patterns_that_almost_match_are_distinguished() {
    let bodies = ["a", "ab", "aab", "abaab", "äa"].map(|body| body.repeat(70));
    let edges = ["", "b", "a", "ä", "_", "aa_", "%", "_a%"];
    let cut = |text: &str, length| text.chars().take(length).collect::<String>();
    for (body, before, after) in bodies
        .iter()
        .flat_map(|body| edges.map(|before| (body, before)))
        .flat_map(|(body, before)| edges.map(|after| (body, before, after)))
    {
        for length in [1, 31, 61, 64] {
            let pattern = format!("%{before}{}{after}%", cut(body, length));
            let Ok(found) = Pattern::new(&pattern, None) else {
                continue;
            };
            let doubled = format!("{body}b{body}");
            for text in [
                &**body,
                &doubled,
                &cut(body, length),
                &cut(body, length + 1),
            ] {
                let wanted = by_table(&characters(&pattern), &characters(text));
                assert_eq!(found.matches(text), wanted, "{text:?} LIKE {pattern:?}");
            }
        }
    }
}

/// Uses the bits of the first and the last of 64 pieces.
#[test]
fn a_part_of_maximum_length_is_found() {
    let part = format!("b{}_{}b", "a".repeat(40), "ä".repeat(21));
    let pattern = compiled(&format!("%{part}%c"), None);
    for (text, wanted) in [
        (format!("{part}c"), true),
        (format!("a{part}c"), true),
        (format!("{part}bc"), true),
        (format!("{}c", &part[1..]), false),
        (format!("{}ac", &part[..part.len() - 1]), false),
        (part.replacen('a', "", 1) + "c", false),
        (part.repeat(2), false),
    ] {
        assert_eq!(pattern.matches(&text), wanted, "{text:?}");
    }
}

proptest! {
    #[test]
    fn matching_equals_the_definition(pattern in "[abä_%]{0,8}", text in "[abä]{0,10}") {
        let (pieces, text_characters) = (characters(&pattern), characters(&text));
        let wanted = reference(&pieces, &text_characters);
        prop_assert_eq!(compiled(&pattern, None).matches(&text), wanted);
        prop_assert_eq!(by_table(&pieces, &text_characters), wanted);
    }

    #[test]
    fn matching_long_patterns_equals_the_definition(
        pattern in "[aaaab_%]{0,60}",
        text in "[aaaaaaaab]{0,300}",
    ) {
        let wanted = by_table(&characters(&pattern), &characters(&text));
        prop_assert_eq!(compiled(&pattern, None).matches(&text), wanted);
    }

    #[test]
    fn characters_match_only_as_a_whole(
        pattern in "%[aašá👡\u{f461}_%]{0,6}%",
        text in "[ašá👡\u{f461}]{0,12}",
    ) {
        let wanted = by_table(&characters(&pattern), &characters(&text));
        prop_assert_eq!(compiled(&pattern, None).matches(&text), wanted);
    }

    #[test]
    fn a_fully_escaped_text_matches_itself(text in "[ab_%!\\\\]{0,8}") {
        let escaped: String = text.chars().flat_map(|character| ['!', character]).collect();
        // Only wildcards and the escape character may be escaped.
        let pattern = escaped.replace("!a", "a").replace("!b", "b").replace("!\\", "\\");
        prop_assert!(compiled(&pattern, Some('!')).matches(&text), "{}", pattern);
    }
}
