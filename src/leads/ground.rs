//! The graph's ground: every event of a case with its node, and the nodes themselves, gathered in one pass.
//!
//! Nodes are processes (those whose creation is in the log, those that predate it, and those that only a GUID or an ID tells of), logon sessions,
//! services, tasks and files. An event belongs to the process that caused it; where that is a hub that acts for everybody, or none, to the service,
//! task or file it is about, else to its logon session, else to none. Memory: one row of 32 bytes an event, every distinct text once.

use super::facts::{Facts, Logon, Reach, Thing, facts, host, path};
use super::hubs::is_hub;
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventRef, EventStore, Guid, Parent, Processes};
use crate::features::Interner;
use crate::features::lineage::Gatherer;
use crate::features::path::base;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// No node, no text, no parent.
pub(super) const NONE: u32 = u32::MAX;
/// Nanoseconds by which two logs' clocks may differ over one and the same thing.
pub(super) const SLACK: i64 = 2_000_000_000;

pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum NodeKind {
    Process,
    Session,
    Service,
    Task,
    File,
}

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: NodeKind,
    /// Code of its computer's name in lower case.
    pub computer: u32,
    /// Code of its name: image path, service, task or file; of a session its ID.
    pub name: u32,
    /// Its first event, nanoseconds UTC; `i64::MAX` = none has a time.
    pub first: i64,
}

/// What only processes have; index = node.
#[derive(Clone, Debug, Default)]
pub(super) struct ProcessFacts {
    pub guid: Option<Guid>,
    pub pid: Option<u32>,
    pub image: Arc<str>,
    pub command_line: Option<Arc<str>>,
    pub user: Option<Arc<str>>,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub key: Option<EventKey>,
    pub parent: u32,
    pub logon: Option<u64>,
    pub hub: bool,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventRow {
    pub key: EventKey,
    /// `i64::MIN` = none.
    pub time: i64,
    /// The node it belongs to; [`NONE`] = none.
    pub node: u32,
    /// Code of the computer's name.
    pub computer: u32,
    /// Code of what the event is about, for headlines.
    pub object: u32,
}

/// What connects nodes, as the events tell it; [`super::links`] makes links of it.
#[derive(Default)]
pub(super) struct Traces {
    /// (writer, path, time).
    pub wrote: Vec<(u32, u32, i64)>,
    /// (loader, path, time).
    pub loaded: Vec<(u32, u32, i64)>,
    /// (service or task, path that it runs, time).
    pub runs: Vec<(u32, u32, i64)>,
    /// (process or session, service or task).
    pub about: Vec<(u32, u32)>,
    /// (task, process).
    pub started: Vec<(u32, u32)>,
    /// (process, process that it ran code in).
    pub into: Vec<(u32, u32)>,
    /// (session, logon, time).
    pub logons: Vec<(u32, Logon, i64)>,
    /// (process or session, where to, time).
    pub reaches: Vec<(u32, Reach, i64)>,
    /// (computer, its address).
    pub addresses: Vec<(u32, u32)>,
}

/// Everything that leads are made of, beside the rankings. Cheap to keep: rankings come and go, the ground stays.
pub struct Ground {
    pub(super) nodes: Vec<Node>,
    /// Of the first nodes: processes.
    pub(super) processes: Vec<ProcessFacts>,
    /// In key order.
    pub(super) events: Vec<EventRow>,
    pub(super) traces: Traces,
    /// Names of computers as found, by code.
    pub(super) computers: Vec<Arc<str>>,
    /// Computers in lower case.
    pub(super) hosts: Interner,
    pub(super) texts: Interner,
}

/// What the pass keeps of an event until every process is known.
struct Raw {
    key: EventKey,
    time: i64,
    computer: u32,
    guid: Option<Guid>,
    pid: u32,
    image: u32,
    session: u64,
    thing: u32,
    object: u32,
    extra: u32,
}

/// Rarer facts of an event.
struct Extra {
    facts: Facts,
}

struct Survey {
    gatherer: Gatherer,
    raws: Vec<Raw>,
    extras: Vec<Extra>,
    things: Vec<(NodeKind, u32, u32)>,
    thing_codes: Map<(NodeKind, u32, u32), u32>,
    parents: Vec<(u32, Guid, Guid)>,
    users: Map<(u32, Guid), Arc<str>>,
    hosts: Interner,
    computers: Vec<Arc<str>>,
    texts: Interner,
}

impl Ground {
    /// Reads every event of a case once.
    ///
    /// # Errors
    /// When the store cannot be read or the job is cancelled.
    pub fn survey(store: &dyn EventStore, control: &Control) -> Result<Self, RunError> {
        let mut survey = Survey {
            gatherer: Gatherer::default(),
            raws: Vec::with_capacity(usize::try_from(store.events()).unwrap_or(0)),
            extras: Vec::new(),
            things: Vec::new(),
            thing_codes: Map::default(),
            parents: Vec::new(),
            users: Map::default(),
            hosts: Interner::default(),
            computers: Vec::new(),
            texts: Interner::default(),
        };
        let total = store.events();
        store.scan(true, control, &mut |batch| {
            for chunk in batch.chunks(8_192) {
                control.check()?;
                let found: Vec<Facts> = chunk.par_iter().with_min_len(64).map(facts).collect();
                for (event, facts) in chunk.iter().zip(found) {
                    survey.gatherer.take(event);
                    survey.take(event, facts);
                }
                control.progress("connecting", "events", survey.raws.len() as u64, Some(total), "events");
            }
            Ok(())
        })?;
        control.check()?;
        Ok(survey.settle())
    }

