use super::*;

fn fault(text: &str) -> Option<(SelectorFault, usize)> {
    let error = Selector::new(text).err()?;
    Some((error.fault, error.column))
}

#[test]
fn selectors_longer_than_the_maximum_are_rejected() {
    let text = |length: usize| format!("a = '{}'", "ä".repeat((length - 6) / 2));
    assert_eq!(fault(&text(Selector::MAX_BYTES)), None);
    let long = text(Selector::MAX_BYTES + 2);
    let wanted = (
        SelectorFault::TooLong,
        5 + (Selector::MAX_BYTES - 6) / 2 + 1,
    );
    assert_eq!(fault(&long), Some(wanted));
    let error = Selector::new(&long).expect_err("too long").to_string();
    assert!(error.ends_with(": longer than 8192 bytes"), "{error}");
}

/// Runs with half the default stack of a thread. An unoptimized build needs half a megabyte, an
/// optimized one a quarter.
#[test]
fn nesting_beyond_the_maximum_is_rejected_and_the_maximum_fits_a_small_stack() {
    let nested = |(before, inner, after): (&str, &str, &str), depth| {
        format!("{}{inner}{}", before.repeat(depth), after.repeat(depth))
    };
    let shapes = [
        ("(", "yes", ")"),
        ("NOT ", "yes", ""),
        ("NOT(NOT(yes OR no)AND ", "yes", ")"),
        ("no OR yes AND (", "yes", ")"),
        ("1=1 AND (1=(", "2", "))"),
        ("(", "1", "+1)*2=2"),
        ("-", "(1) = 1", ""),
        ("- ", "five = 5", ""),
        ("+", "five = 5", ""),
    ];
    let check = move || {
        for shape in shapes {
            for depth in 1..=Selector::MAX_DEPTH {
                if let Ok(selector) = Selector::new(&nested(shape, depth)) {
                    selector.matches(PROPERTIES);
                    assert_eq!(Selector::new(&selector.to_string()), Ok(selector));
                }
            }
            for depth in [Selector::MAX_DEPTH + 1, 300] {
                let found = fault(&nested(shape, depth)).map(|(fault, _)| fault);
                assert_eq!(found, Some(SelectorFault::TooDeep), "{shape:?}");
            }
        }
    };
    let small = std::thread::Builder::new().stack_size(1024 * 1024);
    let thread = small.spawn(check).expect("a thread");
    thread.join().expect("no overflow");
}

