use proptest::{collection::vec, option::of, prelude::*, sample::select};

use super::{
    expression::Expression,
    identifier::Identifier,
    number::{Number, Operator, Sign},
    patterns::compiled,
    regexp::Regexp,
    value::Comparison,
    *,
};

proptest! {
    #[test]
    fn printing_and_parsing_returns_the_same_selector(
        expression in condition(),
        strings in select(vec![Strings::Converted, Strings::Unconverted]),
    ) {
        let selector = Selector { expression, strings, body_use: BodyUse::default(), work: 0 };
        let printed = selector.to_string();
        match Selector::new(&printed) {
            Ok(again) => {
                prop_assert_eq!(&again.expression, &selector.expression, "{}", printed);
                prop_assert_eq!(again.strings, strings);
                prop_assert_eq!(again.to_string(), printed);
            }
            Err(error) => prop_assert!(is_bound(&error.fault), "{}: {}", printed, error),
        }
    }

    #[test]
    fn any_text_is_a_selector_or_an_error_with_a_valid_column(text in ".{0,60}") {
        try_out(&text)?;
    }

    #[test]
    fn any_words_are_a_selector_or_an_error_with_a_valid_column(words in vec(select(WORDS), 0..24)) {
        try_out(&words.concat())?;
    }
}

const WORDS: &[&str] = &[
    " ",
    "(",
    ")",
    ",",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    " NOT ",
    " AND ",
    " OR ",
    " BETWEEN ",
    " IN ",
    " LIKE ",
    " ESCAPE ",
    " IS ",
    " NULL ",
    "TRUE",
    "colour",
    "five",
    "text5",
    "missing",
    "\"a\"",
    "'",
    "\"",
    "'5'",
    "'%_'",
    "5",
    "0x1F",
    "017",
    "1.5",
    "1e3",
    "ä",
    "#",
    "9223372036854775808",
    "body",
    "body.a",
    "body.a.0.\"b c\"",
    ".",
    " REGEXP ",
    "'a|b'",
    "'('",
];

fn try_out(text: &str) -> Result<(), TestCaseError> {
    match Selector::new(text) {
        Ok(selector) => {
            selector.matches(PROPERTIES);
            // A selector that was accepted stays within the bounds when it is printed.
            prop_assert_eq!(Selector::new(&selector.to_string()), Ok(selector));
        }
        Err(error) => {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }
    Ok(())
}

fn is_bound(fault: &SelectorFault) -> bool {
    matches!(
        fault,
        SelectorFault::TooLong
            | SelectorFault::TooDeep
            | SelectorFault::TooManyTerms
            | SelectorFault::PatternsTooLong
            | SelectorFault::TooManySearches
            | SelectorFault::TooManyBodySearches
    )
}

/// A name, or the body.
fn identifier() -> impl Strategy<Value = Identifier> {
    prop_oneof![
        8 => name().prop_map(Identifier::Property),
        1 => Just(Identifier::Body),
    ]
}

fn regexp() -> impl Strategy<Value = Regexp> {
    let patterns = vec!["", "a|b", "^[^'\"]+$", "(?i)it's", r"\d{2}\.\w"];
    select(patterns)
        .prop_map(|text| Regexp::new(text, Selector::MAX_REGEXP_BYTES).expect("a pattern"))
}

fn name() -> impl Strategy<Value = Box<str>> {
    let names = vec![
        "a",
        "$b_1",
        "größe",
        "content-type",
        "Not",
        "body",
        "1",
        "say \"hi\"",
        " ",
    ];
    select(names).prop_map(Box::from)
}

fn text() -> impl Strategy<Value = Box<str>> {
    "[a'\"%_\\\\ ä]{0,5}".prop_map(Box::from)
}

fn sign() -> impl Strategy<Value = Sign> {
    select(vec![Sign::Plus, Sign::Minus])
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
    select(vec![Less, LessOrEqual, Greater, GreaterOrEqual])
}

fn numeral() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::Exact),
        (-3..=3i64).prop_map(Number::Exact),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(Number::Approximate),
    ]
}

/// An expression that can be used as a number.
fn number() -> impl Strategy<Value = Expression> + Clone {
    let leaf = prop_oneof![
        numeral().prop_map(Expression::Number),
        identifier().prop_map(Expression::Identifier),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (sign(), inner.clone())
                .prop_map(|(sign, inner)| Expression::Signed(sign, inner.into())),
            chain(inner.clone(), vec![Operator::Add, Operator::Subtract]),
            chain(
                inner,
                vec![Operator::Multiply, Operator::Divide, Operator::Remainder]
            ),
        ]
    })
    .boxed()
}

fn chain(
    part: impl Strategy<Value = Expression> + Clone,
    operators: Vec<Operator>,
) -> impl Strategy<Value = Expression> {
    let rest = vec((select(operators), part.clone()), 1..4);
    (part, rest).prop_map(|(first, rest)| Expression::Arithmetic(first.into(), rest.into()))
}

fn condition() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Expression::Boolean),
        identifier().prop_map(Expression::Identifier),
        identifier().prop_map(Expression::IsNull),
        (identifier(), vec(text(), 1..4))
            .prop_map(|(subject, list)| Expression::In(subject, list.into())),
        (identifier(), regexp()).prop_map(|(subject, regexp)| Expression::Regexp(subject, regexp)),
        (
            identifier(),
            text(),
            of(select(vec!['\\', '%', '_', 'a', '!']))
        )
            .prop_map(|(name, text, escape)| Expression::Like(
                name,
                compiled(&text, escape).into()
            )),
        (comparison(), number(), number())
            .prop_map(|(by, left, right)| Expression::Compare(by, [left, right].into())),
        range().prop_map(Expression::Between),
        range().prop_map(Expression::NotBetween),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let side = prop_oneof![inner.clone(), number(), text().prop_map(Expression::Text),];
        let equality = select(vec![Comparison::Equal, Comparison::NotEqual]);
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Expression::Not(inner.into())),
            vec(inner.clone(), 2..4).prop_map(|parts| Expression::All(parts.into())),
            vec(inner, 2..4).prop_map(|parts| Expression::Any(parts.into())),
            (equality, side.clone(), side)
                .prop_map(|(by, left, right)| Expression::Compare(by, [left, right].into())),
        ]
    })
}

fn range() -> impl Strategy<Value = Box<[Expression; 3]>> {
    (number(), number(), number())
        .prop_map(|(value, least, greatest)| [value, least, greatest].into())
}
