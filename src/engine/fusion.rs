//! All detectors in one list: for every event its rank in each detector, and one order made of all of them.
//!
//! Reciprocal-rank fusion (Cormack, Clarke and Buettcher 2009): an event's score is the sum over the detectors of 1 / (60 + rank), where rank is
//! that of the best subject that holds the event; a detector without such a subject adds nothing. Events that stand in the same subjects of every
//! detector are one row.

use super::worker::Ranking;
use crate::domain::{DetectorId, EventKey, Subject};
use std::collections::BTreeMap;
use std::collections::HashMap;

/// Softens the first ranks: the constant of the method's authors.
const K: f64 = 60.0;
/// Subjects of each detector whose events are listed.
const TOP: usize = 2_000;
/// Rows kept.
const ROWS: usize = 5_000;

/// Events that stand in the same subjects everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct FusedRow {
    /// Their rank in each detector, in the order of [`Fusion::detectors`].
    pub ranks: Vec<Option<u32>>,
    /// The sum of reciprocal ranks.
    pub score: f64,
    /// The events, in key order.
    pub events: Vec<EventKey>,
    /// The detector that ranks them highest, by its place in [`Fusion::detectors`], and the subject's index there.
    pub best: (usize, usize),
}

/// What the detectors together say of a computer or a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its subjects above the threshold, by detector.
    pub above: Vec<usize>,
    /// Place of its first row in the combined list, from 1.
    pub first: Option<usize>,
}

/// All detectors in one list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fusion {
    /// Whose ranks.
    pub detectors: Vec<DetectorId>,
    /// The rows, highest score first.
    pub rows: Vec<FusedRow>,
    /// Computers, those with most above the threshold first.
    pub computers: Vec<Standing>,
    /// Users, the same.
    pub users: Vec<Standing>,
}

/// Fuses rankings. Rows are made of the events of each detector's first 2,000 subjects; their ranks elsewhere are found however deep they stand.
#[must_use]
pub fn fuse(rankings: &[Ranking]) -> Fusion {
    let number = rankings.len();
    let mut ranks: HashMap<EventKey, Vec<Option<u32>>, foldhash::fast::RandomState> = HashMap::default();
    for ranking in rankings {
        for subject in ranking.report.subjects.iter().take(TOP) {
            for key in members(subject) {
                ranks.entry(key).or_insert_with(|| vec![None; number]);
            }
        }
    }
    for (at, ranking) in rankings.iter().enumerate() {
        for (index, subject) in ranking.report.subjects.iter().enumerate() {
            for key in members(subject) {
                if let Some(slot) = ranks.get_mut(&key).and_then(|ranks| ranks.get_mut(at)) {
                    slot.get_or_insert(index as u32 + 1);
                }
            }
        }
    }
    let mut groups: BTreeMap<Vec<Option<u32>>, Vec<EventKey>> = BTreeMap::new();
    let mut all: Vec<(EventKey, Vec<Option<u32>>)> = ranks.into_iter().collect();
    all.sort_unstable_by_key(|(key, _)| *key);
    for (key, ranks) in all {
        groups.entry(ranks).or_default().push(key);
    }
    let mut rows: Vec<FusedRow> = groups.into_iter().filter_map(|(ranks, events)| row(ranks, events)).collect();
    rows.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.events.cmp(&b.events)));
    rows.truncate(ROWS);
    let detectors = rankings.iter().map(|r| r.report.detector).collect();
    let computers = standings(rankings, &rows, |s| s.computer.as_deref());
    let users = standings(rankings, &rows, |s| s.user.as_deref());
    Fusion { detectors, rows, computers, users }
}

/// A subject's events, the one that stands for it among them.
fn members(subject: &Subject) -> impl Iterator<Item = EventKey> {
    std::iter::once(subject.key).chain(subject.members.iter().copied())
}

fn row(ranks: Vec<Option<u32>>, events: Vec<EventKey>) -> Option<FusedRow> {
    let score = ranks.iter().flatten().map(|rank| 1.0 / (K + f64::from(*rank))).sum();
    let (rank, at) = ranks.iter().enumerate().filter_map(|(at, rank)| Some(((*rank)?, at))).min()?;
    Some(FusedRow { score, best: (at, rank as usize - 1), ranks, events })
}

