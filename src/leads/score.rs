//! How unusual events and nodes are, on one scale for all detectors.
//!
//! The tail of a subject in its ranking is -log2(rank / (n + 1)): 1 in the middle, 10 for the first of a thousand, without parameters. A node's score
//! is the sum over detectors of the best tail among its events, each times what the detector counts ([`super::weights`]).

use super::ground::{Ground, Map, NONE};
use super::weights;
use crate::domain::{DetectorId, EventKey, OrderedEvent, Report, Subject, Weight};

/// Tails of a ranking's subjects by rank index, and those of the order by what was learned alone.
struct Tails {
    all: Vec<f32>,
    learned: Vec<f32>,
}

/// Tails of values; equal values share the mean of their ranks.
pub(super) fn tails(values: &[f64]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values.get(*b).unwrap_or(&0.0).total_cmp(values.get(*a).unwrap_or(&0.0)).then(a.cmp(b)));
    let (total, mut out, mut done) = (values.len() as f64 + 1.0, vec![0.0; values.len()], 0);
    for group in order.chunk_by(|a, b| values.get(*a) == values.get(*b)) {
        let rank = done as f64 + f64::midpoint(1.0, group.len() as f64);
        for at in group {
            if let Some(slot) = out.get_mut(*at) {
                *slot = -(rank / total).log2() as f32;
            }
        }
        done += group.len();
    }
    out
}

/// What a subject's rank was learned from the evidence alone; without such parts its score.
fn learned(subject: &Subject) -> f64 {
    if subject.learned.is_some() || subject.prior.is_some() { subject.learned.unwrap_or(0.0) } else { subject.score }
}

/// Scores of one case's events and nodes.
pub(super) struct Scored {
    pub weights: Vec<Weight>,
    /// By event: the detector (place in the reports) whose weighted tail is largest, and the subject's place there.
    pub best: Vec<Best>,
    /// By event: the sum over detectors of weighted tails.
    pub event: Vec<f32>,
    /// By event: its node; events that belong to none share one with their equals on their computer.
    pub node_of: Vec<u32>,
    /// By node: the score, and what was learned of it.
    pub node: Vec<f32>,
    pub node_learned: Vec<f32>,
    /// Single events with their own scores, in no order; what their leads add comes later.
    pub order: Vec<OrderedEvent>,
}

/// Why an event is unusual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    /// Place of the report; [`NONE`] = no detector scored the event.
    pub report: u32,
    pub subject: u32,
    pub tail: f32,
}

/// A subject's events, the one that stands for it among them.
pub(super) fn members(subject: &Subject) -> impl Iterator<Item = EventKey> {
    std::iter::once(subject.key).chain(subject.members.iter().copied())
}

pub(super) fn score(ground: &Ground, reports: &[&Report]) -> Scored {
    let tails_of: Vec<Tails> = reports
        .iter()
        .map(|report| Tails {
            all: tails(&report.subjects.iter().map(|s| s.score).collect::<Vec<_>>()),
            learned: tails(&report.subjects.iter().map(learned).collect::<Vec<_>>()),
        })
        .collect();
    let places = places(ground, reports);
    let (node_of, node_count) = nodes_of(ground, reports, &places);
    let by_node = |pick: fn(&Tails) -> &[f32]| -> Vec<Vec<f32>> {
        let per_report = |(at, own): (usize, &Tails)| {
            let mut best = vec![0.0f32; node_count];
            for (subject, &tail) in pick(own).iter().enumerate() {
                for &event in places.of(at, subject) {
                    if let Some(slot) = node_of.get(event as usize).and_then(|node| best.get_mut(*node as usize)) {
                        *slot = slot.max(tail);
                    }
                }
            }
            best
        };
        tails_of.iter().enumerate().map(per_report).collect()
    };
    let node_tails = by_node(|tails| &tails.all);
    let processes = ground.processes.len();
    let weights = weights::weights(reports, &node_tails, processes);
    let weight = |at: usize| weights.get(at).map_or(0.0, |w| w.weight as f32);
    let summed = |parts: &[Vec<f32>]| -> Vec<f32> {
        let mut sum = vec![0.0f32; node_count];
        for (at, part) in parts.iter().enumerate() {
            sum.iter_mut().zip(part).for_each(|(sum, tail)| *sum += weight(at) * tail);
        }
        sum
    };
    let (node, node_learned) = (summed(&node_tails), summed(&by_node(|tails| &tails.learned)));
    let (best, event) = events(ground, &tails_of, &places, &weight);
    let order = order(reports, &tails_of, &places, &node_of, &node_tails, &weight, processes);
    Scored { weights, best, event, node_of, node, node_learned, order }
}

