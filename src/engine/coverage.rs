//! What the logs cover: per computer and channel from when to when, which record IDs are missing, when a log was cleared, and whether process
//! creations carry command lines. The absence of a log is not the absence of activity.

use crate::control::{Control, RunError};
use crate::domain::{EventRef, EventStore};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Gaps kept of one log, the largest first.
const GAPS: usize = 20;
/// Slices of time in a log's row.
pub const SLICES: usize = 48;

/// Record IDs that are missing between two that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How many.
    pub missing: u64,
    /// Time of the last event before it, nanoseconds UTC.
    pub after: Option<i64>,
    /// Time of the first event behind it.
    pub before: Option<i64>,
}

/// One log of one computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Whose.
    pub computer: String,
    /// Which.
    pub channel: String,
    /// Events of it.
    pub events: u64,
    /// First time.
    pub first: Option<i64>,
    /// Last time.
    pub last: Option<i64>,
    /// The largest gaps in its record IDs.
    pub gaps: Vec<Gap>,
    /// How many gaps there are.
    pub gap_count: usize,
    /// Record IDs missing in all of them.
    pub missing: u64,
    /// When it was cleared, as it says itself.
    pub cleared: Vec<i64>,
    /// Security 4688 events, and how many of them have a command line.
    pub creations: (u64, u64),
    /// Events per slice of the case's time.
    pub slices: Vec<u32>,
}

impl Log {
    /// What a responder should know of it, in words.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = vec![];
        match self.cleared.len() {
            0 => {}
            1 => remarks.push("cleared once".to_owned()),
            n => remarks.push(format!("cleared {n} times")),
        }
        if self.missing > 0 {
            let number = |n: u64, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
            remarks.push(format!("{} missing in {}", number(self.missing, "record ID"), number(self.gap_count as u64, "gap")));
        }
        if self.creations.0 > self.creations.1 {
            remarks.push(format!("{} of {} 4688 events without command line", self.creations.0 - self.creations.1, self.creations.0));
        }
        remarks
    }
}

/// What a case's logs cover, by computer and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// First and last time of any of them.
    pub span: Option<(i64, i64)>,
    /// The logs, sorted by computer, then channel.
    pub logs: Vec<Log>,
}

type Name = (Arc<str>, Arc<str>);

#[derive(Default)]
struct Reading {
    log: Log,
    /// Record ID and time.
    records: Vec<(u64, Option<i64>)>,
}

/// Reads what every log covers; timelines, which have no record IDs, are left out.
///
/// # Errors
/// When the store cannot be read, or the job is cancelled.
pub fn coverage(store: &dyn EventStore, control: &Control) -> Result<Coverage, RunError> {
    let mut read: BTreeMap<Name, Reading> = BTreeMap::new();
    let logs: Vec<bool> = store.sources().iter().map(|s| !s.is_timeline() && !super::holds_findings(s)).collect();
    store.scan(false, control, &mut |batch| {
        for event in batch.iter().filter(|e| logs.get(e.key.source as usize).copied().unwrap_or(false)) {
            take(&mut read, event);
        }
        Ok(())
    })?;
    let span = read.values().filter_map(|r| Some((r.log.first?, r.log.last?))).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let logs = read.into_iter().map(|((computer, channel), reading)| finish(reading, &computer, &channel, span)).collect();
    Ok(Coverage { span, logs })
}

