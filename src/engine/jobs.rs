//! What the window asks of its workers, as jobs: open, analyse, answer, export, save.

use super::export::Extract;
use super::stored::show_stored;
use super::tree::{Forest, Scores};
use super::worker::{Answer, Emit, Happening, Ranking, Work};
use super::{Mapping, ReadOptions, read_with};
use crate::case::events::Events;
use crate::case::{Annotations, Case, Leftover, Unit};
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventStore, Ledger, Plan, Subject, Words, time};
use crate::export::{Format, Mark};
use crate::features::projection;
use crate::{ingest, synth};
use anyhow::Context;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Events shown before and after the selected one.
const AROUND: usize = 10;

/// Opens a case with the rankings of its last runs, or reads evidence into `into` (a scratch case when there is none).
#[must_use]
pub fn open(paths: Vec<PathBuf>, into: Option<Case>, zone: Option<String>) -> Work {
    Box::new(move |control, emit| match &paths[..] {
        [path] if Case::is_case_outside(path, &into.as_ref().map(Case::evidence).unwrap_or_default()) => open_case(path, control, emit),
        _ => {
            let case = into.map_or_else(Case::scratch, Ok)?;
            emit.emit(Happening::Opened(case.clone()));
            let options = ReadOptions { zone, map: ingest::mapping::remembered() };
            let read = read_with(&case, &paths, &options, control);
            // What was read before a cancel or a failure is there to be looked at.
            emit.emit(Happening::Opened(case));
            read.map(drop)
        }
    })
}

/// Remembers a mapping by its header, and reads the file with it in which the source `source` (a ledger's `path`) lies. A mapping without a time
/// forgets an older one: the table is read as it is told by its content.
#[must_use]
pub fn open_mapped(mapping: Mapping, source: String, file: PathBuf, into: Option<Case>, zone: Option<String>) -> Work {
    Box::new(move |control, emit| {
        ingest::mapping::remember(&mapping).map_err(RunError::failed)?;
        // What was read before stays where the new reading fails or is cancelled.
        let _known = into.as_ref().is_some_and(|case| case.read_otherwise(&source));
        open(vec![file], into, zone)(control, emit)
    })
}

fn open_case(path: &std::path::Path, control: &Control, emit: &dyn Emit) -> Result<(), RunError> {
    let case = Case::open_once_closed(path, control)?;
    emit.emit(Happening::Opened(case.clone()));
    show_stored(&case, control, emit)
}

/// Opens an unsaved case that a crash left behind, with its rankings.
#[must_use]
pub fn recover(dir: PathBuf) -> Work {
    Box::new(move |control, emit| {
        let case = Case::recover(&Leftover { dir, used: None })?;
        emit.emit(Happening::Opened(case.clone()));
        show_stored(&case, control, emit)
    })
}

/// Makes the demo evidence where it is missing, and opens it.
#[must_use]
pub fn demo() -> Work {
    Box::new(|control, emit| {
        let evidence = demo_evidence(control)?;
        open(vec![evidence], None, None)(control, emit)
    })
}

/// The demo estate's evidence folder, written into the user's cache once per version.
///
/// # Errors
/// When neither the cache nor the temporary folder can be written.
pub fn demo_evidence(control: &Control) -> Result<PathBuf, RunError> {
    let name = concat!("demo-", env!("CARGO_PKG_VERSION"));
    let cache = crate::files::cache();
    let temporary = std::env::temp_dir().join("residue");
    let mut failure = None;
    for parent in cache.into_iter().chain([temporary]) {
        let place = parent.join(name);
        if place.join("truth.jsonl").is_file() {
            return Ok(place.join("evtx"));
        }
        match make_demo(&parent, &place, control) {
            Ok(()) => return Ok(place.join("evtx")),
            Err(RunError::Cancelled) => return Err(RunError::Cancelled),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| RunError::failed("there is no folder to write the demo case into")))
}

/// Writes the estate under a passing name first, so that a killed run leaves nothing half-made under the final one.
fn make_demo(parent: &std::path::Path, place: &std::path::Path, control: &Control) -> Result<(), RunError> {
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let passing = crate::files::private_folder(Some(parent), "demo-part-", "").with_context(|| format!("cannot write into {}", parent.display()))?;
    synth::demo(passing.path(), control)?;
    match std::fs::rename(passing.path(), place) {
        // Another Residue made it meanwhile.
        Err(_) if place.join("truth.jsonl").is_file() => Ok(()),
        renamed => Ok(renamed.with_context(|| format!("cannot make {}", place.display()))?),
    }
}

