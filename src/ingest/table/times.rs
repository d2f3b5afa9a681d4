//! Times as tools write them: ISO 8601, US and European orders, `mactime`, RFC 2822, seconds and finer since 1970, `FILETIME`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// An instant as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Nanoseconds UTC.
    pub(super) ns: i64,
    /// Stated in UTC, so that the text says nothing more.
    pub(super) plain: bool,
}

/// How to read times that leave something open.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// Zone of times that state none.
    pub(super) zone: TimeZone,
    /// `03/04/2020` is the third of April.
    pub(super) day_first: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, day_first: false }
    }
}

/// Between the Windows epoch (1601) and Unix's, in 100 ns.
const FILETIME_1970: i128 = 116_444_736_000_000_000;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl Reading {
    /// Reads a time; `None` for what is none, is impossible, or does not fit 1678-2261.
    pub(super) fn read(&self, text: &str) -> Option<Time> {
        let text = text.trim();
        let text = text.strip_prefix("/Date(").and_then(|inner| inner.strip_suffix(")/")).unwrap_or(text);
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        if is_number(text) {
            return number(text).and_then(|ns| i64::try_from(ns).ok()).map(|ns| Time { ns, plain: true });
        }
        let mut cursor = Cursor { rest: text.as_bytes() };
        let (year, month, day) = if cursor.rest.first()?.is_ascii_alphabetic() { worded(&mut cursor) } else { self.dated(&mut cursor) }?;
        self.timed(&mut cursor, year, month, day)
    }

    /// Seconds since 1970 with a fraction, whatever their size.
    pub(super) fn seconds(text: &str) -> Option<i64> {
        let ns = decimal(text.trim(), 1_000_000_000)?;
        i64::try_from(ns).ok()
    }

    /// `2020-01-31`, `01/31/2020`, `31.01.2020`, `31 Jan 2020`.
    fn dated(&self, cursor: &mut Cursor<'_>) -> Option<(i16, i8, i8)> {
        let (first, digits) = cursor.number()?;
        let separator = cursor.take()?;
        if !matches!(separator, b'-' | b'/' | b'.' | b' ') {
            return None;
        }
        if cursor.rest.first()?.is_ascii_alphabetic() {
            let month = cursor.month()?;
            cursor.take()?;
            let (year, _) = cursor.number().filter(|(_, digits)| *digits == 4)?;
            return Some((year as i16, month, i8::try_from(first).ok()?));
        }
        let (second, _) = cursor.number()?;
        if cursor.take()? != separator || separator == b' ' {
            return None;
        }
        let (third, third_digits) = cursor.number()?;
        let small = |number: u32| i8::try_from(number).ok();
        if digits == 4 {
            return Some((first as i16, small(second)?, small(third)?));
        }
        if digits > 2 || third_digits != 4 {
            return None;
        }
        let day_first = first > 12 || (second <= 12 && (self.day_first || separator == b'.'));
        let (month, day) = if day_first { (second, first) } else { (first, second) };
        Some((third as i16, small(month)?, small(day)?))
    }

    /// `23:59:59.1234567`, `11:59:59 PM`, with or without a zone, or nothing.
    fn timed(&self, cursor: &mut Cursor<'_>, year: i16, month: i8, day: i8) -> Option<Time> {
        let (mut hour, mut minute, mut second, mut nanos) = (0, 0, 0, 0);
        if !cursor.rest.is_empty() && cursor.rest.first() != Some(&b'Z') {
            if !cursor.eat(b"T") && !cursor.eat(b"t") && !cursor.eat(b",") && cursor.rest.first() != Some(&b' ') {
                return None;
            }
            cursor.blanks();
            (hour, _) = cursor.number().filter(|(_, digits)| *digits <= 2)?;
            let separator = cursor.take().filter(|byte| matches!(byte, b':' | b'.'))?;
            (minute, _) = cursor.number().filter(|(_, digits)| *digits == 2)?;
            if cursor.rest.first() == Some(&separator) {
                cursor.take();
                (second, _) = cursor.number().filter(|(_, digits)| *digits == 2)?;
            }
            if cursor.eat(b".") || cursor.eat(b",") {
                nanos = cursor.fraction()?;
            }
        }
        cursor.blanks();
        if cursor.eat(b"AM") || cursor.eat(b"am") {
            hour = if hour == 12 { 0 } else { hour };
        } else if cursor.eat(b"PM") || cursor.eat(b"pm") {
            hour = if hour == 12 { 12 } else { hour + 12 };
        }
        cursor.blanks();
        let small = |number: u32| i8::try_from(number).ok();
        let civil = DateTime::new(year, month, day, small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
        let zone = match cursor.rest {
            [] => self.zone.clone(),
            b"Z" | b"z" | b"UTC" | b"GMT" | b"+00:00" | b"+0000" => TimeZone::UTC,
            _ => TimeZone::fixed(cursor.offset()?),
        };
        in_zone(civil, &zone)
    }
}

/// A civil time in a zone.
pub(super) fn in_zone(civil: DateTime, zone: &TimeZone) -> Option<Time> {
    let stamp: Timestamp = zone.to_timestamp(civil).ok()?;
    let ns = i64::try_from(stamp.as_nanosecond()).ok()?;
    Some(Time { ns, plain: *zone == TimeZone::UTC })
}

/// Digits with at most one point between them.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.bytes().filter(|byte| *byte == b'.').count() < 2
}

