//! Unique events: rows equal in the modelled fields, with what they stand for.

use super::read::{Cell, Head, Row, Table};
use std::collections::HashMap;
use std::collections::HashSet;

/// The (type, field) pairs that are modelled.
pub(super) type Kept = HashSet<(u32, u32), foldhash::fast::RandomState>;

const MINUTE: i64 = 60_000_000_000;

/// Unique events and which events each stands for.
#[derive(Clone, Default)]
pub(super) struct Uniques {
    /// In order of first appearance.
    pub rows: Vec<Row>,
    /// Distinct (computer, minute) pairs, so that a burst counts once.
    pub cells: Vec<f64>,
    /// Indices into the table's events, by time, then key; one slice per row.
    pub members: Vec<u32>,
    /// Where each row's slice of `members` ends.
    pub ends: Vec<usize>,
    /// Index into the table's heads, parallel to `rows`.
    pub heads: Vec<u32>,
}

impl Uniques {
    /// Leaves out what is not modelled and collapses what has become equal.
    pub(super) fn new(table: &Table, kept: &Kept) -> Self {
        let mut index: HashMap<Row, u32, foldhash::fast::RandomState> = HashMap::default();
        let mut result = Self::default();
        let places: Vec<u32> = table
            .rows
            .iter()
            .map(|row| {
                let cells: Box<[Cell]> = row.cells.iter().filter(|cell| kept.contains(&(row.kind, cell.0))).copied().collect();
                let row = Row { kind: row.kind, cells };
                *index.entry(row).or_insert_with_key(|row| {
                    result.rows.push(row.clone());
                    result.rows.len() as u32 - 1
                })
            })
            .collect();
        result.gather(table, &places);
        result
    }

    fn gather(&mut self, table: &Table, places: &[u32]) {
        let place = |event: u32| places[table.events[event as usize].row as usize];
        let mut order: Vec<u32> = (0..table.events.len() as u32).collect();
        let time = |event: u32| {
            let event = &table.events[event as usize];
            (event.time == i64::MIN, event.time, event.key)
        };
        order.sort_unstable_by_key(|&event| (place(event), time(event)));
        let mut seen: Vec<(u32, i64)> = Vec::new();
        let mut at = 0;
        for row in 0..self.rows.len() as u32 {
            seen.clear();
            let start = at;
            while at < order.len() && place(order[at]) == row {
                let event = &table.events[order[at] as usize];
                seen.push((event.computer, event.time.div_euclid(MINUTE)));
                at += 1;
            }
            seen.sort_unstable();
            seen.dedup();
            self.cells.push(seen.len() as f64);
            self.ends.push(at);
            self.heads.push(table.events[order[start.min(order.len() - 1)] as usize].row);
        }
        self.members = order;
    }

    /// Indices of a row's events in the table, by time, then key.
    pub(super) fn members(&self, row: usize) -> &[u32] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.members[start..self.ends[row]]
    }

    /// What the screen shows of a row.
    pub(super) fn head<'a>(&self, table: &'a Table, row: usize) -> Option<&'a Head> {
        table.heads.get(self.heads[row] as usize)
    }
}
