//! Degrees, as a message gives them and as the square turns.

use crate::number;

/// The rotation to draw for `angle` when `drawn` is drawn now: the same direction, reached the short
/// way round. From 350 to 40 the square goes on by 50 instead of back by 310.
pub fn turned(drawn: f64, angle: f64) -> f64 {
    let difference = wrapped(angle - drawn);
    let turn = if difference > 180.0 {
        difference - 360.0
    } else {
        difference
    };
    let rotation = drawn + turn;
    // Beyond this a double cannot tell degrees apart any more.
    if rotation.abs() < 1e12 {
        rotation
    } else {
        wrapped(angle)
    }
}

/// The same direction from 0 up to 360. Rust's own remainders bring a division of 128 bits along; they
/// are other than this only where a double cannot tell degrees apart.
pub fn wrapped(angle: f64) -> f64 {
    let rest = angle - (angle / 360.0).floor() * 360.0;
    rest.clamp(0.0, 360.0)
}

/// The number as text, without more decimals than can be seen.
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
    fn angles_are_wrapped_as_by_the_remainder() {
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
    fn the_square_takes_the_short_way() {
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
    fn the_rotation_always_shows_the_angle() {
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
    fn an_angle_is_written_without_noise() {
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
