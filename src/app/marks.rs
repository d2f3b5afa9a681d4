//! What the analyst said of subjects: flag, note, tags. Shown at once, solid once the case has committed it.

use crate::domain::EventKey;
use foldhash::{HashMap, HashSet};
use std::collections::BTreeMap;
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

/// Marks by event, in shares that are copied when they change while somebody still reads the older ones.
#[derive(Clone)]
pub struct Marked(Arc<Vec<Arc<HashMap<EventKey, Mark>>>>);

impl Default for Marked {
    fn default() -> Self {
        Self(Arc::new(vec![Arc::default(); Self::SHARES]))
    }
}

impl Marked {
    /// Among a million marks one change copies some 250 of them at most.
    const SHARES: usize = 4096;

    fn share(key: EventKey) -> usize {
        // Fibonacci hashing: neighbouring records land in different shares.
        let hash = (key.record ^ u64::from(key.source) << 40 ^ u64::from(key.part) << 56).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (hash >> 52) as usize % Self::SHARES
    }

    /// What was said of an event.
    #[must_use]
    pub fn get(&self, key: EventKey) -> Option<&Mark> {
        self.0[Self::share(key)].get(&key)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&EventKey, &Mark)> {
        self.0.iter().flat_map(|share| share.iter())
    }

    fn put(&mut self, key: EventKey, mark: Mark) -> Option<Mark> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[Self::share(key)]).insert(key, mark)
    }
}

/// All marks of a case.
#[derive(Default)]
pub struct Marks {
    known: Marked,
    count: usize,
    pending: HashMap<EventKey, u32>,
    /// What was said while the case's marks are being read.
    since: Option<HashMap<EventKey, Mark>>,
    flagged: Arc<HashSet<EventKey>>,
    /// How many marks carry each tag.
    tags: BTreeMap<String, usize>,
}

impl Marks {
    /// Marks as a case holds them.
    #[must_use]
    pub(super) fn of(marks: Vec<(EventKey, Mark)>) -> Self {
        let mut made = Self::default();
        for (key, mark) in marks {
            made.put(key, mark);
        }
        made
    }

    /// Hears that the case's marks are being read.
    pub(super) fn reading(&mut self) {
        self.since = Some(HashMap::default());
    }

    /// Takes what a case holds; what is still being written, or was said meanwhile, wins.
    pub(super) fn load(&mut self, mut loaded: Self) {
        for key in self.pending.keys() {
            if let Some(mark) = self.known.get(*key) {
                loaded.put(*key, mark.clone());
            }
        }
        for (key, mark) in self.since.take().into_iter().flatten() {
            loaded.put(key, mark);
        }
        loaded.pending = std::mem::take(&mut self.pending);
        *self = loaded;
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What was said of an event.
    #[must_use]
    pub fn get(&self, key: EventKey) -> Option<&Mark> {
        self.known.get(key)
    }

    /// All of them.
    #[must_use]
    pub(super) fn all(&self) -> &Marked {
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

    /// Whether nothing is still being written or read.
    #[must_use]
    pub fn is_all_kept(&self) -> bool {
        self.pending.is_empty() && self.since.is_none()
    }

    /// Flagged events.
    #[must_use]
    pub fn flagged(&self) -> &Arc<HashSet<EventKey>> {
        &self.flagged
    }

    /// Every tag in use, sorted.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        self.tags.keys().cloned().collect()
    }

    /// How many marks carry a tag.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> usize {
        self.tags.get(tag).copied().unwrap_or(0)
    }

    /// Says something; it is pending until [`Marks::committed`].
    pub(super) fn say(&mut self, said: &[(EventKey, Mark)]) {
        for (key, mark) in said {
            *self.pending.entry(*key).or_default() += 1;
            if let Some(since) = &mut self.since {
                since.insert(*key, mark.clone());
            }
            self.put(*key, mark.clone());
        }
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

    fn put(&mut self, key: EventKey, mark: Mark) {
        for tag in &mark.tags {
            *self.tags.entry(tag.clone()).or_default() += 1;
        }
        if mark.flagged != self.flagged.contains(&key) {
            let flagged = Arc::make_mut(&mut self.flagged);
            if mark.flagged {
                flagged.insert(key)
            } else {
                flagged.remove(&key)
            };
        }
        let Some(before) = self.known.put(key, mark) else {
            self.count += 1;
            return;
        };
        for tag in before.tags {
            if let Some(n) = self.tags.get_mut(&tag) {
                *n -= 1;
                if *n == 0 {
                    self.tags.remove(&tag);
                }
            }
        }
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
        marks.load(Marks::of(vec![(key, Mark { flagged: true, ..Mark::default() })]));
        assert!(!marks.is_flagged(key), "what is being written wins over what was read");
        marks.committed(&[key]);
        assert!(marks.is_kept(key) && marks.is_all_kept());
    }

    #[test]
    fn what_is_said_and_kept_while_marks_are_read_wins() {
        let key = |record| EventKey { source: 0, part: 0, record };
        let mark = |tags: &[&str]| Mark { flagged: true, tags: tags.iter().map(|t| (*t).to_owned()).collect(), ..Mark::default() };
        let mut marks = Marks::default();
        marks.reading();
        marks.say(&[(key(1), mark(&["new"]))]);
        marks.committed(&[key(1)]);
        assert!(!marks.is_all_kept());
        marks.load(Marks::of(vec![(key(1), mark(&["old"])), (key(2), mark(&["old"]))]));
        assert_eq!((marks.tags(), marks.tagged("old"), marks.flagged().len()), (vec!["new".to_owned(), "old".to_owned()], 1, 2));
        assert!(marks.is_all_kept() && marks.get(key(1)) == Some(&mark(&["new"])));
    }

    #[test]
    fn an_older_reading_stays_as_it_was() {
        let key = EventKey { source: 3, part: 1, record: 9 };
        let mut marks = Marks::of(vec![(key, Mark { note: "a".into(), ..Mark::default() })]);
        let before = marks.all().clone();
        marks.say(&[(key, Mark { note: "b".into(), ..Mark::default() })]);
        assert_eq!((before.get(key).unwrap().note.as_str(), marks.get(key).unwrap().note.as_str()), ("a", "b"));
        assert_eq!(marks.all().iter().count(), 1);
    }
}
