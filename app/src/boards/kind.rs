//! The kinds of tiles, and the settings that each has. Pure.

/// The kind of a tile: the picture that it shows, or the control with which it publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Number,
    Gauge,
    /// A number over time.
    Line,
    /// One bar for each element of a list, or for each topic of a filter.
    Bars,
    /// A rectangle, rotated by an angle in degrees.
    Shape,
    /// One point for each producer.
    Plane,
    Text,
    /// The newest value of each topic, or the members of the newest value of one topic.
    Table,
    /// The newest message as a whole.
    Last,
    /// On or off, for each topic.
    Lights,
    Log,
    Button,
    Slider,
    Switch,
}

/// A setting that only some kinds have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Field,
    /// The field of the vertical axis.
    FieldY,
    Unit,
    /// The least and the greatest value.
    Range,
    Step,
    /// The seconds that a line shows.
    Seconds,
    /// The body that a button publishes.
    Send,
    Retain,
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::Number,
        Self::Gauge,
        Self::Line,
        Self::Bars,
        Self::Shape,
        Self::Plane,
        Self::Text,
        Self::Table,
        Self::Last,
        Self::Lights,
        Self::Log,
        Self::Button,
        Self::Slider,
        Self::Switch,
    ];

    /// Returns the name in the JSON of a board.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Gauge => "gauge",
            Self::Line => "line",
            Self::Bars => "bars",
            Self::Shape => "shape",
            Self::Plane => "plane",
            Self::Text => "text",
            Self::Table => "table",
            Self::Last => "last",
            Self::Lights => "lights",
            Self::Log => "log",
            Self::Button => "button",
            Self::Slider => "slider",
            Self::Switch => "switch",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns true if the tile publishes. Its topic is then a name, not a filter.
    pub fn publishes(self) -> bool {
        matches!(self, Self::Button | Self::Slider | Self::Switch)
    }

    /// Returns true if the tile shows values of its topic.
    pub fn reads(self) -> bool {
        self != Self::Button
    }

    /// Returns true if each message may change what the tile shows, not only the newest.
    pub fn reads_all(self) -> bool {
        matches!(
            self,
            Self::Line | Self::Bars | Self::Plane | Self::Table | Self::Lights | Self::Log
        )
    }

    /// Returns true if the tile has this setting.
    pub fn has(self, setting: Setting) -> bool {
        use Kind::{Bars, Button, Gauge, Last, Line, Number, Plane, Slider, Table};
        match setting {
            Setting::Field => !matches!(self, Last | Button),
            Setting::FieldY => self == Plane,
            Setting::Unit => matches!(self, Number | Gauge | Line | Bars | Table | Slider),
            Setting::Range => matches!(self, Gauge | Line | Bars | Plane | Slider),
            Setting::Step => self == Slider,
            Setting::Seconds => self == Line,
            Setting::Send => self == Button,
            Setting::Retain => self.publishes(),
        }
    }

    /// Returns the width and height of a new tile, in columns and rows.
    pub fn first_size(self) -> (u16, u16) {
        match self {
            Self::Number | Self::Gauge | Self::Button | Self::Switch => (3, 2),
            Self::Slider => (4, 2),
            Self::Shape | Self::Plane => (4, 4),
            Self::Line | Self::Bars => (6, 3),
            Self::Text | Self::Lights => (4, 2),
            Self::Table | Self::Last | Self::Log => (6, 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn each_kind_has_its_own_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.name()), Some(kind));
        }
        assert_eq!(Kind::of("video"), None);
    }
}
