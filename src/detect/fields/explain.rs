//! Says why a unique event scored as it did: each field's part, the type's own, and what its process lent.

use super::context::Lent;
use super::knowledge::Knowledge;
use super::linear::Network;
use super::read::{NONE, Row};
use super::tails::Tails;
use super::vocabulary::Vocabulary;
use crate::domain::{Contribution, Explain, RankBy};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Values named as expected.
const EXPECTED: usize = 3;
/// Characters of a value that are shown.
const SHOWN: usize = 160;

/// Everything that is needed to explain any row again.
pub(super) struct Reasons {
    pub rank_by: RankBy,
    pub vocabulary: Vocabulary,
    pub knowledge: Knowledge,
    pub rows: Vec<Row>,
    /// Titles by row, for naming the event that lent.
    pub titles: Vec<Box<str>>,
    /// Empty without process context.
    pub lent: Vec<Lent>,
    /// The rule for one low-variety channel, where it applies.
    pub tails: Option<Tails>,
    pub network: Option<Network>,
    pub told: Told,
}

/// The most frequent values of slots, in words: many rows share a slot, and finding them in one of thousands of values is most of the work.
#[derive(Default)]
pub(super) struct Told(RwLock<HashMap<SlotKey, Arc<str>>>);

/// Type, field, and the parent's value where the slot stands beside one.
type SlotKey = (u32, u32, Option<u32>);

impl Told {
    fn of(&self, key: SlotKey, tell: impl FnOnce() -> String) -> Arc<str> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let text: Arc<str> = tell().into();
        Arc::clone(self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(text))
    }
}

impl Explain for Reasons {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(row) = self.rows.get(index) else { return Vec::new() };
        let mut parts = match (self.rank_by, &self.network) {
            (RankBy::Loss, Some(network)) => self.residuals(row, network),
            (RankBy::Rarity, _) => self.classic(row),
            _ => self.bits(row, index),
        };
        share(&mut parts);
        parts.into_iter().map(|(_, part)| part).collect()
    }
}

type Part = (f64, Contribution);

impl Reasons {
    fn bits(&self, row: &Row, index: usize) -> Vec<Part> {
        let mut parts = vec![self.kind_part(row, self.knowledge.kind_score(row, self.tails.is_some()))];
        for (&cell, bits) in row.cells.iter().zip(self.knowledge.cells(row)) {
            let score = self.tails.as_ref().map_or_else(|| bits.score(), |tails| tails.score(cell.0, bits));
            parts.push(self.field_part(row, cell, score, bits.given > bits.alone));
        }
        // What an event lends itself is told by its own parts; a relative is named with its own reason.
        if let Some(lent) = self.lent.get(index).filter(|lent| lent.from != NONE && lent.bits != 0.0 && lent.from as usize != index) {
            let title = self.titles.get(lent.from as usize).map_or("", |title| title);
            let whose = if lent.ancestor { "an ancestor of its process" } else { "its process also" };
            let observed = match self.strongest(lent.from) {
                Some(reason) => format!("{whose}: {} ({reason})", cut(title)),
                None => format!("{whose}: {}", cut(title)),
            };
            let part = Contribution { name: "process context".into(), share: 0.0, observed, expected: String::new() };
            parts.push((lent.bits, part));
        }
        parts
    }

