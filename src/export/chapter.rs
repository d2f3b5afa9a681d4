//! One ranking on its way out: which of its subjects, and what to say of each beyond itself.

use super::{LeadMark, Lookup, Mark};
use crate::domain::{Lead, Leads, Report, Subject};

/// A ranking and the subjects of it that are written.
pub struct Chapter<'a> {
    /// The ranking.
    pub report: &'a Report,
    /// Rank indices, in the order they are written.
    pub which: &'a [usize],
    /// What is known of them.
    pub lookup: &'a Lookup<'a>,
    /// Subjects that rules took out of the ranking.
    pub suppressed: u64,
}

impl Chapter<'_> {
    /// The subjects that are written, each with its rank index.
    pub fn subjects(&self) -> impl Iterator<Item = (usize, &Subject)> {
        self.which.iter().filter_map(|&i| Some((i, self.report.subjects.get(i)?)))
    }

    /// What the analyst said of a subject.
    #[must_use]
    pub fn mark(&self, subject: &Subject) -> Mark {
        (self.lookup.mark)(subject)
    }

    /// Subjects at or above the threshold.
    #[must_use]
    pub fn above(&self) -> usize {
        self.report.subjects.iter().filter(|s| s.score >= self.report.threshold).count()
    }

    /// Flagged subjects of the whole ranking.
    #[must_use]
    pub fn flagged(&self) -> usize {
        self.report.subjects.iter().filter(|s| self.mark(s).flagged).count()
    }
}

/// What all rankings of a file have in common.
pub struct Facts<'a> {
    /// The case's name.
    pub title: &'a str,
    /// Which part of each ranking was asked for, in words.
    pub part: &'a str,
    /// The case's sources.
    pub sources: &'a [crate::domain::Ledger],
    /// What was called ordinary.
    pub rules: &'a [crate::domain::Rule],
    /// Leads, where they are written too.
    pub leads: Option<LeadChapter<'a>>,
}

/// Leads on their way out.
pub struct LeadChapter<'a> {
    /// All of them.
    pub leads: &'a Leads,
    /// Those that are written, by place.
    pub which: &'a [usize],
    /// What the analyst said of one.
    pub mark: &'a dyn Fn(&Lead) -> LeadMark,
}
