//! Where a format puts what it reads: events go to the sink in batches, defects and counts to the ledger.

use crate::control::{Control, RunError};
use crate::domain::{Event, EventSink, Ledger, SourceSink, SourceStatus};
use std::collections::BTreeMap;

/// A batch is handed on at this many events,
const BATCH_EVENTS: usize = 8192;
/// or at this many bytes of payload.
const BATCH_BYTES: usize = 8 << 20;
/// Distinct (computer, channel) pairs counted apart; a hostile file cannot fill the memory with more.
const MAX_SEEN: usize = 4096;

/// One source's events and ledger row in the making.
pub(super) struct Output<'a> {
    sink: &'a dyn EventSink,
    control: &'a Control,
    open: Option<Box<dyn SourceSink>>,
    batch: Vec<Event>,
    batch_bytes: usize,
    ledger: Ledger,
    lost: bool,
    seen: BTreeMap<String, BTreeMap<String, u64>>,
    pairs: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(sink: &'a dyn EventSink, control: &'a Control, ledger: Ledger) -> Self {
        Self { sink, control, open: None, batch: Vec::new(), batch_bytes: 0, ledger, lost: false, seen: BTreeMap::new(), pairs: 0 }
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
        let mut ledger = self.ledger;
        ledger.seen = self.seen.into_iter().flat_map(|(a, inner)| inner.into_iter().map(move |(b, n)| (a.clone(), b, n))).collect();
        ledger.status = match (self.lost, ledger.events) {
            (false, _) => SourceStatus::Whole,
            (true, 0) => SourceStatus::Unreadable,
            (true, _) => SourceStatus::Partial,
        };
        match self.open {
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
        let open = match &mut self.open {
            Some(open) => open,
            slot => slot.insert(self.sink.begin(&self.ledger.source_file)?),
        };
        self.batch_bytes = 0;
        open.write(std::mem::take(&mut self.batch))
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
