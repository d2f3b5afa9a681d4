//! A case in the window: opened, closed, and what it remembers of the window until it is opened again.

use crate::app::command::CaseCommand;
use crate::app::drill::Drill;
use crate::app::open::{Choices, Readiness};
use crate::app::pace::{Activity, Job, Pace};
use crate::app::rows::{Narrow, Sort};
use crate::app::session::Session;
use crate::app::writer::Written;
use crate::case::Case;
use crate::control::{Notice, Severity};
use crate::domain::{DetectorId, RankBy, Suppression};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// What a case remembers of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    title: String,
    detector: Option<DetectorId>,
    by: Option<RankBy>,
    /// Those that the analyst chose.
    thresholds: Vec<(DetectorId, RankBy, f64)>,
    narrow: Narrow,
    sort: Option<Sort>,
}

const KEPT: &str = "window";

impl Session {
    pub(super) fn apply_case(&mut self, command: CaseCommand) {
        match command {
            CaseCommand::Open(paths) => self.open_evidence(paths),
            CaseCommand::Recover(dir) => self.recover(dir),
            CaseCommand::Remove(dir) => {
                self.unsaved.retain(|u| u.dir != dir);
                let engine = Arc::clone(&self.engine);
                self.write(move || {
                    engine.remove(dir);
                    Written { keys: vec![], failure: None }
                });
            }
            CaseCommand::EvidenceZone(zone) => self.open.choices.evidence_zone = zone,
            CaseCommand::Demo => self.open_demo(),
            CaseCommand::SaveAs(dir) => {
                if let Some(case) = self.open.case.clone() {
                    let work = self.engine.save_as(case, with_ending(&dir));
                    self.run(Job::Saving, work);
                    self.dialog = None;
                }
            }
            CaseCommand::Close => self.close(),
            CaseCommand::MapColumns(source) => self.map_columns(source),
            CaseCommand::Mapping(mapping) => {
                if let Some(form) = &mut self.open.mapping {
                    form.mapping = *mapping;
                }
            }
            CaseCommand::ReadMapped { as_told } => self.read_mapped(as_told),
        }
    }

    fn open_evidence(&mut self, paths: Vec<PathBuf>) {
        let Some(first) = paths.first().cloned() else { return };
        self.dialog = None;
        self.prefs.opened(&first);
        self.keep_prefs();
        let is_case = paths.len() == 1 && self.engine.is_case(&first, self.open.case.as_ref());
        if is_case {
            self.close();
        }
        self.open.is_demo = false;
        if self.open.title.is_empty() {
            self.open.title = name_of(&first);
        }
        self.open.opened_files = paths.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
        let zone = Some(self.open.choices.evidence_zone.clone()).filter(|z| z != "UTC");
        let work = self.engine.open(paths, self.open.case.clone(), zone);
        self.run(Job::Opening, work);
    }

    fn recover(&mut self, dir: PathBuf) {
        self.close();
        self.open.title = "Unsaved case".into();
        self.unsaved.retain(|u| u.dir != dir);
        let work = self.engine.recover(dir);
        self.run(Job::Opening, work);
    }

    fn open_demo(&mut self) {
        self.close();
        self.open.is_demo = true;
        self.open.title = "Demo case".into();
        self.open.auto_analyse = true;
        let work = self.engine.demo();
        self.run(Job::Opening, work);
        self.dialog = None;
    }

    /// Drops what belongs to the open case, whole. Where nothing is open nor being opened, what was chosen for the next case is kept.
    pub(super) fn close(&mut self) {
        self.jobs.cancel();
        let nothing = self.open.case.is_none() && !self.activity.is_busy();
        let choices = if nothing { self.open.choices.clone() } else { Choices::default() };
        (self.activity, self.pace) = (Activity::Idle, Pace::default());
        (self.notices, self.seen_notices, self.dialog) = (vec![], 0, None);
        let mut closed = self.replace(choices);
        closed.browse.stop();
        // A million subjects, and what was said of them, take a while to be freed: where the next case is opened, before it is.
        let (gone, wait) = std::sync::mpsc::channel::<()>();
        if let Some(case) = &closed.case {
            // A demo that was only looked at leaves nothing behind.
            if closed.is_demo && closed.marks.is_empty() {
                self.engine.discard(case.clone());
            }
            self.find_unsaved(Some(wait));
        }
        let whose = closed.whose();
        self.jobs.submit(
            whose,
            Box::new(move |_, _| {
                drop(closed);
                drop(gone);
                Ok(())
            }),
        );
    }

    /// Hears that nothing was opened: the next try begins with nothing but what was chosen for it.
    pub(super) fn not_opened(&mut self) {
        if self.open.case.is_none() {
            let choices = self.open.choices.clone();
            drop(self.replace(choices));
        }
    }