    /// Place of an event in [`Ground::events`].
    pub(super) fn place(&self, key: EventKey) -> Option<usize> {
        let order = |k: EventKey| (k.source, k.record, k.part);
        self.events.binary_search_by_key(&order(key), |row| order(row.key)).ok()
    }

    /// The facts of a process node.
    pub(super) fn process(&self, node: u32) -> Option<&ProcessFacts> {
        self.processes.get(node as usize)
    }

    pub(super) fn computer(&self, code: u32) -> Arc<str> {
        self.computers.get(code as usize).cloned().unwrap_or_else(|| "".into())
    }

    /// A node in words, for links: `powershell.exe`, `the task updater\x`.
    pub(super) fn title(&self, node: u32) -> String {
        let Some(found) = self.nodes.get(node as usize) else { return String::new() };
        let name = self.texts.name(found.name);
        match found.kind {
            NodeKind::Process => match self.process(node).map(|p| base(&p.image)).filter(|name| !name.is_empty()) {
                Some(name) => name,
                None => "a process without a name".into(),
            },
            NodeKind::Session => format!("the logon session {name}"),
            NodeKind::Service => format!("the service {name}"),
            NodeKind::Task => format!("the task {name}"),
            NodeKind::File => name.to_owned(),
        }
    }
}

impl Survey {
    fn computer(&mut self, name: Option<&str>) -> u32 {
        let name = name.unwrap_or_default();
        let code = self.hosts.intern(&name.to_ascii_lowercase());
        if code as usize == self.computers.len() {
            self.computers.push(name.into());
        }
        code
    }

    fn take(&mut self, event: &EventRef<'_>, facts: Facts) {
        let computer = self.computer(event.computer);
        let image = event.image.filter(|image| !image.is_empty()).map_or(NONE, |image| self.texts.intern(&image.to_lowercase()));
        let thing = facts.thing.as_ref().map_or(NONE, |thing| {
            let (kind, name) = match thing {
                Thing::Service(name) => (NodeKind::Service, name),
                Thing::Task(name) => (NodeKind::Task, name),
                Thing::File(name) => (NodeKind::File, name),
            };
            let key = (kind, computer, self.texts.intern(name));
            let next = self.things.len() as u32;
            let code = *self.thing_codes.entry(key).or_insert(next);
            if code == next {
                self.things.push(key);
            }
            code
        });
        if let (Some(child), Some(parent)) = (facts.guid, event.parent_guid.and_then(Guid::parse)) {
            self.parents.push((computer, child, parent));
        }
        if let (Some(guid), Some(user)) = (facts.guid, event.user)
            && !self.users.contains_key(&(computer, guid))
        {
            self.users.insert((computer, guid), user.into());
        }
        let object = facts.object.as_deref().map_or(NONE, |object| self.texts.intern(object));
        let rare = facts.runs.is_some()
            || facts.wrote.is_some()
            || facts.loaded.is_some()
            || facts.into.is_some()
            || facts.started_pid.is_some()
            || facts.logon.is_some()
            || facts.reach.is_some()
            || facts.own_address.is_some();
        self.raws.push(Raw {
            key: event.key,
            time: event.time.unwrap_or(i64::MIN),
            computer,
            guid: facts.guid,
            pid: event.pid.unwrap_or(NONE),
            image,
            session: facts.session.unwrap_or(0),
            thing,
            object,
            extra: if rare { self.extras.len() as u32 } else { NONE },
        });
        if rare {
            self.extras.push(Extra { facts: Facts { object: None, thing: None, ..facts } });
        }
    }

