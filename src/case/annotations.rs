//! What the analyst said of events and subjects: flags, tags, notes; committed before it is shown, with an audit trail.
//!
//! The whole lives in memory as an immutable map in shards: a change copies the shards it touches, and readers keep theirs.

use crate::domain::{EventKey, Ledger};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Shards of a block and blocks of the whole: among a million annotations a change copies a few hundred pointers and a score for every target.
const FAN: usize = 256;

/// What was annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// An event.
    Event,
    /// A subject, by the event that stands for it; it follows that event through every detector.
    Subject,
    /// A lead, by the event that stands for it.
    Lead,
}

impl Unit {
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Event => 0,
            Self::Subject => 1,
            Self::Lead => 2,
        }
    }

    pub(super) fn from_code(code: i64) -> Option<Self> {
        [Self::Event, Self::Subject, Self::Lead].into_iter().find(|unit| unit.code() == code)
    }
}

/// Names one thing that can be annotated, independent of the order of sources and of the case's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// An event or a subject.
    pub unit: Unit,
    /// The source's SHA-256 (its `source_file` where the bytes could not be hashed).
    pub evidence: Arc<str>,
    /// Position in the source, from 1.
    pub record: u64,
    /// 0.. when one record yields several events.
    pub part: u32,
}

impl Target {
    /// The target of an event key, whose source is `source`.
    #[must_use]
    pub fn new(unit: Unit, source: &Ledger, key: EventKey) -> Self {
        Self { unit, evidence: evidence(source).into(), record: key.record, part: key.part }
    }
}

/// What an evidence file is known by.
fn evidence(source: &Ledger) -> &str {
    if source.sha256.is_empty() { &source.source_file } else { &source.sha256 }
}

/// What the analyst said of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Annotation {
    /// The analyst's flag.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
    /// Free tags, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The analyst's note.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who changed it last.
    pub analyst: Arc<str>,
    /// Counts its changes, from 1.
    pub version: u32,
    /// When it was flagged, nanoseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flagged_at: Option<i64>,
}

impl Annotation {
    fn says_nothing(&self) -> bool {
        !self.flagged && self.tags.is_empty() && self.note.is_empty()
    }
}

impl Annotation {
    /// This, said by others, added to what is said already.
    pub(super) fn added_to(&self, before: Option<&Self>) -> Option<Self> {
        let Some(before) = before else { return (!self.says_nothing()).then(|| self.clone()) };
        let mut both = before.clone();
        both.flagged |= self.flagged;
        both.flagged_at = before.flagged_at.or(self.flagged_at);
        both.tags.extend(self.tags.iter().cloned());
        both.tags.sort();
        both.tags.dedup();
        if !self.note.is_empty() && !before.note.contains(&self.note) {
            both.note = [before.note.as_str(), self.note.as_str()].into_iter().filter(|n| !n.is_empty()).collect::<Vec<_>>().join("\n");
        }
        both.version = both.version.saturating_add(u32::from(both != *before));
        Some(both)
    }
}

/// A change to make; what is `None` or empty stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Change {
    /// Flags or unflags.
    pub flag: Option<bool>,
    /// Replaces the note.
    pub note: Option<String>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to take away.
    pub remove_tags: Vec<String>,
}

impl Change {
    /// Flags or unflags.
    #[must_use]
    pub fn flag(flagged: bool) -> Self {
        Self { flag: Some(flagged), ..Self::default() }
    }

    /// Replaces the note; an empty one removes it.
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..Self::default() }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(tag: impl Into<String>) -> Self {
        Self { add_tags: vec![tag.into()], ..Self::default() }
    }

    /// The annotation after this change; `None` when nothing is left to say.
    pub(super) fn apply(&self, before: Option<&Annotation>, analyst: &Arc<str>, now: i64) -> Option<Annotation> {
        let mut after = before.cloned().unwrap_or_default();
        if let Some(flag) = self.flag {
            after.flagged_at = match (flag, after.flagged) {
                (true, true) => after.flagged_at,
                (true, false) => Some(now),
                (false, _) => None,
            };
            after.flagged = flag;
        }
        if let Some(note) = &self.note {
            after.note.clone_from(note);
        }
        after.tags.extend(self.add_tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()));
        after.tags.sort();
        after.tags.dedup();
        after.tags.retain(|tag| !self.remove_tags.contains(tag));
        if before == Some(&after) {
            return Some(after);
        }
        after.version = after.version.saturating_add(1);
        after.analyst = analyst.clone();
        (!after.says_nothing()).then_some(after)
    }
}

/// A target's place in memory: evidence files are numbered by the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub record: u64,
    pub evidence: u32,
    pub part: u32,
    pub unit: Unit,
}

impl Place {
    fn block_and_shard(self) -> (usize, usize) {
        // Fibonacci hashing: neighbouring records land in different shards.
        let hash = self.record.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((hash >> 56) as usize % FAN, (hash >> 48) as usize % FAN)
    }
}

type Shard = HashMap<Place, Arc<Annotation>>;

/// Every annotation of a case at one moment.
#[derive(Clone, Debug)]
pub struct Annotations {
    evidence: Arc<HashMap<Arc<str>, u32>>,
    blocks: Vec<Arc<Vec<Arc<Shard>>>>,
    count: usize,
    flagged: usize,
}

