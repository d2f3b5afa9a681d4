//! What the analyst said of subjects: flag, note, tags. Shown at once, solid once the case has committed it.

use crate::domain::EventKey;
use foldhash::{HashMap, HashSet};
use std::sync::Arc;

/// What the analyst said of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Flagged.
    pub flagged: bool,
    /// Note.
    pub note: String,
    /// Tags.
    pub tags: Vec<String>,
}

impl Mark {
    /// Adds a tag, unless it is there.
    pub(super) fn tag(&mut self, tag: &str) {
        if !self.tags.iter().any(|t| t == tag) {
            self.tags.push(tag.to_owned());
            self.tags.sort();
        }
    }
}

/// All marks of a case.
#[derive(Default)]
pub struct Marks {
    known: Arc<HashMap<EventKey, Mark>>,
    pending: HashMap<EventKey, u32>,
    flagged: Arc<HashSet<EventKey>>,
}

impl Marks {
    /// Takes what a case holds; what is still being written wins.
    pub(super) fn load(&mut self, marks: Vec<(EventKey, Mark)>) {
        let mut loaded: HashMap<EventKey, Mark> = marks.into_iter().collect();
        for key in self.pending.keys() {
            if let Some(mark) = self.known.get(key) {
                loaded.insert(*key, mark.clone());
            }
        }
        self.known = Arc::new(loaded);
        self.count();
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What was said of an event.
    #[must_use]
    pub fn get(&self, key: EventKey) -> Option<&Mark> {
        self.known.get(&key)
    }

    /// All of them.
    #[must_use]
    pub(super) fn all(&self) -> &Arc<HashMap<EventKey, Mark>> {
        &self.known
    }

    /// Whether it is flagged.
    #[must_use]
    pub fn is_flagged(&self, key: EventKey) -> bool {
        self.flagged.contains(&key)
    }

    /// Whether what is shown of it is kept in the case.
    #[must_use]
    pub fn is_kept(&self, key: EventKey) -> bool {
        !self.pending.contains_key(&key)
    }

    /// Whether anything is still being written.
    #[must_use]
    pub fn is_all_kept(&self) -> bool {
        self.pending.is_empty()
    }

    /// Flagged events.
    #[must_use]
    pub fn flagged(&self) -> &Arc<HashSet<EventKey>> {
        &self.flagged
    }

    /// Every tag in use, sorted.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = self.known.values().flat_map(|m| m.tags.iter().cloned()).collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// Says something; it is pending until [`Marks::committed`].
    pub(super) fn say(&mut self, said: &[(EventKey, Mark)]) {
        for (key, mark) in said {
            *self.pending.entry(*key).or_default() += 1;
            Arc::make_mut(&mut self.known).insert(*key, mark.clone());
        }
        self.count();
    }

    /// Hears that it was committed.
    pub(super) fn committed(&mut self, keys: &[EventKey]) {
        for key in keys {
            if let Some(n) = self.pending.get_mut(key) {
                *n -= 1;
                if *n == 0 {
                    self.pending.remove(key);
                }
            }
        }
    }

    fn count(&mut self) {
        self.flagged = Arc::new(self.known.iter().filter(|(_, m)| m.flagged).map(|(k, _)| *k).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_kept_only_once_every_write_of_it_is() {
        let key = EventKey { source: 0, part: 0, record: 7 };
        let mut marks = Marks::default();
        marks.say(&[(key, Mark { flagged: true, ..Mark::default() })]);
        marks.say(&[(key, Mark { flagged: false, ..Mark::default() })]);
        marks.committed(&[key]);
        assert!(!marks.is_kept(key) && !marks.is_flagged(key));
        marks.load(vec![(key, Mark { flagged: true, ..Mark::default() })]);
        assert!(!marks.is_flagged(key), "what is being written wins over what was read");
        marks.committed(&[key]);
        assert!(marks.is_kept(key) && marks.is_all_kept());
    }
}
