//! The list of all events of the case: what is looked for, what was found, and the page on the screen. Everything is found on threads of their own;
//! the newest question wins, and what was found last stays until its answer is there.

use crate::app::background::{Background, Wake};
use crate::app::command::{Command, Step, Wish};
use crate::app::marks::Marked;
use crate::app::session::Session;
use crate::case::events::{Events, Line, Query, Said, Tally};
use crate::case::search::{Column, Search};
use crate::control::{CancelToken, Control, Notice, Progress, Reporter, RunError, Silent};
use crate::domain::{CurvePoint, EventKey};
use std::sync::{Arc, Mutex, PoisonError};

/// What has to be found anew, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Anew {
    Hits,
    Order,
    Groups,
    Page,
}

/// What was found.
#[derive(Clone, Default)]
pub struct Found {
    /// Rows that pass, in the case's order.
    hits: Arc<Vec<u32>>,
    /// The same as they are shown.
    sorted: Arc<Vec<u32>>,
    /// How many of them have each value of the column grouped by, rarest first.
    pub groups: Option<(Column, Arc<Vec<Tally>>)>,
    /// The page's first row.
    pub first: usize,
    /// The events of the page.
    pub lines: Arc<Vec<Line>>,
}

impl Found {
    /// How many events pass.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

/// What a search came to: the finding, or why there is none.
type Outcome = Result<Found, RunError>;

/// The list of all events.
pub struct Browse {
    /// Whether it is on the screen.
    pub open: bool,
    /// The search text.
    pub search: String,
    /// Times from..=to, nanoseconds UTC.
    pub time: Option<(i64, i64)>,
    /// Sorted by what.
    pub sort: Column,
    /// The largest or last first.
    pub descending: bool,
    /// Grouped by what, if so.
    pub grouping: Option<Column>,
    /// What was found; may lag behind what is asked.
    pub found: Found,
    /// The event that is looked at.
    pub selected: Option<EventKey>,
    /// Why the search cannot be done.
    pub fault: Option<String>,
    page: usize,
    anew: Option<Anew>,
    events: Option<Arc<Events>>,
    finding: Background<Outcome>,
    /// Reads the columns that searches will want.
    warming: Background<()>,
    warm: CancelToken,
    cancel: CancelToken,
    heard: Arc<Heard>,
}

/// Hears how far a search is.
#[derive(Default)]
struct Heard(Mutex<Option<Progress>>);

impl Reporter for Heard {
    fn progress(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }
    fn notice(&self, _: Notice) {}
    fn epoch(&self, _: CurvePoint) {}
}

impl Browse {
    /// Events of one page.
    pub const PAGE: usize = 200;

    pub(super) fn new(wake: Wake) -> Self {
        Self {
            open: false,
            search: String::new(),
            time: None,
            sort: Column::Time,
            descending: false,
            grouping: None,
            found: Found::default(),
            selected: None,
            fault: None,
            page: 0,
            anew: None,
            events: None,
            finding: Background::new(Arc::clone(&wake)),
            warming: Background::new(wake),
            warm: CancelToken::default(),
            cancel: CancelToken::default(),
            heard: Arc::default(),
        }
    }

    /// The table and its rows as they are shown, all pages of them.
    pub(super) fn listed(&self) -> Option<(Arc<Events>, Arc<Vec<u32>>)> {
        Some((Arc::clone(self.events.as_ref()?), Arc::clone(&self.found.sorted)))
    }

    /// Whether an answer is still to come.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.finding.is_waiting()
    }

    /// How far the search is.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| self.is_waiting())
    }

    /// How many events the case holds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.events.as_ref().map_or(0, |events| events.len())
    }

    /// The page on the screen and how many there are, from 0.
    #[must_use]
    pub fn pages(&self) -> (usize, usize) {
        (self.found.first / Self::PAGE, self.found.len().div_ceil(Self::PAGE))
    }

    /// Forgets the case; what it held of it takes a while to be freed, so that the caller may choose where.
    pub(super) fn clear(&mut self) -> (Option<Arc<Events>>, Found) {
        self.cancel.cancel();
        self.warm.cancel();
        self.finding.forget();
        (self.open, self.time, self.grouping, self.selected, self.fault) = (false, None, None, None, None);
        (self.sort, self.descending, self.page, self.anew) = (Column::Time, false, 0, None);
        self.search.clear();
        (self.events.take(), std::mem::take(&mut self.found))
    }

    /// Takes an answer in.
    pub(super) fn drain(&mut self) {
        match self.finding.take() {
            None => {}
            Some(Ok(found)) => {
                self.page = found.first / Self::PAGE;
                (self.found, self.fault, self.anew) = (found, None, None);
            }
            Some(Err(RunError::Cancelled)) => {}
            // What was found last stays.
            Some(Err(why)) => self.fault = Some(why.to_string()),
        }
    }

    /// The place of the selected event on the page.
    fn at(&self) -> Option<usize> {
        let selected = self.selected?;
        self.found.lines.iter().position(|line| line.key == selected)
    }
}

