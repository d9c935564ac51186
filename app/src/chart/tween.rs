//! The animation from one set of bars to the next.

/// Returns the bars at `progress` from 0 to 1, with decreasing speed. A bar that exists on one side
/// only has height 0 on the other; the number of bars is always that of `to`.
pub fn between(from: &[f64], to: &[f64], progress: f64) -> Vec<f64> {
    let left = 1.0 - progress.clamp(0.0, 1.0);
    let eased = 1.0 - left * left * left;
    let start = |index| {
        from.get(index)
            .copied()
            .filter(|value: &f64| value.is_finite())
            .unwrap_or(0.0)
    };
    to.iter()
        .enumerate()
        .map(|(index, end)| {
            let start = start(index);
            if eased >= 1.0 {
                *end
            } else {
                start + (end - start) * eased
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn the_animation_starts_and_ends_at_the_exact_values() {
        assert_eq!(between(&[1.0, 2.0], &[5.0, -2.0], 0.0), [1.0, 2.0]);
        assert_eq!(between(&[1.0, 2.0], &[5.0, -2.0], 1.0), [5.0, -2.0]);
        assert_eq!(between(&[0.0], &[8.0], 0.5), [7.0]);
    }

    #[test]
    fn new_bars_grow_from_zero_and_removed_bars_disappear_at_once() {
        assert_eq!(between(&[], &[8.0, 8.0], 0.5), [7.0, 7.0]);
        assert_eq!(between(&[1.0, 2.0, 3.0], &[4.0], 0.0), [1.0]);
        assert_eq!(between(&[f64::INFINITY], &[8.0], 0.5), [7.0]);
    }
}
