//! Carries commands out.

use crate::app::columns::Column;
use crate::app::command::{Command, Dialog, Pick, Wish};
use crate::app::prefs::Prefs;
use crate::app::rows::{Show, Sort};
use crate::app::session::Session;
use crate::app::undo::Was;
use std::sync::Arc;

impl Session {
    /// Carries a command out, as far as it can be done without waiting.
    pub fn apply(&mut self, command: Command) {
        if matches!(command, Command::ShowDetector(_) | Command::GoTo(..) | Command::Show(_) | Command::FlaggedOnly | Command::RankBy(_)) {
            // These show the ranking.
            self.browse.open = false;
        }
        match command {
            Command::Open(_)
            | Command::Recover(_)
            | Command::Remove(_)
            | Command::Demo
            | Command::SaveAs(_)
            | Command::CloseCase
            | Command::Analyse
            | Command::Cancel
            | Command::Export(_)
            | Command::ImportAnnotations(_)
            | Command::Indicators(_)
            | Command::SaveBaseline(..)
            | Command::Verify
            | Command::AddBaseline(_)
            | Command::DropBaseline(_)
            | Command::UseAsBaseline(..)
            | Command::Choose(..)
            | Command::Preset(_)
            | Command::Compute(_)
            | Command::Prior(_)
            | Command::Settings(_)
            | Command::CompareNetworks
            | Command::ExportEvents(_)
            | Command::MapColumns(_)
            | Command::Mapping(_)
            | Command::ReadMapped { .. }
            | Command::GoTo(..)
            | Command::ShowDetector(_) => self.apply_job(command),
            Command::ToggleEvents | Command::ShowEvents { .. } | Command::GroupEvents(_) | Command::SortEvents(_) | Command::EventsPage(_) => {
                self.apply_browse(command);
            }
            Command::ToggleFlag
            | Command::Flag(..)
            | Command::FlagEvent(..)
            | Command::FlagAbove
            | Command::Note(..)
            | Command::Tag(_)
            | Command::Untag(_)
            | Command::Label(_)
            | Command::LeastSure
            | Command::Labels(_)
            | Command::ExportLabels(_)
            | Command::Undo
            | Command::Redo => self.apply_mark(command),
            Command::MarkOrdinary
            | Command::OrdinaryForm(_)
            | Command::CallOrdinary
            | Command::DropRule(_)
            | Command::ImportRules(_)
            | Command::ExportRules(_) => self.apply_ordinary(command),
            Command::Select(_)
            | Command::Step(_)
            | Command::GoToRank(_)
            | Command::NextHit(_)
            | Command::NextFlagged(_)
            | Command::LookAt(_)
            | Command::ReadRecord
            | Command::StopRecord
            | Command::LookBack => {
                self.apply_selection(command);
            }
            Command::RankBy(by) => {
                let sieve = self.sieve();
                self.view.rank_by(by, &sieve);
                self.keep_view();
            }
            Command::DragThreshold(value) => self.threshold(value, false),
            Command::Threshold(value) => self.threshold(value, true),
            Command::Quantile(q) => {
                if let Some(value) = self.view.quantile(q) {
                    self.threshold(value, true);
                }
            }
            Command::Nudge(hundredths) => {
                if let Some((low, high)) = self.view.range() {
                    self.threshold(self.view.threshold + hundredths * (high - low) / 100.0, true);
                }
            }
            Command::Search(text) if self.browse.open => self.search_events(|b| b.search = text),
            Command::Search(text) => self.narrow(|n| n.search = text),
            Command::Highlight(on) => self.narrow(|n| n.highlight = on),
            Command::SearchFor(term) if self.browse.open => self.search_events(|b| b.search = with(&b.search, &term)),
            Command::SearchFor(term) => self.narrow(|n| n.search = with(&n.search, &term)),
            Command::Bar(bar) => self.narrow(|n| n.bar = bar),
            Command::Brush(brush) if self.browse.open => self.search_events(|b| b.time = brush),
            Command::Brush(brush) => self.narrow(|n| n.brush = brush),
            Command::LookAtWords => self.look_at_words(),
            Command::ChooseWord(word) => self.lexicon.chosen = Some(word),
            Command::Expressions(list) => self.lexicon.expressions = list,
            Command::LearnWordsAgain => self.learn_words_again(),
            Command::Scope(scope) => {
                (self.plan.scope.from, self.plan.scope.to) = (scope.map(|(from, _)| from), scope.map(|(_, to)| to));
                self.say("taken up by the next Analyse");
            }
            Command::KnownGoodBefore(time) => {
                self.plan.known_good_before = time;
                self.say("taken up by the next Analyse");
            }
            Command::Show(show) => self.narrow(|n| n.show = show),
            Command::FlaggedOnly => self.narrow(|n| n.show = if n.show == Show::Flagged { Show::All } else { Show::Flagged }),
            Command::ShowAll if self.browse.open => self.search_events(|b| (b.search, b.time) = (String::new(), None)),
            Command::ShowAll => self.narrow(|n| *n = crate::app::rows::Narrow::default()),
            Command::Sort(column) if column.sorts() => {
                let first = Sort { column, descending: column == Column::Score };
                self.view.sort = if self.view.sort.column == column { Sort { column, descending: !self.view.sort.descending } } else { first };
                self.refilter(false);
                self.wishes.push(Wish::Reveal);
                self.keep_view();
            }
            Command::Sort(_) => {}
            _ => self.apply_window(command),
        }
    }

