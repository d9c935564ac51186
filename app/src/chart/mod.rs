//! The bar chart: its scale, its drawing, and its two outputs (canvas and SVG).

mod backend;
mod canvas;
mod draw;
mod scale;
mod still;
mod tween;

use plotters::prelude::RGBColor;

pub use canvas::Painter;
pub use draw::{Palette, Picture, draw};
pub use scale::Scale;
pub use still::svg;

impl Palette {
    /// Placeholders: in the server's SVG the style sheet replaces each of them by the theme's
    /// colour.
    pub const STILL: Self = Self {
        surface: RGBColor(0, 0, 0xb0),
        bar: RGBColor(0, 0, 0xb1),
        text: RGBColor(0, 0, 0xb2),
        line: RGBColor(0, 0, 0xb3),
        axis: RGBColor(0, 0, 0xb4),
    };
}

/// Parses a colour in the form of the style sheet: `#` and six hexadecimal digits.
fn colour(text: &str) -> Option<RGBColor> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some(RGBColor(red, green, blue))
}

#[cfg(test)]
mod tests {
    use super::{RGBColor, colour};

    #[test]
    fn colours_of_the_style_sheet_are_parsed() {
        assert_eq!(colour("#2f6f66"), Some(RGBColor(0x2f, 0x6f, 0x66)));
        for text in ["", "red", "#fff", "#12345g", "rgb(1,2,3)"] {
            assert_eq!(colour(text), None, "{text}");
        }
    }
}
