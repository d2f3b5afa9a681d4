//! The events just before and after one on the same computer, over all sources.

use super::Snapshot;
use super::columns::{KEY, names};
use super::reader::EventFile;
use crate::control::{Control, RunError};
use crate::domain::{Column, Event, EventKey, Ledger};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

type Moment = (i64, EventKey);

/// The `n` moments nearest to one, on each side.
struct Nearest {
    at: Moment,
    n: usize,
    before: BinaryHeap<Reverse<Moment>>,
    after: BinaryHeap<Moment>,
}

impl Nearest {
    fn offer(&mut self, moment: Moment) {
        if moment < self.at {
            self.before.push(Reverse(moment));
            if self.before.len() > self.n {
                self.before.pop();
            }
        } else if moment > self.at {
            self.after.push(moment);
            if self.after.len() > self.n {
                self.after.pop();
            }
        }
    }

    /// Whether a row group with these times could still bring a nearer one.
    fn wants(&self, from: i64, to: i64) -> bool {
        let earlier = from <= self.at.0 && (self.before.len() < self.n || self.before.peek().is_some_and(|Reverse(far)| to >= far.0));
        let later = to >= self.at.0 && (self.after.len() < self.n || self.after.peek().is_some_and(|far| from <= far.0));
        earlier || later
    }

    fn sorted(self) -> Vec<EventKey> {
        let mut moments: Vec<Moment> = self.before.into_iter().map(|Reverse(moment)| moment).chain([self.at]).chain(self.after).collect();
        moments.sort_unstable();
        moments.into_iter().map(|(_, key)| key).collect()
    }
}

impl Snapshot {
    /// The event with at most `n` events before and `n` after it in time on the same computer, in time order (ties by key), without repeated
    /// records. Without a time: its neighbours in the same source. Empty when the event is not there.
    ///
    /// # Errors
    /// When the store cannot be read, or the job is cancelled.
    pub fn neighbours(&self, key: EventKey, n: usize, control: &Control) -> Result<Vec<(EventKey, Event)>, RunError> {
        let Some((file, row)) = self.locate(key)? else { return Ok(Vec::new()) };
        let table = file.rows(&names(|column| matches!(column.search, Some((Column::Time | Column::Computer, _)))), row..row + 1)?;
        let view = file.view(&table, 0)?;
        let event = view.event(key.source, 0);
        let keys = match event.time {
            Some(time) => self.in_time((time, key), event.computer, n, control)?,
            None => beside(file, key.source, row, n)?,
        };
        let events = self.fetch_many(&keys)?;
        Ok(keys.into_iter().zip(events).filter_map(|(key, event)| Some((key, event?))).collect())
    }

    /// The event with at most `n` records before and `n` after it in its source. Empty when it is not there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn beside(&self, key: EventKey, n: usize) -> Result<Vec<(EventKey, Event)>, RunError> {
        let Some((file, row)) = self.locate(key)? else { return Ok(Vec::new()) };
        let keys = beside(file, key.source, row, n)?;
        let events = self.fetch_many(&keys)?;
        Ok(keys.into_iter().zip(events).filter_map(|(key, event)| Some((key, event?))).collect())
    }

    fn in_time(&self, at: Moment, computer: Option<&str>, n: usize, control: &Control) -> Result<Vec<EventKey>, RunError> {
        let duplicates = self.duplicates(control)?;
        let distance = |from: i64, to: i64| from.abs_diff(at.0).min(to.abs_diff(at.0)) * u64::from(!(from..=to).contains(&at.0));
        let mut groups: Vec<_> = self
            .files()
            .filter(|(source, _)| {
                *source == at.1.source || computer.is_some_and(|computer| self.ledger_of(*source).is_some_and(|ledger| speaks_of(ledger, computer)))
            })
            .flat_map(|(source, file)| file.groups().iter().enumerate().map(move |(group, span)| (source, file, group, span)))
            .filter_map(|(source, file, group, span)| Some((distance(span.from?, span.to?), source, file, group, span.from?, span.to?)))
            .collect();
        groups.sort_by_key(|group| (group.0, group.1, group.3));
        let mut nearest = Nearest { at, n, before: BinaryHeap::new(), after: BinaryHeap::new() };
        for (_, source, file, group, from, to) in groups {
            if !nearest.wants(from, to) {
                continue;
            }
            control.check()?;
            let repeated = duplicates.rows(source);
            let table = file.read(&names(|column| matches!(column.search, Some((Column::Time | Column::Computer, _)))), group..group + 1)?;
            let view = file.view(&table, 0)?;
            let rows: Vec<usize> = (0..view.len()).collect();
            for (row, event) in view.events(source, &rows).iter().enumerate() {
                let Some(time) = event.time else { continue };
                let same = match (event.computer, computer) {
                    (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                    (a, b) => a == b,
                };
                if same && repeated.binary_search(&((file.start(group) + row) as u64)).is_err() {
                    nearest.offer((time, event.key));
                }
            }
        }
        Ok(nearest.sorted())
    }
}

/// Whether a source holds events of a computer.
fn speaks_of(ledger: &Ledger, computer: &str) -> bool {
    ledger.seen.iter().any(|(seen, _, _)| seen.eq_ignore_ascii_case(computer))
}

/// The keys around a row of one file.
fn beside(file: &EventFile, source: u32, row: usize, n: usize) -> Result<Vec<EventKey>, RunError> {
    let total: usize = file.groups().iter().map(|group| group.rows).sum();
    let table = file.rows(&KEY, row.saturating_sub(n)..(row.saturating_add(n).saturating_add(1)).min(total))?;
    let mut keys = Vec::new();
    for chunk in 0.. {
        let view = file.view(&table, chunk)?;
        if view.len() == 0 {
            break;
        }
        keys.extend((0..view.len()).map(|row| view.key(row)).map(|(record, part)| EventKey { source, part, record }));
    }
    Ok(keys)
}