impl Session {
    pub(super) fn apply_browse(&mut self, command: Command) {
        match command {
            Command::ToggleEvents if self.browse.open => self.leave_events(),
            Command::ToggleEvents => self.browse_anew(Anew::Hits),
            Command::ShowEvents { search, time } => {
                (self.browse.search, self.browse.time) = (search, time);
                self.dialog = None;
                self.browse_anew(Anew::Hits);
            }
            Command::GroupEvents(column) => {
                self.browse.grouping = column.filter(|column| Events::GROUPED.contains(column));
                self.browse_anew(Anew::Groups);
            }
            Command::SortEvents(column) if Events::SORTED.contains(&column) => {
                self.browse.descending = self.browse.sort == column && !self.browse.descending;
                self.browse.sort = column;
                self.browse.page = 0;
                self.browse_anew(Anew::Order);
            }
            Command::EventsPage(page) => {
                self.browse.page = page.min(self.browse.pages().1.saturating_sub(1));
                self.browse_anew(Anew::Page);
            }
            _ => {}
        }
    }

    fn leave_events(&mut self) {
        self.browse.open = false;
        self.look_at_selection();
    }

    /// Changes what is looked for.
    pub(super) fn search_events(&mut self, change: impl FnOnce(&mut crate::app::Browse)) {
        change(&mut self.browse);
        self.browse.page = 0;
        self.browse_anew(Anew::Hits);
    }

    /// The case has other events, or other marks, than when the list was made.
    pub(super) fn events_changed(&mut self) {
        self.browse.events = None;
        self.browse.anew = Some(Anew::Hits);
        if self.browse.open {
            self.browse_anew(Anew::Hits);
        }
    }

    /// Something was said of events: a search for it may find others now.
    pub(super) fn marks_changed(&mut self) {
        if self.browse.open && Search::parse(self.browse.search.trim()).is_ok_and(|search| search.asks_marks()) {
            self.browse_anew(Anew::Hits);
        }
    }

    /// Finds anew, on a thread.
    fn browse_anew(&mut self, anew: Anew) {
        let Some(case) = self.case.clone() else { return };
        self.browse.open = true;
        let search = match Search::parse(self.browse.search.trim()) {
            Ok(search) => search,
            Err(why) => {
                self.browse.fault = Some(why);
                return;
            }
        };
        let marked = search.asks_marks().then(|| self.marks.all().clone());
        let browse = &mut self.browse;
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
        let (browse, lines) = (&self.browse, self.browse.found.lines.len());
        let (at, (page, pages)) = (browse.at(), browse.pages());
        let to = match (step, at) {
            (Step::Home, _) => 0,
            (Step::End, _) => lines.saturating_sub(1),
            (Step::Up | Step::PageUp, Some(0)) if page > 0 => return self.apply_browse(Command::EventsPage(page - 1)),
            (Step::Down | Step::PageDown, Some(at)) if at + 1 >= lines && page + 1 < pages => return self.apply_browse(Command::EventsPage(page + 1)),
            (Step::Up, at) => at.unwrap_or(0).saturating_sub(1),
            (Step::Down, at) => at.map_or(0, |at| at + 1),
            (Step::PageUp, at) => at.unwrap_or(0).saturating_sub(crate::app::View::PAGE),
            (Step::PageDown, at) => at.unwrap_or(0) + crate::app::View::PAGE,
        };
        let key = self.browse.found.lines.get(to.min(lines.saturating_sub(1))).map(|line| line.key);
        if let Some(key) = key {
            self.apply(Command::LookAt(key));
            self.wishes.push(Wish::Reveal);
        }
    }

    /// The search text of what is on the screen, and why it cannot be understood, if so.
    #[must_use]
    pub fn searched(&self) -> (&str, Option<&str>) {
        if self.browse.open { (&self.browse.search, self.browse.fault.as_deref()) } else { (&self.view.narrow.search, self.search_fault.as_deref()) }
    }
}

#[expect(clippy::too_many_arguments, reason = "all that a thread is to know, said once")]
fn find(
    events: &Events,
    mut query: Query,
    marked: Option<Marked>,
    anew: Anew,
    (sort, descending): (Column, bool),
    grouping: Option<Column>,
    first: usize,
    mut found: Found,
    control: &Control,
) -> Outcome {
    if anew == Anew::Hits {
        let said = |(key, mark): (&EventKey, &crate::app::Mark)| Said { key: *key, flagged: mark.flagged, tags: mark.tags.clone(), note: mark.note.clone() };
        query.said = marked.iter().flat_map(Marked::iter).map(said).collect();
        found.hits = Arc::new(events.find(&query, control)?);
    }
    if anew <= Anew::Order {
        found.sorted = Arc::new(events.sort(found.hits.to_vec(), sort, descending, control)?);
    }
    if matches!(anew, Anew::Hits | Anew::Groups) || found.groups.as_ref().map(|(column, _)| *column) != grouping {
        found.groups = grouping.map(|column| Ok::<_, RunError>((column, Arc::new(events.group(&found.hits, column, control)?)))).transpose()?;
    }
    found.first = if first < found.sorted.len() { first } else { 0 };
    let page = &found.sorted[found.first..found.sorted.len().min(found.first + Browse::PAGE)];
    found.lines = Arc::new(events.page(page, control)?);
    Ok(found)
}
