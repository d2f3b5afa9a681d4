//! One value of a column on its way from where it lies to where it is searched, shown or written; borrowed, so that nothing is copied on the way.

use super::time;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// A row's value in a column.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Nothing there.
    Empty,
    /// Text.
    Text(&'a str),
    /// Several texts (reasons).
    Texts(&'a [Arc<str>]),
    /// Several texts (tags).
    List(&'a [String]),
    /// A whole number with a sign, as searches compare it: times are nanoseconds UTC, yes is 1 and no is 0.
    Whole(i64),
    /// Nanoseconds since the Unix epoch, UTC; written as ISO 8601.
    Time(i64),
    /// A whole number of 64 bits.
    Id(u64),
    /// A whole number of 32 bits.
    Number(u32),
    /// A number; one that is not finite is written as nothing.
    Real(f64),
    /// Yes or no.
    Flag(bool),
}

impl<'a> Cell<'a> {
    /// The text, where it is one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The time, where it is one.
    #[must_use]
    pub fn time(self) -> Option<i64> {
        if let Self::Time(ns) = self { Some(ns) } else { None }
    }

    /// The whole number without a sign, where it is one.
    #[must_use]
    pub fn id(self) -> Option<u64> {
        match self {
            Self::Id(id) => Some(id),
            Self::Number(number) => Some(number.into()),
            _ => None,
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn real(self) -> Option<f64> {
        if let Self::Real(number) = self { Some(number) } else { None }
    }

    /// Yes or no, where it is one.
    #[must_use]
    pub fn flag(self) -> Option<bool> {
        if let Self::Flag(yes) = self { Some(yes) } else { None }
    }

    /// Whether one of its texts is wanted.
    pub fn any_text(self, mut wanted: impl FnMut(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => wanted(text),
            Self::Texts(texts) => texts.iter().any(|text| wanted(text)),
            Self::List(texts) => texts.iter().any(|text| wanted(text)),
            _ => false,
        }
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => to.serialize_unit(),
            Self::Text(text) => to.serialize_str(text),
            Self::Texts(texts) => to.collect_seq(texts.iter().map(|text| &**text)),
            Self::List(texts) => to.collect_seq(*texts),
            Self::Whole(number) => to.serialize_i64(*number),
            Self::Time(ns) => to.serialize_str(&time::iso(*ns)),
            Self::Id(id) => to.serialize_u64(*id),
            Self::Number(number) => to.serialize_u32(*number),
            Self::Real(number) if number.is_finite() => to.serialize_f64(*number),
            Self::Real(_) => to.serialize_unit(),
            Self::Flag(yes) => to.serialize_bool(*yes),
        }
    }
}
