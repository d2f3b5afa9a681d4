//! Which fields are worth modelling.

use regex::Regex;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Distinct values that are counted exactly.
const MOST: usize = 64;
/// Values after which a field may be given up while reading.
const ENOUGH: u64 = 2000;
/// A value of this length is a text, not a category.
const LONG: usize = 256;

#[expect(clippy::expect_used, reason = "a constant pattern")]
static DROPPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "(?i)(time|timestamp|date|guid|uuid|pid|(process|thread)_?id|logon_?id|handle(id)?|hash(es)?|md5|sha1|sha256|imphash|record_?(id|number)|\
         instance_?id|activity_?id|correlation|cookie|sequence|transaction_?id|filterrtid|layerrtid|binary|session_?id|linkedlogonid|ip_?port|\
         source_?port|sourceport\\w*)$",
    )
    .expect("a valid pattern")
});

/// Whether a field's name says that its values identify single things, such as times and handles.
pub(super) fn dropped_by_name(name: &str) -> bool {
    DROPPED.is_match(name)
}

/// What is known of a field's values.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldStats {
    pub count: u64,
    pub numeric: u64,
    pub long: u64,
    /// At most [`MOST`] + 1 of them.
    pub distinct: HashSet<u32, foldhash::fast::RandomState>,
}

impl FieldStats {
    pub(super) fn note(&mut self, code: u32, numeric: bool, length: usize) {
        self.count += 1;
        self.numeric += u64::from(numeric);
        self.long += u64::from(length >= LONG);
        if self.distinct.len() <= MOST {
            self.distinct.insert(code);
        }
    }

    /// Adds what was seen elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.numeric += other.numeric;
        self.long += other.long;
        self.distinct.extend(&other.distinct);
    }

    fn is_numeric(&self) -> bool {
        self.numeric * 10 > self.count * 9
    }

    /// So many values, nearly all of them numbers of their own, that no more reading will save the field.
    pub(super) fn hopeless(&self) -> bool {
        self.count >= ENOUGH && ((self.is_numeric() && self.distinct.len() > MOST) || self.long * 10 > self.count * 9)
    }

    /// Texts and categories are kept; numbers only when they repeat.
    pub(super) fn keep(&self) -> bool {
        let distinct = self.distinct.len() as u64;
        let repeats = distinct <= 4 || (distinct <= 32 && self.count >= distinct * 4);
        self.long * 2 < self.count && (!self.is_numeric() || repeats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_identify_single_things_are_dropped() {
        for name in ["UtcTime", "ProcessGuid", "SourceThreadId", "TargetLogonId", "Hashes", "IpPort", "SourcePortName", "Process_ID", "RecordNumber"] {
            assert!(dropped_by_name(name), "{name}");
        }
        for name in ["Image", "LogonType", "DestinationPort", "Hashing", "TimeZone", "Keywords"] {
            assert!(!dropped_by_name(name), "{name}");
        }
    }

    #[test]
    fn numbers_stay_when_they_repeat_and_texts_when_they_are_short() {
        let stats = |values: u32, each: u64, numeric: bool, length: usize| {
            let mut stats = FieldStats::default();
            (0..values).for_each(|v| (0..each).for_each(|_| stats.note(v, numeric, length)));
            stats
        };
        assert!(stats(32, 4, true, 3).keep());
        assert!(!stats(33, 4, true, 3).keep());
        assert!(!stats(5, 3, true, 3).keep());
        assert!(stats(4, 1, true, 3).keep());
        assert!(stats(100, 1, false, 3).keep());
        assert!(!stats(10, 1, false, 256).keep());
        assert!(stats(66, 40, true, 3).hopeless() && !stats(66, 40, false, 3).hopeless());
    }
}
