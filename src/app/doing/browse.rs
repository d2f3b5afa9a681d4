//! Carries out what is asked of the list of all events.

use crate::app::browse::{Anew, Browse, Heard, find};
use crate::app::command::{BrowseCommand, SelectionCommand, Wish};
use crate::app::rows::Step;
use crate::app::session::Session;
use crate::app::view::View;
use crate::case::events::{Events, Query};
use crate::case::search::Search;
use crate::control::{CancelToken, Control, Silent};
use std::sync::{Arc, PoisonError};

impl Session {
    pub(super) fn apply_browse(&mut self, command: BrowseCommand) {
        match command {
            BrowseCommand::ToggleEvents if self.open.browse.open => self.leave_events(),
            BrowseCommand::ToggleEvents => self.browse_anew(Anew::Hits),
            BrowseCommand::ShowEvents { search, time } => {
                (self.open.browse.search, self.open.browse.time) = (search, time);
                self.dialog = None;
                self.browse_anew(Anew::Hits);
            }
            BrowseCommand::GroupEvents(column) => {
                self.open.browse.grouping = column.filter(|column| Events::GROUPED.contains(column));
                self.browse_anew(Anew::Groups);
            }
            BrowseCommand::SortEvents(column) => {
                if !Events::SORTED.contains(&column) {
                    return;
                }
                self.open.browse.descending = self.open.browse.sort == column && !self.open.browse.descending;
                self.open.browse.sort = column;
                self.open.browse.page = 0;
                self.browse_anew(Anew::Order);
            }
            BrowseCommand::EventsPage(page) => {
                self.open.browse.page = page.min(self.open.browse.pages().1.saturating_sub(1));
                self.browse_anew(Anew::Page);
            }
        }
    }

    fn leave_events(&mut self) {
        self.open.browse.open = false;
        self.look_at_selection();
    }

    /// Changes what is looked for.
    pub(super) fn search_events(&mut self, change: impl FnOnce(&mut Browse)) {
        change(&mut self.open.browse);
        self.open.browse.page = 0;
        self.browse_anew(Anew::Hits);
    }

    /// The case has other events, or other marks, than when the list was made.
    pub(super) fn events_changed(&mut self) {
        self.open.browse.events = None;
        self.open.browse.anew = Some(Anew::Hits);
        if self.open.browse.open {
            self.browse_anew(Anew::Hits);
        }
    }

    /// Something was said of events: a search for it may find others now.
    pub(super) fn marks_changed(&mut self) {
        if self.open.browse.open && Search::parse(self.open.browse.search.trim()).is_ok_and(|search| search.asks_marks()) {
            self.browse_anew(Anew::Hits);
        }
    }

    /// Finds anew, on a thread.
    fn browse_anew(&mut self, anew: Anew) {
        let Some(case) = self.open.case.clone() else { return };
        self.open.browse.open = true;
        let search = match Search::parse(self.open.browse.search.trim()) {
            Ok(search) => search,
            Err(why) => {
                self.open.browse.fault = Some(why);
                return;
            }
        };
        let marked = search.asks_marks().then(|| self.open.marks.all().clone());
        let browse = &mut self.open.browse;
        browse.fault = None;
        // What an older question would have found anew is still to be found.
        let anew = browse.anew.map_or(anew, |before| before.min(anew));
        let anew = if browse.events.is_none() { Anew::Hits } else { anew };
        browse.anew = Some(anew);
        let events = if let Some(events) = &browse.events {
            Arc::clone(events)
        } else {
            let events = Arc::new(Events::new(case.snapshot()));
            browse.warm.cancel();
            browse.warm = CancelToken::default();
            let (columns, control) = (Arc::clone(&events), Control { cancel: browse.warm.clone(), reporter: Arc::new(Silent) });
            // What cannot be read is said by the search that wants it.
            browse.warming.start(move |_| columns.warm(&control).ok());
            browse.events = Some(Arc::clone(&events));
            events
        };
        browse.cancel.cancel();
        browse.cancel = CancelToken::default();
        *browse.heard.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let control = Control { cancel: browse.cancel.clone(), reporter: Arc::<Heard>::clone(&browse.heard) };
        let (query, found) = (Query { search, time: browse.time, said: vec![] }, browse.found.clone());
        let (sort, grouping, first) = ((browse.sort, browse.descending), browse.grouping, browse.page * Browse::PAGE);
        browse.finding.start(move |_| Some(find(&events, query, marked, anew, sort, grouping, first, found, &control)));
    }

    pub(super) fn step_event(&mut self, step: Step) {
        let (browse, lines) = (&self.open.browse, self.open.browse.found.lines.len());
        let (at, (page, pages)) = (browse.at(), browse.pages());
        let to = match (step, at) {
            (Step::Home, _) => 0,
            (Step::End, _) => lines.saturating_sub(1),
            (Step::Up | Step::PageUp, Some(0)) if page > 0 => return self.apply_browse(BrowseCommand::EventsPage(page - 1)),
            (Step::Down | Step::PageDown, Some(at)) if at + 1 >= lines && page + 1 < pages => return self.apply_browse(BrowseCommand::EventsPage(page + 1)),
            (Step::Up, at) => at.unwrap_or(0).saturating_sub(1),
            (Step::Down, at) => at.map_or(0, |at| at + 1),
            (Step::PageUp, at) => at.unwrap_or(0).saturating_sub(View::PAGE),
            (Step::PageDown, at) => at.unwrap_or(0) + View::PAGE,
        };
        let key = self.open.browse.found.lines.get(to.min(lines.saturating_sub(1))).map(|line| line.key);
        if let Some(key) = key {
            self.apply_selection(SelectionCommand::LookAt(key));
            self.wishes.push(Wish::Reveal);
        }
    }

    /// The search text of what is on the screen, and why it cannot be understood, if so.
    #[must_use]
    pub fn searched(&self) -> (&str, Option<&str>) {
        if self.open.browse.open {
            (&self.open.browse.search, self.open.browse.fault.as_deref())
        } else {
            (&self.open.view.narrow.search, self.open.search_fault.as_deref())
        }
    }
}
