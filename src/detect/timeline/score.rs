//! The recommended score of a row: named parts, summed.

use super::features::{Features, GAP};
use super::knowledge::Class;
use super::place::{NONE, Places};
use super::row::BORN;
use super::table::{Row, Table};
use foldhash::{HashMap, HashSet};

const PAUSE: f64 = 0.1;
const LONGEST_PAUSE: f64 = 12.0;
const NETWORK: f64 = 1.0;
const REPEATS: f64 = 0.3;
const FREE_REPEATS: f64 = 4.0;
const AROUND: f64 = 0.2;
/// Rows on each side that lend.
const SIDE: usize = 10;
/// Share of a program's best points that its other rows are lent.
const LENT: f64 = 0.7;
/// A new program that comes alone.
const ALONE: f64 = 1.0;

/// The parts of one row's score.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) pause: f64,
    /// Only once the network is trained.
    pub(super) network: Option<f64>,
    /// Never positive.
    pub(super) repeats: f64,
    /// What its paths are known for.
    pub(super) known: f64,
    /// The path that counts.
    pub(super) worst: u32,
    pub(super) alone: f64,
    /// Lent by another path of the same program.
    pub(super) lent: f64,
    pub(super) lender: u32,
    /// Lent by the rows around it.
    pub(super) around: f64,
}

impl Parts {
    /// Learned from the timeline.
    pub(super) fn learned(&self) -> f64 {
        self.pause + self.network.unwrap_or(0.0) + self.repeats
    }

    /// What vanishes with empty tables.
    pub(super) fn prior(&self) -> f64 {
        self.known + self.alone + self.lent + self.around
    }
}

/// The best points of a program, and the best of any other path of it.
#[derive(Clone, Copy, Default)]
struct Entity {
    best: (f64, u32),
    second: (f64, u32),
    rows: u32,
}

/// All parts but the network's, of the case's rows. A path that known-good evidence holds too is known for nothing.
pub(super) fn parts(table: &Table, places: &Places, features: &Features) -> Vec<Parts> {
    let named = |path: u32| Some((places.list.get(path as usize)?.directory, places.names.get(path as usize)?.as_ref()));
    let ordinary: HashSet<(u32, &str)> = table.rows.iter().filter(|row| row.known).flat_map(|row| table.paths_of(row)).filter_map(named).collect();
    let own = |(path, place): (usize, &super::place::Place)| if named(path as u32).is_some_and(|path| ordinary.contains(&path)) { 0.0 } else { place.points() };
    let points: Vec<f64> = places.list.iter().enumerate().map(own).collect();
    let entities = entities(table, places, &points);
    let alone = alone(table, places);
    let mut parts: Vec<Parts> = Vec::with_capacity(table.own().len());
    for (index, row) in table.own().iter().enumerate() {
        let pause = features.values.row(index).get(GAP).map_or(0.0, |pause| PAUSE * f64::from(*pause).min(LONGEST_PAUSE));
        let repeats = -REPEATS * (f64::from(features.repeats[index]).log2() - FREE_REPEATS).max(0.0);
        let mut part = Parts { pause, repeats, worst: row.object, lender: NONE, alone: if alone[index] { ALONE } else { 0.0 }, ..Parts::default() };
        for path in table.paths_of(row) {
            let own = points[path as usize];
            if own > part.known {
                (part.known, part.worst) = (own, path);
            }
            let Some(entity) = entities.get(places.list[path as usize].entity as usize) else { continue };
            let (best, lender) = if entity.best.1 == path { entity.second } else { entity.best };
            let lent = LENT * best - 0.5 * (f64::from(entity.rows) / 8.0).log2().max(0.0);
            if lent > part.lent {
                (part.lent, part.lender) = (lent, lender);
            }
        }
        parts.push(part);
    }
    spread(&mut parts);
    parts
}

fn entities(table: &Table, places: &Places, points: &[f64]) -> Vec<Entity> {
    let mut entities = vec![Entity { best: (0.0, NONE), second: (0.0, NONE), rows: 0 }; places.entities.len()];
    for (path, place) in places.list.iter().enumerate() {
        let Some(entity) = entities.get_mut(place.entity as usize) else { continue };
        let here = (points[path], path as u32);
        if here.0 > entity.best.0 {
            entity.second = entity.best;
            entity.best = here;
        } else if here.0 > entity.second.0 {
            entity.second = here;
        }
    }
    for row in table.own() {
        for path in table.paths_of(row) {
            if let Some(entity) = entities.get_mut(places.list[path as usize].entity as usize) {
                entity.rows += 1;
            }
        }
    }
    entities
}

/// Rows of a program's birth with at most one other program born in the same directory within a minute.
fn alone(table: &Table, places: &Places) -> Vec<bool> {
    const MINUTE: i64 = 60_000_000_000;
    let born = |row: &Row| {
        let place = places.list.get(row.object as usize).filter(|place| place.class == Class::Program)?;
        (row.macb & BORN != 0 && !row.event).then_some((place.directory, row.time? / MINUTE, row.object))
    };
    let mut births: HashMap<(u32, i64), Vec<u32>> = HashMap::default();
    for (directory, minute, path) in table.own().iter().filter_map(born) {
        let paths = births.entry((directory, minute)).or_default();
        if paths.len() < 4 && !paths.contains(&path) {
            paths.push(path);
        }
    }
    let few = |(directory, minute, path): (u32, i64, u32)| {
        let others = |minute| births.get(&(directory, minute)).map_or(0, |paths| paths.iter().filter(|other| **other != path).count());
        others(minute - 1) + others(minute) + others(minute + 1) <= 1
    };
    table.own().iter().map(|row| born(row).is_some_and(few)).collect()
}

/// A share of the mean points of the rows on each side.
fn spread(parts: &mut [Parts]) {
    let mut sums = Vec::with_capacity(parts.len() + 1);
    sums.push(0.0);
    for part in parts.iter() {
        sums.push(sums.last().copied().unwrap_or(0.0) + part.known + part.alone);
    }
    for index in 0..parts.len() {
        let (from, to) = (index.saturating_sub(SIDE), (index + SIDE + 1).min(parts.len()));
        let part = &mut parts[index];
        let others = (to - from - 1).max(1) as f64;
        part.around = AROUND * ((sums[to] - sums[from]) - part.known - part.alone).max(0.0) / others;
    }
}

/// The network's part from a row's loss.
pub(super) fn network(loss: f64) -> f64 {
    NETWORK * (1.0 + loss.max(0.0)).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_lend_a_share_of_their_mean() {
        let mut parts = vec![Parts::default(); 3];
        parts[1].known = 10.0;
        spread(&mut parts);
        assert_eq!(parts.iter().map(|part| part.around).collect::<Vec<_>>(), [1.0, 0.0, 1.0]);
        assert_eq!(network(1.0), NETWORK);
    }
}
