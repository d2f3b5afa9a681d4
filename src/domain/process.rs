//! Processes and their ancestry, joined from creation and exit events.
//!
//! Border: plain data and walks over it; `features::lineage` builds it from a store.

use crate::domain::EventKey;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU128;
use std::sync::Arc;

/// A process GUID as 128 bits: braces and case do not matter. The null GUID is no GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Guid(NonZeroU128);

impl Guid {
    /// Reads `{01234567-89ab-cdef-0123-456789abcdef}`, with or without braces, in any case; `None` when it is not one, or null.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut value = 0_u128;
        let mut digits = 0;
        for byte in text.bytes() {
            match (byte as char).to_digit(16) {
                Some(digit) => {
                    value = value << 4 | u128::from(digit);
                    digits += 1;
                }
                None if matches!(byte, b'{' | b'}' | b'-') => {}
                None => return None,
            }
            if digits > 32 {
                return None;
            }
        }
        NonZeroU128::new(value).filter(|_| digits == 32).map(Self)
    }
}

impl std::fmt::Display for Guid {
    /// Braced and in lower case, as events carry it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let v = self.0.get();
        write!(f, "{{{:08x}-{:04x}-{:04x}-{:04x}-{:012x}}}", v >> 96, v >> 80 & 0xffff, v >> 64 & 0xffff, v >> 48 & 0xffff, v & 0xffff_ffff_ffff)
    }
}

/// Where a process came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parent {
    /// Index of a process whose creation is in the log.
    Known(u32),
    /// Index of a named stub: the parent predates the log.
    Stub(u32),
    /// The creation event names no parent.
    Unknown,
}

/// One process, from its creation to its exit.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its creation event: Sysmon 1 where there is one, else Security 4688.
    pub key: EventKey,
    /// The same creation as the other log tells it.
    pub twin: Option<EventKey>,
    /// `EventRecordID` of [`Process::key`].
    pub record_id: Option<u64>,
    /// 1 (Sysmon) or 4688 (Security).
    pub event_id: u32,
    /// Channel of the creation event, as found.
    pub channel: Option<Arc<str>>,
    /// Provider of the creation event, as found.
    pub provider: Option<Arc<str>>,
    /// Computer as found; empty when the event names none.
    pub computer: Arc<str>,
    /// Process GUID.
    pub guid: Option<Guid>,
    /// Process ID: unique on its computer from start to exit only.
    pub pid: Option<u32>,
    /// Creation, nanoseconds UTC.
    pub start: Option<i64>,
    /// Exit, nanoseconds UTC; none when the log does not hold it.
    pub end: Option<i64>,
    /// Full path of the image; empty when the event names none.
    pub image: Arc<str>,
    /// Command line; none when it was not logged.
    pub command_line: Option<Arc<str>>,
    /// `DOMAIN\name` it runs as.
    pub user: Option<Arc<str>>,
    /// Mandatory integrity level.
    pub integrity: Integrity,
    /// Logon session.
    pub logon_id: Option<u64>,
    /// Where it came from.
    pub parent: Parent,
}

/// A parent that predates the log: what its children say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    /// Computer as found.
    pub computer: Arc<str>,
    /// GUID its children name.
    pub guid: Option<Guid>,
    /// Process ID its children name.
    pub pid: Option<u32>,
    /// Image its children name; empty when they name none.
    pub image: Arc<str>,
}

/// Windows mandatory integrity level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Integrity {
    /// Not logged, or not one of the known ones.
    #[default]
    Unknown,
    /// S-1-16-0 and S-1-16-4096, and app containers.
    Low,
    /// S-1-16-8192 and S-1-16-8448.
    Medium,
    /// S-1-16-12288.
    High,
    /// S-1-16-16384 and above.
    System,
}

impl Integrity {
    /// Every level, in order.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Low, Self::Medium, Self::High, Self::System];

    /// Reads Sysmon's word (`High`) or Security's label (`S-1-16-12288`).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let rid = text.rsplit('-').next().and_then(|rid| rid.parse::<u32>().ok()).filter(|_| text.starts_with("S-1-16-"));
        match rid {
            Some(0..8192) => Self::Low,
            Some(8192..12288) => Self::Medium,
            Some(12288..16384) => Self::High,
            Some(_) => Self::System,
            None => match text.to_ascii_lowercase().as_str() {
                "low" | "untrusted" | "appcontainer" => Self::Low,
                "medium" | "medium plus" => Self::Medium,
                "high" => Self::High,
                "system" => Self::System,
                _ => Self::Unknown,
            },
        }
    }

    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::System => "system",
        }
    }
}

