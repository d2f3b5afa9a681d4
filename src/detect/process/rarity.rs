//! How rare the words of a process are among processes.

use super::column::Column;
use super::facts::NONE;
use super::sequences::Sequences;
use super::vocabulary::Examples;
use std::collections::BTreeMap;

/// Processes that hold each word.
#[derive(Clone, Debug, Default)]
pub(super) struct Rarity {
    columns: Vec<Column>,
    /// By column and word.
    counts: Vec<BTreeMap<String, f64>>,
    processes: f64,
}

/// A word of a process.
pub(super) struct Rare {
    pub(super) column: Column,
    pub(super) code: u32,
    /// Share of processes that hold it.
    pub(super) share: f64,
    /// -log2 of it.
    pub(super) bits: f64,
}

impl Rarity {
    /// Nothing counted yet.
    pub(super) fn new(names: bool) -> Self {
        let columns = Column::recommended(names);
        Self { counts: vec![BTreeMap::new(); columns.len()], columns, processes: 0.0 }
    }

    /// Counts every process of these.
    pub(super) fn count(&mut self, sequences: &Sequences, examples: &Examples) {
        let mut counts: Vec<foldhash::HashMap<u32, f64>> = vec![foldhash::HashMap::default(); self.columns.len()];
        for at in 0..examples.events.len() {
            for (column, code) in self.held(sequences, examples, at) {
                *counts[column].entry(code).or_default() += 1.0;
            }
        }
        for ((column, counts), all) in self.columns.iter().zip(counts).zip(&mut self.counts) {
            let mut coded: Vec<(u32, f64)> = counts.into_iter().collect();
            coded.sort_unstable_by_key(|(code, _)| *code);
            for (code, count) in coded {
                *all.entry(sequences.words[*column as usize].name(code).to_owned()).or_default() += count;
            }
        }
        self.processes += examples.events.len() as f64;
    }

    /// Distinct (place of the column, code) of a process.
    fn held(&self, sequences: &Sequences, examples: &Examples, at: usize) -> Vec<(usize, u32)> {
        let mut held = Vec::new();
        for words in examples.words(sequences, at) {
            held.extend(self.columns.iter().map(|column| words[*column as usize]).enumerate().filter(|(_, code)| *code != NONE));
        }
        held.sort_unstable();
        held.dedup();
        held
    }

    /// The words of a process, each with how rare it is: a word never seen counts as half a process.
    pub(super) fn words(&self, sequences: &Sequences, examples: &Examples, at: usize) -> Vec<Rare> {
        let rare = |(place, code): (usize, u32)| {
            let column = self.columns[place];
            let count = self.counts[place].get(sequences.words[column as usize].name(code)).copied().unwrap_or(0.0);
            let share = ((count + 0.5) / (self.processes + 1.0)).min(1.0);
            Rare { column, code, share, bits: -share.log2() }
        };
        self.held(sequences, examples, at).into_iter().map(rare).collect()
    }

    /// Sum of the bits of a process's words.
    pub(super) fn bits(&self, sequences: &Sequences, examples: &Examples, at: usize) -> f64 {
        self.words(sequences, examples, at).iter().map(|word| word.bits).sum()
    }
}