    fn apply_window(&mut self, command: Command) {
        match command {
            Command::ToggleColumn(column) => self.prefer(|p| {
                if p.columns.contains(&column) {
                    p.columns.retain(|c| *c != column);
                } else {
                    p.columns.push(column);
                    p.columns.sort_by_key(|c| Column::ALL.iter().position(|a| a == c));
                }
            }),
            Command::SaveSearch(name) => {
                let (name, search) = (name.trim().to_owned(), self.searched().0.trim().to_owned());
                if !name.is_empty() && !search.is_empty() {
                    self.prefer(|p| p.keep_search(&name, &search));
                    self.say(format!("search kept as {name}"));
                }
            }
            Command::DropSearch(at) => self.prefer(|p| {
                if at < p.searches.len() {
                    p.searches.remove(at);
                }
            }),
            Command::UsualColumns => self.prefer(|p| p.columns = Column::USUAL.into()),
            Command::Look(look) => self.prefer(|p| p.look = look),
            Command::Scale(scale) => self.prefer(|p| p.scale = scale.clamp(0.5, 3.0)),
            Command::Zoom(tenths) => self.prefer(|p| p.scale = ((p.scale * 10.0).round() / 10.0 + tenths as f32 / 10.0).clamp(0.5, 3.0)),
            Command::EvidenceZone(zone) => self.evidence_zone = zone,
            Command::Zone(zone) => self.prefer(|p| p.zone = zone),
            Command::ToggleLeft => self.prefer(|p| p.panels.0 = !p.panels.0),
            Command::ToggleRight => self.prefer(|p| p.panels.1 = !p.panels.1),
            Command::PickFiles => self.wishes.push(Wish::Pick(Pick::EvidenceFiles)),
            Command::PickFolder => self.wishes.push(Wish::Pick(Pick::EvidenceFolder)),
            Command::PickBaseline => self.wishes.push(Wish::Pick(Pick::Baseline)),
            Command::PickLabels => self.wishes.push(Wish::Pick(Pick::Labels)),
            Command::PickLabelsOut => self.wishes.push(Wish::Pick(Pick::LabelsOut)),
            Command::PickSave => self.wishes.push(Wish::Pick(Pick::SaveCase)),
            Command::ExportForm(form) => self.export = *form,
            Command::PickAnnotations => self.wishes.push(Wish::Pick(Pick::Annotations)),
            Command::PickIndicators => self.wishes.push(Wish::Pick(Pick::Indicators)),
            Command::PickBaselineOut => self.wishes.push(Wish::Pick(Pick::BaselineOut)),
            Command::PickEventsOut => self.wishes.push(Wish::Pick(Pick::EventsOut)),
            Command::PickExport => self.wishes.push(Wish::Pick(Pick::ExportFile)),
            Command::Copy(text) => {
                self.say("copied");
                self.wishes.push(Wish::Copy(text));
            }
            Command::CopyRow => {
                if let Some(index) = self.view.selected {
                    let cells: Vec<String> = self.prefs.columns.iter().map(|c| self.cell(*c, index)).collect();
                    self.apply_window(Command::Copy(crate::export::tab_row(&cells)));
                }
            }
            Command::Dialog(dialog) => self.open_dialog(dialog),
            Command::Escape => self.escape(),
            Command::FocusSearch => self.wishes.push(Wish::FocusSearch),
            Command::FocusNote => {
                if !self.prefs.panels.1 {
                    self.prefer(|p| p.panels.1 = true);
                }
                self.wishes.push(Wish::FocusNote);
            }
            Command::ClearNotices => {
                self.notices.clear();
                self.seen_notices = 0;
            }
            Command::FullScreen => self.wishes.push(Wish::FullScreen),
            Command::Quit => self.wishes.push(Wish::Quit),
            _ => {}
        }
    }

