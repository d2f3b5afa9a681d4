//! A process creation as the scorer sees it: normalised paths of child, parent and grandparent, who ran it, and its arguments.

use crate::control::{Control, RunError};
use crate::detect::seen::{Seen, Witness};
use crate::domain::{EventStore, Integrity, Process, Processes, Step};
use crate::features::Interner;
use crate::features::lineage::processes;
use crate::features::path::{arguments, base, directory, normalise};
use foldhash::{HashMap, HashSet};
use std::sync::Arc;

/// Characters kept of the arguments.
const ARGUMENTS: usize = 400;
/// Launches between two looks at the cancel flag.
const CHUNK: usize = 8192;

/// Every distinct normalised text, shared by baseline and case.
pub(super) type Texts = Interner;

/// Codes of a normalised path and its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Path {
    pub(super) full: u32,
    pub(super) directory: u32,
    pub(super) name: u32,
}

/// Who runs a process, as far as it compares between estates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum UserClass {
    Unknown,
    System,
    LocalService,
    NetworkService,
    WindowManager,
    Person,
}

impl UserClass {
    pub(super) const COUNT: usize = 6;

    /// By the logon session, which is the same in every language, else by the name.
    fn of(process: &Process) -> Self {
        match process.logon_id {
            Some(0x3e7) => return Self::System,
            Some(0x3e5) => return Self::LocalService,
            Some(0x3e4) => return Self::NetworkService,
            _ => {}
        }
        let Some(user) = process.user.as_deref() else { return Self::Unknown };
        let lower = user.to_lowercase();
        let (domain, name) = lower.rsplit_once('\\').unwrap_or(("", &lower));
        match name {
            "system" | "s-1-5-18" => Self::System,
            "local service" | "s-1-5-19" => Self::LocalService,
            "network service" | "s-1-5-20" => Self::NetworkService,
            "" | "-" => Self::Unknown,
            _ if domain == "window manager" || domain == "font driver host" || name.starts_with("dwm-") || name.starts_with("umfd-") => Self::WindowManager,
            _ if name.ends_with('$') => Self::System,
            _ => Self::Person,
        }
    }

    /// The name of the class with this number.
    pub(super) fn named(number: u32) -> &'static str {
        const ALL: [UserClass; UserClass::COUNT] =
            [UserClass::Unknown, UserClass::System, UserClass::LocalService, UserClass::NetworkService, UserClass::WindowManager, UserClass::Person];
        ALL.get(number as usize).copied().unwrap_or(Self::Unknown).name()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "an unnamed user",
            Self::System => "SYSTEM",
            Self::LocalService => "LOCAL SERVICE",
            Self::NetworkService => "NETWORK SERVICE",
            Self::WindowManager => "the window manager",
            Self::Person => "a person",
        }
    }
}

/// What makes two launches the same for scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) grand: Path,
    pub(super) parent: Path,
    pub(super) child: Path,
    pub(super) user: UserClass,
    pub(super) integrity: Integrity,
    pub(super) arguments: u32,
}

impl Shape {
    /// User class and integrity as one code.
    pub(super) fn rights(&self) -> u32 {
        self.user as u32 * Integrity::ALL.len() as u32 + self.integrity as u32
    }
}

/// The launches of one case.
pub(super) struct Launches {
    pub(super) processes: Processes,
    /// Each distinct shape, in order of first appearance.
    pub(super) shapes: Vec<Shape>,
    /// Index into `shapes` of every process.
    pub(super) shape_of: Vec<u32>,
}

impl Launches {
    /// Reads a case; its texts get codes in `texts`.
    pub(super) fn read(store: &dyn EventStore, texts: &mut Texts, control: &Control) -> Result<Self, RunError> {
        let processes = processes(store, control)?;
        let mut encoder = Encoder { texts, paths: HashMap::default(), lines: HashMap::default() };
        let (mut shapes, mut known, mut shape_of) = (Vec::new(), HashMap::<Shape, u32>::default(), Vec::with_capacity(processes.list.len()));
        for index in 0..processes.list.len() as u32 {
            if (index as usize).is_multiple_of(CHUNK) {
                control.check()?;
            }
            let shape = encoder.shape(&processes, index);
            let next = shapes.len() as u32;
            let code = *known.entry(shape).or_insert_with(|| {
                shapes.push(shape);
                next
            });
            shape_of.push(code);
        }
        Ok(Self { processes, shapes, shape_of })
    }
}

impl Launches {
    /// Notes where and with whom every text was seen that counts would name.
    pub(super) fn witness(&self, texts: &mut Texts, seen: &mut Seen<u32>) {
        let mut known: HashSet<(u32, Witness)> = HashSet::default();
        for (process, &shape) in self.processes.list.iter().zip(&self.shape_of) {
            let witness = Witness::new(Some(&process.computer), process.user.as_deref());
            if !known.insert((shape, witness)) {
                continue;
            }
            let shape = &self.shapes[shape as usize];
            seen.note(shape.parent.name, witness);
            seen.note(shape.child.name, witness);
            for word in super::counts::word_codes(shape.arguments, texts) {
                seen.note(word, witness);
            }
        }
    }
}

/// Normalises each distinct raw text once.
struct Encoder<'a> {
    texts: &'a mut Texts,
    paths: HashMap<Arc<str>, Path>,
    lines: HashMap<(Arc<str>, Arc<str>), u32>,
}

impl Encoder<'_> {
    fn shape(&mut self, processes: &Processes, index: u32) -> Shape {
        let process = &processes.list[index as usize];
        let parent = processes.parent(Step::Process(index));
        let grand = parent.and_then(|step| processes.parent(step));
        Shape {
            child: self.path(&process.image),
            parent: self.step(processes, parent),
            grand: self.step(processes, grand),
            user: UserClass::of(process),
            integrity: process.integrity,
            arguments: self.arguments(process),
        }
    }

    fn step(&mut self, processes: &Processes, step: Option<Step>) -> Path {
        match step {
            Some(Step::Process(index)) => self.path(&processes.list[index as usize].image),
            Some(Step::Stub(index)) => self.path(&processes.stubs[index as usize].image),
            None => self.path(&Arc::from("")),
        }
    }

    fn path(&mut self, image: &Arc<str>) -> Path {
        if let Some(known) = self.paths.get(image) {
            return *known;
        }
        let full = normalise(image);
        let path = Path { full: self.texts.intern(&full), directory: self.texts.intern(directory(&full)), name: self.texts.intern(&base(&full)) };
        self.paths.insert(image.clone(), path);
        path
    }

    fn arguments(&mut self, process: &Process) -> u32 {
        let Some(line) = &process.command_line else { return self.texts.intern("") };
        let key = (line.clone(), process.image.clone());
        if let Some(known) = self.lines.get(&key) {
            return *known;
        }
        let code = self.texts.intern(&arguments(line, &process.image, ARGUMENTS));
        self.lines.insert(key, code);
        code
    }
}