    /// Finds every event's node once all processes are known.
    fn settle(mut self) -> Ground {
        let processes = std::mem::take(&mut self.gatherer).join();
        let mut ground = Ground {
            nodes: Vec::new(),
            processes: Vec::new(),
            events: Vec::with_capacity(self.raws.len()),
            traces: Traces::default(),
            computers: Vec::new(),
            hosts: Interner::default(),
            texts: Interner::default(),
        };
        let mut known = Known::default();
        self.known_processes(&processes, &mut ground, &mut known);
        let raws = std::mem::take(&mut self.raws);
        // Processes that only their events tell of come after the known ones, so that processes are the first nodes.
        let of: Vec<u32> = raws.iter().map(|raw| self.process_of(raw, &mut ground, &mut known)).collect();
        for (computer, child, parent) in std::mem::take(&mut self.parents) {
            let (Some(&child), Some(&parent)) = (known.by_guid.get(&(computer, child)), known.by_guid.get(&(computer, parent))) else { continue };
            if let Some(facts) = ground.processes.get_mut(child as usize)
                && facts.parent == NONE
                && facts.key.is_none()
                && child != parent
            {
                facts.parent = parent;
            }
        }
        let process_count = ground.nodes.len() as u32;
        for &(kind, computer, name) in &self.things {
            ground.nodes.push(Node { kind, computer, name, first: i64::MAX });
        }
        let mut sessions: Map<(u32, u64), u32> = Map::default();
        for (raw, process) in raws.iter().zip(of) {
            let thing = if raw.thing == NONE { NONE } else { process_count + raw.thing };
            let session = if raw.session == 0 { NONE } else { self.session(&mut ground, &mut sessions, raw) };
            let hub = ground.process(process).is_some_and(|p| p.hub);
            let home = match (process, thing, session) {
                (NONE, NONE, session) => session,
                (NONE, thing, _) => thing,
                (process, thing, session) if hub => [thing, session, process].into_iter().find(|&node| node != NONE).unwrap_or(NONE),
                (process, _, _) => process,
            };
            if thing != NONE {
                for other in [process, session].into_iter().filter(|&other| other != NONE && other != thing && !(hub && other == process)) {
                    ground.traces.about.push((other, thing));
                }
            }
            if let Some(extra) = self.extras.get_mut(raw.extra as usize) {
                let facts = std::mem::take(&mut extra.facts);
                trace(&mut ground, &mut self.texts, &known, raw, facts, home, thing, session);
            }
            if let Some(node) = ground.nodes.get_mut(home as usize)
                && raw.time != i64::MIN
            {
                node.first = node.first.min(raw.time);
            }
            ground.events.push(EventRow { key: raw.key, time: raw.time, node: home, computer: raw.computer, object: raw.object });
        }
        let order = |k: EventKey| (k.source, k.record, k.part);
        if !ground.events.is_sorted_by_key(|row| order(row.key)) {
            ground.events.sort_by_key(|row| order(row.key));
        }
        self.sessions_of_processes(&mut ground, &mut sessions);
        ground.traces.about.sort_unstable();
        ground.traces.about.dedup();
        (ground.hosts, ground.texts, ground.computers) = (self.hosts, self.texts, self.computers);
        ground
    }

    fn session(&mut self, ground: &mut Ground, sessions: &mut Map<(u32, u64), u32>, raw: &Raw) -> u32 {
        let next = ground.nodes.len() as u32;
        let node = *sessions.entry((raw.computer, raw.session)).or_insert(next);
        if node == next {
            let name = self.texts.intern(&format!("0x{:x}", raw.session));
            ground.nodes.push(Node { kind: NodeKind::Session, computer: raw.computer, name, first: i64::MAX });
        }
        node
    }

