//! Commands that move the selection, and the text of the cells it moves through.

use crate::app::columns::Column;
use crate::app::command::{SelectionCommand, Wish};
use crate::app::order::Order;
use crate::app::rows::Step;
use crate::app::session::Session;
use crate::app::words;
use crate::domain::RankBy;
use crate::engine::jobs::Question;
use jiff::tz::TimeZone;
use std::ops::Range;

impl Session {
    pub(super) fn apply_selection(&mut self, command: SelectionCommand) {
        match command {
            SelectionCommand::Select(index) => self.select(index),
            SelectionCommand::Step(step) if self.open.browse.open => self.step_event(step),
            SelectionCommand::Step(step) => {
                if self.open.view.step(step) {
                    self.look_at_selection();
                }
                self.wishes.push(Wish::Reveal);
            }
            SelectionCommand::GoToRank(rank) => {
                let found = self.open.view.order.as_ref().and_then(|o| o.subjects.get(rank.saturating_sub(1) as usize).copied());
                if let Some(index) = found {
                    self.select(index);
                }
            }
            SelectionCommand::NextHit(by) => self.next_hit(by),
            SelectionCommand::NextFlagged(by) => self.next_flagged(by),
            SelectionCommand::LookAt(key) => {
                if let Some(case) = self.open.case.clone() {
                    if self.open.browse.open {
                        self.open.browse.selected = Some(key);
                    }
                    (self.open.drill.asked, self.open.drill.subject, self.open.drill.failure) = (Some(key), None, None);
                    let question = Question { ranking: None, index: None, key, chains: self.chains() };
                    let work = self.engine.ask(case, question);
                    self.ask(work);
                }
            }
            SelectionCommand::ReadRecord => {
                if let (Some(case), Some(key)) = (self.open.case.clone(), self.open.drill.asked) {
                    self.open.drill.record = Some((key, None));
                    let work = self.engine.render(case, key);
                    self.records.submit(self.open.whose(), work);
                }
            }
            SelectionCommand::StopRecord => self.records.cancel(),
            SelectionCommand::LookBack => self.look_at_selection(),
        }
    }

    fn select(&mut self, index: u32) {
        if self.open.view.subject_at(index).is_some() {
            self.open.view.selected = Some(index);
            self.look_at_selection();
            self.wishes.push(Wish::Reveal);
        }
    }

    /// The next row that the search marks; without marks, the next row.
    fn next_hit(&mut self, by: i32) {
        if self.open.search.is_none() || !self.open.view.narrow.highlight {
            return self.apply_selection(SelectionCommand::Step(if by < 0 { Step::Up } else { Step::Down }));
        }
        let shown = self.open.view.shown();
        let found = self.next_row(by, |row| self.open.view.rows.get(row, shown).is_some_and(|p| self.open.view.hits.has(p)));
        self.go_on(found, by, "row that the search marks");
    }

    fn next_flagged(&mut self, by: i32) {
        let flagged = self.open.marks.flagged();
        let is_flagged = |row: usize| self.open.view.at_row(row).and_then(|i| self.open.view.subject_at(i)).is_some_and(|s| flagged.contains(&s.key));
        let found = if flagged.is_empty() { None } else { self.next_row(by, is_flagged) };
        self.go_on(found, by, "flagged row");
    }

    /// The nearest row below (`by` > 0) or above the selection for which something holds.
    fn next_row(&self, by: i32, holds: impl Fn(usize) -> bool) -> Option<usize> {
        let (shown, row) = (self.open.view.shown(), self.open.view.selected.and_then(|s| self.open.view.row_of(s)));
        if by > 0 { (row.map_or(0, |r| r + 1)..shown).find(|r| holds(*r)) } else { (0..row.unwrap_or(shown)).rev().find(|r| holds(*r)) }
    }

    fn go_on(&mut self, row: Option<usize>, by: i32, what: &str) {
        match row.and_then(|row| self.open.view.at_row(row)) {
            Some(index) => self.select(index),
            None => self.say(format!("no {what} further {}", if by > 0 { "down" } else { "up" })),
        }
    }

    /// Where in a cell's text stands what the search looks for.
    #[must_use]
    pub fn found_in(&self, column: Column, text: &str) -> Vec<Range<usize>> {
        let named = column.search_name().and_then(crate::case::search::Column::named);
        self.open.search.as_ref().zip(named).map(|(search, column)| search.highlights(column, text)).unwrap_or_default()
    }

    /// The zone in which times are shown.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.prefs.zone).unwrap_or(TimeZone::UTC)
    }

    /// A cell of the table as text.
    #[must_use]
    pub fn cell(&self, column: Column, index: u32) -> String {
        let (Some(subject), Some(order)) = (self.open.view.subject_at(index), self.open.view.order.as_ref()) else { return String::new() };
        let text = |t: &Option<std::sync::Arc<str>>| t.as_deref().unwrap_or_default().to_owned();
        let rank = |r: Option<u32>| r.map(|r| words::count(r as usize)).unwrap_or_default();
        match column {
            Column::Flag => if self.open.marks.is_flagged(subject.key) { "flagged" } else { "" }.to_owned(),
            Column::Rank => rank(order.rank(index)),
            Column::Score => order.positions.get(index as usize).filter(|p| **p != Order::OUT).map(|p| words::score(order.score(*p))).unwrap_or_default(),
            Column::Time => subject.first_seen.map(|t| words::time(t, &self.zone())).unwrap_or_default(),
            Column::Computer => text(&subject.computer),
            Column::What => subject.title.to_string(),
            Column::Reason => subject.reasons[0].to_string(),
            Column::Count => words::count(subject.count as usize),
            Column::Loss => subject.loss.map(words::score).unwrap_or_default(),
            Column::Rarity => subject.rarity.map(words::score).unwrap_or_default(),
            Column::LossRank => rank(order.rank_by(RankBy::Loss, index)),
            Column::RarityRank => rank(order.rank_by(RankBy::Rarity, index)),
            Column::User => text(&subject.user),
            Column::Channel => text(&subject.channel),
            Column::EventId => subject.event_id.map(|id| id.to_string()).unwrap_or_default(),
            Column::Image => text(&subject.image),
            Column::CommandLine => text(&subject.command_line),
            Column::Rule => distinct(self.open.findings.of(subject).iter().map(|f| &*f.rule)),
            Column::RuleLevel => self.open.findings.highest(subject).map(|l| l.name().to_owned()).unwrap_or_default(),
            Column::Tactic => distinct(self.open.findings.of(subject).iter().map(|f| &*f.tactic)),
            Column::Note => self.open.marks.get(subject.key).map(|m| m.note.clone()).unwrap_or_default(),
        }
    }
}

/// Texts in their order, each once, separated by semicolons.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = vec![];
    for text in texts.filter(|t| !t.is_empty()) {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen.join("; ")
}
