//! Joins creations and exits into processes with parents: twins, intervals, stubs.

use super::lineage::{Creation, Exit};
use super::path::base;
use crate::domain::{Guid, Parent, Process, Processes, Stub};
use std::collections::HashMap;
use std::sync::Arc;

/// Nanoseconds by which Sysmon's and Security's clocks may differ over one and the same thing.
const SLACK: i64 = 2_000_000_000;

/// A process ID on a computer.
type Pid = (Arc<str>, u32);

pub(super) fn join(creations: Vec<Creation>, exits: Vec<Exit>) -> Processes {
    let mut creations = merge_twins(creations);
    creations.sort_by_key(|c| (c.process.start.is_none(), c.process.start, c.process.key));
    let index = Index::new(&creations);
    close(&mut creations, &index, exits);
    adopt(creations, &index)
}

/// Makes one creation of each pair that Sysmon and Security tell of: same computer, process ID and image name, within [`SLACK`], nearest first.
/// Where Sysmon's process ID was lost, the same command line stands for it.
fn merge_twins(creations: Vec<Creation>) -> Vec<Creation> {
    let mut open: HashMap<(Arc<str>, Option<u32>, String), Vec<usize>> = HashMap::new();
    for (i, c) in creations.iter().enumerate().filter(|(_, c)| c.is_sysmon() && c.process.start.is_some()) {
        open.entry((c.host.clone(), c.process.pid, base(&c.process.image))).or_default().push(i);
    }
    let mut twins: Vec<(u64, usize, usize)> = Vec::new();
    for (i, c) in creations.iter().enumerate().filter(|(_, c)| !c.is_sysmon()) {
        let Some(start) = c.process.start else { continue };
        let image = base(&c.process.image);
        for pid in [c.process.pid, None] {
            for &j in open.get(&(c.host.clone(), pid, image.clone())).into_iter().flatten() {
                let other = &creations[j].process;
                let apart = other.start.map_or(u64::MAX, |s| s.abs_diff(start));
                let same = pid.is_some() || c.process.command_line.is_none() || other.command_line == c.process.command_line;
                if same && apart <= SLACK as u64 {
                    twins.push((apart, i, j));
                }
            }
        }
    }
    twins.sort_unstable();
    let mut partner: Vec<Option<usize>> = vec![None; creations.len()];
    for (_, security, sysmon) in twins {
        if partner[security].is_none() && partner[sysmon].is_none() {
            partner[security] = Some(sysmon);
            partner[sysmon] = Some(security);
        }
    }
    let mut kept: Vec<Option<Creation>> = creations.into_iter().map(Some).collect();
    for security in 0..kept.len() {
        let Some(sysmon) = partner[security] else { continue };
        if kept[security].as_ref().is_some_and(Creation::is_sysmon) {
            continue;
        }
        if let (Some(from), Some(into)) = (kept[security].take(), kept[sysmon].as_mut()) {
            absorb(into, from);
        }
    }
    kept.into_iter().flatten().collect()
}

/// Fills what Sysmon's creation lacks from Security's.
fn absorb(into: &mut Creation, from: Creation) {
    let (p, q) = (&mut into.process, from.process);
    p.twin = Some(q.key);
    p.pid = p.pid.or(q.pid);
    p.command_line = p.command_line.take().or(q.command_line);
    p.user = p.user.take().or(q.user);
    p.logon_id = p.logon_id.or(q.logon_id);
    if p.integrity == crate::domain::Integrity::Unknown {
        p.integrity = q.integrity;
    }
    into.ppid = into.ppid.or(from.ppid);
    into.parent_image = into.parent_image.take().or(from.parent_image);
}

/// Where to look processes up; lists are in the order of the sorted creations.
struct Index {
    by_guid: HashMap<Guid, u32>,
    by_pid: HashMap<Pid, Vec<u32>>,
}

impl Index {
    fn new(creations: &[Creation]) -> Self {
        let mut index = Self { by_guid: HashMap::with_capacity(creations.len()), by_pid: HashMap::new() };
        for (i, c) in creations.iter().enumerate() {
            if let Some(guid) = c.process.guid {
                index.by_guid.entry(guid).or_insert(i as u32);
            }
            if let (Some(pid), Some(_)) = (c.process.pid, c.process.start) {
                index.by_pid.entry((c.host.clone(), pid)).or_default().push(i as u32);
            }
        }
        index
    }