fn standings(rankings: &[Ranking], rows: &[FusedRow], name: fn(&Subject) -> Option<&str>) -> Vec<Standing> {
    let mut found: BTreeMap<&str, Standing> = BTreeMap::new();
    let blank = |name: &str| Standing { name: name.into(), above: vec![0; rankings.len()], first: None };
    for (at, ranking) in rankings.iter().enumerate() {
        let report = &ranking.report;
        for subject in report.subjects.iter().take_while(|s| s.score >= report.threshold) {
            let name = name(subject).unwrap_or("(none)");
            if let Some(n) = found.entry(name).or_insert_with(|| blank(name)).above.get_mut(at) {
                *n += 1;
            }
        }
    }
    for (place, row) in rows.iter().enumerate() {
        let subject = rankings.get(row.best.0).and_then(|r| r.report.subjects.get(row.best.1));
        let Some(name) = subject.map(|s| name(s).unwrap_or("(none)")) else { continue };
        found.entry(name).or_insert_with(|| blank(name)).first.get_or_insert(place + 1);
    }
    let mut list: Vec<Standing> = found.into_values().collect();
    let total = |s: &Standing| s.above.iter().sum::<usize>();
    list.sort_by(|a, b| total(b).cmp(&total(a)).then(a.first.unwrap_or(usize::MAX).cmp(&b.first.unwrap_or(usize::MAX))).then(a.name.cmp(&b.name)));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Contribution, Explain, Preset, RankBy, Report, Stage};
    use std::sync::Arc;

    struct Mute;

    impl Explain for Mute {
        fn explain(&self, _: usize) -> Vec<Contribution> {
            vec![]
        }
    }

    fn key(record: u64) -> EventKey {
        EventKey { source: 0, part: 0, record }
    }

    fn ranking(detector: DetectorId, subjects: &[(&[u64], &str)]) -> Ranking {
        let subject = |(at, (records, computer)): (usize, &(&[u64], &str))| Subject {
            key: key(records[0]),
            members: records.iter().map(|r| key(*r)).collect(),
            computer: Some((*computer).into()),
            score: -(at as f64),
            ..Subject::default()
        };
        let report = Report {
            detector,
            preset: Preset::Recommended,
            rank_by: RankBy::Recommended,
            stage: Stage::Final,
            threshold: -0.5,
            model_id: String::new(),
            device: String::new(),
            curve: vec![],
            remarks: vec![],
            validation: None,
            subjects: subjects.iter().enumerate().map(subject).collect(),
            run: String::new(),
        };
        Ranking { report: Arc::new(report), explain: Arc::new(Mute) }
    }

    #[test]
    fn ranks_add_up_as_their_reciprocals() {
        // Chains: 1 | 2, 3; fields: 2 | 1 | 3, 4. Event 2 stands second and first, event 1 first and second: a tie, the lower record first.
        let chains = ranking(DetectorId::Chains, &[(&[1], "A"), (&[2, 3], "B")]);
        let fields = ranking(DetectorId::Fields, &[(&[2], "B"), (&[1], "A"), (&[3, 4], "B")]);
        let fusion = fuse(&[chains, fields]);
        let told: Vec<_> = fusion.rows.iter().map(|r| (r.events.iter().map(|k| k.record).collect::<Vec<_>>(), r.ranks.clone())).collect();
        assert_eq!(
            told,
            [(vec![1], vec![Some(1), Some(2)]), (vec![2], vec![Some(2), Some(1)]), (vec![3], vec![Some(2), Some(3)]), (vec![4], vec![None, Some(3)])]
        );
        assert!((fusion.rows[0].score - (1.0 / 61.0 + 1.0 / 62.0)).abs() < 1e-15 && fusion.rows[0].score == fusion.rows[1].score);
        assert!((fusion.rows[3].score - 1.0 / 63.0).abs() < 1e-15);
        assert_eq!((fusion.rows[1].best, fusion.rows[3].best), ((1, 0), (1, 2)));
        // Above: the first of each. A first in the list, B second.
        let standings: Vec<_> = fusion.computers.iter().map(|s| (s.name.as_str(), s.above.clone(), s.first)).collect();
        assert_eq!(standings, [("A", vec![1, 0], Some(1)), ("B", vec![0, 1], Some(2))]);
        assert_eq!(fuse(&[]), Fusion::default());
    }
}
