//! One report seen under one *rank by*: who stands where, how many stand above a threshold, and where in time.
//!
//! Built once, off the window's thread when it is big; afterwards every question a dragged threshold asks takes logarithmic time.

use crate::app::strip::Strip;
use crate::domain::{RankBy, Report, Subject};
use crate::score::Histogram;
use foldhash::HashMap;
use std::sync::Arc;

/// The value of `by` of a subject; `None` where it has none, so that it takes no part in that ranking.
#[must_use]
pub fn value(subject: &Subject, report: &Report, by: RankBy) -> Option<f64> {
    let value = if by == report.rank_by { Some(subject.score) } else { subject.value(by, report.preset) };
    value.filter(|v| v.is_finite())
}

/// Where the members of each group (a computer, a channel) stand in the order.
#[derive(Debug, Default)]
pub struct Groups(Vec<(Arc<str>, Vec<u32>)>);

impl Groups {
    fn new<'a>(names: impl Iterator<Item = Option<&'a Arc<str>>>) -> Self {
        let mut groups: Vec<(Arc<str>, Vec<u32>)> = vec![];
        let mut index: HashMap<&str, usize> = HashMap::default();
        for (position, name) in names.enumerate() {
            let text = name.map_or("(none)", |n| &**n);
            let at = *index.entry(text).or_insert_with(|| {
                groups.push((name.map_or_else(|| Arc::from("(none)"), Arc::clone), vec![]));
                groups.len() - 1
            });
            groups[at].1.push(position as u32);
        }
        Self(groups)
    }

    /// How many groups there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `most` groups with the most subjects among the first `above` of the order, largest first, names breaking ties.
    #[must_use]
    pub fn above(&self, above: usize, most: usize) -> Vec<(Arc<str>, usize)> {
        let mut counts: Vec<(usize, &Arc<str>)> =
            self.0.iter().map(|(name, at)| (at.partition_point(|&p| (p as usize) < above), name)).filter(|(n, _)| *n > 0).collect();
        counts.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        counts.into_iter().take(most).map(|(n, name)| (name.clone(), n)).collect()
    }
}

/// A report in the order of one measure. Positions count from 0: position 0 is rank 1.
#[derive(Debug)]
pub struct Order {
    /// Which measure.
    pub by: RankBy,
    /// Subject index at each position.
    pub subjects: Vec<u32>,
    /// Position of each subject; [`Order::OUT`] where it takes no part.
    pub positions: Vec<u32>,
    /// Scores in order.
    pub histogram: Histogram,
    /// Per computer.
    pub computers: Groups,
    /// Per channel.
    pub channels: Groups,
    /// Highest score per slice of time.
    pub strip: Strip,
    /// Position of each subject when ranked by loss and by rarity.
    pub other: [(RankBy, Vec<u32>); 2],
}

impl Order {
    /// The position of a subject that takes no part.
    pub const OUT: u32 = u32::MAX;

    /// Orders the report's subjects by `by`, leaving out those for which `out` holds. `None` when `stale` says that nobody waits any more.
    #[must_use]
    pub fn new(report: &Report, by: RankBy, out: &dyn Fn(u32) -> bool, stale: &dyn Fn() -> bool) -> Option<Self> {
        let (subjects, scores) = sorted(report, by, out);
        if stale() {
            return None;
        }
        let positions = inverse(&subjects, report.subjects.len());
        let other = [RankBy::Loss, RankBy::Rarity].map(|o| {
            if o == by {
                return (o, positions.clone());
            }
            (o, if stale() { vec![] } else { inverse(&sorted(report, o, out).0, report.subjects.len()) })
        });
        let at = |&i: &u32| &report.subjects[i as usize];
        if stale() {
            return None;
        }
        let computers = Groups::new(subjects.iter().map(|i| at(i).computer.as_ref()));
        let channels = Groups::new(subjects.iter().map(|i| at(i).channel.as_ref()));
        let strip = Strip::new(subjects.iter().map(|i| at(i).first_seen).zip(scores.iter().copied()));
        (!stale()).then(|| Self { by, subjects, positions, histogram: Histogram::new(scores), computers, channels, strip, other })
    }