/// Where each word stands in the plane; none when there are too few.
#[must_use]
pub fn picture(words: &Words) -> Vec<[f32; 2]> {
    let points: Vec<Vec<f32>> = words.list.iter().map(|word| word.vector.clone()).collect();
    projection::plane(&points)
}

/// Runs a plan.
#[must_use]
pub fn analyse(case: Case, plan: Plan) -> Work {
    Box::new(move |control, emit| {
        let analysis = super::analyse(&case, &plan, super::Keep::Runs, control, emit)?;
        if analysis.cancelled { Err(RunError::Cancelled) } else { Ok(()) }
    })
}

/// The processes of the case asked about last, and the chains' scores of its last ranking: joined once, asked often.
#[derive(Default)]
pub struct Grove {
    forest: Mutex<Option<(String, Arc<Forest>)>>,
    scores: Mutex<Option<(String, Arc<Scores>)>>,
}

impl Grove {
    fn forest(&self, case: &Case, control: &Control) -> Result<Arc<Forest>, RunError> {
        // Evidence may be added to an open case.
        let name = format!("{} {}", case.dir().display(), case.sources().iter().map(|s| s.events).sum::<u64>());
        kept(&self.forest, name, || Forest::read(case.snapshot().as_ref(), control))
    }

    fn scores(&self, chains: &Ranking) -> Result<Arc<Scores>, RunError> {
        kept(&self.scores, chains.report.run.clone(), || Ok(Scores::new(chains)))
    }
}

/// What a place holds under a name, made anew when it holds another.
fn kept<T>(place: &Mutex<Option<(String, Arc<T>)>>, name: String, make: impl FnOnce() -> Result<T, RunError>) -> Result<Arc<T>, RunError> {
    if let Some((known, value)) = &*place.lock().unwrap_or_else(PoisonError::into_inner)
        && *known == name
    {
        return Ok(Arc::clone(value));
    }
    let value = Arc::new(make()?);
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, Arc::clone(&value)));
    Ok(value)
}

/// A question about a subject (`ranking` and its rank index) or about a plain event.
pub struct Question {
    /// The ranking on the screen, when a subject of it is asked about.
    pub ranking: Option<Ranking>,
    /// Its rank index.
    pub index: Option<usize>,
    /// The event.
    pub key: EventKey,
    /// The ranking of process chains, where there is one: the tree shows its scores.
    pub chains: Option<Ranking>,
}

/// Answers what the drill-down shows, from the case alone; the process tree follows, because the first one takes a pass over the case. The raw record,
/// which lies in the evidence, is [`render`]ed when somebody looks at it.
#[must_use]
pub fn ask(case: Case, question: Question, grove: Arc<Grove>) -> Work {
    let Question { ranking, index, key, chains } = question;
    Box::new(move |control, emit| {
        let snapshot = case.snapshot();
        let stored = snapshot.fetch(key)?;
        control.check()?;
        let contributions = ranking.zip(index).map(|(ranking, index)| ranking.explain.explain(index)).unwrap_or_default();
        let around = snapshot.neighbours(key, AROUND, control)?;
        control.check()?;
        let decoded = stored.as_ref().map(super::decoded).unwrap_or_default();
        let script = stored.as_ref().map(|event| super::script(&snapshot, key, event)).transpose()?.flatten();
        let event = stored.clone();
        emit.emit(Happening::Answered(Box::new(Answer { key, event: stored, contributions, around, decoded, script })));
        if let Some(event) = event.filter(|e| e.pid.is_some() || e.process_guid.is_some()) {
            let forest = grove.forest(&case, control)?;
            let scores = chains.map(|chains| grove.scores(&chains)).transpose()?;
            emit.emit(Happening::Grown(Box::new(forest.around(key, &event, scores.as_deref()))));
        }
        Ok(())
    })
}

/// Reads an event's record in the evidence again, as XML. A member of an archive is unpacked for it, which takes a while and can be cancelled.
#[must_use]
pub fn render(case: Case, key: EventKey) -> Work {
    Box::new(move |control, emit| {
        let stored = case.snapshot().fetch(key)?;
        control.check()?;
        let ledger = case.sources();
        let xml = match (ledger.get(key.source as usize), stored.and_then(|event| event.offset)) {
            (Some(source), Some(offset)) if source.format == "EVTX" => match ingest::raw_xml(source, offset, control) {
                Err(RunError::Cancelled) => return Err(RunError::Cancelled),
                rendered => rendered.map_err(|error| error.to_string()),
            },
            _ => Err("this source's records have no XML; the JSON is all there is".into()),
        };
        emit.emit(Happening::Rendered(key, xml));
        Ok(())
    })
}

