//! A case in memory, for tests that make their events by hand.

use residue::control::{Control, RunError};
use residue::domain::{Event, EventKey, EventRef, EventSink, EventStore, Ledger, SourceSink};
use residue::ingest::{Options, ingest};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Sources in the order of the contract, each with its events.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore {
    sources: Vec<Ledger>,
    events: Vec<Vec<Event>>,
}

impl MemoryStore {
    /// A case of one source that holds these events in this order.
    pub(crate) fn new(mut events: Vec<Event>) -> Self {
        let mut ledger = Ledger { source_file: "memory.evtx".into(), format: "EVTX".into(), events: events.len() as u64, ..Ledger::default() };
        for (i, event) in events.iter_mut().enumerate() {
            event.record = i as u64 + 1;
            event.record_id = event.record_id.or(Some(event.record));
            let seen = (event.computer.clone().unwrap_or_default(), event.channel.clone().unwrap_or_default());
            match ledger.seen.iter_mut().find(|(computer, channel, _)| (computer, channel) == (&seen.0, &seen.1)) {
                Some((_, _, count)) => *count += 1,
                None => ledger.seen.push((seen.0, seen.1, 1)),
            }
        }
        ledger.seen.sort();
        Self { sources: vec![ledger], events: vec![events] }
    }

    /// Reads evidence.
    pub(crate) fn read(paths: &[PathBuf]) -> Self {
        let sink = MemorySink::default();
        ingest(paths, &sink, &Options::default(), &Control::silent()).unwrap();
        let mut read = std::mem::take(&mut *sink.0.lock().unwrap());
        read.sort_by(|a, b| (&a.0.source_file, &a.0.sha256).cmp(&(&b.0.source_file, &b.0.sha256)));
        let (sources, events) = read.into_iter().unzip();
        Self { sources, events }
    }

    /// The events for which `keep` holds.
    pub(crate) fn filtered(&self, keep: impl Fn(&Ledger, &Event) -> bool) -> Self {
        let events = self.sources.iter().zip(&self.events).map(|(source, events)| events.iter().filter(|event| keep(source, event)).cloned().collect());
        Self { sources: self.sources.clone(), events: events.collect() }
    }
}

/// Sources with their events, in order of arrival.
type Gathered = Arc<Mutex<Vec<(Ledger, Vec<Event>)>>>;

/// Takes ingest's events into memory.
#[derive(Default)]
struct MemorySink(Gathered);

impl EventSink for MemorySink {
    fn begin(&self, _: &str) -> Result<Box<dyn SourceSink>, RunError> {
        Ok(Box::new(MemorySource(self.0.clone(), Vec::new())))
    }

    fn note(&self, ledger: Ledger) -> Result<(), RunError> {
        self.0.lock().unwrap().push((ledger, Vec::new()));
        Ok(())
    }
}

struct MemorySource(Gathered, Vec<Event>);

impl SourceSink for MemorySource {
    fn write(&mut self, mut batch: Vec<Event>) -> Result<(), RunError> {
        self.1.append(&mut batch);
        Ok(())
    }

    fn finish(self: Box<Self>, ledger: Ledger) -> Result<(), RunError> {
        self.0.lock().unwrap().push((ledger, self.1));
        Ok(())
    }
}

fn borrow(source: u32, event: &Event, payload: bool) -> EventRef<'_> {
    let whole = event.borrowed(source);
    if payload { whole } else { EventRef { message: "", fields: "", ..whole } }
}

impl EventStore for MemoryStore {
    fn sources(&self) -> &[Ledger] {
        &self.sources
    }

    fn events(&self) -> u64 {
        self.events.iter().map(|events| events.len() as u64).sum()
    }

    fn scan(&self, payload: bool, control: &Control, each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>) -> Result<(), RunError> {
        for (source, events) in self.events.iter().enumerate() {
            for batch in events.chunks(4096) {
                control.check()?;
                each(&batch.iter().map(|event| borrow(source as u32, event, payload)).collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }

    fn fetch(&self, key: EventKey) -> Result<Option<Event>, RunError> {
        let events = self.events.get(key.source as usize).map(Vec::as_slice).unwrap_or_default();
        Ok(events.iter().find(|event| (event.record, event.part) == (key.record, key.part)).cloned())
    }
}
