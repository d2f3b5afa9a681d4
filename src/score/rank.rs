//! The total order of a ranking, its quantiles and percentiles.

use crate::domain::Subject;
use std::cmp::Ordering;

/// A ranking: subjects in order, where each stood before, and those left out.
#[derive(Debug, Default)]
pub struct Ranked {
    /// In rank order, with `rank` (from 1) and `percentile` filled.
    pub subjects: Vec<Subject>,
    /// Their indices before ranking, in the same order.
    pub order: Vec<usize>,
    /// How many were left out because their score is no number: a notice, never a rank.
    pub excluded: usize,
}

/// Ranks by score descending, then time, source, record, part. Subjects without a time stand last among equals.
#[must_use]
pub fn rank(mut subjects: Vec<Subject>) -> Ranked {
    let total = subjects.len();
    let (mut order, rest): (Vec<usize>, Vec<usize>) = (0..total).partition(|i| subjects[*i].score.is_finite());
    order.sort_by(|a, b| compare(&subjects[*a], &subjects[*b]));
    permute(&mut subjects, order.iter().chain(&rest).copied().collect());
    subjects.truncate(order.len());
    let below = percentiles(subjects.iter().map(|s| s.score));
    for (index, (subject, percentile)) in subjects.iter_mut().zip(below).enumerate() {
        subject.rank = index as u64 + 1;
        subject.percentile = percentile;
    }
    Ranked { excluded: total - subjects.len(), subjects, order }
}

/// Puts what stands at `from[i]` at `i`, without a second copy of millions of subjects.
fn permute<T>(items: &mut [T], mut from: Vec<usize>) {
    for start in 0..items.len() {
        let mut at = start;
        while from[at] != start && from[at] != at {
            let next = from[at];
            items.swap(at, next);
            from[at] = at;
            at = next;
        }
        from[at] = at;
    }
}

fn compare(a: &Subject, b: &Subject) -> Ordering {
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

/// The score at quantile `q` (0..=1) of scores sorted in descending order: the lowest score that at least `q` of the scores do not exceed, or,
/// where equal scores straddle it, the next higher one, so that a threshold there never puts more than 1 - `q` above. When all scores are equal
/// nothing stands out, and when there are none nothing can: both give a value that no score reaches.
#[must_use]
pub fn quantile(descending: &[f64], q: f64) -> f64 {
    let total = descending.len();
    let from_bottom = ((q.clamp(0.0, 1.0) * total as f64).ceil() as usize).max(1);
    let Some(at) = total.checked_sub(from_bottom) else { return f64::INFINITY };
    let value = descending[at];
    let (higher, reached) = (descending.partition_point(|&s| s > value), descending.partition_point(|&s| s >= value));
    match (higher, reached) {
        (_, reached) if reached == at + 1 => value,
        (0, reached) if reached == total => value.next_up(),
        (0, _) => value,
        (higher, _) => descending[higher - 1],
    }
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
        let subjects = vec![subject(1.0, None, 1), subject(1.0, Some(5), 4), subject(1.0, Some(5), 3), subject(2.0, Some(9), 2), subject(f64::NAN, None, 9)];
        let ranked = rank(subjects);
        assert_eq!(ranked.subjects.iter().map(|s| (s.rank, s.key.record)).collect::<Vec<_>>(), [(1, 2), (2, 3), (3, 4), (4, 1)]);
        assert_eq!(ranked.order, [3, 2, 1, 0]);
        assert_eq!(ranked.subjects.iter().map(|s| s.percentile).collect::<Vec<_>>(), [75.0, 0.0, 0.0, 0.0]);
        assert_eq!(ranked.excluded, 1);
    }

    #[test]
    fn a_permutation_is_carried_out_in_place() {
        let mut items = ["a", "b", "c", "d", "e", "f"];
        permute(&mut items, vec![2, 0, 1, 3, 5, 4]);
        assert_eq!(items, ["c", "a", "b", "d", "f", "e"]);
    }

    #[test]
    fn quantiles_count_from_below() {
        let scores: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&scores, 0.99), 99.0);
        assert_eq!(quantile(&scores, 1.0), 100.0);
        assert_eq!(quantile(&scores, 0.0), 1.0);
        assert_eq!(quantile(&[], 0.5), f64::INFINITY);
    }

    #[test]
    fn equal_scores_never_put_more_above_than_was_asked() {
        let mut scores = vec![9.0, 8.0];
        scores.extend([0.0; 98]);
        assert_eq!(quantile(&scores, 0.95), 8.0);
        assert_eq!(quantile(&scores, 0.99), 8.0);
        assert_eq!(quantile(&scores, 0.0), 0.0);
        assert_eq!(quantile(&[5.0, 5.0, 1.0], 0.99), 5.0);
        assert!(quantile(&[2.0; 7], 0.99) > 2.0);
        assert_eq!(quantile(&[2.0], 0.99), 2.0);
    }
}
