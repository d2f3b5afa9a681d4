//! The list of events on a big case, each query beside its bound (`cargo bench --bench queries [-- EVENTS]`; 1,000,000 unless told, 10,000,000 asked for).
//!
//! The case: an estate of at most a million events, read from EVTX, then written through the case writer as often as it takes; every copy has
//! computers, times, messages and command lines of its own. With `CASE.residue` for an argument that case is asked instead.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use residue::case::Case;
use residue::case::events::{Events, Query};
use residue::case::search::{Column, Search};
use residue::control::{Control, RunError};
use residue::domain::{Event, EventSink, Ledger, SourceSink};
use residue::ingest::{Options, ingest};
use residue::synth;
use std::path::Path;
use std::time::{Duration, Instant};

/// Most events of the estate itself.
const ESTATE: u64 = 1_000_000;
const ROUNDS: usize = 3;
const PAGE: usize = 100;

/// Writes every source several times.
struct Copies {
    case: Case,
    copies: u64,
}

struct Source {
    name: String,
    sinks: Vec<Box<dyn SourceSink>>,
}

impl EventSink for Copies {
    fn begin(&self, source_file: &str) -> Result<Box<dyn SourceSink>, RunError> {
        let sinks = (0..self.copies).map(|copy| self.case.begin(&named(source_file, copy))).collect::<Result<_, _>>()?;
        Ok(Box::new(Source { name: source_file.into(), sinks }))
    }

    fn note(&self, ledger: Ledger) -> Result<(), RunError> {
        self.case.note(ledger)
    }
}

