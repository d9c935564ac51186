//! The settings of a tile as they are typed. Pure; `settings` is the dialog.

use crate::{
    boards::{Setting, Tile, check},
    json, number,
    texts::boards as texts,
};

/// The settings as they are typed.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub tile: Tile,
    pub min: String,
    pub max: String,
    pub step: String,
    pub seconds: String,
}

impl Draft {
    pub fn of(tile: Tile) -> Self {
        let text = |number: Option<f64>| number.map(number::plain).unwrap_or_default();
        Self {
            min: text(tile.min),
            max: text(tile.max),
            step: text(tile.step),
            seconds: text(tile.seconds),
            tile,
        }
    }

    /// Returns the tile without the settings that its kind does not have.
    ///
    /// # Errors
    ///
    /// A sentence about the first fault.
    pub fn finished(&self) -> Result<Tile, String> {
        let Tile { kind, .. } = self.tile;
        let number = |text: &str, setting: Setting| match (kind.has(setting), text.trim()) {
            (false, _) | (_, "") => Ok(None),
            (true, text) => match json::read(text).ok().and_then(|json| json.number()) {
                Some(number) => Ok(Some(number)),
                None => Err(texts::NOT_A_NUMBER.with(&[text])),
            },
        };
        let words = |text: &str, setting: Setting| match kind.has(setting) {
            true => text.to_owned(),
            false => String::new(),
        };
        let tile = Tile {
            title: self.tile.title.trim().to_owned(),
            field: words(self.tile.field.trim(), Setting::Field),
            field_y: words(self.tile.field_y.trim(), Setting::FieldY),
            unit: words(&self.tile.unit, Setting::Unit),
            send: words(&self.tile.send, Setting::Send),
            min: number(&self.min, Setting::Range)?,
            max: number(&self.max, Setting::Range)?,
            step: number(&self.step, Setting::Step)?,
            seconds: number(&self.seconds, Setting::Seconds)?,
            retain: self.tile.retain && kind.has(Setting::Retain),
            ..self.tile.clone()
        };
        check(&tile).map_err(|fault| texts::FAULT.with(&[&fault]))?;
        Ok(tile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::Kind;

    fn draft(kind: Kind) -> Draft {
        Draft::of(Tile {
            id: 1,
            kind,
            topic: "hall.temp".into(),
            field: "data".into(),
            unit: "°C".into(),
            min: Some(0.5),
            send: "on".into(),
            retain: true,
            ..Tile::default()
        })
    }

    #[test]
    fn settings_that_a_kind_does_not_have_are_left_out() {
        let gauge = draft(Kind::Gauge).finished().expect("a tile");
        assert_eq!((&*gauge.unit, gauge.min), ("°C", Some(0.5)));
        assert_eq!((&*gauge.send, gauge.retain), ("", false));
        let button = draft(Kind::Button).finished().expect("a tile");
        assert_eq!((&*button.field, button.min), ("", None));
        assert_eq!((&*button.send, button.retain), ("on", true));
    }

    #[test]
    fn a_fault_is_a_sentence() {
        let mut wrong = draft(Kind::Gauge);
        wrong.max = "much".into();
        assert_eq!(wrong.finished(), Err("“much” is not a number.".into()));
        let mut wrong = draft(Kind::Gauge);
        wrong.tile.topic = "a..b".into();
        let fault = wrong.finished().expect_err("no topic");
        assert!(fault.starts_with("This cannot be: topic:"), "{fault}");
        let mut wrong = draft(Kind::Gauge);
        wrong.max = "0".into();
        let fault = wrong.finished().expect_err("no range");
        assert!(fault.contains("greater than min"), "{fault}");
    }
}
