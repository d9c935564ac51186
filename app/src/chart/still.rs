//! The chart before the page is live: an SVG that the server draws and the style sheet colours.

use crate::feed::Source;

/// Returns the picture as SVG; `width` and `height` are its coordinates. The browser does not draw
/// the SVG: it receives the server's, and then draws on the canvas.
#[cfg(feature = "ssr")]
pub fn svg(values: &[f64], source: Source, width: u32, height: u32) -> String {
    use plotters::prelude::SVGBackend;

    use super::{Palette, Picture, Scale, draw};

    let mut svg = String::new();
    let picture = Picture {
        values,
        source,
        scale: &Scale::of(values),
        palette: &Palette::STILL,
        pixel_ratio: 1.0,
    };
    // Writing an SVG to memory does not fail; the table shows the values in any case.
    let _ = draw(SVGBackend::with_string(&mut svg, (width, height)), &picture);
    svg
}

#[cfg(not(feature = "ssr"))]
pub fn svg(_values: &[f64], _source: Source, _width: u32, _height: u32) -> String {
    String::new()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::{Source, svg};

    fn count(svg: &str, what: &str) -> usize {
        svg.matches(what).count()
    }

    #[test]
    fn each_finite_value_has_a_bar() {
        for (values, bars) in [
            (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 7),
            (vec![-3.0, 2.5], 2),
            (vec![f64::NAN, 1.0], 1),
            (vec![], 0),
            (vec![1.0; 1000], 1000),
        ] {
            let svg = svg(&values, Source::Message, 720, 420);
            assert_eq!(count(&svg, "fill=\"#0000B1\""), bars, "{values:?}");
        }
    }

    #[test]
    fn bars_of_an_example_are_drawn_as_outlines() {
        let svg = svg(&[1.0, 2.0], Source::Example, 720, 420);
        assert_eq!(count(&svg, "fill=\"#0000B1\""), 0);
        assert_eq!(count(&svg, "fill=\"none\" stroke=\"#0000B2\""), 2, "{svg}");
    }

    #[test]
    fn the_bars_have_names_and_the_axis_has_numbers() {
        let svg = svg(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            Source::Message,
            720,
            420,
        );
        for name in ["a1", "a7", "0", "8"] {
            assert!(svg.contains(&format!("\n{name}\n")), "{name} in {svg}");
        }
    }
}
