//! The names that a case's database holds of things in its folder: types that can only hold what residue writes, so that none leads elsewhere.

use crate::domain::DetectorId;
use std::fmt;

/// The name of a stored run: its detector, a hyphen, its number. `fields-12`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    pub(super) fn new(detector: DetectorId, number: u64) -> Self {
        Self(format!("{}-{number}", detector.name()))
    }

    /// Reads a run's name; none when it is no name that residue gives. A detector that this version does not know is a word all the same.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (detector, number) = text.split_once('-')?;
        let word = (1..=32).contains(&detector.len()) && detector.bytes().all(|b| b.is_ascii_lowercase());
        (word && is_number(number, 19)).then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The detector's name, as far as this version knows it or not.
    pub(super) fn detector(&self) -> &str {
        self.0.split_once('-').map_or("", |(detector, _)| detector)
    }

    pub(super) fn number(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, number)| number)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a source's file in `events/`: 16, 32 or 64 digits of its SHA-256, and a number when it was read again. `0123456789abcdef.parquet`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EventFileName(String);

impl EventFileName {
    const ENDING: &'static str = ".parquet";

    /// The names for a source in the order in which they are tried: `digits` are the 64 of its hash.
    pub(super) fn of(digits: &str, most: usize) -> impl Iterator<Item = Self> + '_ {
        let short = [16, 32, 64].into_iter().filter_map(move |count| digits.get(..count).map(str::to_owned));
        short.chain((2..most).map(move |nth| format!("{digits}-{nth}"))).map(|name| Self(name + Self::ENDING))
    }

    /// Reads a file's name; none when it is no name that residue gives.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let stem = text.strip_suffix(Self::ENDING)?;
        let (digits, again) = stem.split_once('-').map_or((stem, None), |(digits, again)| (digits, Some(again)));
        let whole = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            && match again {
                None => matches!(digits.len(), 16 | 32 | 64),
                Some(again) => digits.len() == 64 && is_number(again, 4),
            };
        whole.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is a number from 1 as it is printed, of at most so many digits.
fn is_number(text: &str, digits: usize) -> bool {
    (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_given_are_read() {
        for detector in DetectorId::ALL {
            let id = RunId::new(detector, u64::from(u32::MAX));
            assert_eq!(RunId::parse(id.as_str()).as_ref(), Some(&id));
            assert_eq!((id.detector(), id.number()), (detector.name(), "4294967295"));
        }
        let digits = "0123456789abcdef".repeat(4);
        for name in EventFileName::of(&digits, 4) {
            assert_eq!(EventFileName::parse(name.as_str()), Some(name));
        }
        for text in [
            "",
            ".",
            "..",
            "/",
            "/etc",
            "../x-1",
            "fields",
            "fields-",
            "fields-0",
            "fields-01",
            "fields--1",
            "-1",
            "Fields-1",
            "fields-1/..",
            "fields-1\0",
            "fields-1 ",
            "fields-99999999999999999999",
            r"C:\x-1",
            r"\\host\x-1",
            "fields-1:x",
            "NUL",
            "x/fields-1",
            "é-1",
        ] {
            assert_eq!(RunId::parse(text), None, "{text:?}");
        }
        for text in [
            "",
            "..",
            "/etc/0123456789abcdef.parquet",
            "../0123456789abcdef.parquet",
            "0123456789abcdef",
            "0123456789ABCDEF.parquet",
            "0123456789abcdef-2.parquet",
            "0123456789abcde.parquet",
            "0123456789abcdeg.parquet",
            "0123456789abcdef.parquet\0",
            r"C:\23456789abcdef.parquet",
            "NUL.parquet",
            ".parquet",
        ] {
            assert_eq!(EventFileName::parse(text), None, "{text:?}");
        }
    }
}