#[test]
fn selectors_of_maximum_depth_are_accepted() {
    let depth = Selector::MAX_DEPTH;
    let parentheses = |depth| format!("{}yes{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(fault(&parentheses(depth)), None);
    let wanted = Some((SelectorFault::TooDeep, depth + 1));
    assert_eq!(fault(&parentheses(depth + 1)), wanted);
    // Groups in sequence do not add to the depth.
    let beside = vec![parentheses(depth - 1); 10].join(" OR ");
    assert_eq!(fault(&beside), None);
}

#[test]
fn selectors_with_too_many_terms_are_rejected() {
    let most = Selector::MAX_TERMS;
    let chain = |terms: usize| vec!["a"; terms].join(" OR ");
    assert_eq!(fault(&chain(most)), None);
    let wanted = |column| Some((SelectorFault::TooManyTerms, column));
    assert_eq!(fault(&chain(most + 1)), wanted(most * 5 + 1));
    let sum = |terms: usize| format!("1 = {}", vec!["1"; terms - 1].join("+"));
    assert_eq!(fault(&sum(most)), None);
    assert_eq!(fault(&sum(most + 1)), wanted(5 + (most - 1) * 2));
    let list = |terms: usize| format!("a IN ({})", vec!["''"; terms - 1].join(","));
    assert_eq!(fault(&list(most)), None);
    assert_eq!(fault(&list(most + 1)), wanted(7 + (most - 1) * 3));
}

#[test]
fn patterns_that_are_too_long_together_are_rejected() {
    let most = Selector::MAX_PATTERN_CHARS;
    let patterns = |count: usize, length: usize| {
        let test = format!("a LIKE '{}'", "ä".repeat(length));
        vec![test; count].join(" OR ")
    };
    assert_eq!(fault(&patterns(1, most)), None);
    assert_eq!(fault(&patterns(4, most / 4)), None);
    let wanted = |column| Some((SelectorFault::PatternsTooLong, column));
    assert_eq!(fault(&patterns(1, most + 1)), wanted(8));
    let each = "a LIKE ''".len() + most / 4 + " OR ".len();
    assert_eq!(fault(&patterns(5, most / 4)), wanted(4 * each + 8));
}

#[test]
fn pattern_parts_with_a_wildcard_that_are_too_long_are_rejected() {
    let most = Selector::MAX_PART_CHARS;
    let part = |length: usize| format!("a LIKE '%{}_%'", "ä".repeat(length - 1));
    assert_eq!(fault(&part(most)), None);
    let wanted = Some((SelectorFault::PartTooLong, 8));
    assert_eq!(fault(&part(most + 1)), wanted);
    let wanted = Some((SelectorFault::PartTooLong, 20));
    assert_eq!(fault(&format!("a = 'ä' AND {}", part(200))), wanted);
    // The bound does not apply without `_`, nor to the ends of a pattern.
    let long = "a".repeat(most + 1);
    for pattern in [
        format!("%{long}%"),
        format!("{long}_%"),
        format!("%_{long}"),
        format!("_{long}"),
        format!("%{long}%_a%"),
    ] {
        assert_eq!(fault(&format!("a LIKE '{pattern}'")), None, "{pattern}");
    }
}

#[test]
fn too_many_pattern_parts_are_rejected() {
    let most = Selector::MAX_SEARCHES;
    let chain = |pattern: &str, count| vec![format!("a LIKE '{pattern}'"); count].join(" OR ");
    for pattern in ["%b%", "%_%c", "a%b%d", "%%b%%"] {
        assert_eq!(fault(&chain(pattern, most)), None, "{pattern}");
        let column = most * (pattern.len() + 13) + 8;
        let wanted = Some((SelectorFault::TooManySearches, column));
        assert_eq!(fault(&chain(pattern, most + 1)), wanted, "{pattern}");
    }
    let parts = |count| format!("%{}", "a%".repeat(count));
    assert_eq!(fault(&chain(&parts(most), 1)), None);
    let wanted = Some((SelectorFault::TooManySearches, 8));
    assert_eq!(fault(&chain(&parts(most + 1), 1)), wanted);
    for pattern in ["a", "a_b%", "%ab", "a%b", "%%", "_%_"] {
        assert_eq!(fault(&chain(pattern, 3 * most)), None, "{pattern}");
    }
}

/// A backtracking matcher would not finish this test.
#[test]
fn matching_the_worst_case_pattern_terminates() {
    let pattern = ["%", &*"a_".repeat(15)]
        .concat()
        .repeat(Selector::MAX_SEARCHES)
        + "c%";
    let selector = selector(&format!("a LIKE '{pattern}'"));
    for (after, wanted) in [("", false), ("c", true)] {
        let value = "a".repeat(8192) + after;
        let properties: &[(&str, Value<'_>)] = &[("a", Value::Text(&value))];
        assert_eq!(selector.matches(properties), wanted);
    }
}

#[test]
fn work_counts_reads_of_the_body_searches_and_terms() {
    let table = [
        ("", 0),
        ("a = 'x' AND b > 5", 0),
        ("a LIKE 'x%'", 0),
        ("a LIKE '%x%y%'", 2),
        ("a REGEXP 'x'", 1),
        ("body LIKE '%x%'", 20),
        ("body.a > 5 AND body.b = 'x'", 20),
        ("body.a > 5 AND body REGEXP 'x' AND a LIKE '%x%'", 31),
    ];
    for (text, work) in table {
        let selector = Selector::new(text).expect("a selector");
        assert_eq!(selector.work(), work, "{text}");
    }
    let many = vec!["a = 1"; Selector::MAX_TERMS / 2].join(" OR ");
    assert_eq!(Selector::new(&many).expect("a selector").work(), 8);
}
