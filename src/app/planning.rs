//! What *Analyse* will run: detectors, settings and baselines.

use crate::app::command::Command;
use crate::app::session::{Readiness, Session};
use crate::control::{Notice, Severity};
use crate::domain::{DetectorId, Plan, RankBy, Threshold};
use std::path::PathBuf;

impl Session {
    pub(super) fn apply_plan(&mut self, command: Command) {
        match command {
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
            _ => {}
        }
    }

    /// The plan that *Analyse* runs: chosen detectors that can run, and every baseline.
    #[must_use]
    pub fn plan_now(&self) -> Plan {
        let can = |d: &DetectorId| !matches!(self.readiness.get(d), Some(Readiness::Cannot(_)));
        let mut plan = self.plan.clone();
        let all_chosen = DetectorId::ALL.iter().all(|d| self.chosen.contains(d));
        plan.detectors = if all_chosen { vec![] } else { self.chosen.iter().copied().filter(can).collect() };
        plan.baseline.extend(self.known_good.iter().cloned());
        plan.rank_by = RankBy::usual(plan.preset);
        plan.threshold = Threshold::default();
        plan
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
}