impl Default for Annotations {
    fn default() -> Self {
        let block = Arc::new(vec![Arc::<Shard>::default(); FAN]);
        Self { evidence: Arc::default(), blocks: vec![block; FAN], count: 0, flagged: 0 }
    }
}

impl Annotations {
    /// What was said of an event or subject, whose source is `source`.
    #[must_use]
    pub fn get(&self, unit: Unit, source: &Ledger, key: EventKey) -> Option<&Annotation> {
        if self.count == 0 {
            return None;
        }
        let evidence = *self.evidence.get(evidence(source))?;
        self.at(Place { record: key.record, evidence, part: key.part, unit })
    }

    /// What was said of a target.
    #[must_use]
    pub fn of(&self, target: &Target) -> Option<&Annotation> {
        self.at(self.place(target)?)
    }

    /// Number of annotated targets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Number of flagged targets.
    #[must_use]
    pub fn flagged(&self) -> usize {
        self.flagged
    }

    /// Every annotation with its target, sorted by target.
    #[must_use]
    pub fn all(&self) -> Vec<(Target, Arc<Annotation>)> {
        let names: HashMap<u32, &Arc<str>> = self.evidence.iter().map(|(name, id)| (*id, name)).collect();
        let mut found: Vec<_> = self
            .blocks
            .iter()
            .flat_map(|block| block.iter())
            .flat_map(|shard| shard.iter())
            .filter_map(|(place, said)| {
                let evidence = (*names.get(&place.evidence)?).clone();
                Some((Target { unit: place.unit, evidence, record: place.record, part: place.part }, said.clone()))
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    pub(super) fn place(&self, target: &Target) -> Option<Place> {
        Some(Place { record: target.record, evidence: *self.evidence.get(&target.evidence)?, part: target.part, unit: target.unit })
    }

    pub(super) fn at(&self, place: Place) -> Option<&Annotation> {
        let (block, shard) = place.block_and_shard();
        self.blocks[block][shard].get(&place).map(AsRef::as_ref)
    }

    pub(super) fn evidence_id(&self, evidence: &str) -> Option<u32> {
        self.evidence.get(evidence).copied()
    }

    pub(super) fn name_evidence(&mut self, evidence: Arc<str>, id: u32) {
        Arc::make_mut(&mut self.evidence).insert(evidence, id);
    }

    pub(super) fn set(&mut self, place: Place, said: Option<Arc<Annotation>>) {
        let (block, shard) = place.block_and_shard();
        let shard = Arc::make_mut(&mut Arc::make_mut(&mut self.blocks[block])[shard]);
        let flagged = |said: Option<&Arc<Annotation>>| usize::from(said.is_some_and(|said| said.flagged));
        self.flagged += flagged(said.as_ref());
        let before = match said {
            Some(said) => {
                self.count += 1;
                shard.insert(place, said)
            }
            None => shard.remove(&place),
        };
        self.flagged -= flagged(before.as_ref());
        self.count -= usize::from(before.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn analyst() -> Arc<str> {
        "ada".into()
    }

    #[test]
    fn a_change_touches_what_it_names() {
        let flagged = Change::flag(true).apply(None, &analyst(), 7).unwrap();
        assert_eq!((flagged.flagged, flagged.flagged_at, flagged.version, flagged.note.as_str()), (true, Some(7), 1, ""));
        let noted = Change::note("odd").apply(Some(&flagged), &analyst(), 8).unwrap();
        assert_eq!((noted.flagged_at, noted.version, noted.note.as_str()), (Some(7), 2, "odd"));
        let tagged =
            Change { add_tags: vec![" b ".into(), "a".into(), "a".into(), " ".into()], ..Change::default() }.apply(Some(&noted), &analyst(), 9).unwrap();
        assert_eq!(tagged.tags, ["a", "b"]);
        assert_eq!(Change::flag(true).apply(Some(&tagged), &analyst(), 10).as_ref(), Some(&tagged));
        let bare = Change { flag: Some(false), note: Some(String::new()), remove_tags: vec!["a".into(), "b".into()], ..Change::default() };
        assert_eq!(bare.apply(Some(&tagged), &analyst(), 11), None);
        assert_eq!(bare.apply(None, &analyst(), 11), None);
    }

    #[test]
    fn an_older_view_keeps_what_it_saw() {
        let mut now = Annotations::default();
        now.name_evidence("ab".into(), 1);
        let place = |record| Place { record, evidence: 1, part: 0, unit: Unit::Subject };
        let said = Some(Arc::new(Annotation { flagged: true, ..Annotation::default() }));
        for record in 0..10_000 {
            now.set(place(record), said.clone());
        }
        let before = now.clone();
        now.set(place(3), None);
        now.set(place(3), None);
        now.set(place(4), Some(Arc::default()));
        assert_eq!((before.len(), before.flagged()), (10_000, 10_000));
        assert_eq!((now.len(), now.flagged()), (9_999, 9_998));
        assert!(now.at(place(3)).is_none() && before.at(place(3)).is_some());
        assert_eq!(now.all().len(), 9_999);
        let source = Ledger { sha256: "ab".into(), ..Ledger::default() };
        assert!(now.get(Unit::Subject, &source, EventKey { source: 5, part: 0, record: 9 }).is_some());
        assert!(now.get(Unit::Event, &source, EventKey { source: 5, part: 0, record: 9 }).is_none());
    }
}