/// One step of a [`Lineage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Index into [`Processes::list`].
    Process(u32),
    /// Index into [`Processes::stubs`].
    Stub(u32),
}

/// A root-to-leaf chain of at most as many steps as were asked for; the leaf is last.
pub type Lineage = Vec<Step>;

/// Every process of a case, in order of (start, creation event), those without a time last.
///
/// Invariant: following parents never comes back to the same process.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    /// The processes.
    pub list: Vec<Process>,
    /// Parents that predate the log, each once.
    pub stubs: Vec<Stub>,
}

impl Processes {
    /// Image path of a step.
    #[must_use]
    pub fn image(&self, step: Step) -> &str {
        match step {
            Step::Process(index) => &self.list[index as usize].image,
            Step::Stub(index) => &self.stubs[index as usize].image,
        }
    }

    /// The step above one; `None` above a stub or where no parent is named.
    #[must_use]
    pub fn parent(&self, step: Step) -> Option<Step> {
        match step {
            Step::Stub(_) => None,
            Step::Process(index) => match self.list[index as usize].parent {
                Parent::Known(parent) => Some(Step::Process(parent)),
                Parent::Stub(stub) => Some(Step::Stub(stub)),
                Parent::Unknown => None,
            },
        }
    }

    /// The last `length` steps of the chain that ends in a process, root first.
    #[must_use]
    pub fn lineage(&self, leaf: u32, length: usize) -> Lineage {
        let mut steps = Vec::with_capacity(length);
        let mut next = Some(Step::Process(leaf));
        while let Some(step) = next.filter(|_| steps.len() < length) {
            steps.push(step);
            next = self.parent(step);
        }
        steps.reverse();
        steps
    }

    /// Children of every process and of every stub, each list in the order of [`Processes::list`]: what a process tree is drawn from.
    #[must_use]
    pub fn children(&self) -> Children {
        let mut children = Children { of_process: vec![Vec::new(); self.list.len()], of_stub: vec![Vec::new(); self.stubs.len()], orphans: Vec::new() };
        for (index, process) in self.list.iter().enumerate() {
            match process.parent {
                Parent::Known(parent) => children.of_process[parent as usize].push(index as u32),
                Parent::Stub(stub) => children.of_stub[stub as usize].push(index as u32),
                Parent::Unknown => children.orphans.push(index as u32),
            }
        }
        children
    }
}

/// The downward view of [`Processes`]: roots are the stubs and the orphans.
#[derive(Clone, Debug, Default)]
pub struct Children {
    /// By index into [`Processes::list`].
    pub of_process: Vec<Vec<u32>>,
    /// By index into [`Processes::stubs`].
    pub of_stub: Vec<Vec<u32>>,
    /// Processes whose creation names no parent.
    pub orphans: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_compare_without_braces_and_case() {
        let guid = Guid::parse("{AC061C88-4a31-652f-9d00-000000000200}").expect("a GUID");
        assert_eq!(Some(guid), Guid::parse("ac061c88-4A31-652F-9D00-000000000200"));
        assert_eq!(guid.to_string(), "{ac061c88-4a31-652f-9d00-000000000200}");
        assert_eq!(Guid::parse("{00000000-0000-0000-0000-000000000000}"), None);
        assert_eq!(Guid::parse("ac061c88"), None);
        assert_eq!(Guid::parse("{ac061c88-4a31-652f-9d00-0000000002001}"), None);
        assert_eq!(Guid::parse("not a guid"), None);
    }

    #[test]
    fn integrity_is_read_from_words_and_labels() {
        assert_eq!(Integrity::parse("High"), Integrity::High);
        assert_eq!(Integrity::parse("S-1-16-8448"), Integrity::Medium);
        assert_eq!(Integrity::parse("S-1-16-16384"), Integrity::System);
        assert_eq!(Integrity::parse("S-1-5-18"), Integrity::Unknown);
    }
}
