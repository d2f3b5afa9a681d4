//! Subjects: unique chains with their members, and each one's line in words.

use super::launch::Launches;
use super::launch::Texts;
use super::scorer::Parts;
use crate::domain::{EventKey, Process, Step, Subject};
use foldhash::{HashMap, HashMapExt};

/// Characters shown of the leaf's command line.
const SHOWN: usize = 160;

/// A chain's members and the shape of its leaf.
pub(super) struct Chain {
    pub(super) shape: u32,
    /// Indices of the leaf processes, in time order.
    pub(super) leaves: Vec<u32>,
}

/// Groups processes into unique chains of `length` steps: the same paths, the same kind of user, the same arguments. In order of first leaf.
pub(super) fn chains(launches: &Launches, texts: &Texts, length: usize) -> Vec<Chain> {
    let stubs: Vec<u32> = launches.processes.stubs.iter().map(|stub| texts.get(&crate::features::path::normalise(&stub.image)).unwrap_or(u32::MAX)).collect();
    let path = |step: Step| match step {
        Step::Process(index) => launches.shapes[launches.shape_of[index as usize] as usize].child.full,
        Step::Stub(index) => stubs[index as usize],
    };
    let mut known: HashMap<(u32, Box<[u32]>), u32> = HashMap::with_capacity(launches.shapes.len());
    let mut chains: Vec<Chain> = Vec::new();
    for leaf in 0..launches.processes.list.len() as u32 {
        let shape = launches.shape_of[leaf as usize];
        let steps = launches.processes.lineage(leaf, length);
        let above: Box<[u32]> = steps.iter().rev().skip(3).map(|step| path(*step)).collect();
        let at = *known.entry((shape, above)).or_insert(chains.len() as u32);
        match chains.get_mut(at as usize) {
            Some(chain) => chain.leaves.push(leaf),
            None => chains.push(Chain { shape, leaves: vec![leaf] }),
        }
    }
    chains
}

/// The subject of a chain.
pub(super) fn subject(chain: &Chain, launches: &Launches, parts: &Parts, coverage: f64, length: usize) -> Subject {
    let members: Vec<&Process> = chain.leaves.iter().map(|leaf| &launches.processes.list[*leaf as usize]).collect();
    let times = || members.iter().filter_map(|process| process.start);
    let (learned, prior) = (parts.learned(coverage), parts.prior());
    let leaf = chain.leaves.first().map_or(String::new(), |leaf| title(launches, *leaf, length));
    let first = members.first();
    Subject {
        key: first.map_or_else(EventKey::default, |process| process.key),
        title: leaf.into(),
        subject: "chain".into(),
        count: members.len() as u64,
        first_seen: times().min(),
        last_seen: times().max(),
        computer: first.map(|process| process.computer.clone()).filter(|computer| !computer.is_empty()),
        user: first.and_then(|process| process.user.clone()),
        channel: first.and_then(|process| process.channel.clone()),
        provider: first.and_then(|process| process.provider.clone()),
        event_id: first.map(|process| process.event_id),
        record_id: first.and_then(|process| process.record_id),
        image: first.map(|process| process.image.clone()).filter(|image| !image.is_empty()),
        command_line: first.and_then(|process| process.command_line.clone()),
        learned: Some(learned),
        prior: Some(prior),
        loss: parts.loss,
        rarity: Some(parts.rarity),
        score: learned + prior,
        members: members.iter().flat_map(|process| [Some(process.key), process.twin]).flatten().collect(),
        ..Subject::default()
    }
}

/// `explorer.exe > winword.exe > powershell.exe -enc ...`
pub(super) fn title(launches: &Launches, leaf: u32, length: usize) -> String {
    let names: Vec<String> = launches.processes.lineage(leaf, length).into_iter().map(|step| named(launches.processes.image(step))).collect();
    let process = &launches.processes.list[leaf as usize];
    let arguments = process.command_line.as_deref().map_or("", |line| crate::features::path::without_program(line.trim(), &process.image));
    let line: String = arguments.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push_str(" ...");
    }
    let chain = names.join(" > ");
    if shown.is_empty() { chain } else { format!("{chain} {shown}") }
}

/// The name at the end of a path, as found.
pub(super) fn named(image: &str) -> String {
    match image.rsplit(['\\', '/']).next() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "(unknown)".to_owned(),
    }
}
