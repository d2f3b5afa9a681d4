//! Rankings of a case into files of any format, and what was said of them back.

use super::findings::Findings;
use super::jobs::mark;
use super::suppress::without;
use super::worker::Ranking;
use crate::case::{Annotation, Annotations, Case, Target, Unit, write_rows};
use crate::control::{Control, RunError};
use crate::domain::{ColumnKind, DetectorId, EventKey, Lead, LeadState, Leads, Ledger, Report, Strength, Subject, Suppression, Threshold, time};
use crate::export::{
    Chapter, Facts, Format, Formats, LeadChapter, LeadFiles, LeadLookup, LeadMark, Lookup, Members, RANKING_COLUMNS, RankedRow, RankingColumn, WHOLE_COLUMNS,
    WrittenMark, member, origin, read_annotations, write_html, write_leads, write_plain, write_ranking, write_xlsx,
};
use crate::files::{AtomicFile, OutputPath};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A ranking and the subjects of it to be written, by rank index.
pub struct Extract {
    /// The ranking, without what was called ordinary.
    pub ranking: Ranking,
    /// Which subjects.
    pub which: Vec<usize>,
    /// How many were called ordinary.
    pub suppressed: u64,
}

/// Which part of a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What carries the analyst's flag.
    Flagged,
    /// What is at or above the threshold.
    Above,
    /// Everything but what was called ordinary.
    All,
}

impl Part {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::Above => "at or above the threshold",
            Self::All => "all",
        }
    }
}

/// Takes a part of a ranking, without what `rules` call ordinary.
#[must_use]
pub fn extract(ranking: &Ranking, part: Part, rules: &Suppression, annotations: &Annotations, sources: &[Ledger]) -> Extract {
    let (ranking, taken) = without(ranking, rules, Threshold::Value(ranking.report.threshold), sources);
    let report = &ranking.report;
    let wanted = |subject: &Subject| match part {
        Part::All => true,
        Part::Above => subject.score >= report.threshold,
        Part::Flagged => mark(annotations, sources, subject).flagged,
    };
    let which = report.subjects.iter().enumerate().filter(|(_, s)| wanted(s)).map(|(i, _)| i).collect();
    Extract { which, suppressed: taken.iter().sum(), ranking }
}

/// Writes extracts: formats for one ranking hold the first one, the others all. Says how many rows each file got.
///
/// # Errors
/// When a file cannot be written, or the job is cancelled; a file appears whole or not at all.
pub fn write_extracts(
    case: &Case,
    title: &str,
    part: &str,
    extracts: &[Extract],
    leads: Option<(&Leads, Part)>,
    files: &[(Format, PathBuf)],
    control: &Control,
) -> Result<Vec<(PathBuf, u64)>, RunError> {
    let Some(first) = extracts.first() else { return Err(RunError::failed("there is no ranking to write; analyse first")) };
    let evidence = case.evidence();
    let files: Vec<(Format, OutputPath)> =
        files.iter().map(|(format, path)| Ok((*format, OutputPath::new(path, &evidence)?))).collect::<Result<_, RunError>>()?;
    let (sources, annotations, rules) = (case.sources(), case.annotations(), case.rules()?);
    let listed = files.iter().any(|(f, _)| matches!(f, Format::Jsonl | Format::Parquet));
    let members = if listed { Members::read(case.snapshot().as_ref(), control)? } else { Members::default() };
    let mark = |subject: &Subject| mark(&annotations, &sources, subject);
    let findings = Findings::read(&case.snapshot(), control)?;
    let listed = |subject: &Subject| findings.listed(subject);
    let rules_of: Option<&dyn Fn(&Subject) -> Value> = if findings.is_empty() { None } else { Some(&listed) };
    let lookup = |ranking: &Ranking| Arc::clone(&ranking.explain);
    let explains: Vec<_> = extracts.iter().map(|e| lookup(&e.ranking)).collect();
    let lookups: Vec<Lookup<'_>> =
        explains.iter().map(|explain| Lookup { explain: explain.as_ref(), sources: &sources, members: &members, mark: &mark, rules: rules_of }).collect();
    let chapters: Vec<Chapter<'_>> =
        extracts.iter().zip(&lookups).map(|(e, lookup)| Chapter { report: &e.ranking.report, which: &e.which, lookup, suppressed: e.suppressed }).collect();
    let lead_mark = |lead: &Lead| super::lead_mark(&annotations, &sources, lead);
    let wanted = leads.map(|(leads, part)| (leads, lead_part(leads, part, &lead_mark)));
    let leads = wanted.as_ref().map(|(leads, which)| LeadChapter { leads, which, mark: &lead_mark });
    let facts = Facts { title, part, sources: &sources, rules: &rules, leads };
    let Some(lookup) = lookups.first() else { return Ok(Vec::new()) };
    let mut written = Vec::new();
    let of = |format: Format| files.iter().find(|(f, _)| *f == format).map(|(_, path)| path);
    if of(Format::Csv).is_some() || of(Format::Jsonl).is_some() {
        let formats = Formats { csv: of(Format::Csv), jsonl: of(Format::Jsonl) };
        let rows = write_ranking(&first.ranking.report, lookup, first.which.iter().copied(), formats, control)?;
        written.extend([formats.csv, formats.jsonl].into_iter().flatten().map(|path| (path.path().to_owned(), rows)));
        if formats.csv.is_some() {
            warn_of_no_time(first, control);
        }
    }
    if let Some(path) = of(Format::Parquet) {
        written.push((path.path().to_owned(), write_parquet(path, &first.ranking.report, &first.which, lookup, control)?));
    }
    if let Some(path) = of(Format::Xlsx) {
        written.push((path.path().to_owned(), write_xlsx(path, &facts, &chapters, control)?));
    }
    if let Some(path) = of(Format::Html) {
        written.push((path.path().to_owned(), write_html(path, &facts, &chapters, control)?));
    }
    for (path, rows) in &written {
        case.log("export", &serde_json::json!({ "file": path.display().to_string(), "rows": rows, "part": part }))?;
    }
    Ok(written)
}

