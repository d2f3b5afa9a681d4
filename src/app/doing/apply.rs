//! Carries commands out: one group, one function, and in each function every member.

use crate::app::columns::Column;
use crate::app::command::{BrowseCommand, Command, Dialog, JobCommand, ViewCommand, WindowCommand, Wish};
use crate::app::doing::narrowing::shows_the_ranking;
use crate::app::prefs::Prefs;
use crate::app::rows::Show;
use crate::app::session::Session;

impl Session {
    /// Carries a command out, as far as it can be done without waiting.
    pub fn apply(&mut self, command: impl Into<Command>) {
        match command.into() {
            Command::Case(command) => self.apply_case(command),
            Command::Job(command) => self.apply_job(command),
            Command::Plan(command) => self.apply_plan(command),
            Command::Mark(command) => self.apply_mark(command),
            Command::Ordinary(command) => self.apply_ordinary(command),
            Command::View(command) => {
                self.open.browse.open &= !matches!(command, ViewCommand::ShowDetector(_) | ViewCommand::GoTo(..) | ViewCommand::RankBy(_));
                self.apply_view(command);
            }
            Command::Narrow(command) => {
                self.open.browse.open &= !shows_the_ranking(&command);
                self.apply_narrow(command);
            }
            Command::Selection(command) => self.apply_selection(command),
            Command::Browse(command) => self.apply_browse(command),
            Command::Words(command) => self.apply_words(command),
            Command::Window(command) => self.apply_window(command),
            Command::Pick(pick) => self.wishes.push(Wish::Pick(pick)),
        }
    }

    fn apply_window(&mut self, command: WindowCommand) {
        match command {
            WindowCommand::ToggleColumn(column) => self.prefer(|p| {
                if p.columns.contains(&column) {
                    p.columns.retain(|c| *c != column);
                } else {
                    p.columns.push(column);
                    p.columns.sort_by_key(|c| Column::ALL.iter().position(|a| a == c));
                }
            }),
            WindowCommand::SaveSearch(name) => {
                let (name, search) = (name.trim().to_owned(), self.searched().0.trim().to_owned());
                if !name.is_empty() && !search.is_empty() {
                    self.prefer(|p| p.keep_search(&name, &search));
                    self.say(format!("search kept as {name}"));
                }
            }
            WindowCommand::DropSearch(at) => self.prefer(|p| {
                if at < p.searches.len() {
                    p.searches.remove(at);
                }
            }),
            WindowCommand::UsualColumns => self.prefer(|p| p.columns = Column::USUAL.into()),
            WindowCommand::Look(look) => self.prefer(|p| p.look = look),
            WindowCommand::Scale(scale) => self.prefer(|p| p.scale = scale.clamp(0.5, 3.0)),
            WindowCommand::Zoom(tenths) => self.prefer(|p| p.scale = ((p.scale * 10.0).round() / 10.0 + tenths as f32 / 10.0).clamp(0.5, 3.0)),
            WindowCommand::Zone(zone) => self.prefer(|p| p.zone = zone),
            WindowCommand::ToggleLeft => self.prefer(|p| p.panels.0 = !p.panels.0),
            WindowCommand::ToggleRight => self.prefer(|p| p.panels.1 = !p.panels.1),
            WindowCommand::ExportForm(form) => self.open.export = *form,
            WindowCommand::Copy(text) => self.copy(text),
            WindowCommand::CopyRow => {
                if let Some(index) = self.open.view.selected {
                    let cells: Vec<String> = self.prefs.columns.iter().map(|c| self.cell(*c, index)).collect();
                    self.copy(crate::export::tab_row(&cells));
                }
            }
            WindowCommand::Dialog(dialog) => self.open_dialog(dialog),
            WindowCommand::Escape => self.escape(),
            WindowCommand::FocusSearch => self.wishes.push(Wish::FocusSearch),
            WindowCommand::FocusNote => {
                if !self.prefs.panels.1 {
                    self.prefer(|p| p.panels.1 = true);
                }
                self.wishes.push(Wish::FocusNote);
            }
            WindowCommand::ClearNotices => {
                self.notices.clear();
                self.seen_notices = 0;
            }
            WindowCommand::FullScreen => self.wishes.push(Wish::FullScreen),
            WindowCommand::Quit => self.wishes.push(Wish::Quit),
        }
    }

    fn copy(&mut self, text: String) {
        self.say("copied");
        self.wishes.push(Wish::Copy(text));
    }

    fn open_dialog(&mut self, dialog: Option<Dialog>) {
        let dialog = if dialog == Some(Dialog::Export) && self.open.browse.open { Some(Dialog::ExportEvents) } else { dialog };
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
            self.open.export.existing.clear();
            self.open.export.refusal = None;
            if self.open.export.path.is_empty() {
                self.open.export.path = self.export_stem().display().to_string();
            }
        }
        self.dialog = dialog;
    }

    fn escape(&mut self) {
        if self.dialog.is_some() {
            self.open_dialog(None);
        } else if self.open.browse.open {
            if self.open.browse.time.is_some() {
                self.search_events(|b| b.time = None);
            } else if !self.open.browse.search.is_empty() {
                self.search_events(|b| b.search.clear());
            } else {
                self.apply_browse(BrowseCommand::ToggleEvents);
            }
        } else if self.open.drill.subject.is_none() && self.open.drill.asked.is_some() {
            self.look_at_selection();
        } else if self.open.view.narrow.bar.is_some() || self.open.view.narrow.brush.is_some() {
            self.narrow(|n| (n.bar, n.brush) = (None, None));
        } else if !self.open.view.narrow.search.is_empty() {
            self.narrow(|n| n.search.clear());
        } else if self.open.view.narrow.show != Show::All {
            self.narrow(|n| n.show = Show::All);
        } else if self.activity.is_busy() {
            self.apply_job(JobCommand::Cancel);
        }
    }

    /// Changes what is remembered of the window.
    fn prefer(&mut self, change: impl FnOnce(&mut Prefs)) {
        change(&mut self.prefs);
        self.keep_prefs();
    }
}