/// Where each subject's events stand in [`Ground::events`].
struct Places {
    /// By report: beginning of each subject's part of `events`.
    starts: Vec<Vec<u32>>,
    events: Vec<Vec<u32>>,
}

impl Places {
    fn of(&self, report: usize, subject: usize) -> &[u32] {
        let part = || {
            let starts = self.starts.get(report)?;
            self.events.get(report)?.get(*starts.get(subject)? as usize..*starts.get(subject + 1)? as usize)
        };
        part().unwrap_or(&[])
    }
}

fn places(ground: &Ground, reports: &[&Report]) -> Places {
    let (mut starts, mut events) = (Vec::new(), Vec::new());
    for report in reports {
        let (mut own_starts, mut own) = (vec![0], Vec::new());
        for subject in &report.subjects {
            own.extend(members(subject).filter_map(|key| ground.place(key)).map(|at| at as u32));
            own_starts.push(own.len() as u32);
        }
        starts.push(own_starts);
        events.push(own);
    }
    Places { starts, events }
}

/// By event its node. Events that belong to none make one with those of the same subject on their computer; the first report in the order of
/// event fields, timeline, then the others decides.
fn nodes_of(ground: &Ground, reports: &[&Report], places: &Places) -> (Vec<u32>, usize) {
    let mut node_of: Vec<u32> = ground.events.iter().map(|row| row.node).collect();
    let mut count = ground.nodes.len() as u32;
    let mut turn: Vec<usize> = (0..reports.len()).collect();
    let rank = |id: DetectorId| match id {
        DetectorId::Fields => 0,
        DetectorId::Timeline => 1,
        _ => 2,
    };
    turn.sort_by_key(|at| reports.get(*at).map_or(3, |report| rank(report.detector)));
    for at in turn {
        let subjects = reports.get(at).map_or(0, |report| report.subjects.len());
        for subject in 0..subjects {
            let mut made: Vec<(u32, u32)> = Vec::new();
            for &event in places.of(at, subject) {
                let (Some(slot), Some(row)) = (node_of.get_mut(event as usize), ground.events.get(event as usize)) else { continue };
                if *slot != NONE {
                    continue;
                }
                *slot = if let Some(&(_, node)) = made.iter().find(|(computer, _)| *computer == row.computer) {
                    node
                } else {
                    made.push((row.computer, count));
                    count += 1;
                    count - 1
                };
            }
        }
    }
    (node_of, count as usize)
}

fn events(ground: &Ground, tails: &[Tails], places: &Places, weight: &dyn Fn(usize) -> f32) -> (Vec<Best>, Vec<f32>) {
    let mut best = vec![Best { report: NONE, subject: 0, tail: 0.0 }; ground.events.len()];
    let mut sum = vec![0.0f32; ground.events.len()];
    let mut own = vec![0.0f32; ground.events.len()];
    for (at, of) in tails.iter().enumerate().filter(|(at, _)| weight(*at) > 0.0) {
        own.fill(0.0);
        for (subject, &tail) in of.all.iter().enumerate() {
            let value = weight(at) * tail;
            for &event in places.of(at, subject) {
                let (Some(own), Some(best)) = (own.get_mut(event as usize), best.get_mut(event as usize)) else { continue };
                *own = own.max(value);
                if value > best.tail {
                    *best = Best { report: at as u32, subject: subject as u32, tail: value };
                }
            }
        }
        sum.iter_mut().zip(&own).for_each(|(sum, own)| *sum += own);
    }
    (best, sum)
}