    /// The last process that took this ID at or before `time`.
    fn last_before(&self, creations: &[Creation], host: &Arc<str>, pid: u32, time: i64) -> Option<u32> {
        let list = self.by_pid.get(&(host.clone(), pid))?;
        let later = list.partition_point(|i| creations[*i as usize].process.start <= Some(time));
        later.checked_sub(1).map(|at| list[at])
    }
}

/// Gives processes their exits: by GUID, else the last process that took the ID before the exit, if its image agrees.
fn close(creations: &mut [Creation], index: &Index, mut exits: Vec<Exit>) {
    exits.sort_by_key(|e| e.time);
    for exit in exits {
        let found = match exit.guid.and_then(|guid| index.by_guid.get(&guid).copied()) {
            Some(known) => Some(known),
            None => exit.pid.and_then(|pid| index.last_before(creations, &exit.host, pid, exit.time)),
        };
        let Some(process) = found.map(|i| &mut creations[i as usize].process) else { continue };
        let other = exit.guid.is_some() && process.guid.is_some() && exit.guid != process.guid;
        if process.end.is_none() && !other && agrees(exit.image.as_deref(), process) {
            process.end = Some(exit.time);
        }
    }
}

fn agrees(image: Option<&str>, process: &Process) -> bool {
    image.is_none_or(|image| process.image.is_empty() || base(image) == base(&process.image))
}

/// Finds every process's parent, or makes its stub.
fn adopt(creations: Vec<Creation>, index: &Index) -> Processes {
    let mut stubs = Stubs::default();
    let mut parents: Vec<Parent> =
        (0..creations.len()).map(|i| known_parent(&creations, index, i as u32).map_or_else(|| stubs.of(&creations[i]), Parent::Known)).collect();
    cut_cycles(&mut parents);
    let list = creations.into_iter().zip(parents).map(|(c, parent)| Process { parent, ..c.process }).collect();
    Processes { list, stubs: stubs.list }
}

/// Cuts the parent that closes a circle, which only a damaged or forged log can hold.
fn cut_cycles(parents: &mut [Parent]) {
    let mut walk: Vec<u32> = vec![u32::MAX; parents.len()];
    for first in 0..parents.len() {
        let mut at = first;
        while walk[at] == u32::MAX {
            walk[at] = first as u32;
            let Parent::Known(next) = parents[at] else { break };
            if walk[next as usize] == first as u32 {
                parents[at] = Parent::Unknown;
                break;
            }
            at = next as usize;
        }
    }
}

fn known_parent(creations: &[Creation], index: &Index, i: u32) -> Option<u32> {
    let child = &creations[i as usize];
    if let Some(parent) = child.parent_guid.and_then(|guid| index.by_guid.get(&guid).copied()) {
        return Some(parent);
    }
    let start = child.process.start?;
    let found = index.last_before(creations, &child.host, child.ppid?, start).filter(|p| *p != i)?;
    let parent = &creations[found as usize].process;
    let alive = parent.end.is_none_or(|end| end >= start.saturating_sub(SLACK));
    let same = child.parent_guid.is_none() || parent.guid.is_none();
    (alive && same && agrees(child.parent_image.as_deref(), parent)).then_some(found)
}

/// Computer, GUID, process ID (where there is no GUID) and image in lower case.
type StubName = (Arc<str>, Option<Guid>, Option<u32>, String);

/// The stubs, each once.
#[derive(Default)]
struct Stubs {
    list: Vec<Stub>,
    known: HashMap<StubName, u32>,
}

impl Stubs {
    fn of(&mut self, child: &Creation) -> Parent {
        let (guid, pid) = (child.parent_guid, child.ppid);
        let image: Arc<str> = match (&child.parent_image, pid) {
            (Some(image), _) => image.clone(),
            (None, Some(4)) => "System".into(),
            (None, None) if guid.is_none() => return Parent::Unknown,
            (None, _) => "".into(),
        };
        let by_pid = if guid.is_some() { None } else { pid };
        let key = (child.host.clone(), guid, by_pid, image.to_ascii_lowercase());
        let index = *self.known.entry(key).or_insert_with(|| {
            self.list.push(Stub { computer: child.process.computer.clone(), guid, pid, image });
            (self.list.len() - 1) as u32
        });
        Parent::Stub(index)
    }
}
