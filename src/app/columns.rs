//! The table's columns: names, what they hold, how they sort.

use crate::app::order::Order;
use crate::domain::{RankBy, Report};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A column of the ranked table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Column {
    Flag,
    Rank,
    Score,
    Time,
    Computer,
    What,
    Reason,
    Count,
    Loss,
    Rarity,
    LossRank,
    RarityRank,
    User,
    Channel,
    EventId,
    Image,
    CommandLine,
    Note,
    Rule,
    RuleLevel,
    Tactic,
}

impl Column {
    /// Every column, in the order they are shown.
    pub const ALL: [Self; 21] = [
        Self::Flag,
        Self::Rank,
        Self::Score,
        Self::Time,
        Self::Computer,
        Self::What,
        Self::Reason,
        Self::Count,
        Self::Loss,
        Self::Rarity,
        Self::LossRank,
        Self::RarityRank,
        Self::User,
        Self::Channel,
        Self::EventId,
        Self::Image,
        Self::CommandLine,
        Self::Note,
        Self::Rule,
        Self::RuleLevel,
        Self::Tactic,
    ];

    /// Those shown unless the analyst chooses otherwise.
    pub const USUAL: [Self; 8] = [Self::Flag, Self::Rank, Self::Score, Self::Time, Self::Computer, Self::What, Self::Reason, Self::Count];

    /// The header.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Flag => "Flag",
            Self::Rank => "Rank",
            Self::Score => "Score",
            Self::Time => "First seen",
            Self::Computer => "Computer",
            Self::What => "What happened",
            Self::Reason => "First reason",
            Self::Count => "Events",
            Self::Loss => "Loss",
            Self::Rarity => "Rarity",
            Self::LossRank => "Rank by loss",
            Self::RarityRank => "Rank by rarity",
            Self::User => "User",
            Self::Channel => "Channel",
            Self::EventId => "Event ID",
            Self::Image => "Image",
            Self::CommandLine => "Command line",
            Self::Note => "Note",
            Self::Rule => "Rule",
            Self::RuleLevel => "Rule level",
            Self::Tactic => "Tactic",
        }
    }

    /// What it holds, for the tooltip.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Flag => "Your flag (Space): filled once it is kept in the case, hollow until then",
            Self::Rank => "1 is the most unusual; a mark at its left says that it is above the threshold",
            Self::Score => "The value that ranks: the measure chosen under Rank by",
            Self::Time => "When the first of its events happened",
            Self::Computer => "Computer of its first event",
            Self::What => "What happened, in words",
            Self::Reason => "What contributed most to its score",
            Self::Count => "How many equal events it stands for",
            Self::Loss => "The autoencoder's reconstruction loss",
            Self::Rarity => "Sum of -log2 frequencies of its values",
            Self::LossRank => "Where it would stand ranked by loss",
            Self::RarityRank => "Where it would stand ranked by rarity",
            Self::User => "User of its first event",
            Self::Channel => "Windows event channel, or the artefact of a timeline row",
            Self::EventId => "Windows event ID",
            Self::Image => "Path of the process image",
            Self::CommandLine => "Command line",
            Self::Note => "Your note (N)",
            Self::Rule => "Rules of Hayabusa or Chainsaw that hit one of its events, the gravest first",
            Self::RuleLevel => "The highest level among them",
            Self::Tactic => "Tactics that these rules name",
        }
    }

    /// Whether the digits are to stand at the right.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Rank | Self::Score | Self::Count | Self::Loss | Self::Rarity | Self::LossRank | Self::RarityRank | Self::EventId)
    }

    /// Whether a click on its header can sort by it.
    #[must_use]
    pub fn sorts(self) -> bool {
        !matches!(self, Self::Flag | Self::Note | Self::Rule | Self::RuleLevel | Self::Tactic)
    }

    /// The search grammar's name for it, where a value of it can be searched for.
    #[must_use]
    pub fn search_name(self) -> Option<&'static str> {
        Some(match self {
            Self::Computer => "computer",
            Self::User => "user",
            Self::Channel => "channel",
            Self::EventId => "event_id",
            Self::Image => "image",
            Self::CommandLine => "command_line",
            Self::What => "message",
            Self::Reason => "reason",
            Self::Note => "note",
            Self::Rule => "rule",
            Self::RuleLevel => "rule_level",
            Self::Tactic => "tactic",
            _ => return None,
        })
    }
}

/// Compares two subjects by a column; what is missing stands last, whatever the direction.
pub(super) fn compare(report: &Report, order: &Order, column: Column, a: u32, b: u32, descending: bool) -> Ordering {
    let (x, y) = (&report.subjects[a as usize], &report.subjects[b as usize]);
    fn by<T>(a: Option<T>, b: Option<T>, descending: bool, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if descending => compare(&b, &a),
            (Some(a), Some(b)) => compare(&a, &b),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        }
    }
    let number = |a: Option<f64>, b: Option<f64>| by(a, b, descending, f64::total_cmp);
    let text = |a: Option<&str>, b: Option<&str>| by(a, b, descending, Ord::cmp);
    let rank = |by_: RankBy| by(order.rank_by(by_, a), order.rank_by(by_, b), descending, u32::cmp);
    match column {
        Column::Flag | Column::Note | Column::Rule | Column::RuleLevel | Column::Tactic | Column::Rank | Column::Score => Ordering::Equal,
        Column::Time => by(x.first_seen, y.first_seen, descending, i64::cmp),
        Column::Computer => text(x.computer.as_deref(), y.computer.as_deref()),
        Column::What => text(Some(&x.title), Some(&y.title)),
        Column::Reason => text(Some(&x.reasons[0]), Some(&y.reasons[0])),
        Column::Count => by(Some(x.count), Some(y.count), descending, u64::cmp),
        Column::Loss => number(x.loss, y.loss),
        Column::Rarity => number(x.rarity, y.rarity),
        Column::LossRank => rank(RankBy::Loss),
        Column::RarityRank => rank(RankBy::Rarity),
        Column::User => text(x.user.as_deref(), y.user.as_deref()),
        Column::Channel => text(x.channel.as_deref(), y.channel.as_deref()),
        Column::EventId => by(x.event_id, y.event_id, descending, u32::cmp),
        Column::Image => text(x.image.as_deref(), y.image.as_deref()),
        Column::CommandLine => text(x.command_line.as_deref(), y.command_line.as_deref()),
    }
}