    /// Sessions that processes run in are nodes, too, where an event tells of them.
    fn sessions_of_processes(&mut self, ground: &mut Ground, sessions: &mut Map<(u32, u64), u32>) {
        for at in 0..ground.processes.len() {
            let (Some(process), Some(node)) = (ground.processes.get(at), ground.nodes.get(at)) else { continue };
            let Some(logon) = process.logon.filter(|id| ![0, 0x3e4, 0x3e5, 0x3e7].contains(id)) else { continue };
            let (computer, next) = (node.computer, ground.nodes.len() as u32);
            let session = *sessions.entry((computer, logon)).or_insert(next);
            if session == next {
                let name = self.texts.intern(&format!("0x{logon:x}"));
                ground.nodes.push(Node { kind: NodeKind::Session, computer, name, first: i64::MAX });
            }
            ground.traces.about.push((at as u32, session));
        }
    }

    /// Every process of the model and every parent that predates the log becomes a node.
    fn known_processes(&mut self, processes: &Processes, ground: &mut Ground, known: &mut Known) {
        let stubs = processes.list.len() as u32;
        for (index, process) in processes.list.iter().enumerate() {
            let computer = self.computer(Some(&process.computer));
            let parent = match process.parent {
                Parent::Known(parent) => parent,
                Parent::Stub(stub) => stubs + stub,
                Parent::Unknown => NONE,
            };
            let facts = ProcessFacts {
                guid: process.guid,
                pid: process.pid,
                image: process.image.clone(),
                command_line: process.command_line.clone(),
                user: process.user.clone(),
                start: process.start,
                end: process.end,
                key: Some(process.key),
                parent: if parent == index as u32 { NONE } else { parent },
                logon: process.logon_id,
                hub: is_hub(&base(&process.image)),
            };
            let node = self.process_node(ground, computer, facts);
            for key in [Some(process.key), process.twin].into_iter().flatten() {
                known.by_key.insert(key, node);
            }
            if let Some(guid) = process.guid {
                known.by_guid.entry((computer, guid)).or_insert(node);
            }
            if let (Some(pid), Some(start)) = (process.pid, process.start) {
                known.by_pid.entry((computer, pid)).or_default().push((start, node));
            }
        }
        for stub in &processes.stubs {
            let computer = self.computer(Some(&stub.computer));
            let facts = ProcessFacts {
                guid: stub.guid,
                pid: stub.pid,
                image: stub.image.clone(),
                parent: NONE,
                hub: is_hub(&base(&stub.image)),
                ..ProcessFacts::default()
            };
            let node = self.process_node(ground, computer, facts);
            if let Some(guid) = stub.guid {
                known.by_guid.entry((computer, guid)).or_insert(node);
            }
            if let Some(pid) = stub.pid {
                known.stubs.entry((computer, pid, self.texts.intern(&base(&stub.image)))).or_insert(node);
            }
        }
    }

    fn process_node(&mut self, ground: &mut Ground, computer: u32, facts: ProcessFacts) -> u32 {
        let node = ground.nodes.len() as u32;
        let name = self.texts.intern(&path(&facts.image));
        ground.nodes.push(Node { kind: NodeKind::Process, computer, name, first: facts.start.unwrap_or(i64::MAX) });
        ground.processes.push(facts);
        node
    }

