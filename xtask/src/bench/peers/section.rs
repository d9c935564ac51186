//! The two parts of `docs/src/measure/comparison.md`: the comparison in memory, and that with messages on disk. Each
//! is written by a run of its own, which keeps the other part.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// The heading of the part with messages on disk, which is the last one.
pub const DATA_HEADING: &str = "# Persistent messages";

pub struct Sections {
    main: String,
    data: String,
}

impl Sections {
    /// Reads a document. A missing document has empty parts.
    pub fn read(file: &Path) -> Self {
        Self::of(&fs::read_to_string(file).unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let at = match text.starts_with(DATA_HEADING) {
            true => Some(0),
            false => text.find(&format!("\n{DATA_HEADING}")).map(|at| at + 1),
        };
        let (main, data) = text.split_at(at.unwrap_or(text.len()));
        Self {
            main: main.trim_end().to_owned(),
            data: data.trim_end().to_owned(),
        }
    }

    pub fn with_main(self, text: &str) -> Self {
        Self {
            main: text.trim_end().to_owned(),
            ..self
        }
    }

    /// `text` begins with [`DATA_HEADING`].
    pub fn with_data(self, text: &str) -> Self {
        Self {
            data: text.trim_end().to_owned(),
            ..self
        }
    }

    fn text(&self) -> String {
        let parts = [&self.main, &self.data];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let parts: Vec<_> = parts.into_iter().map(String::as_str).collect();
        parts.join("\n\n") + "\n"
    }

    pub fn write(&self, file: &Path) -> Result<()> {
        Ok(fs::write(file, self.text())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_part_leaves_the_other_one() {
        let both = Sections::of("# A\n\ntext\n").with_data("# Persistent messages\n\none\n");
        let text = both.text();
        assert_eq!(text, "# A\n\ntext\n\n# Persistent messages\n\none\n");
        let changed = Sections::of(&text).with_main("# B").text();
        assert_eq!(changed, "# B\n\n# Persistent messages\n\none\n");
        let changed = Sections::of(&changed)
            .with_data("# Persistent messages\n")
            .text();
        assert_eq!(changed, "# B\n\n# Persistent messages\n");
        let only = Sections::of("# Persistent messages\n").text();
        assert_eq!(only, "# Persistent messages\n");
    }
}
