//! Angles in degrees: the angle of a message and the rotation of the square.

use crate::number;

/// Returns the rotation to draw for `angle` when `drawn` is drawn now: the same direction as `angle`, reached over the
/// shorter way. From 350 to 40 the square turns 50 forward, not 310 back.
pub fn turned(drawn: f64, angle: f64) -> f64 {
    let difference = wrapped(angle - drawn);
    let turn = if difference > 180.0 {
        difference - 360.0
    } else {
        difference
    };
    let rotation = drawn + turn;
    // Beyond this value a double can no longer distinguish degrees.
    if rotation.abs() < 1e12 {
        rotation
    } else {
        wrapped(angle)
    }
}

/// Returns the same direction in the range from 0 to below 360. Rust's own remainder would add a 128-bit division to
/// the binary; the results differ only for numbers in which a double cannot distinguish degrees.
pub fn wrapped(angle: f64) -> f64 {
    let rest = angle - (angle / 360.0).floor() * 360.0;
    rest.clamp(0.0, 360.0)
}

/// Returns the number as text with at most two decimals.
pub fn text(angle: f64) -> String {
    let rounded = (angle * 100.0).round() / 100.0;
    if rounded.is_finite() && rounded.abs() < 1e9 {
        number::plain(rounded)
    } else {
        number::exponential(angle, 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_gives_the_same_result_as_the_remainder() {
        for angle in [
            0.0,
            359.5,
            360.0,
            400.0,
            -0.25,
            -360.0,
            -90.0,
            1e12 + 7.0,
            -7.2e9,
        ] {
            assert_eq!(wrapped(angle), f64::rem_euclid(angle, 360.0), "{angle}");
        }
        for angle in [1e18, -1e300, f64::MAX] {
            assert!((0.0..=360.0).contains(&wrapped(angle)), "{angle}");
        }
    }

    #[test]
    fn the_square_turns_the_shorter_way() {
        for (drawn, angle, rotation) in [
            (0.0, 50.0, 50.0),
            (350.0, 40.0, 400.0),
            (40.0, 350.0, -10.0),
            (0.0, 180.0, 180.0),
            (400.0, 90.0, 450.0),
            (0.0, 720.0, 0.0),
            (0.0, -90.0, -90.0),
            (10.0, 12.5, 12.5),
        ] {
            assert_eq!(turned(drawn, angle), rotation, "{drawn} to {angle}");
        }
    }

    #[test]
    fn the_rotation_always_points_in_the_direction_of_the_angle() {
        for step in 0..2000 {
            let (drawn, angle) = (
                f64::from(step) * 7.3 - 5000.0,
                f64::from(step) * 13.7 - 9000.0,
            );
            let off = (turned(drawn, angle) - angle).rem_euclid(360.0);
            assert!(
                !(1e-6..=360.0 - 1e-6).contains(&off),
                "{drawn} to {angle}: {off}"
            );
        }
    }

    #[test]
    fn huge_angles_stay_finite() {
        assert!(turned(0.0, 1e300).is_finite());
        assert!(turned(f64::MAX, 5.0).is_finite());
    }

    #[test]
    fn an_angle_is_written_with_at_most_two_decimals() {
        for (angle, written) in [
            (50.0, "50"),
            (-12.5, "-12.5"),
            (0.1 + 0.2, "0.3"),
            (3600.0, "3600"),
            (1e300, "1.000e300"),
        ] {
            assert_eq!(text(angle), written);
        }
    }
}