    /// How many take part.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether none takes part.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Rank of a subject, from 1, under this order's measure.
    #[must_use]
    pub fn rank(&self, subject: u32) -> Option<u32> {
        self.positions.get(subject as usize).filter(|p| **p != Self::OUT).map(|p| p + 1)
    }

    /// Rank of a subject, from 1, under another measure.
    #[must_use]
    pub fn rank_by(&self, by: RankBy, subject: u32) -> Option<u32> {
        let (_, positions) = self.other.iter().find(|(o, _)| *o == by)?;
        positions.get(subject as usize).filter(|p| **p != Self::OUT).map(|p| p + 1)
    }

    /// The score at a position.
    #[must_use]
    pub fn score(&self, position: u32) -> f64 {
        self.histogram.scores().get(position as usize).copied().unwrap_or(f64::NAN)
    }
}

/// Subject indices and scores in rank order: score descending, then time (none last), then key.
fn sorted(report: &Report, by: RankBy, out: &dyn Fn(u32) -> bool) -> (Vec<u32>, Vec<f64>) {
    let mut pairs: Vec<(u32, f64)> = report
        .subjects
        .iter()
        .enumerate()
        .map(|(i, s)| (i as u32, s))
        .filter(|(i, _)| !out(*i))
        .filter_map(|(i, s)| Some((i, value(s, report, by)?)))
        .collect();
    if !pairs.is_sorted_by(|a, b| a.1 >= b.1) {
        let tie = |i: u32| {
            let s = &report.subjects[i as usize];
            (s.first_seen.is_none(), s.first_seen, s.key.source, s.key.record, s.key.part)
        };
        pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| tie(a.0).cmp(&tie(b.0))));
    }
    pairs.into_iter().unzip()
}

fn inverse(subjects: &[u32], total: usize) -> Vec<u32> {
    let mut positions = vec![Order::OUT; total];
    for (position, &subject) in subjects.iter().enumerate() {
        positions[subject as usize] = position as u32;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;
    use crate::domain::{DetectorId, Stage};

    fn report() -> Report {
        let subject = |score: f64, loss: Option<f64>, computer: &str| Subject { score, loss, computer: Some(computer.into()), ..Subject::default() };
        Report {
            detector: DetectorId::Fields,
            preset: Preset::Recommended,
            rank_by: RankBy::Recommended,
            stage: Stage::Final,
            threshold: 2.0,
            model_id: String::new(),
            device: String::new(),
            curve: vec![],
            remarks: vec![],
            validation: None,
            subjects: vec![subject(3.0, Some(0.1), "A"), subject(2.0, None, "B"), subject(1.0, Some(0.9), "A")],
            run: String::new(),
        }
    }

    #[test]
    fn another_measure_reorders_and_leaves_out_what_lacks_it() {
        let report = report();
        let order = Order::new(&report, RankBy::Loss, &|_| false, &|| false).expect("nobody cancelled");
        assert_eq!(order.subjects, [2, 0]);
        assert_eq!((order.rank(0), order.rank(1), order.rank(2)), (Some(2), None, Some(1)));
        assert_eq!(order.histogram.scores(), [0.9, 0.1]);
    }

    #[test]
    fn groups_above_count_the_first_of_the_order() {
        let report = report();
        let order = Order::new(&report, RankBy::Recommended, &|_| false, &|| false).expect("nobody cancelled");
        let names = |n| order.computers.above(n, 9).into_iter().map(|(name, n)| (name.to_string(), n)).collect::<Vec<_>>();
        assert_eq!(names(2), [("A".to_owned(), 1), ("B".to_owned(), 1)]);
        assert_eq!(names(3), [("A".to_owned(), 2), ("B".to_owned(), 1)]);
        assert_eq!(order.rank_by(RankBy::Loss, 2), Some(1));
        let without = Order::new(&report, RankBy::Recommended, &|i| i == 0, &|| false).expect("nobody cancelled");
        assert_eq!((without.subjects.as_slice(), without.rank(0)), ([1, 2].as_slice(), None));
    }
}