/// Leads of a report: those flagged or called suspicious, those above weak (the first one where none is), or the first ones.
fn lead_part(leads: &Leads, part: Part, mark: &dyn Fn(&Lead) -> LeadMark) -> Vec<usize> {
    const FIRST: usize = 50;
    let of = |wanted: &dyn Fn(&Lead) -> bool| leads.list.iter().enumerate().filter(|(_, lead)| wanted(lead)).map(|(at, _)| at).take(FIRST).collect::<Vec<_>>();
    match part {
        Part::All => of(&|_| true),
        Part::Flagged => of(&|lead| {
            let mark = mark(lead);
            mark.flagged || mark.state == LeadState::Suspicious
        }),
        Part::Above => {
            let above = of(&|lead| lead.strength > Strength::Weak);
            if above.is_empty() { of(&|lead| lead.rank == 1) } else { above }
        }
    }
}

/// Writes the order of single events that the leads' scores make: CSV that Timesketch imports, or JSON lines with every event. One row a unique event
/// (or timeline row), with its rank in each method and the lead that holds it.
///
/// # Errors
/// When the case cannot be read or the file cannot be written.
pub fn write_order(case: &Case, rankings: &[Ranking], leads: &Leads, format: Format, path: &Path, control: &Control) -> Result<u64, RunError> {
    const FIRST: [&str; 7] = ["message", "datetime", "timestamp_desc", "tag", "rank", "score", "lead"];
    const RANKS: [&str; 5] = ["rank_groups", "rank_chains", "rank_fields", "rank_process", "rank_timeline"];
    const LAST: [&str; 14] = [
        "detector",
        "count",
        "computer",
        "user",
        "channel",
        "event_id",
        "record_id",
        "image",
        "command_line",
        "reason_1",
        "source_file",
        "source_sha256",
        "source_record",
        "events",
    ];
    let path = &OutputPath::new(path, &case.evidence())?;
    let (sources, annotations) = (case.sources(), case.annotations());
    let members = Members::read(case.snapshot().as_ref(), control)?;
    let columns: Vec<&str> = FIRST.into_iter().chain(RANKS).chain(LAST).collect();
    let text = |t: &Option<Arc<str>>| t.as_deref().map_or(Value::Null, Value::from);
    let ranks: Vec<(DetectorId, Ranks)> = rankings.iter().map(|r| (r.report.detector, ranks(&r.report))).collect();
    let rows = leads.order.iter().enumerate().filter_map(|(place, row)| {
        let report = &rankings.iter().find(|r| r.report.detector == row.detector)?.report;
        let subject = report.subjects.get(row.subject as usize)?;
        let [source_file, source_sha256] = origin(sources.get(subject.key.source as usize));
        let tags = mark(&annotations, &sources, subject).tags;
        let lead = row.lead.map(|at| at + 1);
        let mut values = vec![
            Value::from(&*subject.title),
            subject.first_seen.map_or(Value::Null, |t| time::iso(t).into()),
            "Event ranked by all detectors".into(),
            tags.into(),
            (place + 1).into(),
            row.score.into(),
            lead.into(),
        ];
        let events = || std::iter::once(&subject.key).chain(&*subject.members);
        values.extend(DetectorId::ALL.map(|id| {
            let of = ranks.iter().find(|(detector, _)| *detector == id);
            of.and_then(|(_, ranks)| events().filter_map(|key| ranks.get(key)).min()).map_or(Value::Null, |rank| (*rank).into())
        }));
        values.extend([
            report.detector.name().into(),
            subject.members.len().max(1).into(),
            text(&subject.computer),
            text(&subject.user),
            text(&subject.channel),
            subject.event_id.into(),
            subject.record_id.into(),
            text(&subject.image),
            text(&subject.command_line),
            Value::from(&*subject.reasons[0]),
            source_file,
            source_sha256,
            subject.key.record.into(),
            if subject.members.is_empty() {
                std::iter::once(member(subject.key, &sources, &members)).collect()
            } else {
                subject.members.iter().map(|&key| member(key, &sources, &members)).collect()
            },
        ]);
        Some(values)
    });
    write_plain(path, format, &columns, rows.map(Ok))
}

