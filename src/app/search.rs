//! Asks the search grammar of ranked subjects.

use crate::app::marks::{Mark, Marked};
use crate::app::order::Order;
use crate::case::search::{Cell, Column, Search};
use crate::domain::{Ledger, Subject};
use crate::engine::{Finding, Findings};
use std::sync::Arc;

/// A search with what it needs to know besides the subject.
#[derive(Clone)]
pub(super) struct Matcher {
    pub search: Arc<Search>,
    pub marks: Marked,
    pub sources: Arc<Vec<Ledger>>,
    pub findings: Arc<Findings>,
}

impl Matcher {
    /// Whether the subject at a position matches; `above` positions are above the threshold.
    pub(super) fn matches(&self, subject: &Subject, order: &Order, position: u32, above: usize) -> bool {
        let mark = self.marks.get(subject.key);
        let found = self.findings.of(subject);
        let list = |text: fn(&Finding) -> &str| found.iter().map(|f| text(f).into()).collect::<Vec<Arc<str>>>();
        let rules = [list(|f| &f.rule), list(|f| f.level.name()), list(|f| &f.tactic)];
        self.search.matches(&|column| match column {
            Column::Rule => Cell::Texts(&rules[0]),
            Column::RuleLevel => Cell::Texts(&rules[1]),
            Column::Tactic => Cell::Texts(&rules[2]),
            Column::Ruled => Cell::Whole(i64::from(!found.is_empty())),
            column => self.cell(column, subject, mark, order, position, above),
        })
    }

    fn cell<'a>(&'a self, column: Column, subject: &'a Subject, mark: Option<&'a Mark>, order: &Order, position: u32, above: usize) -> Cell<'a> {
        let text = |t: &'a Option<Arc<str>>| t.as_deref().map_or(Cell::Empty, Cell::Text);
        let real = |v: Option<f64>| v.map_or(Cell::Empty, Cell::Real);
        let whole = |v: Option<u64>| v.and_then(|v| i64::try_from(v).ok()).map_or(Cell::Empty, Cell::Whole);
        match column {
            Column::Message => Cell::Text(&subject.title),
            Column::CommandLine => text(&subject.command_line),
            Column::Image => text(&subject.image),
            Column::Computer => text(&subject.computer),
            Column::User => text(&subject.user),
            Column::Channel => text(&subject.channel),
            Column::Provider => text(&subject.provider),
            Column::Subject => Cell::Text(&subject.subject),
            Column::Reason => Cell::Texts(&subject.reasons),
            Column::Tag => mark.map_or(Cell::Empty, |m| Cell::List(&m.tags)),
            Column::Note => mark.map_or(Cell::Empty, |m| Cell::Text(&m.note)),
            Column::Source => self.sources.get(subject.key.source as usize).map_or(Cell::Empty, |s| Cell::Text(&s.source_file)),
            Column::EventId => whole(subject.event_id.map(u64::from)),
            Column::RecordId => whole(subject.record_id),
            Column::Time => subject.first_seen.map_or(Cell::Empty, Cell::Whole),
            Column::Rank => Cell::Whole(i64::from(position) + 1),
            Column::Score => Cell::Real(order.score(position)),
            Column::Loss => real(subject.loss),
            Column::Rarity => real(subject.rarity),
            Column::Percentile => real(Some(subject.percentile)),
            Column::Count => whole(Some(subject.count)),
            Column::Flagged => Cell::Whole(i64::from(mark.is_some_and(|m| m.flagged))),
            Column::Above => Cell::Whole(i64::from((position as usize) < above)),
            // What rules found is answered before; the rest only events have.
            _ => Cell::Empty,
        }
    }
}
