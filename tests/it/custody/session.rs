//! Nothing leaks from case to case in one window: whatever was done in a first case, a second one shows and stores what it does in a window of its own.
//! Evidence, cases and their databases are real; only training is replaced by a ranking made from the plan, so that a plan that leaks ranks differently.

use residue::app::{
    BrowseCommand, CaseCommand, Command, Engine, Extracts, JobCommand, Mark, MarkCommand, NarrowCommand, PlanCommand, Real, SelectionCommand, Session, Show,
    Unsaved, ViewCommand, WindowCommand,
};
use residue::case::Case;
use residue::control::{Notice, RunError};
use residue::domain::{DetectorId, EventKey, Explain, Ledger, Plan, Preset, RankBy, Report, Stage, Subject, Verdict};
use residue::engine::jobs::Question;
use residue::engine::{Happening, Met, Ranking, Work};
use residue::export::Format;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_mins(1);
const KEYS: u64 = 6;

fn key(record: u64) -> EventKey {
    EventKey { source: 0, part: 0, record }
}

struct Silent;

impl Explain for Silent {
    fn explain(&self, _: usize) -> Vec<residue::domain::Contribution> {
        vec![]
    }
}

/// The engine itself, except that training is replaced, that saving can be made to fail, and that some jobs wait for the test.
struct Held {
    real: Real,
    refuse_save: Arc<AtomicBool>,
    /// Savings and looks for indicators wait for one word each.
    gate: Arc<Mutex<Receiver<()>>>,
}

fn ranking(plan: &Plan) -> Ranking {
    // Every choice of the plan moves the scores.
    let sum: u64 = format!("{plan:?}").bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 9_973);
    let subject = |n: u64| Subject {
        key: key(n),
        title: format!("subject {n}").into(),
        subject: "unique event".into(),
        score: (sum + n * 613 % 101) as f64,
        rarity: Some(n as f64),
        ..Subject::default()
    };
    let mut subjects: Vec<Subject> = (1..=KEYS).map(subject).collect();
    subjects.sort_by(|a, b| b.score.total_cmp(&a.score));
    let report = Report {
        detector: DetectorId::Fields,
        preset: Preset::Recommended,
        rank_by: RankBy::Recommended,
        stage: Stage::Final,
        threshold: subjects[1].score,
        model_id: String::new(),
        device: String::new(),
        curve: vec![],
        remarks: vec![],
        validation: None,
        subjects,
        run: String::new(),
    };
    Ranking { report: Arc::new(report), explain: Arc::new(Silent) }
}

impl Engine for Held {
    fn open(&self, paths: Vec<PathBuf>, into: Option<Case>, zone: Option<String>) -> Work {
        self.real.open(paths, into, zone)
    }
    fn unsaved(&self) -> Vec<Unsaved> {
        vec![]
    }
    fn recover(&self, dir: PathBuf) -> Work {
        self.real.recover(dir)
    }
    fn remove(&self, dir: PathBuf) {
        self.real.remove(dir);
    }
    fn discard(&self, case: Case) {
        self.real.discard(case);
    }
    fn demo(&self) -> Work {
        self.real.demo()
    }
    fn analyse(&self, _: Case, plan: Plan) -> Work {
        Box::new(move |_, emit| {
            emit.emit(Happening::Began(DetectorId::Fields));
            emit.emit(Happening::Ranked(ranking(&plan)));
            Ok(())
        })
    }
    fn ask(&self, case: Case, question: Question) -> Work {
        self.real.ask(case, question)
    }
    fn export(&self, case: Case, title: String, part: String, extracts: Extracts, files: Vec<(Format, PathBuf)>) -> Work {
        self.real.export(case, title, part, extracts, files)
    }
    fn indicators(&self, _: Case, _: PathBuf, _: Vec<Ranking>) -> Work {
        let gate = Arc::clone(&self.gate);
        Box::new(move |_, emit| {
            gate.lock().unwrap().recv().unwrap();
            emit.emit(Happening::Met(Met { listed: 1, events: 1, marks: vec![(key(1), vec!["evil.example".into()])] }));
            Ok(())
        })
    }
    fn import(&self, case: Case, path: PathBuf) -> Work {
        self.real.import(case, path)
    }
    fn save_as(&self, case: Case, dir: PathBuf) -> Work {
        let (gate, refuse, work) = (Arc::clone(&self.gate), Arc::clone(&self.refuse_save), self.real.save_as(case, dir));
        Box::new(move |control, emit| {
            gate.lock().unwrap().recv().unwrap();
            if refuse.load(Ordering::Acquire) { Err(RunError::failed("the disk is full")) } else { work(control, emit) }
        })
    }
    fn applies(&self, case: &Case) -> Vec<(DetectorId, Result<(), String>)> {
        self.real.applies(case)
    }
    fn sources(&self, case: &Case) -> Arc<Vec<Ledger>> {
        self.real.sources(case)
    }
    fn name(&self, case: &Case) -> Option<String> {
        self.real.name(case)
    }
    fn notices(&self, case: &Case) -> Vec<Notice> {
        self.real.notices(case)
    }
    fn marks(&self, case: &Case) -> Vec<(EventKey, Mark)> {
        self.real.marks(case)
    }
    fn annotate(&self, case: &Case, marks: &[(EventKey, Mark)]) -> Result<(), String> {
        self.real.annotate(case, marks)
    }
    fn setting(&self, case: &Case, key: &str) -> Option<String> {
        self.real.setting(case, key)
    }
    fn set_setting(&self, case: &Case, key: &str, value: &str) -> Result<(), String> {
        self.real.set_setting(case, key, value)
    }
    fn device(&self) -> String {
        "CPU".into()
    }
}

