//! A case in memory, for tests that make their events by hand.

use residue::control::{Control, RunError};
use residue::domain::{Event, EventKey, EventRef, EventStore, Ledger};

/// One source of events; a record number of 0 is filled in.
#[derive(Default)]
pub(crate) struct MemoryStore {
    events: Vec<Event>,
    sources: Vec<Ledger>,
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
        Self { events, sources: vec![ledger] }
    }
}

fn borrow(event: &Event, payload: bool) -> EventRef<'_> {
    EventRef {
        key: EventKey { source: 0, part: event.part, record: event.record },
        time: event.time,
        time_text: event.time_text.as_deref(),
        record_id: event.record_id,
        recovered: event.recovered,
        computer: event.computer.as_deref(),
        channel: event.channel.as_deref(),
        provider: event.provider.as_deref(),
        event_id: event.event_id,
        level: event.level.as_deref(),
        user: event.user.as_deref(),
        pid: event.pid,
        ppid: event.ppid,
        process_guid: event.process_guid.as_deref(),
        parent_guid: event.parent_guid.as_deref(),
        image: event.image.as_deref(),
        parent_image: event.parent_image.as_deref(),
        command_line: event.command_line.as_deref(),
        message: if payload { &event.message } else { "" },
        fields: if payload { &event.fields } else { "" },
    }
}

impl EventStore for MemoryStore {
    fn sources(&self) -> &[Ledger] {
        &self.sources
    }

    fn events(&self) -> u64 {
        self.events.len() as u64
    }

    fn scan(&self, payload: bool, control: &Control, each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>) -> Result<(), RunError> {
        for batch in self.events.chunks(4096) {
            control.check()?;
            each(&batch.iter().map(|event| borrow(event, payload)).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn fetch(&self, key: EventKey) -> Result<Option<Event>, RunError> {
        Ok(self.events.iter().find(|event| (event.record, event.part) == (key.record, key.part)).cloned())
    }
}
