//! Process context: an event of a process that also did something unusual is worth a look too.

use super::read::{NONE, Table};
use super::unique::Uniques;

/// What is lent of a process's excess.
const SHARE: f64 = 2.0;
/// What of it reaches a process's children, and how far down.
const INHERITED: f64 = 0.8;
const GENERATIONS: usize = 5;

/// What a row's processes lend it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lent {
    /// [`SHARE`] of the mean over the row's processes of their most unusual event's excess, in bits.
    pub bits: f64,
    /// The row that lent most; [`NONE`] = no process.
    pub from: u32,
    /// It lent through an ancestor.
    pub ancestor: bool,
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

/// A process's most unusual event.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Best {
    bits: f64,
    row: u32,
    ancestor: bool,
}

/// Each process's largest excess, less log2 of its number of events: of many events one is unusual by chance alone.
fn best(table: &Table, uniques: &Uniques, excess: &[f64]) -> Vec<Best> {
    let mut best = vec![Best { bits: f64::NEG_INFINITY, row: NONE, ancestor: false }; table.parents.len()];
    let mut events = vec![0.0f64; best.len()];
    for (row, &bits) in excess.iter().enumerate() {
        for &event in uniques.members(row) {
            let process = table.events[event as usize].process;
            let Some(own) = best.get_mut(process as usize) else { continue };
            events[process as usize] += 1.0;
            if bits > own.bits {
                *own = Best { bits, row: row as u32, ancestor: false };
            }
        }
    }
    for (own, events) in best.iter_mut().zip(events) {
        own.bits -= events.max(1.0).log2();
    }
    best
}

/// What processes hand down: an intrusion's processes descend from one another.
fn inherit(best: &[Best], parents: &[u32]) -> Vec<Best> {
    let handed = |process: usize| {
        let (mut own, mut at, mut share) = (best[process], process, INHERITED);
        for _ in 0..GENERATIONS {
            let Some(parent) = parents.get(at).map(|parent| *parent as usize).filter(|parent| *parent < best.len()) else { break };
            let bits = best[parent].bits * share;
            if bits > own.bits {
                own = Best { bits, row: best[parent].row, ancestor: true };
            }
            (at, share) = (parent, share * INHERITED);
        }
        own
    };
    (0..best.len()).map(handed).collect()
}

/// What each row's processes lend it. Rows without a process get nothing.
pub(super) fn lend(table: &Table, uniques: &Uniques, excess: &[f64]) -> Vec<Lent> {
    let best = inherit(&best(table, uniques, excess), &table.parents);
    let mut own: Vec<u32> = Vec::new();
    (0..uniques.rows.len())
        .map(|row| {
            own.clear();
            own.extend(uniques.members(row).iter().map(|&event| table.events[event as usize].process).filter(|&p| p != NONE));
            own.sort_unstable();
            own.dedup();
            let lenders = own.iter().filter_map(|&process| best.get(process as usize)).filter(|best| best.bits.is_finite());
            let (mut sum, mut count, mut most) = (0.0, 0.0, Best { bits: f64::NEG_INFINITY, row: NONE, ancestor: false });
            for lender in lenders {
                sum += lender.bits;
                count += 1.0;
                if lender.bits > most.bits {
                    most = *lender;
                }
            }
            Lent { bits: if count > 0.0 { SHARE * sum / count } else { 0.0 }, from: most.row, ancestor: most.ancestor }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_inherit_four_fifths_a_generation() {
        let own = |bits| Best { bits, row: bits as u32, ancestor: false };
        // 2 is the child of 1, 1 of 0; 3 names itself as its parent.
        let handed = inherit(&[own(10.0), own(1.0), own(7.0), own(5.0)], &[NONE, 0, 1, 3]);
        assert_eq!(
            handed.iter().map(|best| (best.bits, best.row, best.ancestor)).collect::<Vec<_>>(),
            [(10.0, 10, false), (8.0, 10, true), (7.0, 7, false), (5.0, 5, false)]
        );
    }

    #[test]
    fn medians_are_the_middle() {
        assert_eq!([median(&mut [3.0, 1.0, 2.0]), median(&mut [4.0, 1.0]), median(&mut [])], [2.0, 2.5, 0.0]);
    }
}
