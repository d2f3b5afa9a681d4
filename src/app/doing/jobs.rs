//! Commands that start work, or stop it.

use crate::app::command::JobCommand;
use crate::app::pace::{Activity, Job};
use crate::app::session::Session;
use std::path::PathBuf;

impl Session {
    pub(super) fn apply_job(&mut self, command: JobCommand) {
        match command {
            JobCommand::Analyse => self.analyse(),
            JobCommand::Cancel => self.cancel(),
            JobCommand::CompareNetworks => self.compare_networks(),
            JobCommand::Verify => self.verify(),
            JobCommand::SaveBaseline(out, description) => self.save_baseline(out, description),
            JobCommand::Indicators(path) => self.look_for_indicators(path),
            JobCommand::ImportAnnotations(path) => self.import_annotations(path),
            JobCommand::Export(order) => self.export(order),
            JobCommand::ExportEvents(path) => self.export_events(path),
        }
    }

    fn cancel(&mut self) {
        if let Activity::Busy(job) = self.activity {
            self.jobs.cancel();
            self.activity = Activity::Stopping(job);
            self.open.auto_analyse = false;
        }
    }

    fn verify(&mut self) {
        if let Some(case) = self.open.case.clone() {
            self.dialog = None;
            let work = self.engine.verify(case);
            self.run(Job::Verifying, work);
        }
    }

    fn import_annotations(&mut self, path: PathBuf) {
        if let Some(case) = self.open.case.clone() {
            self.dialog = None;
            let work = self.engine.import(case, path);
            self.aside(work);
        }
    }

    fn look_for_indicators(&mut self, path: PathBuf) {
        if self.exporting {
            self.say("the last export is still being written");
        } else if let Some(case) = self.open.case.clone() {
            self.dialog = None;
            self.say("indicators are looked for");
            let work = self.engine.indicators(case, path, self.open.rankings.values().cloned().collect());
            self.aside(work);
        }
    }

    fn compare_networks(&mut self) {
        let Some(case) = self.open.case.clone() else { return };
        self.open.compared.clear();
        let work = self.engine.compare(case, self.plan_now());
        self.run(Job::Comparing, work);
    }
}
