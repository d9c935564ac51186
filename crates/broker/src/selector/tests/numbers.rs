use proptest::prelude::*;

use super::number::{Number, Operator, Sign};

use Number::{Approximate, Exact};

/// Formats the number so that exact and approximate numbers, which compare as equal, can be
/// distinguished.
fn shown(number: Option<Number>) -> String {
    number.map_or("none".to_owned(), |number| format!("{number:?}"))
}

#[test]
fn strings_are_read_as_numbers() {
    let table = [
        ("0", Some(Exact(0))),
        ("007", Some(Exact(7))),
        ("+5", Some(Exact(5))),
        ("-5", Some(Exact(-5))),
        ("9223372036854775807", Some(Exact(i64::MAX))),
        ("-9223372036854775808", Some(Exact(i64::MIN))),
        (
            "9223372036854775808",
            Some(Approximate(9_223_372_036_854_775_808.0)),
        ),
        ("5.", Some(Approximate(5.0))),
        (".5", Some(Approximate(0.5))),
        ("-2.5e-3", Some(Approximate(-0.0025))),
        ("1E3", Some(Approximate(1000.0))),
        ("", None),
        ("+", None),
        (".", None),
        ("e5", None),
        ("1e", None),
        ("1-2", None),
        (" 5", None),
        ("5 ", None),
        ("0x1F", None),
        ("5L", None),
        ("1_000", None),
        ("1,5", None),
        ("inf", None),
        ("infinity", None),
        ("-NaN", None),
        ("1e999", None),
        ("٥", None),
    ];
    for (text, wanted) in table {
        assert_eq!(shown(Number::read(text)), shown(wanted), "{text:?}");
    }
}

#[test]
fn long_strings_are_read_as_numbers() {
    let zeros = "0".repeat(62);
    let table = [
        (&*format!("{zeros}12"), Some(Exact(12))),
        (&*format!("0{zeros}12"), None),
        (&*format!("-1.{}", &zeros[1..]), Some(Approximate(-1.0))),
        (&*format!(".{}1e62", &zeros[3..]), Some(Approximate(100.0))),
        (
            "+123456789012345678901234567890",
            Some(Approximate(1.234_567_890_123_456_8e29)),
        ),
        (
            "-0.1000000000000000055511151231257827",
            Some(Approximate(-0.1)),
        ),
        ("1000000000000000000.00001", Some(Approximate(1e18))),
        (
            "1797693134862315708145274237317e278",
            Some(Approximate(f64::MAX)),
        ),
        ("0000000000000000001e1000", None),
        ("1e0000000000000000000001", Some(Approximate(10.0))),
        ("1e00000000000000000000-1", None),
        (".e00000000000000000000", None),
        ("-e00000000000000000000", None),
        ("0.0.0000000000000000000", None),
        ("--00000000000000000000.", None),
        ("0000000000000000000000e", None),
    ];
    for (text, wanted) in table {
        assert_eq!(shown(Number::read(text)), shown(wanted), "{text:?}");
    }
}

proptest! {
    /// Compares up to the rounding error of the digits after the nineteenth.
    #[test]
    fn long_numbers_equal_those_of_the_standard_library(
        text in "[+-]?[0-9]{0,30}(\\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?[-.e]?",
    ) {
        let wanted = text.parse().ok().and_then(Number::approximate);
        match (Number::read(&text), wanted) {
            (None, None) => {}
            (Some(Exact(found)), Some(Approximate(wanted))) => {
                prop_assert_eq!(found as f64, wanted);
            }
            (Some(Approximate(found)), Some(Approximate(wanted))) => {
                let least = f64::from_bits(1);
                let tolerance = wanted.abs() * f64::EPSILON + least;
                prop_assert!((found - wanted).abs() <= tolerance, "{found} {wanted}");
            }
            (found, wanted) => prop_assert!(false, "{:?} {:?}", found, wanted),
        }
    }
}

#[test]
fn arithmetic_is_exact_while_the_result_fits() {
    use Operator::{Add, Divide, Multiply, Remainder, Subtract};
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    let table = [
        (Exact(2), Add, Exact(3), Some(Exact(5))),
        (Exact(2), Subtract, Exact(3), Some(Exact(-1))),
        (Exact(2), Multiply, Exact(3), Some(Exact(6))),
        (Exact(6), Divide, Exact(-3), Some(Exact(-2))),
        (Exact(7), Divide, Exact(2), Some(Approximate(3.5))),
        (Exact(7), Remainder, Exact(4), Some(Exact(3))),
        (Exact(-7), Remainder, Exact(4), Some(Exact(-3))),
        // The result is approximate if one operand is.
        (Exact(2), Add, Approximate(0.5), Some(Approximate(2.5))),
        (Approximate(0.5), Multiply, Exact(2), Some(Approximate(1.0))),
        (
            Approximate(7.5),
            Remainder,
            Exact(2),
            Some(Approximate(1.5)),
        ),
        // A result beyond 64 bits is approximate.
        (Exact(i64::MAX), Add, Exact(1), Some(Approximate(TWO_TO_63))),
        (
            Exact(i64::MIN),
            Subtract,
            Exact(1),
            Some(Approximate(-TWO_TO_63)),
        ),
        (
            Exact(i64::MIN),
            Multiply,
            Exact(-1),
            Some(Approximate(TWO_TO_63)),
        ),
        (
            Exact(i64::MIN),
            Divide,
            Exact(-1),
            Some(Approximate(TWO_TO_63)),
        ),
        (Exact(i64::MIN), Remainder, Exact(-1), Some(Exact(0))),
        // A result that is not finite is None.
        (Exact(1), Divide, Exact(0), None),
        (Exact(0), Divide, Exact(0), None),
        (Exact(1), Remainder, Exact(0), None),
        (Approximate(1.0), Divide, Approximate(0.0), None),
        (Approximate(1.0), Remainder, Exact(0), None),
        (Approximate(f64::MAX), Add, Approximate(f64::MAX), None),
        (Approximate(f64::MAX), Multiply, Exact(2), None),
    ];
    for (left, operator, right, wanted) in table {
        let found = left.combine(operator, right);
        assert_eq!(shown(found), shown(wanted), "{left} {operator:?} {right}");
    }
}

#[test]
fn signs_are_applied_to_numbers() {
    let table = [
        (Sign::Plus, Exact(-5), Exact(-5)),
        (Sign::Minus, Exact(-5), Exact(5)),
        (Sign::Minus, Approximate(0.5), Approximate(-0.5)),
        (
            Sign::Minus,
            Exact(i64::MIN),
            Approximate(9_223_372_036_854_775_808.0),
        ),
    ];
    for (sign, number, wanted) in table {
        assert_eq!(shown(Some(number.with_sign(sign))), shown(Some(wanted)));
    }
}

#[test]
fn exact_numbers_compare_exactly_and_mixed_numbers_as_approximate() {
    assert!(Exact(i64::MAX) > Exact(i64::MAX - 1));
    assert_eq!(Exact(i64::MAX), Approximate(i64::MAX as f64));
    assert_eq!(Exact(5), Approximate(5.0));
    assert!(Exact(5) < Approximate(5.5));
}
