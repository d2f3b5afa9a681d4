//! Commands that start work.

use crate::app::command::{Command, ExportOrder, Wish};
use crate::app::export::{Shown, as_shown, elsewhere};
use crate::app::pace::Activity;
use crate::app::session::Session;
use crate::app::writer::Written;
use crate::control::{Notice, Severity};
use crate::engine::{self, Extract, Ranking};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
            other => self.apply_plan(other),
        }
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

fn with_ending(dir: &Path) -> PathBuf {
    if dir.extension().is_some_and(|e| e == "residue") { dir.to_owned() } else { PathBuf::from(format!("{}.residue", dir.display())) }
}
