//! Times as text: UTC, seven fractional digits, always with an offset.

use jiff::Timestamp;

/// Writes nanoseconds UTC as `2026-01-31T23:59:59.1234567+00:00`; an instant that no calendar holds gives an empty text.
#[must_use]
pub fn iso(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map(|t| t.strftime("%Y-%m-%dT%H:%M:%S.%7f+00:00").to_string()).unwrap_or_default()
}

/// Reads an RFC 3339 or zone-less (taken as UTC) time stamp into nanoseconds; `None` when it is neither or lies outside 1678-2261.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let stamp = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    i64::try_from(stamp.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_100_ns_and_refuse_what_does_not_fit() {
        let ns = parse("2020-09-17T17:57:18.1234567Z").expect("a plain stamp");
        assert_eq!(iso(ns), "2020-09-17T17:57:18.1234567+00:00");
        assert_eq!(parse("2020-09-17 17:57:18"), parse("2020-09-17T19:57:18+02:00"));
        assert_eq!(parse("1601-01-01T00:00:00Z"), None);
        assert_eq!(parse("not a time"), None);
    }
}
