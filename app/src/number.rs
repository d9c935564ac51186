//! Conversion of numbers to text and back.
//!
//! In the browser the functions of JavaScript do it, because Rust's own would add a tenth to the download. The results
//! agree except for ties, numbers beyond 10²¹ and similar cases, whose last digits do not matter here.

#[cfg(target_arch = "wasm32")]
pub use browser::{exponential, fixed, parsed, plain};
#[cfg(not(target_arch = "wasm32"))]
pub use native::{exponential, fixed, parsed, plain};

#[cfg(target_arch = "wasm32")]
mod browser {
    use js_sys::{JsString, Number};
    use wasm_bindgen::JsValue;

    /// Returns the shortest text that identifies the number.
    pub fn plain(number: f64) -> String {
        text(Number::from(number).to_string_with_radix(10))
    }

    pub fn fixed(number: f64, decimals: u8) -> String {
        text(Number::from(number).to_fixed(decimals))
    }

    /// Returns one digit, then `decimals` digits, then the power of ten.
    pub fn exponential(number: f64, decimals: u8) -> String {
        text(Number::from(number).to_exponential(decimals)).replace('+', "")
    }

    /// Returns the value of a text that has the form of a JSON number.
    pub fn parsed(text: &str) -> f64 {
        Number::parse_float(text)
    }

    /// Only a radix or a number of decimals out of range fails, and both are constants of this crate.
    fn text(made: Result<JsString, JsValue>) -> String {
        made.map(String::from).unwrap_or_default()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    /// Returns the shortest text that identifies the number.
    pub fn plain(number: f64) -> String {
        number.to_string()
    }

    pub fn fixed(number: f64, decimals: u8) -> String {
        format!("{number:.*}", decimals.into())
    }

    /// Returns one digit, then `decimals` digits, then the power of ten.
    pub fn exponential(number: f64, decimals: u8) -> String {
        format!("{number:.*e}", decimals.into())
    }

    /// Returns the value of a text that has the form of a JSON number.
    pub fn parsed(text: &str) -> f64 {
        text.parse().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_plain_fixed_and_exponential() {
        for (number, written) in [
            (50.0, "50"),
            (-12.5, "-12.5"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(plain(number), written);
            assert_eq!(parsed(written), number);
        }
        assert_eq!(
            (fixed(1.26, 1), fixed(99.6, 0)),
            ("1.3".into(), "100".into())
        );
        assert_eq!(
            (exponential(5e11, 0), exponential(1e300, 3)),
            ("5e11".into(), "1.000e300".into())
        );
    }
}
