//! Tables: super timelines, body files, the output of triage tools, exported event logs; delimited or one JSON object a line.
//!
//! ```text
//! layout (encoding, delimiter, header) + spec (signatures) -> lines -> split -> row -> mapper -> Output
//! ```
//! What is known of formats stands in `assets/formats.toml`; `guess` serves the rest: any table with a column of times opens.
//!
//! # What a row becomes
//! One event, or one for each distinct instant where a row has several times (`part`); `record` counts data rows from 1. `fields` holds all
//! columns as found by their own names, cells beyond the header as `column N`; rows with several times also say which of them this event is
//! (`timestamp_desc`, `MACB`). Whole Windows events have the shape that `ingest` documents for EVTX instead. `channel` is the artefact's
//! family, `provider` the parser, `image` the path the row is about.

mod bodyfile;
mod documents;
pub(super) mod encoding;
mod generic;
mod guess;
mod hayabusa;
mod layout;
mod lines;
mod mapper;
mod mft;
mod plaso;
mod records;
mod row;
mod spec;
mod split;
mod times;
mod winevent;

use super::Options;
use super::format::{Format, Head, Input};
use super::mapping::{Mapping, Preview};
use super::output::Output;
use super::sniff::HEAD;
use crate::control::RunError;
use jiff::tz::TimeZone;
use layout::Start;
use lines::Lines;
use mapper::Mapper;
use records::{Kind, Reader};
use row::{Header, Wanted};
use serde_json::{Map, Value};
use spec::{Shape, Spec, Strength, Zone, key};
use std::borrow::Cow;
use std::io::Read;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the analyst chose, understood.
pub(super) struct Chosen {
    zone: TimeZone,
    zone_name: String,
    maps: Vec<Spec>,
    /// A mapping was of use.
    used: AtomicBool,
}

impl Chosen {
    /// Reads the choices.
    ///
    /// # Errors
    /// A zone that nobody knows, a mapping that cannot be read.
    pub(super) fn new(options: &Options) -> Result<Self, RunError> {
        let zone_name = options.zone.clone().unwrap_or_else(|| "UTC".into());
        let zone = if zone_name.eq_ignore_ascii_case("UTC") {
            TimeZone::UTC
        } else {
            TimeZone::get(&zone_name).map_err(|_| RunError::failed(format!("no time zone is called {zone_name}: give a name like Europe/Berlin")))?
        };
        let maps = options.map.as_deref().map(spec::mappings).transpose().map_err(RunError::failed)?.unwrap_or_default();
        Ok(Self { zone, zone_name, maps, used: AtomicBool::new(false) })
    }

    /// Whether mappings were given and none fitted any table.
    pub(super) fn in_vain(&self) -> bool {
        !self.maps.is_empty() && !self.used.load(Ordering::Relaxed)
    }

    /// The mapping for a table with these columns, where it weighs as much.
    fn mapping(&self, keys: &[String], strength: Strength) -> Option<Spec> {
        let spec = self.maps.iter().find(|map| map.maps(keys) == Some(strength))?;
        self.used.store(true, Ordering::Relaxed);
        Some(Spec { zone: if spec.zone == Zone::Stated { Zone::Stated } else { Zone::Local }, ..spec.clone() })
    }
}

/// A format of tables.
pub(super) struct Table {
    name: &'static str,
    zone: Zone,
}

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    let named = |spec: &'static Spec| {
        let document = spec.json.as_deref().and_then(|name| name.strip_suffix('L'));
        spec.name.iter().chain(&spec.json).map(String::as_str).chain(document).map(|name| Table { name, zone: spec.zone })
    };
    spec::all().iter().flat_map(named).collect()
});
static DELIMITED: Table = Table { name: "CSV", zone: Zone::Local };
static JSON: Table = Table { name: "JSONL", zone: Zone::Local };
static DOCUMENT: Table = Table { name: "JSON", zone: Zone::Local };

/// What a table was told to be, and how to read it.
struct Told {
    table: &'static Table,
    certainty: f32,
    spec: Cow<'static, Spec>,
    start: Start,
    kind: Kind,
    header: Vec<String>,
    /// The first line is a row.
    headless: bool,
}

/// The table's format and its certainty.
///
/// # Errors
/// Why it is no evidence.
pub(super) fn recognise(head: &Head<'_>, chosen: &Chosen) -> Result<(&'static dyn Format, f32), String> {
    let told = tell(head.bytes, chosen)?;
    Ok((told.table, told.certainty))
}

