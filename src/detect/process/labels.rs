//! Which processes are labelled, and which of them belong together.

use super::sequences::Sequences;
use crate::domain::{ProcessLabel, Verdict};
use std::collections::{BTreeMap, HashMap};

/// How far a label's start may lie from the process's first event: sources round differently.
const NEAR: i64 = 2_000_000_000;

/// The labelled ones of some sequences.
#[derive(Clone, Debug, Default)]
pub(super) struct Labelled {
    /// (index of the sequence, malicious), by index.
    pub(super) rows: Vec<(usize, bool)>,
    /// Group of each of them, numbered by first appearance.
    pub(super) groups: Vec<usize>,
    /// Labels that no scored process has.
    pub(super) unmatched: usize,
    /// Processes of which both is said: they count as malicious.
    pub(super) disputed: usize,
}

impl Labelled {
    /// Matches labels with processes, and groups them: those of one data set, and those whose data sets share a process; without data sets,
    /// those of one computer.
    pub(super) fn of(labels: &[ProcessLabel], sequences: &Sequences) -> Self {
        let mut by_guid: HashMap<_, Vec<usize>> = HashMap::new();
        let mut by_pid: HashMap<u32, Vec<usize>> = HashMap::new();
        for (at, sequence) in sequences.list.iter().enumerate() {
            if let Some(guid) = sequence.guid {
                by_guid.entry(guid).or_default().push(at);
            }
            if let Some(pid) = sequence.pid {
                by_pid.entry(pid).or_default().push(at);
            }
        }
        let mut sets = Sets::default();
        let mut found: BTreeMap<usize, (bool, bool, usize)> = BTreeMap::new();
        let mut unmatched = 0;
        for label in labels {
            let candidates = label.guid.map_or_else(|| label.pid.and_then(|pid| by_pid.get(&pid)), |guid| by_guid.get(&guid));
            let here = |at: &&usize| label.computer.is_empty() || sequences.list[**at].computer.eq_ignore_ascii_case(&label.computer);
            let mut fitting = candidates.into_iter().flatten().filter(here).filter(|&&at| label.guid.is_some() || begins(label, sequences, at)).copied();
            let Some(at) = fitting.next() else {
                unmatched += 1;
                continue;
            };
            let group = label.group.clone().unwrap_or_else(|| format!("\0{}", sequences.list[at].computer.to_lowercase()));
            let set = sets.of(group);
            let entry = found.entry(at).or_insert((false, false, set));
            sets.join(entry.2, set);
            match label.verdict {
                Verdict::Malicious => entry.0 = true,
                Verdict::Benign => entry.1 = true,
            }
        }
        let mut labelled = Self { unmatched, ..Self::default() };
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        for (at, (malicious, benign, set)) in found {
            let next = numbers.len();
            labelled.groups.push(*numbers.entry(sets.root(set)).or_insert(next));
            labelled.rows.push((at, malicious));
            labelled.disputed += usize::from(malicious && benign);
        }
        labelled
    }

    pub(super) fn malicious(&self) -> usize {
        self.rows.iter().filter(|(_, malicious)| *malicious).count()
    }

    /// Number of groups.
    pub(super) fn group_count(&self) -> usize {
        self.groups.iter().max().map_or(0, |last| last + 1)
    }

    /// What is wrong with learning from these, in words.
    pub(super) fn complaints(&self) -> Vec<String> {
        let (malicious, all) = (self.malicious(), self.rows.len());
        let benign = all - malicious;
        let mut words = Vec::new();
        if malicious < 5 || benign < 5 {
            words.push(format!(
                "{malicious} malicious and {benign} benign processes are too few to learn from (at least 5 of each): the figures mean little; label more"
            ));
        }
        let attacks: std::collections::BTreeSet<usize> =
            self.rows.iter().zip(&self.groups).filter(|((_, malicious), _)| *malicious).map(|(_, group)| *group).collect();
        if attacks.len() < 2 && malicious > 0 {
            words.push(
                "all malicious processes are of one attack (one group): how the model does on another attack cannot be told; label another host or attack"
                    .into(),
            );
        }
        words
    }
}

/// Whether a process with this ID is the one that the label's start means.
fn begins(label: &ProcessLabel, sequences: &Sequences, at: usize) -> bool {
    let first = sequences.list[at].steps.first().map(|step| step.time);
    match (label.start, first) {
        (Some(start), Some(first)) => first.saturating_sub(start).saturating_abs() <= NEAR,
        _ => true,
    }
}

/// Disjoint sets of groups by name.
#[derive(Default)]
struct Sets {
    numbers: HashMap<String, usize>,
    above: Vec<usize>,
}

impl Sets {
    fn of(&mut self, name: String) -> usize {
        let next = self.above.len();
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.above.push(next);
        }
        number
    }

    fn root(&self, mut at: usize) -> usize {
        while self.above[at] != at {
            at = self.above[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.above[a.max(b)] = a.min(b);
    }
}