    /// The largest of a row's own parts, in words.
    fn strongest(&self, index: u32) -> Option<String> {
        let row = self.rows.get(index as usize)?;
        let kind = self.knowledge.kind_score(row, self.tails.is_some());
        let cells = row.cells.iter().zip(self.knowledge.cells(row)).map(|(&cell, bits)| {
            let score = self.tails.as_ref().map_or_else(|| bits.score(), |tails| tails.score(cell.0, bits));
            (score, cell, bits.given > bits.alone)
        });
        let best = cells.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).filter(|(score, ..)| *score > kind);
        let (_, part) = best.map_or_else(|| self.kind_part(row, kind), |(score, cell, given)| self.field_part(row, cell, score, given));
        Some(part.reason())
    }

    fn classic(&self, row: &Row) -> Vec<Part> {
        row.cells.iter().map(|&cell| self.field_part(row, cell, self.knowledge.counts.classic_bits(row.kind, cell), false)).collect()
    }

    fn residuals(&self, row: &Row, network: &Network) -> Vec<Part> {
        let cells = network.encode(row, &self.knowledge);
        let residuals = network.projection.residuals(cells.iter().copied());
        let whole = network.projection.loss(cells.iter().copied());
        let mut parts = Vec::with_capacity(residuals.len() + 1);
        let mut told = 0.0;
        for (at, residual) in residuals.iter().enumerate() {
            told += residual;
            parts.push(match at.checked_sub(1).and_then(|at| row.cells.get(at)) {
                Some(&cell) => self.field_part(row, cell, *residual, false),
                None => self.kind_part(row, *residual),
            });
        }
        let rest = Contribution { name: "values the network expected instead".into(), share: 0.0, observed: String::new(), expected: String::new() };
        parts.push(((whole - told).max(0.0), rest));
        parts
    }

    fn kind_part(&self, row: &Row, bits: f64) -> Part {
        let counts = &self.knowledge.counts;
        let seen = counts.kinds.get(row.kind as usize).copied().unwrap_or(0.0);
        let expected = format!("{} of all events", percent(seen / counts.total.max(1e-9)));
        (bits, Contribution { name: "event type".into(), share: 0.0, observed: self.vocabulary.kind_title(row.kind), expected })
    }

    /// `given`: the value is more surprising beside its parent's value than alone, so that the expectation is told beside it too.
    fn field_part(&self, row: &Row, cell: (u32, u32), bits: f64, given: bool) -> Part {
        let parent = self.knowledge.trees.parents.get(&(row.kind, cell.0)).copied().filter(|_| given);
        let parent_value = parent.map(|parent| super::tree::present(row, parent).unwrap_or(NONE));
        let beside = parent_value.and_then(|value| self.knowledge.trees.given.get(&(row.kind, cell.0, value)));
        let slot = beside.or_else(|| self.knowledge.counts.slots.get(&(row.kind, cell.0)));
        let key = (row.kind, cell.0, parent_value.filter(|_| beside.is_some()));
        let mut expected = slot.map_or_else(String::new, |slot| self.told.of(key, || self.top(cell.0, slot)).to_string());
        if let (Some(parent), Some(_)) = (parent, beside) {
            let value = parent_value.filter(|value| *value != NONE).map_or("none", |value| self.vocabulary.value(parent, value));
            expected = format!("{expected} (where {} is {})", self.vocabulary.fields.name(parent), cut(value));
        }
        let observed = cut(self.vocabulary.value(cell.0, cell.1));
        (bits, Contribution { name: self.vocabulary.fields.name(cell.0).to_owned(), share: 0.0, observed, expected })
    }

    /// The most frequent values with their shares; ties by name.
    fn top(&self, field: u32, slot: &super::counts::Slot) -> String {
        let mut values: Vec<(&str, f64)> = slot.values.iter().map(|&(value, weight)| (self.vocabulary.value(field, value), weight)).collect();
        let order = |a: &(&str, f64), b: &(&str, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(b.0));
        if values.len() > EXPECTED {
            values.select_nth_unstable_by(EXPECTED, order);
            values.truncate(EXPECTED);
        }
        values.sort_by(order);
        values.iter().map(|(value, weight)| format!("{} {}", cut(value), percent(weight / slot.total.max(1e-9)))).collect::<Vec<_>>().join(", ")
    }
}

/// Fills the shares in, leaves out parts that say nothing, and sorts: largest first, then by name.
fn share(parts: &mut [Part]) {
    let whole: f64 = parts.iter().map(|(bits, _)| bits.abs()).sum();
    for (bits, part) in parts.iter_mut() {
        part.share = if whole > 0.0 { *bits / whole } else { 0.0 };
    }
    parts.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", value.get(..end).unwrap_or(value)),
        None => value.to_owned(),
    }
}

/// `96 %`, `0.4 %`, `< 0.1 %`.
fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p >= 9.95 => format!("{p:.0} %"),
        p if p >= 0.1 => format!("{p:.1} %"),
        _ => "< 0.1 %".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_ties_fall_to_the_name() {
        let part = |name: &str, bits: f64| (bits, Contribution { name: name.into(), share: 0.0, observed: String::new(), expected: String::new() });
        let mut parts = vec![part("b", 1.0), part("a", 1.0), part("c", 2.0)];
        share(&mut parts);
        assert_eq!(parts.iter().map(|(_, p)| (p.name.as_str(), p.share)).collect::<Vec<_>>(), [("c", 0.5), ("a", 0.25), ("b", 0.25)]);
        assert_eq!([percent(0.96), percent(0.034), percent(0.0001)], ["96 %", "3.4 %", "< 0.1 %"]);
    }
}