/// A window's session and what the test holds of its engine.
struct Seat {
    session: Session,
    woken: Receiver<()>,
    gate: Sender<()>,
    refuse_save: Arc<AtomicBool>,
}

impl Seat {
    fn new() -> Self {
        let (wake, woken) = mpsc::channel();
        let (gate, held) = mpsc::channel();
        let refuse_save = Arc::<AtomicBool>::default();
        let engine = Held { real: Real::new("CPU".into()), refuse_save: Arc::clone(&refuse_save), gate: Arc::new(Mutex::new(held)) };
        let wake = move || {
            // Nobody listens any more once the test is over.
            let _ = wake.send(());
        };
        Self { session: Session::new(Arc::new(engine), Arc::new(wake), None).unwrap(), woken, gate, refuse_save }
    }

    fn until(&mut self, what: &str, done: impl Fn(&Session) -> bool) {
        let begin = Instant::now();
        loop {
            while self.session.logic(Instant::now()) {}
            if done(&self.session) {
                return;
            }
            assert!(begin.elapsed() < LONG, "waited too long for {what}: {:?}, {:?}", self.session.activity, self.session.notices);
            // A word may have come before it was listened for.
            let _ = self.woken.recv_timeout(Duration::from_millis(200));
        }
    }

    fn settle(&mut self) {
        self.until("everything to settle", |s| {
            let open = &s.open;
            !s.activity.is_busy() && !open.view.is_building() && !open.drill.is_waiting() && open.marks.is_all_kept() && !open.browse.is_waiting()
        });
    }

    fn apply(&mut self, command: impl Into<Command>) {
        self.session.apply(command);
    }

    /// Saves, well or not, and says something of the case meanwhile.
    fn save(&mut self, dir: PathBuf, fails: bool, meanwhile: Vec<Command>) {
        self.refuse_save.store(fails, Ordering::Release);
        self.apply(CaseCommand::SaveAs(dir));
        for command in meanwhile {
            self.apply(command);
        }
        self.gate.send(()).unwrap();
        self.settle();
    }
}

