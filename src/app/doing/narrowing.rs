//! Which ranking is on the screen, where it is cut, and what narrows it.

use crate::app::columns::Column;
use crate::app::command::{NarrowCommand, ViewCommand, Wish};
use crate::app::rows::{Narrow, Show, Sort};
use crate::app::session::Session;
use crate::app::undo::Was;
use crate::case::search::Search;
use crate::domain::{DetectorId, EventKey};
use std::sync::Arc;

/// Whether a command is about the ranking alone, so that the list of all events makes room for it.
pub(super) fn shows_the_ranking(command: &NarrowCommand) -> bool {
    match command {
        NarrowCommand::Show(_) | NarrowCommand::FlaggedOnly => true,
        NarrowCommand::Search(_)
        | NarrowCommand::Highlight(_)
        | NarrowCommand::SearchFor(_)
        | NarrowCommand::Bar(_)
        | NarrowCommand::Brush(_)
        | NarrowCommand::ShowAll => false,
    }
}

impl Session {
    pub(super) fn apply_view(&mut self, command: ViewCommand) {
        match command {
            ViewCommand::ShowDetector(detector) => self.show_detector(detector),
            ViewCommand::GoTo(detector, key) => self.go_to(detector, key),
            ViewCommand::RankBy(by) => {
                let sieve = self.sieve();
                self.open.view.rank_by(by, &sieve);
                self.keep_view();
            }
            ViewCommand::DragThreshold(value) => self.threshold(value, false),
            ViewCommand::Threshold(value) => self.threshold(value, true),
            ViewCommand::Quantile(q) => {
                if let Some(value) = self.open.view.quantile(q) {
                    self.threshold(value, true);
                }
            }
            ViewCommand::Nudge(hundredths) => {
                if let Some((low, high)) = self.open.view.range() {
                    self.threshold(self.open.view.threshold + hundredths * (high - low) / 100.0, true);
                }
            }
            ViewCommand::Sort(column) => {
                if column.sorts() {
                    self.sort(column);
                }
            }
        }
    }

    pub(super) fn apply_narrow(&mut self, command: NarrowCommand) {
        let events = self.open.browse.open;
        match command {
            NarrowCommand::Search(text) if events => self.search_events(|b| b.search = text),
            NarrowCommand::Search(text) => self.narrow(|n| n.search = text),
            NarrowCommand::SearchFor(term) if events => self.search_events(|b| b.search = with(&b.search, &term)),
            NarrowCommand::SearchFor(term) => self.narrow(|n| n.search = with(&n.search, &term)),
            NarrowCommand::Brush(brush) if events => self.search_events(|b| b.time = brush),
            NarrowCommand::Brush(brush) => self.narrow(|n| n.brush = brush),
            NarrowCommand::ShowAll if events => self.search_events(|b| (b.search, b.time) = (String::new(), None)),
            NarrowCommand::ShowAll => self.narrow(|n| *n = Narrow::default()),
            NarrowCommand::Highlight(on) => self.narrow(|n| n.highlight = on),
            NarrowCommand::Bar(bar) => self.narrow(|n| n.bar = bar),
            NarrowCommand::Show(show) => self.narrow(|n| n.show = show),
            NarrowCommand::FlaggedOnly => self.narrow(|n| n.show = if n.show == Show::Flagged { Show::All } else { Show::Flagged }),
        }
    }

    fn show_detector(&mut self, detector: DetectorId) {
        if let Some(ranking) = self.open.rankings.get(&detector).cloned() {
            self.open.view.selected = None;
            self.show(ranking);
            self.wishes.push(Wish::Reveal);
            self.keep_view();
        }
    }

    fn go_to(&mut self, detector: DetectorId, key: EventKey) {
        self.show_detector(detector);
        let at = self.open.view.ranking.as_ref().and_then(|r| r.report.subjects.iter().position(|s| s.key == key));
        self.open.view.selected = at.map(|i| i as u32);
        self.dialog = None;
        self.look_at_selection();
    }

    fn sort(&mut self, column: Column) {
        let view = &mut self.open.view;
        let first = Sort { column, descending: column == Column::Score };
        view.sort = if view.sort.column == column { Sort { column, descending: !view.sort.descending } } else { first };
        self.refilter(false);
        self.wishes.push(Wish::Reveal);
        self.keep_view();
    }

    fn threshold(&mut self, value: f64, remember: bool) {
        let (before, sieve) = (self.open.view.threshold, self.sieve());
        self.open.view.set_threshold(value, &sieve);
        if self.open.view.threshold != before || remember {
            self.open.export.existing.clear();
        }
        if remember {
            // A drag ends with the value it already has: what counts is where it began.
            let began = self.open.dragged_from.take().unwrap_or(before);
            if began != self.open.view.threshold {
                self.open.undo.remember(Was::Threshold(began));
            }
            self.keep_view();
        } else if self.open.dragged_from.is_none() {
            self.open.dragged_from = Some(before);
        }
    }

    pub(super) fn narrow(&mut self, change: impl FnOnce(&mut Narrow)) {
        let before = self.open.view.narrow.clone();
        change(&mut self.open.view.narrow);
        if self.open.view.narrow == before {
            return;
        }
        // One step per search, not one per letter; one per brush, not one per pixel.
        let (now, typing) = (&self.open.view.narrow, !before.search.is_empty() && before.search != self.open.view.narrow.search);
        if !(typing || before.brush.is_some() && now.brush.is_some()) {
            self.open.undo.remember(Was::Narrow(before.clone()));
        }
        self.narrowed(before.search != self.open.view.narrow.search);
    }

    /// Makes the table follow what narrows it.
    pub(super) fn narrowed(&mut self, search_changed: bool) {
        if search_changed {
            self.compile_search();
        }
        self.refilter(false);
        self.wishes.push(Wish::Reveal);
        self.keep_view();
    }

    pub(super) fn compile_search(&mut self) {
        let open = &mut self.open;
        let text = open.view.narrow.search.trim();
        (open.search, open.search_fault) = match text {
            "" => (None, None),
            text => match Search::parse(text) {
                Ok(search) => (Some(Arc::new(search)), None),
                // The table keeps what the last search that could be understood found.
                Err(why) => (open.search.take(), Some(why)),
            },
        };
    }
}

/// A search text with one more term.
fn with(search: &str, term: &str) -> String {
    [search.trim(), term.trim()].join(" ").trim_start().into()
}
