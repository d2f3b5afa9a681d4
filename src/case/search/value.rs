//! What stands after a column's colon: text patterns, and spans of numbers and times.

use super::column::Number;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span as Step, ToSpan};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use std::ops::Range;

/// Longest text that is looked for.
const LONGEST: usize = 1_000;

/// A text looked for without regard to case.
#[derive(Clone, Debug)]
pub(in crate::case) struct Pattern {
    regex: Regex,
    /// The texts in small letters, where they are all ASCII.
    words: Vec<Finder<'static>>,
}

impl Pattern {
    pub(in crate::case) fn contains(text: &str) -> Result<Self, String> {
        Self::make(&regex::escape(text), &[text])
    }

    /// Any of several texts.
    pub(in crate::case) fn any(texts: &[String]) -> Result<Self, String> {
        let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
        Self::make(&escaped.join("|"), &texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(in crate::case) fn exactly(text: &str) -> Result<Self, String> {
        Ok(Self { words: Vec::new(), ..Self::make(&format!("^{}$", regex::escape(text)), &[text])? })
    }

    /// The JSON fields of events of a logon session, whose ID is given as `0x...` or in decimal digits.
    pub(super) fn logon(text: &str) -> Result<Self, String> {
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let id = hex.map_or_else(|| text.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok());
        let id = id.ok_or_else(|| format!("logon: '{text}' is not the ID of a logon session, such as 0x1a2b3"))?;
        Self::make(&format!(r#"LogonId"\s*:\s*"?(?:0x0*{id:x}|{id})[",}}\s]"#), &[])
    }

    fn make(pattern: &str, texts: &[&str]) -> Result<Self, String> {
        if let Some(text) = texts.iter().find(|text| text.len() > LONGEST) {
            return Err(format!("a text of {} bytes is too long to search for; the limit is {LONGEST}", text.len()));
        }
        let regex = RegexBuilder::new(pattern).case_insensitive(true).build();
        let regex = regex.map_err(|e| format!("cannot search for '{}': {e}", texts.join(" ")))?;
        let plain = texts.iter().all(|text| text.is_ascii() && !text.is_empty());
        let small = |text: &&str| Finder::new(&text.to_ascii_lowercase()).into_owned();
        Ok(Self { regex, words: if plain { texts.iter().map(small).collect() } else { Vec::new() } })
    }

    pub(in crate::case) fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Finders of texts in small letters, one of which is in every text that has the pattern in it, and in no other; none where it is not as simple.
    pub(in crate::case) fn words(&self) -> &[Finder<'static>] {
        &self.words
    }

    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range()).collect()
    }
}

/// Numbers from one bound to another, both included; whole ones beside it for what no float can tell apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::case) struct Span {
    whole: (i64, i64),
    real: (f64, f64),
}

impl Span {
    fn whole(from: i64, to: i64) -> Self {
        Self { whole: (from, to), real: (from as f64, to as f64) }
    }

    fn real(from: f64, to: f64) -> Self {
        Self { whole: (from.ceil() as i64, to.floor() as i64), real: (from, to) }
    }

    pub(in crate::case) fn holds(&self, number: Number) -> bool {
        match number {
            Number::Whole(n) => (self.whole.0..=self.whole.1).contains(&n),
            Number::Real(n) => (self.real.0..=self.real.1).contains(&n),
        }
    }

    /// `7`, `2-10`, `1,3,5-9`, `<3`, `>=2.5`, `yes`, `no`.
    pub(super) fn list(text: &str) -> Option<Vec<Self>> {
        match text.to_lowercase().as_str() {
            "yes" | "true" => return Some(vec![Self::whole(1, 1)]),
            "no" | "false" => return Some(vec![Self::whole(0, 0)]),
            _ => {}
        }
        if let Some((sign, rest)) = comparison(text) {
            let bound: f64 = number(rest)?;
            return Some(vec![match sign {
                "<" => Self::real(f64::NEG_INFINITY, bound.next_down()),
                "<=" => Self::real(f64::NEG_INFINITY, bound),
                ">" => Self::real(bound.next_up(), f64::INFINITY),
                _ => Self::real(bound, f64::INFINITY),
            }]);
        }
        text.split(',').map(Self::one).collect()
    }

