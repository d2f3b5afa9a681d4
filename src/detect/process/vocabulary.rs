//! Numbers for words: what was seen in training is known, the rest is OTHER.

use super::column::Column;
use super::facts::{NONE, Row};
use super::sequences::Sequences;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The last events of some processes; equal events share a number.
#[derive(Clone, Debug, Default)]
pub(super) struct Examples {
    /// Distinct (row, class of the time before).
    kinds: Vec<(u32, u32)>,
    /// By process: indices into `kinds`.
    pub(super) events: Vec<Box<[u32]>>,
}

impl Examples {
    /// The last `steps` events of the processes `which`.
    pub(super) fn of(sequences: &Sequences, which: impl Iterator<Item = usize>, steps: usize) -> Self {
        let mut examples = Self::default();
        let mut numbers: foldhash::HashMap<(u32, u32), u32> = foldhash::HashMap::default();
        for at in which {
            let numbered = Sequences::last(&sequences.list[at], steps).map(|(step, gap)| {
                let next = examples.kinds.len() as u32;
                *numbers.entry((step.row, gap)).or_insert_with(|| {
                    examples.kinds.push((step.row, gap));
                    next
                })
            });
            let numbered: Vec<u32> = numbered.collect();
            examples.events.push(numbered.into());
        }
        examples
    }

    /// The words of every distinct event of a process.
    pub(super) fn words(&self, sequences: &Sequences, at: usize) -> impl Iterator<Item = Row> {
        let mut kinds = self.events.get(at).map(|events| events.to_vec()).unwrap_or_default();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().filter_map(|kind| self.kinds.get(kind as usize)).map(|&(row, gap)| sequences.words_of(row, gap))
    }
}

/// The known words of some columns. Number 0 is no word; then each column has OTHER and its words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vocabulary {
    columns: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// Number of the [`Column`].
    column: usize,
    /// Sorted.
    words: Vec<String>,
}

/// A vocabulary's numbers for the codes of some sequences.
pub(super) struct Numbers {
    columns: Vec<(Column, u32, Vec<u32>)>,
}

impl Vocabulary {
    /// Learns the words that at least `least` of the examples `which` hold.
    pub(super) fn learn(sequences: &Sequences, examples: &Examples, which: &[usize], columns: &[Column], least: usize) -> Self {
        let mut counts: Vec<BTreeMap<u32, usize>> = vec![BTreeMap::new(); columns.len()];
        for &at in which {
            let mut seen: Vec<(usize, u32)> = Vec::new();
            for words in examples.words(sequences, at) {
                seen.extend(columns.iter().map(|column| words[*column as usize]).enumerate().filter(|(_, code)| *code != NONE));
            }
            seen.sort_unstable();
            seen.dedup();
            for (column, code) in seen {
                *counts[column].entry(code).or_default() += 1;
            }
        }
        let known = |(&column, counts): (&Column, BTreeMap<u32, usize>)| {
            let texts = &sequences.words[column as usize];
            let mut words: Vec<String> = counts.into_iter().filter(|(_, count)| *count >= least).map(|(code, _)| texts.name(code).to_owned()).collect();
            words.sort_unstable();
            Known { column: column as usize, words }
        };
        Self { columns: columns.iter().zip(counts).map(known).collect() }
    }

    /// Numbers in all, the one for no word included.
    pub(super) fn size(&self) -> usize {
        1 + self.columns.iter().map(|known| known.words.len() + 1).sum::<usize>()
    }

    /// Numbers of words of this column are below this.
    fn after(&self, column: usize) -> usize {
        1 + self.columns.iter().take(column).map(|known| known.words.len() + 1).sum::<usize>()
    }

    /// Whether a saved vocabulary's columns are ours.
    pub(super) fn is_sound(&self) -> bool {
        self.columns.iter().all(|known| known.column < Column::COUNT && known.words.is_sorted())
    }

    /// The numbers of these sequences' words.
    pub(super) fn numbers(&self, sequences: &Sequences) -> Numbers {
        let all: Vec<Column> = Column::all().collect();
        let columns = self.columns.iter().enumerate().map(|(at, known)| {
            let other = self.after(at) as u32;
            let number = |word: &str| known.words.binary_search_by(|known| known.as_str().cmp(word)).map_or(other, |found| other + 1 + found as u32);
            (all[known.column], other, sequences.words[known.column].names().map(number).collect())
        });
        Numbers { columns: columns.collect() }
    }
}

impl Numbers {
    /// Columns of an event.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    fn number(column: &(Column, u32, Vec<u32>), words: &Row) -> u32 {
        match words[column.0 as usize] {
            NONE => 0,
            code => column.2.get(code as usize).copied().unwrap_or(column.1),
        }
    }

    /// Every distinct event's numbers, event by event.
    pub(super) fn events(&self, sequences: &Sequences, examples: &Examples) -> Vec<u32> {
        let event = |&(row, gap): &(u32, u32)| {
            let words = sequences.words_of(row, gap);
            self.columns.iter().map(move |column| Self::number(column, &words))
        };
        examples.kinds.iter().flat_map(event).collect()
    }

    /// A process's events as ordinals column by column: OTHER (and no word) is 1, the first word 2.
    pub(super) fn ordinals(&self, sequences: &Sequences, examples: &Examples, at: usize) -> Vec<f32> {
        let mut ordinals = Vec::with_capacity(examples.events[at].len() * self.width());
        for &kind in &examples.events[at] {
            let (row, gap) = examples.kinds[kind as usize];
            let words = sequences.words_of(row, gap);
            ordinals.extend(self.columns.iter().map(|column| (Self::number(column, &words).max(column.1) - column.1 + 1) as f32));
        }
        ordinals
    }

    /// Words of these examples, and those of them that are OTHER.
    pub(super) fn strangers(&self, sequences: &Sequences, examples: &Examples) -> (u64, u64) {
        let mut of_kind = Vec::with_capacity(examples.kinds.len());
        for &(row, gap) in &examples.kinds {
            let words = sequences.words_of(row, gap);
            let numbers = self.columns.iter().map(|column| (Self::number(column, &words), column.1));
            of_kind.push(
                numbers
                    .filter(|(number, _)| *number != 0)
                    .fold((0_u64, 0_u64), |(all, other), (number, stranger)| (all + 1, other + u64::from(number == stranger))),
            );
        }
        let kinds = examples.events.iter().flat_map(|events| events.iter());
        kinds.fold((0, 0), |(all, other), &kind| (all + of_kind[kind as usize].0, other + of_kind[kind as usize].1))
    }
}
