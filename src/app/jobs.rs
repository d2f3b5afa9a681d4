//! Commands that start work, and what follows from a case being opened.

use crate::app::command::{Command, ExportOrder, Wish};
use crate::app::drill::Drill;
use crate::app::export::{Shown, as_shown, elsewhere};
use crate::app::pace::Activity;
use crate::app::rows::{Narrow, Sort};
use crate::app::session::{Readiness, Session};
use crate::app::writer::Written;
use crate::case::Case;
use crate::control::{Notice, Severity};
use crate::domain::{DetectorId, Plan, Preset, RankBy, Suppression, Threshold};
use crate::engine::{self, Extract, Ranking};
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
    pub(super) fn apply_job(&mut self, command: Command) {
        match command {
            Command::Open(paths) => self.open(paths),
            Command::Recover(dir) => {
                self.close();
                self.title = "Unsaved case".into();
                self.unsaved.retain(|u| u.dir != dir);
                let work = self.engine.recover(dir);
                self.run("Opening", work);
            }
            Command::Remove(dir) => {
                self.unsaved.retain(|u| u.dir != dir);
                let engine = Arc::clone(&self.engine);
                self.writer.write(move || {
                    engine.remove(dir);
                    Written { keys: vec![], failure: None }
                });
            }
            Command::Demo => {
                self.close();
                self.is_demo = true;
                self.title = "Demo case".into();
                self.auto_analyse = true;
                let work = self.engine.demo();
                self.run("Opening", work);
                self.dialog = None;
            }
            Command::ExportEvents(path) => self.export_events(path),
            Command::CompareNetworks => self.compare_networks(),
            Command::MapColumns(source) => self.map_columns(source),
            Command::Mapping(mapping) => {
                if let Some(form) = &mut self.mapping {
                    form.mapping = *mapping;
                }
            }
            Command::ReadMapped { as_told } => self.read_mapped(as_told),
            Command::SaveAs(dir) => {
                if let Some(case) = self.case.clone() {
                    let work = self.engine.save_as(case, with_ending(&dir));
                    self.run("Saving", work);
                    self.dialog = None;
                }
            }
            Command::CloseCase => self.close(),
            Command::Analyse => self.analyse(),
            Command::Cancel => {
                if let Activity::Busy(word) = self.activity {
                    self.jobs.cancel();
                    self.activity = Activity::Stopping(word);
                    self.auto_analyse = false;
                }
            }
            Command::Export(order) => self.export(order),
            Command::Verify => {
                if let Some(case) = self.case.clone() {
                    self.dialog = None;
                    let work = self.engine.verify(case);
                    self.run("Verifying", work);
                }
            }
            Command::ImportAnnotations(path) => {
                if let Some(case) = self.case.clone() {
                    self.dialog = None;
                    self.side.submit(self.engine.import(case, path));
                }
            }
            Command::Indicators(path) => {
                if self.exporting {
                    self.say("the last export is still being written");
                } else if let Some(case) = self.case.clone() {
                    self.dialog = None;
                    self.say("indicators are looked for");
                    self.side.submit(self.engine.indicators(case, path, self.rankings.values().cloned().collect()));
                }
            }
            Command::SaveBaseline(out, description) => {
                let plan = self.plan_now();
                if plan.baseline.is_empty() {
                    self.notice(Notice {
                        severity: Severity::Warning,
                        text: "nothing is known-good yet: tick sources at the left, or add a baseline, and save then".into(),
                    });
                    return;
                }
                if out.exists() {
                    self.notice(Notice { severity: Severity::Warning, text: format!("that file exists; choose another name: {}", out.display()) });
                    return;
                }
                self.dialog = None;
                let work = self.engine.save_baseline(plan, description, out);
                self.run("Saving a baseline", work);
            }
            Command::AddBaseline(paths) => {
                for path in paths {
                    if !self.plan.baseline.contains(&path) {
                        self.plan.baseline.push(path);
                    }
                }
                self.say("baseline added; analyse to learn from it");
            }
            Command::DropBaseline(path) => self.plan.baseline.retain(|p| *p != path),
            Command::UseAsBaseline(source, on) => {
                let Some(path) = self.sources.get(source).map(|s| PathBuf::from(&s.path)) else { return };
                if on {
                    self.known_good.insert(path);
                } else {
                    self.known_good.remove(&path);
                }
            }
            Command::Choose(detector, true) => drop(self.chosen.insert(detector)),
            Command::Choose(detector, false) => drop(self.chosen.remove(&detector)),
            Command::Preset(preset) => self.plan.preset = preset,
            Command::Compute(compute) => self.plan.compute = compute,
            Command::Prior(on) => self.plan.prior = on,
            Command::Settings(settings) => self.plan.settings = *settings,
            Command::GoTo(detector, key) => {
                self.apply_job(Command::ShowDetector(detector));
                let at = self.view.ranking.as_ref().and_then(|r| r.report.subjects.iter().position(|s| s.key == key));
                self.view.selected = at.map(|i| i as u32);
                self.dialog = None;
                self.look_at_selection();
            }
            Command::ShowDetector(detector) => {
                if let Some(ranking) = self.rankings.get(&detector).cloned() {
                    self.view.selected = None;
                    self.show(ranking);
                    self.wishes.push(Wish::Reveal);
                    self.keep_view();
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, paths: Vec<PathBuf>) {
        let Some(first) = paths.first().cloned() else { return };
        self.dialog = None;
        self.prefs.opened(&first);
        self.keep_prefs();
        let is_case = paths.len() == 1 && first.extension().is_some_and(|e| e == "residue");
        if is_case {
            self.close();
        }
        self.is_demo = false;
        if self.title.is_empty() {
            self.title = name_of(&first);
        }
        self.opened_files = paths.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
        let zone = Some(self.evidence_zone.clone()).filter(|z| z != "UTC");
        let work = self.engine.open(paths, self.case.clone(), zone);
        self.run("Opening", work);
    }

    fn close(&mut self) {
        self.jobs.cancel();
        self.activity = Activity::Idle;
        // A demo that was only looked at leaves nothing behind.
        let untouched = std::mem::take(&mut self.is_demo) && self.marks.is_empty();
        // A million subjects, and what was said of them, take a while to be freed: where the next case is opened, before it is.
        let (gone, wait) = std::sync::mpsc::channel::<()>();
        let left = (std::mem::take(&mut self.marks), std::mem::take(&mut self.rankings), std::mem::take(&mut self.fused));
        let (case, seen) = (self.case.take(), (self.view.ranking.take(), self.view.order.take(), left));
        if let Some(case) = &case {
            if untouched {
                self.engine.discard(case.clone());
            }
            self.find_unsaved(Some(wait));
        }
        self.sources = Arc::default();
        self.title.clear();
        self.view.clear();
        self.readiness.clear();
        self.known_good.clear();
        self.plan.baseline.clear();
        self.drill = Drill::default();
        self.marks_read.forget();
        self.flagged_counted.forget();
        let listed = self.browse.clear();
        self.rules = Arc::default();
        self.findings = Arc::default();
        self.findings_read.forget();
        self.fusing.forget();
        self.covering.forget();
        self.coverage = None;
        self.compared.clear();
        self.fusion = None;
        self.undo.clear();
        self.search = None;
        self.search_fault = None;
        (self.curve, self.curve_of) = (vec![], None);
        (self.notices, self.seen_notices) = (vec![], 0);
        self.export = crate::app::export::ExportForm::default();
        self.auto_analyse = false;
        // The job worker's newest job must be an idle one, or what it still says would be heard. What is captured goes in this order.
        let parting = (case, seen, listed, gone);
        self.jobs.submit(Box::new(move |_, _| {
            drop(parting);
            Ok(())
        }));
    }

    /// Looks for unsaved cases, on a thread: it reads folders. Waits for a case that is being closed, if told to.
    pub(super) fn find_unsaved(&mut self, closed: Option<Receiver<()>>) {
        let engine = Arc::clone(&self.engine);
        self.unsaved_found.start(move |_| {
            // Nothing is ever sent: the case is closed when the other end goes.
            let _closed = closed.map(|closed| closed.recv());
            Some(engine.unsaved())
        });
    }

    /// Hears that a case is open; the same case is announced again when more of its evidence was read.
    pub(super) fn opened(&mut self, case: Case) {
        let fresh = self.case.is_none();
        let sources = self.engine.sources(&case);
        if self.sources.iter().zip(sources.iter()).any(|(old, new)| old != new) {
            self.forget_rankings();
        }
        self.sources = sources;
        self.read_marks(&case);
        if fresh {
            match self.engine.rules(&case) {
                Ok(rules) => self.rules = Arc::new(Suppression::new(rules)),
                Err(text) => self.notice(Notice { severity: Severity::Error, text }),
            }
        }
        // While nothing is read yet, nothing can be said of any detector.
        let applies = if self.sources.is_empty() { vec![] } else { self.engine.applies(&case) };
        for (detector, applies) in applies {
            self.readiness.insert(detector, applies.map_or_else(Readiness::Cannot, |()| Readiness::Ready));
        }
        if let Some(name) = self.engine.name(&case) {
            self.title = name;
        }
        if fresh {
            for notice in self.engine.notices(&case) {
                self.notice(notice);
            }
            self.recall(&case);
        }
        self.case = Some(case);
        self.events_changed();
        self.coverage = None;
        self.cover();
        self.find_rules();
        self.refilter(true);
        // What was said while the case was being saved went into the old one alone.
        let late = std::mem::take(&mut self.late);
        if !late.is_empty() {
            self.say_marks(late);
        }
    }

    /// Rankings count sources by their place in the ledger; where added evidence moved them, the rankings no longer hold.
    fn forget_rankings(&mut self) {
        if !self.rankings.is_empty() {
            self.rankings.clear();
            self.view.clear();
            self.drill = Drill::default();
            self.undo.clear();
            self.notice(Notice {
                severity: Severity::Info,
                text: "the evidence has changed: analyse again to rank all of it; flags and notes are kept".into(),
            });
        }
    }

    /// Brings back what the case remembers of the window.
    fn recall(&mut self, case: &Case) {
        let Some(kept) = self.engine.setting(case, KEPT).and_then(|text| serde_json::from_str::<Kept>(&text).ok()) else { return };
        self.recalled = kept.detector;
        if !kept.title.is_empty() && self.engine.name(case).is_none() {
            self.title = kept.title;
        }
        self.view.wanted = kept.by;
        self.view.sort = kept.sort.unwrap_or_default();
        self.view.narrow = kept.narrow;
        self.compile_search();
        self.view.recall_thresholds(kept.thresholds);
    }

    /// Keeps in the case what the window shows.
    pub(super) fn keep_view(&mut self) {
        let Some(case) = self.case.clone() else { return };
        let kept = Kept {
            title: self.title.clone(),
            detector: self.view.ranking.as_ref().map(|r| r.report.detector),
            by: self.view.wanted,
            thresholds: self.view.thresholds(),
            narrow: self.view.narrow.clone(),
            sort: Some(self.view.sort),
        };
        let Ok(text) = serde_json::to_string(&kept) else { return };
        let engine = Arc::clone(&self.engine);
        self.writer.write(move || {
            let failure = engine.set_setting(&case, KEPT, &text).err().map(|why| format!("threshold and search could not be kept in the case: {why}"));
            Written { keys: vec![], failure }
        });
    }

    /// Keeps what the analyst's window looks like; a home that cannot be written is no reason to bother anybody.
    pub(super) fn keep_prefs(&self) {
        if let Some(place) = self.prefs_place.clone() {
            let prefs = self.prefs.clone();
            self.writer.write(move || {
                let _best_effort = prefs.write(&place).is_ok();
                Written { keys: vec![], failure: None }
            });
        }
    }

    pub(super) fn analyse(&mut self) {
        let Some(case) = self.case.clone() else { return };
        let plan = self.plan_now();
        if plan.detectors.is_empty() && self.chosen.is_empty() {
            self.notice(Notice { severity: Severity::Warning, text: "no detector is chosen; tick one in the list at the left".into() });
            return;
        }
        self.dialog = None;
        let work = self.engine.analyse(case, plan);
        self.run("Analysing", work);
    }

    fn export_events(&mut self, path: PathBuf) {
        let (Some(case), Some((events, rows))) = (self.case.clone(), self.browse.listed()) else { return };
        if self.exporting {
            self.say("the last export is still being written");
        } else if path.exists() {
            self.notice(Notice { severity: Severity::Warning, text: format!("that file exists; choose another name: {}", path.display()) });
        } else {
            (self.dialog, self.exporting) = (None, true);
            self.say("events are written");
            self.side.submit(self.engine.export_events(case, events, rows, path));
        }
    }

    fn compare_networks(&mut self) {
        let Some(case) = self.case.clone() else { return };
        self.compared.clear();
        let work = self.engine.compare(case, self.plan_now());
        self.run("Comparing networks", work);
    }

    /// The plan that *Analyse* runs: chosen detectors that can run, and every baseline.
    #[must_use]
    pub fn plan_now(&self) -> Plan {
        let can = |d: &DetectorId| !matches!(self.readiness.get(d), Some(Readiness::Cannot(_)));
        let mut plan = self.plan.clone();
        let all_chosen = DetectorId::ALL.iter().all(|d| self.chosen.contains(d));
        plan.detectors = if all_chosen { vec![] } else { self.chosen.iter().copied().filter(can).collect() };
        plan.baseline.extend(self.known_good.iter().cloned());
        plan.rank_by = if plan.preset == Preset::Published { RankBy::Loss } else { RankBy::Recommended };
        plan.threshold = Threshold::default();
        plan
    }

    fn export(&mut self, order: ExportOrder) {
        let (Some(shown), Some(case)) = (Shown::of(&self.view, &self.marks), self.case.clone()) else { return };
        let files: Vec<PathBuf> = order.files.iter().map(|(_, path)| path.clone()).collect();
        let refusal = if files.is_empty() {
            Some("choose a format and a path".to_owned())
        } else if self.exporting {
            Some("the last export is still being written".to_owned())
        } else {
            files
                .iter()
                .find(|f| f.parent().is_some_and(|p| !p.as_os_str().is_empty() && !p.is_dir()))
                .map(|f| format!("there is no such folder: {}", f.parent().unwrap_or(f).display()))
        };
        self.export.refusal = refusal;
        if self.export.refusal.is_some() {
            return;
        }
        self.export.existing = files.iter().filter(|f| f.exists()).cloned().collect();
        if !self.export.existing.is_empty() && !order.replace {
            return;
        }
        let (threshold, suppressed) = (self.view.threshold, self.view.suppressed.iter().sum::<usize>() as u64);
        self.exporting = true;
        self.dialog = None;
        self.export.existing.clear();
        let many = order.files.iter().any(|(f, _)| f.holds_many());
        let others: Vec<Ranking> = self.rankings.values().filter(|r| many && r.report.detector != shown.ranking.report.detector).cloned().collect();
        let (rules, sources, annotations) = (Arc::clone(&self.rules), Arc::clone(&self.sources), case.annotations());
        let extracts = Box::new(move || {
            let (ranking, which) = as_shown(&shown.ranking, &shown.order, threshold, &shown.positions(order.which));
            let mut extracts = vec![Extract { ranking, which, suppressed }];
            if let Some(part) = elsewhere(order.which) {
                extracts.extend(others.iter().map(|other| engine::extract(other, part, &rules, &annotations, &sources)));
            }
            extracts
        });
        let part = order.which.title().to_lowercase();
        self.side.submit(self.engine.export(case, self.title.clone(), part, extracts, order.files));
    }

    /// Where an export goes unless the analyst says otherwise: beside the evidence's case, named by detector.
    pub(super) fn export_stem(&self) -> PathBuf {
        let detector = self.view.ranking.as_ref().map_or("ranking", |r| r.report.detector.name());
        // The current folder comes last: it may be the evidence's.
        let user = directories::UserDirs::new();
        let documents = user.as_ref().and_then(|d| d.document_dir().map(Path::to_owned)).filter(|d| d.is_dir());
        let folder = documents.or_else(|| user.map(|d| d.home_dir().to_owned())).or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        folder.join(format!("ranking-{detector}"))
    }
}

fn name_of(path: &Path) -> String {
    path.file_stem().or_else(|| path.file_name()).map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

fn with_ending(dir: &Path) -> PathBuf {
    if dir.extension().is_some_and(|e| e == "residue") { dir.to_owned() } else { PathBuf::from(format!("{}.residue", dir.display())) }
}