/// By event the rank of the first subject that holds it.
type Ranks = HashMap<EventKey, u32, foldhash::fast::RandomState>;

fn ranks(report: &Report) -> Ranks {
    let mut ranks = Ranks::default();
    for (index, subject) in report.subjects.iter().enumerate() {
        for key in std::iter::once(&subject.key).chain(&*subject.members) {
            ranks.entry(*key).or_insert(index as u32 + 1);
        }
    }
    ranks
}

/// Writes leads, with what the analyst said of them.
///
/// # Errors
/// When the case cannot be read or a file cannot be written.
pub fn write_lead_files(case: &Case, leads: &Leads, files: LeadFiles<'_>, control: &Control) -> Result<u64, RunError> {
    let (sources, annotations) = (case.sources(), case.annotations());
    let members = Members::read(case.snapshot().as_ref(), control)?;
    let mark = |lead: &Lead| super::lead_mark(&annotations, &sources, lead);
    let lookup = LeadLookup { sources: &sources, members: &members, mark: &mark };
    write_leads(leads, &(0..leads.list.len()).collect::<Vec<_>>(), &lookup, files, control)
}

/// Timesketch drops rows without a time when it imports: say so before they are missed.
fn warn_of_no_time(extract: &Extract, control: &Control) {
    let none = extract.which.iter().filter(|&&i| extract.ranking.report.subjects.get(i).is_some_and(|s| s.first_seen.is_none())).count();
    if none > 0 {
        control.warn(format!("{none} rows have no time: Timesketch leaves such rows out when it imports the CSV"));
    }
}

fn write_parquet(path: &OutputPath, report: &Report, which: &[usize], lookup: &Lookup<'_>, control: &Control) -> Result<u64, RunError> {
    let columns: Vec<&RankingColumn> = RANKING_COLUMNS.iter().chain(&WHOLE_COLUMNS).collect();
    let named: Vec<(&str, ColumnKind)> = columns.iter().map(|column| (column.name, column.kind)).collect();
    let mut file = AtomicFile::create(path)?;
    let rows = which.iter().filter_map(|&index| {
        let subject = report.subjects.get(index)?;
        let row = (subject, (lookup.mark)(subject), lookup.events(subject), lookup.contributions(index));
        Some(if index % 256 == 0 { control.check().map(|()| row) } else { Ok(row) })
    });
    let rows = write_rows(&mut file, path.path(), &named, rows, |(subject, mark, events, contributions), at| {
        (columns[at].get)(&RankedRow { events, contributions, ..lookup.row(report, subject, mark) })
    })?;
    file.finish()?;
    Ok(rows)
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows on which something was said.
    pub rows: usize,
    /// Of them, those whose evidence is not in the case.
    pub unknown: usize,
}

/// Adds what was said in an exported ranking to the case, in one step.
///
/// # Errors
/// When the file cannot be read or the case cannot be written; then nothing has changed.
pub fn import_annotations(case: &Case, path: &Path) -> Result<Imported, RunError> {
    let rows = read_annotations(path)?;
    let sources = case.sources();
    let mut index: HashMap<&str, &Ledger> = HashMap::new();
    for source in sources.iter().filter(|s| s.duplicate_of.is_none()) {
        index.entry(if source.sha256.is_empty() { &source.source_file } else { &source.sha256 }).or_insert(source);
    }
    let parts = Parts::read(case)?;
    let mut imported = Imported { rows: rows.len(), unknown: 0 };
    let mut said = Vec::new();
    for row in &rows {
        let name = if row.sha256.is_empty() { &row.source_file } else { &row.sha256 };
        let Some(source) = index.get(name.as_str()) else {
            imported.unknown += 1;
            continue;
        };
        let key = EventKey { source: 0, part: parts.of(row), record: row.record };
        said.push((Target::new(Unit::Subject, source, key), annotation(row)));
    }
    case.add_annotations(&said)?;
    Ok(imported)
}

fn annotation(row: &WrittenMark) -> Annotation {
    let mut tags = row.tags.clone();
    tags.sort();
    Annotation {
        flagged: row.flagged,
        tags,
        note: row.note.clone(),
        analyst: row.analyst.as_str().into(),
        version: 1,
        flagged_at: time::parse(&row.flagged_at),
    }
}

/// Which part of a record a subject is, where a record yields several: told apart by their lines.
struct Parts(HashMap<(String, u64, String), u32>);

impl Parts {
    fn read(case: &Case) -> Result<Self, RunError> {
        let sources = case.sources();
        let mut parts = HashMap::new();
        for ranking in super::stored_rankings(case, &Control::silent())? {
            for subject in ranking.report.subjects.iter().filter(|s| s.key.part > 0) {
                let sha = sources.get(subject.key.source as usize).map(|s| s.sha256.clone()).unwrap_or_default();
                parts.insert((sha, subject.key.record, subject.title.to_string()), subject.key.part);
            }
        }
        Ok(Self(parts))
    }

    fn of(&self, row: &WrittenMark) -> u32 {
        self.0.get(&(row.sha256.clone(), row.record, row.message.clone())).copied().unwrap_or(0)
    }
}
