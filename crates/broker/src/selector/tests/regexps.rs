use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    let properties: &[(&str, Value<'_>)] = &[("a", Value::Text(text))];
    let pattern = pattern.replace('\'', "''");
    selector(&format!("a REGEXP '{pattern}'")).matches(properties)
}

fn fault(text: &str) -> (SelectorFault, usize) {
    let error = Selector::new(text).expect_err(text);
    (error.fault, error.column)
}

#[test]
fn a_pattern_matches_a_part_of_the_text() {
    let table = [
        ("", "", true),
        ("", "abc", true),
        ("b", "abc", true),
        ("^b", "abc", false),
        ("^a.c$", "abc", true),
        ("^a.c$", "aäc", true),
        ("^a.c$", "a한c", true),
        ("^...$", "한국어", true),
        ("^[가-힣]+$", "한국어", true),
        ("^[가-힣]+$", "한국 어", false),
        ("error|warn", "a warning", true),
        ("(?i)ERROR", "an Error", true),
        ("(?i)größe", "GRÖSSE, GRÖßE", true),
        (r"\d{3}-\d{4}", "call 555-1234 now", true),
        (r"^\d+$", "123", true),
        (r"^\d+$", "12a", false),
        (r"^\w+$", "a_1", true),
        // Classes are those of ASCII.
        (r"^\w+$", "größe", false),
        (r"^\d$", "٣", false),
        (r"^\W$", "ä", true),
        (r"^[\w-]+$", "a-b", true),
        (r"^[^\s,]+$", "a,b", false),
        (r"^[\S]+$", "aä", true),
        (r"(?i)\W", "ks", false),
        (r"(?i)^\w+$", "aK", true),
        (r"(?i)^[^\w]$", "k", false),
        ("(?i)^[가-힣]+$", "한국어", true),
        (r"\bcat\b", "a cat!", true),
        (r"\bcat\b", "concat", false),
        (r"a\Bc", "ac", true),
        ("it's", "it's", true),
        ("a\nb", "a\nb", true),
        ("a.b", "a\nb", false),
        ("(?s)a.b", "a\nb", true),
        ("(?m)^b$", "a\nb\nc", true),
        ("(a+)+$", "aaaa!", false),
    ];
    for (pattern, text, wanted) in table {
        assert_eq!(
            matches(pattern, text),
            wanted,
            "{text:?} REGEXP {pattern:?}"
        );
    }
}

#[test]
fn only_texts_match_and_absent_values_are_unknown() {
    for (text, wanted) in [
        ("colour REGEXP 'l'", true),
        ("colour NOT REGEXP 'l'", false),
        ("NOT colour REGEXP 'x'", true),
        ("five REGEXP '5'", false),
        ("five NOT REGEXP '5'", true),
        ("missing REGEXP ''", false),
        ("missing NOT REGEXP ''", false),
    ] {
        assert_eq!(selector(text).matches(PROPERTIES), wanted, "{text}");
    }
}

#[test]
fn patterns_are_printed_and_read_the_same() {
    for (text, printed) in [
        ("a regexp 'x'", "a REGEXP 'x'"),
        ("not a regexp 'it''s'", "a NOT REGEXP 'it''s'"),
        ("a NOT REGEXP '%_\\'", "a NOT REGEXP '%_\\'"),
        ("\"regexp\" REGEXP ''", "\"regexp\" REGEXP ''"),
        ("body.x REGEXP '^a'", "body.x REGEXP '^a'"),
    ] {
        let Ok(selector) = Selector::new(text) else {
            assert!(text.ends_with("\\'"), "{text}");
            continue;
        };
        assert_eq!(selector.to_string(), printed);
        assert_eq!(super::selector(printed), selector);
    }
    assert_ne!(selector("a REGEXP 'x'"), selector("a REGEXP 'y'"));
}

#[test]
fn an_invalid_pattern_is_refused_with_its_position() {
    for (text, column) in [
        ("a REGEXP '('", 11),
        ("a REGEXP 'ab)'", 13),
        ("a REGEXP 'ä[z-a]'", 13),
        ("a = 1 OR b REGEXP '*'", 20),
        (r"a REGEXP '(a)\1'", 14),
        ("a REGEXP 'a(?=b)'", 12),
        (r"a REGEXP '\p{Nothing}'", 11),
        ("a REGEXP 'a{5,2}'", 12),
    ] {
        let (fault, found) = fault(text);
        assert!(
            matches!(&fault, SelectorFault::InvalidRegexp(detail) if !detail.is_empty()),
            "{fault}"
        );
        assert_eq!(found, column, "{text}: {fault}");
    }
    let (fault, column) = fault("a REGEXP 5");
    assert!(matches!(fault, SelectorFault::Expected { .. }), "{fault}");
    assert_eq!(column, 10);
}

#[test]
fn patterns_that_are_too_large_are_refused() {
    // Each alone would need up to gigabytes.
    for pattern in [
        "[01]*1[01]{30}",
        "(?:a{100}){100}",
        "(?:(?:(?:a{50}){50}){50}){50}",
        r"\p{L}{200}",
        r"(?i)\pL.{60}\pL",
    ] {
        let text = format!("a REGEXP '{pattern}'");
        assert_eq!(
            fault(&text),
            (SelectorFault::RegexpTooLarge, 11),
            "{pattern}"
        );
    }
    let most = Selector::MAX_PATTERN_CHARS;
    let long = format!("a REGEXP '{}'", "a".repeat(most + 1));
    assert_eq!(fault(&long), (SelectorFault::PatternsTooLong, 10));
    let deep = format!("a REGEXP '{}a{}'", "(".repeat(65), ")".repeat(65));
    assert!(matches!(fault(&deep).0, SelectorFault::InvalidRegexp(_)));
}

/// Without a bound, these take 10 ms to 500 ms.
#[test]
fn patterns_with_large_classes_are_refused() {
    for pattern in [
        format!("(?i){}", r"[\W]".repeat(50)),
        format!("(?i){}", r"[\x{0}-\x{10ffff}]".repeat(12)),
        format!("(?i){}", "[ſK-ꭥ]".repeat(20)),
        format!("(?i){}", r"[a[^b]]".repeat(20)),
        format!("(?i){}가-힣{}", "[".repeat(60), "]".repeat(60)),
        format!("(?i){}", r"\pL".repeat(80)),
        r"[^\pL\pN]".repeat(25),
    ] {
        let text = format!("a REGEXP '{pattern}'");
        assert_eq!(fault(&text).0, SelectorFault::RegexpTooLarge, "{pattern}");
    }
}

#[test]
fn common_patterns_fit() {
    for pattern in [
        r"^(\d{1,3}\.){3}\d{1,3}$",
        r"[a-z0-9._-]+@[a-z0-9-]+\.[a-z]{2,}",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}",
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}",
        r#""price":\s*\d{3,}"#,
        "(?i)timeout|refused|unreachable|fatal|critical",
        ".*한국.*",
        r"^[^,]*,[^,]*,\s*$",
    ] {
        assert!(
            Selector::new(&format!("a REGEXP '{pattern}'")).is_ok(),
            "{pattern}"
        );
    }
}

#[test]
fn searches_in_the_body_are_bounded() {
    let chain = |test: &str, count| vec![test; count].join(" OR ");
    for test in ["body LIKE '%a%'", "body.x REGEXP 'a'"] {
        assert!(Selector::new(&chain(test, Selector::MAX_BODY_SEARCHES)).is_ok());
        let (fault, _) = fault(&chain(test, Selector::MAX_BODY_SEARCHES + 1));
        assert_eq!(fault, SelectorFault::TooManyBodySearches);
    }
    assert!(Selector::new(&chain("body LIKE 'a%'", 20)).is_ok());
    assert!(Selector::new(&chain("a REGEXP 'a'", Selector::MAX_SEARCHES)).is_ok());
    let (fault, _) = fault(&chain("a REGEXP 'a'", Selector::MAX_SEARCHES + 1));
    assert_eq!(fault, SelectorFault::TooManySearches);
}
