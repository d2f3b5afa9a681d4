//! Seventeen numbers a row: how rare its kind, its place and its name are, what its paths are known for, and how busy its minute was.

use super::knowledge::Class;
use super::letters::Letters;
use super::place::{NONE, Place, Places};
use super::table::{Row, Table};
use crate::control::{Control, RunError};
use crate::nn::Matrix;
use foldhash::HashMap;
use rayon::prelude::*;
use std::hash::Hash;

/// Number of features.
pub(super) const COUNT: usize = 17;
/// Their names, in order.
pub(super) const NAMES: [&str; COUNT] = [
    "kind of row",
    "directory",
    "extension in its directory",
    "extension in its part of the disk",
    "program",
    "odd directory",
    "name of Windows' own elsewhere",
    "short name",
    "dual-use program",
    "program below a user's folder",
    "prefetch file",
    "pause before it",
    "rows within a minute",
    "rows of its directory within a minute",
    "times that changed",
    "letters of its name",
    "paths named in it",
];
/// Which of them are surprises in bits, summed as rarity.
pub(super) const BITS: [usize; 5] = [0, 1, 2, 14, 16];
/// Column of the pause, log2 of 1 + seconds.
pub(super) const GAP: usize = 11;

const MINUTE: i64 = 60_000_000_000;

/// The features of all rows, and how often each thing of a row repeats.
#[derive(Clone, Debug)]
pub(super) struct Features {
    pub(super) values: Matrix,
    /// Rows of the same kind about the same path.
    pub(super) repeats: Vec<u32>,
}

/// How often keys occur.
struct Counter<K>(HashMap<K, u32>);

impl<K: Hash + Eq> Counter<K> {
    fn of(keys: impl Iterator<Item = K>) -> Self {
        let mut counts = HashMap::default();
        for key in keys {
            *counts.entry(key).or_insert(0) += 1;
        }
        Self(counts)
    }

    fn get(&self, key: &K) -> f64 {
        f64::from(self.0.get(key).copied().unwrap_or(0))
    }

    /// -log2 of the share among `all`, with half a count lent.
    fn bits(&self, key: &K, all: f64) -> f64 {
        ((all + 0.5 * (self.0.len() as f64 + 1.0)) / (self.get(key) + 0.5)).log2()
    }
}