    fn open_dialog(&mut self, dialog: Option<Dialog>) {
        let dialog = if dialog == Some(Dialog::Export) && self.browse.open { Some(Dialog::ExportEvents) } else { dialog };
        if dialog == Some(Dialog::Notices) || self.dialog == Some(Dialog::Notices) {
            self.seen_notices = self.notices.len();
        }
        if dialog == Some(Dialog::Coverage) {
            self.cover();
        }
        if dialog == Some(Dialog::Combined) {
            self.combine();
        }
        if dialog == Some(Dialog::Export) {
            self.count_flagged();
            self.export.existing.clear();
            self.export.refusal = None;
            if self.export.path.is_empty() {
                self.export.path = self.export_stem().display().to_string();
            }
        }
        self.dialog = dialog;
    }

    fn escape(&mut self) {
        if self.dialog.is_some() {
            self.open_dialog(None);
        } else if self.browse.open {
            if self.browse.time.is_some() {
                self.search_events(|b| b.time = None);
            } else if !self.browse.search.is_empty() {
                self.search_events(|b| b.search.clear());
            } else {
                self.apply_browse(Command::ToggleEvents);
            }
        } else if self.drill.subject.is_none() && self.drill.asked.is_some() {
            self.look_at_selection();
        } else if self.view.narrow.bar.is_some() || self.view.narrow.brush.is_some() {
            self.narrow(|n| (n.bar, n.brush) = (None, None));
        } else if !self.view.narrow.search.is_empty() {
            self.narrow(|n| n.search.clear());
        } else if self.view.narrow.show != Show::All {
            self.narrow(|n| n.show = Show::All);
        } else if self.activity.is_busy() {
            self.apply_job(Command::Cancel);
        }
    }

    /// Changes what is remembered of the window.
    fn prefer(&mut self, change: impl FnOnce(&mut Prefs)) {
        change(&mut self.prefs);
        self.keep_prefs();
    }

    fn threshold(&mut self, value: f64, remember: bool) {
        let (before, sieve) = (self.view.threshold, self.sieve());
        self.view.set_threshold(value, &sieve);
        if self.view.threshold != before || remember {
            self.export.existing.clear();
        }
        if remember {
            // A drag ends with the value it already has: what counts is where it began.
            let began = self.dragged_from.take().unwrap_or(before);
            if began != self.view.threshold {
                self.undo.remember(Was::Threshold(began));
            }
            self.keep_view();
        } else if self.dragged_from.is_none() {
            self.dragged_from = Some(before);
        }
    }

    pub(super) fn narrow(&mut self, change: impl FnOnce(&mut crate::app::rows::Narrow)) {
        let before = self.view.narrow.clone();
        change(&mut self.view.narrow);
        if self.view.narrow == before {
            return;
        }
        // One step per search, not one per letter; one per brush, not one per pixel.
        let (now, typing) = (&self.view.narrow, !before.search.is_empty() && before.search != self.view.narrow.search);
        if !(typing || before.brush.is_some() && now.brush.is_some()) {
            self.undo.remember(Was::Narrow(before.clone()));
        }
        self.narrowed(before.search != self.view.narrow.search);
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
        let text = self.view.narrow.search.trim();
        (self.search, self.search_fault) = match text {
            "" => (None, None),
            text => match crate::case::search::Search::parse(text) {
                Ok(search) => (Some(Arc::new(search)), None),
                // The table keeps what the last search that could be understood found.
                Err(why) => (self.search.take(), Some(why)),
            },
        };
    }
}

/// A search text with one more term.
fn with(search: &str, term: &str) -> String {
    [search.trim(), term.trim()].join(" ").trim_start().into()
}
