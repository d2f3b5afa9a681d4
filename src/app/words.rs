//! Numbers and times as text.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// `1,204,331`.
#[must_use]
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2,000 rows`.
#[must_use]
pub fn rows(n: usize) -> String {
    if n == 1 { "1 row".into() } else { format!("{} rows", count(n)) }
}

/// A score with four significant digits: `23.41`, `0.01320`, `1.2e-9`.
#[must_use]
pub fn score(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if !(1e-4..1e7).contains(&size) {
        format!("{value:.3e}")
    } else {
        let before = size.log10().floor() as i32;
        format!("{value:.*}", (3 - before).clamp(0, 7) as usize)
    }
}

/// A share in percent, never rounded to none or all when it is neither.
#[must_use]
pub fn share(part: usize, whole: usize) -> String {
    if whole == 0 || part == 0 {
        return "0 %".into();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        p if part < whole && p > 99.9 => "> 99.9 %".into(),
        p if p < 0.01 => "< 0.01 %".into(),
        p if p < 1.0 => format!("{p:.2} %"),
        p => format!("{p:.1} %"),
    }
}

/// `0:12`, `1:02:03`.
#[must_use]
pub fn duration(left: Duration) -> String {
    let s = left.as_secs();
    if s >= 3600 { format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60) } else { format!("{}:{:02}", s / 60, s % 60) }
}

/// Bytes in a unit of three digits.
#[must_use]
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// A time in a zone, to the digit the evidence has: `2020-09-17 17:57:18.1234567`.
#[must_use]
pub fn time(ns: i64, zone: &TimeZone) -> String {
    let Ok(stamp) = Timestamp::from_nanosecond(i128::from(ns)) else { return String::new() };
    let text = stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%7f").to_string();
    match text.split_once('.') {
        Some((seconds, fraction)) if fraction.trim_end_matches('0').is_empty() => seconds.to_owned(),
        _ => text.trim_end_matches('0').to_owned(),
    }
}

/// `5 of 1,204 events`, or `1,204 events` where that is all.
#[must_use]
pub fn part_of(some: usize, all: usize, what: &str) -> String {
    if some == all { format!("{} {what}", count(all)) } else { format!("{} of {} {what}", count(some), count(all)) }
}

/// A time to the second.
#[must_use]
pub fn second(ns: i64, zone: &TimeZone) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map(|t| t.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([count(0), count(999), count(1000), count(1_204_331)], ["0", "999", "1,000", "1,204,331"]);
        assert_eq!([score(23.4142), score(0.0132), score(1234.56), score(0.0), score(1.2e-9)], ["23.41", "0.01320", "1235", "0", "1.200e-9"]);
        assert_eq!(
            [share(0, 10), share(1, 100_000), share(214, 8465), share(9_999, 10_000), share(10, 10)],
            ["0 %", "< 0.01 %", "2.5 %", "> 99.9 %", "100.0 %"]
        );
        assert_eq!([duration(Duration::from_secs(12)), duration(Duration::from_secs(3723))], ["0:12", "1:02:03"]);
        assert_eq!([bytes(5), bytes(2048), bytes(3 << 30)], ["5 B", "2.0 KiB", "3.0 GiB"]);
    }

    #[test]
    fn times_show_the_digits_there_are() {
        let utc = TimeZone::UTC;
        assert_eq!(time(1_600_365_438_123_456_700, &utc), "2020-09-17 17:57:18.1234567");
        assert_eq!(time(1_600_365_430_000_000_000, &utc), "2020-09-17 17:57:10");
        assert_eq!(time(1_600_365_430_500_000_000, &utc), "2020-09-17 17:57:10.5");
        assert_eq!(second(1_600_365_430_500_000_000, &utc), "2020-09-17 17:57:10");
    }
}
