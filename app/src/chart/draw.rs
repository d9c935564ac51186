//! Draws the bars and their axis with plotters on any back end: the canvas in the browser, an SVG on the server.

use plotters::coord::{Shift, cartesian::Cartesian2d, types::RangedCoordf64};
use plotters::prelude::{
    Color, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, PathElement,
    RGBColor, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle};

use super::Scale;
use crate::feed::Source;

/// The input of one drawing.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The bars' heights; a value that is not finite has no bar.
    pub values: &'a [f64],
    pub source: Source,
    pub scale: &'a Scale,
    pub palette: &'a Palette,
    /// Device pixels per CSS pixel.
    pub pixel_ratio: f64,
}

/// The theme's colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    pub surface: RGBColor,
    pub bar: RGBColor,
    /// Axis numbers and bar names.
    pub text: RGBColor,
    /// Horizontal lines at the marks.
    pub line: RGBColor,
    /// The line at zero, and the strokes beside the axis.
    pub axis: RGBColor,
}

type Plot<DB> = DrawingArea<DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Draws the whole picture.
///
/// # Errors
///
/// Returns the error of the back end.
pub fn draw<DB: DrawingBackend>(backend: DB, picture: &Picture<'_>) -> Drawn<DB> {
    let area = backend.into_drawing_area();
    area.fill(&picture.palette.surface)?;
    let plot = plot(&area, picture);
    marks(&area, &plot, picture)?;
    bars(&plot, picture)?;
    names(&area, &plot, picture)?;
    zero(&area, &plot, picture)?;
    area.present()
}

/// Returns the area of the bars, in the coordinates of the data: the bar of index `i` lies between `i` and `i + 1`.
fn plot<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, picture: &Picture<'_>) -> Plot<DB> {
    let px = |css: f64| picture.px(css);
    let inner = area.margin(px(TOP), px(BOTTOM), px(LEFT), px(RIGHT));
    let (x, y) = inner.get_pixel_range();
    let bars = picture.values.len().max(1) as f64;
    let Scale { low, high, .. } = *picture.scale;
    inner.apply_coord_spec(Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
        0.0..bars,
        low..high,
        (x, y.end..y.start),
    ))
}

/// Draws horizontal lines at the marks, their numbers, and the scale beside the axis: five short strokes between one
/// mark and the next.
fn marks<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    plot: &Plot<DB>,
    picture: &Picture<'_>,
) -> Drawn<DB> {
    let (Picture { scale, palette, .. }, bars) = (picture, picture.values.len().max(1) as f64);
    let number = picture.text_style(&palette.text, Pos::new(HPos::Right, VPos::Center));
    for mark in scale.marks() {
        let (left, y) = plot.map_coordinate(&(0.0, mark));
        let (right, _) = plot.map_coordinate(&(bars, mark));
        let hair = palette.line.stroke_width(picture.stroke());
        area.draw(&PathElement::new(vec![(left, y), (right, y)], hair))?;
        let label_end = left - picture.px(LEFT - LABEL_ENDS);
        area.draw(&Text::new(
            scale.label(mark),
            (label_end, y),
            number.clone(),
        ))?;
        let strokes = if mark < scale.high { STROKES } else { 1 };
        for stroke in 0..strokes {
            let value = mark + scale.step * f64::from(stroke) / f64::from(STROKES);
            let (x, y) = plot.map_coordinate(&(0.0, value));
            let length = picture.px(if stroke == 0 { 8.0 } else { 4.0 });
            let start = x - picture.px(3.0);
            let fine = palette.axis.stroke_width(picture.stroke());
            area.draw(&PathElement::new(
                vec![(start - length, y), (start, y)],
                fine,
            ))?;
        }
    }
    Ok(())
}

