//! The process tree around an event: the process it is about, its ancestors and siblings, and what it started in turn.

use super::worker::Ranking;
use crate::control::{Control, RunError};
use crate::domain::{Children, Event, EventKey, EventStore, Guid, Processes, Step};
use crate::features::lineage::processes;
use foldhash::HashMap;
use std::cmp::Reverse;
use std::sync::Arc;

/// Ancestors shown at most.
const ABOVE: usize = 12;
/// Processes beside the one asked about that are shown at most, and children of each process.
const BESIDE: usize = 12;
/// Generations shown below it.
const BELOW: usize = 6;
/// Rows of a tree at most.
const ROWS: usize = 250;

/// A line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeRow {
    /// How far it is indented; children follow their parent, one deeper.
    pub depth: usize,
    /// Its creation event; none for a parent that predates the log.
    pub key: Option<EventKey>,
    /// Full path of the image; empty where no event names it.
    pub image: String,
    /// Its command line, where it was logged.
    pub command_line: String,
    /// Who it runs as.
    pub user: String,
    /// Creation, nanoseconds UTC.
    pub start: Option<i64>,
    /// The score of its chain, where chains were ranked.
    pub score: Option<f64>,
    /// Whether this is the process that was asked about.
    pub here: bool,
    /// Children that are not shown.
    pub hidden: usize,
}

/// The tree around one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The event that was asked about.
    pub key: EventKey,
    /// Root first.
    pub rows: Vec<TreeRow>,
    /// At and above which a chain's score is unusual, where chains were ranked.
    pub threshold: Option<f64>,
}

/// Every process of a case, found by event.
pub struct Forest {
    processes: Processes,
    children: Children,
    of_event: HashMap<EventKey, u32>,
    of_guid: HashMap<Guid, u32>,
    of_pid: HashMap<(String, u32), Vec<u32>>,
}

impl Forest {
    /// Joins the processes of a case; one pass over its events.
    ///
    /// # Errors
    /// When the store cannot be read or the job is cancelled.
    pub fn read(store: &dyn EventStore, control: &Control) -> Result<Self, RunError> {
        let processes = processes(store, control)?;
        let children = processes.children();
        let (mut of_event, mut of_guid, mut of_pid) = (HashMap::default(), HashMap::default(), HashMap::<_, Vec<u32>>::default());
        for (index, process) in processes.list.iter().enumerate() {
            let index = index as u32;
            for key in [Some(process.key), process.twin].into_iter().flatten() {
                of_event.insert(key, index);
            }
            if let Some(guid) = process.guid {
                of_guid.entry(guid).or_insert(index);
            }
            if let Some(pid) = process.pid {
                of_pid.entry((process.computer.to_lowercase(), pid)).or_default().push(index);
            }
        }
        Ok(Self { processes, children, of_event, of_guid, of_pid })
    }

    /// The process that an event is about: the one it creates, else by GUID, else the one that had its process ID on that computer at that time.
    fn find(&self, key: EventKey, event: &Event) -> Option<u32> {
        let by_guid = || self.of_guid.get(&Guid::parse(event.process_guid.as_deref()?)?).copied();
        let by_pid = || {
            let candidates = self.of_pid.get(&(event.computer.as_deref()?.to_lowercase(), event.pid?))?;
            let at = event.time?;
            let alive = |index: &&u32| {
                let process = &self.processes.list[**index as usize];
                process.start.is_some_and(|start| start <= at) && process.end.is_none_or(|end| at <= end)
            };
            candidates.iter().rev().find(alive).copied()
        };
        self.of_event.get(&key).copied().or_else(by_guid).or_else(by_pid)
    }

    /// The tree around an event; no rows when it is about no process that the case knows.
    #[must_use]
    pub fn around(&self, key: EventKey, event: &Event, scores: Option<&Scores>) -> Tree {
        let mut branch = Branch { forest: self, scores, rows: vec![], here: self.find(key, event) };
        if let Some(here) = branch.here {
            let line = self.processes.lineage(here, ABOVE + 1);
            for (depth, step) in line[..line.len() - 1].iter().enumerate() {
                branch.row(*step, depth);
            }
            let depth = line.len() - 1;
            match self.processes.parent(Step::Process(here)) {
                Some(parent) => branch.below(parent, depth, 1),
                None => branch.grow(here, depth, BELOW),
            }
        }
        Tree { key, rows: branch.rows, threshold: scores.map(|s| s.threshold) }
    }

    fn started_by(&self, step: Step) -> &[u32] {
        match step {
            Step::Process(index) => &self.children.of_process[index as usize],
            Step::Stub(index) => &self.children.of_stub[index as usize],
        }
    }
}

/// The scores of a ranking of chains, by creation event.
pub struct Scores {
    of: HashMap<EventKey, f64>,
    threshold: f64,
}

impl Scores {
    /// Reads them from a ranking.
    #[must_use]
    pub fn new(ranking: &Ranking) -> Self {
        let report = &ranking.report;
        let of = report.subjects.iter().flat_map(|subject| subject.members.iter().map(|key| (*key, subject.score))).collect();
        Self { of, threshold: report.threshold }
    }
}

