use super::*;

#[test]
fn valid_selectors_are_accepted_and_printed_canonically() {
    let table = [
        // Conditions of one operand.
        ("yes", "yes"),
        ("TRUE", "TRUE"),
        ("fAlSe", "FALSE"),
        ("", "TRUE"),
        (" \t\r\n\u{c}", "TRUE"),
        // Literals.
        ("a = 'it''s'", "a = 'it''s'"),
        ("a = ''", "a = ''"),
        ("a = '\"'", "a = '\"'"),
        ("a = 57", "a = 57"),
        ("a = 57L", "a = 57"),
        ("a = 0", "a = 0"),
        ("a = 0l", "a = 0"),
        ("a = 0x1F", "a = 31"),
        ("a = 0XffL", "a = 255"),
        ("a = 0xE+1", "a = 14 + 1"),
        ("a = 017", "a = 15"),
        ("a = 00", "a = 0"),
        ("a = 9223372036854775807", "a = 9223372036854775807"),
        ("a = -9223372036854775808", "a = -9223372036854775808"),
        ("a = 7.", "a = 7.0"),
        ("a = .5", "a = 0.5"),
        ("a = 09.5", "a = 9.5"),
        ("a = 7E3", "a = 7000.0"),
        ("a = 57.9e-2", "a = 0.579"),
        ("a = 1e+300", "a = 1e300"),
        ("a = true", "a = TRUE"),
        // Identifiers.
        ("$a_1 = größe", "$a_1 = größe"),
        ("\"content-type\" = 'x'", "\"content-type\" = 'x'"),
        ("\"plain\" = 'x'", "plain = 'x'"),
        ("\"Not\" = 'x'", "\"Not\" = 'x'"),
        ("\"say \"\"hi\"\"\" = 'x'", "\"say \"\"hi\"\"\" = 'x'"),
        ("\"1a\" IS NULL", "\"1a\" IS NULL"),
        ("nota = 1 OR inb = 2", "nota = 1 OR inb = 2"),
        // Signs and arithmetic.
        ("a = -5", "a = -5"),
        ("a = +5", "a = 5"),
        ("a = - -5", "a = --5"),
        ("a = -(5)", "a = -(5)"),
        ("a = -b", "a = -b"),
        ("+a = +b", "+a = +b"),
        ("a-1 = b- -1", "a - 1 = b - -1"),
        ("a + b - c = 0", "a + b - c = 0"),
        ("a - (b - c) = 0", "a - (b - c) = 0"),
        ("(a - b) - c = 0", "(a - b) - c = 0"),
        ("a * b / c % d = 0", "a * b / c % d = 0"),
        ("a * (b + c) = (a * b) + c", "a * (b + c) = a * b + c"),
        ("-(a + b) = 0", "-(a + b) = 0"),
        // Comparisons.
        ("a=b", "a = b"),
        ("a<>'b'", "a <> 'b'"),
        ("a<1", "a < 1"),
        ("a<=1", "a <= 1"),
        ("a>1", "a > 1"),
        ("a>=1", "a >= 1"),
        ("1 < a", "1 < a"),
        ("(a > 1) = (b > 2)", "(a > 1) = (b > 2)"),
        ("a BETWEEN 1 AND 2", "a BETWEEN 1 AND 2"),
        (
            "a + 1 between b - 1 and (c) * 2",
            "a + 1 BETWEEN b - 1 AND c * 2",
        ),
        ("a NOT BETWEEN 1 AND 2", "a NOT BETWEEN 1 AND 2"),
        ("a IN ('b')", "a IN ('b')"),
        ("a in('b','it''s')", "a IN ('b', 'it''s')"),
        ("a NOT IN ('b')", "a NOT IN ('b')"),
        ("a LIKE 'b%_'", "a LIKE 'b%_'"),
        ("a LIKE 'b%%%'", "a LIKE 'b%'"),
        (
            "a LIKE '!%!!!_!b' ESCAPE '!'",
            r"a LIKE '\%!\_!b' ESCAPE '\'",
        ),
        (r"a LIKE '\b' ESCAPE 'x'", r"a LIKE '\b'"),
        ("a not like 'b' escape ''''", "a NOT LIKE 'b'"),
        ("a IS NULL", "a IS NULL"),
        ("(a) is not null", "a IS NOT NULL"),
        (r"a LIKE 'b\!_' ESCAPE '!'", r"a LIKE 'b\\\_' ESCAPE '\'"),
        ("a LIKE '%b%%_' ESCAPE '%'", r"a LIKE '\%b\%_' ESCAPE '\'"),
        ("NOT a IN ('b')", "a NOT IN ('b')"),
        ("NOT NOT a IS NULL", "NOT a IS NOT NULL"),
        ("(a NOT LIKE 'b') = TRUE", "(a NOT LIKE 'b') = TRUE"),
        // Logic.
        ("NOT a", "NOT a"),
        ("NOT NOT a", "NOT NOT a"),
        ("NOT a = 1", "NOT a = 1"),
        ("NOT (a = 1)", "NOT a = 1"),
        ("(NOT a) = TRUE", "(NOT a) = TRUE"),
        ("a AND b and c", "a AND b AND c"),
        ("(a AND b) AND c", "(a AND b) AND c"),
        ("a OR b AND NOT c OR d", "a OR b AND NOT c OR d"),
        ("(a OR b) AND NOT (c OR d)", "(a OR b) AND NOT (c OR d)"),
        (
            "a BETWEEN 1 AND 2 AND b NOT BETWEEN 3 AND 4",
            "a BETWEEN 1 AND 2 AND b NOT BETWEEN 3 AND 4",
        ),
        // Prefixes.
        ("convert_string_expressions:a > 1", "a > 1"),
        ("convert_string_expressions:", "TRUE"),
        (
            " no_convert_string_expressions: a > 1",
            "no_convert_string_expressions:a > 1",
        ),
        (
            "no_convert_string_expressions:convert_string_expressions:a > 1",
            "a > 1",
        ),
    ];
    for (text, printed) in table {
        let selector = selector(text);
        assert_eq!(selector.to_string(), printed, "{text:?}");
        assert_eq!(super::selector(printed), selector, "{text:?}");
    }
}