    /// The process of an event: by GUID, else by ID, time and image.
    fn process_of(&mut self, raw: &Raw, ground: &mut Ground, known: &mut Known) -> u32 {
        if let Some(&node) = known.by_key.get(&raw.key) {
            return node;
        }
        if let Some(guid) = raw.guid {
            if let Some(&node) = known.by_guid.get(&(raw.computer, guid)) {
                if let Some(facts) = ground.processes.get_mut(node as usize)
                    && facts.image.is_empty()
                    && raw.image != NONE
                {
                    facts.image = self.texts.name(raw.image).into();
                    facts.hub = is_hub(&base(&facts.image));
                }
                return node;
            }
            let image: Arc<str> = if raw.image == NONE { "".into() } else { self.texts.name(raw.image).into() };
            let facts = ProcessFacts {
                guid: Some(guid),
                pid: (raw.pid != NONE).then_some(raw.pid),
                user: self.users.get(&(raw.computer, guid)).cloned(),
                hub: is_hub(&base(&image)),
                image,
                parent: NONE,
                ..ProcessFacts::default()
            };
            let node = self.process_node(ground, raw.computer, facts);
            known.by_guid.insert((raw.computer, guid), node);
            return node;
        }
        if raw.pid == NONE || raw.time == i64::MIN {
            return NONE;
        }
        let name = if raw.image == NONE { String::new() } else { base(self.texts.name(raw.image)) };
        if let Some(node) = known.running(ground, raw, &name) {
            return node;
        }
        if name.is_empty() {
            return NONE;
        }
        let code = self.texts.intern(&name);
        if let Some(&node) = known.stubs.get(&(raw.computer, raw.pid, code)) {
            return node;
        }
        let image: Arc<str> = self.texts.name(raw.image).into();
        let facts = ProcessFacts { pid: Some(raw.pid), hub: is_hub(&name), image, parent: NONE, ..ProcessFacts::default() };
        let node = self.process_node(ground, raw.computer, facts);
        known.stubs.insert((raw.computer, raw.pid, code), node);
        node
    }
}

/// Where processes are looked up.
#[derive(Default)]
struct Known {
    by_key: Map<EventKey, u32>,
    by_guid: Map<(u32, Guid), u32>,
    /// Starts in order of time.
    by_pid: Map<(u32, u32), Vec<(i64, u32)>>,
    /// Those that predate the log: computer, ID, name.
    stubs: Map<(u32, u32, u32), u32>,
}

impl Known {
    /// The process that had an ID at a time, if it had not ended and its name agrees.
    fn running(&self, ground: &Ground, raw: &Raw, name: &str) -> Option<u32> {
        let list = self.by_pid.get(&(raw.computer, raw.pid))?;
        let later = list.partition_point(|(start, _)| *start <= raw.time.saturating_add(SLACK));
        let &(_, node) = list.get(later.checked_sub(1)?)?;
        let process = ground.process(node)?;
        let ended = process.end.is_some_and(|end| end.saturating_add(SLACK) < raw.time);
        let same = name.is_empty() || process.image.is_empty() || base(&process.image) == name;
        (!ended && same).then_some(node)
    }
}

/// Notes what an event tells of connections.
#[expect(clippy::too_many_arguments, reason = "one event's places in the graph, used once")]
fn trace(ground: &mut Ground, texts: &mut Interner, known: &Known, raw: &Raw, facts: Facts, home: u32, thing: u32, session: u32) {
    let time = raw.time;
    let is_process = (home as usize) < ground.processes.len();
    if let Some(path) = facts.wrote.filter(|_| is_process) {
        ground.traces.wrote.push((home, texts.intern(&path), time));
    }
    if let Some(path) = facts.loaded.filter(|_| is_process) {
        ground.traces.loaded.push((home, texts.intern(&path), time));
    }
    if let Some(path) = facts.runs.filter(|path| thing != NONE && !path.is_empty()) {
        ground.traces.runs.push((thing, texts.intern(&path), time));
    }
    if let Some(pid) = facts.started_pid.filter(|_| thing != NONE) {
        let wanted = Raw { key: raw.key, time, computer: raw.computer, guid: None, pid, image: NONE, session: 0, thing: NONE, object: NONE, extra: NONE };
        ground.traces.started.extend(known.running(ground, &wanted, "").map(|process| (thing, process)));
    }
    if let Some(&into) = facts.into.and_then(|guid| known.by_guid.get(&(raw.computer, guid))).filter(|_| is_process) {
        ground.traces.into.push((home, into));
    }
    if let Some(logon) = facts.logon.filter(|_| session != NONE) {
        ground.traces.logons.push((session, logon, time));
    }
    if let Some(reach) = facts.reach.filter(|_| home != NONE) {
        ground.traces.reaches.push((home, reach, time));
    }
    if let Some(address) = facts.own_address.map(|address| host(&address)).filter(|address| !address.is_empty()) {
        let pair = (raw.computer, texts.intern(&address));
        if ground.traces.addresses.last() != Some(&pair) {
            ground.traces.addresses.push(pair);
        }
    }
}
