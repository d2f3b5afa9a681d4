//! Which nodes make one lead: process trees cut below hubs, joined where links between them are specific enough.

use super::ground::{Ground, Map, NONE, NodeKind};
use super::links::Link;
use super::score::Scored;
use crate::domain::LinkKind;

/// Processes of a lead beyond which links join nothing more to it; process trees may be larger.
const LARGEST: u32 = 250;
/// Groups that share a session beyond which the session joins only what is unusual in it.
const SESSION: usize = 6;
/// Share of the groups with processes that count as unusual: what is so may be joined by weaker links.
const UNUSUAL: f64 = 0.03;
/// Nanoseconds between two unusual processes of one session that still belong together.
const MOMENTS: i64 = 30 * 60 * 1_000_000_000;
/// Children of which a process that is learned as a hub has at least so many, of so many programs.
const HUB: (u32, usize) = (12, 5);

/// A partition of the nodes, and the links that made it.
pub(super) struct Groups {
    /// By node: its group, counted from 0 in order of first nodes.
    pub of: Vec<u32>,
    pub count: usize,
    /// Links inside groups that joined them.
    pub links: Vec<Link>,
    /// By process node: its parent inside the same tree, [`NONE`] below a hub.
    pub parent: Vec<u32>,
}

/// Disjoint sets with path halving; the smaller root stays, so that results do not hang on order.
struct Sets {
    up: Vec<u32>,
    processes: Vec<u32>,
}

impl Sets {
    fn root(&mut self, node: u32) -> u32 {
        let mut at = node as usize;
        while let Some(&next) = self.up.get(at).filter(|next| **next as usize != at) {
            let over = self.up.get(next as usize).copied().unwrap_or(next);
            if let Some(slot) = self.up.get_mut(at) {
                *slot = over;
            }
            at = over as usize;
        }
        at as u32
    }

    fn size(&mut self, node: u32) -> u32 {
        let root = self.root(node);
        self.processes.get(root as usize).copied().unwrap_or(0)
    }

    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return false;
        }
        let (keep, gone) = (a.min(b), a.max(b));
        let more = self.processes.get(gone as usize).copied().unwrap_or(0);
        if let Some(slot) = self.up.get_mut(gone as usize) {
            *slot = keep;
        }
        if let Some(slot) = self.processes.get_mut(keep as usize) {
            *slot += more;
        }
        true
    }
}

pub(super) fn group(ground: &Ground, scored: &Scored, links: &[Link]) -> Groups {
    let total = scored.node.len();
    let processes = ground.processes.len();
    let mut sets = Sets { up: (0..total as u32).collect(), processes: (0..total).map(|node| u32::from(node < processes)).collect() };
    let hubs = learned_hubs(ground, scored);
    let mut parent = vec![NONE; processes];
    for (at, facts) in ground.processes.iter().enumerate() {
        let above = facts.parent;
        if above != NONE && !hubs.get(above as usize).copied().unwrap_or(true) {
            sets.join(at as u32, above);
            if let Some(slot) = parent.get_mut(at) {
                *slot = above;
            }
        }
    }
    cut_cycles(&mut parent);
    let mut joined = Vec::new();
    let causal = |kind: LinkKind| matches!(kind, LinkKind::Injection | LinkKind::File | LinkKind::Service | LinkKind::Task | LinkKind::Remote);
    for link in links.iter().filter(|link| causal(link.kind)) {
        join(&mut sets, *link, &mut joined);
    }
    let logons: Map<u32, u8> = ground.traces.logons.iter().map(|(session, logon, _)| (*session, logon.kind)).collect();
    sessions(ground, &mut sets, links, &logons, &mut joined);
    let (best, cut) = (group_scores(scored, &mut sets), cutoff(ground, scored, &mut sets));
    let unusual = |sets: &mut Sets, node: u32| {
        let root = sets.root(node);
        best.get(root as usize).is_some_and(|score| *score >= cut)
    };
    for link in links.iter().filter(|link| link.kind == LinkKind::SameProgram) {
        if unusual(&mut sets, link.a) && unusual(&mut sets, link.b) {
            join(&mut sets, *link, &mut joined);
        }
    }
    for link in moments_apart(ground, links) {
        if unusual(&mut sets, link.a) && unusual(&mut sets, link.b) {
            join(&mut sets, link, &mut joined);
        }
    }
    number(sets, total, joined, parent)
}

/// A link joins unless the result would be larger than a story can be.
fn join(sets: &mut Sets, link: Link, joined: &mut Vec<Link>) {
    let (a, b) = (sets.size(link.a), sets.size(link.b));
    if sets.root(link.a) != sets.root(link.b) && (a == 0 || b == 0 || a + b <= LARGEST) && sets.join(link.a, link.b) {
        joined.push(link);
    }
}

/// Processes of one session, each linked with the one before where little time lies between.
fn moments_apart(ground: &Ground, links: &[Link]) -> Vec<Link> {
    let is_session = |node: u32| ground.nodes.get(node as usize).is_some_and(|node| node.kind == NodeKind::Session);
    let start = |node: u32| ground.process(node).and_then(|process| process.start);
    let mut runs: Vec<(u32, i64, u32)> =
        links.iter().filter(|link| link.kind == LinkKind::Session && is_session(link.b)).filter_map(|link| Some((link.b, start(link.a)?, link.a))).collect();
    runs.sort_unstable();
    let near = |pair: &[(u32, i64, u32)]| match pair {
        [(session, from, a), (other, to, b)] if session == other && to.saturating_sub(*from) <= MOMENTS => {
            Some(Link { kind: LinkKind::Session, a: *a, b: *b, text: NONE })
        }
        _ => None,
    };
    runs.windows(2).filter_map(near).collect()
}

