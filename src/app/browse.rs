//! The list of all events of the case: what is looked for, what was found, and the page on the screen. Everything is found on threads of their own;
//! the newest question wins, and what was found last stays until its answer is there.

use crate::app::background::{Background, Wake};
use crate::app::marks::{Mark, Marked};
use crate::case::events::{Events, Line, Query, Said, Tally};
use crate::case::search::Column;
use crate::control::{CancelToken, Control, Notice, Progress, Reporter, RunError};
use crate::domain::{CurvePoint, EventKey};
use std::sync::{Arc, Mutex, PoisonError};

/// What has to be found anew, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anew {
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
    pub(super) page: usize,
    pub(super) anew: Option<Anew>,
    pub(super) events: Option<Arc<Events>>,
    pub(super) finding: Background<Outcome>,
    /// Reads the columns that searches will want.
    pub(super) warming: Background<()>,
    pub(super) warm: CancelToken,
    pub(super) cancel: CancelToken,
    pub(super) heard: Arc<Heard>,
}

/// Hears how far a search is.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Option<Progress>>);

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

    /// Stops what is being found; nobody waits for it any more.
    pub(super) fn stop(&mut self) {
        self.cancel.cancel();
        self.warm.cancel();
        self.finding.forget();
        self.warming.forget();
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
    pub(super) fn at(&self) -> Option<usize> {
        let selected = self.selected?;
        self.found.lines.iter().position(|line| line.key == selected)
    }
}

#[expect(clippy::too_many_arguments, reason = "all that a thread is to know, said once")]
pub(super) fn find(
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
        let said = |(key, mark): (&EventKey, &Mark)| Said { key: *key, flagged: mark.flagged, tags: mark.tags.clone(), note: mark.note.clone() };
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
