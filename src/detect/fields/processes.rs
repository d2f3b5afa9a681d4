//! Tells the processes of events apart.

use super::parse::Parsed;
use super::read::{Map, NONE, Table};
use std::collections::HashSet;

/// A process creation or exit of the Security log belongs to the Sysmon one of the same process ID this near to it.
const TWIN: i64 = 5_000_000_000;
/// Marks a process code made of a computer and a process ID until it is known whether the computer has better ones.
const BY_ID: u32 = 1 << 31;

/// Codes of processes; those of the Security log are linked with Sysmon's.
#[derive(Default)]
pub(super) struct Processes {
    codes: Map<u64, u32>,
    /// (process, parent).
    parents: Vec<(u32, u32)>,
    /// Sysmon's creations and exits: time and process.
    known: Map<u64, Vec<(i64, u32)>>,
    /// The Security log's: event, what `known` may call it.
    unknown: Vec<(usize, u64)>,
}

impl Processes {
    fn code(&mut self, process: u64) -> u32 {
        let next = self.codes.len() as u32;
        *self.codes.entry(process).or_insert(next)
    }

    /// The code of an event's process.
    pub(super) fn take(&mut self, parsed: &Parsed<'_>, time: i64, event: usize) -> u32 {
        let Some(process) = parsed.process else { return NONE };
        let code = self.code(process);
        if let Some(parent) = parsed.parent {
            let parent = self.code(parent);
            self.parents.push((code, parent));
        }
        match parsed.twin {
            Some(twin) if parsed.by_id => self.unknown.push((event, twin)),
            Some(twin) => self.known.entry(twin).or_default().push((time, code)),
            None => {}
        }
        if parsed.by_id { code | BY_ID } else { code }
    }

    /// Process IDs are used again and again, so they tell processes apart only on computers that record no process GUIDs; elsewhere the Security
    /// log's creations and exits join Sysmon's of the same process.
    pub(super) fn settle(self, table: &mut Table) {
        for &(event, twin) in &self.unknown {
            let event = &mut table.events[event];
            let near = self.known.get(&twin).into_iter().flatten().map(|&(time, code)| (time.abs_diff(event.time), code)).min();
            if let Some((_, code)) = near.filter(|(apart, _)| *apart < TWIN as u64) {
                event.process = code;
            }
        }
        let by_guid: HashSet<u32> =
            table.events.iter().filter(|event| event.process != NONE && event.process & BY_ID == 0).map(|event| event.computer).collect();
        for event in table.events.iter_mut().filter(|event| event.process != NONE && event.process & BY_ID != 0) {
            event.process = if by_guid.contains(&event.computer) { NONE } else { event.process & !BY_ID };
        }
        table.parents = vec![NONE; self.codes.len()];
        for (process, parent) in self.parents {
            table.parents[process as usize] = parent;
        }
    }
}