impl Features {
    /// # Errors
    /// Cancelled.
    pub(super) fn new(table: &Table, places: &Places, control: &Control) -> Result<Self, RunError> {
        let rows = &table.rows;
        let nowhere = Place { directory: NONE, top: NONE, extension: NONE, entity: NONE, ..Place::default() };
        let at = |row: &Row| places.list.get(row.object as usize).unwrap_or(&nowhere);
        let all = rows.len() as f64;
        let kinds = Counter::of(rows.iter().map(|row| (row.kind, row.macb)));
        let directories = Counter::of(rows.iter().map(|row| at(row).directory));
        let endings = Counter::of(rows.iter().map(|row| (at(row).directory, at(row).extension)));
        control.check()?;
        let tops = Counter::of(rows.iter().map(|row| at(row).top));
        let top_endings = Counter::of(rows.iter().map(|row| (at(row).top, at(row).extension)));
        let extensions = Counter::of(rows.iter().map(|row| at(row).extension));
        let times = Counter::of(rows.iter().map(|row| (at(row).extension, row.macb)));
        control.check()?;
        let named = Counter::of(rows.iter().flat_map(|row| table.named(row)).copied());
        let things = Counter::of(rows.iter().map(|row| (row.kind, row.object)));
        let letters = Letters::new(&places.names);
        control.check()?;
        let busy = within(rows, |row| (row.known, 0));
        let near = within(rows, |row| (row.known, at(row).directory));
        control.check()?;
        let part = |count: f64, whole: f64, back: f64| -((count + 4.0 * back) / (whole + 4.0)).log2();
        let feature = |(index, row): (usize, &Row)| {
            let place = at(row);
            let of = |flag: &dyn Fn(&Place) -> f32| table.paths_of(row).filter_map(|code| places.list.get(code as usize)).map(flag).fold(0.0, f32::max);
            let yes = |flag: bool| f32::from(u8::from(flag));
            let before = index
                .checked_sub(1)
                .and_then(|before| rows[before].time.filter(|_| rows[before].known == row.known))
                .zip(row.time)
                .map_or(0.0, |(before, now)| (now - before).max(0) as f64 / 1e9);
            let share = (extensions.get(&place.extension) + 0.5) / (all + 1.0);
            let rarest = table.named(row).iter().map(|code| named.bits(code, all)).fold(0.0, f64::max);
            [
                kinds.bits(&(row.kind, row.macb), all) as f32,
                directories.bits(&place.directory, all) as f32,
                part(endings.get(&(place.directory, place.extension)), directories.get(&place.directory), share) as f32,
                part(top_endings.get(&(place.top, place.extension)), tops.get(&place.top), share) as f32,
                of(&|p| yes(p.class == Class::Program)),
                of(&|p| p.odd),
                of(&|p| yes(p.masquerade)),
                of(&|p| yes(p.short)),
                of(&|p| yes(p.dual_use)),
                of(&|p| yes(p.under_users)),
                of(&|p| yes(p.prefetch)),
                (1.0 + before).log2() as f32,
                f64::from(busy[index]).log2() as f32,
                f64::from(near[index]).log2() as f32,
                part(times.get(&(place.extension, row.macb)), extensions.get(&place.extension), 0.1) as f32,
                places.names.get(row.object as usize).map_or(0.0, |name| letters.bits(name)) as f32,
                rarest as f32,
            ]
        };
        let rows_of: Vec<[f32; COUNT]> = rows.par_iter().enumerate().map(feature).collect();
        let repeats = rows.iter().map(|row| things.get(&(row.kind, row.object)) as u32).collect();
        Ok(Self { values: Matrix::new(rows_of.into_flattened(), COUNT)?, repeats })
    }

    /// Sum of the surprises in bits.
    pub(super) fn rarity(&self, row: usize) -> f64 {
        let values = self.values.row(row);
        BITS.iter().filter_map(|at| values.get(*at)).map(|bits| f64::from(*bits)).sum()
    }
}

/// How many rows of the same group lie within a minute before or after, itself included. Rows without a time count themselves alone.
fn within<K: Hash + Eq>(rows: &[Row], group: impl Fn(&Row) -> K) -> Vec<u32> {
    let mut groups: HashMap<K, Vec<u32>> = HashMap::default();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.time.is_some()) {
        groups.entry(group(row)).or_default().push(index as u32);
    }
    let mut out = vec![1u32; rows.len()];
    let time = |index: u32| rows[index as usize].time.unwrap_or_default();
    for members in groups.values() {
        let (mut from, mut to) = (0, 0);
        for &index in members {
            let now = time(index);
            while now.saturating_sub(time(members[from])) > MINUTE {
                from += 1;
            }
            while to < members.len() && time(members[to]).saturating_sub(now) <= MINUTE {
                to += 1;
            }
            out[index as usize] = (to - from) as u32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_time_are_counted_by_group() {
        let row = |seconds: Option<i64>, kind| Row { time: seconds.map(|s| s * 1_000_000_000), kind, ..Row::default() };
        let rows = [row(None, 0), row(Some(0), 0), row(Some(30), 1), row(Some(60), 0), row(Some(91), 0)];
        assert_eq!(within(&rows, |_| 0), [1, 3, 3, 4, 2]);
        assert_eq!(within(&rows, |row| row.kind), [1, 2, 1, 3, 2]);
    }

    #[test]
    fn bits_of_a_share() {
        let counter = Counter::of([1, 1, 1, 2].into_iter());
        // (4 + 1.5) / 3.5 and (4 + 1.5) / .5
        assert!((counter.bits(&1, 4.0) - (5.5f64 / 3.5).log2()).abs() < 1e-12);
        assert!((counter.bits(&9, 4.0) - 11f64.log2()).abs() < 1e-12);
    }
}
