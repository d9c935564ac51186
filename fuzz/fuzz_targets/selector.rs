//! Any text as a selector, and any text as the value of every property. A zero byte separates them.
#![no_main]

use broker::{Properties, Selector, Value};
use libfuzzer_sys::fuzz_target;

/// Names of which none is a property, so that there are unknowns.
const MISSING: &str = "missing";

fuzz_target!(|data: &str| {
    let (text, value) = data.split_once('\0').unwrap_or((data, ""));
    match Selector::new(text) {
        Ok(selector) => check_printed(&selector, value),
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column)),
    }
});

/// What was read can be printed, and reads and matches as the same.
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
}
