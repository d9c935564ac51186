//! Lines over time as paths of SVG, drawn by the server and by the browser alike. Pure.
//!
//! plotters, which draws the page of the chart, would need a canvas and its own event handling for what two paths show.

use crate::number::fixed;

/// The paths of a plot, in a picture of [`WIDTH`] by [`HEIGHT`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// The value at the upper edge; 0 is at the lower edge.
    pub top: f64,
    pub lines: Vec<String>,
}

impl Plot {
    /// Returns the plot of lines; each point has its place from left, 0 to 1, and its value.
    pub fn of(lines: &[Vec<(f64, f64)>]) -> Self {
        let values = lines.iter().flatten().map(|(_, value)| *value);
        let top = round_top(values.filter(|value| value.is_finite()).fold(0.0, f64::max));
        let lines = lines.iter().map(|line| path(line, top)).collect();
        Self { top, lines }
    }

    /// Returns the path of the area below the first line.
    pub fn area(&self) -> String {
        let Some(line) = self.lines.first().filter(|line| !line.is_empty()) else {
            return String::new();
        };
        let start = line[1..].split(',').next().unwrap_or_default();
        format!("{line}L{WIDTH},{HEIGHT}L{start},{HEIGHT}Z")
    }
}

/// Returns the path of a line. A single point is a line without length, which is drawn as a dot.
fn path(line: &[(f64, f64)], top: f64) -> String {
    let mut path = String::new();
    for (place, value) in line.iter().filter(|(_, value)| value.is_finite()) {
        path.push(if path.is_empty() { 'M' } else { 'L' });
        let x = place * f64::from(WIDTH);
        let y = f64::from(HEIGHT) * (1.0 - value / top);
        path.push_str(&format!("{},{}", short(x), short(y)));
    }
    if path
        .rfind('M')
        .is_some_and(|start| !path[start..].contains('L'))
    {
        path = format!("{path}L{}", &path[1..]);
    }
    path
}

fn short(number: f64) -> String {
    let text = fixed(number, 1);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Returns the next of 1, 2 and 5 times a power of ten that is not below the greatest value; at least 1.
fn round_top(greatest: f64) -> f64 {
    let mut step = 1.0;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if step * factor >= greatest {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

pub const WIDTH: u32 = 600;
pub const HEIGHT: u32 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_edge_is_a_round_number_above_all_values() {
        for (greatest, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.5, 2.0),
            (49.0, 50.0),
            (51.0, 100.0),
            (1201.0, 2000.0),
        ] {
            assert_eq!(round_top(greatest), top);
        }
    }

    #[test]
    fn lines_go_from_the_lower_to_the_upper_edge() {
        let plot = Plot::of(&[vec![(0.0, 0.0), (0.5, 5.0), (1.0, 2.5)]]);
        assert_eq!(plot.lines, ["M0,120L300,0L600,60"]);
        assert_eq!(plot.area(), "M0,120L300,0L600,60L600,120L0,120Z");
    }

    #[test]
    fn nothing_and_what_is_no_number_is_not_drawn() {
        assert_eq!(Plot::of(&[vec![]]).area(), "");
        let plot = Plot::of(&[vec![(0.0, f64::NAN), (0.5, f64::INFINITY), (1.0, 1.0)]]);
        assert_eq!(plot.lines, ["M600,0L600,0"]);
    }
}