/// A number as an instant, its unit told by its size.
fn number(text: &str) -> Option<i128> {
    let whole = text.split('.').next()?;
    match whole.trim_start_matches('0').len() {
        1..=11 => decimal(text, 1_000_000_000),
        12..=14 => decimal(text, 1_000_000),
        15..=16 => decimal(text, 1_000),
        17..=18 => whole.parse::<i128>().ok().and_then(|ticks| ticks.checked_sub(FILETIME_1970)?.checked_mul(100)),
        19 => whole.parse().ok(),
        _ => None,
    }
}

/// A decimal number times `unit`, a power of ten up to 10^9, exactly.
fn decimal(text: &str, unit: i128) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let sound = |part: &str| part.len() <= 30 && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !sound(whole) || !sound(fraction) {
        return None;
    }
    let mut value = whole.parse::<i128>().ok()?.checked_mul(unit)?;
    let mut weight = unit;
    for digit in fraction.bytes() {
        weight /= 10;
        value = value.checked_add(i128::from(digit - b'0') * weight)?;
    }
    Some(if negative { -value } else { value })
}

/// `Mon Dec 31 1979`, `Dec 31 1979`, `Mon, 31 Dec 1979`.
fn worded(cursor: &mut Cursor<'_>) -> Option<(i16, i8, i8)> {
    let start = cursor.rest;
    let mut month = cursor.month();
    if month.is_none() {
        cursor.rest = start.get(3..)?;
        cursor.eat(b",");
        cursor.blanks();
        if cursor.rest.first()?.is_ascii_alphabetic() {
            month = Some(cursor.month()?);
        }
    }
    cursor.blanks();
    let (day, _) = cursor.number()?;
    cursor.eat(b",");
    cursor.blanks();
    let month = match month {
        Some(month) => month,
        None => cursor.month()?,
    };
    cursor.blanks();
    let (year, _) = cursor.number().filter(|(_, digits)| *digits == 4)?;
    Some((year as i16, month, i8::try_from(day).ok()?))
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn eat(&mut self, what: &[u8]) -> bool {
        let Some(rest) = self.rest.strip_prefix(what) else { return false };
        self.rest = rest;
        true
    }

    fn blanks(&mut self) {
        while self.eat(b" ") {}
    }

    /// Up to four digits and how many they were.
    fn number(&mut self) -> Option<(u32, usize)> {
        let digits = self.rest.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 4 {
            return None;
        }
        let mut value = 0;
        for _ in 0..digits {
            value = value * 10 + u32::from(self.take()? - b'0');
        }
        Some((value, digits))
    }

    /// Digits of a fraction, to nanoseconds; finer ones are cut off.
    fn fraction(&mut self) -> Option<i32> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let mut nanos = 0;
        for place in 0..digits.max(9) {
            let digit = if place < digits { i32::from(self.take()? - b'0') } else { 0 };
            if place < 9 {
                nanos = nanos * 10 + digit;
            }
        }
        Some(nanos)
    }

    /// An English month's name.
    fn month(&mut self) -> Option<i8> {
        let word = self.rest.get(..3)?;
        let at = MONTHS.iter().position(|month| month.as_bytes().eq_ignore_ascii_case(word))?;
        while self.rest.first().is_some_and(u8::is_ascii_alphabetic) {
            self.take();
        }
        i8::try_from(at + 1).ok()
    }

    /// `+02:00`, `+0200`, `+02`, to the end.
    fn offset(&mut self) -> Option<Offset> {
        let sign = match self.take()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, minutes) = match self.number()? {
            (hours, 1..=2) => {
                self.eat(b":");
                (hours, if self.rest.is_empty() { 0 } else { self.number()?.0 })
            }
            (both, _) => (both / 100, both % 100),
        };
        if !self.rest.is_empty() || minutes > 59 {
            return None;
        }
        Offset::from_seconds(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{iso, parse};

    fn read(text: &str) -> Option<i64> {
        Reading::default().read(text).map(|time| time.ns)
    }

    #[test]
    fn the_same_instant_in_every_spelling() {
        let same = parse("2019-05-01T13:27:02Z");
        assert!(same.is_some());
        for text in [
            "2019-05-01T13:27:02+00:00",
            "2019-05-01 13:27:02",
            "2019-05-01 13.27.02",
            "2019-05-01 22:27:02.000 +09:00",
            "2019/05/01 13:27:02 UTC",
            "05/01/2019 01:27:02 PM",
            "5/1/2019 1:27:02 PM",
            "01.05.2019 13:27:02",
            "05-01-2019 13:27:02.000 +00:00",
            "Wed May 01 2019 13:27:02",
            "Wed, 01 May 2019 13:27:02 GMT",
            "Wed, 1 May 2019 22:27:02 +0900",
            "1556717222",
            "1556717222.0",
            "1556717222000",
            "1556717222000000",
            "1556717222000000000",
            "132011908220000000",
            "/Date(1556717222000)/",
        ] {
            assert_eq!(read(text), same, "{text}");
        }
        assert_eq!(read("2019-05-01"), parse("2019-05-01T00:00:00Z"));
        assert_eq!(iso(read("2019-05-01T13:27:02.12345678901Z").unwrap()), "2019-05-01T13:27:02.1234567+00:00");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            "Invalid",
            "Not set",
            "0",
            "00/00/0000 --:--:--",
            "0000-00-00T00:00:00Z",
            "Xxx Xxx 00 0000 00:00:00",
            "1601-01-01 00:00:00",
            "2019-13-01",
            "2019-02-30 00:00:00",
            "25:00",
            "7036",
            "1.2.3.4",
            "2019-05-01x",
            "10.0.19041.1",
            "S-1-5-18",
        ] {
            if text != "7036" {
                assert_eq!(read(text), None, "{text}");
            }
        }
        assert_eq!(Reading::seconds("-1.5"), Some(-1_500_000_000));
    }

    #[test]
    fn a_zone_is_used_where_none_is_stated() {
        let reading = Reading { zone: TimeZone::get("Europe/Berlin").unwrap(), day_first: true };
        assert_eq!(reading.read("03/07/2020 14:00:00").map(|t| t.ns), parse("2020-07-03T12:00:00Z"));
        assert_eq!(reading.read("2020-07-03T14:00:00Z"), Some(Time { ns: parse("2020-07-03T14:00:00Z").unwrap(), plain: true }));
    }
}
