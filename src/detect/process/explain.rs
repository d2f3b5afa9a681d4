//! Why a process scored as it did: event by event for a classifier, word by word for rarity, step by step for the autoencoder.
//!
//! A classifier's score is told as it grows: each event's part is the log-odds after it less those before it, so that the parts add up to
//! the score less that of no events at all.

use super::classify::Classifier;
use super::column::Column;
use super::facts::NONE;
use super::rarity::Rarity;
use super::sequences::{Sequences, Step};
use super::vocabulary::Examples;
use crate::domain::{Contribution, Explain, time};
use crate::nn::Device;
use std::sync::Arc;

/// Processes that are explained event by event; where there are more, in this many stretches each.
const MANY: usize = 5_000;
const STRETCHES: usize = 8;
/// Rare words told one by one.
const WORDS: usize = 32;

/// Explains by what a classifier said after each event.
pub(super) struct ByEvents {
    pub(super) sequences: Arc<Sequences>,
    pub(super) examples: Arc<Examples>,
    pub(super) classifiers: Vec<Classifier>,
    /// By process: which classifier scored it.
    pub(super) by: Vec<usize>,
    pub(super) steps: usize,
    pub(super) device: Device,
}

/// A stretch of events and the log-odds before and after it.
pub(super) struct Part {
    /// Events, counted from the first that is looked at.
    pub(super) events: std::ops::Range<usize>,
    pub(super) before: f64,
    pub(super) after: f64,
}

impl ByEvents {
    /// The parts of a process's score, in time order.
    pub(super) fn parts(&self, index: usize) -> Vec<Part> {
        let Some(length) = self.examples.events.get(index).map(|events| events.len()) else { return Vec::new() };
        let stride = if self.sequences.list.len() > MANY { length.div_ceil(STRETCHES).max(1) } else { 1 };
        let mut cuts: Vec<usize> = (0..length).step_by(stride).collect();
        cuts.push(length);
        let Some(classifier) = self.by.get(index).and_then(|by| self.classifiers.get(*by)) else { return Vec::new() };
        let Ok(scores) = classifier.running(&self.sequences, &self.examples, index, &cuts, &self.device) else { return Vec::new() };
        let pairs = cuts.windows(2).zip(scores.windows(2));
        pairs.map(|(cut, score)| Part { events: cut[0]..cut[1], before: f64::from(score[0]), after: f64::from(score[1]) }).collect()
    }
}

impl Explain for ByEvents {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(sequence) = self.sequences.list.get(index) else { return Vec::new() };
        let parts = self.parts(index);
        let whole: f64 = parts.iter().map(|part| (part.after - part.before).abs()).sum::<f64>().max(f64::MIN_POSITIVE);
        let looked_at: Vec<&Step> = Sequences::last(sequence, self.steps).map(|(step, _)| step).collect();
        let line = |part: Part| {
            let steps = looked_at.get(part.events.clone()).unwrap_or_default();
            let what = steps.first().map_or(String::new(), |step| words(&self.sequences, step));
            let when = steps.first().filter(|step| step.time != i64::MIN).map_or(String::new(), |step| format!("{}, ", time::iso(step.time)));
            let odds = format!("{when}log-odds {:+.2} to {:+.2}", part.before, part.after);
            Contribution::of_events(part.events.start + 1..=part.events.end, &what, (part.after - part.before) / whole, odds)
        };
        sorted(parts.into_iter().map(line).collect())
    }
}

/// Explains by how rare a process's words are.
pub(super) struct ByWords {
    pub(super) sequences: Arc<Sequences>,
    pub(super) examples: Arc<Examples>,
    pub(super) rarity: Rarity,
    /// Error of the autoencoder step by step, where it ranks.
    pub(super) errors: Option<Vec<Vec<f32>>>,
    pub(super) steps: usize,
}

impl Explain for ByWords {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(sequence) = self.sequences.list.get(index) else { return Vec::new() };
        if let Some(errors) = self.errors.as_ref().and_then(|errors| errors.get(index)) {
            let whole = errors.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            let folded = super::unlabelled::folded(sequence, self.steps);
            let line = |(at, (step, error)): (usize, (&Step, &f32))| {
                Contribution::of_events(at + 1..=at + 1, &words(&self.sequences, step), f64::from(error / whole), format!("error {error:.3}"))
            };
            return sorted(folded.into_iter().zip(errors).enumerate().map(line).collect());
        }
        let rare = self.rarity.words(&self.sequences, &self.examples, index);
        let whole = rare.iter().map(|word| word.bits).sum::<f64>().max(f64::MIN_POSITIVE);
        let line = |word: super::rarity::Rare| Contribution {
            name: word.column.name().to_owned(),
            share: word.bits / whole,
            observed: format!("{} ({:.1} bits)", self.sequences.words[word.column as usize].name(word.code), word.bits),
            expected: format!("in {:.2} % of processes", word.share * 100.0),
        };
        let mut lines = sorted(rare.into_iter().map(line).collect());
        let rest = lines.split_off(lines.len().min(WORDS));
        if !rest.is_empty() {
            let share = rest.iter().map(|line| line.share).sum();
            lines.push(Contribution { name: format!("{} more words", rest.len()), share, observed: String::new(), expected: String::new() });
        }
        lines
    }
}

/// An event in words.
fn words(sequences: &Sequences, step: &Step) -> String {
    let Some(row) = sequences.rows.get(step.row as usize) else { return String::new() };
    let of = |column: Column| Some(row[column as usize]).filter(|code| *code != NONE).map(|code| sequences.words[column as usize].name(code));
    let mut parts = vec![of(Column::Target).map_or_else(|| super::subject::kind(of(Column::Event).unwrap_or_default()).to_owned(), str::to_owned)];
    for (column, before) in [
        (Column::Place, "in "),
        (Column::Value, "value "),
        (Column::Access, "access "),
        (Column::Protocol, ""),
        (Column::Port, "port "),
        (Column::Address, "address "),
        (Column::Parent, "by "),
    ] {
        let place = of(column).filter(|word| !word.is_empty()).map(|word| if column == Column::Place { word.rsplit(' ').next().unwrap_or(word) } else { word });
        parts.extend(place.map(|word| format!("{before}{word}")));
    }
    parts.join(", ")
}

fn sorted(mut lines: Vec<Contribution>) -> Vec<Contribution> {
    lines.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()).then_with(|| a.name.cmp(&b.name)));
    lines
}
