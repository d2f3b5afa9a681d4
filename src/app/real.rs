//! The engine itself behind the seam.

use crate::app::engine::{Engine, Extracts, Unsaved};
use crate::app::marks::Mark;
use crate::case::{Annotation, Case, Change, Leftover, Target, Unit};
use crate::control::Notice;
use crate::domain::{DetectorId, EventKey, Ledger, Plan};
use crate::engine::jobs::{Grove, Question};
use crate::engine::{Work, jobs};
use crate::export::Format;
use foldhash::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// The engine.
pub struct Real {
    device: String,
    grove: Arc<Grove>,
}

impl Real {
    /// The engine; `device` says in a line which device trains by default, and why.
    #[must_use]
    pub fn new(device: String) -> Self {
        Self { device, grove: Arc::default() }
    }
}

impl Engine for Real {
    fn open(&self, paths: Vec<PathBuf>, into: Option<Case>, zone: Option<String>) -> Work {
        jobs::open(paths, into, zone)
    }

    fn unsaved(&self) -> Vec<Unsaved> {
        let used = |at: Option<SystemTime>| i64::try_from(at?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos()).ok();
        Case::leftovers().into_iter().map(|l| Unsaved { used: used(l.used), dir: l.dir }).collect()
    }

    fn recover(&self, dir: PathBuf) -> Work {
        jobs::recover(dir)
    }

    fn remove(&self, dir: PathBuf) {
        Case::remove_leftover(&Leftover { dir, used: None });
    }

    fn discard(&self, case: Case) {
        if case.is_scratch() {
            case.discard();
        }
    }

    fn demo(&self) -> Work {
        jobs::demo()
    }

    fn analyse(&self, case: Case, plan: Plan) -> Work {
        jobs::analyse(case, plan)
    }

    fn ask(&self, case: Case, question: Question) -> Work {
        jobs::ask(case, question, Arc::clone(&self.grove))
    }

    fn export(&self, case: Case, title: String, part: String, extracts: Extracts, files: Vec<(Format, PathBuf)>) -> Work {
        jobs::export(case, title, part, extracts, files)
    }

    fn import(&self, case: Case, path: PathBuf) -> Work {
        jobs::import(case, path)
    }

    fn save_as(&self, case: Case, dir: PathBuf) -> Work {
        jobs::save_as(case, dir)
    }

    fn applies(&self, case: &Case) -> Vec<(DetectorId, Result<(), String>)> {
        crate::engine::applies(case)
    }

    fn sources(&self, case: &Case) -> Arc<Vec<Ledger>> {
        case.sources()
    }

    fn name(&self, case: &Case) -> Option<String> {
        let name = case.dir().file_stem()?.to_string_lossy().into_owned();
        (!case.is_scratch()).then_some(name)
    }

    fn notices(&self, case: &Case) -> Vec<Notice> {
        case.notices()
    }

    fn marks(&self, case: &Case) -> Vec<(EventKey, Mark)> {
        let sources = case.sources();
        // Sources are known by their hash, or by their name where they could not be hashed; duplicates carry no events.
        let mut index: HashMap<&str, u32> = HashMap::default();
        for (i, source) in sources.iter().enumerate().filter(|(_, s)| s.duplicate_of.is_none()) {
            index.entry(if source.sha256.is_empty() { &source.source_file } else { &source.sha256 }).or_insert(i as u32);
        }
        let all = case.annotations().all();
        all.into_iter()
            .filter(|(target, _)| target.unit == Unit::Subject)
            .filter_map(|(target, said)| {
                let source = *index.get(&*target.evidence)?;
                Some((EventKey { source, part: target.part, record: target.record }, mark(&said)))
            })
            .collect()
    }

    fn annotate(&self, case: &Case, marks: &[(EventKey, Mark)]) -> Result<(), String> {
        let (sources, now) = (case.sources(), case.annotations());
        // One commit per kind of change: a thousand flags are one step.
        let mut groups: Vec<(Change, Vec<Target>)> = vec![];
        for (key, mark) in marks {
            let Some(source) = sources.get(key.source as usize) else { continue };
            let change = difference(now.get(Unit::Subject, source, *key), mark);
            let target = Target::new(Unit::Subject, source, *key);
            match groups.iter_mut().find(|(c, _)| *c == change) {
                Some((_, targets)) => targets.push(target),
                None => groups.push((change, vec![target])),
            }
        }
        groups
            .into_iter()
            .filter(|(change, _)| *change != Change::default())
            .try_for_each(|(change, targets)| case.annotate(&targets, &change).map(drop))
            .map_err(|e| e.to_string())
    }

    fn setting(&self, case: &Case, key: &str) -> Option<String> {
        case.setting(key)
    }

    fn set_setting(&self, case: &Case, key: &str, value: &str) -> Result<(), String> {
        case.set_setting(key, value).map_err(|e| e.to_string())
    }

    fn device(&self) -> String {
        self.device.clone()
    }
}

fn mark(said: &Annotation) -> Mark {
    Mark { flagged: said.flagged, note: said.note.clone(), tags: said.tags.clone() }
}

/// The change that makes what the case holds say what the mark says.
fn difference(before: Option<&Annotation>, mark: &Mark) -> Change {
    let before = before.map(self::mark).unwrap_or_default();
    let missing = |from: &[String], of: &[String]| of.iter().filter(|t| !from.contains(t)).cloned().collect();
    Change {
        flag: (before.flagged != mark.flagged).then_some(mark.flagged),
        note: (before.note != mark.note).then(|| mark.note.clone()),
        add_tags: missing(&before.tags, &mark.tags),
        remove_tags: missing(&mark.tags, &before.tags),
    }
}