impl SourceSink for Source {
    fn write(&mut self, batch: Vec<Event>) -> Result<(), RunError> {
        for (copy, sink) in self.sinks.iter_mut().enumerate() {
            sink.write(batch.iter().map(|event| altered(event, copy as u64)).collect())?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, ledger: Ledger) -> Result<(), RunError> {
        for (copy, sink) in self.sinks.into_iter().enumerate() {
            let copy = copy as u64;
            let sha256 = format!("{copy:04x}{}", ledger.sha256.get(4..).unwrap_or_default());
            sink.finish(Ledger { source_file: named(&self.name, copy), sha256, ..ledger.clone() })?;
        }
        Ok(())
    }
}

fn named(source_file: &str, copy: u64) -> String {
    format!("{copy:03}/{source_file}")
}

/// An event as the copy has it: another computer, some days later, other numbers in its texts.
fn altered(event: &Event, copy: u64) -> Event {
    let turn = |text: &str| text.chars().map(|c| c.to_digit(10).and_then(|d| char::from_digit((d + copy as u32) % 10, 10)).unwrap_or(c)).collect::<String>();
    Event {
        time: event.time.map(|time| time + copy as i64 * 259_200_000_000_000),
        computer: event.computer.as_ref().map(|computer| format!("S{copy}-{computer}")),
        message: turn(&event.message),
        command_line: event.command_line.as_deref().map(turn),
        ..event.clone()
    }
}

fn made(events: u64, home: &Path) -> Case {
    let begin = Instant::now();
    let case = Case::create(&home.join("bench.residue")).unwrap();
    let (estate, copies) = (events.min(ESTATE), events.div_ceil(ESTATE));
    let folder = home.join("estate");
    synth::write(&folder, &synth::Options { events: estate, seed: 7, formats: Vec::new(), intrusion: true }, &Control::silent()).unwrap();
    ingest(&[folder.join("evtx")], &Copies { case: case.clone(), copies }, &Options::default(), &Control::silent()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    println!("made in {:.0} s", begin.elapsed().as_secs_f64());
    case
}

fn main() {
    let home = tempfile::tempdir_in(std::env::var_os("RESIDUE_ROOM").unwrap_or_else(|| std::env::temp_dir().into())).unwrap();
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_else(|| "1000000".into());
    let case = given.parse().map_or_else(|_| Case::open(Path::new(&given)).unwrap(), |events| made(events, home.path()));
    // What making it took is no part of what asking it takes (Linux).
    let forgotten = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let control = Control::silent();
    let cold = |what: &str, bound: f64, text: &str| {
        let events = Events::new(case.snapshot());
        let begin = Instant::now();
        let found = events.find(&query(text), &control).unwrap().len();
        say(&format!("{what}, nothing read yet: {text}"), found, begin.elapsed(), bound);
    };
    let events = Events::new(case.snapshot());
    println!("{} events in {} sources; best of {ROUNDS}", events.len(), case.sources().len());
    cold("typed", f64::NAN, "event_id:4688");
    cold("typed", f64::NAN, "computer:DC");
    cold("text", f64::NAN, "+message:powershell");
    let begin = Instant::now();
    events.warm(&control).unwrap();
    say("all names and times read into memory, once", events.len(), begin.elapsed(), f64::NAN);
    let find = |text: &str| events.find(&query(text), &control).unwrap();
    for text in ["powershell", "mimikatz", "+\"net user\" -svchost", "schtasks certutil", "message:logon", "command_line:-enc", "image:temp", "4688"] {
        best(&format!("text: {text}"), 2.0, || find(text).len());
    }
    for text in ["event_id:4688", "4000-4999", "!4624", "computer:DC", "+user:alice -4688", "channel:=Security", "time:>2024-01-01", "level:error"] {
        best(&format!("typed: {text}"), 0.2, || find(text).len());
    }
    let all = find("");
    for column in Events::GROUPED {
        best(&format!("group by {}", column.name()), 1.0, || events.group(&all, column, &control).unwrap().len());
    }
    for column in [Column::Time, Column::EventId, Column::Computer, Column::User, Column::Image, Column::CommandLine, Column::RecordId] {
        let (mut sorted, descending) = (Vec::new(), true);
        best(&format!("sort by {}", column.name()), 2.0, || {
            sorted = events.sort(all.clone(), column, descending, &control).unwrap();
            sorted.len()
        });
        best(&format!("  and its first page of {PAGE}"), 1.0, || events.page(&sorted[..PAGE.min(sorted.len())], &control).unwrap().len());
        let spread: Vec<u32> = sorted.iter().copied().step_by(sorted.len().div_ceil(PAGE)).collect();
        best("  and a page from all over", 1.0, || events.page(&spread, &control).unwrap().len());
    }
    let begin = Instant::now();
    say("streamed: fields:0x3e7", find("fields:0x3e7").len(), begin.elapsed(), f64::NAN);
    println!("peak memory{}: {} (bound 3 GB)", if forgotten { "" } else { ", making the case included" }, peak());
}

fn query(text: &str) -> Query {
    Query { search: Search::parse(text).unwrap(), ..Query::default() }
}

fn best(what: &str, bound: f64, mut work: impl FnMut() -> usize) {
    let mut found = 0;
    let mut spent = f64::INFINITY;
    let time = |_| {
        let (begin, before) = (Instant::now(), processor());
        found = work();
        spent = spent.min(processor() - before);
        begin.elapsed()
    };
    let fastest = (0..ROUNDS).map(time).min().unwrap_or_default();
    say(what, found, fastest, bound);
    if spent > 0.05 {
        println!("{:<62} {:>10}  {:>9.1} ms of processor time", "", "", spent * 1e3);
    }
}

/// Seconds of processor time of all threads, where the system tells: what counts on a busy machine.
fn processor() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
    let spent = threads.filter_map(|t| std::fs::read_to_string(t.path().join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok());
    spent.sum::<f64>() / 1e9
}

fn say(what: &str, found: usize, took: Duration, bound: f64) {
    let (ms, verdict) = (took.as_secs_f64() * 1e3, if bound.is_nan() { String::new() } else { format!(" of {:.0}", bound * 1e3) });
    let missed = if took.as_secs_f64() > bound { "  MISSED" } else { "" };
    println!("{what:<62} {found:>10}  {ms:>9.1} ms{verdict}{missed}");
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or_else(|| "not known here".into(), |text| text.trim().into())
}
