//! Draws curves as SVG files.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

/// A plot of several lines. The x axis is logarithmic.
pub struct Plot {
    pub title: &'static str,
    pub x_title: &'static str,
    pub y_title: &'static str,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub name: String,
    /// The points (x, y); x is greater than 0.
    pub points: Vec<(f64, f64)>,
}

impl Plot {
    /// # Errors
    ///
    /// There are no points, or the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        self.draw(file)
            .map_err(|error| anyhow!("{}: {error}", file.display()))
    }

    fn draw(&self, file: &Path) -> Result<()> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let left = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
        let right = points().map(|point| point.0).fold(0.0, f64::max);
        let top = points().map(|point| point.1).fold(0.0, f64::max);
        if points().next().is_none() || left <= 0.0 {
            return Err(anyhow!("nothing was measured"));
        }
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, (FONT, 20))
            .margin(14)
            .x_label_area_size(46)
            .y_label_area_size(74)
            .build_cartesian_2d((left..right.max(left * 2.0)).log_scale(), 0.0..top * 1.15)?;
        chart
            .configure_mesh()
            .x_desc(self.x_title)
            .y_desc(self.y_title)
            .label_style((FONT, 13))
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|value| short(*value))
            .y_label_formatter(&|value| short(*value))
            .draw()?;
        for (number, line) in self.lines.iter().enumerate() {
            let color = Palette99::pick(number).to_rgba();
            let style = color.stroke_width(2);
            let points = line.points.iter().copied();
            chart
                .draw_series(LineSeries::new(points, style).point_size(3))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .label_font((FONT, 13))
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// Returns the short form of a number for an axis.
fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", trimmed(value / 1e6)),
        1e3.. => format!("{}k", trimmed(value / 1e3)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

const SIZE: (u32, u32) = (720, 420);
const FONT: &str = "sans-serif";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::folder::Folder;

    #[test]
    fn a_plot_has_its_titles_and_a_line_for_each_name() {
        let folder = Folder::new("plot").unwrap();
        let file = folder.path().join("plot.svg");
        let line = |name: &str| Line {
            name: name.to_owned(),
            points: vec![(100.0, 1.0), (1000.0, 2.0)],
        };
        let mut plot = Plot {
            title: "Growth",
            x_title: "subscriptions",
            y_title: "per second",
            lines: vec![line("STOMP"), line("MQTT")],
        };
        plot.write(&file).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        for text in ["Growth", "subscriptions", "per second", "STOMP", "MQTT"] {
            assert!(svg.contains(text), "{text}");
        }
        plot.lines.clear();
        assert!(plot.write(&file).is_err());
    }

    #[test]
    fn numbers_are_short() {
        let table = [
            (0.0, "0"),
            (0.25, "0.25"),
            (100.0, "100"),
            (1_500.0, "1.5k"),
            (2e6, "2M"),
        ];
        for (value, wanted) in table {
            assert_eq!(short(value), wanted);
        }
    }
}