impl Format for Table {
    fn name(&self) -> &'static str {
        self.name
    }

    fn zone(&self) -> &'static str {
        if self.zone == Zone::Stated { "stated" } else { "UTC" }
    }

    fn recognise(&self, _: &Head<'_>) -> Option<f32> {
        // Tables are told all at once, by `recognise` above: the header decides between them.
        None
    }

    fn read(&self, input: &Input<'_>, output: &mut Output<'_>) -> Result<(), RunError> {
        let opened = (input.open)().and_then(|file| {
            let mut head = Vec::new();
            file.take(HEAD as u64).read_to_end(&mut head)?;
            Ok((head, (input.open)()?))
        });
        let (head, file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                output.lost(None, None, format!("reading failed ({error}); is the medium damaged?"));
                return Ok(());
            }
        };
        let told = match tell(&head, input.chosen) {
            Ok(told) => told,
            Err(why) => {
                output.lost(None, None, format!("no table any more: {why}"));
                return Ok(());
            }
        };
        if told.spec.zone == Zone::Local {
            output.zone(&input.chosen.zone_name);
        }
        let reader = match reader(told, file, input.chosen) {
            Ok(reader) => reader,
            Err(error) => {
                output.lost(None, None, format!("reading failed ({error}); is the medium damaged?"));
                return Ok(());
            }
        };
        let (reader, skip) = reader;
        reader.run(skip, input, output)
    }
}

/// The reader of a table's rows and the number of lines before them.
fn reader<'a>(told: Told, file: std::fs::File, chosen: &Chosen) -> std::io::Result<(Reader<'a>, usize)> {
    let mut wanted = Wanted::default();
    let spec = &told.spec;
    let zone = if spec.zone == Zone::Local { chosen.zone.clone() } else { TimeZone::UTC };
    let day_first = match told.kind {
        Kind::Quoted(delimiter) | Kind::Unquoted(delimiter) => {
            let keys: Vec<String> = told.header.iter().map(|name| key(name)).collect();
            let times: Vec<usize> = spec.time.0.iter().filter_map(|name| keys.iter().position(|known| *known == key(name))).collect();
            let rows = told.start.rows(delimiter);
            guess::day_first(rows.iter().flat_map(|row| times.iter().filter_map(|at| row.get(*at)).map(String::as_str)))
        }
        _ => false,
    };
    let mapper = Mapper::new(spec, told.table.name, times::Reading { zone, day_first }, &mut wanted);
    let header = if matches!(told.kind, Kind::Bodyfile) { bodyfile::header(&wanted) } else { Header::new(&told.header, &wanted) };
    let json = matches!(told.kind, Kind::Json);
    let skip = told.start.skip + usize::from(!told.headless && !json);
    let lines = Lines::new(file, told.start.encoding, told.start.mark, told.start.document)?;
    Ok((Reader { lines, kind: told.kind, header, wanted, mapper }, skip))
}

/// Rows shown of an unknown table.
const SHOWN: usize = 6;

/// What an unknown table looks like; none when it is no table.
pub(super) fn preview(head: &[u8]) -> Option<Preview> {
    let start = Start::of(head)?;
    let (header, rows) = if start.is_json() {
        let objects: Vec<Map<String, Value>> = start.lines.iter().filter_map(|line| serde_json::from_str(line.trim()).ok()).collect();
        let names: Vec<String> = objects.first()?.keys().cloned().collect();
        let cells =
            |object: &Map<String, Value>| names.iter().map(|name| object.get(name).map(|value| row::said(value).into_owned()).unwrap_or_default()).collect();
        let rows: Vec<Vec<String>> = objects.iter().map(cells).collect();
        (names, rows)
    } else {
        let delimiter = start.steady()?;
        (start.header(delimiter)?, start.rows(delimiter))
    };
    if rows.is_empty() {
        return None;
    }
    let reading = times::Reading::default();
    let first = |at: usize| rows.iter().filter_map(|row| row.get(at)).find(|cell| !cell.trim().is_empty());
    let time = |at: usize| first(at).and_then(|cell| reading.read(cell)).map(|time| crate::domain::time::iso(time.ns));
    let times = (0..header.len()).map(time).collect();
    let spec = guess::freely(&header, &rows);
    let guess = Mapping {
        columns: header.clone(),
        time: spec.time.0,
        message: spec.message.0,
        computer: spec.computer.0,
        user: spec.user.0,
        image: spec.image.0,
        channel: spec.channel.0,
        event_id: spec.event_id.0,
    };
    Some(Preview { header, rows: rows.into_iter().take(SHOWN).collect(), times, guess })
}