    fn one(text: &str) -> Option<Self> {
        if let Some((from, to)) = text.split_once('-') {
            return Some(Self::real(number(from)?, number(to)?));
        }
        let n = number(text)?;
        Some(Self::real(n, n))
    }

    /// `2020`, `2020-09`, `2020-09-17`, `2020-09-17T17`, `...:57`, `...:18`, with `<`, `<=`, `>` or `>=` before it.
    pub(super) fn time(text: &str) -> Option<Self> {
        let (sign, rest) = comparison(text).unwrap_or(("", text));
        let (from, to) = calendar(rest)?;
        Some(match sign {
            "<" => Self::whole(i64::MIN, from.checked_sub(1)?),
            "<=" => Self::whole(i64::MIN, to),
            ">" => Self::whole(to.checked_add(1)?, i64::MAX),
            ">=" => Self::whole(from, i64::MAX),
            _ => Self::whole(from, to),
        })
    }
}

fn comparison(text: &str) -> Option<(&'static str, &str)> {
    ["<=", ">=", "<", ">"].into_iter().find_map(|sign| Some((sign, text.strip_prefix(sign)?)))
}

/// Digits with at most one point; no signs, exponents or words.
fn number(text: &str) -> Option<f64> {
    (text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')).then(|| text.parse().ok())?
}

/// First and last nanosecond of a year, month, day, hour, minute or second.
fn calendar(text: &str) -> Option<(i64, i64)> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let (date, clock) = text.split_once(['T', 't', '_']).map_or((text, None), |(date, clock)| (date, Some(clock)));
    let mut parts = date.split('-');
    let year: i16 = parts.next()?.parse().ok()?;
    let month: Option<i8> = parts.next().map(str::parse).transpose().ok()?;
    let day: Option<i8> = parts.next().map(str::parse).transpose().ok()?;
    let mut hms = [None, None, None];
    if let Some(clock) = clock {
        let mut pieces = clock.split(':');
        for slot in &mut hms {
            *slot = pieces.next().map(str::parse::<i8>).transpose().ok()?;
        }
        if pieces.next().is_some() || day.is_none() {
            return None;
        }
    }
    if parts.next().is_some() || year < 1 {
        return None;
    }
    let start = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
    let start = DateTime::new(start.year(), start.month(), start.day(), hms[0].unwrap_or(0), hms[1].unwrap_or(0), hms[2].unwrap_or(0), 0).ok()?;
    let step: Step = match (month, day, hms) {
        (None, ..) => 1.year(),
        (_, None, _) => 1.month(),
        (.., [None, ..]) => 1.day(),
        (.., [_, None, _]) => 1.hour(),
        (.., [.., None]) => 1.minute(),
        _ => 1.second(),
    };
    Some((nanoseconds(start)?, nanoseconds(start.checked_add(step).ok()?)?.checked_sub(1)?))
}

fn nanoseconds(at: DateTime) -> Option<i64> {
    i64::try_from(TimeZone::UTC.to_timestamp(at).ok()?.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_their_ends_and_nothing_beyond() {
        let spans = Span::list("2-4,9").unwrap();
        let holds = |n| spans.iter().any(|span| span.holds(Number::Whole(n)));
        assert_eq!((0..12).filter(|n| holds(*n)).collect::<Vec<_>>(), [2, 3, 4, 9]);
        assert!(!Span::list(">3").unwrap()[0].holds(Number::Whole(3)));
        assert!(Span::list(">3").unwrap()[0].holds(Number::Whole(4)));
        assert!(Span::list("<0.5").unwrap()[0].holds(Number::Real(0.499)));
        for text in ["", "-", "a", "1-", "1e9", "+1", "inf", "1,,2", "<"] {
            assert_eq!(Span::list(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_its_nanoseconds() {
        let day = 86_400_000_000_000_i64;
        assert_eq!(calendar("1970-01-02"), Some((day, 2 * day - 1)));
        assert_eq!(calendar("1970"), Some((0, 365 * day - 1)));
        assert_eq!(calendar("1970-01-01T00:00:01"), Some((1_000_000_000, 1_999_999_999)));
        for text in ["", "x", "1970-", "1970-00", "1970-02-30", "1970-01-01T25", "1970-01T01", "1970-01-01-01", "9999", "1970-01-01T00:00:00:00"] {
            assert_eq!(calendar(text), None, "{text}");
        }
    }
}
