//! The y axis of a bar chart: its range and its marks.

use std::ops::RangeInclusive;

use crate::number;

/// An axis that holds zero and every value, ending on marks at round numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    /// The distance between two marks.
    pub step: f64,
}

impl Scale {
    /// Returns the scale for these values; values that are not finite are ignored.
    pub fn of(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let lowest = finite().fold(0.0, f64::min).max(-LARGEST);
        let highest = finite().fold(0.0, f64::max).min(LARGEST);
        let step = round_step((highest - lowest) / MARKS);
        let low = (lowest / step).floor() * step;
        let high = (highest / step).ceil() * step;
        Self {
            low,
            high: if high > low { high } else { low + step },
            step,
        }
    }

    /// Returns the scale for the next values. Keeps the previous scale while the values fit it
    /// well, so that the axis does not change with every message.
    pub fn following(before: &Self, values: &[f64]) -> Self {
        let own = Self::of(values);
        let holds = before.low <= own.low && before.high >= own.high;
        let small = (own.high - own.low) * 2.0 < before.high - before.low;
        if holds && !small { before.clone() } else { own }
    }

    /// Returns the marks from the lowest to the highest.
    pub fn marks(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, step) = (self.low, self.step);
        let count = ((self.high - low) / step).round() as u32;
        // Multiplied, not summed, so that zero is exactly zero.
        (0..=count).map(move |mark| {
            let value = low + f64::from(mark) * step;
            if value.abs() < step / 2.0 { 0.0 } else { value }
        })
    }

    /// Returns a mark's number with the decimals that the step needs.
    pub fn label(&self, value: f64) -> String {
        if !PLAIN.contains(&self.step) {
            return number::exponential(value, 0);
        }
        number::fixed(value, decimals(self.step))
    }
}

/// Returns 1, 2 or 5 times a power of ten, at least `rough`.
fn round_step(rough: f64) -> f64 {
    if rough <= 0.0 || !rough.is_finite() {
        return 1.0;
    }
    let rough = rough.max(SMALLEST_STEP);
    let mut power = 1.0;
    while power > rough {
        power /= 10.0;
    }
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        // The tolerance covers rounding: 0.30000000000000004 / 0.1 counts as three.
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Returns the number of decimals that multiples of `step` need.
fn decimals(step: f64) -> u8 {
    let mut unit = 1.0;
    let mut decimals = 0;
    while unit > step * (1.0 + 1e-9) && decimals < 9 {
        unit /= 10.0;
        decimals += 1;
    }
    decimals
}

/// The approximate number of steps of an axis.
const MARKS: f64 = 5.0;
/// Larger values are drawn as this value.
const LARGEST: f64 = 1e15;
const SMALLEST_STEP: f64 = 1e-300;
/// Steps whose marks are written without an exponent.
const PLAIN: RangeInclusive<f64> = 0.01..=10_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_starts_at_zero_and_ends_at_a_round_number() {
        for (values, low, high, step) in [
            (vec![1.0, 7.0], 0.0, 8.0, 2.0),
            (vec![20.0, 3.0], 0.0, 20.0, 5.0),
            (vec![-5.0, -1.0], -5.0, 0.0, 1.0),
            (vec![-3.0, 12.0], -5.0, 15.0, 5.0),
            (vec![0.3], 0.0, 0.3, 0.1),
            (vec![0.0, 0.0], 0.0, 1.0, 1.0),
            (vec![], 0.0, 1.0, 1.0),
            (vec![f64::NAN, f64::INFINITY, 4.0], 0.0, 4.0, 1.0),
        ] {
            let scale = Scale::of(&values);
            assert!((scale.low - low).abs() < 1e-9, "{values:?}: {scale:?}");
            assert!((scale.high - high).abs() < 1e-9, "{values:?}: {scale:?}");
            assert!((scale.step - step).abs() < 1e-9, "{values:?}: {scale:?}");
        }
    }

    #[test]
    fn marks_are_few_and_include_zero_for_any_values() {
        for power in -300..=300 {
            for value in [1.0, 2.7, 9.99, -3.3] {
                let scale = Scale::of(&[value * 10_f64.powi(power), -value]);
                let marks: Vec<_> = scale.marks().collect();
                assert!(
                    (2..=12).contains(&marks.len()),
                    "{scale:?} has {} marks",
                    marks.len()
                );
                assert!(marks.contains(&0.0), "{scale:?}: {marks:?}");
            }
        }
    }

    #[test]
    fn the_axis_stays_while_the_values_fit_it_well() {
        let before = Scale::of(&[20.0]);
        assert_eq!(Scale::following(&before, &[14.0]), before);
        assert_eq!(Scale::following(&before, &[21.0]), Scale::of(&[21.0]));
        assert_eq!(Scale::following(&before, &[3.0]), Scale::of(&[3.0]));
        assert_eq!(
            Scale::following(&before, &[-1.0, 14.0]),
            Scale::of(&[-1.0, 14.0])
        );
    }

    #[test]
    fn labels_have_the_decimals_of_the_step() {
        assert_eq!(Scale::of(&[7.0]).label(4.0), "4");
        assert_eq!(Scale::of(&[0.3]).label(0.2), "0.2");
        assert_eq!(Scale::of(&[1e12]).label(5e11), "5e11");
    }
}
