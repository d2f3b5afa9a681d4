//! Plain data that every other module may speak of: events, subjects, reports, plans.
//!
//! Border: no I/O, no egui, burn, polars or evtx; only the standard library, `serde` and `jiff`.

mod cell;
mod columns;
mod event;
mod labels;
mod lead;
mod ledger;
mod plan;
mod process;
mod report;
mod settings;
mod suppress;
pub mod time;
mod words;

pub use cell::Cell;
pub use columns::{Access, BEFORE_KEY, Column, ColumnKind, EVENT_COLUMNS, Event, EventColumn, EventRef, Held, WORDS};
pub use event::{EventKey, EventSink, EventStore, SourceSink};
pub use labels::{Figures, ProcessLabel, Validation, Verdict};
pub use lead::{Lead, LeadLink, LeadProcess, LeadState, LeadStep, Leads, LinkKind, OrderedEvent, Strength, Technique, Weight};
pub use ledger::{Ledger, LedgerEntry, SourceStatus};
pub use plan::{Compute, DetectorId, Plan, Preset, RankBy, Scope, Threshold};
pub use process::{Children, Guid, Integrity, Lineage, Parent, Process, Processes, Step, Stub};
pub use report::{
    Contribution, CurvePoint, Detection, Explain, Manifest, ManifestDetector, ManifestLeads, ManifestRule, ManifestSource, Report, RunFacts, Stage, Subject,
    Trials,
};
pub use settings::{ChainsSettings, FieldsSettings, GroupsSettings, ProcessSettings, Settings, TimelineSettings};
pub use suppress::{Rule, RuleField, Suppression};
pub use words::{Expression, Roc, Word, Words};