/// A generator of numbers that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn evidence(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// One random step in a case; all of them leave something behind that must stay in it.
fn step(seat: &mut Seat, dice: &mut Dice, folder: &Path) {
    let record = 1 + dice.below(KEYS);
    let time = 1_600_000_000_000_000_000 + dice.below(9) as i64 * 86_400_000_000_000;
    match dice.below(16) {
        0 => seat.apply(JobCommand::Analyse),
        1 => seat.apply(MarkCommand::FlagEvent(key(record), true)),
        2 => seat.apply(MarkCommand::Note(key(record), format!("note {record}"))),
        3 => {
            seat.apply(SelectionCommand::Select(record as u32 - 1));
            seat.apply(MarkCommand::Label(if dice.below(2) == 0 { Verdict::Malicious } else { Verdict::Benign }));
        }
        4 => seat.apply(PlanCommand::Scope(Some((time, time + 1)))),
        5 => seat.apply(PlanCommand::KnownGoodBefore(Some(time))),
        6 => seat.apply(PlanCommand::UseAsBaseline(0, true)),
        7 => seat.apply(ViewCommand::DragThreshold(dice.below(10_000) as f64)),
        8 => seat.apply(ViewCommand::Threshold(dice.below(10_000) as f64)),
        9 => seat.apply(PlanCommand::Labels(Some(folder.join("labels.csv")))),
        10 => {
            let meanwhile = vec![MarkCommand::FlagEvent(key(record), true).into(), MarkCommand::Note(key(record), "said while it was saved".into()).into()];
            let dir = folder.join(format!("first-{}", dice.below(u64::MAX)));
            let fails = dice.below(2) == 0;
            seat.save(dir, fails, meanwhile);
        }
        11 => seat.apply(NarrowCommand::Search(format!("subject {record}"))),
        12 => seat.apply(ViewCommand::Sort(residue::app::Column::What)),
        13 => {
            seat.apply(BrowseCommand::ToggleEvents);
            seat.apply(BrowseCommand::SortEvents(residue::case::search::Column::EventId));
            seat.apply(BrowseCommand::ToggleEvents);
        }
        14 => {
            seat.apply(CaseCommand::EvidenceZone("Europe/Berlin".into()));
            seat.apply(PlanCommand::Preset(Preset::Published));
            seat.apply(PlanCommand::Choose(DetectorId::Groups, false));
        }
        _ => {
            seat.apply(NarrowCommand::Show(Show::Flagged));
            seat.apply(WindowCommand::ExportForm(Box::new(residue::app::ExportForm { path: "elsewhere".into(), ..Default::default() })));
        }
    }
    if dice.below(3) > 0 {
        seat.settle();
    }
}

/// What is done in the second case, whatever was before, and everything it then shows and stores.
fn second(seat: &mut Seat, paths: &[PathBuf]) -> String {
    seat.apply(CaseCommand::Open(paths.to_vec()));
    seat.settle();
    let mut seen = shows(seat);
    seat.apply(JobCommand::Analyse);
    seat.settle();
    seen += &shows(seat);
    seat.apply(SelectionCommand::Select(0));
    seat.apply(MarkCommand::ToggleFlag);
    seat.apply(ViewCommand::Nudge(3.0));
    seat.apply(BrowseCommand::ToggleEvents);
    seat.settle();
    seen += &shows(seat);
    seat.apply(BrowseCommand::ToggleEvents);
    seat.settle();
    seen + &shows(seat)
}

fn shows(seat: &Seat) -> String {
    let (s, o) = (&seat.session, &seat.session.open);
    let mut text = String::new();
    let mut put = |what: &str, value: &dyn std::fmt::Debug| writeln!(text, "{what}: {value:?}").unwrap();
    put("title", &o.title);
    put("dialog", &s.dialog);
    put("notices", &s.notices);
    put("sources", &o.sources.iter().map(|source| (&source.path, source.events, &source.zone)).collect::<Vec<_>>());
    put("choices", &o.choices);
    put("plan", &s.plan_now());
    put("readiness", &o.readiness);
    put("rankings", &o.rankings.iter().map(|(d, r)| (d, &r.report.subjects)).collect::<Vec<_>>());
    let v = &o.view;
    put("view", &(v.by, v.wanted, v.threshold, &v.narrow, v.sort, v.selected, v.total(), v.shown(), v.above(), &v.suppressed));
    put("rows", &(0..v.shown()).map(|row| v.at_row(row)).collect::<Vec<_>>());
    put("search", &(&s.searched(), &o.search_fault));
    put("marks", &(1..=KEYS).map(|n| o.marks.get(key(n)).cloned()).collect::<Vec<_>>());
    put("flagged", &(o.marks.flagged().len(), s.labels(), o.marks.tags()));
    put("undo", &(o.undo.can_undo(), o.undo.can_redo()));
    put("rules", &(o.rules.rules(), &o.ordinary));
    put("drill", &(o.drill.asked, o.drill.subject, o.drill.answered().map(|a| (&a.event, &a.around)), o.drill.ordinary, &o.drill.failure));
    let b = &o.browse;
    put("browse", &(b.open, &b.search, b.time, b.sort, b.descending, b.grouping, b.selected, &b.fault, b.found.first));
    put("lines", &b.found.lines.iter().map(|line| line.key).collect::<Vec<_>>());
    put("dialogs", &(&o.export, &o.mapping, o.compared.len(), o.combined.fused.len(), o.curve.len(), o.lexicon.chosen));
    if let Some(case) = s.case() {
        let real = Real::new(String::new());
        let mut stored = real.marks(case);
        stored.sort_by_key(|(key, _)| (key.source, key.part, key.record));
        put("stored marks", &stored);
        put("stored rules", &real.rules(case));
    }
    text
}