/// The order of single events: unique events by their tail where an event's own unusualness counts together with that of its processes' other
/// events, plus what the other detectors say of its processes. Subjects whose events no such row has (timelines) follow by their own tails.
fn order(
    reports: &[&Report],
    tails_of: &[Tails],
    places: &Places,
    node_of: &[u32],
    node_tails: &[Vec<f32>],
    weight: &dyn Fn(usize) -> f32,
    processes: usize,
) -> Vec<OrderedEvent> {
    let fields = reports.iter().position(|report| report.detector == DetectorId::Fields);
    let timeline = reports.iter().position(|report| report.detector == DetectorId::Timeline);
    let mut covered = vec![false; node_of.len()];
    let mut rows = Vec::new();
    let lent = |at: usize, subject: usize| -> f32 {
        let of = |other: usize| {
            let nodes = places.of(at, subject).iter().filter_map(|event| node_of.get(*event as usize)).filter(|node| (**node as usize) < processes);
            nodes.filter_map(|node| node_tails.get(other)?.get(*node as usize)).fold(0.0f32, |most, tail| most.max(*tail))
        };
        (0..reports.len()).filter(|other| Some(*other) != fields).map(|other| weight(other) * of(other)).sum()
    };
    if let Some((at, report)) = fields.and_then(|at| Some((at, reports.get(at)?))) {
        let twice = tails(&in_context(report, at, places, node_of, processes));
        for (subject, tail) in twice.iter().enumerate() {
            for &event in places.of(at, subject) {
                if let Some(slot) = covered.get_mut(event as usize) {
                    *slot = true;
                }
            }
            let score = weight(at).max(f32::MIN_POSITIVE) * tail + lent(at, subject);
            rows.push(OrderedEvent { detector: report.detector, subject: subject as u32, score: f64::from(score), lead: None });
        }
    }
    for (at, report) in reports.iter().enumerate().filter(|(at, _)| Some(*at) == timeline) {
        let Some(tails) = tails_of.get(at) else { continue };
        for (subject, tail) in tails.all.iter().enumerate() {
            let known = places.of(at, subject).iter().any(|event| covered.get(*event as usize).copied().unwrap_or(false));
            if !known {
                let score = weight(at).max(f32::MIN_POSITIVE) * tail;
                rows.push(OrderedEvent { detector: report.detector, subject: subject as u32, score: f64::from(score), lead: None });
            }
        }
    }
    rows
}

/// Scores of unique events, each with the mean over its processes of the largest excess over its event type's median among the process's events.
fn in_context(report: &Report, at: usize, places: &Places, node_of: &[u32], processes: usize) -> Vec<f64> {
    let mut kinds: Map<(Option<&str>, Option<u32>), Vec<f64>> = Map::default();
    for subject in &report.subjects {
        kinds.entry((subject.channel.as_deref(), subject.event_id)).or_default().push(subject.score);
    }
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let half = values.len() / 2;
        match (values.get(half), values.len() % 2) {
            (Some(upper), 0) => f64::midpoint(*upper, values.get(half.wrapping_sub(1)).copied().unwrap_or(*upper)),
            (Some(middle), _) => *middle,
            (None, _) => 0.0,
        }
    };
    let medians: Map<(Option<&str>, Option<u32>), f64> = kinds.into_iter().map(|(kind, mut values)| (kind, middle(&mut values))).collect();
    let excess = |subject: &Subject| subject.score - medians.get(&(subject.channel.as_deref(), subject.event_id)).copied().unwrap_or(0.0);
    let mut best = vec![0.0f64; processes];
    let own = |subject: usize| places.of(at, subject).iter().filter_map(|event| node_of.get(*event as usize)).filter(|node| (**node as usize) < processes);
    for (index, subject) in report.subjects.iter().enumerate() {
        let excess = excess(subject);
        for node in own(index) {
            if let Some(slot) = best.get_mut(*node as usize) {
                *slot = slot.max(excess);
            }
        }
    }
    let mut nodes: Vec<u32> = Vec::new();
    report
        .subjects
        .iter()
        .enumerate()
        .map(|(index, subject)| {
            nodes.clear();
            nodes.extend(own(index));
            nodes.sort_unstable();
            nodes.dedup();
            let sum: f64 = nodes.iter().filter_map(|node| best.get(*node as usize)).sum();
            subject.score + if nodes.is_empty() { 0.0 } else { sum / nodes.len() as f64 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::tails;

    #[test]
    fn tails_count_halvings_and_ties_share_their_ranks() {
        let of = tails(&[3.0, 9.0, 1.0]);
        assert_eq!(of.iter().map(|t| (t * 1e4).round() / 1e4).collect::<Vec<_>>(), [1.0, 2.0, 0.415]);
        // Two firsts: rank 1.5 of 3.
        assert_eq!(tails(&[5.0, 5.0]), [1.0, 1.0]);
        assert!(tails(&[]).is_empty());
    }
}
