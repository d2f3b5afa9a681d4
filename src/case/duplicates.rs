//! Records that two sources hold both (an exported log and its forwarded copy): the one in the later source is marked and not scored.

use super::columns::IDENTITY;
use super::reader::EventFile;
use crate::control::{Control, RunError};
use crate::domain::Ledger;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The marked rows of every source, ascending.
#[derive(Debug, Default)]
pub(super) struct Duplicates(Vec<Vec<u64>>);

impl Duplicates {
    /// Looks for them among the sources that share a (computer, channel); the others are not opened.
    ///
    /// # Errors
    /// When a file cannot be read, or the job is cancelled.
    pub(super) fn find(sources: &[Ledger], files: &[Option<Arc<EventFile>>], control: &Control) -> Result<Self, RunError> {
        let mut found = Self(vec![Vec::new(); sources.len()]);
        for group in overlapping(sources, files) {
            let mut seen: HashSet<u64> = HashSet::new();
            for source in group {
                let Some(file) = &files[source] else { continue };
                let mut own = Vec::new();
                for at in 0..file.groups().len() {
                    control.check()?;
                    let table = file.read(&[IDENTITY], at..at + 1)?;
                    let view = file.view(&table, 0)?;
                    for row in 0..view.len() {
                        match view.identity(row) {
                            Some(identity) if seen.contains(&identity) => found.0[source].push((file.start(at) + row) as u64),
                            Some(identity) => own.push(identity),
                            None => {}
                        }
                    }
                }
                seen.extend(own);
            }
        }
        Ok(found)
    }

    /// The marked rows of a source, ascending.
    pub(super) fn rows(&self, source: u32) -> &[u64] {
        self.0.get(source as usize).map_or(&[], Vec::as_slice)
    }

    /// Number of marked events.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|rows| rows.len() as u64).sum()
    }
}

/// Groups of two or more sources, connected by shared (computer, channel) pairs; each in source order.
fn overlapping(sources: &[Ledger], files: &[Option<Arc<EventFile>>]) -> Vec<Vec<usize>> {
    let mut leader: Vec<usize> = (0..sources.len()).collect();
    let find = |leader: &mut Vec<usize>, mut at: usize| {
        while leader[at] != at {
            leader[at] = leader[leader[at]];
            at = leader[at];
        }
        at
    };
    let mut first: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, source) in sources.iter().enumerate().filter(|(at, _)| files[*at].is_some()) {
        for (computer, channel, _) in &source.seen {
            let other = *first.entry((computer, channel)).or_insert(at);
            let (a, b) = (find(&mut leader, other), find(&mut leader, at));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); sources.len()];
    for at in (0..sources.len()).filter(|at| files[*at].is_some()) {
        let to = find(&mut leader, at);
        groups[to].push(at);
    }
    groups.retain(|group| group.len() > 1);
    groups
}