/// Sessions in which few groups ran join them all; one that came over the network may have twice as many.
fn sessions(ground: &Ground, sets: &mut Sets, links: &[Link], logons: &Map<u32, u8>, joined: &mut Vec<Link>) {
    let is_session = |node: u32| ground.nodes.get(node as usize).is_some_and(|node| node.kind == NodeKind::Session);
    let mut groups: Map<u32, Vec<u32>> = Map::default();
    for link in links.iter().filter(|link| link.kind == LinkKind::Session && is_session(link.b)) {
        let root = sets.root(link.a);
        let list = groups.entry(link.b).or_default();
        if !list.contains(&root) && list.len() <= 2 * SESSION {
            list.push(root);
        }
    }
    for link in links.iter().filter(|link| link.kind == LinkKind::Session && is_session(link.b)) {
        let many = groups.get(&link.b).map_or(0, Vec::len);
        let network = logons.get(&link.b).is_some_and(|kind| matches!(kind, 3 | 8));
        if many <= if network { 2 * SESSION } else { SESSION } {
            join(sets, *link, joined);
        }
    }
}

/// The score that the most unusual groups with processes reach.
fn cutoff(ground: &Ground, scored: &Scored, sets: &mut Sets) -> f32 {
    let best = group_scores(scored, sets);
    let mut scores: Vec<f32> = best
        .iter()
        .enumerate()
        .filter(|(root, _)| *root < ground.processes.len() && sets.up.get(*root) == Some(&(*root as u32)))
        .map(|(_, score)| *score)
        .collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let at = ((scores.len() as f64 * UNUSUAL) as usize).max(2);
    scores.get(at.min(scores.len().saturating_sub(1))).copied().unwrap_or(f32::INFINITY)
}

fn group_scores(scored: &Scored, sets: &mut Sets) -> Vec<f32> {
    let mut best = vec![0.0f32; scored.node.len()];
    for (node, score) in scored.node.iter().enumerate() {
        let root = sets.root(node as u32);
        if let Some(slot) = best.get_mut(root as usize) {
            *slot = slot.max(*score);
        }
    }
    best
}

/// Hubs: those that are known, and processes with many children of many programs whose middle one is as ordinary as half of all processes.
fn learned_hubs(ground: &Ground, scored: &Scored) -> Vec<bool> {
    let processes = ground.processes.len();
    let mut hubs: Vec<bool> = ground.processes.iter().map(|p| p.hub).collect();
    let mut children: Vec<u32> = vec![0; processes];
    for facts in &ground.processes {
        if let Some(count) = children.get_mut(facts.parent as usize) {
            *count += 1;
        }
    }
    if !children.iter().any(|count| *count >= HUB.0) {
        return hubs;
    }
    let mut scores: Vec<f32> = scored.node.iter().take(processes).copied().filter(|score| *score > 0.0).collect();
    scores.sort_by(f32::total_cmp);
    let middle = scores.get(scores.len() / 2).copied().unwrap_or(0.0);
    let mut of: Map<u32, (Vec<f32>, Vec<u32>)> = Map::default();
    for (at, facts) in ground.processes.iter().enumerate() {
        if children.get(facts.parent as usize).is_some_and(|count| *count >= HUB.0) {
            let (own, names) = of.entry(facts.parent).or_default();
            own.push(scored.node.get(at).copied().unwrap_or(0.0));
            let name = ground.nodes.get(at).map_or(NONE, |node| node.name);
            if names.len() < HUB.1 && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    #[expect(clippy::iter_over_hash_type, reason = "each parent is judged by itself")]
    for (parent, (mut own, names)) in of {
        own.sort_by(f32::total_cmp);
        let typical = own.get(own.len() / 2).copied().unwrap_or(f32::INFINITY);
        if names.len() >= HUB.1
            && typical <= middle
            && let Some(slot) = hubs.get_mut(parent as usize)
        {
            *slot = true;
        }
    }
    hubs
}

/// Cuts the parent that closes a circle: GUIDs and IDs of damaged or forged logs may.
fn cut_cycles(parents: &mut [u32]) {
    let mut walk = vec![NONE; parents.len()];
    for first in 0..parents.len() {
        let mut at = first;
        while walk.get(at) == Some(&NONE) {
            if let Some(slot) = walk.get_mut(at) {
                *slot = first as u32;
            }
            let Some(&next) = parents.get(at).filter(|next| **next != NONE) else { break };
            if walk.get(next as usize) == Some(&(first as u32)) {
                if let Some(slot) = parents.get_mut(at) {
                    *slot = NONE;
                }
                break;
            }
            at = next as usize;
        }
    }
}

fn number(mut sets: Sets, total: usize, links: Vec<Link>, parent: Vec<u32>) -> Groups {
    let mut codes: Map<u32, u32> = Map::default();
    let mut of = Vec::with_capacity(total);
    for node in 0..total as u32 {
        let next = codes.len() as u32;
        let root = sets.root(node);
        of.push(*codes.entry(root).or_insert(next));
    }
    Groups { of, count: codes.len(), links, parent }
}
