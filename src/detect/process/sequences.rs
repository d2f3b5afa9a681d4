//! The events of each process in time order: the subjects of this detector.
//!
//! A process is told by computer and process GUID; where an event has none, by computer and process ID from one creation or exit to the next.
//! Border: gathers and codes; neither trains nor ranks. Memory: some 50 bytes an event, every distinct event's words once.

use super::column::Column;
use super::facts::{Facts, NONE, Row};
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventRef, EventStore, Guid};
use crate::features::Interner;
use std::collections::HashMap;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// One event of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Nanoseconds UTC; `i64::MIN` = none.
    pub(super) time: i64,
    pub(super) key: EventKey,
    /// Index into [`Sequences::rows`].
    pub(super) row: u32,
}

/// One process.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) computer: Arc<str>,
    pub(super) guid: Option<Guid>,
    pub(super) pid: Option<u32>,
    pub(super) image: Option<Arc<str>>,
    pub(super) user: Option<Arc<str>>,
    pub(super) command_line: Option<Arc<str>>,
    pub(super) channel: Option<Arc<str>>,
    pub(super) provider: Option<Arc<str>>,
    /// Of its first event.
    pub(super) event_id: u32,
    pub(super) record_id: Option<u64>,
    /// In time order.
    pub(super) steps: Vec<Step>,
}

/// The processes of a store, in the order of (computer, first event).
#[derive(Default)]
pub(super) struct Sequences {
    pub(super) list: Vec<Sequence>,
    /// Distinct events' words.
    pub(super) rows: Vec<Row>,
    /// Words by column.
    pub(super) words: Vec<Interner>,
    /// Processes with too few events.
    pub(super) short: usize,
    /// Events that name no process.
    pub(super) unowned: u64,
}

/// Which process an event is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Guid(Guid),
    Pid(u32),
}

/// A process while it is read.
struct Open {
    sequence: Sequence,
    by_pid: bool,
    /// Order of the event that `sequence`'s head was taken from.
    head: (i64, EventKey),
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Fewest events of a process that is kept.
    pub(super) least: usize,
    /// Events without a process ID are left out even where they name a GUID (published).
    pub(super) strict: bool,
}

impl Sequences {
    /// Reads a store.
    ///
    /// # Errors
    /// The store cannot be read, or cancelled.
    pub(super) fn read(store: &dyn EventStore, reading: Reading, control: &Control) -> Result<Self, RunError> {
        let mut reader = Reader {
            reading,
            facts: Facts::default(),
            rows: Map::default(),
            out: Self::default(),
            owners: Map::default(),
            open: Vec::new(),
            computers: Interner::default(),
            texts: Texts::default(),
        };
        for name in GAPS {
            reader.facts.word(Column::Gap, name);
        }
        let (total, mut seen) = (store.events(), 0);
        store.scan(true, control, &mut |batch| {
            control.check()?;
            for event in batch {
                reader.take(event);
            }
            seen += batch.len() as u64;
            control.progress("reading", "processes", seen, Some(total), "events");
            Ok(())
        })?;
        control.check()?;
        Ok(reader.finish())
    }

    /// The events of a process that are looked at: its last `most`, each with its row and the class of the time since the one before.
    pub(super) fn last(sequence: &Sequence, most: usize) -> impl Iterator<Item = (&Step, u32)> {
        let begin = sequence.steps.len().saturating_sub(most.max(1));
        sequence.steps.iter().enumerate().skip(begin).map(|(at, step)| {
            let before = at.checked_sub(1).and_then(|before| sequence.steps.get(before)).map(|before| before.time);
            (step, before.map_or(0, |before| gap(before, step.time)))
        })
    }

    /// The words of an event with this class of time before it.
    pub(super) fn words_of(&self, row: u32, gap: u32) -> Row {
        let mut words = self.rows.get(row as usize).copied().unwrap_or([NONE; Column::COUNT]);
        words[Column::Gap as usize] = gap;
        words
    }
}

struct Reader {
    reading: Reading,
    facts: Facts,
    rows: Map<Row, u32>,
    out: Sequences,
    owners: Map<(u32, Owner), u32>,
    open: Vec<Open>,
    computers: Interner,
    texts: Texts,
}

/// Every distinct text once.
#[derive(Default)]
struct Texts(std::collections::HashSet<Arc<str>, foldhash::fast::RandomState>);