fn bars<DB: DrawingBackend>(plot: &Plot<DB>, picture: &Picture<'_>) -> Drawn<DB> {
    let Scale { low, high, .. } = *picture.scale;
    let style = match picture.source {
        Source::Message => picture.palette.bar.filled(),
        // Outlines, so that a reader does not take an example for received values.
        Source::Example => picture.palette.text.stroke_width(picture.stroke()),
    };
    for (index, value) in picture.values.iter().enumerate() {
        if !value.is_finite() {
            continue;
        }
        let (left, right) = (index as f64 + GAP, (index + 1) as f64 - GAP);
        // Not `clamp`: its panic message prints numbers, which adds Rust's number formatting to the binary.
        let corners = [(left, value.max(low).min(high)), (right, 0.0)];
        plot.draw(&Rectangle::new(corners, style))?;
    }
    Ok(())
}

/// Draws the bars' names below the plot, from a1 on. If there is no room for all, draws every second, fifth, tenth...
fn names<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    plot: &Plot<DB>,
    picture: &Picture<'_>,
) -> Drawn<DB> {
    let count = picture.values.len();
    let width = f64::from(area.dim_in_pixel().0) / picture.pixel_ratio - LEFT - RIGHT;
    let name = picture.text_style(&picture.palette.text, Pos::new(HPos::Center, VPos::Top));
    for index in (0..count).step_by(stride(count, width)) {
        let (x, y) = plot.map_coordinate(&(index as f64 + 0.5, picture.scale.low));
        let below = y + picture.px(10.0);
        area.draw(&Text::new(
            format!("a{}", index + 1),
            (x, below),
            name.clone(),
        ))?;
    }
    Ok(())
}

fn zero<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    plot: &Plot<DB>,
    picture: &Picture<'_>,
) -> Drawn<DB> {
    let (left, y) = plot.map_coordinate(&(0.0, 0.0));
    let (right, _) = plot.map_coordinate(&(picture.values.len().max(1) as f64, 0.0));
    let line = picture.palette.axis.stroke_width(picture.stroke());
    area.draw(&PathElement::new(vec![(left, y), (right, y)], line))
}

/// Returns the distance, in bars, between names that fit on a plot of this width.
fn stride(count: usize, width: f64) -> usize {
    let room = (width / NAME_WIDTH).max(1.0) as usize;
    let wanted = count.div_ceil(room).max(1);
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if factor * power >= wanted {
                return factor * power;
            }
        }
        power *= 10;
    }
}

impl Picture<'_> {
    fn px(&self, css: f64) -> i32 {
        (css * self.pixel_ratio).round() as i32
    }

    fn stroke(&self) -> u32 {
        self.px(1.0).max(1) as u32
    }

    fn text_style(&self, color: &RGBColor, anchor: Pos) -> plotters::style::TextStyle<'static> {
        let size = TEXT_SIZE * self.pixel_ratio;
        FontDesc::new(FontFamily::Name(FONT), size, FontStyle::Normal)
            .color(color)
            .pos(anchor)
    }
}

const FONT: &str = "system-ui, sans-serif";
const TEXT_SIZE: f64 = 13.0;
/// Margins around the plot: names are below it, the scale and its numbers to the left.
const TOP: f64 = 14.0;
const BOTTOM: f64 = 34.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 6.0;
/// The right edge of the scale's numbers, from the left of the picture.
const LABEL_ENDS: f64 = 40.0;
const NAME_WIDTH: f64 = 36.0;
/// Strokes of the scale from one mark to the next.
const STROKES: u32 = 5;
/// Half the space between two bars, in bars.
const GAP: f64 = 0.14;

#[cfg(test)]
mod tests {
    use super::stride;

    #[test]
    fn names_are_omitted_evenly_when_there_is_no_room_for_all() {
        for (count, width, expected) in [
            (7, 600.0, 1),
            (7, 280.0, 1),
            (20, 280.0, 5),
            (1000, 600.0, 100),
            (0, 600.0, 1),
            (7, 0.0, 10),
        ] {
            assert_eq!(stride(count, width), expected, "{count} on {width}");
        }
    }
}