/// What the analyst said of a subject, for an export.
#[must_use]
pub fn mark(annotations: &Annotations, ledger: &[Ledger], subject: &Subject) -> Mark {
    let said = ledger.get(subject.key.source as usize).and_then(|source| annotations.get(Unit::Subject, source, subject.key));
    said.map_or_else(Mark::default, |a| Mark {
        flagged: a.flagged,
        tags: a.tags.clone(),
        note: a.note.clone(),
        flagged_at: a.flagged_at.map(time::iso).unwrap_or_default(),
        analyst: a.analyst.to_string(),
    })
}

/// Writes the events of `rows` in their order into a file.
#[must_use]
pub fn export_events(case: Case, events: Arc<Events>, rows: Arc<Vec<u32>>, path: PathBuf) -> Work {
    Box::new(move |control, emit| {
        let rows = super::write_events(&case, &events, &rows, &path, control)?;
        emit.emit(Happening::Exported { path, rows });
        Ok(())
    })
}

/// Writes extracts of rankings into files; the extracts are made on the job's thread.
#[must_use]
pub fn export(case: Case, title: String, part: String, extracts: Box<dyn FnOnce() -> Vec<Extract> + Send>, files: Vec<(Format, PathBuf)>) -> Work {
    Box::new(move |control, emit| {
        for (path, rows) in super::write_extracts(&case, &title, &part, &extracts(), None, &files, control)? {
            emit.emit(Happening::Exported { path, rows });
        }
        Ok(())
    })
}

/// Adds what was said in an exported ranking.
#[must_use]
pub fn import(case: Case, path: PathBuf) -> Work {
    Box::new(move |_, emit| {
        let done = super::import_annotations(&case, &path)?;
        emit.emit(Happening::Imported(done));
        Ok(())
    })
}

/// Looks for a list of indicators in the case's events and in the rankings made of them.
#[must_use]
pub fn indicators(case: Case, path: PathBuf, rankings: Vec<Ranking>) -> Work {
    Box::new(move |control, emit| {
        let met = super::Indicators::read(&path)?.meet(&case.snapshot(), &rankings, control)?;
        case.log("indicators", &serde_json::json!({ "file": path.display().to_string(), "listed": met.listed, "events": met.events }))?;
        emit.emit(Happening::Met(met));
        Ok(())
    })
}

/// Saves what the known-good evidence of a plan teaches as a baseline of its own.
#[must_use]
pub fn save_baseline(plan: Plan, description: String, out: PathBuf) -> Work {
    Box::new(move |control, _| {
        let about = super::save_baseline(&plan, &description, &out, control)?;
        let names: Vec<&str> = about.detectors.iter().map(|d| d.name()).collect();
        control.info(format!(
            "a baseline was saved: {} events of {} computers in {} channels taught {}; it holds no evidence (`residue baseline --list` prints all that leaves in it): {}",
            about.events,
            about.computers,
            about.channels.len(),
            names.join(", "),
            out.display()
        ));
        Ok(())
    })
}

/// Hashes every source of the case again; what differs is told in notices, and the audit trail keeps that it was done.
#[must_use]
pub fn verify(case: Case) -> Work {
    Box::new(move |control, _| {
        let sources = case.sources();
        let verdicts = super::verify(&sources, control)?;
        let wrong: Vec<String> = sources.iter().zip(&verdicts).filter_map(|(source, verdict)| super::verdict_line(source, verdict)).collect();
        let same = verdicts.iter().filter(|v| **v == super::Verdict::Same).count();
        for text in &wrong {
            control.warn(text.clone());
        }
        control.info(format!("evidence verified: {same} of {} sources have the bytes that were read, {} do not", sources.len(), wrong.len()));
        case.log("verify", &serde_json::json!({ "same": same, "wrong": wrong }))
    })
}

/// Saves the case under another name and goes on in the copy.
#[must_use]
pub fn save_as(case: Case, dir: PathBuf) -> Work {
    Box::new(move |control, emit| {
        let saved = case.save_as(&dir, control)?;
        emit.emit(Happening::Opened(saved));
        Ok(())
    })
}
