//! Subjects: unique chains with their members, and each one's line in words.

use super::launch::{Launches, Shape, Texts};
use super::scorer::{Counted, Parts};
use crate::domain::{Step, Subject};
use crate::features::path::{normalise, without_program};
use foldhash::HashMap;

/// Characters shown of the leaf's command line.
const SHOWN: usize = 160;

/// A chain's members.
pub(super) struct Chain {
    /// Indices of the leaf processes, in time order.
    pub(super) leaves: Vec<u32>,
}

/// Groups processes into unique chains of `length` steps: the same paths, the same kind of user, and arguments that differ in nothing but words
/// that no other launch has. In order of first leaf.
pub(super) fn chains(launches: &Launches, counted: &Counted, length: usize) -> Vec<Chain> {
    let texts = &counted.texts;
    let stubs: Vec<u32> = launches.processes.stubs.iter().map(|stub| texts.get(&normalise(&stub.image)).unwrap_or(u32::MAX)).collect();
    let path = |step: Step| match step {
        Step::Process(index) => launches.shapes[launches.shape_of[index as usize] as usize].child.full,
        Step::Stub(index) => stubs[index as usize],
    };
    let mut common = Texts::default();
    let kinds: Vec<Shape> = launches.shapes.iter().map(|shape| Shape { arguments: common.intern(&counted.common_words(shape)), ..*shape }).collect();
    let mut known: HashMap<(Shape, Box<[u32]>), u32> = HashMap::default();
    let mut chains: Vec<Chain> = Vec::new();
    for leaf in 0..launches.processes.list.len() as u32 {
        let kind = kinds[launches.shape_of[leaf as usize] as usize];
        let steps = launches.processes.lineage(leaf, length);
        let above: Box<[u32]> = steps.iter().rev().skip(3).map(|step| path(*step)).collect();
        let at = *known.entry((kind, above)).or_insert(chains.len() as u32);
        match chains.get_mut(at as usize) {
            Some(chain) => chain.leaves.push(leaf),
            None => chains.push(Chain { leaves: vec![leaf] }),
        }
    }
    chains
}

impl Chain {
    /// The leaf that scores highest, the first of equals: it stands for the chain.
    pub(super) fn worst(&self, launches: &Launches, score: impl Fn(u32) -> f64) -> u32 {
        let mut best = (f64::NEG_INFINITY, self.leaves.first().copied().unwrap_or_default());
        for leaf in &self.leaves {
            let here = score(launches.shape_of[*leaf as usize]);
            if here > best.0 {
                best = (here, *leaf);
            }
        }
        best.1
    }

    /// The subject of the chain, seen through one leaf and the parts of its shape.
    pub(super) fn subject(&self, leaf: u32, launches: &Launches, parts: &Parts, coverage: f64, length: usize) -> Subject {
        let members = || self.leaves.iter().map(|leaf| &launches.processes.list[*leaf as usize]);
        let process = &launches.processes.list[leaf as usize];
        let (learned, prior) = (parts.learned(coverage), parts.prior());
        Subject {
            key: process.key,
            title: title(launches, leaf, length).into(),
            subject: "chain".into(),
            count: self.leaves.len() as u64,
            first_seen: members().filter_map(|process| process.start).min(),
            last_seen: members().filter_map(|process| process.start).max(),
            computer: Some(process.computer.clone()).filter(|computer| !computer.is_empty()),
            user: process.user.clone(),
            channel: process.channel.clone(),
            provider: process.provider.clone(),
            event_id: Some(process.event_id),
            record_id: process.record_id,
            image: Some(process.image.clone()).filter(|image| !image.is_empty()),
            command_line: process.command_line.clone(),
            learned: Some(learned),
            prior: Some(prior),
            loss: parts.loss,
            rarity: Some(parts.rarity),
            score: learned + prior,
            members: members().flat_map(|process| [Some(process.key), process.twin]).flatten().collect(),
            ..Subject::default()
        }
    }
}

/// `explorer.exe > winword.exe > powershell.exe -enc ...`
fn title(launches: &Launches, leaf: u32, length: usize) -> String {
    let names: Vec<String> = launches.processes.lineage(leaf, length).into_iter().map(|step| named(launches.processes.image(step))).collect();
    let process = &launches.processes.list[leaf as usize];
    let arguments = process.command_line.as_deref().map_or("", |line| without_program(line.trim(), &process.image));
    let line: String = arguments.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push_str(" ...");
    }
    let chain = names.join(" > ");
    if shown.is_empty() { chain } else { format!("{chain} {shown}") }
}

/// The name at the end of a path, as found.
fn named(image: &str) -> String {
    match image.rsplit(['\\', '/']).next() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "(unknown)".to_owned(),
    }
}
