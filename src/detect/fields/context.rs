//! Process context: an event of a process that also did something unusual is worth a look too.

use super::read::{NONE, Table};
use super::unique::Uniques;

/// What a row's processes lend it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lent {
    /// Mean over the row's processes of their most unusual event's excess, in bits.
    pub bits: f64,
    /// The row that lent most; [`NONE`] = no process.
    pub from: u32,
}

/// How far each row's score lies above the median of all. The median of the row's own type was worse: a process whose only events are of a rare
/// type would then look ordinary.
pub(super) fn excess(scores: &[f64]) -> Vec<f64> {
    let middle = median(&mut scores.to_vec());
    scores.iter().map(|score| score - middle).collect()
}

/// The middle value, or the mean of the two middle ones; 0 of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

/// What each row's processes lend it. Rows without a process get nothing.
pub(super) fn lend(table: &Table, uniques: &Uniques, excess: &[f64]) -> Vec<Lent> {
    let processes = table.events.iter().flat_map(|event| event.processes).filter(|&p| p != NONE).max().map_or(0, |p| p as usize + 1);
    let mut best: Vec<(f64, u32)> = vec![(f64::NEG_INFINITY, NONE); processes];
    for (row, &bits) in excess.iter().enumerate() {
        for &event in uniques.members(row) {
            for process in table.events[event as usize].processes {
                if process != NONE && bits > best[process as usize].0 {
                    best[process as usize] = (bits, row as u32);
                }
            }
        }
    }
    let mut own: Vec<u32> = Vec::new();
    (0..uniques.rows.len())
        .map(|row| {
            own.clear();
            own.extend(uniques.members(row).iter().flat_map(|&event| table.events[event as usize].processes).filter(|&p| p != NONE));
            own.sort_unstable();
            own.dedup();
            let sum: f64 = own.iter().map(|&p| best[p as usize].0).sum();
            let from = own.iter().map(|&p| best[p as usize]).fold((f64::NEG_INFINITY, NONE), |a, b| if b.0 > a.0 { b } else { a }).1;
            Lent { bits: if own.is_empty() { 0.0 } else { sum / own.len() as f64 }, from }
        })
        .collect()
}
