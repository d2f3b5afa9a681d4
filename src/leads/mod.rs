//! Leads: from thousands of ranked rows to a handful of stories.
//!
//! A graph connects processes, the events they caused, logon sessions, services, tasks and files ([`Ground`]); detectors' rankings become one scale
//! on it (`score`), each detector counting as much as the case itself confirms (`weights`); process trees cut below hubs and joined by links that
//! say something (`links`, `group`) are leads, ordered by a capped sum of their strongest parts; each is told as a story (`story`), with a word for
//! how much it means (`strength`). The same scores order single events.
//!
//! Border: plain data in, plain data out: events through a store, reports of detectors; no files, no screen.

mod facts;
mod ground;
mod group;
mod hubs;
mod links;
mod phrases;
mod score;
mod story;
mod strength;
mod techniques;
mod weights;

pub use ground::Ground;
pub use strength::{Features, evidence};

use crate::domain::{Lead, Leads, LinkKind, OrderedEvent, Report};
use group::Groups;
use score::Scored;
use story::Teller;

/// Leads that are told; those behind them are counted.
pub const TOLD: usize = 1_000;
/// What an event gains of its lead's score: an event of a story is worth a look before one by itself. Chosen on the eight shared cases, where anything
/// from .2 to 1 gives the same (`docs/leads.md`).
const STORY: f64 = 0.3;

/// Makes leads of a case's ground and its rankings. The same input gives the same leads, whatever the number of threads.
#[must_use]
pub fn leads(ground: &Ground, reports: &[&Report]) -> Leads {
    with_features(ground, reports).0
}

/// The leads, and what the strength of each was told by, for calibration.
#[must_use]
pub fn with_features(ground: &Ground, reports: &[&Report]) -> (Leads, Vec<Features>) {
    let scored = score::score(ground, reports);
    let all_links = links::links(ground);
    let groups = group::group(ground, &scored, &all_links);
    let ranked = rank(ground, &scored, &groups);
    let (nodes, events) = members(ground, &scored, &groups, &ranked);
    let features = Measure::new(ground, &scored, &groups, &ranked, reports);
    let teller = Teller { ground, scored: &scored, groups: &groups, reports };
    let mut links_of: ground::Map<u32, Vec<links::Link>> = ground::Map::default();
    for link in &groups.links {
        links_of.entry(groups.of.get(link.a as usize).copied().unwrap_or(ground::NONE)).or_default().push(*link);
    }
    let mut told = Vec::with_capacity(nodes.len());
    let mut measured = Vec::with_capacity(nodes.len());
    for (at, (nodes, events)) in nodes.iter().zip(&events).enumerate() {
        let Some(place) = ranked.get(at) else { continue };
        let own = links_of.get(&place.group).map_or(&[] as &[links::Link], Vec::as_slice);
        let mut lead = teller.lead(nodes, events, own);
        (lead.rank, lead.score, lead.learned) = (at as u64 + 1, f64::from(place.score), f64::from(place.learned));
        lead.prior = lead.score - lead.learned;
        let found = features.of(&lead, nodes, own);
        strength::judge(&mut lead, &found);
        told.push(lead);
        measured.push(found);
    }
    let order = placed(ground, &scored, &groups, &ranked, reports);
    (Leads { list: told, total: ranked.len() as u64, weights: scored.weights, order }, measured)
}

/// One group's place.
struct Place {
    group: u32,
    score: f32,
    learned: f32,
    first: i64,
}

/// The four largest of what comes.
#[derive(Clone, Copy, Default)]
struct Largest([f32; 4]);

impl Largest {
    fn take(&mut self, value: f32) {
        let [a, b, c, d] = &mut self.0;
        let mut value = value;
        for slot in [a, b, c, d] {
            if value > *slot {
                std::mem::swap(slot, &mut value);
            }
        }
    }

    /// The best, and half the mean of the next three.
    fn sum(self) -> f32 {
        let [best, rest @ ..] = self.0;
        best + 0.5 * rest.iter().sum::<f32>() / 3.0
    }
}

/// Groups that hold a scored event, highest score first; equal ones by time, then by their first node.
fn rank(ground: &Ground, scored: &Scored, groups: &Groups) -> Vec<Place> {
    let mut best = vec![(Largest::default(), Largest::default(), i64::MAX); groups.count];
    // Where processes tell a story, sessions, services and tasks connect it and add nothing: they have no process's scores to add.
    let mut told_by_processes = vec![false; groups.count];
    let processes = ground.processes.len();
    for (node, group) in groups.of.iter().enumerate().take(processes) {
        if let Some(slot) = told_by_processes.get_mut(*group as usize) {
            *slot |= scored.node.get(node).is_some_and(|score| *score > 0.0);
        }
    }
    for (node, group) in groups.of.iter().enumerate() {
        let Some((all, learned, first)) = best.get_mut(*group as usize) else { continue };
        if node >= processes && told_by_processes.get(*group as usize).copied().unwrap_or(false) {
            continue;
        }
        all.take(scored.node.get(node).copied().unwrap_or(0.0));
        learned.take(scored.node_learned.get(node).copied().unwrap_or(0.0));
        *first = (*first).min(ground.nodes.get(node).map_or(i64::MAX, |node| node.first));
    }
    let mut ranked: Vec<Place> = best
        .iter()
        .enumerate()
        .map(|(group, (all, learned, first))| Place { group: group as u32, score: all.sum(), learned: learned.sum(), first: *first })
        .filter(|place| place.score > 0.0)
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.first, a.group).cmp(&(b.first, b.group))));
    ranked
}

