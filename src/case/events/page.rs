//! The events of some rows, for a page of the list.

use super::{Chunk, Events};
use crate::case::columns::names;
use crate::control::{Control, RunError};
use crate::domain::{Event, EventKey};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// One event of the list, without its fields.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its row.
    pub row: u32,
    /// Its key.
    pub key: EventKey,
    /// The event.
    pub event: Event,
}

impl Events {
    /// The events of rows, in the order asked for.
    ///
    /// # Errors
    /// When the case cannot be read, or the job is cancelled.
    pub fn page(&self, rows: &[u32], control: &Control) -> Result<Vec<Line>, RunError> {
        let mut wanted: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for row in rows {
            if let Some(chunk) = self.chunk_of(*row) {
                wanted.entry(chunk.first).or_default().push(*row);
            }
        }
        let read: Vec<Vec<Line>> = wanted
            .into_par_iter()
            .map(|(_, rows)| {
                control.check()?;
                rows.first().and_then(|row| self.chunk_of(*row)).map_or_else(|| Ok(Vec::new()), |chunk| chunk.lines(&rows))
            })
            .collect::<Result<_, _>>()?;
        let mut lines: BTreeMap<u32, Line> = read.into_iter().flatten().map(|line| (line.row, line)).collect();
        Ok(rows.iter().filter_map(|row| lines.remove(row)).collect())
    }
}

impl Chunk {
    fn lines(&self, rows: &[u32]) -> Result<Vec<Line>, RunError> {
        let place = |row: u32| row as usize - self.first;
        let (Some(first), Some(last)) = (rows.iter().copied().min(), rows.iter().copied().max()) else { return Ok(Vec::new()) };
        let start = self.file.start(self.group);
        let table = self.file.slice(&names(|column| column.listed), start + place(first)..start + place(last) + 1)?;
        let view = self.file.view(&table, 0)?;
        Ok(rows
            .iter()
            .map(|row| {
                let event = view.event(self.source, (row - first) as usize);
                Line { row: *row, key: event.key, event: event.owned() }
            })
            .collect())
    }
}