#[test]
fn invalid_selectors_are_rejected_with_the_column() {
    let table = [
        // Positions that require a value.
        ("(", "column 2: expected a value, found the end"),
        ("a = )", "column 5: expected a value, found \")\""),
        ("a = NULL", "column 5: expected a value, found \"NULL\""),
        ("a = AND", "column 5: expected a value, found \"AND\""),
        ("a = NOT b", "column 5: expected a value, found \"NOT\""),
        ("a AND", "column 6: expected a value, found the end"),
        ("OR a", "column 1: expected a value, found \"OR\""),
        ("NOT", "column 4: expected a value, found the end"),
        ("a = -", "column 6: expected a value, found the end"),
        ("a = 1 + * 2", "column 9: expected a value, found \"*\""),
        ("= 1", "column 1: expected a value, found \"=\""),
        ("# = 1", "column 1: expected a value, found \"#\""),
        ("a = . 5", "column 5: expected a value, found \".\""),
        ("\"\" = 1", "column 1: expected a name, found \"\\\"\\\"\""),
        // Positions that require a condition.
        ("5", "column 1: expected a condition, found a number"),
        ("'a'", "column 1: expected a condition, found a string"),
        ("a + 1", "column 1: expected a condition, found a number"),
        ("-a", "column 1: expected a condition, found a number"),
        ("1 AND a", "column 1: expected a condition, found a number"),
        ("a AND 1", "column 7: expected a condition, found a number"),
        (
            "a OR (b + 1)",
            "column 6: expected a condition, found a number",
        ),
        ("NOT 'a'", "column 5: expected a condition, found a string"),
        // Positions that require a number.
        ("a < 'b'", "column 5: expected a number, found a string"),
        ("'a' >= b", "column 1: expected a number, found a string"),
        ("a > TRUE", "column 5: expected a number, found a condition"),
        (
            "(a = 1) < 2",
            "column 1: expected a number, found a condition",
        ),
        ("a + 'b' = 1", "column 5: expected a number, found a string"),
        ("'a' * b = 1", "column 1: expected a number, found a string"),
        ("-'a' = 1", "column 2: expected a number, found a string"),
        (
            "a BETWEEN 'b' AND 'c'",
            "column 11: expected a number, found a string",
        ),
        (
            "a BETWEEN 1 AND 'c'",
            "column 17: expected a number, found a string",
        ),
        (
            "'a' BETWEEN 1 AND 2",
            "column 1: expected a number, found a string",
        ),
        // Positions that require an identifier.
        (
            "'a' LIKE 'b'",
            "column 1: expected an identifier, found a string",
        ),
        (
            "5 IN ('b')",
            "column 1: expected an identifier, found a number",
        ),
        (
            "a + 1 IS NULL",
            "column 1: expected an identifier, found a number",
        ),
        (
            "TRUE IS NULL",
            "column 1: expected an identifier, found a condition",
        ),
        // Errors inside a test.
        ("a IS 5", "column 6: expected NULL, found \"5\""),
        ("a IS NOT 5", "column 10: expected NULL, found \"5\""),
        (
            "a NOT 5",
            "column 7: expected BETWEEN, IN, LIKE or REGEXP, found \"5\"",
        ),
        (
            "a NOT NULL",
            "column 7: expected BETWEEN, IN, LIKE or REGEXP, found \"NULL\"",
        ),
        ("a BETWEEN 1 OR 2", "column 13: expected AND, found \"OR\""),
        ("a IN 'b'", "column 6: expected \"(\", found \"'b'\""),
        ("a IN ()", "column 7: expected a string, found \")\""),
        ("a IN (5)", "column 7: expected a string, found \"5\""),
        ("a IN ('b',)", "column 11: expected a string, found \")\""),
        (
            "a IN ('b' 'c')",
            "column 11: expected \",\" or \")\", found \"'c'\"",
        ),
        (
            "a IN ('b'",
            "column 10: expected \",\" or \")\", found the end",
        ),
        ("a LIKE b", "column 8: expected a string, found \"b\""),
        (
            "a LIKE 'b' ESCAPE 5",
            "column 19: expected a string of one character, found \"5\"",
        ),
        (
            "a LIKE 'b' ESCAPE ''",
            "column 19: expected a string of one character, found \"''\"",
        ),
        (
            "a LIKE 'b' ESCAPE 'cd'",
            "column 19: expected a string of one character, found \"'cd'\"",
        ),
        // Text after a complete expression.
        (
            "a b",
            "column 3: expected an operator or the end, found \"b\"",
        ),
        (
            "a = 1 = 2",
            "column 7: expected AND, OR or the end, found \"=\"",
        ),
        (
            "a IS NULL LIKE 'b'",
            "column 11: expected AND, OR or the end, found \"LIKE\"",
        ),
        (
            "a = 1)",
            "column 6: expected AND, OR or the end, found \")\"",
        ),
        (
            "(a = 1",
            "column 7: expected AND, OR or \")\", found the end",
        ),
        (
            "(a",
            "column 3: expected an operator or \")\", found the end",
        ),
        (
            "(a + 1 b",
            "column 8: expected an operator or \")\", found \"b\"",
        ),
        (
            "a, b",
            "column 2: expected an operator or the end, found \",\"",
        ),
        ("a == 1", "column 4: expected a value, found \"=\""),
        (
            "a != 1",
            "column 3: expected an operator or the end, found \"!\"",
        ),
        // Errors inside a token.
        ("a = 'b", "column 5: the quote ' is not closed"),
        ("a = 'b''", "column 5: the quote ' is not closed"),
        ("\"a = 1", "column 1: the quote \" is not closed"),
        ("a = 09", "column 5: \"09\" is not a number"),
        ("a = 0x", "column 5: \"0x\" is not a number"),
        ("a = 0xG", "column 5: \"0xG\" is not a number"),
        ("a = 1a", "column 5: \"1a\" is not a number"),
        ("a = 1_000", "column 5: \"1_000\" is not a number"),
        ("a = 1LL", "column 5: \"1LL\" is not a number"),
        ("a = 1.2.3", "column 5: \"1.2.3\" is not a number"),
        ("a = 1e", "column 5: \"1e\" is not a number"),
        ("a = 1e+", "column 5: \"1e+\" is not a number"),
        ("a = 1.5L", "column 5: \"1.5L\" is not a number"),
        (
            "a = 9223372036854775808",
            "column 5: 9223372036854775808 is out of range",
        ),
        (
            "a = -9223372036854775809",
            "column 6: 9223372036854775809 is out of range",
        ),
        (
            "a = 0xFFFFFFFFFFFFFFFFF",
            "column 5: 0xFFFFFFFFFFFFFFFFF is out of range",
        ),
        ("a = 1e999", "column 5: 1e999 is out of range"),
        // Columns count characters, including those of a prefix.
        (
            "größe = 'ä' b",
            "column 13: expected AND, OR or the end, found \"b\"",
        ),
        (
            "convert_string_expressions:5",
            "column 28: expected a condition, found a number",
        ),
        (
            "unknown_prefix:a = 1",
            "column 15: expected an operator or the end, found \":\"",
        ),
    ];
    for (text, wanted) in table {
        let found = Selector::new(text).map_err(|error| error.to_string());
        assert_eq!(found, Err(wanted.to_owned()), "{text:?}");
    }
}

#[test]
fn errors_shorten_long_tokens() {
    let text = format!("a = b {}", "c".repeat(1000));
    let error = Selector::new(&text).expect_err("two operands").to_string();
    let shown = format!("found \"{}…\"", "c".repeat(40));
    assert!(error.ends_with(&shown), "{error}");
}