/// Nodes and events of the groups that are told, each in order.
fn members(ground: &Ground, scored: &Scored, groups: &Groups, ranked: &[Place]) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let told = ranked.len().min(TOLD);
    let mut place = vec![u32::MAX; groups.count];
    for (at, of) in ranked.iter().take(told).enumerate() {
        if let Some(slot) = place.get_mut(of.group as usize) {
            *slot = at as u32;
        }
    }
    let at = |node: u32| groups.of.get(node as usize).and_then(|group| place.get(*group as usize)).copied().unwrap_or(u32::MAX) as usize;
    let (mut nodes, mut events) = (vec![Vec::new(); told], vec![Vec::new(); told]);
    for node in 0..groups.of.len() as u32 {
        if let Some(list) = nodes.get_mut(at(node)) {
            list.push(node);
        }
    }
    for event in 0..ground.events.len() as u32 {
        if let Some(list) = scored.node_of.get(event as usize).and_then(|node| events.get_mut(at(*node))) {
            list.push(event);
        }
    }
    (nodes, events)
}

/// The order of single events, each with the lead that holds the event that stands for it.
fn placed(ground: &Ground, scored: &Scored, groups: &Groups, ranked: &[Place], reports: &[&Report]) -> Vec<OrderedEvent> {
    let mut place = vec![None; groups.count];
    for (at, of) in ranked.iter().take(TOLD).enumerate() {
        if let Some(slot) = place.get_mut(of.group as usize) {
            *slot = Some(at as u32);
        }
    }
    let lead = |row: &OrderedEvent| {
        let report = reports.iter().find(|report| report.detector == row.detector)?;
        let event = ground.place(report.subjects.get(row.subject as usize)?.key)?;
        let node = *scored.node_of.get(event)?;
        place.get(*groups.of.get(node as usize)? as usize).copied().flatten()
    };
    let one = |row: &OrderedEvent| {
        let lead = lead(row);
        let story = lead.and_then(|at| ranked.get(at as usize)).map_or(0.0, |place| f64::from(place.score));
        OrderedEvent { lead, score: row.score + STORY * story, ..*row }
    };
    let mut rows: Vec<OrderedEvent> = scored.order.iter().map(one).collect();
    rows.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.detector, a.subject).cmp(&(b.detector, b.subject))));
    rows
}

/// What strengths are told by.
struct Measure<'a> {
    scored: &'a Scored,
    reports: &'a [&'a Report],
    processes: usize,
    median: f64,
    /// The score that the most unusual twentieth of processes reaches.
    unusual: f32,
}

impl<'a> Measure<'a> {
    fn new(ground: &Ground, scored: &'a Scored, groups: &Groups, ranked: &[Place], reports: &'a [&'a Report]) -> Self {
        let processes = ground.processes.len();
        let mut with = vec![false; groups.count];
        for group in groups.of.iter().take(processes) {
            if let Some(slot) = with.get_mut(*group as usize) {
                *slot = true;
            }
        }
        let mut scores: Vec<f32> = ranked.iter().filter(|place| with.get(place.group as usize).copied().unwrap_or(false)).map(|place| place.score).collect();
        if scores.len() < 3 {
            scores = ranked.iter().map(|place| place.score).collect();
        }
        scores.sort_by(f32::total_cmp);
        let median = f64::from(scores.get(scores.len() / 2).copied().unwrap_or(1.0)).max(1.0);
        let mut nodes: Vec<f32> = scored.node.iter().take(processes).copied().filter(|score| *score > 0.0).collect();
        nodes.sort_by(|a, b| b.total_cmp(a));
        let unusual = nodes.get(nodes.len() / 20).copied().unwrap_or(f32::INFINITY);
        Self { scored, reports, processes, median, unusual }
    }

    fn of(&self, lead: &Lead, nodes: &[u32], links: &[links::Link]) -> Features {
        let mut priors: Vec<f64> = lead
            .steps
            .iter()
            .filter_map(|step| {
                let report = self.reports.iter().find(|report| report.detector == step.detector)?;
                report.subjects.get(step.subject as usize)?.prior
            })
            .collect();
        priors.sort_by(|a, b| b.total_cmp(a));
        let unusual = nodes
            .iter()
            .filter(|node| (**node as usize) < self.processes)
            .filter(|node| self.scored.node.get(**node as usize).is_some_and(|score| *score >= self.unusual))
            .count();
        let causal = links.iter().any(|link| !matches!(link.kind, LinkKind::Session | LinkKind::SameProgram | LinkKind::Burst | LinkKind::Account));
        Features {
            over_median: lead.score / self.median - 1.0,
            prior: priors.iter().take(3).sum::<f64>() / 3.0,
            breadth: (1.0 + unusual as f64).log2(),
            techniques: (1.0 + lead.techniques.len() as f64).log2(),
            linked: f64::from(u8::from(causal)),
            reach: (lead.computers.len().max(1) as f64).log2(),
        }
    }
}
