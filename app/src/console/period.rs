//! The interval between two messages of the Console.

use crate::texts;

/// Returns the typed period in milliseconds, or the reason why it is not valid.
pub fn parse(text: &str) -> Result<u32, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(texts::console::NO_PERIOD.get());
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(texts::console::NOT_WHOLE.get());
    }
    match text.parse() {
        Ok(period) if period < SHORTEST_MS => Err(texts::console::TOO_SHORT.get()),
        Ok(period) if period <= LONGEST_MS => Ok(period),
        _ => Err(texts::console::TOO_LONG.get()),
    }
}

pub const FIRST_MS: u32 = 1_000;
pub const SHORTEST_MS: u32 = 10;
pub const LONGEST_MS: u32 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_milliseconds_within_the_bounds_are_accepted() {
        for (text, period) in [
            ("1000", 1000),
            (" 50 ", 50),
            ("10", 10),
            ("3600000", 3_600_000),
        ] {
            assert_eq!(parse(text), Ok(period));
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "Enter"),
            ("fast", "whole"),
            ("1.5", "whole"),
            ("-5", "whole"),
            ("1e3", "whole"),
            ("9", "At least"),
            ("0", "At least"),
            ("3600001", "At most"),
            ("99999999999", "At most"),
        ] {
            let refused = parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
