//! Builds the process model from a case: creations and exits of Sysmon (1, 5) and Security (4688, 4689) become processes with parents.
//!
//! A parent is found by GUID, else by (computer, process ID, start-to-exit interval); one that predates the log is kept as a named stub. Where both
//! logs tell of the same creation on a computer, they make one process. Border: reads events, ranks nothing.

use super::lineage_join as join;
use crate::control::{Control, RunError};
use crate::domain::{EventRef, EventStore, Guid, Integrity, Parent, Process, Processes};
use std::collections::HashSet;
use std::sync::Arc;

/// Builds the processes of a case in one pass over its events.
///
/// Order: (start, key), those without a time last. Memory: one compact row per creation and exit, every distinct text once.
///
/// # Errors
/// When the store cannot be read or the job is cancelled.
pub fn processes(store: &dyn EventStore, control: &Control) -> Result<Processes, RunError> {
    let mut gathered = Gatherer::default();
    let total = store.events();
    let mut seen = 0;
    store.scan(true, control, &mut |batch| {
        control.check()?;
        for event in batch {
            gathered.take(event);
        }
        seen += batch.len() as u64;
        control.progress("reading", "process creations", seen, Some(total), "events");
        Ok(())
    })?;
    control.check()?;
    Ok(gathered.join())
}

/// A process as its creation event tells it, and what that event says of the parent.
pub(super) struct Creation {
    pub(super) process: Process,
    pub(super) host: Arc<str>,
    pub(super) parent_guid: Option<Guid>,
    pub(super) ppid: Option<u32>,
    pub(super) parent_image: Option<Arc<str>>,
}

impl Creation {
    pub(super) fn is_sysmon(&self) -> bool {
        self.process.event_id == 1
    }
}

/// The end of a process.
pub(super) struct Exit {
    pub(super) host: Arc<str>,
    pub(super) time: i64,
    pub(super) guid: Option<Guid>,
    pub(super) pid: Option<u32>,
    pub(super) image: Option<Arc<str>>,
}

/// Every distinct text once.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn keep(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }

    fn keep_some(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        text.filter(|t| !t.is_empty() && *t != "-").map(|t| self.keep(t))
    }
}

/// Takes creations and exits out of events that somebody else reads: for passes that want more of them than processes.
#[derive(Default)]
pub struct Gatherer {
    texts: Texts,
    creations: Vec<Creation>,
    exits: Vec<Exit>,
}

impl Gatherer {
    /// Takes one event, with its payload; in key order.
    pub fn take(&mut self, event: &EventRef<'_>) {
        match kind(event) {
            Some(1 | 4688) => self.creation(event),
            Some(5 | 4689) => self.exit(event),
            _ => {}
        }
    }

    /// The processes, once every event was taken.
    #[must_use]
    pub fn join(self) -> Processes {
        join::join(self.creations, self.exits)
    }

    fn creation(&mut self, event: &EventRef<'_>) {
        let guid = event.process_guid.and_then(Guid::parse);
        let image = self.texts.keep_some(event.image);
        if guid.is_none() && event.pid.is_none() && image.is_none() {
            return;
        }
        let event_id = event.event_id.unwrap_or_default();
        let (label, logons): (_, &[&str]) = if event_id == 1 {
            (text(event.fields, "IntegrityLevel"), &["LogonId"])
        } else {
            (text(event.fields, "MandatoryLabel"), &["TargetLogonId", "SubjectLogonId"])
        };
        let process = Process {
            key: event.key,
            twin: None,
            record_id: event.record_id,
            event_id,
            channel: self.texts.keep_some(event.channel),
            provider: self.texts.keep_some(event.provider),
            computer: self.texts.keep(event.computer.unwrap_or_default()),
            guid,
            pid: event.pid,
            start: event.time,
            end: None,
            image: image.unwrap_or_else(|| self.texts.keep("")),
            command_line: self.texts.keep_some(event.command_line),
            user: self.texts.keep_some(event.user),
            integrity: label.map_or(Integrity::Unknown, |label| Integrity::parse(&label)),
            logon_id: logons.iter().filter_map(|name| text(event.fields, name)).find_map(|id| number(&id).filter(|id| *id != 0)),
            parent: Parent::Unknown,
        };
        self.creations.push(Creation {
            host: self.texts.keep(&process.computer.to_ascii_lowercase()),
            process,
            parent_guid: event.parent_guid.and_then(Guid::parse),
            ppid: event.ppid,
            parent_image: self.texts.keep_some(event.parent_image),
        });
    }

    fn exit(&mut self, event: &EventRef<'_>) {
        let Some(time) = event.time else { return };
        self.exits.push(Exit {
            host: self.texts.keep(&event.computer.unwrap_or_default().to_ascii_lowercase()),
            time,
            guid: event.process_guid.and_then(Guid::parse),
            pid: event.pid,
            image: self.texts.keep_some(event.image),
        });
    }
}

/// The event ID, when it is one of the four and comes from Sysmon or Security; logs whose rows name neither channel nor provider are believed.
fn kind(event: &EventRef<'_>) -> Option<u32> {
    let id = event.event_id?;
    let wanted = match id {
        1 | 5 => "sysmon",
        4688 | 4689 => "security",
        _ => return None,
    };
    let names = [event.channel, event.provider];
    let told = names.iter().flatten().any(|name| name.to_ascii_lowercase().contains(wanted));
    (told || names.iter().all(Option::is_none)).then_some(id)
}

/// A field of the event's payload, at the top of the object or under `EventData`.
fn text(fields: &str, name: &str) -> Option<String> {
    let found = sonic_rs::get(fields, &[name]).or_else(|_| sonic_rs::get(fields, &["EventData", name])).ok()?;
    let raw = found.as_raw_str();
    Some(sonic_rs::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