/// The first line that differs, for people.
fn differs(seed: u64, alone: &str, after: &str) {
    let line = alone.lines().zip(after.lines()).find(|(a, b)| a != b);
    assert!(
        alone == after,
        "seed {seed}: the second case is not what it is in a window of its own\nalone {:?}\nafter {:?}",
        line.map(|l| l.0),
        line.map(|l| l.1)
    );
}

/// A case on disk that was worked in and closed, of the same name in every folder.
fn kept(folder: &Path) -> PathBuf {
    let mut seat = Seat::new();
    seat.apply(CaseCommand::Open(vec![evidence("evtxecmd.csv")]));
    seat.settle();
    seat.apply(MarkCommand::Note(key(2), "kept before".into()));
    seat.settle();
    let dir = folder.join("second.residue");
    seat.save(dir.clone(), false, vec![]);
    seat.apply(CaseCommand::Close);
    dir
}

#[test]
fn what_a_case_shows_and_stores_does_not_depend_on_the_case_before() {
    for seed in 0..40 {
        let (mut dice, folder) = (Dice(seed), tempfile::tempdir().unwrap());
        let [alone, after] = ["alone", "after"].map(|name| folder.path().join(name));
        std::fs::create_dir_all(&alone).unwrap();
        std::fs::create_dir_all(&after).unwrap();
        let as_case = dice.below(2) == 0;
        let what = |home: &Path| if as_case { vec![kept(home)] } else { vec![evidence("evtxecmd.csv")] };
        let expected = second(&mut Seat::new(), &what(&alone));
        let paths = what(&after);
        let mut seat = Seat::new();
        for _ in 0..=dice.below(2) {
            seat.apply(CaseCommand::Open(vec![evidence("sysmon.csv")]));
            seat.settle();
            for _ in 0..4 + dice.below(12) {
                step(&mut seat, &mut dice, folder.path());
            }
            seat.apply(CaseCommand::Close);
        }
        differs(seed, &expected, &second(&mut seat, &paths));
    }
}

#[test]
fn what_was_asked_of_a_closed_case_does_not_reach_the_next() {
    let mut seat = Seat::new();
    seat.apply(CaseCommand::Open(vec![evidence("sysmon.csv")]));
    seat.settle();
    seat.apply(JobCommand::Indicators("list.txt".into()));
    seat.apply(CaseCommand::Close);
    seat.apply(CaseCommand::Open(vec![evidence("evtxecmd.csv")]));
    seat.settle();
    seat.gate.send(()).unwrap();
    seat.until("a word about the closed case", |s| s.notices.iter().any(|n| n.text.contains("of sysmon, closed meanwhile")));
    assert!(seat.session.open.marks.is_empty() && !seat.session.open.undo.can_undo(), "indicators of another case were marked here");
    assert_eq!(seat.session.open.view.narrow.search, "");
}

#[test]
fn what_is_said_while_a_case_is_saved_is_in_the_saved_one_and_nowhere_else_when_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut seat = Seat::new();
    seat.apply(CaseCommand::Open(vec![evidence("sysmon.csv")]));
    seat.settle();
    seat.save(folder.path().join("good"), false, vec![MarkCommand::FlagEvent(key(1), true).into()]);
    let case = seat.session.case().unwrap().clone();
    assert!(!case.is_scratch());
    assert_eq!(Real::new(String::new()).marks(&case).len(), 1);
    seat.save(folder.path().join("bad"), true, vec![MarkCommand::FlagEvent(key(2), true).into()]);
    seat.apply(CaseCommand::Close);
    drop(case);
    seat.apply(CaseCommand::Open(vec![evidence("evtxecmd.csv")]));
    seat.settle();
    assert!(seat.session.open.marks.is_empty());
    assert!(Real::new(String::new()).marks(seat.session.case().unwrap()).is_empty());
}
