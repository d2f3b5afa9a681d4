//! The total order of a ranking, its quantiles and percentiles.

use crate::domain::Subject;
use std::cmp::Ordering;

/// Sorts by score descending, then time, source, record, part, and fills `rank` (from 1) and `percentile`.
/// Subjects whose score is no number are taken out and returned: they are a notice, never a rank. Subjects without a time stand last among equals.
pub fn rank(subjects: &mut Vec<Subject>) -> Vec<Subject> {
    let (mut numbers, others): (Vec<_>, Vec<_>) = std::mem::take(subjects).into_iter().partition(|s| s.score.is_finite());
    numbers.sort_by(order);
    let below = percentiles(numbers.iter().map(|s| s.score));
    for (index, (subject, percentile)) in numbers.iter_mut().zip(below).enumerate() {
        subject.rank = index as u64 + 1;
        subject.percentile = percentile;
    }
    *subjects = numbers;
    others
}

fn order(a: &Subject, b: &Subject) -> Ordering {
    let time = |s: &Subject| (s.first_seen.is_none(), s.first_seen);
    let place = |s: &Subject| (s.key.source, s.key.record, s.key.part);
    b.score.total_cmp(&a.score).then_with(|| time(a).cmp(&time(b))).then_with(|| place(a).cmp(&place(b)))
}

/// Share of scores strictly lower than each, x 100. `descending` must be sorted so.
pub fn percentiles(descending: impl Iterator<Item = f64>) -> Vec<f64> {
    let scores: Vec<f64> = descending.collect();
    let total = scores.len();
    let mut result = Vec::with_capacity(total);
    for group in scores.chunk_by(|a, b| a == b) {
        let lower = total - result.len() - group.len();
        result.extend(std::iter::repeat_n(lower as f64 * 100.0 / total as f64, group.len()));
    }
    result
}

/// The score at quantile `q` (0..=1) of scores sorted in descending order: the lowest score that at least `q` of the scores do not exceed.
/// An empty slice gives positive infinity, so that nothing is above.
#[must_use]
pub fn quantile(descending: &[f64], q: f64) -> f64 {
    let Some(last) = descending.len().checked_sub(1) else { return f64::INFINITY };
    let from_bottom = (q.clamp(0.0, 1.0) * descending.len() as f64).ceil() as usize;
    descending[last - from_bottom.saturating_sub(1).min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EventKey;

    fn subject(score: f64, time: Option<i64>, record: u64) -> Subject {
        Subject { score, first_seen: time, key: EventKey { source: 0, part: 0, record }, ..Subject::default() }
    }

    #[test]
    fn ties_fall_to_time_then_record_and_no_time_stands_last() {
        let mut subjects =
            vec![subject(1.0, None, 1), subject(1.0, Some(5), 4), subject(1.0, Some(5), 3), subject(2.0, Some(9), 2), subject(f64::NAN, None, 9)];
        let out = rank(&mut subjects);
        assert_eq!(subjects.iter().map(|s| (s.rank, s.key.record)).collect::<Vec<_>>(), [(1, 2), (2, 3), (3, 4), (4, 1)]);
        assert_eq!(subjects.iter().map(|s| s.percentile).collect::<Vec<_>>(), [75.0, 0.0, 0.0, 0.0]);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn quantiles_count_from_below() {
        let scores: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&scores, 0.99), 99.0);
        assert_eq!(quantile(&scores, 1.0), 100.0);
        assert_eq!(quantile(&scores, 0.0), 1.0);
        assert_eq!(quantile(&[], 0.5), f64::INFINITY);
    }
}