fn take(read: &mut BTreeMap<Name, Reading>, event: &EventRef<'_>) {
    let (computer, channel) = (event.computer.unwrap_or("(none)"), event.channel.unwrap_or("(none)"));
    let name = (Arc::from(computer), Arc::from(channel));
    let reading = read.entry(name).or_default();
    let log = &mut reading.log;
    log.events += 1;
    if let Some(time) = event.time {
        log.first = Some(log.first.map_or(time, |t| t.min(time)));
        log.last = Some(log.last.map_or(time, |t| t.max(time)));
    }
    let provider = event.provider.unwrap_or_default().to_ascii_lowercase();
    if matches!(event.event_id, Some(1102 | 104 | 517)) && provider.contains("eventlog") {
        log.cleared.extend(event.time);
    }
    if event.event_id == Some(4688) {
        log.creations.0 += 1;
        log.creations.1 += u64::from(event.command_line.is_some_and(|line| !line.is_empty()));
    }
    // What was carved comes from older stretches of the log: its numbers say nothing of a gap.
    if let Some(id) = event.record_id.filter(|_| !event.recovered) {
        reading.records.push((id, event.time));
    }
}

fn finish(mut reading: Reading, computer: &str, channel: &str, span: Option<(i64, i64)>) -> Log {
    let mut log = reading.log;
    (log.computer, log.channel) = (computer.into(), channel.into());
    reading.records.sort_unstable();
    reading.records.dedup_by_key(|r| r.0);
    let gap = |pair: &[(u64, Option<i64>)]| match pair {
        [(a, after), (b, before)] if b - a > 1 => Some(Gap { missing: b - a - 1, after: *after, before: *before }),
        _ => None,
    };
    log.gaps = reading.records.windows(2).filter_map(gap).collect();
    log.gap_count = log.gaps.len();
    log.missing = log.gaps.iter().fold(0, |sum: u64, gap| sum.saturating_add(gap.missing));
    log.gaps.sort_by(|a, b| b.missing.cmp(&a.missing).then(a.after.cmp(&b.after)));
    log.gaps.truncate(GAPS);
    log.cleared.sort_unstable();
    log.slices = vec![0; SLICES];
    if let Some((first, last)) = span {
        let length = (i128::from(last) - i128::from(first)).max(1);
        for time in reading.records.iter().filter_map(|r| r.1) {
            let at = ((i128::from(time) - i128::from(first)) * SLICES as i128 / length) as usize;
            log.slices[at.min(SLICES - 1)] += 1;
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::memory::MemorySink;
    use crate::domain::{Event, EventSink, Ledger};

    #[test]
    fn gaps_clears_and_missing_command_lines_are_told() {
        let sink = MemorySink::default();
        let event = |id: u64, event_id: u32, provider: &str, line: Option<&str>| Event {
            time: Some(id as i64 * 10),
            record: id,
            record_id: Some(id),
            computer: Some("A".into()),
            channel: Some("Security".into()),
            provider: Some(provider.into()),
            event_id: Some(event_id),
            command_line: line.map(str::to_owned),
            ..Event::default()
        };
        let mut source = sink.begin("a.evtx").unwrap();
        let auditing = "Microsoft-Windows-Security-Auditing";
        let events = [
            event(1, 1102, "Microsoft-Windows-Eventlog", None),
            event(2, 4688, auditing, Some("cmd")),
            event(3, 4688, auditing, None),
            event(7, 1102, "SomeoneElse", None),
            event(20, 4624, auditing, None),
        ];
        source.write(events.into()).unwrap();
        source.finish(Ledger { source_file: "a.evtx".into(), format: "EVTX".into(), events: 5, ..Ledger::default() }).unwrap();
        let found = coverage(&sink.store(), &Control::silent()).unwrap();
        assert_eq!((found.span, found.logs.len()), (Some((10, 200)), 1));
        let log = &found.logs[0];
        assert_eq!((log.events, log.cleared.as_slice(), log.creations, log.missing, log.gap_count), (5, [10].as_slice(), (2, 1), 15, 2));
        assert_eq!(log.gaps[0], Gap { missing: 12, after: Some(70), before: Some(200) });
        assert_eq!(log.remarks(), ["cleared once", "15 record IDs missing in 2 gaps", "1 of 2 4688 events without command line"]);
        assert_eq!((log.slices.iter().sum::<u32>(), log.slices[0], log.slices[SLICES - 1]), (5, 1, 1));
    }
}
