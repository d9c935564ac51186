//! Durations and the version.

texts! {
    VERSION = "Version {}, up for {}.", "버전 {}, 가동 시간 {}.";
    SECONDS = "{} s", "{}초";
    MINUTES = "{} min {} s", "{}분 {}초";
    HOURS = "{} h {} min", "{}시간 {}분";
    DAYS = "{} d {} h", "{}일 {}시간";
}