/// A tree being written.
struct Branch<'a> {
    forest: &'a Forest,
    scores: Option<&'a Scores>,
    here: Option<u32>,
    rows: Vec<TreeRow>,
}

impl Branch<'_> {
    fn score(&self, index: u32) -> Option<f64> {
        let process = &self.forest.processes.list[index as usize];
        let of = &self.scores?.of;
        of.get(&process.key).or_else(|| of.get(&process.twin?)).copied()
    }

    fn row(&mut self, step: Step, depth: usize) {
        let text = |t: &Option<Arc<str>>| t.as_deref().unwrap_or_default().to_owned();
        let image = self.forest.processes.image(step).to_owned();
        let row = match step {
            Step::Stub(_) => {
                TreeRow { depth, key: None, image, command_line: String::new(), user: String::new(), start: None, score: None, here: false, hidden: 0 }
            }
            Step::Process(index) => {
                let process = &self.forest.processes.list[index as usize];
                TreeRow {
                    depth,
                    key: Some(process.key),
                    image,
                    command_line: text(&process.command_line),
                    user: text(&process.user),
                    start: process.start,
                    score: self.score(index),
                    here: self.here == Some(index),
                    hidden: 0,
                }
            }
        };
        self.rows.push(row);
    }

    /// A process and what it started.
    fn grow(&mut self, index: u32, depth: usize, generations: usize) {
        self.row(Step::Process(index), depth);
        self.below(Step::Process(index), depth + 1, generations);
    }

    /// What a process started, in order; where they are too many, the most unusual ones and the one asked about. The last row of the parent says
    /// how many are missing.
    fn below(&mut self, parent: Step, depth: usize, generations: usize) {
        let all = self.forest.started_by(parent);
        let Some(place) = self.rows.len().checked_sub(1) else { return };
        if generations == 0 || self.rows.len() >= ROWS {
            self.rows[place].hidden = all.len();
            return;
        }
        let mut chosen = all.to_vec();
        if chosen.len() > BESIDE {
            let worth = |index: &u32| (self.here != Some(*index), Reverse(self.score(*index).map_or(i64::MIN, |s| (s * 1e6) as i64)));
            chosen.sort_by_key(worth);
            chosen.truncate(BESIDE);
            chosen.sort_unstable();
        }
        self.rows[place].hidden = all.len() - chosen.len();
        for index in chosen {
            let generations = if self.here == Some(index) { BELOW } else { generations - 1 };
            self.grow(index, depth, generations);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::memory::MemoryStore;

    fn creation(n: u64, parent: u64, image: &str) -> Event {
        let guid = |n: u64| Some(format!("{{00000000-0000-0000-0000-{n:012x}}}"));
        Event {
            time: Some(n as i64),
            computer: Some("A".into()),
            channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
            provider: Some("Microsoft-Windows-Sysmon".into()),
            event_id: Some(1),
            process_guid: guid(n),
            parent_guid: guid(parent),
            pid: Some(n as u32),
            image: Some(image.into()),
            parent_image: Some("root.exe".into()),
            fields: "{}".into(),
            ..Event::default()
        }
    }

    #[test]
    fn a_process_stands_between_its_ancestors_and_its_children() {
        let mut events = vec![creation(2, 1, "a.exe"), creation(3, 2, "b.exe"), creation(4, 2, "c.exe"), creation(5, 3, "d.exe"), creation(6, 4, "e.exe")];
        let other = Event { event_id: Some(11), time: Some(9), ..creation(3, 2, "b.exe") };
        events.push(other.clone());
        let store = MemoryStore::of("memory.evtx", events);
        let forest = Forest::read(&store, &Control::silent()).expect("nobody cancelled");
        let key = EventKey { source: 0, record: 6, part: 0 };
        let tree = forest.around(key, &other, None);
        let seen: Vec<(usize, &str, bool, usize)> = tree.rows.iter().map(|r| (r.depth, r.image.as_str(), r.here, r.hidden)).collect();
        let wanted = [(0, "root.exe", false, 0), (1, "a.exe", false, 0), (2, "b.exe", true, 0), (3, "d.exe", false, 0), (2, "c.exe", false, 1)];
        assert_eq!(seen, wanted);
        let stranger = Event { process_guid: None, pid: Some(99), ..other };
        assert!(forest.around(key, &stranger, None).rows.is_empty());
    }

    #[test]
    fn a_big_family_shows_the_one_asked_about() {
        let events = std::iter::once(creation(1000, 999, "parent.exe")).chain((0..100).map(|n| creation(2000 + n, 1000, "child.exe"))).collect();
        let store = MemoryStore::of("memory.evtx", events);
        let forest = Forest::read(&store, &Control::silent()).expect("nobody cancelled");
        let key = EventKey { source: 0, record: 78, part: 0 };
        let tree = forest.around(key, &creation(2076, 1000, "child.exe"), None);
        assert_eq!((tree.rows.len(), tree.rows[1].hidden), (2 + BESIDE, 100 - BESIDE));
        assert_eq!(tree.rows.iter().filter(|r| r.here).count(), 1);
    }
}
