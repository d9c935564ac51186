use proptest::prelude::*;

use super::like::Pattern;

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
        // The characters of other languages of patterns are themselves.
        ("a.c*[d]?\\", "a.c*[d]?\\", true),
        ("a.c", "abc", false),
    ];
    for (pattern, text, wanted) in table {
        let found = Pattern::new(pattern, None).matches(text);
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
        // Before another character, or last, it is a character itself.
        ("a!b", '!', "a!b", true),
        ("a!", '!', "a!", true),
        // A wildcard can be the one that escapes.
        ("%%%", '%', "%b", false),
        ("%%%", '%', "%%", true),
        ("%__", '%', "_b", true),
        ("äöä_", 'ä', "äö_", true),
    ];
    for (pattern, escape, text, wanted) in table {
        let found = Pattern::new(pattern, Some(escape)).matches(text);
        assert_eq!(found, wanted, "{text:?} LIKE {pattern:?} ESCAPE {escape:?}");
    }
}

/// The definition, without a thought of time.
fn reference(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['%', rest @ ..], _) => (0..=text.len()).any(|taken| reference(rest, &text[taken..])),
        (['_', rest @ ..], [_, after @ ..]) => reference(rest, after),
        ([wanted, rest @ ..], [found, after @ ..]) => wanted == found && reference(rest, after),
        _ => false,
    }
}

proptest! {
    #[test]
    fn matching_is_as_defined(pattern in "[abä_%]{0,8}", text in "[abä]{0,10}") {
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        let wanted = reference(&characters(&pattern), &characters(&text));
        prop_assert_eq!(Pattern::new(&pattern, None).matches(&text), wanted);
    }

    #[test]
    fn a_text_is_like_itself_when_all_of_it_is_escaped(text in "[ab_%!\\\\]{0,8}") {
        let escaped: String = text.chars().flat_map(|character| ['!', character]).collect();
        // Only wildcards and the escape itself are escaped.
        let pattern = escaped.replace("!a", "a").replace("!b", "b").replace("!\\", "\\");
        prop_assert!(Pattern::new(&pattern, Some('!')).matches(&text), "{}", pattern);
    }
}
