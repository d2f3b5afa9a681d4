//! Where a format puts what it reads: events go to the sink in batches, defects and counts to the ledger.

use crate::control::{Control, RunError};
use crate::domain::{Event, EventSink, Ledger, SourceSink, SourceStatus};
use crossbeam_channel::{Sender, bounded};
use std::collections::BTreeMap;
use std::thread::JoinHandle;

/// A batch is handed on at this many events,
const BATCH_EVENTS: usize = 8192;
/// or at this many bytes of payload.
const BATCH_BYTES: usize = 8 << 20;
/// Batches that wait for the writer.
const WAITING: usize = 2;
/// Distinct (computer, channel) pairs counted apart; a hostile file cannot fill the memory with more.
const MAX_SEEN: usize = 4096;

/// One source's events and ledger row in the making.
pub(super) struct Output<'a> {
    sink: &'a dyn EventSink,
    control: &'a Control,
    open: Writer,
    batch: Vec<Event>,
    batch_bytes: usize,
    ledger: Ledger,
    lost: bool,
    seen: BTreeMap<String, BTreeMap<String, u64>>,
    pairs: usize,
}

/// The sink's own thread: reading goes on while it compresses and writes. A source of one batch needs none.
#[derive(Default)]
enum Writer {
    #[default]
    None,
    Here(Box<dyn SourceSink>),
    Aside(Sender<Vec<Event>>, JoinHandle<Result<Box<dyn SourceSink>, RunError>>),
}

impl Writer {
    fn aside(mut sink: Box<dyn SourceSink>) -> Result<Self, RunError> {
        let (batches, queue) = bounded::<Vec<Event>>(WAITING);
        let work = move || {
            for batch in queue {
                sink.write(batch)?;
            }
            Ok(sink)
        };
        Ok(Self::Aside(batches, std::thread::Builder::new().name("writer".into()).spawn(work)?))
    }

    /// The sink, once everything is written.
    fn end(self) -> Result<Option<Box<dyn SourceSink>>, RunError> {
        match self {
            Self::None => Ok(None),
            Self::Here(sink) => Ok(Some(sink)),
            Self::Aside(batches, thread) => {
                drop(batches);
                thread.join().unwrap_or_else(|_| Err(RunError::failed("writing failed inside, and the case was left as it was"))).map(Some)
            }
        }
    }
}

impl Drop for Output<'_> {
    /// What is given up is given up before this returns: no thread goes on writing.
    fn drop(&mut self) {
        drop(std::mem::take(&mut self.open).end());
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(sink: &'a dyn EventSink, control: &'a Control, ledger: Ledger) -> Self {
        Self { sink, control, open: Writer::None, batch: Vec::new(), batch_bytes: 0, ledger, lost: false, seen: BTreeMap::new(), pairs: 0 }
    }

    /// Takes an event. Part 0 counts its record as read (or recovered).
    ///
    /// # Errors
    /// Cancelled, or the sink failed.
    pub(super) fn event(&mut self, event: Event) -> Result<(), RunError> {
        if event.part == 0 {
            let count = if event.recovered { &mut self.ledger.records_recovered } else { &mut self.ledger.records_ok };
            *count += 1;
        }
        self.ledger.events += 1;
        match event.time {
            None => self.ledger.no_time += 1,
            Some(time) => {
                self.ledger.first = Some(self.ledger.first.map_or(time, |first| first.min(time)));
                self.ledger.last = Some(self.ledger.last.map_or(time, |last| last.max(time)));
            }
        }
        self.see(event.computer.as_deref().unwrap_or(""), event.channel.as_deref().unwrap_or(""));
        self.batch_bytes += 512 + event.fields.len() + event.message.len();
        self.batch.push(event);
        if self.batch.len() >= BATCH_EVENTS || self.batch_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// A record that could not be read.
    pub(super) fn bad(&mut self, offset: Option<u64>, record: Option<u64>, what: impl Into<String>) {
        self.ledger.records_bad += 1;
        self.lost(offset, record, what);
    }

    /// Something that may have cost records, not one record in particular.
    pub(super) fn lost(&mut self, offset: Option<u64>, record: Option<u64>, what: impl Into<String>) {
        self.lost = true;
        self.ledger.defect(offset, record, what);
    }

    /// Something wrong that cost no record.
    pub(super) fn defect(&mut self, offset: Option<u64>, record: Option<u64>, what: impl Into<String>) {
        self.ledger.defect(offset, record, what);
    }

    /// Something worth knowing that is not wrong.
    pub(super) fn remark(&mut self, what: impl Into<String>) {
        self.ledger.remark(what);
    }

    /// How local times are read.
    pub(super) fn zone(&mut self, name: &str) {
        name.clone_into(&mut self.ledger.zone);
    }

    /// Records that repeat others of this source.
    pub(super) fn joined(&mut self, records: u64) {
        self.ledger.records_joined += records;
    }

    /// Commits the source: its events under their final name, or its ledger row alone when there are none.
    pub(super) fn finish(mut self, seal: impl FnOnce(&mut Ledger, &mut bool)) -> Result<Ledger, RunError> {
        self.flush()?;
        seal(&mut self.ledger, &mut self.lost);
        let mut ledger = std::mem::take(&mut self.ledger);
        ledger.seen = std::mem::take(&mut self.seen).into_iter().flat_map(|(a, inner)| inner.into_iter().map(move |(b, n)| (a.clone(), b, n))).collect();
        ledger.status = match (self.lost, ledger.events) {
            (false, _) => SourceStatus::Whole,
            (true, 0) => SourceStatus::Unreadable,
            (true, _) => SourceStatus::Partial,
        };
        match std::mem::take(&mut self.open).end()? {
            Some(open) => open.finish(ledger.clone())?,
            None => self.sink.note(ledger.clone())?,
        }
        Ok(ledger)
    }

    fn flush(&mut self) -> Result<(), RunError> {
        self.control.check()?;
        if self.batch.is_empty() {
            return Ok(());
        }
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.open = match std::mem::take(&mut self.open) {
            Writer::None => {
                let mut sink = self.sink.begin(&self.ledger.source_file)?;
                sink.write(batch)?;
                Writer::Here(sink)
            }
            Writer::Here(sink) => {
                let writer = Writer::aside(sink)?;
                if let Writer::Aside(batches, _) = &writer {
                    // The thread has only begun: it takes this.
                    drop(batches.send(batch));
                }
                writer
            }
            Writer::Aside(batches, thread) => {
                if batches.send(batch).is_err() {
                    return Writer::Aside(batches, thread).end().and(Err(RunError::failed("writing ended early")));
                }
                Writer::Aside(batches, thread)
            }
        };
        Ok(())
    }

    fn see(&mut self, computer: &str, channel: &str) {
        if let Some(count) = self.seen.get_mut(computer).and_then(|channels| channels.get_mut(channel)) {
            *count += 1;
            return;
        }
        self.pairs += 1;
        let (computer, channel) = if self.pairs > MAX_SEEN { ("(others)", "(others)") } else { (computer, channel) };
        *self.seen.entry(computer.into()).or_default().entry(channel.into()).or_default() += 1;
    }
}
