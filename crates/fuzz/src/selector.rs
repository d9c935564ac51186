//! Parses any text as a selector, and uses any text as the value of every property. A zero byte
//! separates them.

use broker::{Properties, Selector, Value};

/// Names that are no properties, so that some values are unknown.
const MISSING: &str = "missing";

/// Parses the text; bytes that are not UTF-8 are ignored.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let Ok(data) = str::from_utf8(data) else {
        return;
    };
    let (text, value) = data.split_once('\0').unwrap_or((data, ""));
    match Selector::new(text) {
        Ok(selector) => check_printed(&selector, value),
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column)),
    }
}

/// Checks that a selector can be printed, and that the text parses and matches the same.
fn check_printed(selector: &Selector, value: &str) {
    let printed = selector.to_string();
    if printed.len() > Selector::MAX_BYTES {
        return;
    }
    let again = Selector::new(&printed);
    assert_eq!(again.as_ref(), Ok(selector), "{printed}");
    let again = again.map(|again| again.matches(&Same(value)));
    assert_eq!(again, Ok(selector.matches(&Same(value))), "{printed}");
}

struct Same<'a>(&'a str);

impl Properties for Same<'_> {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        (!name.starts_with(MISSING)).then_some(Value::Text(self.0))
    }

    fn body(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