/// Tells what a head begins.
fn tell(head: &[u8], chosen: &Chosen) -> Result<Told, String> {
    let start = Start::of(head).ok_or("not a format of evidence that is known")?;
    if start.is_json() { tell_json(start, chosen) } else { tell_delimited(start, chosen) }
}

/// The table called `name`.
fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

fn certainty(columns: usize) -> f32 {
    if columns > 3 { 0.98 } else { 0.9 }
}

fn tell_delimited(start: Start, chosen: &Chosen) -> Result<Told, String> {
    let mapped = |strength: Strength| {
        start.delimiters().into_iter().find_map(|delimiter| {
            let header = start.header(delimiter)?;
            let keys: Vec<String> = header.iter().map(|name| key(name)).collect();
            chosen.mapping(&keys, strength).map(|spec| (spec, delimiter, header))
        })
    };
    let as_mapped = |start, (spec, delimiter, header): (Spec, char, Vec<String>)| {
        let kind = if spec.unquoted { Kind::Unquoted(delimiter) } else { Kind::Quoted(delimiter) };
        Ok(Told { table: &DELIMITED, certainty: 1.0, spec: Cow::Owned(spec), start, kind, header, headless: false })
    };
    if let Some(found) = mapped(Strength::Columns) {
        return as_mapped(start, found);
    }
    let mut best: Option<(usize, &'static Spec, char, Vec<String>)> = None;
    for delimiter in start.delimiters() {
        let Some(header) = start.header(delimiter) else { continue };
        let keys: Vec<String> = header.iter().map(|name| key(name)).collect();
        for spec in spec::all().iter().filter(|spec| spec.name.is_some()) {
            let told = spec.tells(&keys);
            if let Some(columns) = told.filter(|columns| best.as_ref().is_none_or(|(old, ..)| columns > old)) {
                best = Some((columns, spec, delimiter, header.clone()));
            }
        }
    }
    if let Some((columns, spec, delimiter, header)) = best {
        let table = spec.name.as_deref().and_then(table).ok_or("a format without a name")?;
        let kind = if spec.unquoted { Kind::Unquoted(delimiter) } else { Kind::Quoted(delimiter) };
        return Ok(Told { table, certainty: certainty(columns), spec: Cow::Borrowed(spec), start, kind, header, headless: false });
    }
    if let Some((shape, kind, header)) = headless(&start) {
        let spec = spec::all().iter().find(|spec| spec.name.as_deref() == Some(shape)).ok_or("a format without an entry")?;
        let table = table(shape).ok_or("a format without a name")?;
        return Ok(Told { table, certainty: 0.85, spec: Cow::Borrowed(spec), start, kind, header, headless: true });
    }
    let unknown = || guess::UNKNOWN.to_owned();
    if let Some(found) = mapped(Strength::Time) {
        return as_mapped(start, found);
    }
    let delimiter = start.steady().ok_or("not a format of evidence that is known")?;
    let header = start.header(delimiter).ok_or_else(unknown)?;
    let rows = start.rows(delimiter);
    // A first line with a time in it is a row: the header is missing.
    let reading = times::Reading::default();
    let headless =
        header.iter().any(|cell| cell.len() >= 10 && !cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && reading.read(cell).is_some());
    let (header, rows) = if headless {
        let names = (1..=header.len()).map(|at| format!("column {at}")).collect();
        (names, std::iter::once(header).chain(rows).collect())
    } else {
        (header, rows)
    };
    let spec = Spec { zone: Zone::Local, ..guess::guess(&header, &rows)? };
    Ok(Told { table: &DELIMITED, certainty: if headless { 0.3 } else { 0.5 }, spec: Cow::Owned(spec), start, kind: Kind::Quoted(delimiter), header, headless })
}

/// Formats that have no header, or lost it: name, kind and columns.
fn headless(start: &Start) -> Option<(&'static str, Kind, Vec<String>)> {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let first = lines::without_end(start.first());
    if bodyfile::is(first) {
        return Some(("bodyfile", Kind::Bodyfile, Vec::new()));
    }
    let pipes: Vec<&str> = first.split('|').collect();
    if matches!(pipes.len(), 5 | 7) && pipes.first().is_some_and(|time| time.len() >= 9 && time.bytes().all(|byte| byte.is_ascii_digit())) {
        let all = ["Time", "Source", "Host", "User", "Description", "TZ", "Notes"];
        return Some(("TLN", Kind::Tln, named(all.get(..pipes.len())?)));
    }
    let commas: Vec<&str> = first.split(',').collect();
    let reading = times::Reading::default();
    let date = |text: &str| reading.read(text).is_some() && !text.bytes().all(|byte| byte.is_ascii_digit());
    match commas.as_slice() {
        [day, time, _, macb, .., version, _, _, _, _, _] if commas.len() == 17 && macb.len() <= 4 && version.len() <= 1 && date(&format!("{day} {time}")) => {
            let columns = [
                "date",
                "time",
                "timezone",
                "MACB",
                "source",
                "sourcetype",
                "type",
                "user",
                "host",
                "short",
                "desc",
                "version",
                "filename",
                "inode",
                "notes",
                "format",
                "extra",
            ];
            Some(("plaso l2tcsv", Kind::Unquoted(','), named(&columns)))
        }
        [time, .., parser, _, _] if commas.len() == 8 && date(time) && !parser.is_empty() && !parser.contains(' ') && time.contains(['T', '+']) => {
            let columns = ["datetime", "timestamp_desc", "source", "source_long", "message", "parser", "display_name", "tag"];
            Some(("plaso dynamic", Kind::Unquoted(','), named(&columns)))
        }
        [time, _, kind, _, _, _, _, ..] if date(time) && kind.len() == 4 && kind.bytes().all(|byte| b"macb.".contains(&byte)) => {
            Some(("mactime", Kind::Quoted(','), named(&["Date", "Size", "Type", "Mode", "UID", "GID", "Meta", "File Name"])))
        }
        _ => None,
    }
}

fn tell_json(start: Start, chosen: &Chosen) -> Result<Told, String> {
    let objects: Vec<Map<String, Value>> = start.lines.iter().filter_map(|line| serde_json::from_str(line.trim()).ok()).collect();
    let first = objects.first().ok_or("JSON that is not one object a line")?;
    let keys: Vec<String> = first.keys().map(|name| key(name)).collect();
    let mapped = |strength| chosen.mapping(&keys, strength).map(|spec| (Spec { shape: Shape::Columns, ..spec }, 1.0));
    let listed = mapped(Strength::Columns);
    let mut best: Option<(usize, &'static Spec)> = None;
    for spec in spec::all().iter().filter(|spec| spec.json.is_some() && listed.is_none()) {
        if let Some(columns) = spec.tells(&keys).filter(|columns| best.is_none_or(|(old, _)| *columns > old)) {
            best = Some((columns, spec));
        }
    }
    if let Some((columns, spec)) = best {
        let name = spec.json.as_deref().map(|name| if start.document { name.strip_suffix('L').unwrap_or(name) } else { name });
        let table = name.and_then(table).ok_or("a format without a name")?;
        return Ok(Told { table, certainty: certainty(columns), spec: Cow::Borrowed(spec), start, kind: Kind::Json, header: Vec::new(), headless: false });
    }
    if start.document && objects.len() < 2 && listed.is_none() && !start.list {
        return Err("one JSON object, not a table of them".into());
    }
    let names: Vec<String> = first.keys().cloned().collect();
    let (spec, certainty) = if let Some(mapped) = listed.or_else(|| mapped(Strength::Time)) {
        mapped
    } else {
        let text = |object: &Map<String, Value>, name: &String| object.get(name).map(|value| row::said(value).into_owned()).unwrap_or_default();
        let rows: Vec<Vec<String>> = objects.iter().map(|object| names.iter().map(|name| text(object, name)).collect()).collect();
        (Spec { zone: Zone::Local, shape: Shape::Columns, ..guess::guess(&names, &rows)? }, 0.5)
    };
    let table = if start.document { &DOCUMENT } else { &JSON };
    Ok(Told { table, certainty, spec: Cow::Owned(spec), start, kind: Kind::Json, header: Vec::new(), headless: false })
}
