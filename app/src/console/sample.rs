//! The messages that the Console generates.

use crate::angle::wrapped;

/// Returns the rectangle's next angle: 50 degrees further, from 0 to below 360.
pub fn next_angle(angle: f64) -> f64 {
    wrapped(angle + 50.0)
}

/// Returns the chart's next bars: seven whole numbers from 1 to 20. `chance` returns random numbers
/// from 0 up to but not including 1.
pub fn next_bars(mut chance: impl FnMut() -> f64) -> Vec<f64> {
    (0..7)
        .map(|_| (chance() * 20.0).floor().min(19.0) + 1.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_go_round() {
        let angles: Vec<f64> = std::iter::successors(Some(0.0), |angle| Some(next_angle(*angle)))
            .take(9)
            .collect();
        assert_eq!(
            angles,
            [0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 350.0, 40.0]
        );
    }

    #[test]
    fn bars_are_seven_from_1_to_20() {
        assert_eq!(next_bars(|| 0.0), [1.0; 7]);
        assert_eq!(next_bars(|| 0.999_999), [20.0; 7]);
        assert_eq!(next_bars(|| 1.0), [20.0; 7]);
        assert_eq!(next_bars(|| 0.5), [11.0; 7]);
    }
}
