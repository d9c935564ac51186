//! QR codes (ISO/IEC 18004) of addresses, as SVG for pages and as text for a terminal.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// A QR code.
pub struct QrImage {
    code: QrCode,
    text: String,
}

impl QrImage {
    /// Returns the code of a text; `None` if the text is longer than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn new(text: String) -> Option<Self> {
        if text.len() > Self::MAX_BYTES {
            return None;
        }
        let code = QrCode::encode_text(&text, QrCodeEcc::Medium).ok()?;
        Some(Self { code, text })
    }

    /// Maximum length of a text in bytes. The code of a longer one has more modules than a phone's camera can distinguish on a
    /// screen.
    pub const MAX_BYTES: usize = 1_000;

    /// Returns an SVG whose title is the text.
    pub fn svg(&self) -> String {
        let side = self.code.size() + 2 * QUIET;
        let mut path = String::new();
        for y in 0..self.code.size() {
            let mut x = 0;
            while x < self.code.size() {
                let run = (x..self.code.size()).take_while(|x| self.code.get_module(*x, y));
                let length = i32::try_from(run.count()).unwrap_or_default();
                if length > 0 {
                    // Writing to a string does not fail.
                    let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET);
                }
                x += length + 1;
            }
        }
        let title = self.text.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" role=\"img\">\
             <title>{title}</title><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
        )
    }

    /// Returns lines for a terminal, two rows of modules in each. The colours are set, because a dark background would invert
    /// the code.
    pub fn terminal(&self) -> String {
        let mut lines = String::new();
        let rows = -QUIET..self.code.size() + QUIET;
        for y in rows.clone().step_by(2) {
            lines.push_str(BLACK_ON_WHITE);
            // Outside of the code `get_module` returns false.
            lines.extend(rows.clone().map(|x| {
                match (self.code.get_module(x, y), self.code.get_module(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            }));
            lines.push_str(RESET);
            lines.push('\n');
        }
        lines
    }
}

/// Modules of the margin (ISO/IEC 18004, 6.3.8).
const QUIET: i32 = 4;
/// Colours of the palette of 256, which a theme of the terminal does not change.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> QrImage {
        QrImage::new(text.to_owned()).expect("a short text")
    }

    /// Returns the rows of a terminal's picture; true is dark.
    fn rows(terminal: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in terminal.lines() {
            let line = line.strip_prefix(BLACK_ON_WHITE).expect("colours");
            let line = line.strip_suffix(RESET).expect("their end");
            rows.push(line.chars().map(|one| "█▀".contains(one)).collect());
            rows.push(line.chars().map(|one| "█▄".contains(one)).collect());
        }
        rows
    }

    /// Returns the dark modules of an SVG, by row.
    fn drawn(svg: &str, side: usize) -> Vec<Vec<bool>> {
        let mut rows = vec![vec![false; side]; side];
        let (_, path) = svg.split_once("fill=\"#000\" d=\"").expect("a path");
        for run in path.split('M').skip(1) {
            let numbers: Vec<usize> = run
                .split(|one: char| !one.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            let [x, y, length, ..] = numbers[..] else {
                panic!("{run}");
            };
            rows[y][x..x + length].fill(true);
        }
        rows
    }

    #[test]
    fn the_terminal_and_the_svg_show_the_same_modules() {
        let image = image("http://192.168.1.7:8080/topics/sensors.roof");
        let terminal = rows(&image.terminal());
        let side = terminal[0].len();
        let svg = image.svg();
        assert!(
            svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")),
            "{svg}"
        );
        // The number of rows is odd, so the last line of the terminal has an empty half.
        assert_eq!(terminal[..side], drawn(&svg, side));
        assert!(terminal[side].iter().all(|is_dark| !is_dark));
        // The finder pattern of a corner, inside the margin (ISO/IEC 18004, 6.3.3).
        let finder = [
            "#######", "#     #", "# ### #", "# ### #", "# ### #", "#     #", "#######",
        ];
        for (y, row) in finder.into_iter().enumerate() {
            let shown: String = terminal[y + 4][4..11]
                .iter()
                .map(|is_dark| if *is_dark { '#' } else { ' ' })
                .collect();
            assert_eq!(shown, row);
            assert!(terminal[y][..].iter().take(4).all(|is_dark| !is_dark));
        }
    }

    #[test]
    fn texts_are_bounded_and_escaped() {
        assert!(QrImage::new("x".repeat(QrImage::MAX_BYTES)).is_some());
        assert!(QrImage::new("x".repeat(QrImage::MAX_BYTES + 1)).is_none());
        let svg = image("http://a/?b=1&c=</title><script>").svg();
        assert!(
            svg.contains("<title>http://a/?b=1&amp;c=&lt;/title>&lt;script></title>"),
            "{svg}"
        );
    }
}
