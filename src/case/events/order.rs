//! Events in order of a column, and how many there are of each of its values.

use super::find::too_varied;
use super::{Events, NONE, held_as};
use crate::case::search::Column;
use crate::control::{Control, RunError};
use crate::domain::Held;
use rayon::prelude::*;

/// Rows that one thread counts at a time.
const SHARE: usize = 1 << 18;

/// A value of a column and how many events have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The value as text; empty for events that have none.
    pub value: Box<str>,
    /// How many events.
    pub count: usize,
}

impl Events {
    /// Puts rows, which come ascending, in order of a column; equal ones keep their order, those without a value stand last.
    ///
    /// # Errors
    /// When the column cannot be sorted by, the case cannot be read, or the job is cancelled.
    pub fn sort(&self, rows: Vec<u32>, column: Column, descending: bool, control: &Control) -> Result<Vec<u32>, RunError> {
        if !Self::SORTED.contains(&column) {
            return Err(RunError::failed(format!("{}: events cannot be sorted by it", column.name())));
        }
        if held_as(column) == Some(Held::Numbers) {
            let numbers = self.numbers(column, control)?;
            let place = |row: u32| match numbers[row as usize] {
                NONE => i64::MAX,
                number if descending => !number,
                number => number,
            };
            if rows.windows(2).all(|pair| place(pair[0]) <= place(pair[1])) {
                return Ok(rows);
            }
            let mut placed: Vec<(i64, u32)> = rows.into_par_iter().map(|row| (place(row), row)).collect();
            placed.par_sort();
            return Ok(placed.into_par_iter().map(|(_, row)| row).collect());
        }
        let coded = self.coded(column, control)?.ok_or_else(|| too_varied(column))?;
        let last = coded.values.len() as u32 - 1;
        let ranks = coded.ranks();
        let place = |row: u32| {
            let rank = ranks[coded.codes[row as usize] as usize];
            (if descending && rank < last { last - 1 - rank } else { rank }) as usize
        };
        // Counted, then put in place: one pass each, and equal ones keep their order.
        let mut starts = vec![0_usize; coded.values.len() + 1];
        for row in &rows {
            starts[place(*row) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut sorted = vec![0; rows.len()];
        for row in rows {
            let slot = &mut starts[place(row)];
            sorted[*slot] = row;
            *slot += 1;
        }
        Ok(sorted)
    }

    /// How many of the rows have each value of a column, rarest first, then by value.
    ///
    /// # Errors
    /// When the column cannot be grouped by, the case cannot be read, or the job is cancelled.
    pub fn group(&self, rows: &[u32], column: Column, control: &Control) -> Result<Vec<Tally>, RunError> {
        if !Self::GROUPED.contains(&column) {
            return Err(RunError::failed(format!("{}: events cannot be grouped by it", column.name())));
        }
        let coded = self.coded(column, control)?.ok_or_else(|| too_varied(column))?;
        let none = || vec![0_usize; coded.values.len()];
        let count = |mut counts: Vec<usize>, rows: &[u32]| {
            for row in rows {
                counts[coded.codes[*row as usize] as usize] += 1;
            }
            counts
        };
        let add = |mut a: Vec<usize>, b: Vec<usize>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let counts = rows.par_chunks(SHARE).fold(none, count).reduce(none, add);
        let ranks = coded.ranks();
        let mut found: Vec<(usize, u32, usize)> =
            counts.into_iter().enumerate().filter(|(_, count)| *count > 0).map(|(code, count)| (count, ranks[code], code)).collect();
        found.par_sort_unstable();
        Ok(found.into_iter().map(|(count, _, code)| Tally { value: coded.values[code].clone(), count }).collect())
    }
}
