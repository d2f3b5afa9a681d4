//! All rows of a case's timelines in time order, texts as codes.

use super::place::NONE;
use super::row::{Entry, Found, found};
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventRef, EventStore, Subject};
use crate::features::Interner;
use foldhash::HashMap;
use rayon::prelude::*;
use std::sync::Arc;

/// Characters kept of a row's line.
const TITLE: usize = 300;

/// One row; rows of the same event-log record are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) key: EventKey,
    pub(super) more: Vec<EventKey>,
    pub(super) time: Option<i64>,
    pub(super) kind: u32,
    pub(super) macb: u8,
    /// What the row is about: its file or key, of an event row the first path named.
    pub(super) object: u32,
    /// Paths named in it, a range of [`Table::named`].
    pub(super) named: (u32, u32),
    pub(super) title: Arc<str>,
    pub(super) texts: [u32; 4],
    pub(super) event_id: Option<u32>,
    pub(super) record_id: Option<u64>,
    pub(super) inode: Option<u64>,
    pub(super) allocated: Option<bool>,
    pub(super) entry: Entry,
    pub(super) event: bool,
    /// From a baseline: teaches, and is not ranked.
    pub(super) known: bool,
}

/// The rows: the case's first, then those of the baseline.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    pub(super) kinds: Interner,
    /// As found.
    pub(super) paths: Interner,
    named: Vec<u32>,
    texts: Interner,
    /// Rows that were joined to another of the same event-log record.
    pub(super) joined: u64,
}

impl Table {
    /// Reads the timeline sources of a case and of its baselines.
    ///
    /// # Errors
    /// A store cannot be read, or the job is cancelled.
    pub(super) fn read(case: &dyn EventStore, baseline: &[&dyn EventStore], control: &Control) -> Result<Self, RunError> {
        let mut table = Self::default();
        table.take(case, false, control)?;
        for store in baseline {
            table.take(*store, true, control)?;
        }
        // Unstable: without a second copy of millions of rows, and the same for the same rows.
        table.rows.sort_unstable_by_key(|row| (row.known, row.time, row.key));
        Ok(table)
    }

    fn take(&mut self, store: &dyn EventStore, known: bool, control: &Control) -> Result<(), RunError> {
        let timelines: Vec<bool> = store.sources().iter().map(crate::domain::Ledger::is_timeline).collect();
        let mut records: HashMap<u64, u32> = HashMap::default();
        let (mut done, all) = (0, store.events());
        store.scan(true, control, &mut |batch| {
            let wanted: Vec<&EventRef<'_>> = batch.iter().filter(|event| timelines.get(event.key.source as usize) == Some(&true)).collect();
            let read: Vec<Found> = wanted.par_iter().map(|event| found(event)).collect();
            for (event, found) in wanted.iter().zip(read) {
                self.add(event, found, &mut records, known);
            }
            done += batch.len() as u64;
            control.progress("reading", "timeline", done, Some(all), "events");
            Ok(())
        })
    }

    /// Rows of the case itself, which stand first.
    pub(super) fn own(&self) -> &[Row] {
        let own = self.rows.partition_point(|row| !row.known);
        self.rows.get(..own).unwrap_or_default()
    }

    fn add(&mut self, event: &EventRef<'_>, found: Found, records: &mut HashMap<u64, u32>, known: bool) {
        if let Some(record) = found.record {
            let at = *records.entry(record).or_insert(self.rows.len() as u32);
            if let Some(row) = self.rows.get_mut(at as usize) {
                row.macb |= found.macb;
                row.more.push(event.key);
                self.joined += u64::from(!known);
                return;
            }
        }
        let begin = self.named.len() as u32;
        for path in &found.named {
            let code = self.paths.intern(path);
            self.named.push(code);
        }
        let object = found.path.as_deref().or(found.named.first().map(String::as_str));
        let object = object.map_or(NONE, |path| self.paths.intern(path));
        let mut text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or(NONE, |text| self.texts.intern(text));
        let texts = [event.computer, event.user, event.channel, event.provider].map(&mut text);
        self.rows.push(Row {
            key: event.key,
            more: Vec::new(),
            time: event.time,
            kind: self.kinds.intern(&found.kind),
            macb: found.macb,
            object,
            named: (begin, self.named.len() as u32),
            title: event.message.get(..event.message.floor_char_boundary(TITLE)).unwrap_or_default().into(),
            texts,
            event_id: event.event_id,
            record_id: event.record_id,
            inode: found.inode,
            allocated: found.allocated,
            entry: found.entry,
            event: found.event,
            known,
        });
    }

    /// Paths named in a row's text.
    pub(super) fn named(&self, row: &Row) -> &[u32] {
        self.named.get(row.named.0 as usize..row.named.1 as usize).unwrap_or_default()
    }

    /// All paths of a row: its object's and those named.
    pub(super) fn paths_of<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = u32> + 'a {
        let object = Some(row.object).filter(|code| *code != NONE && !self.named(row).contains(code));
        object.into_iter().chain(self.named(row).iter().copied())
    }

    /// The case's subjects, unscored, in the order of the rows.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let arcs: Vec<Arc<str>> = self.texts.names().map(Into::into).collect();
        let paths: Vec<Arc<str>> = self.paths.names().map(Into::into).collect();
        let kind: Arc<str> = "timeline row".into();
        let subject = |row: &Row| {
            let [computer, user, channel, provider] = row.texts.map(|code| arcs.get(code as usize).cloned());
            let members: Box<[EventKey]> = std::iter::once(row.key).chain(row.more.iter().copied()).collect();
            Subject {
                key: row.key,
                title: row.title.clone(),
                subject: Arc::clone(&kind),
                count: members.len() as u64,
                first_seen: row.time,
                last_seen: row.time,
                computer,
                user,
                channel,
                provider,
                event_id: row.event_id,
                record_id: row.record_id,
                image: paths.get(row.object as usize).cloned(),
                members,
                ..Subject::default()
            }
        };
        self.own().iter().map(subject).collect()
    }
}
