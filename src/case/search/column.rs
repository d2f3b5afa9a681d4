//! The columns a search may name, and the cells it looks into.

use std::sync::Arc;

/// A column of a ranked subject or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub enum Column {
    Message,
    CommandLine,
    Image,
    ParentImage,
    Computer,
    User,
    Channel,
    Provider,
    Level,
    Subject,
    Reason,
    Tag,
    Note,
    Source,
    Rule,
    RuleLevel,
    Tactic,
    Fields,
    Logon,
    EventId,
    RecordId,
    Time,
    Rank,
    Score,
    Loss,
    Rarity,
    Percentile,
    Count,
    Pid,
    Flagged,
    Above,
    Ruled,
}

/// Where a word without a column is looked for, the likeliest first.
pub(super) const TEXTS: [Column; 14] = [
    Column::Message,
    Column::CommandLine,
    Column::Image,
    Column::Computer,
    Column::User,
    Column::Channel,
    Column::Provider,
    Column::Reason,
    Column::Tag,
    Column::Note,
    Column::Rule,
    Column::ParentImage,
    Column::Subject,
    Column::Fields,
];

/// Names as they are typed; the first of each column is the one shown.
const NAMES: [(&str, Column); 44] = [
    ("message", Column::Message),
    ("title", Column::Message),
    ("command_line", Column::CommandLine),
    ("cmd", Column::CommandLine),
    ("image", Column::Image),
    ("process", Column::Image),
    ("parent_image", Column::ParentImage),
    ("parent", Column::ParentImage),
    ("computer", Column::Computer),
    ("host", Column::Computer),
    ("user", Column::User),
    ("channel", Column::Channel),
    ("provider", Column::Provider),
    ("level", Column::Level),
    ("subject", Column::Subject),
    ("reason", Column::Reason),
    ("tag", Column::Tag),
    ("tags", Column::Tag),
    ("note", Column::Note),
    ("source", Column::Source),
    ("source_file", Column::Source),
    ("file", Column::Source),
    ("rule", Column::Rule),
    ("rule_level", Column::RuleLevel),
    ("tactic", Column::Tactic),
    ("ruled", Column::Ruled),
    ("hit", Column::Ruled),
    ("fields", Column::Fields),
    ("logon", Column::Logon),
    ("event_id", Column::EventId),
    ("id", Column::EventId),
    ("record_id", Column::RecordId),
    ("record", Column::RecordId),
    ("time", Column::Time),
    ("datetime", Column::Time),
    ("rank", Column::Rank),
    ("score", Column::Score),
    ("loss", Column::Loss),
    ("rarity", Column::Rarity),
    ("percentile", Column::Percentile),
    ("count", Column::Count),
    ("pid", Column::Pid),
    ("flagged", Column::Flagged),
    ("above", Column::Above),
];

impl Column {
    /// The column a user means, whatever the case and with or without `_`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain = |text: &str| text.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
        let wanted = plain(name);
        NAMES.iter().find(|(known, _)| plain(known) == wanted).map(|(_, column)| *column)
    }

    /// The name shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }

    /// Whether its cells are compared as numbers.
    #[must_use]
    pub fn is_number(self) -> bool {
        self >= Self::EventId
    }

    /// What may stand after its colon.
    pub(super) fn wants(self) -> &'static str {
        match self {
            Self::Time => "a UTC time such as 2020-09-17 or >2020-09-17T17:57",
            Self::Flagged | Self::Above | Self::Ruled => "yes or no",
            _ => "a number, a span such as 2-10, or <, <=, >, >= and a number",
        }
    }
}

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
    /// A whole number; times are nanoseconds UTC, yes is 1 and no is 0.
    Whole(i64),
    /// A number.
    Real(f64),
}

impl Cell<'_> {
    pub(in crate::case) fn any_text(&self, mut wanted: impl FnMut(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => wanted(text),
            Self::Texts(texts) => texts.iter().any(|text| wanted(text)),
            Self::List(texts) => texts.iter().any(|text| wanted(text)),
            Self::Empty | Self::Whole(_) | Self::Real(_) => false,
        }
    }

    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Self::Whole(n) => Some(Number::Whole(*n)),
            Self::Real(n) => Some(Number::Real(*n)),
            Self::Empty | Self::Text(_) | Self::Texts(_) | Self::List(_) => None,
        }
    }
}

/// Whole numbers are compared whole: nanoseconds do not fit a float.
#[derive(Clone, Copy, Debug)]
pub(in crate::case) enum Number {
    Whole(i64),
    Real(f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_name_that_leads_back() {
        for (name, column) in NAMES {
            assert_eq!(Column::named(name), Some(column));
            assert_eq!(Column::named(column.name()), Some(column));
        }
        assert_eq!(Column::named("EventID"), Some(Column::EventId));
        assert_eq!(Column::named("C"), None);
    }
}
