//! What is committed in a case at one moment, as the detectors see it: scan, fetch, neighbours in time.

use super::columns::{KEY, names, scanned};
use super::duplicates::Duplicates;
use super::reader::EventFile;
use crate::control::{Control, RunError};
use crate::domain::{Event, EventKey, EventRef, EventStore, Ledger};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// Row groups decoded at once while scanning: as many as can be decoded side by side without much memory.
const AHEAD: usize = 2;
/// Events handed out at once.
const BATCH: usize = 4_096;

/// An immutable view of a case's events. Sources committed later are not in it.
#[derive(Debug)]
pub struct Snapshot {
    sources: Arc<Vec<Ledger>>,
    files: Vec<Option<Arc<EventFile>>>,
    duplicates: OnceLock<Duplicates>,
}

impl Snapshot {
    /// A view of `sources`, in key order, with their files.
    pub(super) fn new(sources: Vec<Ledger>, files: Vec<Option<Arc<EventFile>>>) -> Self {
        Self { sources: Arc::new(sources), files, duplicates: OnceLock::new() }
    }

    /// The ledger, sorted by (`source_file`, SHA-256).
    #[must_use]
    pub fn ledger(&self) -> Arc<Vec<Ledger>> {
        self.sources.clone()
    }

    /// The files with the index of their source.
    pub(super) fn files(&self) -> impl Iterator<Item = (u32, &Arc<EventFile>)> {
        self.files.iter().enumerate().filter_map(|(at, file)| Some((u32::try_from(at).ok()?, file.as_ref()?)))
    }

    /// Whether an event repeats an event of an earlier source and is therefore not scanned.
    ///
    /// # Errors
    /// When the store cannot be read, or the job is cancelled.
    pub fn is_duplicate(&self, key: EventKey, control: &Control) -> Result<bool, RunError> {
        let duplicates = self.duplicates(control)?;
        Ok(self.locate(key)?.is_some_and(|(_, row)| duplicates.rows(key.source).binary_search(&(row as u64)).is_ok()))
    }

    /// Number of events that repeat an event of an earlier source.
    ///
    /// # Errors
    /// When the store cannot be read, or the job is cancelled.
    pub fn duplicate_events(&self, control: &Control) -> Result<u64, RunError> {
        Ok(self.duplicates(control)?.count())
    }

    pub(super) fn duplicates(&self, control: &Control) -> Result<&Duplicates, RunError> {
        if let Some(known) = self.duplicates.get() {
            return Ok(known);
        }
        let found = Duplicates::find(&self.sources, &self.files, control)?;
        Ok(self.duplicates.get_or_init(|| found))
    }

    fn file(&self, source: u32) -> Option<&Arc<EventFile>> {
        self.files.get(source as usize)?.as_ref()
    }

    /// The file and row of a key.
    pub(super) fn locate(&self, key: EventKey) -> Result<Option<(&Arc<EventFile>, usize)>, RunError> {
        let Some(file) = self.file(key.source) else { return Ok(None) };
        for group in file.groups_of(key.record, key.part) {
            let table = file.read(&KEY, group..group + 1)?;
            let view = file.view(&table, 0)?;
            if let Some(row) = (0..view.len()).find(|row| view.key(*row) == (key.record, key.part)) {
                return Ok(Some((file, file.start(group) + row)));
            }
        }
        Ok(None)
    }

    /// A source's ledger row.
    pub(super) fn ledger_of(&self, source: u32) -> Option<&Ledger> {
        self.sources.get(source as usize)
    }

    /// Fetches events with all their columns, in the order asked for; a key that is not there gives `None`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn fetch_many(&self, keys: &[EventKey]) -> Result<Vec<Option<Event>>, RunError> {
        let mut found: Vec<Option<Event>> = vec![None; keys.len()];
        // What lies in one row group is read at once.
        let mut wanted: BTreeMap<(u32, usize), Vec<usize>> = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            for group in self.file(key.source).map_or(0..0, |file| file.groups_of(key.record, key.part)) {
                wanted.entry((key.source, group)).or_default().push(at);
            }
        }
        for ((source, group), asked) in wanted {
            let Some(file) = self.file(source) else { continue };
            let table = file.read(&KEY, group..group + 1)?;
            let view = file.view(&table, 0)?;
            let places: HashMap<(u64, u32), usize> = asked.iter().map(|at| ((keys[*at].record, keys[*at].part), *at)).collect();
            let hits: Vec<(usize, (u64, u32))> = (0..view.len()).map(|row| (row, view.key(row))).filter(|(_, key)| places.contains_key(key)).collect();
            let (Some((first, _)), Some((last, _))) = (hits.first(), hits.last()) else { continue };
            let rows = file.rows(&names(|_| true), file.start(group) + first..file.start(group) + last + 1)?;
            let rows = file.view(&rows, 0)?;
            for (row, key) in &hits {
                let event = rows.event(source, row - first).owned();
                for at in asked.iter().filter(|at| (keys[**at].record, keys[**at].part) == *key) {
                    found[*at] = Some(event.clone());
                }
            }
        }
        Ok(found)
    }
}

impl EventStore for Snapshot {
    fn sources(&self) -> &[Ledger] {
        &self.sources
    }

    fn events(&self) -> u64 {
        self.files().flat_map(|(_, file)| file.groups()).map(|group| group.rows as u64).sum()
    }

    fn scan(&self, payload: bool, control: &Control, each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>) -> Result<(), RunError> {
        self.scan_some(&|_| true, payload, control, each)
    }

    fn fetch(&self, key: EventKey) -> Result<Option<Event>, RunError> {
        Ok(self.fetch_many(&[key])?.pop().flatten())
    }
}

impl Snapshot {
    /// Scans as [`EventStore::scan`] does, but only the sources for which `which` holds.
    ///
    /// # Errors
    /// As there.
    pub fn scan_some(
        &self,
        which: &dyn Fn(u32) -> bool,
        payload: bool,
        control: &Control,
        each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let duplicates = self.duplicates(control)?;
        let columns = scanned(payload);
        for (source, file) in self.files().filter(|(source, _)| which(*source)) {
            let mut skip = duplicates.rows(source).iter().copied().peekable();
            let mut row_in_file = 0;
            for first in (0..file.groups().len()).step_by(AHEAD) {
                control.check()?;
                let groups = first..(first + AHEAD).min(file.groups().len());
                let table = file.read(&columns, groups.clone())?;
                for chunk in 0..groups.len() {
                    let view = file.view(&table, chunk)?;
                    let first = row_in_file;
                    row_in_file += view.len() as u64;
                    let wanted: Vec<usize> = (0..view.len()).filter(|row| skip.next_if_eq(&(first + *row as u64)).is_none()).collect();
                    for rows in wanted.chunks(BATCH) {
                        control.check()?;
                        each(&view.events(source, rows))?;
                    }
                }
            }
        }
        Ok(())
    }
}