    /// Looks for unsaved cases, on a thread: it reads folders. Waits for a case that is being closed, if told to.
    pub(in crate::app) fn find_unsaved(&mut self, closed: Option<Receiver<()>>) {
        let engine = Arc::clone(&self.engine);
        self.unsaved_found.start(move |_| {
            // Nothing is ever sent: the case is closed when the other end goes.
            let _closed = closed.map(|closed| closed.recv());
            Some(engine.unsaved())
        });
    }

    /// Hears that a case is open; the same case is announced again when more of its evidence was read.
    pub(super) fn opened(&mut self, case: Case) {
        let fresh = self.open.case.is_none();
        let sources = self.engine.sources(&case);
        if self.open.sources.iter().zip(sources.iter()).any(|(old, new)| old != new) {
            self.forget_rankings();
        }
        self.open.sources = sources;
        self.read_marks(&case);
        if fresh {
            match self.engine.rules(&case) {
                Ok(rules) => self.open.rules = Arc::new(Suppression::new(rules)),
                Err(text) => self.notice(Notice { severity: Severity::Error, text }),
            }
        }
        // While nothing is read yet, nothing can be said of any detector.
        let applies = if self.open.sources.is_empty() { vec![] } else { self.engine.applies(&case) };
        for (detector, applies) in applies {
            self.open.readiness.insert(detector, applies.map_or_else(Readiness::Cannot, |()| Readiness::Ready));
        }
        if let Some(name) = self.engine.name(&case) {
            self.open.title = name;
        }
        if fresh {
            for notice in self.engine.notices(&case) {
                self.notice(notice);
            }
            self.recall(&case);
        }
        self.open.case = Some(case);
        self.events_changed();
        self.open.coverage = None;
        self.cover();
        self.find_rules();
        self.refilter(true);
        self.keep_late();
    }

    /// What was said while the case was being saved went into the old one alone.
    fn keep_late(&mut self) {
        let late = std::mem::take(&mut self.open.late);
        if !late.marks.is_empty() {
            self.say_marks(late.marks);
        }
        if late.rules {
            self.set_rules(self.open.rules.rules().to_vec());
        }
        if self.activity.job() == Some(Job::Saving) {
            self.keep_view();
        }
    }

    /// Rankings count sources by their place in the ledger; where added evidence moved them, the rankings no longer hold.
    fn forget_rankings(&mut self) {
        if !self.open.rankings.is_empty() {
            self.open.rankings.clear();
            self.open.view.clear();
            self.open.drill = Drill::default();
            self.open.undo.clear();
            self.notice(Notice {
                severity: Severity::Info,
                text: "the evidence has changed: analyse again to rank all of it; flags and notes are kept".into(),
            });
        }
    }

    /// Brings back what the case remembers of the window.
    fn recall(&mut self, case: &Case) {
        let Some(kept) = self.engine.setting(case, KEPT).and_then(|text| serde_json::from_str::<Kept>(&text).ok()) else { return };
        self.open.recalled = kept.detector;
        if !kept.title.is_empty() && self.engine.name(case).is_none() {
            self.open.title = kept.title;
        }
        self.open.view.wanted = kept.by;
        self.open.view.sort = kept.sort.unwrap_or_default();
        self.open.view.narrow = kept.narrow;
        self.compile_search();
        self.open.view.recall_thresholds(kept.thresholds);
    }

    /// Keeps in the case what the window shows.
    pub(super) fn keep_view(&mut self) {
        let Some(case) = self.open.case.clone() else { return };
        let kept = Kept {
            title: self.open.title.clone(),
            detector: self.open.view.ranking.as_ref().map(|r| r.report.detector),
            by: self.open.view.wanted,
            thresholds: self.open.view.thresholds(),
            narrow: self.open.view.narrow.clone(),
            sort: Some(self.open.view.sort),
        };
        let Ok(text) = serde_json::to_string(&kept) else { return };
        let engine = Arc::clone(&self.engine);
        self.write(move || {
            let failure = engine.set_setting(&case, KEPT, &text).err().map(|why| format!("threshold and search could not be kept in the case: {why}"));
            Written { keys: vec![], failure }
        });
    }

    /// Keeps what the analyst's window looks like; a home that cannot be written is no reason to bother anybody.
    pub(super) fn keep_prefs(&self) {
        if let Some(place) = self.prefs_place.clone() {
            let prefs = self.prefs.clone();
            self.write(move || {
                let _best_effort = prefs.write(&place).is_ok();
                Written { keys: vec![], failure: None }
            });
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_stem().or_else(|| path.file_name()).map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

fn with_ending(dir: &Path) -> PathBuf {
    if dir.extension().is_some_and(|e| e == "residue") { dir.to_owned() } else { PathBuf::from(format!("{}.residue", dir.display())) }
}
