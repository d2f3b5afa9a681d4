//! The ledger: what each source is and what was read of it. Nothing is dropped in silence.

use serde::{Deserialize, Serialize};

/// How much of a source could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SourceStatus {
    /// Every record became an event.
    #[default]
    Whole,
    /// Some records could not be read; the entries say which.
    Partial,
    /// Evidence by its look, but nothing could be read.
    Unreadable,
    /// Not evidence; the first entry says why. Does not touch the exit status.
    NotEvidence,
    /// Same bytes as another source, read once: the same record counts, but no events of its own.
    Duplicate,
}

/// One thing that went wrong in a source, or is worth knowing about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Byte offset in the source, where known.
    pub offset: Option<u64>,
    /// Record position (from 1) or, for EVTX, the record number the parser named.
    pub record: Option<u64>,
    /// What, and what it means, in one line.
    pub what: String,
}

/// One source's row in the ledger. `records = ok + recovered + joined + bad`: every record is one of the four.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub struct Ledger {
    /// Path relative to the argument's parent, `/`-separated; archive members as `a.zip!/b.evtx`.
    pub source_file: String,
    /// Absolute path on this machine, for opening it again; never written to rankings.
    pub path: String,
    /// Lower-case hex; empty when the bytes could not be read.
    pub sha256: String,
    /// Size.
    pub bytes: u64,
    /// Format's name (`EVTX`, `plaso l2tcsv`, ...), or `unknown`.
    pub format: String,
    /// 0..1: how sure the recognition is.
    pub certainty: f32,
    /// How much could be read.
    pub status: SourceStatus,
    /// Records that gave at least one event, read in order.
    pub records_ok: u64,
    /// Records that gave an event but were carved.
    pub records_recovered: u64,
    /// Records merged into another record's event.
    pub records_joined: u64,
    /// Records that could not be read.
    pub records_bad: u64,
    /// Events written.
    pub events: u64,
    /// Events without a usable time.
    pub no_time: u64,
    /// How local times were read (`UTC`, `stated`, or the zone chosen).
    pub zone: String,
    /// Defects with offsets: the first 1,000, bad records first come first kept.
    pub entries: Vec<LedgerEntry>,
    /// Number of defects, kept or not.
    pub defects: u64,
    /// `source_file` of the source with the same bytes.
    pub duplicate_of: Option<String>,
    /// First event time, nanoseconds UTC.
    pub first: Option<i64>,
    /// Last event time, nanoseconds UTC.
    pub last: Option<i64>,
    /// Computers and channels seen with their event counts, sorted; what the coverage matrix and duplicate search use.
    pub seen: Vec<(String, String, u64)>,
}

/// Formats whose rows are whole Windows events or a tool's findings about them; every other format of evidence is a timeline.
const EVENT_FORMATS: &[&str] = &[
    "EVTX",
    "EvtxECmd CSV",
    "EvtxECmd JSONL",
    "Sysmon CSV",
    "Hayabusa CSV",
    "Hayabusa JSONL",
    "Hayabusa search CSV",
    "Hayabusa Timesketch CSV",
    "Chainsaw CSV",
    "Chainsaw JSON",
    "Event XML",
    "evtx_dump XML",
    "evtx_dump JSONL",
    "Winlogbeat JSONL",
    "NXLog JSONL",
    "Velociraptor EvtxHunter CSV",
    "Velociraptor EvtxHunter JSONL",
    "Get-WinEvent CSV",
    "Event Viewer CSV",
];

/// Archives: their members are sources of their own.
const ARCHIVES: &[&str] = &["ZIP archive", "gzip file", "Zstandard file"];

impl Ledger {
    /// Whether the source is an archive, which gives no events itself: its members do.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        ARCHIVES.contains(&self.format.as_str())
    }

    /// Whether the source is a timeline (file system rows, super timelines, artefact tables) rather than Windows events; not evidence is neither.
    #[must_use]
    pub fn is_timeline(&self) -> bool {
        !self.format.is_empty() && self.format != "unknown" && !self.is_archive() && !EVENT_FORMATS.contains(&self.lines_format().as_str())
    }

    /// The format's name; JSON documents are called as the same tool's JSON lines.
    fn lines_format(&self) -> String {
        let named = |name: &&str| name.strip_suffix('L') == Some(self.format.as_str());
        EVENT_FORMATS.iter().find(|name| named(name)).map_or_else(|| self.format.clone(), |name| (*name).to_owned())
    }

    /// Number of defects kept in `entries`.
    pub const MAX_ENTRIES: usize = 1000;

    /// Keeps something worth knowing that is not wrong, while there is room.
    pub fn remark(&mut self, what: impl Into<String>) {
        if self.entries.len() < Self::MAX_ENTRIES {
            self.entries.push(LedgerEntry { offset: None, record: None, what: what.into() });
        }
    }

    /// Counts a defect and keeps it while there is room.
    pub fn defect(&mut self, offset: Option<u64>, record: Option<u64>, what: impl Into<String>) {
        self.defects += 1;
        if self.entries.len() < Self::MAX_ENTRIES {
            self.entries.push(LedgerEntry { offset, record, what: what.into() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timelines_are_told_from_events_and_from_what_is_not_evidence() {
        let of = |format: &str| Ledger { format: format.into(), ..Ledger::default() }.is_timeline();
        assert!(of("plaso l2tcsv") && of("MFTECmd $MFT") && of("bodyfile") && of("CSV"));
        assert!(!of("EVTX") && !of("Sysmon CSV") && !of("Hayabusa CSV") && !of("unknown") && !of(""));
    }
}
