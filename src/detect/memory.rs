//! Events held in memory: for tests, benches and small things. A case on disk is the `case` room's business.

use crate::control::{Control, RunError};
use crate::domain::{Event, EventKey, EventRef, EventSink, EventStore, Ledger, SourceSink};
use std::sync::{Arc, Mutex, PoisonError};

type Gathered = Arc<Mutex<Vec<(Ledger, Vec<Event>)>>>;

/// Takes in whatever ingest hands over; [`MemorySink::store`] makes a store of it.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(Gathered);

impl MemorySink {
    /// Everything finished so far, sources in the order of the contract; later copies of the same bytes are left out.
    #[must_use]
    pub fn store(&self) -> MemoryStore {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        gathered.sort_by(|a, b| (&a.0.source_file, &a.0.sha256).cmp(&(&b.0.source_file, &b.0.sha256)));
        let (sources, events) = gathered.into_iter().unzip();
        MemoryStore { sources, events }
    }
}

impl EventSink for MemorySink {
    fn begin(&self, _: &str) -> Result<Box<dyn SourceSink>, RunError> {
        Ok(Box::new(MemorySource { to: self.0.clone(), events: Vec::new() }))
    }

    fn note(&self, ledger: Ledger) -> Result<(), RunError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((ledger, Vec::new()));
        Ok(())
    }
}

struct MemorySource {
    to: Gathered,
    events: Vec<Event>,
}

impl SourceSink for MemorySource {
    fn write(&mut self, mut batch: Vec<Event>) -> Result<(), RunError> {
        self.events.append(&mut batch);
        Ok(())
    }

    fn finish(self: Box<Self>, ledger: Ledger) -> Result<(), RunError> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner).push((ledger, self.events));
        Ok(())
    }
}

/// A store whose sources and events lie in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    sources: Vec<Ledger>,
    events: Vec<Vec<Event>>,
}

impl MemoryStore {
    /// One source of events; records are numbered from 1 where they have no number, and the ledger row follows from the events.
    #[must_use]
    pub fn of(source_file: &str, mut events: Vec<Event>) -> Self {
        let mut seen = std::collections::BTreeMap::new();
        for (at, event) in events.iter_mut().enumerate() {
            if event.record == 0 {
                event.record = at as u64 + 1;
            }
            let key = (event.computer.clone().unwrap_or_default(), event.channel.clone().unwrap_or_default());
            *seen.entry(key).or_insert(0) += 1;
        }
        let seen = seen.into_iter().map(|((computer, channel), count)| (computer, channel, count)).collect();
        let count = events.len() as u64;
        let ledger = Ledger { source_file: source_file.into(), events: count, records_ok: count, seen, ..Ledger::default() };
        Self { sources: vec![ledger], events: vec![events] }
    }

    /// The sources of several stores, one after the other.
    #[must_use]
    pub fn join(stores: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self::default();
        for store in stores {
            joined.sources.extend(store.sources);
            joined.events.extend(store.events);
        }
        joined
    }

    /// Keeps the events for which `keep` holds; sources stay as they are.
    #[must_use]
    pub fn filtered(mut self, mut keep: impl FnMut(&Ledger, &Event) -> bool) -> Self {
        for (source, events) in self.sources.iter().zip(&mut self.events) {
            events.retain(|event| keep(source, event));
        }
        self
    }
}

impl EventStore for MemoryStore {
    fn sources(&self) -> &[Ledger] {
        &self.sources
    }

    fn events(&self) -> u64 {
        self.events.iter().map(|events| events.len() as u64).sum()
    }

    fn scan(&self, _payload: bool, control: &Control, each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>) -> Result<(), RunError> {
        for (source, events) in self.events.iter().enumerate() {
            for batch in events.chunks(8192) {
                control.check()?;
                let batch: Vec<EventRef<'_>> = batch.iter().map(|event| event.borrowed(source as u32)).collect();
                each(&batch)?;
            }
        }
        Ok(())
    }

    fn fetch(&self, key: EventKey) -> Result<Option<Event>, RunError> {
        let events = self.events.get(key.source as usize).map(Vec::as_slice).unwrap_or_default();
        Ok(events.iter().find(|event| (event.record, event.part) == (key.record, key.part)).cloned())
    }
}