impl Texts {
    fn shared(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        let text = text.filter(|text| !text.is_empty())?;
        if let Some(known) = self.0.get(text) {
            return Some(known.clone());
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        Some(new)
    }
}

/// Row of an exit, which ends a process that is told by its ID and counts for nothing else.
const EXIT: u32 = u32::MAX;

impl Reader {
    fn take(&mut self, event: &EventRef<'_>) {
        let Some(id) = event.event_id.filter(|_| is_sysmon(event)) else { return };
        let owner = match (event.process_guid.and_then(Guid::parse), event.pid) {
            (Some(guid), _) => Owner::Guid(guid),
            (None, Some(pid)) => Owner::Pid(pid),
            (None, None) => {
                self.out.unowned += 1;
                return;
            }
        };
        if self.reading.strict && event.pid.is_none() {
            self.out.unowned += 1;
            return;
        }
        let by_pid = matches!(owner, Owner::Pid(_));
        if id == 5 && !by_pid {
            return;
        }
        let row = if id == 5 { EXIT } else { self.row(event, id) };
        let step = Step { time: event.time.unwrap_or(i64::MIN), key: event.key, row };
        let computer = self.computers.intern(&event.computer.unwrap_or_default().to_ascii_lowercase());
        let known = self.owners.get(&(computer, owner)).copied();
        let at = known.unwrap_or(self.open.len() as u32);
        if known.is_none() {
            let sequence = Self::begin(event, owner, &mut |text| self.texts.shared(text));
            self.open.push(Open { sequence, by_pid, head: (i64::MAX, EventKey::default()) });
            self.owners.insert((computer, owner), at);
        }
        let user = self.texts.shared(event.user);
        let (image, command_line) = (self.texts.shared(event.image), self.texts.shared(event.command_line));
        let Some(open) = self.open.get_mut(at as usize) else { return };
        let sequence = &mut open.sequence;
        sequence.pid = sequence.pid.or(event.pid);
        sequence.image = sequence.image.take().or(image);
        sequence.command_line = sequence.command_line.take().or(command_line);
        // A creation says best who runs it.
        sequence.user = if id == 1 { user.or(sequence.user.take()) } else { sequence.user.take().or(user) };
        if row != EXIT && (step.time, step.key) < open.head {
            open.head = (step.time, step.key);
            (sequence.event_id, sequence.record_id) = (id, event.record_id);
        }
        sequence.steps.push(step);
    }

    fn begin(event: &EventRef<'_>, owner: Owner, shared: &mut dyn FnMut(Option<&str>) -> Option<Arc<str>>) -> Sequence {
        Sequence {
            computer: shared(event.computer).unwrap_or_else(|| Arc::from("")),
            guid: if let Owner::Guid(guid) = owner { Some(guid) } else { None },
            pid: event.pid,
            image: None,
            user: None,
            command_line: None,
            channel: shared(event.channel),
            provider: shared(event.provider),
            event_id: 0,
            record_id: None,
            steps: Vec::new(),
        }
    }

    fn row(&mut self, event: &EventRef<'_>, id: u32) -> u32 {
        let row = self.facts.row(event, id);
        let next = self.out.rows.len() as u32;
        let code = *self.rows.entry(row).or_insert(next);
        if code == next {
            self.out.rows.push(row);
        }
        code
    }

    fn finish(mut self) -> Sequences {
        let mut list = Vec::with_capacity(self.open.len());
        for mut open in std::mem::take(&mut self.open) {
            open.sequence.steps.sort_unstable_by_key(|step| (step.time, step.key));
            if open.by_pid {
                list.extend(self.lives(open.sequence));
            } else {
                list.push(open.sequence);
            }
        }
        let before = list.len();
        list.retain(|sequence| sequence.steps.len() >= self.reading.least.max(1));
        self.out.short = before - list.len();
        list.sort_by_cached_key(|sequence| (sequence.computer.to_lowercase(), sequence.steps.first().map(|step| (step.time, step.key))));
        self.out.words = std::mem::take(&mut self.facts.words).into();
        self.out.list = list;
        self.out
    }

    /// A process ID is used again: each creation begins a process, each exit ends one.
    fn lives(&self, sequence: Sequence) -> Vec<Sequence> {
        let creation = self.facts.words[Column::Event as usize].get("1");
        let mut lives: Vec<Vec<Step>> = vec![Vec::new()];
        for step in &sequence.steps {
            let event = self.out.rows.get(step.row as usize).map(|row| row[Column::Event as usize]);
            let begins = event.is_some() && event == creation && lives.last().is_some_and(|life| !life.is_empty());
            if begins {
                lives.push(Vec::new());
            }
            if step.row == EXIT {
                lives.push(Vec::new());
            } else if let Some(life) = lives.last_mut() {
                life.push(*step);
            }
        }
        lives.retain(|life| !life.is_empty());
        let images = &self.facts.words[Column::Image as usize];
        let single = lives.len() == 1;
        lives
            .into_iter()
            .map(|steps| {
                // Another life of the same ID may be another program.
                let name = steps.first().and_then(|step| self.out.rows.get(step.row as usize)).map(|row| images.name(row[Column::Image as usize]));
                let same = single || sequence.image.as_deref().map(crate::features::path::base).as_deref() == name;
                Sequence {
                    steps,
                    image: if same { sequence.image.clone() } else { name.map(Into::into) },
                    command_line: sequence.command_line.clone().filter(|_| single),
                    ..sequence.clone()
                }
            })
            .collect()
    }
}

/// Classes of the time between two events, by their code.
const GAPS: [&str; 9] = ["first", "at once", "10 ms", "30 ms", "0.1 s", "0.3 s", "1 s", "3 s", "longer"];

/// The class of a time between two events: half powers of ten of milliseconds.
fn gap(before: i64, now: i64) -> u32 {
    let milliseconds = now.saturating_sub(before).max(0) / 1_000_000;
    let bounds = [3, 10, 30, 100, 300, 1_000, 3_000];
    1 + bounds.iter().filter(|bound| milliseconds >= **bound).count() as u32
}

/// Whether an event is Sysmon's; rows that name neither channel nor provider are not.
fn is_sysmon(event: &EventRef<'_>) -> bool {
    let told = |name: Option<&str>| name.is_some_and(|name| name.as_bytes().windows(6).any(|part| part.eq_ignore_ascii_case(b"sysmon")));
    told(event.provider) || told(event.channel)
}
