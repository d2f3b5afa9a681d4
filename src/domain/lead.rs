//! A lead: one connected story of processes, the events they caused, sessions, services, tasks and files, across detectors and computers.

use crate::domain::{DetectorId, EventKey, Guid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How much a lead's score means, in words that were calibrated on ordinary evidence (`docs/leads.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Ordinary machines have many of these: the list always has a first row.
    #[default]
    Weak,
    /// Ordinary machines have at most two of these and of strong ones a day.
    #[serde(rename = "worth a look")]
    WorthALook,
    /// Ordinary machines seldom have one.
    Strong,
}

impl Strength {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::WorthALook => "worth a look",
            Self::Strong => "strong",
        }
    }
}

/// What the analyst thinks of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeadState {
    /// Not looked at yet.
    #[default]
    New,
    /// To be followed.
    Suspicious,
    /// Explained, harmless.
    Ordinary,
    /// Looked into; nothing left to do.
    Done,
}

impl LeadState {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::New, Self::Suspicious, Self::Ordinary, Self::Done];

    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Suspicious => "suspicious",
            Self::Ordinary => "ordinary",
            Self::Done => "done",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == word)
    }
}

/// A technique of ATT&CK that a step's own facts show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Technique {
    /// `T1053.005`.
    pub id: Arc<str>,
    /// `Scheduled Task`.
    pub name: Arc<str>,
}

/// One thing that happened in a lead.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadStep {
    /// The event.
    pub key: EventKey,
    /// Nanoseconds UTC.
    pub time: Option<i64>,
    /// Its computer.
    pub computer: Arc<str>,
    /// `EventRecordID`, where there is one.
    pub record_id: Option<u64>,
    /// What was seen, in one line.
    pub message: Arc<str>,
    /// The detector that finds it most unusual.
    pub detector: DetectorId,
    /// The subject's place in that detector's report, from 0.
    pub subject: u32,
    /// Why, with what was expected and how rare it is.
    pub reason: Arc<str>,
    /// How unusual the event is, in the units of the lead's score.
    pub score: f64,
    /// The process that did it, by its place in [`Lead::processes`].
    pub process: Option<u32>,
    /// What its own facts show.
    pub technique: Option<Technique>,
}

/// A process of a lead.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadProcess {
    /// Its computer.
    pub computer: Arc<str>,
    /// Process GUID.
    pub guid: Option<Guid>,
    /// Process ID.
    pub pid: Option<u32>,
    /// Full path of the image; empty when nothing names it.
    pub image: Arc<str>,
    /// Command line, where its creation was logged with it.
    pub command_line: Option<Arc<str>>,
    /// Start, nanoseconds UTC; none where it predates the log.
    pub start: Option<i64>,
    /// Its creation event, where that is in the log.
    pub key: Option<EventKey>,
    /// How unusual it is, in the units of the lead's score.
    pub score: f64,
    /// Its parent, by its place in [`Lead::processes`].
    pub parent: Option<u32>,
}

/// What connects parts of a lead that no process tree connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadLink {
    /// What kind of connection.
    pub kind: LinkKind,
    /// The connection in words: `cmd.exe wrote C:\x\y.exe, which ran 4 s later`.
    pub reason: Arc<str>,
}

/// Kinds of connections, the most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// A process started another.
    Parent,
    /// A process ran code in another.
    Injection,
    /// A file was written, then run or loaded.
    File,
    /// A service's program ran, or a process installed the service.
    Service,
    /// A scheduled task's program ran, or a process made the task.
    Task,
    /// A process reached another computer, where its account's session began.
    Remote,
    /// The same logon session.
    Session,
    /// The same seldom seen program on another computer.
    SameProgram,
    /// The same account.
    Account,
    /// Shortly one after the other on one computer: the weakest.
    Burst,
}

impl LinkKind {
    /// All, the most specific first.
    pub const ALL: [Self; 10] =
        [Self::Parent, Self::Injection, Self::File, Self::Service, Self::Task, Self::Remote, Self::Session, Self::SameProgram, Self::Account, Self::Burst];

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Parent => "started",
            Self::Injection => "ran code in",
            Self::File => "file",
            Self::Service => "service",
            Self::Task => "scheduled task",
            Self::Remote => "other computer",
            Self::Session => "logon session",
            Self::SameProgram => "same program",
            Self::Account => "account",
            Self::Burst => "moments apart",
        }
    }
}

/// One connected story.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// From 1.
    pub rank: u64,
    /// What ranks: a capped sum of the strongest parts.
    pub score: f64,
    /// The same sum where every detector ranks by what it learned alone.
    pub learned: f64,
    /// What knowledge tables add: score less learned.
    pub prior: f64,
    /// How much that means.
    pub strength: Strength,
    /// The story in a sentence.
    pub headline: Arc<str>,
    /// First event, nanoseconds UTC.
    pub first_seen: Option<i64>,
    /// Last event, nanoseconds UTC.
    pub last_seen: Option<i64>,
    /// Computers that it walks through, in the order in which it reaches them.
    pub computers: Vec<Arc<str>>,
    /// Accounts that it walks through, by name.
    pub users: Vec<Arc<str>>,
    /// Techniques of its steps, by ID.
    pub techniques: Vec<Technique>,
    /// What is most unusual in it, in order of time.
    pub steps: Vec<LeadStep>,
    /// Its processes: parents before children, siblings by start.
    pub processes: Vec<LeadProcess>,
    /// What connects it beside its process trees.
    pub links: Vec<LeadLink>,
    /// Every event of it, in key order.
    pub events: Vec<EventKey>,
    /// The event that stands for it in annotations: the strongest step's.
    pub anchor: EventKey,
}

/// How much a detector counted in the leads of a case, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Which detector.
    pub detector: DetectorId,
    /// What its tails were multiplied with; 0 where it counted nothing.
    pub weight: f64,
    /// In words: `agrees with event fields`, `ranks like chance here`.
    pub reason: String,
}

/// One row of the order of single events: a subject of a detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderedEvent {
    /// Whose subject.
    pub detector: DetectorId,
    /// Its place in that detector's report, from 0.
    pub subject: u32,
    /// What ranks, on the leads' scale.
    pub score: f64,
    /// The lead that holds its first event, from 0; none beyond those told.
    pub lead: Option<u32>,
}

/// All leads of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leads {
    /// The first ones, highest score first.
    pub list: Vec<Lead>,
    /// How many there are; those not in `list` have lower scores.
    pub total: u64,
    /// How much each detector counted.
    pub weights: Vec<Weight>,
    /// Single events, highest score first.
    pub order: Vec<OrderedEvent>,
}
