//! A group of nodes as a story: its steps in order of time, its processes, what connects it, and a headline.

use super::ground::{Ground, NONE, NodeKind};
use super::group::Groups;
use super::links;
use super::phrases::{self, Told};
use super::score::Scored;
use super::techniques::{Place, Shown, technique};
use crate::domain::{EventKey, Lead, LeadLink, LeadProcess, LeadStep, Report, Strength, Subject, Technique};
use crate::features::path::base;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Steps of a story.
const STEPS: usize = 14;
/// Steps of one process and event type.
const ALIKE: usize = 3;
/// Processes whose start is a step whatever its score.
const STARTS: usize = 5;
/// Links told.
const LINKS: usize = 40;
/// Deeds of a headline.
const DEEDS: usize = 4;

/// What a story is told from.
pub(super) struct Teller<'a> {
    pub ground: &'a Ground,
    pub scored: &'a Scored,
    pub groups: &'a Groups,
    pub reports: &'a [&'a Report],
}

/// Events of one node and type: node, channel, event ID.
type Alike = (u32, Option<Arc<str>>, Option<u32>);

/// A step before it is put in order.
struct Found<'a> {
    event: u32,
    subject: &'a Subject,
    report: &'a Report,
    index: u32,
    score: f32,
}

impl Teller<'_> {
    /// Tells the story of a group. `nodes` and `events` are its own, in order.
    pub(super) fn lead(&self, nodes: &[u32], events: &[u32], links: &[links::Link]) -> Lead {
        let processes = self.processes(nodes);
        let place: BTreeMap<u32, u32> = processes.iter().enumerate().map(|(at, (node, _))| (*node, at as u32)).collect();
        let found = self.steps(nodes, events);
        let strongest = found.iter().max_by(|a, b| a.score.total_cmp(&b.score).then(b.event.cmp(&a.event))).map(|step| step.event);
        let mut steps: Vec<LeadStep> = found.iter().map(|step| self.step(step, &place)).collect();
        steps.sort_by_key(|step| (step.time.is_none(), step.time, step.key));
        let times = events.iter().filter_map(|event| self.ground.events.get(*event as usize)).map(|row| row.time).filter(|time| *time != i64::MIN);
        let (first, last) = times.fold((i64::MAX, i64::MIN), |(first, last), time| (first.min(time), last.max(time)));
        let keys: Vec<EventKey> = events.iter().filter_map(|event| self.ground.events.get(*event as usize)).map(|row| row.key).collect();
        let techniques: BTreeSet<Technique> = steps.iter().filter_map(|step| step.technique.clone()).collect();
        let anchor =
            strongest.and_then(|event| self.ground.events.get(event as usize)).map(|row| row.key).or_else(|| keys.first().copied()).unwrap_or_default();
        let headline = self.headline(&processes, &found);
        Lead {
            rank: 0,
            score: 0.0,
            learned: 0.0,
            prior: 0.0,
            strength: Strength::Weak,
            headline: headline.into(),
            first_seen: (first != i64::MAX).then_some(first),
            last_seen: (last != i64::MIN).then_some(last),
            computers: self.computers(events),
            users: self.users(&processes, &found),
            techniques: techniques.into_iter().collect(),
            steps,
            processes: processes.into_iter().map(|(_, process)| process).collect(),
            links: links.iter().take(LINKS).map(|link| LeadLink { kind: link.kind, reason: links::words(self.ground, *link).into() }).collect(),
            events: keys,
            anchor,
        }
    }

    /// The group's processes, parents before children, siblings by start.
    fn processes(&self, nodes: &[u32]) -> Vec<(u32, LeadProcess)> {
        let own: Vec<u32> = nodes.iter().copied().filter(|node| (*node as usize) < self.ground.processes.len()).collect();
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut roots = Vec::new();
        for &node in &own {
            match self.groups.parent.get(node as usize).copied().unwrap_or(NONE) {
                NONE => roots.push(node),
                parent => children.entry(parent).or_default().push(node),
            }
        }
        let start = |node: &u32| (self.ground.process(*node).and_then(|p| p.start).unwrap_or(i64::MIN), *node);
        roots.sort_by_key(start);
        for list in children.values_mut() {
            list.sort_by_key(start);
        }
        let mut out: Vec<(u32, LeadProcess)> = Vec::with_capacity(own.len());
        let mut place: BTreeMap<u32, u32> = BTreeMap::new();
        let mut stack: Vec<u32> = roots.into_iter().rev().collect();
        while let Some(node) = stack.pop() {
            if place.contains_key(&node) {
                continue;
            }
            place.insert(node, out.len() as u32);
            let parent = self.groups.parent.get(node as usize).and_then(|parent| place.get(parent).copied());
            out.push((node, self.process(node, parent)));
            stack.extend(children.get(&node).into_iter().flatten().rev());
        }
        out
    }

    fn process(&self, node: u32, parent: Option<u32>) -> LeadProcess {
        let facts = self.ground.process(node).cloned().unwrap_or_default();
        let computer = self.ground.nodes.get(node as usize).map_or(NONE, |node| node.computer);
        LeadProcess {
            computer: self.ground.computer(computer),
            guid: facts.guid,
            pid: facts.pid,
            image: facts.image,
            command_line: facts.command_line,
            start: facts.start,
            key: facts.key,
            score: self.scored.node.get(node as usize).map_or(0.0, |score| f64::from(*score)),
            parent,
        }
    }

    /// The most unusual events, each unique event once, and the starts of the most unusual processes.
    fn steps(&self, nodes: &[u32], events: &[u32]) -> Vec<Found<'_>> {
        let mut all: Vec<Found<'_>> = events.iter().filter_map(|event| self.found(*event)).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.event.cmp(&b.event)));
        let mut starts: Vec<(f32, u32)> = nodes
            .iter()
            .filter(|node| (**node as usize) < self.ground.processes.len())
            .filter_map(|node| Some((*self.scored.node.get(*node as usize)?, *node)))
            .collect();
        starts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let wanted: BTreeSet<EventKey> = starts.iter().take(STARTS).filter_map(|(_, node)| self.ground.process(*node)?.key).collect();
        let (mut taken, mut subjects) = (Vec::new(), BTreeSet::new());
        let mut alike: BTreeMap<Alike, usize> = BTreeMap::new();
        for step in &all {
            let Some(row) = self.ground.events.get(step.event as usize) else { continue };
            let is_start = wanted.contains(&row.key);
            let count = alike.entry((row.node, step.subject.channel.clone(), step.subject.event_id)).or_default();
            let new = subjects.insert((step.report.detector, step.index));
            if is_start || (new && *count < ALIKE && taken.len() < STEPS) {
                *count += 1;
                taken.push(Found { ..*step });
            }
        }
        taken.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.event.cmp(&b.event)));
        taken.truncate(STEPS + STARTS);
        taken
    }

    fn found(&self, event: u32) -> Option<Found<'_>> {
        let best = self.scored.best.get(event as usize)?;
        let report = self.reports.get(best.report as usize)?;
        let subject = report.subjects.get(best.subject as usize)?;
        Some(Found { event, subject, report, index: best.subject, score: self.scored.event.get(event as usize).copied()? })
    }

    fn step(&self, found: &Found<'_>, place: &BTreeMap<u32, u32>) -> LeadStep {
        let row = self.ground.events.get(found.event as usize);
        let subject = found.subject;
        // A chain and a window are told by their own line; a unique event by its sentence.
        let own = row.is_some_and(|row| row.key == subject.key);
        LeadStep {
            key: row.map(|row| row.key).unwrap_or_default(),
            time: row.map(|row| row.time).filter(|time| *time != i64::MIN),
            computer: self.ground.computer(row.map_or(NONE, |row| row.computer)),
            record_id: if own { subject.record_id } else { None },
            message: subject.title.clone(),
            detector: found.report.detector,
            subject: found.index,
            reason: reason(subject),
            score: f64::from(found.score),
            process: row.and_then(|row| place.get(&row.node).copied()),
            technique: self.technique(found),
        }
    }

    fn object(&self, event: u32) -> &str {
        self.ground.events.get(event as usize).map_or("", |row| self.ground.texts.name(row.object))
    }

    fn technique(&self, found: &Found<'_>) -> Option<Technique> {
        let subject = found.subject;
        let object = self.object(found.event);
        let line = subject.command_line.as_deref().unwrap_or_default();
        let text = format!("{line} {object} {}", subject.title).to_lowercase();
        let shown = Shown {
            place: Place::of(subject.provider.as_deref(), subject.channel.as_deref()),
            event_id: subject.event_id?,
            program: &base(subject.image.as_deref().unwrap_or_default()),
            text: &text,
        };
        technique(&shown)
    }

    /// Computers in the order in which the story reaches them.
    fn computers(&self, events: &[u32]) -> Vec<Arc<str>> {
        let mut first: BTreeMap<u32, i64> = BTreeMap::new();
        for row in events.iter().filter_map(|event| self.ground.events.get(*event as usize)) {
            let time = if row.time == i64::MIN { i64::MAX } else { row.time };
            first.entry(row.computer).and_modify(|at| *at = (*at).min(time)).or_insert(time);
        }
        let mut order: Vec<(i64, u32)> = first.into_iter().map(|(computer, time)| (time, computer)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, computer)| self.ground.computer(computer)).filter(|name| !name.is_empty()).collect()
    }

    fn users(&self, processes: &[(u32, LeadProcess)], found: &[Found<'_>]) -> Vec<Arc<str>> {
        let of_processes = processes.iter().filter_map(|(node, _)| self.ground.process(*node)?.user.clone());
        let of_steps = found.iter().filter_map(|step| step.subject.user.clone());
        of_processes.chain(of_steps).filter(|user| !user.is_empty()).collect::<BTreeSet<Arc<str>>>().into_iter().collect()
    }

    /// The most unusual process with its parent, then what was done, in order of time.
    fn headline(&self, processes: &[(u32, LeadProcess)], found: &[Found<'_>]) -> String {
        let mut told: Vec<(u8, &Found<'_>, String)> = found.iter().filter_map(|step| self.deed(step).map(|(worth, text)| (worth, step, text))).collect();
        // What tells most first; among equals what is most unusual. A headline without anything better has one of the rest.
        told.sort_by_key(|(worth, ..)| std::cmp::Reverse(*worth));
        let mut deeds: Vec<(&Found<'_>, String)> = Vec::new();
        for (worth, step, text) in told {
            let room = if worth > 0 { DEEDS } else { 1 };
            if deeds.len() < room && !deeds.iter().any(|(_, known)| *known == text) {
                deeds.push((step, text));
            }
        }
        let time = |step: &Found<'_>| self.ground.events.get(step.event as usize).map_or(i64::MIN, |row| row.time);
        deeds.sort_by_key(|(step, _)| (time(step), step.event));
        let main = processes.iter().max_by(|a, b| a.1.score.total_cmp(&b.1.score).then(b.0.cmp(&a.0))).filter(|(_, process)| !process.image.is_empty());
        let Some((node, process)) = main else {
            let strongest = found.first();
            let told = strongest.map(|step| phrases::sentence(&step.subject.title)).unwrap_or_default();
            return if told.is_empty() { self.node_title(strongest) } else { told };
        };
        let own = phrases::process(&process.image, process.command_line.as_deref());
        let parent = self.ground.process(*node).and_then(|facts| self.ground.process(facts.parent)).map(|p| base(&p.image)).filter(|name| !name.is_empty());
        let mut sentence = match parent {
            Some(parent) => format!("{parent} started {own}"),
            None => own,
        };
        let others: BTreeSet<String> = processes
            .iter()
            .filter(|(other, p)| other != node && p.score > 0.0 && !p.image.is_empty())
            .map(|(_, p)| base(&p.image))
            .filter(|name| *name != base(&process.image))
            .collect();
        let strongest_others: Vec<String> = strongest(processes, &others);
        if !strongest_others.is_empty() {
            sentence += &format!(", with {}", phrases::listed(&strongest_others));
        }
        let texts: Vec<String> = deeds.into_iter().map(|(_, text)| text).collect();
        if !texts.is_empty() {
            sentence += &format!("; {}", phrases::listed(&texts));
        }
        sentence
    }

    fn deed(&self, step: &Found<'_>) -> Option<(u8, String)> {
        let subject = step.subject;
        phrases::deed(&Told {
            place: Place::of(subject.provider.as_deref(), subject.channel.as_deref()),
            event_id: subject.event_id?,
            object: self.object(step.event),
        })
    }

    fn node_title(&self, step: Option<&Found<'_>>) -> String {
        let node = step.and_then(|step| self.ground.events.get(step.event as usize)).map_or(NONE, |row| row.node);
        match self.ground.nodes.get(node as usize).map(|node| node.kind) {
            Some(NodeKind::Process) | None => "unusual events".into(),
            Some(_) => self.ground.title(node),
        }
    }
}

/// The three most unusual other programs, by name.
fn strongest(processes: &[(u32, LeadProcess)], names: &BTreeSet<String>) -> Vec<String> {
    let mut best: Vec<(f64, &String)> =
        names.iter().map(|name| (processes.iter().filter(|(_, p)| base(&p.image) == *name).map(|(_, p)| p.score).fold(0.0, f64::max), name)).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    best.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

/// The first reason that says more than that a relative is unusual; that one where there is no other.
fn reason(subject: &Subject) -> Arc<str> {
    let lent = |reason: &str| reason.starts_with("process context");
    let mut said = subject.reasons.iter().filter(|reason| !reason.is_empty());
    said.clone().find(|reason| !lent(reason)).or_else(|| said.next()).cloned().unwrap_or_else(|| "".into())
}
