//! What *Analyse* will run: detectors, settings and baselines.

use crate::app::command::PlanCommand;
use crate::app::open::Readiness;
use crate::app::pace::Job;
use crate::app::session::Session;
use crate::control::{Notice, Severity};
use crate::domain::{DetectorId, Plan, RankBy, Threshold};
use std::path::PathBuf;

impl Session {
    pub(super) fn apply_plan(&mut self, command: PlanCommand) {
        match command {
            PlanCommand::AddBaseline(paths) => {
                for path in paths {
                    if !self.open.choices.plan.baseline.contains(&path) {
                        self.open.choices.plan.baseline.push(path);
                    }
                }
                self.say("baseline added; analyse to learn from it");
            }
            PlanCommand::DropBaseline(path) => self.open.choices.plan.baseline.retain(|p| *p != path),
            PlanCommand::UseAsBaseline(source, on) => {
                let Some(path) = self.open.sources.get(source).map(|s| PathBuf::from(&s.path)) else { return };
                if on {
                    self.open.choices.known_good.insert(path);
                } else {
                    self.open.choices.known_good.remove(&path);
                }
            }
            PlanCommand::Choose(detector, true) => drop(self.open.choices.chosen.insert(detector)),
            PlanCommand::Choose(detector, false) => drop(self.open.choices.chosen.remove(&detector)),
            PlanCommand::Preset(preset) => self.open.choices.plan.preset = preset,
            PlanCommand::Compute(compute) => self.open.choices.plan.compute = compute,
            PlanCommand::Prior(on) => self.open.choices.plan.prior = on,
            PlanCommand::Settings(settings) => self.open.choices.plan.settings = *settings,
            PlanCommand::Labels(path) => self.open.choices.plan.labels = path,
            PlanCommand::Scope(scope) => {
                let plan = &mut self.open.choices.plan;
                (plan.scope.from, plan.scope.to) = (scope.map(|(from, _)| from), scope.map(|(_, to)| to));
                self.say("taken up by the next Analyse");
            }
            PlanCommand::KnownGoodBefore(time) => {
                self.open.choices.plan.known_good_before = time;
                self.say("taken up by the next Analyse");
            }
        }
    }

    pub(super) fn save_baseline(&mut self, out: PathBuf, description: String) {
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
        self.run(Job::SavingBaseline, work);
    }

    /// The plan that *Analyse* runs: chosen detectors that can run, and every baseline.
    #[must_use]
    pub fn plan_now(&self) -> Plan {
        let can = |d: &DetectorId| !matches!(self.open.readiness.get(d), Some(Readiness::Cannot(_)));
        let mut plan = self.open.choices.plan.clone();
        let all_chosen = DetectorId::ALL.iter().all(|d| self.open.choices.chosen.contains(d));
        plan.detectors = if all_chosen { vec![] } else { self.open.choices.chosen.iter().copied().filter(can).collect() };
        plan.baseline.extend(self.open.choices.known_good.iter().cloned());
        plan.rank_by = RankBy::usual(plan.preset);
        plan.threshold = Threshold::default();
        plan
    }

    pub(super) fn analyse(&mut self) {
        let Some(case) = self.open.case.clone() else { return };
        let plan = self.plan_now();
        if plan.detectors.is_empty() && self.open.choices.chosen.is_empty() {
            self.notice(Notice { severity: Severity::Warning, text: "no detector is chosen; tick one in the list at the left".into() });
            return;
        }
        self.dialog = None;
        let work = self.engine.analyse(case, plan);
        self.run(Job::Analysing, work);
    }
}
